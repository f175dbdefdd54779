/*
 * The life of a script: loaded, called for each message, freed. Every call into Lua that can fail
 * is made here, protected and watched; see lua_host_impl.h for the parts.
 *
 * A fault is an error the script raised, a call that was stopped, memory refused, or a value
 * returned that is no verdict. The message passes as it came, the fault is counted and logged.
 */
#include "lua_host.h"

#include "diag.h"
#include "lua_host_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LINES_PER_SECOND 10

struct lua_host_limits lua_host_limits_default(void)
{
    return (struct lua_host_limits){
        .memory = (size_t)16 << 20, .call_us = 5000, .load_us = 1000000};
}

const char *lua_host_name(const struct lua_host *h, char *out, size_t size)
{
    return diag_escape(str_of(h->name ? h->name : h->source.path), out, size);
}

bool lua_gate_pass(struct lua_gate *gate, int64_t now_ms, uint64_t *withheld)
{
    int64_t second = now_ms / 1000;
    if (second != gate->second) {
        gate->second = second;
        gate->lines = 0;
    }
    if (gate->lines == LINES_PER_SECOND) {
        gate->withheld++;
        return false;
    }
    gate->lines++;
    *withheld = gate->withheld;
    gate->withheld = 0;
    return true;
}

/* ---- the state ---- */

/* Turns what was raised, on the top, into a string that starts with file and line: those of the
 * innermost Lua function, where the error has none of its own. */
static int explain(lua_State *state)
{
    if (lua_type(state, 1) != LUA_TSTRING && !luaL_callmeta(state, 1, "__tostring"))
        lua_pushfstring(state, "error(): the value raised is a %s", luaL_typename(state, 1));
    if (lua_type(state, -1) != LUA_TSTRING)
        lua_pushliteral(state, "error(): __tostring did not return a string");
    lua_Debug at;
    for (int level = 1; lua_getstack(state, level, &at); level++) {
        lua_getinfo(state, "Sl", &at);
        if (at.currentline <= 0)
            continue;
        size_t size = strlen(at.short_src);
        const char *text = lua_tostring(state, -1);
        if (strncmp(text, at.short_src, size) == 0 && text[size] == ':')
            break;
        lua_pushfstring(state, "%s:%d: %s", at.short_src, at.currentline, text);
        break;
    }
    return 1;
}

/* Runs protected: leaves on_message and the handles. */
static int load_script(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    lua_globals_open(state);
    const char *chunk = lua_pushfstring(state, "@%s", h->source.path);
    /* "t": text only. Bytecode made to harm can do whatever the process can. */
    if (luaL_loadbufferx(state, h->source.text, h->source.size, chunk, "t") != LUA_OK)
        return lua_error(state);
    lua_replace(state, 1);
    lua_settop(state, 1);
    lua_call(state, 0, 1);
    lua_declare_take(state);
    lua_globals_freeze(state);
    lua_message_open(state);
    return 1 + LUA_HOST_HANDLES;
}

static void close_state(struct lua_host *h)
{
    if (h->state)
        lua_close(h->state);
    h->state = NULL;
}

static const char *error_text(lua_State *state)
{
    return lua_type(state, -1) == LUA_TSTRING ? lua_tostring(state, -1) : "unknown error";
}

static void explain_failure(const struct lua_host *h, int status, char *why, size_t why_size)
{
    if (status == LUA_ERRMEM)
        snprintf(why, why_size, "%s:1: not enough memory to load it: the limit is %zu bytes",
                 h->source.path, h->limits.memory);
    else
        snprintf(why, why_size, "%s", error_text(h->state));
}

/* Makes a state and loads the script into it. Returns 0 or a negative errno and a sentence. */
static int open_state(struct lua_host *h, char *why, size_t why_size)
{
    h->memory = (struct lua_memory){.limit = h->limits.memory};
    h->state = lua_newstate(lua_memory_alloc, &h->memory);
    if (!h->state) {
        snprintf(why, why_size, "%s: not enough memory for a Lua state", h->source.path);
        return -ENOMEM;
    }
    *(struct lua_host **)lua_getextraspace(h->state) = h;
    lua_pushcfunction(h->state, explain);
    lua_pushcfunction(h->state, load_script);
    lua_watch_begin(&h->watch, h->state, h->limits.load_us);
    int status = lua_pcall(h->state, 0, 1 + LUA_HOST_HANDLES, LUA_HOST_EXPLAIN);
    lua_watch_end(&h->watch);
    if (status == LUA_OK)
        return 0;
    explain_failure(h, status, why, why_size);
    close_state(h);
    return status == LUA_ERRMEM ? -ENOMEM : -EINVAL;
}

/* ---- faults ---- */

static void report(struct lua_host *h, const char *text)
{
    uint64_t withheld;
    h->base.faults++;
    if (!lua_gate_pass(&h->fault_gate, h->now_ms, &withheld))
        return;
    char name[64];
    char line[768];
    lua_host_name(h, name, sizeof name);
    if (withheld > 0)
        diag_log(DIAG_WARN, "filter %s: (%llu faults not logged)", name,
                 (unsigned long long)withheld);
    diag_log(DIAG_WARN, "filter %s: %s", name, diag_escape(str_of(text), line, sizeof line));
}

/* Of a fault that has no line of its own: where on_message starts. */
static void report_at_function(struct lua_host *h, const char *text)
{
    char line[512];
    snprintf(line, sizeof line, "%s:%d: on_message %s", h->source.path, h->defined_at, text);
    report(h, line);
}

