/*
 * The Lua filter host: a kind of filter (core/filter.h) whose judgement is a script.
 *
 *   lua_host_load(&f, "words.lua", why, sizeof why)  ->  filter_chain_add(chain, f)
 *
 * A script returns one table, { name = ..., on_message = function(msg) ... end }. What it may do is
 * told to authors in README.md and chatroom_filter(7). What the host promises the hub:
 *
 *   - a script never ends the hub: every call is protected, and a fault (logged with file and line,
 *     counted in filter.faults) lets the message pass as it was;
 *   - a script is stopped when a call has used up its time, whatever it does, pcall included;
 *   - a script gets no more memory than its limit;
 *   - a script reaches nothing but the values given to it: no files, no processes, no bytecode.
 *
 * A script has a Lua state of its own; two filters share nothing, so there is nothing to lock. A
 * filter belongs to the thread that loaded it: it is called and freed there. The host uses SIGURG
 * (lua_host_watch.h says how): that thread must not block it, and must take EINTR for an answer.
 */
#ifndef CHATROOM_LUA_HOST_H
#define CHATROOM_LUA_HOST_H

#include "filter.h"

/* A script of more bytes than this is refused. */
#define LUA_HOST_SCRIPT_MAX ((size_t)1 << 20)

/* What a script may use up. */
struct lua_host_limits {
    size_t memory;    /* bytes, all of its state together */
    uint32_t call_us; /* processor time of one call, microseconds */
    uint32_t load_us; /* of loading */
};

/* 16 MiB, 5 ms, 1 s. */
struct lua_host_limits lua_host_limits_default(void);

/* Loads a script under the default limits. See filter_load_fn. */
filter_load_fn lua_host_load;

/* Loads a script under other limits. */
int lua_host_load_limited(struct filter **out, const char *path,
                          const struct lua_host_limits *limits, char *why, size_t why_size);

#endif
