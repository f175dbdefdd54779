/*
 * Hashes of keys that strangers choose: seeded, so that nobody outside knows which keys fall
 * together.
 */
#ifndef CHATROOM_KEY_HASH_H
#define CHATROOM_KEY_HASH_H

#include "str.h"

#include <stdint.h>

/* A random seed for `table`. */
uint64_t key_hash_seed(const void *table);

uint64_t key_hash(uint64_t seed, struct str key);

/* How many chains a table of at most `entries` gets: a power of two, about one for each entry. */
size_t key_hash_chains(size_t entries);

#endif