/* After memory was refused. Lua survives that, but a script that keeps what it took would fail
 * from now on: if collecting does not give back half, it starts anew. */
static void recover_memory(struct lua_host *h)
{
    lua_gc(h->state, LUA_GCCOLLECT);
    if (h->memory.used <= h->limits.memory / 2)
        return;
    char why[512];
    char name[64];
    char line[768];
    lua_host_name(h, name, sizeof name);
    close_state(h);
    if (open_state(h, why, sizeof why) == 0)
        diag_log(DIAG_WARN, "filter %s: kept too much memory and was started anew", name);
    else
        diag_log(DIAG_ERROR, "filter %s: is off, it could not be started anew: %s", name,
                 diag_escape(str_of(why), line, sizeof line));
}

static void fail(struct lua_host *h, int status)
{
    if (status != LUA_ERRMEM) {
        report(h, error_text(h->state));
        lua_settop(h->state, LUA_HOST_SLOTS);
        return;
    }
    char text[128];
    snprintf(text, sizeof text,
             "needed more memory than its %zu bytes (a table that grows, endless recursion?)",
             h->limits.memory);
    report_at_function(h, text);
    lua_settop(h->state, LUA_HOST_SLOTS);
    recover_memory(h);
}

/* ---- calls ---- */

static void begin(struct lua_host *h, const struct filter_message *m)
{
    h->live = ++h->call;
    h->message = m;
    h->now_ms = m->time_ms;
    h->text = m->text;
    h->rewritten = false;
    h->made = 0;
    h->handles[h->call % LUA_HOST_HANDLES]->call = h->call;
}

/* The verdict that the light value on the top stands for, said in this call; -1 if none. */
static int verdict_of(const struct lua_host *h)
{
    if (lua_type(h->state, -1) != LUA_TLIGHTUSERDATA)
        return -1;
    const void *value = lua_touserdata(h->state, -1);
    for (int v = 0; v <= FILTER_KICK; v++) {
        if (value == &h->verdicts[v])
            return h->said[v].call == h->call ? v : -1;
    }
    return -1;
}

static void complain(struct lua_host *h)
{
    char text[256];
    if (lua_type(h->state, -1) == LUA_TLIGHTUSERDATA)
        snprintf(text, sizeof text,
                 "returned a verdict kept from another message; call hub.drop() and its like "
                 "for each message");
    else
        snprintf(text, sizeof text,
                 "returned a %s, which says nothing; return nothing to let the message pass, or "
                 "hub.drop(), hub.reply(), hub.kick(), hub.replace()",
                 luaL_typename(h->state, -1));
    report_at_function(h, text);
}

/* What on_message returned is on the top. */
static void judge(struct lua_host *h, struct filter_result *result)
{
    if (lua_isnil(h->state, -1)) {
        if (h->rewritten) {
            result->verdict = FILTER_REPLACE;
            result->text = h->text;
        }
        return;
    }
    int verdict = verdict_of(h);
    if (verdict < 0) {
        complain(h);
        return;
    }
    result->verdict = (enum filter_verdict)verdict;
    result->text = h->said[verdict].text;
}

static void on_message(struct filter *f, const struct filter_message *m,
                       struct filter_result *result)
{
    struct lua_host *h = (struct lua_host *)f;
    lua_State *state = h->state;
    if (!state) {
        f->faults++;
        return;
    }
    begin(h, m);
    lua_pushvalue(state, LUA_HOST_ON_MESSAGE);
    lua_pushvalue(state, LUA_HOST_FIRST_HANDLE + (int)(h->call % LUA_HOST_HANDLES));
    lua_watch_begin(&h->watch, state, h->limits.call_us);
    int status = lua_pcall(state, 1, 1, LUA_HOST_EXPLAIN);
    lua_watch_end(&h->watch);
    h->live = 0;
    if (status == LUA_OK) {
        judge(h, result);
        lua_settop(state, LUA_HOST_SLOTS);
    } else {
        fail(h, status);
    }
}

/* ---- load and free ---- */

static void free_host(struct filter *f)
{
    struct lua_host *h = (struct lua_host *)f;
    close_state(h);
    lua_watch_fini(&h->watch);
    lua_source_free(&h->source);
    free(h->name);
    free(h);
}

static const struct filter_ops ops = {.on_message = on_message, .free = free_host};

static int start(struct lua_host *h, char *why, size_t why_size)
{
    int error = lua_watch_init(&h->watch);
    if (error < 0) {
        snprintf(why, why_size, "%s: cannot watch over a script: %s", h->source.path,
                 strerror(-error));
        return error;
    }
    error = open_state(h, why, why_size);
    if (error < 0)
        lua_watch_fini(&h->watch);
    return error;
}

int lua_host_load_limited(struct filter **out, const char *path,
                          const struct lua_host_limits *limits, char *why, size_t why_size)
{
    struct lua_host *h = calloc(1, sizeof *h);
    if (!h) {
        snprintf(why, why_size, "%s: out of memory", path);
        return -ENOMEM;
    }
    h->base.ops = &ops;
    h->limits = *limits;
    int error = lua_source_read(&h->source, path, why, why_size);
    if (error == 0)
        error = start(h, why, why_size);
    if (error < 0) {
        lua_source_free(&h->source);
        free(h->name);
        free(h);
        return error;
    }
    *out = &h->base;
    return 0;
}

int lua_host_load(struct filter **out, const char *path, char *why, size_t why_size)
{
    struct lua_host_limits limits = lua_host_limits_default();
    return lua_host_load_limited(out, path, &limits, why, why_size);
}
