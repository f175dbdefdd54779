/*
 * Word sets (plugins/word_set.h) against themselves: what many entries find together must be what
 * each of them finds alone, the earliest, and of those the longest; a mask is what finding goes
 * over; and the form in which Unicode writes a text makes no difference.
 *
 * The input is the entries, one a line, then RS (0x1e) and the text, which may be no UTF-8 at all.
 */
#include "fuzz.h"
#include "word_set.h"

#include <errno.h>
#include <stdlib.h>
#include <uninorm.h>
#include <unistr.h>

enum { RECORD = 0x1e, ENTRIES = 12 };

static struct {
    struct word_set *all;
    struct word_set *alone[ENTRIES];
    struct str entries[ENTRIES];
    size_t count;
} game;

/* NULL if the list is refused; then there is a sentence. */
static struct word_set *compile(const struct str *entries, size_t count)
{
    char why[512] = "";
    struct word_set *set = NULL;
    int rc = word_set_new(&set, entries, count, why, sizeof why);
    fuzz_check(rc == (set ? 0 : -EINVAL) && (set || *why), "%d, with \"%s\"", rc, why);
    return set;
}

/* A list is refused if one of its entries is. */
static bool compile_all(void)
{
    bool good = true;
    for (size_t i = 0; i < game.count; i++) {
        game.alone[i] = compile(&game.entries[i], 1);
        good &= game.alone[i] != NULL;
    }
    game.all = compile(game.entries, game.count);
    fuzz_check(good == (game.all != NULL), "one of them is refused, but not all; or none, but all");
    return good;
}

/* ---- finding -------------------------------------------------------------------------------- */

static void check_hit(struct str text, const struct word_hit *hit)
{
    fuzz_check(hit->size > 0 && hit->offset + hit->size <= text.size, "at %zu, %zu bytes",
               hit->offset, hit->size);
    fuzz_check(hit->index < game.count && str_equal(hit->entry, game.entries[hit->index]),
               "entry %zu", hit->index);
}

/* The earliest hit of all entries, the longest of these, and the first of equal ones. */
static bool find_one_by_one(struct str text, struct word_hit *best)
{
    bool found = false;
    for (size_t i = 0; i < game.count; i++) {
        struct word_hit hit;
        if (!word_set_find(game.alone[i], text, &hit))
            continue;
        hit.index = i;
        if (!found || hit.offset < best->offset ||
            (hit.offset == best->offset && hit.size > best->size))
            *best = hit;
        found = true;
    }
    return found;
}

static bool find(struct str text, struct word_hit *hit)
{
    struct word_hit best = {0};
    bool found = word_set_find(game.all, text, hit);
    bool one = find_one_by_one(text, &best);
    fuzz_check(found == one, "found by %s only", found ? "all" : "one");
    if (!found)
        return false;
    check_hit(text, hit);
    fuzz_check(hit->offset == best.offset && hit->size == best.size && hit->index == best.index,
               "entry %zu at %zu, %zu bytes, not entry %zu at %zu, %zu bytes", hit->index,
               hit->offset, hit->size, best.index, best.offset, best.size);
    return true;
}

/* ---- masking -------------------------------------------------------------------------------- */

/* Going from hit to hit, the first gap stands in the mask as it was, and so does the last. */
static void check_gaps(struct str text, struct str masked, size_t first, size_t last)
{
    fuzz_check(str_starts_with(masked, str_from(text.data, first)) && masked.size >= first + last &&
                   memcmp(masked.data + masked.size - last, text.data + text.size - last, last) ==
                       0,
               "\"" STR_FMT "\" is masked as \"" STR_FMT "\"", STR_ARG(text), STR_ARG(masked));
    fuzz_check(masked.size > first && masked.data[first] == '*', "a hit without a star");
}

static size_t check_mask(struct str text)
{
    char *out = fuzz_must(malloc(text.size + 1));
    size_t hits;
    size_t count = 0;
    size_t first = 0;
    struct word_hit hit;
    struct str masked = word_set_mask(game.all, text, out, &hits);
    struct str rest = text;
    fuzz_check(masked.size <= text.size && (masked.data == text.data) == (hits == 0),
               "%zu hits in \"" STR_FMT "\"", hits, STR_ARG(masked));
    for (; find(rest, &hit); count++) {
        first = count ? first : hit.offset;
        rest = str_skip(rest, hit.offset + hit.size);
    }
    fuzz_check(count == hits, "%zu hits are masked, %zu found", hits, count);
    if (hits > 0)
        check_gaps(text, masked, first, rest.size);
    free(out);
    return hits;
}

/* ---- forms ---------------------------------------------------------------------------------- */

static size_t hits_in_form(struct str text, uninorm_t form)
{
    size_t size = 0;
    size_t hits;
    uint8_t *other = u8_normalize(form, (const uint8_t *)text.data, text.size, NULL, &size);
    if (!other)
        return SIZE_MAX;
    char *out = fuzz_must(malloc(size + 1));
    word_set_mask(game.all, str_from((const char *)other, size), out, &hits);
    free(out);
    free(other);
    return hits;
}

static void check_forms(struct str text, size_t hits)
{
    if (text.size == 0 || u8_check((const uint8_t *)text.data, text.size))
        return;
    size_t composed = hits_in_form(text, UNINORM_NFC);
    size_t decomposed = hits_in_form(text, UNINORM_NFD);
    fuzz_check(composed == hits && decomposed == hits, "%zu hits, %zu composed, %zu decomposed",
               hits, composed, decomposed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct str head = fuzz_part(&in, RECORD);
    struct fuzz_input lines = {(const uint8_t *)head.data, head.size};
    for (game.count = 0; game.count < ENTRIES && lines.left > 0; game.count++)
        game.entries[game.count] = fuzz_part(&lines, '\n');
    char *copy = fuzz_copy(fuzz_rest(&in));
    struct str text = str_from(copy, size - head.size - (size > head.size));
    if (compile_all())
        check_forms(text, check_mask(text));
    word_set_free(game.all);
    for (size_t i = 0; i < game.count; i++)
        word_set_free(game.alone[i]);
    free(copy);
    return 0;
}
