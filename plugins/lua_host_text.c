/*
 * What scripts ask of a text and could only answer slowly, or for ASCII alone: hub.letters(),
 * hub.lower(), hub.fingerprint(), hub.links(), hub.json(). Here are only the bindings; the work is
 * in letters.h, link.h and json_string.h. Each takes the message itself in the place of its text,
 * so that no string need be made of that.
 */
#include "json_string.h"
#include "letters.h"
#include "link.h"
#include "lua_api.h"
#include "lua_host_impl.h"

#include <limits.h>

int lua_hub_letters(lua_State *state)
{
    struct letters_count count = letters_count(lua_message_text(state, 1));
    lua_pushinteger(state, (lua_Integer)count.letters);
    lua_pushinteger(state, (lua_Integer)count.capitals);
    return 2;
}

int lua_hub_lower(lua_State *state)
{
    luaL_Buffer buffer;
    struct str text = lua_message_text(state, 1);
    char *out = luaL_buffinitsize(state, &buffer, LETTERS_LOWER_MAX(text.size));
    luaL_pushresultsize(&buffer, letters_lower(text, out));
    return 1;
}

/* ---- fingerprints --------------------------------------------------------------------------- */

/* What is to count beside the text is the seed. */
static uint64_t seed_of(lua_State *state, int arg)
{
    return lua_isnoneornil(state, arg) ? lua_host_of(state)->seed : lua_host_hash(state, arg);
}

int lua_hub_fingerprint(lua_State *state)
{
    uint64_t gist;
    struct str text = lua_message_text(state, 1);
    if (letters_gist(text, seed_of(state, 2), &gist))
        lua_pushinteger(state, (lua_Integer)gist);
    else
        lua_pushnil(state);
    return 1;
}

/* ---- links ---------------------------------------------------------------------------------- */

/* A host is short, so the buffer needs no memory of Lua's. */
static void push_lower(lua_State *state, struct str host)
{
    char lower[LETTERS_LOWER_MAX(LINK_HOST_MAX)];
    lua_pushlstring(state, lower, letters_lower(host, lower));
}

/* One step of the loop: the text, and where the last link ended. */
static int next_link(lua_State *state)
{
    struct link link;
    struct str text = lua_message_text(state, 1);
    lua_Integer from = luaL_checkinteger(state, 2);
    luaL_argcheck(state, from >= 1, 2, "counts from 1");
    if ((lua_Unsigned)from > text.size || !link_next(text, (size_t)from - 1, &link))
        return 0;
    lua_pushinteger(state, (lua_Integer)link.behind + 1);
    if (link.fault == LINK_PLAIN) {
        push_lower(state, link.host);
        return 2;
    }
    lua_pushnil(state);
    lua_pushstring(state, link.fault == LINK_HIDDEN ? "hidden" : "nameless");
    return 3;
}

int lua_hub_links(lua_State *state)
{
    lua_message_text(state, 1);
    lua_settop(state, 1);
    lua_pushcfunction(state, next_link);
    lua_insert(state, 1);
    lua_pushinteger(state, 1);
    return 3;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

int lua_hub_json(lua_State *state)
{
    luaL_Buffer buffer;
    struct str text = lua_message_text(state, 1);
    lua_Integer most = luaL_optinteger(state, 2, INT_MAX);
    luaL_argcheck(state, most >= 0, 2, "at least 0");
    char *out = luaL_buffinitsize(state, &buffer, JSON_STRING_MAX(text.size));
    luaL_pushresultsize(&buffer, json_string_write(text, (size_t)most, out));
    return 1;
}
