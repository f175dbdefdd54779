/*
 * `config` in what a script returns: what may be set from outside, with --set NAME.KEY=VALUE. A
 * key is given as its default, or as a table { type =, default =, min =, max =,
 * choices =, help = }. What comes
 * of it, checked, is hub.config.
 */
#include "lua_host_impl.h"

#include <math.h>
#include <stdlib.h>

#define KEYS_MAX 64
#define LIST_MAX 10000

enum type { NUMBER, STRING, BOOLEAN, LIST, TYPES };

static const char *const type_names[TYPES] = {"number", "string", "boolean", "list"};

/* What a key may be. */
struct rule {
    const char *key;
    enum type type;
    lua_Number min; /* of a number; of the length of a string or list */
    lua_Number max;
    const struct str *choices; /* of a string; NULL: any */
    size_t choice_count;
    struct str help;
};

/* ---- values ---- */

/* The type of the value on the top; TYPES if it is none of them. */
static enum type type_of(lua_State *state)
{
    switch (lua_type(state, -1)) {
    case LUA_TNUMBER:
        return NUMBER;
    case LUA_TSTRING:
        return STRING;
    case LUA_TBOOLEAN:
        return BOOLEAN;
    case LUA_TTABLE:
        return LIST;
    default:
        return TYPES;
    }
}

static void check_list(lua_State *state, const struct rule *r)
{
    lua_Integer size = (lua_Integer)lua_rawlen(state, -1);
    lua_Integer entries = 0;
    if (size > LIST_MAX)
        lua_declare_fail(state, r->key, "'config.%s' has more than %d items", r->key, LIST_MAX);
    for (lua_pushnil(state); lua_next(state, -2); lua_pop(state, 1)) {
        lua_Integer place = lua_tointeger(state, -2);
        entries++;
        if (!lua_isinteger(state, -2) || place < 1 || place > size ||
            lua_type(state, -1) != LUA_TSTRING)
            lua_declare_fail(state, r->key, "'config.%s' must be a list of strings, without holes",
                             r->key);
    }
    if (entries != size)
        lua_declare_fail(state, r->key, "'config.%s' is a list with holes", r->key);
}

static lua_Number size_of(lua_State *state, enum type type)
{
    return type == NUMBER ? lua_tonumber(state, -1) : (lua_Number)lua_rawlen(state, -1);
}

/* Of the value on the top, nil or of the right type. */
static void check_range(lua_State *state, const struct rule *r)
{
    static const char *const what[TYPES] = {"is", "has a length of", "is",
                                            "has a number of items,"};
    if (lua_isnil(state, -1) || r->type == BOOLEAN)
        return;
    lua_Number size = size_of(state, r->type);
    if (!(size >= r->min))
        lua_declare_fail(state, r->key, "'config.%s' %s %f: the least is %f", r->key, what[r->type],
                         size, r->min);
    if (!(size <= r->max))
        lua_declare_fail(state, r->key, "'config.%s' %s %f: the most is %f", r->key, what[r->type],
                         size, r->max);
}

static void check_choice(lua_State *state, const struct rule *r)
{
    if (!r->choices || lua_isnil(state, -1))
        return;
    const char *value = lua_tostring(state, -1);
    for (size_t i = 0; i < r->choice_count; i++) {
        if (strcmp(r->choices[i].data, value) == 0)
            return;
    }
    lua_declare_fail(state, r->key, "'config.%s' is '%s', which is none of its choices", r->key,
                     value);
}

/* ---- the rule ---- */

static void take_nothing(lua_State *state, struct lua_declared *d)
{
    (void)state;
    (void)d;
}

static const struct lua_key rule_keys[] = {
    {"type", LUA_TSTRING, false, take_nothing, "\"number\"|\"string\"|\"boolean\"|\"list\"",
     "what it is; that of the default, if there is one. A list is one of strings; it is set as "
     "`a,b,c`"},
    {"default", LUA_TNONE, false, take_nothing, "number|string|boolean|string[]",
     "what it is when it is not set; `nil` without"},
    {"min", LUA_TNUMBER, false, take_nothing, "number",
     "the least value of a number; the least length of a string or list"},
    {"max", LUA_TNUMBER, false, take_nothing, "number", "the same, the most"},
    {"choices", LUA_TTABLE, false, take_nothing, "string[]", "a string is one of these"},
    {"help", LUA_TSTRING, false, take_nothing, "string", "for people"},
};

#define RULE_KEYS (sizeof rule_keys / sizeof *rule_keys)

const struct lua_key *lua_config_keys(size_t *count)
{
    *count = RULE_KEYS;
    return rule_keys;
}

/* True if the table on the top has a key that is a name: then it is no list. */
static bool has_names(lua_State *state)
{
    bool found = false;
    lua_pushnil(state);
    while (!found && lua_next(state, -2)) {
        lua_pop(state, 1);
        found = lua_type(state, -1) == LUA_TSTRING;
    }
    lua_settop(state, lua_gettop(state) - (found ? 1 : 0));
    return found;
}

