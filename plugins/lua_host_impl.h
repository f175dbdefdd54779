/*
 * The Lua host's insides: what its parts share. Only lua_host*.c and lua_api.c include this, and
 * only they include Lua's headers.
 *
 *   lua_host.c           a script's life: load, start anew, free
 *   lua_host_event.c     an event judged; faults
 *   lua_host_timer.c     hub.every() and hub.after()
 *   lua_host_save.c      save() and restore(), and the bytes between them
 *   lua_host_source.c    its file, and in which line of it a word stands
 *   lua_host_require.c   `require`: the files beside it
 *   lua_host_declare.c   the table it returns
 *   lua_host_match.c     `rooms` and `match` in that table
 *   lua_host_config.c    `config` in that table; --set
 *   lua_host_globals.c   the globals it sees; freezing them
 *   lua_host_string.c    `string`, bounded; over lua_host_pattern.c, which knows no Lua
 *   lua_host_table.c     `table`, bounded
 *   lua_host_hub.c       `hub`: verdicts, the log, rooms and members
 *   lua_host_tools.c     `hub`: rate, tally, shared and words, over modules that know no Lua
 *   lua_host_text.c      `hub`: letters, lower, fingerprint, links, json, in the same way
 *   lua_host_message.c   `msg`
 *   lua_host_memory.c    the allocator; knows no Lua
 *   lua_host_watch.c     the stop-watch
 *   lua_host_world.c     what scripts share
 *   lua_api.c            the names scripts know, and what they mean
 *
 * To give scripts a function or a field of msg: a row in lua_api.c. A key in the table a script
 * returns: a row in lua_host_declare.c. Then `ninja lua_docs`.
 *
 * What runs where. Everything that takes a lua_State and is not marked otherwise may raise a Lua
 * error: it runs inside a protected call, the one that loads the script or one that calls it.
 * Outside of these nothing may raise: Lua would end the process.
 */
#ifndef CHATROOM_LUA_HOST_IMPL_H
#define CHATROOM_LUA_HOST_IMPL_H

#include "lua_api.h"
#include "lua_host.h"
#include "lua_host_memory.h"
#include "lua_host_watch.h"
#include "timer_heap.h"

#include <lauxlib.h>
#include <lua.h>
#include <stddef.h>

struct rate;
struct word_set;

/*
 * Message handles, used in turn. One would do; with a few, a script that keeps a handle over its
 * callback is told so in the next ones, instead of reading somebody else's message unawares.
 */
#define LUA_HOST_HANDLES     4

#define LUA_HOST_TIMERS_MAX  64
#define LUA_HOST_MODULES_MAX 16
#define LUA_HOST_TEXT_MAX    ((size_t)64 << 10) /* that C looks through, where nothing stops it */
#define LUA_HOST_NAME_MAX    32                 /* of filters, commands, modules, settings */

/* What stays on the stack of a state between calls. A function that a script does not have is nil.
 */
enum lua_host_slot {
    LUA_HOST_EXPLAIN = 1, /* the message handler of every protected call */
    LUA_HOST_HANDLER,     /* of the first kind of event; the others follow */
    LUA_HOST_COMMANDS = LUA_HOST_HANDLER + FILTER_COMMAND, /* a list: see base.commands */
    LUA_HOST_ON_LOAD = LUA_HOST_HANDLER + FILTER_KINDS,
    LUA_HOST_ON_UNLOAD,
    LUA_HOST_SAVE,
    LUA_HOST_RESTORE,
    LUA_HOST_TIMERS, /* functions by the ids of their timers */
    LUA_HOST_FIRST_HANDLE,
    LUA_HOST_SLOTS = LUA_HOST_FIRST_HANDLE + LUA_HOST_HANDLES - 1,
};

/* Where in its life a script is: what it may ask of the hub depends on it. */
enum lua_host_phase { LUA_HOST_LOADING, LUA_HOST_RUNNING, LUA_HOST_LEAVING };

/* A function of the script: a slot, or in the table that is there, the item. */
struct lua_callee {
    int slot;
    lua_Integer item; /* 0: the slot itself */
};

/* Lets so many log lines through in a second. */
struct lua_gate {
    int64_t second;
    uint32_t lines;
    uint64_t withheld; /* since the last line that passed */
};

/* A line of a script, "words.lua:31", as its errors name it; empty: not known. */
struct lua_place {
    char text[LUA_IDSIZE + 16];
};

/* What a script said with hub.drop() and its like: the text is anchored in the function. */
struct lua_said {
    uint64_t call; /* in which call */
    struct str text;
    struct lua_place at; /* only where the log wants it */
};

