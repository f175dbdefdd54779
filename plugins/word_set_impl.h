/*
 * The insides of a word set, which word_set.c searches and word_set_make.c compiles.
 *
 * The words of a text, folded, are looked up one by one. For phrases the table holds their
 * beginnings too: "buy", which leads on, and "buy now", which is an entry; the words of a key are
 * joined by spaces.
 *
 * Plain ASCII, nearly all there is, takes a table of 128 bytes, and most of its words are not even
 * looked up: with their first letter no entry starts that is as long. Other characters are kept in
 * a small cache, by their number: a text stays within one or two alphabets.
 */
#ifndef CHATROOM_WORD_SET_IMPL_H
#define CHATROOM_WORD_SET_IMPL_H

#include "word_glyph.h"
#include "word_set.h"

enum {
    WORD_KEY_MAX = WORD_SET_ENTRY_MAX,
    WORD_SET_CACHED = 256, /* characters: a power of two */
};

/* A key of the table: an entry, or its beginning. */
struct word_slot {
    uint32_t hash;
    uint32_t key;   /* offset in the keys */
    uint32_t entry; /* its number + 1; 0: none ends here */
    uint16_t size;  /* of the key; 0: the slot is empty */
    bool leads;     /* longer entries begin with it */
};

struct word_set {
    struct word_slot *slots; /* open addressing, at most half of them used */
    size_t mask;
    size_t used;
    char *keys;
    size_t keys_size;
    size_t keys_room;
    struct str *entries; /* as written; into `written` */
    size_t entry_count;
    char *written;
    size_t written_size;
    size_t longest;      /* key */
    uint32_t sizes[256]; /* of keys of one word, by their first byte; see word_size_bit() */
    char ascii[256];     /* what an ASCII character folds to; 0 for separators, and other bytes */
    struct word_glyph cache[WORD_SET_CACHED];
};

/* What words fold to. Counts on when it is full, so that nothing longer is in any set. */
struct word_key {
    char bytes[WORD_KEY_MAX]; /* not last: sanitizers take that for an array without end */
    size_t size;
    bool unordered; /* marks may stand in another order than the canonical one */
};

/* Where a word stands in the text. */
struct word {
    size_t start;
    size_t end;
};

/* What stands at `at`, a character of *size bytes. */
enum word_glyph_kind word_set_kind_at(struct word_set *set, struct str text, size_t at,
                                      size_t *size);

/* Where the next word begins, from `at` on; text.size if there is none. */
size_t word_set_skip(struct word_set *set, struct str text, size_t at);

/* Finds the next word from `at` on, and adds it to the key. */
bool word_set_next(struct word_set *set, struct str text, size_t at, struct word_key *key,
                   struct word *word);

void word_key_add(struct word_key *key, const char *bytes, size_t size);

uint32_t word_set_hash(const char *key, size_t size);

/* The slot of the key, or the empty one where it would stand. */
struct word_slot *word_set_probe(const struct word_set *set, const char *key, size_t size,
                                 uint32_t hash);

/* One bit for each size; those from the last on share theirs. */
static inline uint32_t word_size_bit(size_t size)
{
    return UINT32_C(1) << (size < 31 ? size : 31);
}

#endif
