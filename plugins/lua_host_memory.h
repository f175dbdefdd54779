/*
 * A script's memory: an allocator in the shape that Lua wants, which counts and refuses. Pure.
 */
#ifndef CHATROOM_LUA_HOST_MEMORY_H
#define CHATROOM_LUA_HOST_MEMORY_H

#include <stddef.h>

/*
 * Largest single block. It bounds the work of everything that runs in C and so cannot be stopped in
 * the middle (upper-casing a string, sorting a list) to a few milliseconds, whatever the limit of
 * the whole.
 */
#define LUA_MEMORY_BLOCK_MAX ((size_t)2 << 20)

struct lua_memory {
    size_t used; /* not above the limit, unless that was lowered meanwhile */
    size_t limit;
};

/* How much more there may be. */
static inline size_t lua_memory_left(const struct lua_memory *m)
{
    return m->used < m->limit ? m->limit - m->used : 0;
}

/* A lua_Alloc; `memory` is a struct lua_memory. */
void *lua_memory_alloc(void *memory, void *block, size_t old_size, size_t new_size);

#endif
