/* See lua_host_memory.h. */
#include "lua_host_memory.h"

#include <stdlib.h>

void *lua_memory_alloc(void *memory, void *block, size_t old_size, size_t new_size)
{
    struct lua_memory *m = memory;
    /* For a new block Lua passes its type where the old size stands: counting that as bytes given
     * back is how a limit comes to be none. */
    size_t had = block ? old_size : 0;
    if (new_size == 0) {
        free(block);
        m->used -= had;
        return NULL;
    }
    /* Lua relies on shrinking to succeed; only growth is ever refused. */
    if (new_size > had) {
        if (new_size > LUA_MEMORY_BLOCK_MAX || new_size - had > lua_memory_left(m))
            return NULL;
    }
    void *grown = realloc(block, new_size);
    if (!grown)
        return NULL;
    m->used = m->used - had + new_size;
    return grown;
}
