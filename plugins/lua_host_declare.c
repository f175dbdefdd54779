/*
 * What a script returns: one table that says what it is. Everything in it is looked at, and a key
 * that is not known is an error: a filter that is loaded does what its author wrote. What `rooms`,
 * `match` and `config` may be is in lua_host_match.c and lua_host_config.c.
 */
#include "lua_host_impl.h"

#include <stdarg.h>
#include <stdlib.h>

#define COMMANDS_MAX    32
#define STRINGS_MAX     10000 /* in a list */
#define STRING_MAX      256   /* bytes of one in a list */
#define VERSION_MAX     32
#define DESCRIPTION_MAX 256
#define PRIORITY_MAX    10000

/* ---- errors ---- */

_Noreturn void lua_declare_fail(lua_State *state, const char *word, const char *format, ...)
{
    const struct lua_source *source = &lua_host_of(state)->source;
    va_list args;
    va_start(args, format);
    lua_pushfstring(state, "%s:%d: ", source->path, lua_source_line(source, word));
    lua_pushvfstring(state, format, args);
    va_end(args);
    lua_concat(state, 2);
    lua_error(state);
    abort(); /* it does not return, but does not say so */
}

/* ---- tables with known keys ---- */

static void check_type(lua_State *state, const struct lua_key *key, const char *path)
{
    int type = lua_type(state, -1);
    if (key->type != LUA_TNONE && type != key->type)
        lua_declare_fail(state, key->name, "'%s%s' must be a %s, not a %s", path, key->name,
                         lua_typename(state, key->type), lua_typename(state, type));
}

static bool is_known(const struct lua_key *keys, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(keys[i].name, name) == 0)
            return true;
    }
    return false;
}

/* `where` is what to call the table. */
static void check_known(lua_State *state, const struct lua_key *keys, size_t n, const char *path,
                        const char *where)
{
    for (lua_pushnil(state); lua_next(state, -2); lua_pop(state, 1)) {
        if (lua_type(state, -2) != LUA_TSTRING)
            lua_declare_fail(state, "return", "%s has a key that is a %s; keys are names", where,
                             luaL_typename(state, -2));
        const char *name = lua_tostring(state, -2);
        if (!is_known(keys, n, name))
            lua_declare_fail(state, name, "unknown key '%s%s' in %s", path, name, where);
    }
}

void lua_keys_take(lua_State *state, const struct lua_key *keys, size_t n, const char *path,
                   struct lua_declared *declared)
{
    const char *where = "the table returned";
    if (*path) {
        lua_pushlstring(state, path, strlen(path) - 1);
        where = lua_pushfstring(state, "'%s'", lua_tostring(state, -1));
        lua_remove(state, -2);
    } else {
        lua_pushnil(state);
    }
    lua_insert(state, -2);
    check_known(state, keys, n, path, where);
    for (size_t i = 0; i < n; i++) {
        if (lua_getfield(state, -1, keys[i].name) != LUA_TNIL) {
            check_type(state, &keys[i], path);
            keys[i].take(state, declared);
        } else if (keys[i].required) {
            lua_declare_fail(state, "return", "'%s%s' is missing in %s", path, keys[i].name, where);
        }
        lua_pop(state, 1);
    }
    lua_remove(state, -2);
}

/* ---- values ---- */

static struct str check_item(lua_State *state, const char *key)
{
    if (lua_type(state, -1) != LUA_TSTRING)
        lua_declare_fail(state, key, "'%s' may hold strings only, and there is a %s", key,
                         luaL_typename(state, -1));
    size_t size;
    const char *text = lua_tolstring(state, -1, &size);
    if (size == 0 || size > STRING_MAX)
        lua_declare_fail(state, key, "'%s' has a string of %d bytes; 1 to %d are right", key,
                         (int)size, STRING_MAX);
    return str_from(text, size);
}

