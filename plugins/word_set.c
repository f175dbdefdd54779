/* Searching a text for the words of a set: see word_set_impl.h for how they are kept. */
#include "ascii_block.h"
#include "text.h"
#include "word_set_impl.h"

#include <stdlib.h>
#include <unigbrk.h>
#include <uninorm.h>
#include <unistr.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { CLUSTER_MAX = 64 }; /* bytes of a character; the rest of a longer one is another */

/* ---- characters ----------------------------------------------------------------------------- */

/* The character at `at`, of *size bytes; borrowed until the next call. */
static const struct word_glyph *glyph_at(struct word_set *set, struct str text, size_t at,
                                         size_t *size)
{
    ucs4_t code;
    *size = (size_t)u8_mbtouc(&code, (const uint8_t *)text.data + at, text.size - at);
    struct word_glyph *g = &set->cache[code % WORD_SET_CACHED];
    if (g->code != code)
        word_glyph_make(g, code);
    return g;
}

static bool is_ascii(struct str text, size_t at)
{
    return (unsigned char)text.data[at] < 0x80;
}

enum word_glyph_kind word_set_kind_at(struct word_set *set, struct str text, size_t at,
                                      size_t *size)
{
    if (!is_ascii(text, at))
        return glyph_at(set, text, at, size)->kind;
    *size = 1;
    return set->ascii[(unsigned char)text.data[at]] ? WORD_GLYPH_LETTER : WORD_GLYPH_SEPARATOR;
}

/* No part of a word by itself. */
static bool is_separator(struct word_set *set, struct str text, size_t at, size_t *size)
{
    enum word_glyph_kind kind = word_set_kind_at(set, text, at, size);
    return kind == WORD_GLYPH_SEPARATOR || kind == WORD_GLYPH_IGNORED;
}

/* Whether something at `next` may belong to the character `first` that ends there. */
static bool may_join(struct word_set *set, struct str text, uint32_t first, size_t next)
{
    size_t size;
    if (first >= 0x1f1e6 && first <= 0x1f1ff)
        return true; /* flags are pairs */
    switch (word_set_kind_at(set, text, next, &size)) {
    case WORD_GLYPH_MARK:
    case WORD_GLYPH_IGNORED:
        return true;
    case WORD_GLYPH_LETTER:
        return first >= 0x1100 && first <= 0x11ff; /* parts of Hangul syllables */
    default:
        return false;
    }
}

/* The end of the character that readers see at `at` (a grapheme cluster). The library's function
 * for one of them knows no emoji sequences, so it is asked for all breaks of a piece; but only if
 * need be. */
static size_t cluster_end(struct word_set *set, struct str text, size_t at)
{
    char breaks[CLUSTER_MAX];
    size_t size;
    if (is_ascii(text, at) && (at + 1 == text.size || is_ascii(text, at + 1)))
        return at + 1;
    uint32_t first = glyph_at(set, text, at, &size)->code;
    if (at + size == text.size || !may_join(set, text, first, at + size))
        return at + size;
    struct str piece = text_cut(str_skip(text, at), sizeof breaks);
    u8_grapheme_breaks((const uint8_t *)piece.data, piece.size, breaks);
    while (size < piece.size && !breaks[size])
        size++;
    return at + size;
}

/* ---- keys ----------------------------------------------------------------------------------- */

void word_key_add(struct word_key *key, const char *bytes, size_t size)
{
    if (key->size + size <= WORD_KEY_MAX)
        memcpy(key->bytes + key->size, bytes, size);
    key->size += size;
}

static void key_add_glyph(struct word_key *key, const struct word_glyph *g)
{
    static const uint32_t dot_above = 0x307;
    if (g->code == dot_above && key->size > 0 && key->size <= WORD_KEY_MAX &&
        key->bytes[key->size - 1] == 'i')
        return;
    word_key_add(key, g->folded, g->size);
}

