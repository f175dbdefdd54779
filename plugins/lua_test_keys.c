/* The tests of a test file: their keys. */
#include "lua_test_reader.h"
#include "text.h"

#include <stdlib.h>

/* Pushes the list on the top as "a,b,c". */
static void push_list_setting(struct lua_test_reader *r, const char *key)
{
    size_t count = reader_check_list(r, key);
    int list = lua_gettop(r->state);
    lua_pushliteral(r->state, "");
    for (size_t i = 0; i < count; i++) {
        lua_pushvalue(r->state, list);
        reader_push_item(r, i, LUA_TSTRING, key);
        if (strchr(lua_tostring(r->state, -1), ','))
            reader_fail(r, key,
                        "'config': an item of '%s' has a comma in it, which --set cannot say", key);
        lua_replace(r->state, -2);
        if (i > 0) {
            lua_pushliteral(r->state, ",");
            lua_insert(r->state, -2);
        }
        lua_concat(r->state, i > 0 ? 3 : 2);
    }
}

/* Pushes the value on the top as --set takes it. */
static void push_setting(struct lua_test_reader *r, const char *key)
{
    int type = lua_type(r->state, -1);
    if (type == LUA_TTABLE)
        push_list_setting(r, key);
    else if (type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TBOOLEAN)
        luaL_tolstring(r->state, -1, NULL);
    else
        reader_fail(r, key, "'config': '%s' must be a string, number, boolean or list, not a %s",
                    key, luaL_typename(r->state, -1));
}

static void take_config(struct lua_test_reader *r, void *target)
{
    struct lua_test *test = target;
    size_t count = 0;
    for (lua_pushnil(r->state); lua_next(r->state, -2); lua_pop(r->state, 1))
        count++;
    struct lua_test_setting *config = reader_make(r, count, sizeof *config);
    size_t i = 0;
    lua_pushnil(r->state);
    for (; lua_next(r->state, -2); lua_pop(r->state, 1), i++) {
        if (lua_type(r->state, -2) != LUA_TSTRING)
            reader_fail(r, "config", "'config' has names as keys");
        config[i].key = reader_string(r, -2);
        push_setting(r, config[i].key.data);
        config[i].value = reader_string(r, -1);
        luaL_ref(r->state, LUA_REGISTRYINDEX); /* it may be new */
    }
    test->config = config;
    test->config_count = count;
}

static void take_nicks(struct lua_test_reader *r, struct lua_test_room *room)
{
    room->count = reader_check_list(r, "members");
    struct str *nicks = reader_make(r, room->count, sizeof *nicks);
    for (size_t i = 0; i < room->count; i++) {
        reader_push_item(r, i, LUA_TSTRING, "members");
        nicks[i] = reader_string(r, -1);
        const char *fault = text_nick_fault(nicks[i]);
        if (fault)
            reader_fail(r, "members", "'members': '%s' is no nick: it %s", nicks[i].data, fault);
        lua_pop(r->state, 1);
    }
    room->nicks = nicks;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct lua_test_room *)a)->name.data,
                  ((const struct lua_test_room *)b)->name.data);
}

/* In the order of their names, because Lua's changes from run to run. */
static void take_members(struct lua_test_reader *r, void *target)
{
    struct lua_test *test = target;
    size_t count = 0;
    for (lua_pushnil(r->state); lua_next(r->state, -2); lua_pop(r->state, 1))
        count++;
    struct lua_test_room *rooms = reader_make(r, count, sizeof *rooms);
    size_t i = 0;
    lua_pushnil(r->state);
    for (; lua_next(r->state, -2); lua_pop(r->state, 1), i++) {
        bool named = lua_type(r->state, -2) == LUA_TSTRING;
        if (!named || text_room_fault(reader_string(r, -2)) || !lua_istable(r->state, -1))
            reader_fail(r, "members", "'members' is { [\"#room\"] = { \"nick\", ... }, ... }");
        rooms[i].name = reader_string(r, -2);
        take_nicks(r, &rooms[i]);
    }
    qsort(rooms, count, sizeof *rooms, by_name);
    test->rooms = rooms;
    test->room_count = count;
}

static void take_budget(struct lua_test_reader *r, void *target)
{
    struct lua_test *test = target;
    lua_Number ns = lua_tonumber(r->state, -1);
    if (!(ns >= 1 && ns <= HISTOGRAM_LIMIT))
        reader_fail(r, "budget_ns", "'budget_ns' must be from 1 to %d", HISTOGRAM_LIMIT);
    test->budget_ns = (uint64_t)ns;
}

static const struct lua_test_key test_keys[] = {
    {"name", LUA_TSTRING, offsetof(struct lua_test, name), NULL},
    {"config", LUA_TTABLE, 0, take_config},
    {"members", LUA_TTABLE, 0, take_members},
    {"budget_ns", LUA_TNUMBER, 0, take_budget},
    {"steps", LUA_TTABLE, 0, lua_test_take_steps},
};

static void take_test(struct lua_test_reader *r, struct lua_test *test)
{
    reader_take_table(r, test_keys, sizeof test_keys / sizeof *test_keys, "test", test);
    if (test->name.size == 0)
        reader_fail(r, NULL, "'name' is missing");
    if (test->step_count == 0)
        reader_fail(r, NULL, "'steps' is missing or empty");
}

void lua_test_keys_take(lua_State *state, struct lua_test_file *file)
{
    struct lua_test_reader r = {.state = state, .file = file};
    if (!lua_istable(state, -1))
        reader_fail(&r, NULL, "a test file returns a list of tests, not %s",
                    lua_isnil(state, -1) ? "nothing" : luaL_typename(state, -1));
    size_t count = lua_rawlen(state, -1);
    if (count == 0)
        reader_fail(&r, NULL, "holds no tests: it returns a list of tables");
    struct lua_test *tests = reader_make(&r, count, sizeof *tests);
    r.place.tests = count;
    for (size_t i = 0; i < count; i++) {
        r.place.test = i;
        if (lua_rawgeti(state, -1, (lua_Integer)i + 1) != LUA_TTABLE)
            reader_fail(&r, NULL, "must be a table, not a %s", luaL_typename(state, -1));
        take_test(&r, &tests[i]);
        lua_pop(state, 1);
    }
    file->tests = tests;
    file->count = count;
}
