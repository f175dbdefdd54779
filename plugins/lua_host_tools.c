/*
 * What scripts need most and would write worst, done in C: hub.rate(), hub.tally(), hub.shared(),
 * hub.words(). Here are only the bindings; the work is in rate.h, tally.h, shared_map.h and
 * word_set.h.
 */
#include "key_hash.h"
#include "lua_api.h"
#include "lua_host_impl.h"
#include "rate.h"
#include "shared_map.h"
#include "tally.h"
#include "word_set.h"

#include <errno.h>

#define TTL_MAX 1e9 /* seconds */

static struct str check_str(lua_State *state, int arg)
{
    struct str s;
    s.data = luaL_checklstring(state, arg, &s.size);
    return s;
}

uint64_t lua_host_hash(lua_State *state, int arg)
{
    uint64_t seed = lua_host_of(state)->seed;
    struct str text;
    if (lua_isinteger(state, arg)) {
        lua_Integer number = lua_tointeger(state, arg);
        return key_hash(seed, str_from((const char *)&number, sizeof number));
    }
    if (lua_type(state, arg) != LUA_TSTRING)
        luaL_typeerror(state, arg, "string or integer");
    text.data = lua_tolstring(state, arg, &text.size);
    return key_hash(seed + 1, text);
}

/* ---- rate ---- */

/* A key of hub.rate(), in `digits` if it is an integer: as Lua would write it, without making a
 * string of it for every message. */
static struct str check_key(lua_State *state, int arg, char digits[24])
{
    if (!lua_isinteger(state, arg))
        return check_str(state, arg);
    lua_Integer number = lua_tointeger(state, arg);
    lua_Unsigned left = number < 0 ? 0U - (lua_Unsigned)number : (lua_Unsigned)number;
    char *start = digits + 24;
    do
        *--start = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        *--start = '-';
    return str_from(start, (size_t)(digits + 24 - start));
}

/* The script's buckets. It has a name only when it has been loaded. */
static struct rate *check_rate(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    if (h->base.name.size == 0)
        luaL_error(state, "hub.rate: the script has no name yet; in on_load or later");
    if (!h->rate)
        h->rate = lua_host_world_rate(h->world, h->base.name);
    if (!h->rate)
        luaL_error(state, "hub.rate: out of memory");
    return h->rate;
}

int lua_hub_rate(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    char digits[24];
    struct str key = check_key(state, 1, digits);
    lua_Number per_second = luaL_checknumber(state, 2);
    lua_Number burst = luaL_checknumber(state, 3);
    int64_t wait_ms = rate_take(check_rate(state), key, per_second, burst, h->now_ms);
    if (wait_ms < 0)
        return luaL_error(state,
                          "hub.rate: a key has at most %d bytes, per_second is above 0, burst is "
                          "at least 1",
                          RATE_KEY_MAX);
    lua_pushboolean(state, wait_ms == 0);
    if (wait_ms == 0)
        return 1;
    lua_pushnumber(state, (lua_Number)wait_ms / 1000);
    return 2;
}

/* ---- objects ---- */

/* Sets the metatable of the object on the top, made for the first one. */
static void set_class(lua_State *state, const struct lua_api_class *class, lua_CFunction collect)
{
    if (luaL_newmetatable(state, class->name)) {
        lua_api_push_methods(state, class);
        lua_setfield(state, -2, "__index");
        lua_pushboolean(state, 0);
        lua_setfield(state, -2, "__metatable");
        if (collect) {
            lua_pushcfunction(state, collect);
            lua_setfield(state, -2, "__gc");
        }
    }
    lua_host_of(state)->classes[class->id] = lua_topointer(state, -1);
    lua_setmetatable(state, -2);
}

/* Argument 1, an object of that class. luaL_checkudata() would look its name up each time. */
static void *check_object(lua_State *state, const struct lua_api_class *class)
{
    void *object = lua_touserdata(state, 1);
    if (!object || !lua_getmetatable(state, 1))
        luaL_typeerror(state, 1, class->name);
    if (lua_topointer(state, -1) != lua_host_of(state)->classes[class->id])
        luaL_typeerror(state, 1, class->name);
    lua_pop(state, 1);
    return object;
}

/* ---- tally ---- */

int lua_hub_tally(lua_State *state)
{
    lua_Number seconds = luaL_checknumber(state, 1);
    luaL_argcheck(state, seconds >= 0.1 && seconds <= TTL_MAX, 1, "from 0.1 on");
    struct tally *t = lua_newuserdatauv(state, sizeof *t, 0);
    tally_init(t, (int64_t)(seconds * 1000), lua_host_of(state)->now_ms);
    set_class(state, &lua_api_tally, NULL);
    return 1;
}

