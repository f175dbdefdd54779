/*
 * A test file: read, and run in a state of its own, with the sandbox, the watch and the memory
 * limit of filters. The state stays until the tests have run, because their strings are its.
 */
#include "lua_test_impl.h"

#include <errno.h>
#include <stdio.h>

#define FILTER_SUFFIX ".lua"
#define TEST_SUFFIX   "_test.lua"

/* Runs protected, with the file on the stack; leaves what it returned at 1. */
static int run_file(lua_State *state)
{
    struct lua_test_file *file = lua_touserdata(state, 1);
    const struct lua_source *source = &file->host.source;
    lua_settop(state, 0);
    lua_globals_open(state);
    lua_pushglobaltable(state);
    lua_pushnil(state);
    lua_setfield(state, -2, "hub"); /* it needs a filter around it */
    lua_settop(state, 0);
    const char *chunk = lua_pushfstring(state, "@%s", source->path);
    if (luaL_loadbufferx(state, source->text, source->size, chunk, "t") != LUA_OK)
        return lua_error(state);
    lua_call(state, 0, 1);
    lua_replace(state, 1);
    lua_settop(state, 1);
    lua_test_keys_take(state, file);
    return 1;
}

/* What was raised is on the top; it may be anything. The sentence names the file, even where
 * error(text, 0) did not. */
static int explain(struct lua_test_file *file, int status, char *why, size_t why_size)
{
    const char *path = file->host.source.path;
    if (status == LUA_ERRMEM)
        snprintf(why, why_size, "%s: not enough memory to load it: the limit is %zu bytes", path,
                 file->host.memory.limit);
    else if (lua_type(file->state, -1) == LUA_TSTRING &&
             lua_source_has_place(lua_tostring(file->state, -1)))
        snprintf(why, why_size, "%s", lua_tostring(file->state, -1));
    else if (lua_type(file->state, -1) == LUA_TSTRING)
        snprintf(why, why_size, "%s: %s", path, lua_tostring(file->state, -1));
    else
        snprintf(why, why_size, "%s: error(): the value raised is a %s", path,
                 luaL_typename(file->state, -1));
    return status == LUA_ERRMEM ? -ENOMEM : -EINVAL;
}

static int run(struct lua_test_file *file, char *why, size_t why_size)
{
    file->state = lua_newstate(lua_memory_alloc, &file->host.memory);
    if (!file->state) {
        snprintf(why, why_size, "%s: not enough memory for a Lua state", file->host.source.path);
        return -ENOMEM;
    }
    *(struct lua_host **)lua_getextraspace(file->state) = &file->host;
    lua_pushcfunction(file->state, run_file);
    lua_pushlightuserdata(file->state, file);
    lua_watch_begin(&file->host.watch, file->state, file->host.limits.load_us);
    int status = lua_pcall(file->state, 1, 1, 0);
    lua_watch_end(&file->host.watch);
    if (status == LUA_OK)
        return 0;
    return explain(file, status, why, why_size);
}

static int open_source(struct lua_test_file *file, const char *filter_path, char *why,
                       size_t why_size)
{
    char path[4096];
    size_t size = strlen(filter_path);
    size_t suffix = strlen(FILTER_SUFFIX);
    size_t stem = size;
    if (size >= suffix && strcmp(filter_path + size - suffix, FILTER_SUFFIX) == 0)
        stem = size - suffix;
    int length = snprintf(path, sizeof path, "%.*s" TEST_SUFFIX, (int)stem, filter_path);
    if ((size_t)length < sizeof path)
        return lua_source_read(&file->host.source, path, why, why_size);
    snprintf(why, why_size, "%s: %s", filter_path, strerror(ENAMETOOLONG));
    return -ENAMETOOLONG;
}

int lua_test_file_open(struct lua_test_file *file, const char *filter_path, char *why,
                       size_t why_size)
{
    *file = (struct lua_test_file){.host = {.limits = lua_host_limits_default()}};
    file->host.memory.limit = file->host.limits.memory;
    file->host.limits.patience = LUA_TEST_PATIENCE;
    int error = open_source(file, filter_path, why, why_size);
    if (error < 0)
        return error;
    error = lua_watch_init(&file->host.watch, file->host.limits.patience);
    if (error < 0) {
        snprintf(why, why_size, "%s: cannot watch over a script: %s", file->host.source.path,
                 strerror(-error));
        lua_source_free(&file->host.source);
        return error;
    }
    error = run(file, why, why_size);
    if (error < 0)
        lua_test_file_close(file);
    return error;
}

void lua_test_file_close(struct lua_test_file *file)
{
    if (file->state)
        lua_close(file->state);
    lua_watch_fini(&file->host.watch);
    for (size_t i = 0; i < file->host.module_count; i++)
        lua_source_free(&file->host.modules[i].source);
    lua_source_free(&file->host.source);
}