const struct str *lua_declare_strings(lua_State *state, const char *key, size_t *count)
{
    if (lua_type(state, -1) == LUA_TSTRING) {
        check_item(state, key);
        struct str *one = lua_own(state, sizeof *one);
        *one = lua_own_string(state, -1);
        *count = 1;
        return one;
    }
    if (lua_type(state, -1) != LUA_TTABLE)
        lua_declare_fail(state, key, "'%s' must be a list of strings, not a %s", key,
                         luaL_typename(state, -1));
    size_t n = (size_t)lua_rawlen(state, -1);
    if (n == 0 || n > STRINGS_MAX)
        lua_declare_fail(state, key, "'%s' must be a list of 1 to %d strings", key, STRINGS_MAX);
    struct str *items = lua_own(state, n * sizeof *items);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(state, -1, (lua_Integer)i + 1);
        check_item(state, key);
        items[i] = lua_own_string(state, -1);
        lua_pop(state, 1);
    }
    *count = n;
    return items;
}

/* A name as filters and commands have it. */
static void check_name(lua_State *state, int index, const char *key)
{
    size_t size;
    const char *name = lua_tolstring(state, index, &size);
    if (size == 0 || size > LUA_HOST_NAME_MAX)
        lua_declare_fail(state, key, "'%s' must have 1 to %d characters", key, LUA_HOST_NAME_MAX);
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != size)
        lua_declare_fail(state, key, "'%s' may have only a-z, 0-9, '_' and '-'", key);
}

static struct str take_text(lua_State *state, const char *key, size_t max)
{
    if (lua_rawlen(state, -1) > max)
        lua_declare_fail(state, key, "'%s' is longer than %d bytes", key, (int)max);
    return lua_own_string(state, -1);
}

/* ---- keys ---- */

static void take_name(lua_State *state, struct lua_declared *d)
{
    check_name(state, -1, "name");
    d->filter.name = lua_own_string(state, -1);
}

static void take_version(lua_State *state, struct lua_declared *d)
{
    d->filter.version = take_text(state, "version", VERSION_MAX);
}

static void take_description(lua_State *state, struct lua_declared *d)
{
    d->filter.description = take_text(state, "description", DESCRIPTION_MAX);
}

static void take_api(lua_State *state, struct lua_declared *d)
{
    (void)d;
    if (lua_tonumber(state, -1) != LUA_HOST_API)
        lua_declare_fail(state, "api", "'api' is %s; this hub speaks %d",
                         luaL_tolstring(state, -1, NULL), LUA_HOST_API);
}

static void take_priority(lua_State *state, struct lua_declared *d)
{
    static const struct {
        const char *word;
        int priority;
    } words[] = {{"first", FILTER_FIRST}, {"normal", FILTER_NORMAL}, {"last", FILTER_LAST}};
    if (lua_type(state, -1) == LUA_TSTRING) {
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            if (strcmp(lua_tostring(state, -1), words[i].word) == 0) {
                d->filter.priority = words[i].priority;
                return;
            }
        }
    }
    lua_Integer number = lua_tointeger(state, -1);
    if (!lua_isinteger(state, -1) || number < -PRIORITY_MAX || number > PRIORITY_MAX)
        lua_declare_fail(state, "priority",
                         "'priority' must be \"first\", \"normal\", \"last\" or an integer from "
                         "%d to %d",
                         -PRIORITY_MAX, PRIORITY_MAX);
    d->filter.priority = (int)number;
}

static void take_on_error(lua_State *state, struct lua_declared *d)
{
    const char *word = lua_tostring(state, -1);
    d->filter.closed = strcmp(word, "closed") == 0;
    if (!d->filter.closed && strcmp(word, "open") != 0)
        lua_declare_fail(state, "on_error",
                         "'on_error' must be \"open\" (a fault lets it pass) or \"closed\" (a "
                         "fault drops it), not \"%s\"",
                         word);
}

static void take_on_message(lua_State *state, struct lua_declared *d)
{
    (void)state;
    d->filter.kinds |= 1U << FILTER_MESSAGE | 1U << FILTER_ACTION;
}

