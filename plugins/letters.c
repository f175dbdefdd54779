/*
 * See letters.h. A text that is ASCII from end to end, which is nearly every one, goes through
 * plain loops; the others are taken apart character by character.
 */
#include "letters.h"

#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool is_ascii(struct str text)
{
    unsigned char all = 0;
    for (size_t i = 0; i < text.size; i++)
        all |= (unsigned char)text.data[i];
    return all < 0x80;
}

/* The character at *at, which is moved behind it. */
static ucs4_t next_code(struct str text, size_t *at)
{
    ucs4_t code;
    *at += (size_t)u8_mbtouc(&code, (const uint8_t *)text.data + *at, text.size - *at);
    return code;
}

/* ---- counting ------------------------------------------------------------------------------- */

static struct letters_count count_ascii(struct str text)
{
    unsigned letters = 0;
    unsigned capitals = 0;
    for (size_t i = 0; i < text.size; i++) {
        letters += (unsigned char)((text.data[i] | 0x20) - 'a') < 26;
        capitals += (unsigned char)(text.data[i] - 'A') < 26;
    }
    return (struct letters_count){.letters = letters, .capitals = capitals};
}

static struct letters_count count_wide(struct str text)
{
    struct letters_count count = {0};
    for (size_t at = 0; at < text.size;) {
        ucs4_t code = next_code(text, &at);
        count.letters += uc_is_property_cased(code);
        count.capitals += uc_is_property_uppercase(code);
    }
    return count;
}

struct letters_count letters_count(struct str text)
{
    return is_ascii(text) ? count_ascii(text) : count_wide(text);
}

/* ---- small letters -------------------------------------------------------------------------- */

static size_t lower_ascii(struct str text, char *out)
{
    for (size_t i = 0; i < text.size; i++) {
        bool capital = (unsigned char)(text.data[i] - 'A') < 26;
        out[i] = (char)(text.data[i] | capital << 5);
    }
    return text.size;
}

/* What has no small letter, or is no character, is left as it is. */
static size_t lower_wide(struct str text, char *out)
{
    size_t used = 0;
    for (size_t at = 0; at < text.size;) {
        size_t start = at;
        ucs4_t code = next_code(text, &at);
        ucs4_t small = uc_tolower(code);
        if (small != code) {
            used += (size_t)u8_uctomb((uint8_t *)out + used, small, 6);
        } else {
            memcpy(out + used, text.data + start, at - start);
            used += at - start;
        }
    }
    return used;
}

size_t letters_lower(struct str text, char *out)
{
    return is_ascii(text) ? lower_ascii(text, out) : lower_wide(text, out);
}

/* ---- gist ----------------------------------------------------------------------------------- */

enum { CHUNK = 256, LONGEST = 6 };

/* What was gathered, and the hash of the chunks before it. They end at fixed places of the gist: it
 * must not matter what else stood in the text. */
struct gist {
    uint64_t hash;
    size_t size;
    bool any;
    char bytes[CHUNK + LONGEST];
};

static void hash(struct gist *g, size_t size)
{
    g->hash = XXH3_64bits_withSeed(g->bytes, size, g->hash);
    g->any = true;
    g->size -= size;
    memmove(g->bytes, g->bytes + size, g->size);
}

/* What ASCII characters are in a gist; 0: nothing. */
static char fold(char c)
{
    static const char folded[128] = {
        ['0'] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ['A'] = 'a', 'b', 'c',
        'd',         'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n',         'o', 'p',
        'q',         'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', ['a'] = 'a', 'b', 'c',
        'd',         'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n',         'o', 'p',
        'q',         'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    };
    return folded[(unsigned char)c & 0x7f];
}

/* Every byte is written, and what does not count is overwritten: no branch goes either way. */
static void gather_ascii(struct gist *g, struct str text)
{
    size_t at = 0;
    while (at < text.size) {
        size_t left = text.size - at;
        size_t end = at + (left < CHUNK - g->size ? left : CHUNK - g->size);
        size_t size = g->size;
        for (; at < end; at++) {
            char c = fold(text.data[at]);
            g->bytes[size] = c;
            size += c != 0;
        }
        g->size = size;
        if (size == CHUNK)
            hash(g, CHUNK);
    }
}

static bool counts(ucs4_t code)
{
    const uint32_t mask =
        UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_So;
    return uc_is_general_category_withtable(code, mask) &&
           !uc_is_property_default_ignorable_code_point(code);
}

static void gather_wide(struct gist *g, struct str text)
{
    for (size_t at = 0; at < text.size;) {
        ucs4_t code = next_code(text, &at);
        if (counts(code))
            g->size += (size_t)u8_uctomb((uint8_t *)g->bytes + g->size, uc_tolower(code), LONGEST);
        if (g->size >= CHUNK)
            hash(g, CHUNK);
    }
}

bool letters_gist(struct str text, uint64_t seed, uint64_t *gist)
{
    struct gist g; /* the bytes are left as they are: clearing them would cost more than the text */
    g.hash = seed;
    g.size = 0;
    g.any = false;
    if (is_ascii(text))
        gather_ascii(&g, text);
    else
        gather_wide(&g, text);
    if (g.size > 0)
        hash(&g, g.size);
    *gist = g.hash;
    return g.any;
}
