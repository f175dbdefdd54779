/*
 * The globals a script sees: an allow-list, so that what is not named here is not there. Missing
 * on purpose: io, os, debug, package (the outside; `require` is ours), load, loadfile, dofile and
 * string.dump (code that was not in the file), coroutine (a hook is per coroutine: the watch would
 * not reach into one), collectgarbage, rawset and _G (ways round what is frozen).
 */
#include "lua_host_impl.h"

#include <lualib.h>

static const char *const base[] = {
    "assert", "error",  "getmetatable", "ipairs",   "next", "pairs",
    "pcall",  "select", "tonumber",     "tostring", "type",
};

void lua_host_keep(lua_State *state, int from, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        lua_getfield(state, from, names[i]);
        lua_setfield(state, -2, names[i]);
    }
}

/* A finalizer would run in the middle of whatever the collector interrupts: no __gc. (Lua looks
 * for it when the metatable is set, and only then.) Upvalue 1 is Lua's function. */
static int checked_setmetatable(lua_State *state)
{
    if (lua_type(state, 2) == LUA_TTABLE) {
        lua_pushliteral(state, "__gc");
        if (lua_rawget(state, 2) != LUA_TNIL)
            return luaL_error(state, "setmetatable: __gc is not allowed in filters");
        lua_pop(state, 1);
    }
    return lua_tocfunction(state, lua_upvalueindex(1))(state);
}

static int read_undeclared(lua_State *state)
{
    return luaL_error(state, "there is no global '%s' (filters see few: see chatroom_filter(7))",
                      luaL_tolstring(state, 2, NULL));
}

static int write_undeclared(lua_State *state)
{
    return luaL_error(state,
                      "global '%s' was not there when the script was loaded: "
                      "make it local, or give it a value at the top of the script",
                      luaL_tolstring(state, 2, NULL));
}

/* Lua's base functions fill the table of globals; we want a few of them in an empty one. */
static void open_base(lua_State *state)
{
    lua_pushcfunction(state, luaopen_base);
    lua_call(state, 0, 1);
    int whole = lua_gettop(state);
    lua_newtable(state);
    lua_host_keep(state, whole, base, sizeof base / sizeof *base);
    lua_getfield(state, whole, "setmetatable");
    lua_pushcclosure(state, checked_setmetatable, 1);
    lua_setfield(state, -2, "setmetatable");
    lua_remove(state, whole);
}

static void set_library(lua_State *state, const char *name, lua_CFunction open)
{
    lua_pushcfunction(state, open);
    lua_call(state, 0, 1);
    lua_setfield(state, -2, name);
}

void lua_globals_open(lua_State *state)
{
    open_base(state);
    set_library(state, "math", luaopen_math);
    set_library(state, "utf8", luaopen_utf8);
    lua_string_open(state);
    lua_setfield(state, -2, "string");
    lua_table_open(state);
    lua_setfield(state, -2, "table");
    lua_hub_open(state);
    lua_setfield(state, -2, "hub");
    lua_require_open(state);
    lua_setfield(state, -2, "require");

    lua_newtable(state);
    lua_pushcfunction(state, read_undeclared);
    lua_setfield(state, -2, "__index");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    lua_setmetatable(state, -2);
    lua_rawseti(state, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

void lua_globals_freeze(lua_State *state)
{
    lua_pushglobaltable(state);
    lua_getmetatable(state, -1);
    lua_pushcfunction(state, write_undeclared);
    lua_setfield(state, -2, "__newindex");
    lua_pop(state, 2);
}
