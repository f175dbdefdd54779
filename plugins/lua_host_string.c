/*
 * `string` for scripts. What cannot hurt is Lua's own; rep and format are Lua's own behind a check
 * of the size; find, match, gmatch and gsub are ours, over the bounded matcher. dump, pack and
 * unpack are not there. The metatable of strings gets this table, and is closed: ("x"):rep(n) is
 * the same function as string.rep.
 */
#include "lua_host_impl.h"
#include "lua_host_pattern.h"

#include <lualib.h>

#define REP_MAX    ((size_t)256 << 10)
#define FORMAT_MAX 1024

static const char *const harmless[] = {"byte", "char", "len", "lower", "reverse", "sub", "upper"};

static struct str check_str(lua_State *state, int arg)
{
    struct str s;
    s.data = luaL_checklstring(state, arg, &s.size);
    return s;
}

/* ---- behind a check; upvalue 1 is Lua's function ---- */

static int checked_rep(lua_State *state)
{
    struct str text = check_str(state, 1);
    lua_Integer count = luaL_checkinteger(state, 2);
    size_t separator;
    luaL_optlstring(state, 3, "", &separator);
    size_t each = text.size + separator;
    if (count > 0 && each > 0 && (size_t)count > REP_MAX / each)
        return luaL_error(state, "string.rep: the result would be longer than %d bytes",
                          (int)REP_MAX);
    return lua_tocfunction(state, lua_upvalueindex(1))(state);
}

/* Lua bounds each width to two digits; what is left is their number. */
static int checked_format(lua_State *state)
{
    struct str format = check_str(state, 1);
    if (format.size > FORMAT_MAX)
        return luaL_error(state, "string.format: the format is longer than %d bytes", FORMAT_MAX);
    return lua_tocfunction(state, lua_upvalueindex(1))(state);
}

/* ---- over the matcher ---- */

/* A start as scripts give it, 1 for the first and -1 for the last byte, as an offset. */
static size_t offset_of(lua_Integer start, size_t size)
{
    if (start > 0)
        return (size_t)start - 1;
    if (start == 0 || (lua_Unsigned)-start > size)
        return 0;
    return size - (size_t)-start;
}

static const char *match_at(lua_State *state, struct pattern *p, const char *from)
{
    const char *end = pattern_match(p, from);
    if (!end && p->fault)
        luaL_error(state, "%s", p->fault);
    return end;
}

/* The first match at or after *from, which is moved there. */
static const char *search(lua_State *state, struct pattern *p, const char **from)
{
    const char *last = p->text.data + p->text.size;
    for (;; ++*from) {
        const char *end = match_at(state, p, *from);
        if (end || p->anchored || *from == last)
            return end;
    }
}

static void push_capture(lua_State *state, const struct pattern *p, uint32_t i)
{
    const struct pattern_capture *c = &p->capture[i];
    if (c->size == PATTERN_POSITION)
        lua_pushinteger(state, c->start - p->text.data + 1);
    else
        lua_pushlstring(state, c->start, c->size);
}

/* All captures, or the whole match where there are none and `or_whole`. */
static int push_captures(lua_State *state, const struct pattern *p, const char *from,
                         const char *end, bool or_whole)
{
    luaL_checkstack(state, PATTERN_CAPTURES_MAX, "too many captures");
    if (p->captures == 0 && or_whole) {
        lua_pushlstring(state, from, (size_t)(end - from));
        return 1;
    }
    for (uint32_t i = 0; i < p->captures; i++)
        push_capture(state, p, i);
    return (int)p->captures;
}

static int push_place(lua_State *state, struct str text, const char *from, const char *end)
{
    lua_pushinteger(state, from - text.data + 1);
    lua_pushinteger(state, end - text.data);
    return 2;
}

static int find_plain(lua_State *state, struct str text, size_t start, struct str what)
{
    const char *found = memmem(text.data + start, text.size - start, what.data, what.size);
    if (found)
        return push_place(state, text, found, found + what.size);
    luaL_pushfail(state);
    return 1;
}

