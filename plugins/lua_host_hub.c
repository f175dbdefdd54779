/*
 * `hub`, what a script may ask of the hub: verdicts, and the log.
 *
 * A verdict is a light value, the address of a byte in the host, made once; its text stays behind
 * in the function that was called. So a verdict costs no memory, and `return hub.drop("...")` is
 * told from every other value there is.
 */
#include "diag.h"
#include "lua_host_impl.h"

struct verdict {
    const char *name;
    enum filter_verdict verdict;
    bool must_say; /* makes no sense without a text */
};

static const struct verdict verdicts[] = {
    {"drop", FILTER_DROP, false},
    {"kick", FILTER_KICK, false},
    {"replace", FILTER_REPLACE, true},
    {"reply", FILTER_REPLY, true},
};

static struct str said_text(lua_State *state, const struct verdict *v)
{
    struct str text = STR("");
    int type = lua_type(state, 1);
    if (type == LUA_TSTRING)
        text.data = lua_tolstring(state, 1, &text.size);
    else if (v->must_say || (type != LUA_TNONE && type != LUA_TNIL))
        luaL_error(state, "hub.%s: the text must be a string, not %s", v->name,
                   type <= LUA_TNIL ? "nothing" : lua_typename(state, type));
    return text;
}

/* hub.drop(reason) and its like. Upvalues: which one; the text. */
static int say_verdict(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    const struct verdict *v = lua_touserdata(state, lua_upvalueindex(1));
    if (h->live == 0)
        return luaL_error(state, "hub.%s: there is no message to judge now", v->name);
    struct str text = said_text(state, v);
    lua_settop(state, 1);
    lua_copy(state, 1, lua_upvalueindex(2));
    h->said[v->verdict] = (struct lua_said){.call = h->live, .text = text};
    lua_pushlightuserdata(state, &h->verdicts[v->verdict]);
    return 1;
}

static enum diag_level check_level(lua_State *state)
{
    enum diag_level level;
    const char *word = luaL_checkstring(state, 1);
    if (diag_level_parse(word, &level) < 0)
        luaL_error(state, "hub.log: level '%s' is none of error, warn, info, debug", word);
    return level;
}

static int hub_log(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    enum diag_level level = check_level(state);
    struct str text;
    text.data = luaL_checklstring(state, 2, &text.size);
    uint64_t withheld;
    if (!diag_enabled(level) || !lua_gate_pass(&h->log_gate, h->now_ms, &withheld))
        return 0;
    char name[64];
    char line[768];
    lua_host_name(h, name, sizeof name);
    if (withheld > 0)
        diag_log(level, "filter %s: (%llu lines withheld)", name, (unsigned long long)withheld);
    diag_log(level, "filter %s: %s", name, diag_escape(text, line, sizeof line));
    return 0;
}

static int no_such_name(lua_State *state)
{
    return luaL_error(state, "there is no hub.%s", luaL_tolstring(state, 2, NULL));
}

void lua_hub_open(lua_State *state)
{
    lua_newtable(state);
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        lua_pushlightuserdata(state, (void *)&verdicts[i]);
        lua_pushnil(state);
        lua_pushcclosure(state, say_verdict, 2);
        lua_setfield(state, -2, verdicts[i].name);
    }
    lua_pushcfunction(state, hub_log);
    lua_setfield(state, -2, "log");

    lua_newtable(state);
    lua_pushcfunction(state, no_such_name);
    lua_setfield(state, -2, "__index");
    lua_pushcfunction(state, no_such_name);
    lua_setfield(state, -2, "__newindex");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    lua_setmetatable(state, -2);
}
