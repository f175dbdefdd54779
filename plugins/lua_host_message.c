/*
 * `msg`, the event a script judges; its fields are rows in lua_api.c. The handles are made once and
 * used in turn; their strings are made when a script asks for them, so one that looks at msg.len
 * alone copies nothing. Scripts cannot get at the metatable, so the first argument of what is in it
 * is always a handle.
 */
#include "address.h"
#include "diag.h"
#include "lua_api.h"
#include "lua_host_impl.h"

static struct lua_host *check_live(lua_State *state, int arg)
{
    struct lua_host *h = lua_host_of(state);
    const struct lua_handle *handle = lua_touserdata(state, arg);
    if (handle->call != h->live)
        luaL_error(state, "this message handle was kept after its callback; "
                          "keep msg.text or msg.from instead");
    return h;
}

/* There are none while the script is loaded. */
static bool is_handle(const struct lua_host *h, const void *value)
{
    for (int i = 0; value && i < LUA_HOST_HANDLES; i++) {
        if (value == h->handles[i])
            return true;
    }
    return false;
}

struct str lua_message_text(lua_State *state, int arg)
{
    struct lua_host *h = lua_host_of(state);
    struct str text;
    if (is_handle(h, lua_touserdata(state, arg))) {
        check_live(state, arg);
        text = h->text;
    } else {
        text.data = luaL_checklstring(state, arg, &text.size);
    }
    luaL_argcheck(state, text.size <= LUA_HOST_TEXT_MAX, arg, "the text is too long");
    return text;
}

/* The field that argument 2 names; upvalue 1 maps names to numbers. Leaves its number on the top.
 */
static enum lua_api_field_id check_field(lua_State *state)
{
    lua_pushvalue(state, 2);
    lua_rawget(state, lua_upvalueindex(1));
    enum lua_api_field_id field = (enum lua_api_field_id)lua_tointeger(state, -1);
    if (field == LUA_API_NO_FIELD)
        luaL_error(state, "there is no msg.%s", luaL_tolstring(state, 2, NULL));
    return field;
}

static struct str address_of(const struct lua_host *h, char *out, size_t size)
{
    const struct address_brief *peer = h->event->peer;
    return peer ? str_of(address_brief_format(peer, out, size)) : STR("");
}

static void push_fresh_string(lua_State *state, struct lua_host *h, enum lua_api_field_id field)
{
    char address[ADDRESS_TEXT_MAX];
    struct str s = h->text;
    if (field == LUA_API_FROM)
        s = h->event->from;
    else if (field == LUA_API_ROOM)
        s = h->event->room;
    else if (field == LUA_API_TO)
        s = h->event->to;
    else if (field == LUA_API_ADDRESS)
        s = address_of(h, address, sizeof address);
    lua_pushlstring(state, s.data, s.size);
}

/* Made once in a call, then taken from the handle. */
static void push_string(lua_State *state, struct lua_host *h, enum lua_api_field_id field)
{
    uint32_t bit = 1U << field;
    if (h->made & bit) {
        lua_getiuservalue(state, 1, (int)field);
        return;
    }
    push_fresh_string(state, h, field);
    lua_pushvalue(state, -1);
    lua_setiuservalue(state, 1, (int)field);
    h->made |= bit;
}

static int message_index(lua_State *state)
{
    struct lua_host *h = check_live(state, 1);
    enum lua_api_field_id field = check_field(state);
    switch (field) {
    case LUA_API_KIND:
        lua_pushstring(state, filter_kind_name(h->event->kind));
        break;
    case LUA_API_CLIENT:
        lua_pushinteger(state, (lua_Integer)h->event->client);
        break;
    case LUA_API_TIME:
        lua_pushnumber(state, (lua_Number)h->event->time_ms / 1000);
        break;
    case LUA_API_JOINED_AT:
        lua_pushnumber(state, (lua_Number)h->event->joined_ms / 1000);
        break;
    case LUA_API_LEN:
        lua_pushinteger(state, (lua_Integer)h->text.size);
        break;
    default:
        push_string(state, h, field);
    }
    return 1;
}

static bool has_text(enum filter_kind kind)
{
    return kind == FILTER_MESSAGE || kind == FILTER_ACTION || kind == FILTER_PRIVATE;
}

static int message_newindex(lua_State *state)
{
    struct lua_host *h = check_live(state, 1);
    if (check_field(state) != LUA_API_TEXT)
        return luaL_error(state, "msg.%s cannot be changed, only msg.text can",
                          lua_tostring(state, 2));
    if (!has_text(h->event->kind))
        return luaL_error(state, "msg.text cannot be changed: this is a %s",
                          filter_kind_name(h->event->kind));
    if (lua_type(state, 3) != LUA_TSTRING)
        return luaL_error(state, "msg.text must be a string, not %s", luaL_typename(state, 3));
    h->text.data = lua_tolstring(state, 3, &h->text.size);
    h->rewritten = true;
    if (h->base.tell_places || diag_enabled(DIAG_DEBUG))
        lua_host_place_caller(state, &h->rewritten_at);
    h->made |= 1U << LUA_API_TEXT;
    lua_settop(state, 3);
    lua_setiuservalue(state, 1, LUA_API_TEXT);
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
    size_t count;
    const struct lua_api_field *fields = lua_api_fields(&count);
    lua_newtable(state);
    lua_newtable(state);
    for (size_t i = 0; i < count; i++) {
        lua_pushinteger(state, fields[i].id);
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
        struct lua_handle *handle = lua_newuserdatauv(state, sizeof *handle, LUA_API_STRINGS);
        handle->call = UINT64_MAX;
        h->handles[i] = handle;
        lua_pushvalue(state, metatable);
        lua_setmetatable(state, -2);
    }
    lua_remove(state, metatable);
}