struct lua_handle {
    uint64_t call; /* the one call in which it is valid */
};

struct lua_source {
    char *path;
    char *text;
    size_t size;
};

struct lua_module {
    char name[LUA_HOST_NAME_MAX + 1];
    struct lua_source source;
};

struct lua_timer {
    uint64_t id;       /* 0: free */
    int64_t period_ms; /* 0: once */
};

struct lua_timers {
    struct timer_heap heap;
    struct lua_timer items[LUA_HOST_TIMERS_MAX];
    uint64_t last_id;
    int64_t seen_ms; /* the hub's clock, when last seen */
};

/* Memory that is freed together; see lua_own(). */
struct lua_owned {
    struct lua_owned *next;
    _Alignas(max_align_t) char bytes[];
};

/* What of `match` the chain does not know by itself. */
struct lua_match_rule {
    size_t capitals;        /* at least; 0: no matter */
    struct word_set *words; /* one of them; NULL: no matter */
    size_t word_count;
};

/* What a script says of itself, copied out of its state. */
struct lua_declared {
    struct filter filter; /* only what the filter itself sets */
    struct lua_match_rule rule;
    struct filter_setting *config;
    size_t config_count;
    struct lua_owned *owned;
};

struct lua_host {
    struct filter base;
    struct lua_host_limits limits;
    const struct filter_hub *hub;
    struct lua_host_world *world;
    bool own_world;
    struct rate *rate; /* the script's in the world; NULL until it asks */
    struct lua_source source;
    struct lua_module modules[LUA_HOST_MODULES_MAX]; /* those that were required */
    size_t module_count;
    char **settings; /* of --set; copied, NULL-terminated; may be NULL */
    struct lua_memory memory;
    struct lua_watch watch;
    lua_State *state; /* NULL after it could not be started anew: each event is a fault */
    struct lua_declared declared;
    struct lua_declared *draft; /* while it is loaded: what it says this time */
    enum lua_host_phase phase;

    /* The call that runs. */
    struct lua_callee callee;
    uint64_t call; /* number of the last event */
    uint64_t live; /* the same while it is judged, otherwise 0 */
    const struct filter_event *event;
    struct str text; /* of the event, as rewritten so far */
    bool rewritten;
    struct lua_place rewritten_at; /* only where the log wants it */
    uint32_t made;                 /* bit set of the strings of the handle that are up to date */
    struct lua_handle *handles[LUA_HOST_HANDLES];
    struct lua_said said[FILTER_VERDICTS];
    char verdicts[FILTER_VERDICTS]; /* their addresses are the verdicts' values in Lua */

    int64_t now_ms;                       /* of the last thing that happened */
    uint64_t seed;                        /* of hashes that scripts come by */
    const void *classes[LUA_API_CLASSES]; /* metatables, to know objects by */
    struct lua_timers timers;
    struct lua_gate log_gate;
    char fault[768]; /* the last one, for the log */
    struct lua_place fault_at;
    bool starved; /* the last call was stopped, and the machine is to blame */
};

/* The host a state belongs to. */
static inline struct lua_host *lua_host_of(lua_State *state)
{
    return *(struct lua_host **)lua_getextraspace(state);
}

/* ---- lua_host.c ---- */

/* What a log line about the filter starts with: filter_label(), and before it has a name, its file.
 * Does not raise. */
const char *lua_host_label(const struct lua_host *h, char *out, size_t size);

/* Calls the callee, whose function and arguments are on the top. Returns Lua's status, with
 * `results` or the error on the top. Does not raise. */
int lua_host_call(struct lua_host *h, int arguments, int results, uint32_t budget_us);

/* After memory was refused: gives back what it can, if need be by starting the script anew.
 * Does not raise. */
void lua_host_recover(struct lua_host *h);

/* `size` bytes that live as long as the filter. */
void *lua_own(lua_State *state, size_t size);

/* The string at `index`, NUL-terminated, for as long. */
struct str lua_own_string(lua_State *state, int index);

/* ---- lua_host_event.c; none of these raise ---- */

void lua_host_on_event(struct filter *f, const struct filter_event *e,
                       struct filter_result *result);

/* A call ended with this status, its error on the top: tidies up, and returns what to log. Where it
 * was is in h->fault_at. */
struct str lua_host_fault(struct lua_host *h, int status);

/* The line that called the C function that runs. */
void lua_host_place_caller(lua_State *state, struct lua_place *at);

/* The function on the stack that the callee is, or nil. */
void lua_host_push_callee(struct lua_host *h);

