/*
 * `table` for scripts: Lua's own functions behind a check of how far they will loop, for they loop
 * in C, where no script can be stopped. Two things make them loop for ever: a range given as
 * arguments, table.move({}, 1, 1e15, 2), and a __len that lies. So ranges are bounded, and tables
 * with a __len are refused.
 */
#include "lua_host_impl.h"

#include <lualib.h>

#define ITEMS_MAX 10000

static int original(lua_State *state)
{
    return lua_tocfunction(state, lua_upvalueindex(1))(state);
}

/* The size of the list that argument `arg` is. */
static lua_Integer check_list(lua_State *state, int arg)
{
    luaL_checktype(state, arg, LUA_TTABLE);
    if (luaL_getmetafield(state, arg, "__len") != LUA_TNIL)
        luaL_argerror(state, arg, "a table with __len is not taken here");
    return (lua_Integer)lua_rawlen(state, arg);
}

static void check_range(lua_State *state, lua_Integer from, lua_Integer to)
{
    if (to >= from && (lua_Unsigned)to - (lua_Unsigned)from >= ITEMS_MAX)
        luaL_error(state, "more than %d items at once", ITEMS_MAX);
}

/* At the end it is cheap at any size; elsewhere what is behind moves up. */
static int checked_insert(lua_State *state)
{
    lua_Integer size = check_list(state, 1);
    if (lua_gettop(state) == 3)
        check_range(state, luaL_checkinteger(state, 2), size);
    return original(state);
}

static int checked_remove(lua_State *state)
{
    lua_Integer size = check_list(state, 1);
    check_range(state, luaL_optinteger(state, 2, size), size);
    return original(state);
}

static int checked_sort(lua_State *state)
{
    check_range(state, 1, check_list(state, 1));
    return original(state);
}

static int checked_concat(lua_State *state)
{
    lua_Integer size = check_list(state, 1);
    check_range(state, luaL_optinteger(state, 3, 1), luaL_optinteger(state, 4, size));
    return original(state);
}

static int checked_unpack(lua_State *state)
{
    lua_Integer size = check_list(state, 1);
    check_range(state, luaL_optinteger(state, 2, 1), luaL_optinteger(state, 3, size));
    return original(state);
}

static int checked_move(lua_State *state)
{
    check_list(state, 1);
    check_range(state, luaL_checkinteger(state, 2), luaL_checkinteger(state, 3));
    if (!lua_isnoneornil(state, 5))
        check_list(state, 5);
    return original(state);
}

static const luaL_Reg checked[] = {
    {"insert", checked_insert}, {"remove", checked_remove}, {"sort", checked_sort},
    {"concat", checked_concat}, {"unpack", checked_unpack}, {"move", checked_move},
};

void lua_table_open(lua_State *state)
{
    static const char *const harmless[] = {"pack"};
    lua_pushcfunction(state, luaopen_table);
    lua_call(state, 0, 1);
    int whole = lua_gettop(state);
    lua_newtable(state);
    lua_host_keep(state, whole, harmless, 1);
    for (size_t i = 0; i < sizeof checked / sizeof *checked; i++) {
        lua_getfield(state, whole, checked[i].name);
        lua_pushcclosure(state, checked[i].func, 1);
        lua_setfield(state, -2, checked[i].name);
    }
    lua_remove(state, whole);
}
