/*
 * What a script returns: one table that says what it is. Everything in it is looked at, and a key
 * that is not known is an error: a filter that is loaded does what its author wrote.
 */
#include "lua_host_impl.h"

#include <stdlib.h>

struct declared {
    const char *key;
    int type;
    bool required;
    /* Judges the value on the top; NULL or the end of a sentence that starts with the key. */
    const char *(*fault)(lua_State *state);
};

#define NAME_MAX_SIZE 32

static const char *name_fault(lua_State *state)
{
    size_t size;
    const char *name = lua_tolstring(state, -1, &size);
    if (size == 0 || size > NAME_MAX_SIZE)
        return "must have 1 to 32 characters";
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != size)
        return "may have only a-z, 0-9, '_' and '-'";
    return NULL;
}

static const struct declared keys[] = {
    {"name", LUA_TSTRING, true, name_fault},
    {"version", LUA_TSTRING, false, NULL},
    {"description", LUA_TSTRING, false, NULL},
    {"on_message", LUA_TFUNCTION, true, NULL},
};

#define KEYS (sizeof keys / sizeof *keys)

/* Raises the text on the top, with the file and the line where `word` stands before it. */
_Noreturn static void fail_at(lua_State *state, const char *word)
{
    const struct lua_source *source = &lua_host_of(state)->source;
    lua_pushfstring(state, "%s:%d: ", source->path, lua_source_line(source, word));
    lua_insert(state, -2);
    lua_concat(state, 2);
    lua_error(state);
    abort(); /* it does not return, but does not say so */
}

static void check_value(lua_State *state, const struct declared *key)
{
    if (lua_type(state, -1) != key->type) {
        lua_pushfstring(state, "'%s' must be a %s, not a %s", key->key,
                        lua_typename(state, key->type), luaL_typename(state, -1));
        fail_at(state, key->key);
    }
    const char *fault = key->fault ? key->fault(state) : NULL;
    if (fault) {
        lua_pushfstring(state, "'%s' %s", key->key, fault);
        fail_at(state, key->key);
    }
}

static const struct declared *find_key(const char *name)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].key, name) == 0)
            return &keys[i];
    }
    return NULL;
}

/* Key and value are on the top. */
static void check_entry(lua_State *state)
{
    if (lua_type(state, -2) != LUA_TSTRING) {
        lua_pushfstring(state, "the table returned has a key that is a %s; keys are names",
                        luaL_typename(state, -2));
        fail_at(state, "return");
    }
    const char *name = lua_tostring(state, -2);
    const struct declared *key = find_key(name);
    if (!key) {
        lua_pushfstring(state, "unknown key '%s' in the table returned", name);
        fail_at(state, name);
    }
    check_value(state, key);
}

static void check_table(lua_State *state)
{
    for (lua_pushnil(state); lua_next(state, 1); lua_pop(state, 1))
        check_entry(state);
    for (size_t i = 0; i < KEYS; i++) {
        if (keys[i].required && lua_getfield(state, 1, keys[i].key) == LUA_TNIL) {
            lua_pushfstring(state, "'%s' is missing in the table returned", keys[i].key);
            fail_at(state, "return");
        }
    }
    lua_settop(state, 1);
}

/* Once: the name must live as long as the filter, and a state made anew says the same. */
static void take_name(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    if (h->name)
        return;
    lua_getfield(state, 1, "name");
    h->name = strdup(lua_tostring(state, -1));
    if (!h->name) {
        luaL_error(state, "out of memory");
        return;
    }
    h->base.name = str_of(h->name);
    lua_pop(state, 1);
}

void lua_declare_take(lua_State *state)
{
    if (lua_type(state, -1) != LUA_TTABLE) {
        lua_pushfstring(state, "a filter returns a table, not %s",
                        lua_isnil(state, -1) ? "nothing" : luaL_typename(state, -1));
        fail_at(state, "return");
    }
    check_table(state);
    take_name(state);

    lua_Debug at;
    lua_getfield(state, 1, "on_message");
    lua_pushvalue(state, -1);
    lua_getinfo(state, ">S", &at);
    lua_host_of(state)->defined_at = at.linedefined;
    lua_remove(state, 1);
}
