/*
 * `require`: a file beside the script, by its bare name. The same sandbox, the same state; it runs
 * once. Only while the script is loaded: later it would keep the hub waiting for a disk. What was
 * read is kept, as the script itself is, for when the state is made anew.
 */
#include "lua_host_impl.h"

#include <stdlib.h>

static const char *check_name(lua_State *state)
{
    size_t size;
    const char *name = luaL_checklstring(state, 1, &size);
    if (size == 0 || size > LUA_HOST_NAME_MAX ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != size)
        luaL_error(state,
                   "require: '%s' names no file beside the script: 1 to %d letters, digits, "
                   "'_' and '-', without .lua",
                   name, LUA_HOST_NAME_MAX);
    return name;
}

static struct lua_module *find(struct lua_host *h, const char *name)
{
    for (size_t i = 0; i < h->module_count; i++) {
        if (strcmp(h->modules[i].name, name) == 0)
            return &h->modules[i];
    }
    return NULL;
}

/* Reads NAME.lua beside the script. */
static struct lua_module *read_module(lua_State *state, const char *name)
{
    struct lua_host *h = lua_host_of(state);
    if (h->module_count == LUA_HOST_MODULES_MAX) {
        luaL_error(state, "require: '%s' is one file too many, there may be %d", name,
                   LUA_HOST_MODULES_MAX);
        return NULL;
    }
    const char *slash = strrchr(h->source.path, '/');
    lua_pushlstring(state, h->source.path, slash ? (size_t)(slash + 1 - h->source.path) : 0);
    const char *path = lua_pushfstring(state, "%s%s.lua", lua_tostring(state, -1), name);
    char why[512];
    struct lua_module *module = &h->modules[h->module_count];
    if (lua_source_read(&module->source, path, why, sizeof why) < 0)
        luaL_error(state, "require: %s", why);
    snprintf(module->name, sizeof module->name, "%s", name);
    h->module_count++;
    return module;
}

/* Runs the file; leaves what it returned, or true if that was nothing. */
static void run(lua_State *state, const struct lua_module *module)
{
    const struct lua_source *source = &module->source;
    const char *chunk = lua_pushfstring(state, "@%s", source->path);
    if (luaL_loadbufferx(state, source->text, source->size, chunk, "t") != LUA_OK)
        lua_error(state);
    lua_call(state, 0, 1);
    if (lua_isnil(state, -1)) {
        lua_pop(state, 1);
        lua_pushboolean(state, 1);
    }
}

/* Upvalue 1 has what was loaded, by name; false while it is loaded. */
static int require(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    const char *name = check_name(state);
    int type = lua_getfield(state, lua_upvalueindex(1), name);
    if (type != LUA_TNIL && lua_toboolean(state, -1))
        return 1;
    if (type != LUA_TNIL)
        return luaL_error(state, "require: '%s' requires itself, perhaps through others", name);
    if (h->phase != LUA_HOST_LOADING)
        return luaL_error(state, "require: only while the script is loaded; do it at its top");
    struct lua_module *module = find(h, name);
    if (!module)
        module = read_module(state, name);
    lua_pushboolean(state, 0);
    lua_setfield(state, lua_upvalueindex(1), name);
    run(state, module);
    lua_pushvalue(state, -1);
    lua_setfield(state, lua_upvalueindex(1), name);
    return 1;
}

void lua_require_open(lua_State *state)
{
    lua_newtable(state);
    lua_pushcclosure(state, require, 1);
}
