/*
 * The Lua host's insides: what its parts share. Only lua_host*.c include this, and only they
 * include Lua's headers.
 *
 *   lua_host.c           a script's life: load, call, fault, rebuild, free
 *   lua_host_source.c    its file, and in which line of it a word stands
 *   lua_host_declare.c   the table it returns
 *   lua_host_globals.c   the globals it sees; freezing them
 *   lua_host_string.c    `string`, bounded; over lua_host_pattern.c, which knows no Lua
 *   lua_host_table.c     `table`, bounded
 *   lua_host_hub.c       `hub`: verdicts and the log
 *   lua_host_message.c   `msg`
 *   lua_host_memory.c    the allocator; knows no Lua
 *   lua_host_watch.c     the stop-watch
 *
 * To give scripts a function: a row in lua_host_hub.c. A field of msg: a row in lua_host_message.c.
 * A key in the table a script returns: a row in lua_host_declare.c.
 *
 * What runs where. Everything named *_open() here may raise a Lua error and runs inside the one
 * protected call that loads a script; C functions given to scripts run inside the script's call.
 * Outside of these two nothing may raise: Lua would end the process.
 */
#ifndef CHATROOM_LUA_HOST_IMPL_H
#define CHATROOM_LUA_HOST_IMPL_H

#include "lua_host.h"
#include "lua_host_memory.h"
#include "lua_host_watch.h"

#include <lauxlib.h>
#include <lua.h>

/*
 * Message handles, used in turn. One would do; with a few, a script that keeps a handle over its
 * callback is told so in the next ones, instead of reading somebody else's message unawares.
 */
#define LUA_HOST_HANDLES 4

/* What stays on the stack of a state between calls. */
enum lua_host_slot {
    LUA_HOST_EXPLAIN = 1, /* the message handler of every protected call */
    LUA_HOST_ON_MESSAGE,
    LUA_HOST_FIRST_HANDLE,
    LUA_HOST_SLOTS = LUA_HOST_FIRST_HANDLE + LUA_HOST_HANDLES - 1,
};

/* Lets so many log lines through in a second of message time. */
struct lua_gate {
    int64_t second;
    uint32_t lines;
    uint64_t withheld; /* since the last line that passed */
};

/* What a script said with hub.drop() and its like: the text is anchored in the function. */
struct lua_said {
    uint64_t call; /* in which call */
    struct str text;
};

struct lua_handle {
    uint64_t call; /* the one call in which it is valid */
};

struct lua_source {
    char *path;
    char *text;
    size_t size;
};

struct lua_host {
    struct filter base;
    struct lua_host_limits limits;
    struct lua_source source;
    struct lua_memory memory;
    struct lua_watch watch;
    lua_State *state; /* NULL after a rebuild failed: every message passes */
    char *name;
    int defined_at; /* line of on_message */

    /* The call that runs. */
    uint64_t call; /* number of the last call */
    uint64_t live; /* the same while it runs, otherwise 0 */
    const struct filter_message *message;
    struct str text; /* of the message, as rewritten so far */
    bool rewritten;
    uint32_t made; /* bit set of the strings of the handle that are up to date */
    struct lua_handle *handles[LUA_HOST_HANDLES];
    struct lua_said said[FILTER_KICK + 1];
    char verdicts[FILTER_KICK + 1]; /* their addresses are the verdicts' values in Lua */

    int64_t now_ms; /* time of the last message */
    struct lua_gate fault_gate;
    struct lua_gate log_gate;
};

/* The host a state belongs to. */
static inline struct lua_host *lua_host_of(lua_State *state)
{
    return *(struct lua_host **)lua_getextraspace(state);
}

/* What to call the filter in a log line. */
const char *lua_host_name(const struct lua_host *h, char *out, size_t size);

/* True if a line may be written; *withheld gets the number of those that were not, since. */
bool lua_gate_pass(struct lua_gate *gate, int64_t now_ms, uint64_t *withheld);

/* Reads `path`. Returns 0 or a negative errno and a sentence in `why`. */
int lua_source_read(struct lua_source *source, const char *path, char *why, size_t why_size);
void lua_source_free(struct lua_source *source);

/* The last line in which `word` stands as a word; the last line of all if none does. */
int lua_source_line(const struct lua_source *source, const char *word);

/* Fills the table of globals; closes the string metatable. */
void lua_globals_open(lua_State *state);

/* From now on an assignment to a global that is not there is an error. */
void lua_globals_freeze(lua_State *state);

/* Push the library. */
void lua_string_open(lua_State *state);
void lua_table_open(lua_State *state);
void lua_hub_open(lua_State *state);

/* Pushes the handles. */
void lua_message_open(lua_State *state);

/* Looks at what the script returned, which is all there is on the stack, and leaves on_message in
 * its place. Raises an error that names file, line and key where there is something wrong. */
void lua_declare_take(lua_State *state);

/* Copies `n` named values from the table at index `from` to the one on the top. */
void lua_host_keep(lua_State *state, int from, const char *const *names, size_t n);

#endif
