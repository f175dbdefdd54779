/* `rooms` and `match` in what a script returns: what it wants to see, as the chain takes it (struct
 * filter_match). */
#include "lua_host_impl.h"

#define LENGTH_MAX 1000000

/* A room is named '#...', so a glob that starts with another letter matches none. */
void lua_take_rooms(lua_State *state, struct lua_declared *d)
{
    struct filter_match *m = &d->filter.match;
    m->rooms = lua_declare_strings(state, "rooms", &m->room_count);
    for (size_t i = 0; i < m->room_count; i++) {
        if (!strchr("#*?[", m->rooms[i].data[0]))
            lua_declare_fail(state, "rooms", "'rooms' has '%s', but names of rooms start with '#'",
                             m->rooms[i].data);
    }
}

static void take_prefix(lua_State *state, struct lua_declared *d)
{
    size_t count;
    d->filter.match.prefix = *lua_declare_strings(state, "prefix", &count);
}

static void take_contains(lua_State *state, struct lua_declared *d)
{
    struct filter_match *m = &d->filter.match;
    m->contains = lua_declare_strings(state, "contains", &m->contain_count);
}

static size_t check_length(lua_State *state, const char *key, lua_Integer least)
{
    lua_Integer length = lua_tointeger(state, -1);
    if (!lua_isinteger(state, -1) || length < least || length > LENGTH_MAX)
        lua_declare_fail(state, key, "'match.%s' must be an integer from %d to %d", key, (int)least,
                         LENGTH_MAX);
    return (size_t)length;
}

static void take_min_length(lua_State *state, struct lua_declared *d)
{
    d->filter.match.min_length = check_length(state, "min_length", 0);
}

static void take_max_length(lua_State *state, struct lua_declared *d)
{
    d->filter.match.max_length = check_length(state, "max_length", 1);
    if (d->filter.match.max_length < d->filter.match.min_length)
        lua_declare_fail(state, "max_length", "'match.max_length' is less than 'match.min_length'");
}

static uint32_t check_kind(lua_State *state, const struct lua_declared *d, const char *name)
{
    for (int kind = 0; kind < FILTER_KINDS; kind++) {
        if (strcmp(filter_kind_name((enum filter_kind)kind), name) != 0)
            continue;
        if (!(d->filter.kinds & (1U << kind)))
            lua_declare_fail(state, "kinds", "'match.kinds' has \"%s\", but nothing handles it",
                             name);
        return 1U << kind;
    }
    lua_declare_fail(state, "kinds",
                     "'match.kinds' has \"%s\"; there are message, action, private, join, leave, "
                     "nick, connect, command",
                     name);
}

static void take_kinds(lua_State *state, struct lua_declared *d)
{
    size_t count;
    const struct str *names = lua_declare_strings(state, "kinds", &count);
    for (size_t i = 0; i < count; i++)
        d->filter.match.kinds |= check_kind(state, d, names[i].data);
}

static void take_sample(lua_State *state, struct lua_declared *d)
{
    lua_Number share = lua_tonumber(state, -1);
    if (!(share > 0 && share <= 1))
        lua_declare_fail(state, "sample", "'match.sample' must be above 0, and 1 at most");
    d->filter.match.sample = share;
}

static const struct lua_key keys[] = {
    {"prefix", LUA_TSTRING, false, take_prefix, "string", "the text starts with it"},
    {"contains", LUA_TNONE, false, take_contains, "string|string[]",
     "the text holds one of these, anywhere, capitals or not (A to Z)"},
    {"min_length", LUA_TNUMBER, false, take_min_length, "integer", "bytes of text, at least"},
    {"max_length", LUA_TNUMBER, false, take_max_length, "integer", "bytes of text, at most"},
    {"kinds", LUA_TNONE, false, take_kinds, "string|string[]",
     "of what it handles: message, action, private, join, leave, nick, connect, command"},
    {"sample", LUA_TNUMBER, false, take_sample, "number",
     "only this share of what matches: 0.01 is one in a hundred"},
};

const struct lua_key *lua_match_keys(size_t *count)
{
    *count = sizeof keys / sizeof *keys;
    return keys;
}

void lua_take_match(lua_State *state, struct lua_declared *d)
{
    lua_keys_take(state, keys, sizeof keys / sizeof *keys, "match.", d);
}
