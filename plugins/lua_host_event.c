/*
 * An event, judged by the script. The way of a fault: an error the script raised, a call that was
 * stopped, memory refused, or a value returned that is no verdict becomes FILTER_FAULT, and a
 * sentence with file and line; whoever called decides what to do about it.
 */
#include "lua_host_impl.h"

static const char *const slot_names[LUA_HOST_SLOTS + 1] = {
    [LUA_HOST_HANDLER + FILTER_MESSAGE] = "on_message",
    [LUA_HOST_HANDLER + FILTER_ACTION] = "on_message",
    [LUA_HOST_HANDLER + FILTER_PRIVATE] = "on_private",
    [LUA_HOST_HANDLER + FILTER_JOIN] = "on_join",
    [LUA_HOST_HANDLER + FILTER_LEAVE] = "on_leave",
    [LUA_HOST_HANDLER + FILTER_NICK] = "on_nick",
    [LUA_HOST_HANDLER + FILTER_CONNECT] = "on_connect",
    [LUA_HOST_COMMANDS] = "the command",
    [LUA_HOST_ON_LOAD] = "on_load",
    [LUA_HOST_ON_UNLOAD] = "on_unload",
    [LUA_HOST_SAVE] = "save",
    [LUA_HOST_RESTORE] = "restore",
    [LUA_HOST_TIMERS] = "the function of a timer",
};

/* ---- faults ---- */

void lua_host_push_callee(struct lua_host *h)
{
    if (h->callee.item == 0)
        lua_pushvalue(h->state, h->callee.slot);
    else
        lua_rawgeti(h->state, h->callee.slot, h->callee.item);
}

static struct str fault(struct lua_host *h, const char *text)
{
    snprintf(h->fault, sizeof h->fault, "%s", text);
    return str_of(h->fault);
}

/* Of a fault that has no line of its own: where the function starts. */
static struct str fault_at_function(struct lua_host *h, const char *text)
{
    lua_Debug at = {.linedefined = 1};
    lua_host_push_callee(h);
    if (lua_isfunction(h->state, -1))
        lua_getinfo(h->state, ">S", &at);
    else
        lua_pop(h->state, 1);
    snprintf(h->fault, sizeof h->fault, "%s:%d: %s %s", h->source.path, at.linedefined,
             slot_names[h->callee.slot], text);
    snprintf(h->fault_at.text, sizeof h->fault_at.text, "%s:%d", at.short_src, at.linedefined);
    return str_of(h->fault);
}

struct str lua_host_fault(struct lua_host *h, int status)
{
    struct str why;
    if (status == LUA_ERRMEM) {
        char text[128];
        snprintf(text, sizeof text,
                 "needed more memory than its %zu bytes (a table that grows, endless recursion?)",
                 h->limits.memory);
        lua_settop(h->state, LUA_HOST_SLOTS);
        why = fault_at_function(h, text);
        struct lua_place at = h->fault_at;
        lua_host_recover(h);
        h->fault_at = at;
        return why;
    }
    why = fault(h, lua_type(h->state, -1) == LUA_TSTRING ? lua_tostring(h->state, -1)
                                                         : "unknown error");
    lua_settop(h->state, LUA_HOST_SLOTS);
    return why;
}

/* ---- verdicts ---- */

/* The verdict that the light value on the top stands for, said in this call; -1 if none. */
static int verdict_of(const struct lua_host *h)
{
    if (lua_type(h->state, -1) != LUA_TLIGHTUSERDATA)
        return -1;
    const void *value = lua_touserdata(h->state, -1);
    for (int v = 0; v < FILTER_VERDICTS; v++) {
        if (value == &h->verdicts[v])
            return h->said[v].call == h->call ? v : -1;
    }
    return -1;
}

static struct str complain(struct lua_host *h)
{
    char text[256];
    if (lua_type(h->state, -1) == LUA_TLIGHTUSERDATA)
        snprintf(text, sizeof text,
                 "returned a verdict kept from another event; call hub.drop() and its like "
                 "for each");
    else
        snprintf(text, sizeof text,
                 "returned a %s, which says nothing; return nothing to let it pass, or what "
                 "hub.drop(), reply(), replace(), divert(), shadow(), kick() or accept() returned",
                 luaL_typename(h->state, -1));
    return fault_at_function(h, text);
}