/* Puts the marks of the key into canonical order. Its size stays: it is decomposed already. */
static void key_order(struct word_key *key)
{
    uint8_t ordered[WORD_KEY_MAX];
    size_t size = sizeof ordered;
    key->unordered = false;
    if (key->size > WORD_KEY_MAX)
        return;
    uint8_t *result =
        u8_normalize(UNINORM_NFD, (const uint8_t *)key->bytes, key->size, ordered, &size);
    if (result == ordered && size == key->size)
        memcpy(key->bytes, ordered, size);
    else if (result != ordered)
        free(result);
}

/* ---- the words of a text -------------------------------------------------------------------- */

/* Adds the character that readers see to the key; returns its end. */
static size_t take_cluster(struct word_set *set, struct str text, size_t at, struct word_key *key)
{
    size_t size;
    size_t end = cluster_end(set, text, at);
    for (; at < end; at += size) {
        const struct word_glyph *g = glyph_at(set, text, at, &size);
        key->unordered |= g->ordered;
        key_add_glyph(key, g);
    }
    return end;
}

/* Adds ASCII letters to the key; returns where they end. Where time goes: in plain loops, and
 * `restrict` because chars may alias everything. */
static size_t take_ascii(const struct word_set *set, struct str text, size_t at,
                         struct word_key *key)
{
    const unsigned char *in = (const unsigned char *)text.data + at;
    size_t left = text.size - at;
    size_t room = key->size < WORD_KEY_MAX ? WORD_KEY_MAX - key->size : 0;
    char *restrict out = key->bytes + (WORD_KEY_MAX - room);
    size_t most = left < room ? left : room;
    size_t n = 0;
    for (char folded; n < most && (folded = set->ascii[in[n]]); n++)
        out[n] = folded;
    if (n == room) {
        while (n < left && set->ascii[in[n]])
            n++;
    }
    key->size += n;
    return at + n;
}

/* Adds the word that begins at `at` to the key; returns its end. */
static size_t take_word(struct word_set *set, struct str text, size_t at, struct word_key *key)
{
    size_t start = at;
    size_t end = at = take_ascii(set, text, at, key);
    bool wide = false; /* the character before is no ASCII */
    while (at < text.size && !is_ascii(text, at)) {
        size_t size;
        const struct word_glyph *g = glyph_at(set, text, at, &size);
        if (g->kind == WORD_GLYPH_SEPARATOR)
            break;
        if (g->kind == WORD_GLYPH_ALONE)
            return end == start ? take_cluster(set, text, at, key) : end;
        key->unordered |= g->ordered && wide;
        key_add_glyph(key, g);
        at += size;
        if (g->kind != WORD_GLYPH_IGNORED)
            end = at;
        size_t ascii_end = take_ascii(set, text, at, key);
        wide = ascii_end == at;
        if (!wide)
            end = at = ascii_end;
    }
    return end;
}

size_t word_set_skip(struct word_set *set, struct str text, size_t at)
{
    size_t size;
    for (;;) {
        while (at < text.size && is_ascii(text, at) && !set->ascii[(unsigned char)text.data[at]])
            at++;
        if (at == text.size || is_ascii(text, at) || !is_separator(set, text, at, &size))
            return at;
        at += size;
    }
}

bool word_set_next(struct word_set *set, struct str text, size_t at, struct word_key *key,
                   struct word *word)
{
    at = word_set_skip(set, text, at);
    if (at == text.size)
        return false;
    word->start = at;
    word->end = take_word(set, text, at, key);
    if (key->unordered)
        key_order(key);
    return true;
}

/* ---- looking up ----------------------------------------------------------------------------- */

uint32_t word_set_hash(const char *key, size_t size)
{
    return (uint32_t)XXH3_64bits(key, size);
}

struct word_slot *word_set_probe(const struct word_set *set, const char *key, size_t size,
                                 uint32_t hash)
{
    for (size_t i = hash & set->mask;; i = (i + 1) & set->mask) {
        struct word_slot *s = &set->slots[i];
        if (s->size == 0)
            return s;
        if (s->hash == hash && s->size == size && memcmp(set->keys + s->key, key, size) == 0)
            return s;
    }
}

static const struct word_slot *lookup(const struct word_set *set, const struct word_key *key)
{
    if (key->size > set->longest)
        return NULL;
    const struct word_slot *s =
        word_set_probe(set, key->bytes, key->size, word_set_hash(key->bytes, key->size));
    return s->size > 0 ? s : NULL;
}

