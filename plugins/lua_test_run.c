/*
 * One test: a fresh filter in a chain of its own, with a fake clock and hub, and its steps one
 * after the other.
 */
#include "lua_test_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* So many timers in one step are a loop. */
#define TIMERS_MAX 1000000

/* How often so many calls are measured, if so many rounds are enough for them: the machine may have
 * been busy with other things in some. */
#define MEASURED_SERIES 5
#define MEASURED_CALLS  1000
#define MEASURED_ROUNDS 1000

bool lua_test_fail(struct lua_test_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(run->why, sizeof run->why, format, args);
    va_end(args);
    return false;
}

/* ---- the filter ---- */

/* What was set on the command line, and behind it, so that it wins, what the test sets. */
static int make_settings(struct lua_test_run *run, const struct filter_load_options *options)
{
    size_t given = 0;
    size_t n = 0;
    while (options->settings && options->settings[given])
        given++;
    run->settings = calloc(given + run->test->config_count + 1, sizeof *run->settings);
    if (!run->settings)
        return -ENOMEM;
    for (; n < given; n++) {
        run->settings[n] = strdup(options->settings[n]);
        if (!run->settings[n])
            return -ENOMEM;
    }
    for (size_t i = 0; i < run->test->config_count; i++, n++) {
        const struct lua_test_setting *s = &run->test->config[i];
        if (asprintf(&run->settings[n], STR_FMT "." STR_FMT "=" STR_FMT, STR_ARG(run->name),
                     STR_ARG(s->key), STR_ARG(s->value)) < 0) {
            run->settings[n] = NULL;
            return -ENOMEM;
        }
    }
    return 0;
}

static bool load(struct lua_test_run *run, struct filter **out)
{
    const struct filter_load_options options = {.settings = (const char *const *)run->settings,
                                                .hub = &run->hub.seam};
    struct lua_host_limits limits = lua_host_limits_default();
    char why[512];
    limits.patience = LUA_TEST_PATIENCE;
    if (LUA_TEST_SLOW_BUILD)
        limits.call_us *= LUA_TEST_SLOW_TIMES;
    else if (run->checking)
        limits.call_us *= LUA_TEST_CHECK_TIMES;
    if (lua_host_load_limited(out, run->path, &options, &limits, run->world, why, sizeof why) == 0)
        return true;
    return lua_test_fail(run, "cannot be loaded: %s", why);
}

/* A chain with only this filter, which it takes. */
static bool make_chain(struct lua_test_run *run, struct filter *f, struct filter_chain **out)
{
    *out = filter_chain_new(LUA_TEST_LINE_MAX);
    int error = *out ? filter_chain_add(*out, f) : -ENOMEM;
    if (error == 0)
        return true;
    f->ops->free(f);
    filter_chain_free(*out);
    return lua_test_fail(run, "no chain takes it: %s", strerror(-error));
}

static bool start(struct lua_test_run *run, const struct filter_load_options *options)
{
    run->log_checked = lua_test_log_size(run->log);
    run->log_at = run->log_checked;
    int error = lua_test_hub_init(&run->hub, run->test);
    run->world = lua_host_world_new();
    if (error < 0 || !run->world || make_settings(run, options) < 0)
        return lua_test_fail(run, "out of memory");
    struct filter *f;
    /* A moment before the start: what the script asked for at once, it has then. */
    run->hub.now_ms--;
    if (!load(run, &f) || !make_chain(run, f, &run->chain))
        return false;
    run->filter = f;
    run->before = *f;
    return true;
}

void lua_test_run_fini(struct lua_test_run *run)
{
    filter_chain_free(run->chain);
    for (char **setting = run->settings; setting && *setting; setting++)
        free(*setting);
    free(run->settings);
    lua_host_world_free(run->world);
    lua_test_hub_fini(&run->hub);
}

/* ---- what happens ---- */

/* The clock goes on to `until`, and stops where a timer is due. */
static bool advance(struct lua_test_run *run, int64_t until)
{
    for (int timers = 0; timers < TIMERS_MAX; timers++) {
        int64_t due = filter_chain_tick(run->chain, run->hub.now_ms);
        if (due > until) {
            run->hub.now_ms = until;
            return true;
        }
        if (due > run->hub.now_ms)
            run->hub.now_ms = due;
    }
    return lua_test_fail(run, "its timers do not end: %d ran", TIMERS_MAX);
}

static bool run_after(struct lua_test_run *run, const struct lua_test_step *step)
{
    if (!advance(run, run->hub.now_ms + step->after_ms))
        return false;
    return run->measured || lua_test_check_timers(run, step);
}

static bool agreed(const struct filter_result *result)
{
    return result->verdict == FILTER_PASS || result->verdict == FILTER_ACCEPT;
}

