/* See lua_test_reader.h. */
#include "lua_test_reader.h"

#include <stdio.h>
#include <stdlib.h>

void reader_fail(struct lua_test_reader *r, const char *word, const char *format, ...)
{
    char text[512];
    char where[64];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const struct lua_source *source = &r->file->host.source;
    int line = lua_test_line(source->text, &r->place);
    if (word)
        line = lua_test_line_of_word(source->text, line, word);
    if (r->place.tests == 0)
        where[0] = '\0';
    else if (r->place.steps == 0)
        snprintf(where, sizeof where, "test %zu: ", r->place.test + 1);
    else
        snprintf(where, sizeof where, "test %zu, step %zu: ", r->place.test + 1, r->place.step + 1);
    luaL_error(r->state, "%s:%d: %s%s", source->path, line > 0 ? line : 1, where, text);
    abort(); /* it does not return, but does not say so */
}

void *reader_make(struct lua_test_reader *r, size_t count, size_t size)
{
    void *memory = lua_newuserdatauv(r->state, (count + 1) * size, 0);
    memset(memory, 0, (count + 1) * size);
    luaL_ref(r->state, LUA_REGISTRYINDEX);
    return memory;
}

struct str reader_string(struct lua_test_reader *r, int index)
{
    struct str s;
    s.data = lua_tolstring(r->state, index, &s.size);
    return s;
}

static const struct lua_test_key *find_key(const struct lua_test_key *keys, size_t count,
                                           const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

/* Key and value are on the top. */
static void take_entry(struct lua_test_reader *r, const struct lua_test_key *keys, size_t count,
                       const char *what, void *target)
{
    if (lua_type(r->state, -2) != LUA_TSTRING)
        reader_fail(r, NULL, "a %s has names as keys, and one of these is a %s", what,
                    luaL_typename(r->state, -2));
    const char *name = lua_tostring(r->state, -2);
    const struct lua_test_key *key = find_key(keys, count, name);
    if (!key)
        reader_fail(r, name, "unknown key '%s'", name);
    if (lua_type(r->state, -1) != key->type)
        reader_fail(r, name, "'%s' must be a %s, not a %s", name, lua_typename(r->state, key->type),
                    luaL_typename(r->state, -1));
    if (key->take) {
        key->take(r, target);
    } else {
        struct str value = reader_string(r, -1);
        memcpy((char *)target + key->offset, &value, sizeof value);
    }
}

void reader_take_table(struct lua_test_reader *r, const struct lua_test_key *keys, size_t count,
                       const char *what, void *target)
{
    int table = lua_gettop(r->state);
    luaL_checkstack(r->state, LUA_MINSTACK, "no room");
    lua_pushnil(r->state);
    while (lua_next(r->state, table)) {
        take_entry(r, keys, count, what, target);
        lua_settop(r->state, table + 1);
    }
}

size_t reader_check_list(struct lua_test_reader *r, const char *key)
{
    size_t count = 0;
    lua_pushnil(r->state);
    for (; lua_next(r->state, -2); lua_pop(r->state, 1))
        count++;
    if (count != lua_rawlen(r->state, -1))
        reader_fail(r, key, "'%s' must be a list: { first, second }", key);
    return count;
}

void reader_push_item(struct lua_test_reader *r, size_t i, int type, const char *key)
{
    if (lua_rawgeti(r->state, -1, (lua_Integer)i + 1) != type)
        reader_fail(r, key, "'%s' must hold a %s each, not a %s", key, lua_typename(r->state, type),
                    luaL_typename(r->state, -1));
}
