/*
 * Finds which of many words a text holds, in one pass over it. ASCII case is ignored; other bytes
 * must be equal. A word has owners, a bit set: what a scan returns is the owners of all words
 * found.
 *
 * How: an Aho-Corasick automaton (a table, one row a state) behind a sieve, which tells where a
 * word may begin: it looks at four bytes at every second place, and holds the beginnings of all
 * words as a bit set. Most texts do not pass it. A scan never allocates, and takes time linear in
 * the text, whatever the words and the text are: a stranger cannot make it slow.
 *
 * Why own code: Debian 12 has no C library for this but Hyperscan and its fork Vectorscan, regular
 * expression compilers of 13 to 16 MB that bring the C++ runtime, and want SSSE3 or better on x86
 * (the first runs nowhere else). That is much for lines of chat, where 350 lines of C will do.
 */
#ifndef CHATROOM_MATCHER_H
#define CHATROOM_MATCHER_H

#include "str.h"

#include <stdint.h>

/* Largest table. A state, at most one for each byte of the words, takes 4 bytes for each different
 * byte that occurs in words, and 12 more: it is enough for some 15000 words of 8 letters. While it
 * is made, half as much may come on top. */
#define MATCHER_BYTES_MAX (16 << 20)

struct matcher_word {
    struct str text; /* not empty; borrowed for the call */
    uint64_t owners;
};

struct matcher;

/* Compiles `count` words; the same word may come again with other owners. Returns 0 and sets *out;
 * -ENOMEM; -EINVAL for an empty word; -E2BIG if the table would exceed MATCHER_BYTES_MAX. */
int matcher_new(struct matcher **out, const struct matcher_word *words, size_t count);
void matcher_free(struct matcher *m);

/* Those of the owners `wanted` who have a word in `text`. The rest of the text is
 * left alone once all of them have. */
uint64_t matcher_scan(const struct matcher *m, struct str text, uint64_t wanted);

/* Bytes of memory in use. */
size_t matcher_memory(const struct matcher *m);

#endif
