/*
 * The words of a text, folded, are looked up one by one. For phrases the table holds their
 * beginnings too: "buy", which leads on, and "buy now", which is an entry; the words of a key are
 * joined by spaces.
 *
 * Plain ASCII, nearly all there is, takes a table of 128 bytes. Other characters are kept in a
 * small cache, by their number: a text stays within one or two alphabets.
 */
#include "word_set.h"

#include "text.h"
#include "word_glyph.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unigbrk.h>
#include <uninorm.h>
#include <unistr.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    KEY_MAX = WORD_SET_ENTRY_MAX,
    CACHED = 256,     /* characters: a power of two */
    CLUSTER_MAX = 64, /* bytes of a character; the rest of a longer one is another */
    FIRST_SLOTS = 64,
    FIRST_KEYS = 1024,
};

/* A key of the table: an entry, or its beginning. */
struct slot {
    uint32_t hash;
    uint32_t key;   /* offset in the keys */
    uint32_t entry; /* its number + 1; 0: none ends here */
    uint16_t size;  /* of the key; 0: the slot is empty */
    bool leads;     /* longer entries begin with it */
};

struct word_set {
    struct slot *slots; /* open addressing, at most half of them used */
    size_t mask;
    size_t used;
    char *keys;
    size_t keys_size;
    size_t keys_room;
    struct str *entries; /* as written; into `written` */
    size_t entry_count;
    char *written;
    size_t written_size;
    size_t longest;  /* key */
    char ascii[256]; /* what an ASCII character folds to; 0 for separators, and other bytes */
    struct word_glyph cache[CACHED];
};

/* What words fold to. Counts on when it is full, so that nothing longer is in any set. */
struct key {
    char bytes[KEY_MAX]; /* not last: sanitizers take that for an array without end */
    size_t size;
    bool unordered; /* marks may stand in another order than the canonical one */
};

/* Where a word stands in the text. */
struct word {
    size_t start;
    size_t end;
};

/* ---- characters ----------------------------------------------------------------------------- */

/* Underscores separate: they are how people stress a word. */
static void make_ascii(struct word_set *set)
{
    for (int c = 0; c < 128; c++) {
        struct word_glyph g;
        word_glyph_make(&g, (uint32_t)c);
        set->ascii[c] = g.kind == WORD_GLYPH_LETTER ? g.folded[0] : '\0';
    }
}

/* The character at `at`, of *size bytes; borrowed until the next call. */
static const struct word_glyph *glyph_at(struct word_set *set, struct str text, size_t at,
                                         size_t *size)
{
    ucs4_t code;
    *size = (size_t)u8_mbtouc(&code, (const uint8_t *)text.data + at, text.size - at);
    struct word_glyph *g = &set->cache[code % CACHED];
    if (g->code != code)
        word_glyph_make(g, code);
    return g;
}

static bool is_ascii(struct str text, size_t at)
{
    return (unsigned char)text.data[at] < 0x80;
}

static enum word_glyph_kind kind_at(struct word_set *set, struct str text, size_t at, size_t *size)
{
    if (!is_ascii(text, at))
        return glyph_at(set, text, at, size)->kind;
    *size = 1;
    return set->ascii[(unsigned char)text.data[at]] ? WORD_GLYPH_LETTER : WORD_GLYPH_SEPARATOR;
}

/* No part of a word by itself. */
static bool is_separator(struct word_set *set, struct str text, size_t at, size_t *size)
{
    enum word_glyph_kind kind = kind_at(set, text, at, size);
    return kind == WORD_GLYPH_SEPARATOR || kind == WORD_GLYPH_IGNORED;
}