/* The longest entry that begins with `word`, which is in the key already. */
static bool match(struct word_set *set, struct str text, struct word word, struct word_key *key,
                  struct word_hit *hit)
{
    bool found = false;
    size_t start = word.start;
    const struct word_slot *s;
    while ((s = lookup(set, key))) {
        if (s->entry > 0) {
            size_t i = s->entry - 1;
            *hit = (struct word_hit){start, word.end - start, i, set->entries[i]};
            found = true;
        }
        if (!s->leads)
            break;
        word_key_add(key, " ", 1);
        if (!word_set_next(set, text, word.end, key, &word))
            break;
    }
    return found;
}

/* The first place in the block at `at` where it takes a closer look: a word of ASCII that may be
 * in the table, or that has no end here, or what is not ASCII. The end of the block if all of it is
 * plain. */
static size_t skip_block(const struct word_set *set, struct str text, size_t at)
{
    struct ascii_block b = ascii_block_at(text, at);
    size_t left = text.size - at;
    uint64_t words = b.words;
    uint64_t starts = words & ~(words << 1);
    size_t wide = b.wide ? (size_t)__builtin_ctzll(b.wide) : ASCII_BLOCK;
    for (; starts; starts &= starts - 1) {
        size_t start = (size_t)__builtin_ctzll(starts);
        size_t size = ascii_block_run(words >> start);
        if (start > wide)
            break;
        unsigned char first = (unsigned char)set->ascii[(unsigned char)text.data[at + start]];
        bool open = start + size == wide || (start + size >= ASCII_BLOCK && left > ASCII_BLOCK);
        if (open || (set->sizes[first] & word_size_bit(size)))
            return at + start;
    }
    return at + (wide < left ? wide : left < ASCII_BLOCK ? left : ASCII_BLOCK);
}

/* Behind the separators and words from `at` on that are plain and in no entry; `at` is where a word
 * may begin. */
static size_t skip_plain(const struct word_set *set, struct str text, size_t at)
{
    for (size_t from = at; at < text.size; from = at) {
        at = skip_block(set, text, from);
        if (at - from < ASCII_BLOCK)
            break;
    }
    return at;
}

static bool find_from(struct word_set *set, struct str text, size_t at, struct word_hit *hit)
{
    struct word_key key;
    struct word word;
    for (;; at = word.end) {
        at = skip_plain(set, text, at);
        key.size = 0;
        key.unordered = false;
        if (!word_set_next(set, text, at, &key, &word))
            return false;
        if (match(set, text, word, &key, hit))
            return true;
    }
}

bool word_set_find(struct word_set *set, struct str text, struct word_hit *hit)
{
    return find_from(set, text, 0, hit);
}

/* ---- masking -------------------------------------------------------------------------------- */

/* Writes the hit with its words masked; returns the size. */
static size_t mask_hit(struct word_set *set, struct str hit, char *out)
{
    size_t used = 0;
    size_t size;
    for (size_t at = 0; at < hit.size; at += size) {
        enum word_glyph_kind kind = word_set_kind_at(set, hit, at, &size);
        if (kind == WORD_GLYPH_SEPARATOR) {
            memcpy(out + used, hit.data + at, size);
            used += size;
        } else if (kind != WORD_GLYPH_IGNORED) {
            size = cluster_end(set, hit, at) - at;
            out[used++] = '*';
        }
    }
    return used;
}

struct str word_set_mask(struct word_set *set, struct str text, char *out, size_t *hits)
{
    struct word_hit hit;
    size_t count = 0;
    size_t used = 0;
    size_t copied = 0; /* of the text */
    while (find_from(set, text, copied, &hit)) {
        memcpy(out + used, text.data + copied, hit.offset - copied);
        used += hit.offset - copied;
        used += mask_hit(set, str_from(text.data + hit.offset, hit.size), out + used);
        copied = hit.offset + hit.size;
        count++;
    }
    if (hits)
        *hits = count;
    if (count == 0)
        return text;
    memcpy(out + used, text.data + copied, text.size - copied);
    return str_from(out, used + text.size - copied);
}