static enum type check_type_name(lua_State *state, const struct rule *r, const char *name)
{
    for (int type = 0; type < TYPES; type++) {
        if (strcmp(type_names[type], name) == 0)
            return (enum type)type;
    }
    lua_declare_fail(state, r->key,
                     "'config.%s.type' must be \"number\", \"string\", \"boolean\" or \"list\"",
                     r->key);
}

static lua_Number bound(lua_State *state, int table, const char *name, lua_Number otherwise)
{
    lua_Number value =
        lua_getfield(state, table, name) == LUA_TNIL ? otherwise : lua_tonumber(state, -1);
    lua_pop(state, 1);
    return value;
}

/* From the table on the top; leaves the default in its place. */
static void read_table(lua_State *state, struct rule *r, struct lua_declared *d)
{
    const char *path = lua_pushfstring(state, "config.%s.", r->key);
    lua_insert(state, -2);
    lua_keys_take(state, rule_keys, RULE_KEYS, path, d);
    int table = lua_gettop(state);
    r->min = bound(state, table, "min", -HUGE_VAL);
    r->max = bound(state, table, "max", HUGE_VAL);
    if (lua_getfield(state, table, "help") != LUA_TNIL)
        r->help = lua_own_string(state, -1);
    if (lua_getfield(state, table, "choices") != LUA_TNIL)
        r->choices = lua_declare_strings(state, "choices", &r->choice_count);
    lua_getfield(state, table, "default");
    r->type = type_of(state);
    if (lua_getfield(state, table, "type") != LUA_TNIL)
        r->type = check_type_name(state, r, lua_tostring(state, -1));
    lua_pop(state, 1);
    lua_replace(state, table - 1);
    lua_settop(state, table - 1);
}

/* Of the entry whose value is on the top; leaves the default in its place. */
static void read_rule(lua_State *state, struct rule *r, struct lua_declared *d)
{
    if (lua_type(state, -1) == LUA_TTABLE && has_names(state))
        read_table(state, r, d);
    else
        r->type = type_of(state);
    if (r->type == TYPES)
        lua_declare_fail(state, r->key,
                         "'config.%s' must be a number, string, boolean or list of strings, or "
                         "a table with 'type' or 'default'",
                         r->key);
    if (!lua_isnil(state, -1) && type_of(state) != r->type)
        lua_declare_fail(state, r->key, "'config.%s' is a %s, and its default a %s", r->key,
                         type_names[r->type], luaL_typename(state, -1));
    if (r->type == LIST && !lua_isnil(state, -1))
        check_list(state, r);
    if (r->choices && r->type != STRING)
        lua_declare_fail(state, r->key, "'config.%s' has choices, but is no string", r->key);
    check_range(state, r);
    check_choice(state, r);
}

/* ---- --set ---- */

/* What stands behind "NAME.KEY=" in the last setting of that key, or NULL. */
static const char *find_setting(const struct lua_host *h, struct str name, const char *key)
{
    const char *found = NULL;
    size_t size = strlen(key);
    for (char **s = h->settings; *s; s++) {
        if (strncmp(*s, name.data, name.size) == 0 && (*s)[name.size] == '.' &&
            strncmp(*s + name.size + 1, key, size) == 0 && (*s)[name.size + 1 + size] == '=')
            found = *s + name.size + size + 2;
    }
    return found;
}

static void push_boolean(lua_State *state, const struct rule *r, const char *text)
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        lua_declare_fail(state, r->key, "--set: 'config.%s' is true or false, not '%s'", r->key,
                         text);
    lua_pushboolean(state, yes);
}

static void push_number(lua_State *state, const struct rule *r, const char *text)
{
    if (lua_stringtonumber(state, text) != strlen(text) + 1)
        lua_declare_fail(state, r->key, "--set: 'config.%s' is a number, '%s' is none", r->key,
                         text);
}

/* "a, b,c": without the spaces around the commas; empty ones are left out. */
static void push_list(lua_State *state, const char *text)
{
    lua_Integer count = 0;
    lua_newtable(state);
    for (const char *at = text; *at;) {
        size_t size = strcspn(at, ",");
        const char *next = at + size + (at[size] == ',');
        for (; size > 0 && *at == ' '; at++)
            size--;
        while (size > 0 && at[size - 1] == ' ')
            size--;
        if (size > 0) {
            lua_pushlstring(state, at, size);
            lua_rawseti(state, -2, ++count);
        }
        at = next;
    }
}

/* Puts what was set, if anything was, in the place of the default on the top. */
static void apply_setting(lua_State *state, const struct rule *r, struct str name)
{
    const char *text = find_setting(lua_host_of(state), name, r->key);
    if (!text)
        return;
    lua_pop(state, 1);
    if (r->type == NUMBER)
        push_number(state, r, text);
    else if (r->type == BOOLEAN)
        push_boolean(state, r, text);
    else if (r->type == LIST)
        push_list(state, text);
    else
        lua_pushstring(state, text);
    check_range(state, r);
    check_choice(state, r);
}

