/*
 * Finds a 32-bit number (a connection's slot, a room's number) by its name: open addressing, eight
 * bytes an entry, at most half full. The names stay with their owners, who compare them; so the
 * index costs an idle connection 16 to 32 bytes. Hashes are seeded: names are chosen by strangers.
 */
#ifndef CHATROOM_NAME_INDEX_H
#define CHATROOM_NAME_INDEX_H

#include "str.h"

#include <stdint.h>

#define NAME_INDEX_NONE UINT32_MAX

/* The name that `number` has now. */
typedef struct str name_index_name_fn(const void *owner, uint32_t number);

struct name_index {
    struct name_index_entry *entries;
    uint32_t mask;
    uint32_t count;
    uint64_t seed;
    name_index_name_fn *name;
    const void *owner;
};

/* Names are compared without regard to ASCII case. */
void name_index_init(struct name_index *index, name_index_name_fn *name, const void *owner);
void name_index_fini(struct name_index *index);

/* The number, or NAME_INDEX_NONE. */
uint32_t name_index_find(const struct name_index *index, struct str name);

/* Adds a name that is not there; 0 or -ENOMEM. */
int name_index_add(struct name_index *index, struct str name, uint32_t number);

/* Removes `number`, whose name is `name` still. */
void name_index_remove(struct name_index *index, struct str name, uint32_t number);

#endif