int lua_tally_count(lua_State *state)
{
    struct tally *t = check_object(state, &lua_api_tally);
    uint64_t key = lua_host_hash(state, 2);
    lua_pushinteger(state, (lua_Integer)tally_count(t, key, lua_host_of(state)->now_ms));
    return 1;
}

/* ---- shared ---- */

int lua_hub_shared(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    struct str name = check_str(state, 1);
    struct shared_map **map = lua_newuserdatauv(state, sizeof(struct shared_map *), 0);
    int error = shared_maps_get(lua_host_world_maps(h->world), name, map);
    if (error == -EINVAL)
        return luaL_error(state, "hub.shared: a name has 1 to %d bytes", SHARED_NAME_MAX);
    if (error == -ENOSPC)
        return luaL_error(state, "hub.shared: there are too many maps already");
    if (error < 0)
        return luaL_error(state, "hub.shared: out of memory");
    set_class(state, &lua_api_shared, NULL);
    return 1;
}

static struct shared_map *check_map(lua_State *state)
{
    return *(struct shared_map **)check_object(state, &lua_api_shared);
}

static struct shared_value value_of_number(lua_State *state, int arg)
{
    struct shared_value value = {.kind = SHARED_INTEGER};
    if (lua_isinteger(state, arg)) {
        value.integer = lua_tointeger(state, arg);
    } else {
        value.kind = SHARED_NUMBER;
        value.number = luaL_checknumber(state, arg);
    }
    return value;
}

static struct shared_value check_value(lua_State *state, int arg)
{
    if (lua_type(state, arg) == LUA_TNUMBER)
        return value_of_number(state, arg);
    if (lua_type(state, arg) != LUA_TSTRING)
        luaL_typeerror(state, arg, "string or number");
    return (struct shared_value){.kind = SHARED_STRING, .string = check_str(state, arg)};
}

static void push_value(lua_State *state, const struct shared_value *value)
{
    if (value->kind == SHARED_INTEGER)
        lua_pushinteger(state, value->integer);
    else if (value->kind == SHARED_NUMBER)
        lua_pushnumber(state, value->number);
    else
        lua_pushlstring(state, value->string.data, value->string.size);
}

/* Seconds, as milliseconds; 0 for good. */
static int64_t check_ttl(lua_State *state, int arg)
{
    if (lua_isnoneornil(state, arg))
        return 0;
    lua_Number seconds = luaL_checknumber(state, arg);
    luaL_argcheck(state, seconds > 0 && seconds <= TTL_MAX, arg, "a time to live is above 0");
    int64_t ms = (int64_t)(seconds * 1000);
    return ms > 0 ? ms : 1;
}

static void check_done(lua_State *state, int error)
{
    switch (error) {
    case 0:
        return;
    case -EINVAL:
        luaL_error(state, "a key of a shared map has 1 to %d bytes; only numbers can be added to",
                   SHARED_KEY_MAX);
        return;
    case -EMSGSIZE:
        luaL_error(state, "the value is larger than all that a shared map may hold");
        return;
    case -ERANGE:
        luaL_error(state, "the sum is too large for an integer");
        return;
    default:
        luaL_error(state, "shared map: out of memory");
    }
}

int lua_shared_get(lua_State *state)
{
    struct shared_value value;
    struct shared_map *map = check_map(state);
    if (shared_map_get(map, check_str(state, 2), lua_host_of(state)->now_ms, &value))
        push_value(state, &value);
    else
        lua_pushnil(state);
    return 1;
}

int lua_shared_set(lua_State *state)
{
    size_t evicted;
    struct shared_map *map = check_map(state);
    struct str key = check_str(state, 2);
    struct shared_value value = check_value(state, 3);
    int64_t ttl = check_ttl(state, 4);
    check_done(state, shared_map_set(map, key, &value, ttl, lua_host_of(state)->now_ms, &evicted));
    lua_pushinteger(state, (lua_Integer)evicted);
    return 1;
}

int lua_shared_add(lua_State *state)
{
    size_t evicted = 0;
    struct shared_map *map = check_map(state);
    struct str key = check_str(state, 2);
    struct shared_value value = check_value(state, 3);
    int64_t ttl = check_ttl(state, 4);
    int error = shared_map_add(map, key, &value, ttl, lua_host_of(state)->now_ms, &evicted);
    if (error != -EEXIST)
        check_done(state, error);
    lua_pushboolean(state, error == 0);
    lua_pushinteger(state, (lua_Integer)evicted);
    return 2;
}