/* ---- the table ---- */

/* The value on the top as text, for people. */
static struct str describe_value(lua_State *state, enum type type)
{
    if (lua_isnil(state, -1))
        return STR("");
    if (type != LIST) {
        luaL_tolstring(state, -1, NULL);
    } else {
        luaL_Buffer all;
        int list = lua_gettop(state);
        luaL_buffinit(state, &all);
        for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(state, list); i++) {
            if (i > 1)
                luaL_addstring(&all, ", ");
            lua_rawgeti(state, list, i);
            luaL_addvalue(&all);
        }
        luaL_pushresult(&all);
    }
    struct str text = lua_own_string(state, -1);
    lua_pop(state, 1);
    return text;
}

static void check_key(lua_State *state)
{
    if (lua_type(state, -2) != LUA_TSTRING)
        lua_declare_fail(state, "config", "'config' has a key that is a %s; keys are names",
                         luaL_typename(state, -2));
    size_t size;
    const char *key = lua_tolstring(state, -2, &size);
    if (size == 0 || size > LUA_HOST_NAME_MAX ||
        strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_") != size)
        lua_declare_fail(state, key, "'config.%s': keys are 1 to %d of a-z, 0-9 and '_'", key,
                         LUA_HOST_NAME_MAX);
}

/* Key and value are on the top; leaves what the key holds in the place of the value. */
static struct filter_setting take_entry(lua_State *state, struct lua_declared *d)
{
    check_key(state);
    struct rule r = {.key = lua_tostring(state, -2), .min = -HUGE_VAL, .max = HUGE_VAL};
    struct filter_setting setting = {.key = lua_own_string(state, -2)};
    read_rule(state, &r, d);
    apply_setting(state, &r, d->filter.name);
    setting.type = str_of(type_names[r.type]);
    setting.value = describe_value(state, r.type);
    setting.help = r.help;
    return setting;
}

static int no_such_key(lua_State *state)
{
    const char *key = luaL_tolstring(state, 2, NULL);
    lua_pushvalue(state, 2);
    if (lua_rawget(state, lua_upvalueindex(1)) != LUA_TNIL)
        return lua_pushnil(state), 1;
    return luaL_error(state,
                      "there is no hub.config.%s: 'config' in the table returned says what "
                      "there is",
                      key);
}

static int read_only(lua_State *state)
{
    return luaL_error(state, "hub.config cannot be changed");
}

/* Makes hub.config of the table of values; `names` has all keys. */
static void publish(lua_State *state, int values, int names)
{
    lua_newtable(state);
    lua_pushvalue(state, names);
    lua_pushcclosure(state, no_such_key, 1);
    lua_setfield(state, -2, "__index");
    lua_pushcfunction(state, read_only);
    lua_setfield(state, -2, "__newindex");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    lua_setmetatable(state, values);

    lua_getfield(state, LUA_REGISTRYINDEX, "hub");
    lua_pushliteral(state, "config");
    lua_pushvalue(state, values);
    lua_rawset(state, -3);
    lua_pop(state, 1);
}

static int compare_settings(const void *a, const void *b)
{
    return strcmp(((const struct filter_setting *)a)->key.data,
                  ((const struct filter_setting *)b)->key.data);
}

void lua_take_config(lua_State *state, struct lua_declared *d)
{
    int config = lua_gettop(state);
    int values = config + 1;
    int names = config + 2;
    lua_newtable(state);
    lua_newtable(state);
    d->config = lua_own(state, KEYS_MAX * sizeof *d->config);
    for (lua_pushnil(state); lua_next(state, config);) {
        if (d->config_count == KEYS_MAX)
            lua_declare_fail(state, "config", "'config' has more than %d keys", KEYS_MAX);
        d->config[d->config_count++] = take_entry(state, d);
        lua_pushvalue(state, -2);
        lua_insert(state, -2);
        lua_rawset(state, values);
        lua_pushvalue(state, -1);
        lua_pushboolean(state, 1);
        lua_rawset(state, names);
    }
    qsort(d->config, d->config_count, sizeof *d->config, compare_settings);
    publish(state, values, names);
    lua_settop(state, config);
}

static bool has_key(const struct lua_declared *d, struct str key)
{
    for (size_t i = 0; i < d->config_count; i++) {
        if (str_equal(d->config[i].key, key))
            return true;
    }
    return false;
}

void lua_config_check_settings(lua_State *state, const struct lua_declared *d)
{
    struct str name = d->filter.name;
    for (char **s = lua_host_of(state)->settings; *s; s++) {
        if (strncmp(*s, name.data, name.size) != 0 || (*s)[name.size] != '.')
            continue;
        const char *key = *s + name.size + 1;
        size_t size = strcspn(key, "=");
        if (key[size] != '=')
            lua_declare_fail(state, "config", "--set %s: there is no '=' in it", *s);
        if (!has_key(d, str_from(key, size)))
            lua_declare_fail(state, "config", "--set %s: filter %s has no such key in its config",
                             *s, name.data);
    }
}