/* Whether something at `next` may belong to the character `first` that ends there. */
static bool may_join(struct word_set *set, struct str text, uint32_t first, size_t next)
{
    size_t size;
    if (first >= 0x1f1e6 && first <= 0x1f1ff)
        return true; /* flags are pairs */
    switch (kind_at(set, text, next, &size)) {
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

static void key_add(struct key *key, const char *bytes, size_t size)
{
    if (key->size + size <= KEY_MAX)
        memcpy(key->bytes + key->size, bytes, size);
    key->size += size;
}

static void key_add_glyph(struct key *key, const struct word_glyph *g)
{
    static const uint32_t dot_above = 0x307;
    if (g->code == dot_above && key->size > 0 && key->size <= KEY_MAX &&
        key->bytes[key->size - 1] == 'i')
        return;
    key_add(key, g->folded, g->size);
}

/* Puts the marks of the key into canonical order. Its size stays: it is decomposed already. */
static void key_order(struct key *key)
{
    uint8_t ordered[KEY_MAX];
    size_t size = sizeof ordered;
    key->unordered = false;
    if (key->size > KEY_MAX)
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
static size_t take_cluster(struct word_set *set, struct str text, size_t at, struct key *key)
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
static size_t take_ascii(const struct word_set *set, struct str text, size_t at, struct key *key)
{
    const unsigned char *in = (const unsigned char *)text.data + at;
    size_t left = text.size - at;
    size_t room = key->size < KEY_MAX ? KEY_MAX - key->size : 0;
    char *restrict out = key->bytes + (KEY_MAX - room);
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
static size_t take_word(struct word_set *set, struct str text, size_t at, struct key *key)
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

static size_t skip_separators(struct word_set *set, struct str text, size_t at)
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

/* Finds the next word from `at` on, and adds it to the key. */
static bool next_word(struct word_set *set, struct str text, size_t at, struct key *key,
                      struct word *word)
{
    at = skip_separators(set, text, at);
    if (at == text.size)
        return false;
    word->start = at;
    word->end = take_word(set, text, at, key);
    if (key->unordered)
        key_order(key);
    return true;
}

/* ---- looking up ----------------------------------------------------------------------------- */

static uint32_t hash_of(const char *key, size_t size)
{
    return (uint32_t)XXH3_64bits(key, size);
}

/* The slot of the key, or the empty one where it would stand. */
static struct slot *probe(const struct word_set *set, const char *key, size_t size, uint32_t hash)
{
    for (size_t i = hash & set->mask;; i = (i + 1) & set->mask) {
        struct slot *s = &set->slots[i];
        if (s->size == 0)
            return s;
        if (s->hash == hash && s->size == size && memcmp(set->keys + s->key, key, size) == 0)
            return s;
    }
}

static const struct slot *lookup(const struct word_set *set, const struct key *key)
{
    if (key->size > set->longest)
        return NULL;
    const struct slot *s = probe(set, key->bytes, key->size, hash_of(key->bytes, key->size));
    return s->size > 0 ? s : NULL;
}

/* The longest entry that begins with `word`, which is in the key already. */
static bool match(struct word_set *set, struct str text, struct word word, struct key *key,
                  struct word_hit *hit)
{
    bool found = false;
    size_t start = word.start;
    const struct slot *s;
    while ((s = lookup(set, key))) {
        if (s->entry > 0) {
            size_t i = s->entry - 1;
            *hit = (struct word_hit){start, word.end - start, i, set->entries[i]};
            found = true;
        }
        if (!s->leads)
            break;
        key_add(key, " ", 1);
        if (!next_word(set, text, word.end, key, &word))
            break;
    }
    return found;
}

static bool find_from(struct word_set *set, struct str text, size_t at, struct word_hit *hit)
{
    struct key key;
    struct word word;
    for (;; at = word.end) {
        key.size = 0;
        key.unordered = false;
        if (!next_word(set, text, at, &key, &word))
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
        enum word_glyph_kind kind = kind_at(set, hit, at, &size);
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

/* ---- compiling ------------------------------------------------------------------------------ */

static int grow_slots(struct word_set *set)
{
    size_t old_size = set->slots ? set->mask + 1 : 0;
    size_t size = old_size ? old_size * 2 : FIRST_SLOTS;
    struct slot *old = set->slots;
    struct slot *slots = calloc(size, sizeof *slots);
    if (!slots)
        return -ENOMEM;
    set->slots = slots;
    set->mask = size - 1;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].size > 0)
            *probe(set, set->keys + old[i].key, old[i].size, old[i].hash) = old[i];
    }
    free(old);
    return 0;
}

static int grow_keys(struct word_set *set, size_t more)
{
    size_t room = set->keys_room ? set->keys_room : FIRST_KEYS;
    while (room < set->keys_size + more)
        room *= 2;
    if (room == set->keys_room)
        return 0;
    char *keys = realloc(set->keys, room);
    if (!keys)
        return -ENOMEM;
    set->keys = keys;
    set->keys_room = room;
    return 0;
}

/* Adds the key, or adds to what is known of it; `entry` is a number + 1, or 0. */
static int add_key(struct word_set *set, const struct key *key, uint32_t entry, bool leads)
{
    if (grow_keys(set, key->size) < 0 || (set->used * 2 > set->mask && grow_slots(set) < 0))
        return -ENOMEM;
    uint32_t hash = hash_of(key->bytes, key->size);
    struct slot *s = probe(set, key->bytes, key->size, hash);
    if (s->size == 0) {
        memcpy(set->keys + set->keys_size, key->bytes, key->size);
        s->hash = hash;
        s->key = (uint32_t)set->keys_size;
        s->size = (uint16_t)key->size;
        set->keys_size += key->size;
        set->used++;
    }
    if (s->entry == 0)
        s->entry = entry;
    s->leads |= leads;
    if (key->size > set->longest)
        set->longest = key->size;
    return 0;
}

/* Adds the beginnings of the entry, and itself. On -EINVAL *fault is the end of a sentence. */
static int add_entry(struct word_set *set, struct str text, uint32_t number, const char **fault)
{
    struct key key = {0};
    struct word word = {0};
    for (int words = 1; next_word(set, text, word.end, &key, &word); words++) {
        bool more = skip_separators(set, text, word.end) < text.size;
        *fault = "is too long";
        if (key.size > KEY_MAX || words > WORD_SET_PHRASE_MAX)
            return -EINVAL;
        *fault = "is too much: the list is too long";
        if (set->keys_size > WORD_SET_BYTES_MAX)
            return -EINVAL;
        if (add_key(set, &key, more ? 0 : number, more) < 0)
            return -ENOMEM;
        key_add(&key, " ", 1);
    }
    return 0;
}

/* Without the spaces and line ends around it. */
static struct str trimmed(struct str s)
{
    while (s.size > 0 && (unsigned char)s.data[0] <= ' ')
        s = str_skip(s, 1);
    while (s.size > 0 && (unsigned char)s.data[s.size - 1] <= ' ')
        s.size--;
    return s;
}

/* What is wrong with an entry, as the end of a sentence, or NULL. Signs at its ends are refused
 * because to leave them away would make other words of them: "c" of "c++". */
static const char *fault_of(struct word_set *set, struct str text)
{
    const uint8_t *data = (const uint8_t *)text.data;
    if (text.size == 0)
        return "is empty";
    if (text.size > WORD_SET_ENTRY_MAX)
        return "is too long";
    if (u8_check(data, text.size))
        return "is not UTF-8";
    ucs4_t ignored;
    size_t last = (size_t)(u8_prev(&ignored, data + text.size, data) - data);
    size_t size;
    if (kind_at(set, text, 0, &size) == WORD_GLYPH_SEPARATOR ||
        kind_at(set, text, last, &size) == WORD_GLYPH_SEPARATOR)
        return "does not begin and end with a letter, a digit, or an emoji";
    if (skip_separators(set, text, 0) == text.size)
        return "has nothing to be seen";
    return NULL;
}

static int add_entries(struct word_set *set, size_t count, char *why, size_t why_size)
{
    for (size_t i = 0; i < count; i++) {
        struct str text = trimmed(set->entries[i]);
        const char *fault = fault_of(set, text);
        int err = fault ? -EINVAL : add_entry(set, text, (uint32_t)i + 1, &fault);
        if (err == -EINVAL) {
            struct str start = text_cut(text, 40);
            snprintf(why, why_size, "entry %zu, \"" STR_FMT "\", %s", i + 1, STR_ARG(start), fault);
        }
        if (err)
            return err;
    }
    return 0;
}

/* Keeps the entries as they are written. */
static int copy_entries(struct word_set *set, const struct str *entries, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += entries[i].size;
    set->entries = calloc(count + 1, sizeof *set->entries);
    set->written = malloc(size + 1);
    if (!set->entries || !set->written)
        return -ENOMEM;
    char *at = set->written;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].size > 0)
            memcpy(at, entries[i].data, entries[i].size);
        set->entries[i] = str_from(at, entries[i].size);
        at += entries[i].size;
    }
    set->entry_count = count;
    set->written_size = size;
    return 0;
}

int word_set_new(struct word_set **out, const struct str *entries, size_t count, char *why,
                 size_t why_size)
{
    if (count > WORD_SET_ENTRIES_MAX) {
        snprintf(why, why_size, "%zu entries are more than %d", count, WORD_SET_ENTRIES_MAX);
        return -EINVAL;
    }
    struct word_set *set = calloc(1, sizeof *set);
    if (!set)
        return -ENOMEM;
    make_ascii(set);
    int err = copy_entries(set, entries, count);
    if (!err)
        err = grow_slots(set);
    if (!err)
        err = add_entries(set, count, why, why_size);
    if (err)
        word_set_free(set);
    else
        *out = set;
    return err;
}

void word_set_free(struct word_set *set)
{
    if (!set)
        return;
    free(set->slots);
    free(set->keys);
    free(set->entries);
    free(set->written);
    free(set);
}

size_t word_set_memory(const struct word_set *set)
{
    return sizeof *set + (set->mask + 1) * sizeof *set->slots + set->keys_room +
           set->entry_count * sizeof *set->entries + set->written_size;
}