static int find_or_match(lua_State *state, bool find)
{
    struct str text = check_str(state, 1);
    struct str what = check_str(state, 2);
    size_t start = offset_of(luaL_optinteger(state, 3, 1), text.size);
    if (start > text.size) {
        luaL_pushfail(state);
        return 1;
    }
    if (find && (lua_toboolean(state, 4) || pattern_is_plain(what)))
        return find_plain(state, text, start, what);
    struct pattern p;
    pattern_init(&p, text, what);
    const char *from = text.data + start;
    const char *end = search(state, &p, &from);
    if (!end) {
        luaL_pushfail(state);
        return 1;
    }
    int places = find ? push_place(state, text, from, end) : 0;
    return places + push_captures(state, &p, from, end, !find);
}

static int string_find(lua_State *state)
{
    return find_or_match(state, true);
}

static int string_match(lua_State *state)
{
    return find_or_match(state, false);
}

/* ---- gmatch ---- */

struct walker {
    struct pattern pattern;
    const char *from;
    const char *last_end; /* where the last match ended: an empty one there would be no progress */
};

/* Upvalues: text, pattern, walker. */
static int gmatch_next(lua_State *state)
{
    struct walker *w = lua_touserdata(state, lua_upvalueindex(3));
    const char *last = w->pattern.text.data + w->pattern.text.size;
    for (; w->from <= last; w->from++) {
        const char *end = match_at(state, &w->pattern, w->from);
        if (!end || end == w->last_end)
            continue;
        const char *from = w->from;
        w->from = w->last_end = end;
        return push_captures(state, &w->pattern, from, end, true);
    }
    return 0;
}

static int string_gmatch(lua_State *state)
{
    struct str text = check_str(state, 1);
    struct str what = check_str(state, 2);
    size_t start = offset_of(luaL_optinteger(state, 3, 1), text.size);
    lua_settop(state, 2);
    struct walker *w = lua_newuserdatauv(state, sizeof *w, 0);
    pattern_init(&w->pattern, text, what);
    /* Here a '^' would make no sense, so Lua takes it as it stands. */
    w->pattern.items = what;
    w->pattern.anchored = false;
    w->from = text.data + (start > text.size ? text.size + 1 : start);
    w->last_end = NULL;
    lua_pushcclosure(state, gmatch_next, 3);
    return 1;
}

/* ---- gsub ---- */

struct substitution {
    struct pattern pattern;
    int kind; /* Lua type of the replacement, argument 3 */
    struct str with;
    luaL_Buffer out;
};

/* %0 to %9 and %% in a replacement string. */
static void add_escape(lua_State *state, struct substitution *s, char c, const char *from,
                       const char *end)
{
    if (c == '%') {
        luaL_addchar(&s->out, c);
    } else if (c == '0' || (c == '1' && s->pattern.captures == 0)) {
        luaL_addlstring(&s->out, from, (size_t)(end - from));
    } else if (c >= '1' && c <= '9') {
        uint32_t i = (uint32_t)(c - '1');
        if (i >= s->pattern.captures)
            luaL_error(state, "invalid capture index %%%d in replacement string", (int)i + 1);
        push_capture(state, &s->pattern, i);
        luaL_addvalue(&s->out);
    } else {
        luaL_error(state, "invalid use of '%%' in replacement string");
    }
}

static void add_string(lua_State *state, struct substitution *s, const char *from, const char *end)
{
    struct str with = s->with;
    while (with.size > 0) {
        const char *percent = memchr(with.data, '%', with.size);
        size_t plain = percent ? (size_t)(percent - with.data) : with.size;
        luaL_addlstring(&s->out, with.data, plain);
        if (!percent)
            return;
        /* A '%' at the end meets the NUL that Lua puts there. */
        add_escape(state, s, percent[1], from, end);
        with = str_skip(with, plain + 2);
    }
}