static void take_on_private(lua_State *state, struct lua_declared *d)
{
    (void)state;
    d->filter.kinds |= 1U << FILTER_PRIVATE;
}

static void take_on_join(lua_State *state, struct lua_declared *d)
{
    (void)state;
    d->filter.kinds |= 1U << FILTER_JOIN;
}

static void take_on_leave(lua_State *state, struct lua_declared *d)
{
    (void)state;
    d->filter.kinds |= 1U << FILTER_LEAVE;
}

static void take_on_nick(lua_State *state, struct lua_declared *d)
{
    (void)state;
    d->filter.kinds |= 1U << FILTER_NICK;
}

static void take_on_connect(lua_State *state, struct lua_declared *d)
{
    (void)state;
    d->filter.kinds |= 1U << FILTER_CONNECT;
}

static void take_nothing(lua_State *state, struct lua_declared *d)
{
    (void)state;
    (void)d;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct str *)a)->data, ((const struct str *)b)->data);
}

/* Key and value are on the top. */
static void check_command(lua_State *state)
{
    if (lua_type(state, -2) != LUA_TSTRING)
        lua_declare_fail(state, "commands",
                         "'commands' has a key that is a %s; keys are the names of commands",
                         luaL_typename(state, -2));
    const char *name = lua_tostring(state, -2);
    check_name(state, -2, name);
    if (lua_type(state, -1) != LUA_TFUNCTION)
        lua_declare_fail(state, name, "'commands.%s' must be a function, not a %s", name,
                         luaL_typename(state, -1));
}

static void take_commands(lua_State *state, struct lua_declared *d)
{
    struct str *names = lua_own(state, COMMANDS_MAX * sizeof *names);
    size_t count = 0;
    for (lua_pushnil(state); lua_next(state, -2); lua_pop(state, 1)) {
        check_command(state);
        if (count == COMMANDS_MAX)
            lua_declare_fail(state, "commands", "'commands' has more than %d", COMMANDS_MAX);
        names[count++] = lua_own_string(state, -2);
    }
    if (count == 0)
        lua_declare_fail(state, "commands", "'commands' is empty");
    qsort(names, count, sizeof *names, compare_names);
    d->filter.commands = names;
    d->filter.command_count = count;
    d->filter.kinds |= 1U << FILTER_COMMAND;
}

#define HANDLER "fun(msg: Message): Verdict?"

/* In this order they are looked at: `config` wants to know the name, `match` the handlers and the
 * configuration. */
