/*
 * What a script keeps over a reload: save() returns a plain value, which becomes bytes here, and a
 * value again for restore() in the script that takes its place.
 *
 *   nil 'n'   false 'f'   true 't'   integer 'i' and 8 bytes   float 'd' and 8 bytes
 *   string 's', size as 4 bytes, and its bytes
 *   table '{', then key and value in turns, then '}'
 *
 * They never leave the process, so the byte order is the machine's.
 */
#include "lua_host_impl.h"

#include <errno.h>
#include <stdlib.h>

#define DEPTH_MAX 16

/* ---- writing; none of these raise ---- */

struct blob {
    char *data;
    size_t size;
    size_t room;
    const char *fault; /* static; NULL while all is well */
    int fault_type;    /* Lua type of a value that cannot be saved */
};

static void put(struct blob *b, const void *bytes, size_t size)
{
    if (b->fault)
        return;
    if (b->size + size > LUA_HOST_STATE_MAX) {
        b->fault = "returned more than 1048576 bytes";
        return;
    }
    if (b->size + size > b->room) {
        size_t room = 2 * (b->size + size);
        char *grown = realloc(b->data, room);
        if (!grown) {
            b->fault = "out of memory";
            return;
        }
        b->data = grown;
        b->room = room;
    }
    memcpy(b->data + b->size, bytes, size);
    b->size += size;
}

static void put_tag(struct blob *b, char tag)
{
    put(b, &tag, 1);
}

static void put_string(struct blob *b, struct str s)
{
    uint32_t size = (uint32_t)s.size; /* no string has more than LUA_MEMORY_BLOCK_MAX */
    put_tag(b, 's');
    put(b, &size, sizeof size);
    put(b, s.data, s.size);
}

static void put_number(struct blob *b, lua_State *state, int index)
{
    if (lua_isinteger(state, index)) {
        lua_Integer integer = lua_tointeger(state, index);
        put_tag(b, 'i');
        put(b, &integer, sizeof integer);
    } else {
        lua_Number number = lua_tonumber(state, index);
        put_tag(b, 'd');
        put(b, &number, sizeof number);
    }
}

static void put_value(struct blob *b, lua_State *state, int index, int depth);

/* lua_next() fails only for keys it did not hand out. */
static void put_table(struct blob *b, lua_State *state, int index, int depth)
{
    if (depth == DEPTH_MAX || !lua_checkstack(state, LUA_MINSTACK)) {
        b->fault = "returned tables more than 16 deep, or one that holds itself";
        return;
    }
    put_tag(b, '{');
    for (lua_pushnil(state); lua_next(state, index); lua_pop(state, 1)) {
        int top = lua_gettop(state);
        put_value(b, state, top - 1, depth + 1);
        put_value(b, state, top, depth + 1);
        if (b->fault) {
            lua_pop(state, 2);
            return;
        }
    }
    put_tag(b, '}');
}

static void put_value(struct blob *b, lua_State *state, int index, int depth)
{
    struct str s;
    switch (lua_type(state, index)) {
    case LUA_TNIL:
        put_tag(b, 'n');
        break;
    case LUA_TBOOLEAN:
        put_tag(b, lua_toboolean(state, index) ? 't' : 'f');
        break;
    case LUA_TNUMBER:
        put_number(b, state, index);
        break;
    case LUA_TSTRING:
        s.data = lua_tolstring(state, index, &s.size);
        put_string(b, s);
        break;
    case LUA_TTABLE:
        put_table(b, state, index, depth);
        break;
    default:
        b->fault = "may return strings, numbers, booleans and tables of them";
        b->fault_type = lua_type(state, index);
    }
}

/* ---- reading ---- */

struct reader {
    struct str left;
};

static void get(lua_State *state, struct reader *r, void *out, size_t size)
{
    if (r->left.size < size)
        luaL_error(state, "the saved state is cut off");
    memcpy(out, r->left.data, size);
    r->left = str_skip(r->left, size);
}

static void get_string(lua_State *state, struct reader *r)
{
    uint32_t size;
    get(state, r, &size, sizeof size);
    if (r->left.size < size)
        luaL_error(state, "the saved state is cut off");
    lua_pushlstring(state, r->left.data, size);
    r->left = str_skip(r->left, size);
}

static bool get_value(lua_State *state, struct reader *r);

static void get_table(lua_State *state, struct reader *r)
{
    luaL_checkstack(state, LUA_MINSTACK, "the saved state is too deep");
    lua_newtable(state);
    while (get_value(state, r)) {
        get_value(state, r);
        lua_rawset(state, -3);
    }
}

