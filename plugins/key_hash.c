/* XXH3, compiled in: for keys of a few bytes a call into the library costs more than the hash. */
#include "key_hash.h"

#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t key_hash_seed(const void *table)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = (uintptr_t)table; /* early in the boot: addresses are random too */
    return seed;
}

uint64_t key_hash(uint64_t seed, struct str key)
{
    return XXH3_64bits_withSeed(key.data, key.size, seed);
}

size_t key_hash_chains(size_t entries)
{
    size_t chains = 16;
    while (chains < entries)
        chains *= 2;
    return chains;
}