static const struct lua_key keys[] = {
    {"name", LUA_TSTRING, true, take_name, "string",
     "1 to 32 of `a-z 0-9 _ -`; what the log and `--set` call it"},
    {"version", LUA_TSTRING, false, take_version, "string", "for people, and for `restore`"},
    {"description", LUA_TSTRING, false, take_description, "string", "for people"},
    {"api", LUA_TNUMBER, false, take_api, "1", "which version of this table it is written for"},
    {"on_message", LUA_TFUNCTION, false, take_on_message, HANDLER, "a message or `/me` to a room"},
    {"on_private", LUA_TFUNCTION, false, take_on_private, HANDLER, "a private message to `msg.to`"},
    {"on_join", LUA_TFUNCTION, false, take_on_join, HANDLER, "a client enters a room"},
    {"on_leave", LUA_TFUNCTION, false, take_on_leave, "fun(msg: Message)",
     "a client has left a room; there is nothing to judge"},
    {"on_nick", LUA_TFUNCTION, false, take_on_nick, HANDLER, "a client wants the nick `msg.to`"},
    {"on_connect", LUA_TFUNCTION, false, take_on_connect, HANDLER, "a client connects"},
    {"commands", LUA_TTABLE, false, take_commands,
     "table<string, fun(ctx: Message, args: string): Verdict?>",
     "functions by name: `/roll 2d6` calls `commands.roll(ctx, \"2d6\")`"},
    {"on_load", LUA_TFUNCTION, false, take_nothing, "fun()",
     "once, when it is loaded and `hub.config` is there"},
    {"on_unload", LUA_TFUNCTION, false, take_nothing, "fun()", "once, before it is gone"},
    {"save", LUA_TFUNCTION, false, take_nothing, "fun(): any",
     "on a reload: returns what the next one is to know, plain values and tables of them"},
    {"restore", LUA_TFUNCTION, false, take_nothing, "fun(saved: any, old_version: string)",
     "on a reload, after `on_load`: is given it"},
    {"priority", LUA_TNONE, false, take_priority, "\"first\"|\"normal\"|\"last\"|integer",
     "its place among the filters: -1000, 0, 1000; low ones are asked first"},
    {"on_error", LUA_TSTRING, false, take_on_error, "\"open\"|\"closed\"",
     "after a fault, what was judged passes (`\"open\"`, the default) or is dropped"},
    {"rooms", LUA_TNONE, false, lua_take_rooms, "string|string[]",
     "only in these rooms; `*` and `?` match any characters, or any one"},
    {"config", LUA_TTABLE, false, lua_take_config,
     "table<string, Setting|string|number|boolean|string[]>",
     "what may be set with `--set NAME.KEY=VALUE`, and is read in `hub.config.KEY`"},
    {"match", LUA_TNONE, false, lua_take_match,
     "FilterMatch|fun(config: table<string, any>): FilterMatch",
     "only what is like this; decided before the script is entered, and so for nearly nothing"},
};

#define KEYS (sizeof keys / sizeof *keys)

const struct lua_key *lua_declare_keys(size_t *count)
{
    *count = KEYS;
    return keys;
}

/* ---- the table ---- */

/* A script that nothing calls is a mistake. */
static void check_called(lua_State *state, const struct lua_declared *d)
{
    if (d->filter.kinds == 0)
        lua_declare_fail(state, "return",
                         "nothing to do: 'on_message', another handler or 'commands' is missing in "
                         "the table returned");
}

/* A list of the functions, in the order of the names that the chain has: those of the first time.
 */
static void push_commands(lua_State *state)
{
    const struct lua_host *h = lua_host_of(state);
    const struct filter *names = h->base.ops ? &h->base : &h->draft->filter;
    if (lua_getfield(state, 1, "commands") == LUA_TNIL)
        return;
    lua_createtable(state, (int)names->command_count, 0);
    for (size_t i = 0; i < names->command_count; i++) {
        lua_getfield(state, -2, names->commands[i].data);
        lua_rawseti(state, -2, (lua_Integer)i + 1);
    }
    lua_remove(state, -2);
}

/* In the order of enum lua_host_slot, from LUA_HOST_HANDLER on. */
static void push_slots(lua_State *state)
{
    static const char *const handlers[] = {
        "on_message", "on_message", "on_private", "on_join", "on_leave", "on_nick", "on_connect",
    };
    static const char *const others[] = {"on_load", "on_unload", "save", "restore"};
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        lua_getfield(state, 1, handlers[i]);
    push_commands(state);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        lua_getfield(state, 1, others[i]);
}

void lua_declare_take(lua_State *state)
{
    struct lua_declared *draft = lua_host_of(state)->draft;
    if (lua_type(state, -1) != LUA_TTABLE)
        lua_declare_fail(state, "return", "a filter returns a table, not %s",
                         lua_isnil(state, -1) ? "nothing" : luaL_typename(state, -1));
    /* Its fields, not what a metatable makes of them. */
    lua_pushnil(state);
    lua_setmetatable(state, 1);
    lua_keys_take(state, keys, KEYS, "", draft);
    check_called(state, draft);
    if (!draft->config) {
        lua_newtable(state);
        lua_take_config(state, draft);
        lua_pop(state, 1);
    }
    lua_config_check_settings(state, draft);
    push_slots(state);
    lua_remove(state, 1);
}
