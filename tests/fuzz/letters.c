/*
 * What filters ask of a text in all alphabets: letters.h, link.h, json_string.h. The input is
 * numbers for it, and any bytes; what only UTF-8 promises is asked of their clean form.
 *
 *   - what does not count makes no difference to the gist, and neither do capitals
 *   - small letters are small, as many as before, and fit where they must
 *   - links are found from the left to the right, each once, and their hosts are in the text
 *   - a JSON string is ASCII, is read back as the text, and is cut where it must be
 */
#include "letters.h"

#include "fuzz.h"
#include "json_string.h"
#include "link.h"
#include "text.h"

#include <jansson.h>
#include <stdlib.h>

static bool same_gist(struct str a, struct str b, uint64_t seed)
{
    uint64_t first = 0;
    uint64_t second = 0;
    bool any = letters_gist(a, seed, &first);
    return any == letters_gist(b, seed, &second) && (!any || first == second);
}

/* Spaces and dots stand between all characters now. */
static struct str spread(struct str text, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (((unsigned char)text.data[i] & 0xc0) != 0x80)
            out[used++] = i % 2 ? ' ' : '.';
        out[used++] = text.data[i];
    }
    return str_from(out, used);
}

static void check_letters(struct str text, uint64_t seed)
{
    char *small = fuzz_must(malloc(LETTERS_LOWER_MAX(text.size) + 1));
    char *wide = fuzz_must(malloc(text.size * 2 + 1));
    struct letters_count before = letters_count(text);
    struct str lower = str_from(small, letters_lower(text, small));
    fuzz_check(lower.size <= LETTERS_LOWER_MAX(text.size), "%zu bytes of %zu", lower.size,
               text.size);
    fuzz_check(before.capitals <= before.letters && before.letters <= text.size,
               "%zu letters, %zu capitals", before.letters, before.capitals);
    fuzz_check(fuzz_is_clean(lower) || !fuzz_is_clean(text), "\"" STR_FMT "\"", STR_ARG(lower));
    fuzz_check(same_gist(text, lower, seed), "its small letters say another thing");
    fuzz_check(same_gist(text, spread(text, wide), seed), "spread, it says another thing");
    free(small);
    free(wide);
}

static void check_links(struct str text)
{
    struct link link;
    size_t from = 0;
    while (link_next(text, from, &link)) {
        fuzz_check(link.behind > from && link.behind <= text.size, "from %zu to %zu of %zu", from,
                   link.behind, text.size);
        fuzz_check((link.fault == LINK_PLAIN) == (link.host.size > 0) &&
                       link.host.size <= LINK_HOST_MAX,
                   "fault %d, %zu bytes", (int)link.fault, link.host.size);
        fuzz_check(link.host.size == 0 ||
                       (link.host.data >= text.data + from &&
                        link.host.data + link.host.size <= text.data + text.size),
                   "a host from elsewhere");
        from = link.behind;
    }
}

/* What is left of a text whose JSON was cut. */
static struct str without_dots(struct str s, bool cut)
{
    fuzz_check(!cut || (s.size >= 3 && memcmp(s.data + s.size - 3, "...", 3) == 0), "no dots");
    return str_from(s.data, cut ? s.size - 3 : s.size);
}

static void check_json(struct str text, size_t most)
{
    char *out = fuzz_must(malloc(JSON_STRING_MAX(text.size)));
    size_t whole = json_string_write(text, SIZE_MAX, out);
    size_t size = json_string_write(text, most, out);
    bool cut = whole - 2 > most;
    fuzz_check(size <= most + 5 && (cut || size == whole), "%zu bytes, of %zu, %zu at most", size,
               whole, most);
    for (size_t i = 0; i < size; i++)
        fuzz_check(out[i] >= 0x20 && out[i] < 0x7f, "byte %02x", (unsigned char)out[i]);
    json_t *value = json_loadb(out, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    fuzz_check(json_is_string(value), "no JSON: %.*s", (int)size, out);
    struct str read = str_from(json_string_value(value), json_string_length(value));
    struct str kept = without_dots(read, cut);
    fuzz_check(cut ? str_starts_with(text, kept) : str_equal(text, kept),
               "\"" STR_FMT "\" reads \"" STR_FMT "\"", STR_ARG(text), STR_ARG(read));
    json_decref(value);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint64_t seed = fuzz_byte(&in);
    size_t most = fuzz_byte(&in);
    struct text_repairs ignored = {0};
    struct str rest = fuzz_rest(&in);
    char *copy = fuzz_copy(rest);
    struct str raw = str_from(copy, rest.size);
    char *memory = fuzz_must(malloc(TEXT_CLEAN_MAX(raw.size) + 1));
    struct str clean = text_clean(raw, memory, &ignored);
    check_letters(clean, seed);
    check_links(raw);
    check_json(clean, most);
    char *out = fuzz_must(malloc(LETTERS_LOWER_MAX(raw.size) + JSON_STRING_MAX(raw.size)));
    letters_lower(raw, out);
    letters_count(raw);
    json_string_write(raw, most, out);
    free(out);
    free(memory);
    free(copy);
    return 0;
}
