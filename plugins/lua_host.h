/*
 * The Lua filter host: a kind of filter (core/filter.h) whose judgement is a script.
 *
 *   lua_host_load(&f, "words.lua", &options, why, sizeof why)  ->  filter_chain_add(chain, f)
 *
 * A script returns one table, { name = ..., on_message = function(msg) ... end }. What it may do is
 * told to authors in README.md and chatroom_filter(7). What the host promises the hub:
 *
 *   - a script never ends the hub: every call is protected, and what goes wrong in one is a
 *     FILTER_FAULT, with file and line in result->text;
 *   - a script is stopped when a call has used up its time, whatever it does, pcall included; it
 *     holds the hub for no longer than a small multiple of that, however busy the machine
 *     (lua_host_watch.h);
 *   - a script gets no more memory than its limit;
 *   - a script reaches nothing but the values given to it: no processes, no bytecode, and no files
 *     but those beside it, while it is loaded.
 *
 * A script has a Lua state of its own; what scripts share (hub.shared, hub.rate) is in a struct
 * lua_host_world. A filter belongs to the thread that loaded it: it is called and freed there. The
 * host uses SIGURG (lua_host_watch.h says how): that thread must not block it, and must take EINTR
 * for an answer.
 */
#ifndef CHATROOM_LUA_HOST_H
#define CHATROOM_LUA_HOST_H

#include "filter.h"
#include "lua_host_world.h"

/* A file of more bytes than this is refused. */
#define LUA_HOST_SCRIPT_MAX ((size_t)1 << 20)

/* What save() returns may take up so many bytes. */
#define LUA_HOST_STATE_MAX ((size_t)1 << 20)

/* The version of what scripts may call: a script says `api = 1`. */
#define LUA_HOST_API 1

/* What a script may use up. */
struct lua_host_limits {
    size_t memory;    /* bytes, all of its state together */
    uint32_t call_us; /* processor time of one call, microseconds */
    uint32_t
        load_us; /* the same, of what happens once: loading, on_load, save, restore, on_unload */
    uint32_t patience; /* on the wall, either lasts at most so many times as long: the hub is held
                          no longer, however little of the processor it gets */
};

/* 16 MiB, 5 ms, 1 s; 4: a call ends within 20 ms. */
struct lua_host_limits lua_host_limits_default(void);

/* Loads a script under the default limits. See filter_load_fn; options->context is a struct
 * lua_host_world, borrowed for the life of the filter. Without one the script shares with none. */
filter_load_fn lua_host_load;

/* The same under other limits, and with `world` for options->context. `options` may be NULL, and so
 * may its hub: then nobody is there, and what is said goes nowhere. */
int lua_host_load_limited(struct filter **out, const char *path,
                          const struct filter_load_options *options,
                          const struct lua_host_limits *limits, struct lua_host_world *world,
                          char *why, size_t why_size);

#endif