static bool run_event(struct lua_test_run *run, const struct lua_test_step *step)
{
    struct filter_event e = step->event;
    struct filter_result result = {.verdict = FILTER_PASS};
    struct lua_test_client *client = lua_test_hub_client(&run->hub, e.from);
    if (step->peer.family != 0)
        client->peer = step->peer;
    e.peer = client->peer.family != 0 ? &client->peer : NULL;
    e.client = client->id;
    e.joined_ms = client->joined_ms;
    e.time_ms = run->hub.now_ms;
    if (e.kind != FILTER_COMMAND)
        filter_chain_run(run->chain, &e, &result);
    else if (!filter_chain_command(run->chain, &e, &result))
        return lua_test_fail(run, "the filter has no command '" STR_FMT "'", STR_ARG(e.to));
    if (e.kind == FILTER_NICK && agreed(&result))
        lua_test_hub_rename(&run->hub, client, e.to);
    return run->measured || lua_test_check_result(run, step, &result);
}

/* What the filter keeps, in a new one. */
static bool hand_over(struct lua_test_run *run, struct filter *next)
{
    char why[512] = "";
    char *state = NULL;
    size_t size = 0;
    struct filter *old = run->filter;
    int error = old->ops->save ? old->ops->save(old, &state, &size, why, sizeof why) : -ENOENT;
    if (error == -ENOENT)
        return true;
    if (error < 0)
        return lua_test_fail(run, "save: %s", why);
    if (next->ops->restore)
        error = next->ops->restore(next, state, size, old->version, why, sizeof why);
    free(state);
    return error >= 0 || lua_test_fail(run, "restore: %s", why);
}

static bool run_reload(struct lua_test_run *run)
{
    struct filter *next;
    struct filter_chain *chain;
    if (!load(run, &next))
        return false;
    if (!hand_over(run, next)) {
        next->ops->free(next);
        return false;
    }
    if (!make_chain(run, next, &chain))
        return false;
    filter_chain_free(run->chain);
    run->chain = chain;
    run->filter = next;
    return true;
}

/* ---- steps ---- */

static bool act(struct lua_test_run *run, const struct lua_test_step *step)
{
    switch (step->action) {
    case LUA_TEST_EVENT:
        return run_event(run, step);
    case LUA_TEST_AFTER:
        return run_after(run, step);
    case LUA_TEST_RELOAD:
        return run_reload(run);
    case LUA_TEST_NOTHING:
        break;
    }
    return true;
}

static bool run_step(struct lua_test_run *run, const struct lua_test_step *step)
{
    lua_test_hub_begin_step(&run->hub);
    run->before = *run->filter;
    run->log_at = lua_test_log_size(run->log);
    if (!act(run, step))
        return false;
    return run->measured || (lua_test_check_said(run, step) && lua_test_check_logged(run, step));
}

bool lua_test_run_steps(struct lua_test_run *run, const struct filter_load_options *options)
{
    static const struct lua_test_step at_once = {.action = LUA_TEST_AFTER};
    if (!start(run, options) || !advance(run, LUA_TEST_START_MS))
        return false;
    if (!lua_test_check_timers(run, &at_once))
        return false;
    for (; run->step < run->test->step_count; run->step++) {
        if (!run_step(run, &run->test->steps[run->step]))
            return false;
    }
    return true;
}

/* ---- how long it takes ---- */

/* Once more through the steps; false if one cannot be done any more. A new filter would be cold,
 * and what was said once need not be kept. */
static bool run_round(struct lua_test_run *run)
{
    for (size_t i = 0; i < run->test->step_count; i++) {
        const struct lua_test_step *step = &run->test->steps[i];
        if (step->action != LUA_TEST_RELOAD && !run_step(run, step))
            return false;
        lua_test_hub_forget_said(&run->hub);
    }
    return true;
}

/* The median of the next calls, or 0 with a line in run->why. */
static uint64_t median_ns(struct lua_test_run *run)
{
    run->filter->ns = (struct histogram){.count = 0};
    for (int round = 0; round < MEASURED_ROUNDS; round++) {
        if (!run_round(run))
            return 0;
        if (run->filter->ns.count >= MEASURED_CALLS)
            break;
    }
    if (run->filter->ns.count == 0)
        lua_test_fail(run, "budget_ns: the filter is never called");
    return histogram_percentile(&run->filter->ns, 50);
}

uint64_t lua_test_run_measure(struct lua_test_run *run)
{
    run->measured = true;
    uint64_t best = median_ns(run);
    for (int series = 1; series < MEASURED_SERIES && best > 0; series++) {
        uint64_t next = median_ns(run);
        best = next < best ? next : best;
    }
    return best;
}
