/*
 * `msg`, the message a script judges. The handles are made once and used in turn; their strings are
 * made when a script asks for them, so one that looks at msg.len alone copies nothing. Scripts
 * cannot get at the metatable, so the first argument of what is in it is always a handle.
 */
#include "lua_host_impl.h"

enum field {
    /* Strings; each has the user value of its number. */
    FIELD_TEXT = 1,
    FIELD_FROM,
    FIELD_ROOM,
    /* The rest */
    FIELD_KIND,
    FIELD_CLIENT,
    FIELD_TIME,
    FIELD_LEN,
};

#define STRINGS FIELD_ROOM

static const struct {
    const char *name;
    enum field field;
} fields[] = {
    {"text", FIELD_TEXT},     {"from", FIELD_FROM}, {"room", FIELD_ROOM}, {"kind", FIELD_KIND},
    {"client", FIELD_CLIENT}, {"time", FIELD_TIME}, {"len", FIELD_LEN},
};

static struct lua_host *check_live(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    const struct lua_handle *handle = lua_touserdata(state, 1);
    if (handle->call != h->live)
        luaL_error(state, "this message handle was kept after its callback; "
                          "keep msg.text or msg.from instead");
    return h;
}

/* The field that argument 2 names; upvalue 1 maps names to numbers. */
static enum field check_field(lua_State *state)
{
    lua_pushvalue(state, 2);
    lua_rawget(state, lua_upvalueindex(1));
    enum field field = (enum field)lua_tointeger(state, -1);
    lua_pop(state, 1);
    if (field == 0)
        luaL_error(state, "there is no msg.%s", luaL_tolstring(state, 2, NULL));
    return field;
}

static struct str string_of(const struct lua_host *h, enum field field)
{
    switch (field) {
    case FIELD_FROM:
        return h->message->from;
    case FIELD_ROOM:
        return h->message->room;
    default:
        return h->text;
    }
}

/* Made once in a call, then taken from the handle. */
static void push_string(lua_State *state, struct lua_host *h, enum field field)
{
    uint32_t bit = 1U << field;
    if (h->made & bit) {
        lua_getiuservalue(state, 1, (int)field);
        return;
    }
    struct str s = string_of(h, field);
    lua_pushlstring(state, s.data, s.size);
    lua_pushvalue(state, -1);
    lua_setiuservalue(state, 1, (int)field);
    h->made |= bit;
}

static int message_index(lua_State *state)
{
    struct lua_host *h = check_live(state);
    enum field field = check_field(state);
    switch (field) {
    case FIELD_KIND:
        lua_pushstring(state, filter_kind_name(h->message->kind));
        break;
    case FIELD_CLIENT:
        lua_pushinteger(state, (lua_Integer)h->message->client);
        break;
    case FIELD_TIME:
        lua_pushnumber(state, (lua_Number)h->message->time_ms / 1000);
        break;
    case FIELD_LEN:
        lua_pushinteger(state, (lua_Integer)h->text.size);
        break;
    default:
        push_string(state, h, field);
    }
    return 1;
}

static int message_newindex(lua_State *state)
{
    struct lua_host *h = check_live(state);
    if (check_field(state) != FIELD_TEXT)
        return luaL_error(state, "msg.%s cannot be changed, only msg.text can",
                          lua_tostring(state, 2));
    if (lua_type(state, 3) != LUA_TSTRING)
        return luaL_error(state, "msg.text must be a string, not %s", luaL_typename(state, 3));
    h->text.data = lua_tolstring(state, 3, &h->text.size);
    h->rewritten = true;
    h->made |= 1U << FIELD_TEXT;
    lua_settop(state, 3);
    lua_setiuservalue(state, 1, FIELD_TEXT);
    return 0;
}

static int message_tostring(lua_State *state)
{
    lua_pushliteral(state, "message");
    return 1;
}

static void push_metatable(lua_State *state)
{
    static const luaL_Reg functions[] = {
        {"__index", message_index},
        {"__newindex", message_newindex},
        {NULL, NULL},
    };
    lua_newtable(state);
    lua_newtable(state);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lua_pushinteger(state, fields[i].field);
        lua_setfield(state, -2, fields[i].name);
    }
    luaL_setfuncs(state, functions, 1);
    lua_pushcfunction(state, message_tostring);
    lua_setfield(state, -2, "__tostring");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
}

void lua_message_open(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    push_metatable(state);
    int metatable = lua_gettop(state);
    for (int i = 0; i < LUA_HOST_HANDLES; i++) {
        struct lua_handle *handle = lua_newuserdatauv(state, sizeof *handle, STRINGS);
        handle->call = UINT64_MAX;
        h->handles[i] = handle;
        lua_pushvalue(state, metatable);
        lua_setmetatable(state, -2);
    }
    lua_remove(state, metatable);
}
