/*
 * What the scripts of a hub share, and what outlives their reloads: the maps of hub.shared(), and
 * how much each script's hub.rate() has let through. Whoever loads scripts makes one, hands it to
 * them in filter_load_options.context, and frees it after them. For one thread. Knows no Lua.
 */
#ifndef CHATROOM_LUA_HOST_WORLD_H
#define CHATROOM_LUA_HOST_WORLD_H

#include "str.h"

struct rate;
struct shared_maps;
struct lua_host_world;

/* NULL without memory. */
struct lua_host_world *lua_host_world_new(void);
void lua_host_world_free(struct lua_host_world *world); /* NULL is fine */

struct shared_maps *lua_host_world_maps(struct lua_host_world *world);

/* The buckets of the script `name`, made if there are none; NULL without memory. Valid as long as
 * the world. */
struct rate *lua_host_world_rate(struct lua_host_world *world, struct str name);

#endif
