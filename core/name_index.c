/* Linear probing with backward-shift removal (Knuth, TAOCP 3, 6.4, algorithm R): no tombstones. */
#include "name_index.h"

#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct name_index_entry {
    uint32_t hash;
    uint32_t number; /* NAME_INDEX_NONE: empty */
};

enum { FIRST_SIZE = 64 };

void name_index_init(struct name_index *index, name_index_name_fn *name, const void *owner)
{
    *index = (struct name_index){.name = name, .owner = owner};
    if (getrandom(&index->seed, sizeof index->seed, GRND_NONBLOCK) < 0)
        index->seed = (uintptr_t)index;
}

void name_index_fini(struct name_index *index)
{
    free(index->entries);
    index->entries = NULL;
}

static uint32_t hash_of(const struct name_index *index, struct str name)
{
    char folded[TEXT_NICK_MAX > TEXT_ROOM_MAX ? TEXT_NICK_MAX : TEXT_ROOM_MAX];
    size_t size = name.size < sizeof folded ? name.size : sizeof folded;
    for (size_t i = 0; i < size; i++)
        folded[i] = text_fold(name.data[i]);
    return (uint32_t)XXH3_64bits_withSeed(folded, size, index->seed);
}

/* The entry of `name`, or the empty one where it would stand. */
static uint32_t probe(const struct name_index *index, struct str name, uint32_t hash)
{
    for (uint32_t i = hash & index->mask;; i = (i + 1) & index->mask) {
        const struct name_index_entry *e = &index->entries[i];
        if (e->number == NAME_INDEX_NONE)
            return i;
        if (e->hash == hash && text_equal_fold(index->name(index->owner, e->number), name))
            return i;
    }
}

uint32_t name_index_find(const struct name_index *index, struct str name)
{
    if (index->count == 0)
        return NAME_INDEX_NONE;
    return index->entries[probe(index, name, hash_of(index, name))].number;
}

static void insert(struct name_index *index, struct name_index_entry entry)
{
    uint32_t i = entry.hash & index->mask;
    while (index->entries[i].number != NAME_INDEX_NONE)
        i = (i + 1) & index->mask;
    index->entries[i] = entry;
}

static int grow(struct name_index *index)
{
    uint32_t old_size = index->entries ? index->mask + 1 : 0;
    uint32_t size = old_size ? old_size * 2 : FIRST_SIZE;
    struct name_index_entry *old = index->entries;
    struct name_index_entry *entries = malloc(size * sizeof *entries);
    if (!entries)
        return -ENOMEM;
    memset(entries, 0xff, size * sizeof *entries);
    index->entries = entries;
    index->mask = size - 1;
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i].number != NAME_INDEX_NONE)
            insert(index, old[i]);
    }
    free(old);
    return 0;
}

int name_index_add(struct name_index *index, struct str name, uint32_t number)
{
    if ((!index->entries || index->count * 2 > index->mask) && grow(index) < 0)
        return -ENOMEM;
    insert(index, (struct name_index_entry){hash_of(index, name), number});
    index->count++;
    return 0;
}

/* Closes the gap at `hole`: entries behind it that would be found no more move up. */
static void close_gap(struct name_index *index, uint32_t hole)
{
    for (uint32_t i = (hole + 1) & index->mask;; i = (i + 1) & index->mask) {
        struct name_index_entry e = index->entries[i];
        if (e.number == NAME_INDEX_NONE)
            return;
        uint32_t distance = (i - e.hash) & index->mask;
        if (distance < ((i - hole) & index->mask))
            continue;
        index->entries[hole] = e;
        index->entries[i].number = NAME_INDEX_NONE;
        hole = i;
    }
}

void name_index_remove(struct name_index *index, struct str name, uint32_t number)
{
    if (index->count == 0)
        return;
    uint32_t i = probe(index, name, hash_of(index, name));
    if (index->entries[i].number != number)
        return;
    index->entries[i].number = NAME_INDEX_NONE;
    index->count--;
    close_gap(index, i);
}