int lua_shared_incr(lua_State *state)
{
    size_t evicted;
    struct shared_value sum;
    struct shared_map *map = check_map(state);
    struct str key = check_str(state, 2);
    struct shared_value by = {.kind = SHARED_INTEGER, .integer = 1};
    if (!lua_isnoneornil(state, 3))
        by = value_of_number(state, 3);
    int64_t ttl = check_ttl(state, 4);
    check_done(state,
               shared_map_incr(map, key, &by, ttl, lua_host_of(state)->now_ms, &sum, &evicted));
    push_value(state, &sum);
    lua_pushinteger(state, (lua_Integer)evicted);
    return 2;
}

int lua_shared_delete(lua_State *state)
{
    struct shared_map *map = check_map(state);
    struct str key = check_str(state, 2);
    lua_pushboolean(state, shared_map_remove(map, key, lua_host_of(state)->now_ms));
    return 1;
}

/* ---- words ---- */

static int collect_words(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    struct word_set **set = lua_touserdata(state, 1);
    if (*set)
        h->memory.used -= word_set_memory(*set);
    word_set_free(*set);
    *set = NULL;
    return 0;
}

/* The list that argument 1 is; its strings stay in it. */
static const struct str *check_list(lua_State *state, size_t *count)
{
    luaL_checktype(state, 1, LUA_TTABLE);
    *count = (size_t)lua_rawlen(state, 1);
    luaL_argcheck(state, *count <= WORD_SET_ENTRIES_MAX, 1, "too many words");
    struct str *list = lua_newuserdatauv(state, *count * sizeof *list, 0);
    for (size_t i = 0; i < *count; i++) {
        if (lua_rawgeti(state, 1, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(state, "hub.words: item %d of the list is a %s, not a string", (int)i + 1,
                       luaL_typename(state, -1));
        list[i].data = lua_tolstring(state, -1, &list[i].size);
        lua_pop(state, 1);
    }
    return list;
}

/* Compiled words are no memory of Lua's, but of the script's all the same. */
static void account(lua_State *state, struct word_set **set)
{
    struct lua_memory *memory = &lua_host_of(state)->memory;
    size_t size = word_set_memory(*set);
    if (size > lua_memory_left(memory))
        lua_gc(state, LUA_GCCOLLECT);
    if (size <= lua_memory_left(memory)) {
        memory->used += size;
        return;
    }
    word_set_free(*set);
    *set = NULL;
    luaL_error(state, "hub.words: they need more memory than the script has left");
}

int lua_hub_words(lua_State *state)
{
    if (lua_host_of(state)->phase != LUA_HOST_LOADING)
        return luaL_error(state, "hub.words: make it once, while the script is loaded");
    size_t count;
    const struct str *list = check_list(state, &count);
    struct word_set **set = lua_newuserdatauv(state, sizeof *set, 0);
    *set = NULL;
    set_class(state, &lua_api_words, collect_words);
    char why[256];
    int error = word_set_new(set, list, count, why, sizeof why);
    if (error == -ENOMEM)
        return luaL_error(state, "hub.words: out of memory");
    if (error < 0)
        return luaL_error(state, "hub.words: %s", why);
    account(state, set);
    return 1;
}

static struct word_set *check_words(lua_State *state)
{
    return *(struct word_set **)check_object(state, &lua_api_words);
}

int lua_words_find(lua_State *state)
{
    struct word_hit hit;
    struct word_set *set = check_words(state);
    struct str text = lua_message_text(state, 2);
    lua_Integer from = luaL_optinteger(state, 3, 1);
    luaL_argcheck(state, from >= 1, 3, "counts from 1");
    size_t skip = (size_t)from - 1 < text.size ? (size_t)from - 1 : text.size;
    if (!word_set_find(set, str_skip(text, skip), &hit)) {
        lua_pushnil(state);
        return 1;
    }
    lua_pushlstring(state, hit.entry.data, hit.entry.size);
    size_t first = skip + hit.offset + 1;
    size_t last = skip + hit.offset + hit.size;
    lua_pushinteger(state, (lua_Integer)first);
    lua_pushinteger(state, (lua_Integer)last);
    return 3;
}

int lua_words_mask(lua_State *state)
{
    luaL_Buffer buffer;
    size_t hits;
    struct word_set *set = check_words(state);
    struct str text = lua_message_text(state, 2);
    lua_settop(state, 2);
    char *out = luaL_buffinitsize(state, &buffer, text.size);
    struct str masked = word_set_mask(set, text, out, &hits);
    if (masked.data == out)
        luaL_pushresultsize(&buffer, masked.size);
    else if (lua_type(state, 2) == LUA_TSTRING)
        lua_pushvalue(state, 2);
    else
        lua_pushlstring(state, text.data, text.size);
    lua_pushinteger(state, (lua_Integer)hits);
    return 2;
}
