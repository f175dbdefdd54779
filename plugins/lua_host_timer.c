/*
 * hub.every(), hub.after(), hub.cancel(). When a timer is due stands in a heap here, its function
 * in a table in the state, under the same id. One call of lua_host_run_timer() runs one function,
 * so that a turn of the hub is held up by no more than the time of one call.
 */
#include "lua_api.h"
#include "lua_host_impl.h"

#define SECONDS_MAX 1e9
#define EVERY_MIN   0.1 /* seconds: below, a timer is a load and not a timer */

void lua_timers_clear(struct lua_timers *timers)
{
    timer_heap_fini(&timers->heap);
    *timers = (struct lua_timers){.last_id = timers->last_id};
}

static struct lua_timer *find(struct lua_timers *timers, uint64_t id)
{
    for (size_t i = 0; i < LUA_HOST_TIMERS_MAX; i++) {
        if (timers->items[i].id == id)
            return &timers->items[i];
    }
    return NULL;
}

static int64_t next_due(const struct lua_timers *timers)
{
    return timers->heap.count > 0 ? (int64_t)timers->heap.items[0].due : INT64_MAX;
}

/* When the clock on the wall is set back, nobody waits longer for it: what is due goes back with
 * it. (Set forward, it makes timers come early: it looks like a hub that had nothing to do.) */
static void heed_clock(struct lua_host *h)
{
    struct lua_timers *timers = &h->timers;
    int64_t now_ms = h->hub->now_ms(h->hub->owner);
    uint64_t back = now_ms < timers->seen_ms ? (uint64_t)(timers->seen_ms - now_ms) : 0;
    timers->seen_ms = now_ms;
    for (size_t i = 0; back > 0 && i < timers->heap.count; i++) {
        uint64_t *due = &timers->heap.items[i].due;
        *due = *due > back ? *due - back : 0;
    }
}

/* ---- what scripts call ---- */

/* Seconds as milliseconds; those of now come after whatever runs now. */
static int64_t check_delay(lua_State *state, const char *function, lua_Number least)
{
    lua_Number seconds = luaL_checknumber(state, 1);
    if (!(seconds >= least && seconds <= SECONDS_MAX))
        luaL_error(state, "%s: %f seconds are not between %f and %f", function, seconds, least,
                   SECONDS_MAX);
    int64_t ms = (int64_t)(seconds * 1000);
    return ms > 0 ? ms : 1;
}

static int add_timer(lua_State *state, const char *function, int64_t delay_ms, int64_t period_ms)
{
    struct lua_host *h = lua_host_of(state);
    luaL_checktype(state, 2, LUA_TFUNCTION);
    if (h->phase == LUA_HOST_LEAVING)
        return luaL_error(state, "%s: the script is being unloaded", function);
    struct lua_timer *timer = find(&h->timers, 0);
    if (!timer)
        return luaL_error(state, "%s: there are %d timers already", function, LUA_HOST_TIMERS_MAX);
    uint64_t id = ++h->timers.last_id;
    heed_clock(h);
    int64_t due = h->hub->now_ms(h->hub->owner) + delay_ms;
    lua_getfield(state, LUA_REGISTRYINDEX, "timers");
    lua_pushvalue(state, 2);
    lua_rawseti(state, -2, (lua_Integer)id);
    if (timer_heap_set(&h->timers.heap, id, (uint64_t)due) < 0)
        return luaL_error(state, "%s: out of memory", function);
    *timer = (struct lua_timer){.id = id, .period_ms = period_ms};
    lua_pushinteger(state, (lua_Integer)id);
    return 1;
}

int lua_hub_every(lua_State *state)
{
    int64_t period = check_delay(state, "hub.every", EVERY_MIN);
    return add_timer(state, "hub.every", period, period);
}

int lua_hub_after(lua_State *state)
{
    return add_timer(state, "hub.after", check_delay(state, "hub.after", 0), 0);
}

/* The timer's function may be what runs: it stays until the end of its call. */
int lua_hub_cancel(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    lua_Integer id = luaL_checkinteger(state, 1);
    struct lua_timer *timer = id > 0 ? find(&h->timers, (uint64_t)id) : NULL;
    lua_pushboolean(state, timer != NULL);
    if (!timer)
        return 1;
    timer_heap_remove(&h->timers.heap, timer->id);
    timer->id = 0;
    lua_getfield(state, LUA_REGISTRYINDEX, "timers");
    lua_pushnil(state);
    lua_rawseti(state, -2, id);
    lua_pop(state, 1);
    return 1;
}

/* ---- running them ---- */

/* Sets it to its next time: a period from now, also where it comes late. So two calls are never
 * closer, which who keeps to a rate relies on. Without memory for that, this was its last. */
static void rearm(struct lua_timers *timers, struct lua_timer *timer, int64_t now_ms)
{
    if (timer->period_ms == 0)
        return;
    if (timer_heap_set(&timers->heap, timer->id, (uint64_t)(now_ms + timer->period_ms)) < 0)
        timer->period_ms = 0;
}

/* It ran. It may be gone: cancelled by its own function, or the script was started anew. Setting
 * what is in a table to nil cannot fail. */
static void forget_if_once(struct lua_host *h, uint64_t id)
{
    struct lua_timer *timer = find(&h->timers, id);
    if (!timer || timer->period_ms > 0)
        return;
    timer->id = 0;
    lua_pushnil(h->state);
    lua_rawseti(h->state, LUA_HOST_TIMERS, (lua_Integer)id);
}

int64_t lua_host_run_timer(struct lua_host *h, int64_t now_ms, struct filter_result *result)
{
    struct timer due;
    heed_clock(h);
    if (next_due(&h->timers) > now_ms || !timer_heap_pop(&h->timers.heap, (uint64_t)now_ms, &due))
        return next_due(&h->timers);
    h->now_ms = now_ms;
    h->callee = (struct lua_callee){.slot = LUA_HOST_TIMERS, .item = (lua_Integer)due.id};
    rearm(&h->timers, find(&h->timers, due.id), now_ms);
    lua_host_push_callee(h);
    int status = lua_host_call(h, 0, 0, h->limits.call_us);
    if (status != LUA_OK) {
        result->verdict = FILTER_FAULT;
        result->excused = h->starved && status == LUA_ERRRUN;
        result->text = lua_host_fault(h, status);
        result->at = str_of(h->fault_at.text);
    }
    forget_if_once(h, due.id);
    return next_due(&h->timers);
}