void lua_host_place_caller(lua_State *state, struct lua_place *at)
{
    lua_Debug caller = {.currentline = 0};
    for (int level = 1; lua_getstack(state, level, &caller); level++) {
        lua_getinfo(state, "Sl", &caller);
        if (caller.currentline > 0)
            break;
    }
    at->text[0] = '\0';
    if (caller.currentline > 0)
        snprintf(at->text, sizeof at->text, "%s:%d", caller.short_src, caller.currentline);
}

/* What the function returned is on the top. */
static void judge(struct lua_host *h, struct filter_result *result)
{
    if (lua_isnil(h->state, -1)) {
        if (h->rewritten) {
            result->verdict = FILTER_REPLACE;
            result->text = h->text;
            result->at = str_of(h->rewritten_at.text);
        }
        return;
    }
    int verdict = verdict_of(h);
    if (verdict < 0) {
        result->verdict = FILTER_FAULT;
        result->text = complain(h);
        result->at = str_of(h->fault_at.text);
        return;
    }
    result->verdict = (enum filter_verdict)verdict;
    result->text = h->said[verdict].text;
    result->at = str_of(h->said[verdict].at.text);
    if (verdict == FILTER_ACCEPT && h->rewritten)
        result->text = h->text;
}

/* ---- calls ---- */

static void begin(struct lua_host *h, const struct filter_event *e)
{
    h->live = ++h->call;
    h->event = e;
    h->now_ms = e->time_ms;
    h->text = e->text;
    h->rewritten = false;
    h->made = 0;
    h->handles[h->call % LUA_HOST_HANDLES]->call = h->call;
}

/* Which of the commands the event is for, counted from 1; 0 if none. */
static lua_Integer command_of(const struct lua_host *h, const struct filter_event *e)
{
    for (size_t i = 0; i < h->base.command_count; i++) {
        if (str_equal(h->base.commands[i], e->to))
            return (lua_Integer)i + 1;
    }
    return 0;
}

/* The function of a command and the handle; calls the one with the other and what was written
 * behind the command. It may raise, so it runs protected. */
static int call_command(lua_State *state)
{
    struct str arguments = lua_host_of(state)->event->text;
    lua_pushlstring(state, arguments.data, arguments.size);
    lua_call(state, 2, 1);
    return 1;
}

/* Pushes the function for the event with its arguments; how many. */
static int push_call(struct lua_host *h, const struct filter_event *e)
{
    lua_State *state = h->state;
    h->callee = (struct lua_callee){.slot = LUA_HOST_HANDLER + (int)e->kind};
    int arguments = 1;
    if (e->kind == FILTER_COMMAND) {
        h->callee.item = command_of(h, e);
        lua_pushcfunction(state, call_command);
        arguments = 2;
    }
    lua_host_push_callee(h);
    lua_pushvalue(state, LUA_HOST_FIRST_HANDLE + (int)(h->call % LUA_HOST_HANDLES));
    return arguments;
}

void lua_host_on_event(struct filter *f, const struct filter_event *e, struct filter_result *result)
{
    struct lua_host *h = (struct lua_host *)f;
    if (!h->state) {
        result->verdict = FILTER_FAULT;
        result->text = STR("it is off: it could not be started anew");
        return;
    }
    begin(h, e);
    int arguments = push_call(h, e);
    int status = lua_host_call(h, arguments, 1, h->limits.call_us);
    h->live = 0;
    if (status == LUA_OK) {
        judge(h, result);
        lua_settop(h->state, LUA_HOST_SLOTS);
    } else {
        result->verdict = FILTER_FAULT;
        result->excused = h->starved && status == LUA_ERRRUN;
        result->text = lua_host_fault(h, status);
        result->at = str_of(h->fault_at.text);
    }
}