/* Pushes a value; false, and nothing pushed, at the end of a table. */
static bool get_value(lua_State *state, struct reader *r)
{
    char tag;
    lua_Integer integer;
    lua_Number number;
    get(state, r, &tag, 1);
    switch (tag) {
    case '}':
        return false;
    case 'n':
        lua_pushnil(state);
        break;
    case 'i':
        get(state, r, &integer, sizeof integer);
        lua_pushinteger(state, integer);
        break;
    case 'd':
        get(state, r, &number, sizeof number);
        lua_pushnumber(state, number);
        break;
    case 's':
        get_string(state, r);
        break;
    case '{':
        get_table(state, r);
        break;
    default:
        lua_pushboolean(state, tag == 't');
    }
    return true;
}

/* ---- the two calls ---- */

/* Raises what is wrong with what save() returned; the function is on the top. */
static int raise_fault(lua_State *state, const struct blob *b)
{
    lua_Debug at;
    lua_getinfo(state, ">S", &at);
    if (b->fault_type != 0)
        return luaL_error(state, "%s:%d: save %s, not a %s", at.short_src, at.linedefined, b->fault,
                          lua_typename(state, b->fault_type));
    return luaL_error(state, "%s:%d: save %s", at.short_src, at.linedefined, b->fault);
}

/* Arguments: save(), and the blob that what it returns is written to. */
static int run_save(lua_State *state)
{
    struct blob *b = lua_touserdata(state, 2);
    lua_settop(state, 1);
    lua_pushvalue(state, 1);
    lua_call(state, 0, 1);
    if (!lua_isnil(state, 2))
        put_value(b, state, 2, 0);
    if (!b->fault)
        return 0;
    lua_settop(state, 1);
    return raise_fault(state, b);
}

static int failed(struct lua_host *h, int status, char *why, size_t why_size)
{
    struct str text = lua_host_fault(h, status);
    snprintf(why, why_size, STR_FMT, STR_ARG(text));
    return -EINVAL;
}

int lua_host_save(struct filter *f, char **state, size_t *size, char *why, size_t why_size)
{
    struct lua_host *h = (struct lua_host *)f;
    struct blob b = {.data = NULL};
    if (!h->state || lua_isnil(h->state, LUA_HOST_SAVE)) {
        snprintf(why, why_size, "filter " STR_FMT " keeps no state", STR_ARG(f->name));
        return -ENOENT;
    }
    h->phase = LUA_HOST_LEAVING;
    h->callee = (struct lua_callee){.slot = LUA_HOST_SAVE};
    lua_pushcfunction(h->state, run_save);
    lua_host_push_callee(h);
    lua_pushlightuserdata(h->state, &b);
    int status = lua_host_call(h, 2, 0, h->limits.load_us);
    h->phase = LUA_HOST_RUNNING;
    if (status != LUA_OK) {
        free(b.data);
        return failed(h, status, why, why_size);
    }
    if (b.size == 0) {
        snprintf(why, why_size, "filter " STR_FMT " has nothing to keep", STR_ARG(f->name));
        return -ENOENT;
    }
    *state = b.data;
    *size = b.size;
    return 0;
}

struct restored {
    struct reader reader;
    struct str old_version;
};

/* Arguments: restore, and what to give it. */
static int run_restore(lua_State *state)
{
    struct restored *saved = lua_touserdata(state, 2);
    lua_settop(state, 1);
    if (!get_value(state, &saved->reader))
        return luaL_error(state, "the saved state is damaged");
    lua_pushlstring(state, saved->old_version.data, saved->old_version.size);
    lua_call(state, 2, 0);
    return 0;
}

int lua_host_restore(struct filter *f, const char *state, size_t size, struct str old_version,
                     char *why, size_t why_size)
{
    struct lua_host *h = (struct lua_host *)f;
    struct restored saved = {.reader = {.left = str_from(state, size)}, .old_version = old_version};
    if (!h->state || lua_isnil(h->state, LUA_HOST_RESTORE))
        return 0;
    h->phase = LUA_HOST_LOADING;
    h->callee = (struct lua_callee){.slot = LUA_HOST_RESTORE};
    lua_pushcfunction(h->state, run_restore);
    lua_host_push_callee(h);
    lua_pushlightuserdata(h->state, &saved);
    int status = lua_host_call(h, 2, 0, h->limits.load_us);
    h->phase = LUA_HOST_RUNNING;
    return status == LUA_OK ? 0 : failed(h, status, why, why_size);
}