/* The value of a table or function for the match; nil and false leave it as it is. */
static void add_value(lua_State *state, struct substitution *s, const char *from, const char *end)
{
    if (s->kind == LUA_TFUNCTION) {
        lua_pushvalue(state, 3);
        int n = push_captures(state, &s->pattern, from, end, true);
        lua_call(state, n, 1);
    } else {
        if (s->pattern.captures > 0)
            push_capture(state, &s->pattern, 0);
        else
            lua_pushlstring(state, from, (size_t)(end - from));
        lua_gettable(state, 3);
    }
    if (!lua_toboolean(state, -1)) {
        lua_pop(state, 1);
        luaL_addlstring(&s->out, from, (size_t)(end - from));
    } else if (lua_isstring(state, -1)) {
        luaL_addvalue(&s->out);
    } else {
        luaL_error(state, "invalid replacement value (a %s)", luaL_typename(state, -1));
    }
}

static void add_replacement(lua_State *state, struct substitution *s, const char *from,
                            const char *end)
{
    if (s->kind == LUA_TSTRING)
        add_string(state, s, from, end);
    else
        add_value(state, s, from, end);
}

static lua_Integer substitute(lua_State *state, struct substitution *s, lua_Integer max)
{
    struct str text = s->pattern.text;
    const char *at = text.data;
    const char *last = text.data + text.size;
    const char *last_end = NULL;
    lua_Integer count = 0;
    while (count < max) {
        const char *end = match_at(state, &s->pattern, at);
        if (end && end != last_end) {
            count++;
            add_replacement(state, s, at, end);
            at = last_end = end;
        } else if (at < last) {
            luaL_addchar(&s->out, *at++);
        } else {
            break;
        }
        if (s->pattern.anchored)
            break;
    }
    luaL_addlstring(&s->out, at, (size_t)(last - at));
    return count;
}

static int string_gsub(lua_State *state)
{
    struct substitution s;
    struct str text = check_str(state, 1);
    pattern_init(&s.pattern, text, check_str(state, 2));
    s.kind = lua_type(state, 3);
    lua_Integer max = luaL_optinteger(state, 4, (lua_Integer)text.size + 1);
    if (s.kind == LUA_TNUMBER || s.kind == LUA_TSTRING) {
        s.with = check_str(state, 3);
        s.kind = LUA_TSTRING;
    } else if (s.kind != LUA_TTABLE && s.kind != LUA_TFUNCTION) {
        return luaL_typeerror(state, 3, "string/function/table");
    }
    lua_settop(state, 3);
    luaL_buffinit(state, &s.out);
    lua_Integer count = substitute(state, &s, max);
    luaL_pushresult(&s.out);
    lua_pushinteger(state, count);
    return 2;
}

/* ---- the library ---- */

static const luaL_Reg ours[] = {
    {"find", string_find},
    {"match", string_match},
    {"gmatch", string_gmatch},
    {"gsub", string_gsub},
    {NULL, NULL},
};

/* The metatable of strings: methods are those of the library on the top, and nobody sees it. */
static void close_metatable(lua_State *state)
{
    lua_pushliteral(state, "");
    lua_getmetatable(state, -1);
    lua_pushvalue(state, -3);
    lua_setfield(state, -2, "__index");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    lua_pop(state, 2);
}

void lua_string_open(lua_State *state)
{
    lua_pushcfunction(state, luaopen_string);
    lua_call(state, 0, 1);
    int whole = lua_gettop(state);
    lua_newtable(state);
    lua_host_keep(state, whole, harmless, sizeof harmless / sizeof *harmless);
    lua_getfield(state, whole, "rep");
    lua_pushcclosure(state, checked_rep, 1);
    lua_setfield(state, -2, "rep");
    lua_getfield(state, whole, "format");
    lua_pushcclosure(state, checked_format, 1);
    lua_setfield(state, -2, "format");
    luaL_setfuncs(state, ours, 0);
    close_metatable(state);
    lua_remove(state, whole);
}