/* ---- lua_host_timer.c ---- */

/* Forgets all timers. Does not raise. */
void lua_timers_clear(struct lua_timers *timers);

/* Runs the earliest timer if it is due, and tells how that went; returns when the next is.
 * Does not raise. */
int64_t lua_host_run_timer(struct lua_host *h, int64_t now_ms, struct filter_result *result);

/* ---- lua_host_save.c: see struct filter_ops; none of these raise ---- */

int lua_host_save(struct filter *f, char **state, size_t *size, char *why, size_t why_size);
int lua_host_restore(struct filter *f, const char *state, size_t size, struct str old_version,
                     char *why, size_t why_size);

/* ---- lua_host_source.c; none of these raise ---- */

/* Reads `path`. Returns 0 or a negative errno and a sentence in `why`. */
int lua_source_read(struct lua_source *source, const char *path, char *why, size_t why_size);
void lua_source_free(struct lua_source *source);

/* True if what Lua raised starts with a file and a line. It has none where the parser ran out of
 * stack, for one, and where a script says error(text, 0). */
bool lua_source_has_place(const char *raised);

/* The last line in which `word` stands as a word; the last line of all if none does. */
int lua_source_line(const struct lua_source *source, const char *word);

/* ---- lua_host_globals.c, and the libraries ---- */

/* Fills the table of globals; closes the string metatable. */
void lua_globals_open(lua_State *state);

/* From now on an assignment to a global that is not there is an error. */
void lua_globals_freeze(lua_State *state);

/* Push the library, or the function. */
void lua_string_open(lua_State *state);
void lua_table_open(lua_State *state);
void lua_hub_open(lua_State *state);
void lua_require_open(lua_State *state);

/* Pushes the handles. */
void lua_message_open(lua_State *state);

/* A hash of the string or integer that an argument is, the script's own. */
uint64_t lua_host_hash(lua_State *state, int arg);

/* The text that an argument is: a string, or, without a copy, that of the message whose handle it
 * is. Good until the script runs on. */
struct str lua_message_text(lua_State *state, int arg);

/* Copies `n` named values from the table at index `from` to the one on the top. */
void lua_host_keep(lua_State *state, int from, const char *const *names, size_t n);

/* Raises an error unless the script runs: for what makes no sense before and after that. */
void lua_host_check_running(lua_State *state, const char *function);

/* ---- lua_host_declare.c ---- */

/* A key that a table may have, and what becomes of it. */
struct lua_key {
    const char *name;
    int type; /* LUA_TNONE: `take` looks at it */
    bool required;
    /* Judges and copies the value on the top. */
    void (*take)(lua_State *state, struct lua_declared *declared);
    const char *means; /* type in the words of LuaCATS, and help: for the documentation */
    const char *help;
};

/* Those of the table a script returns, of `match` in it, and of what a key of `config` may be. */
const struct lua_key *lua_declare_keys(size_t *count);
const struct lua_key *lua_match_keys(size_t *count);
const struct lua_key *lua_config_keys(size_t *count);

/*
 * Looks at what the script returned, which is all there is on the stack, into h->draft; leaves what
 * is in the slots from LUA_HOST_HANDLER to LUA_HOST_RESTORE in its place. Raises an error that
 * names file, line and key where there is something wrong.
 */
void lua_declare_take(lua_State *state);

/* Looks at the table on the top, key by key in the order of `keys`. `path` is what stands before a
 * key when it is named, "match." for one. */
void lua_keys_take(lua_State *state, const struct lua_key *keys, size_t n, const char *path,
                   struct lua_declared *declared);

/* Raises a sentence, with the file and the line where `word` stands before it. */
_Noreturn void lua_declare_fail(lua_State *state, const char *word, const char *format, ...);

/* The list of strings on the top, or the one string, that `key` has. Each of them, and their
 * number, is bounded; none is empty. */
const struct str *lua_declare_strings(lua_State *state, const char *key, size_t *count);

/* ---- lua_host_match.c, lua_host_config.c: rows of lua_host_declare.c ---- */

/* Frees what there is besides lua_own(); how many bytes that is. Neither raises. */
void lua_match_rule_free(struct lua_match_rule *rule);
size_t lua_match_rule_memory(const struct lua_match_rule *rule);

void lua_take_rooms(lua_State *state, struct lua_declared *declared);
void lua_take_match(lua_State *state, struct lua_declared *declared);
void lua_take_config(lua_State *state, struct lua_declared *declared);

/* Of all that was set for this script, there must be a key. */
void lua_config_check_settings(lua_State *state, const struct lua_declared *declared);

#endif
