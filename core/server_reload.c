/*
 * Reloading filters: asked for by SIGHUP, by /reload, or by a changed file.
 *
 *     asked for -> tried out by the checker -> loaded here -> state handed over -> swapped
 *                        |                         |                |
 *                        +-- anything is wrong: ---+----------------+--> the old ones stay
 *
 * Then the new ones are on probation: the old ones are kept as they were, and come back if a new
 * version of one opens its breaker, or if an operator wants them back. All of that happens in
 * server_reload_turn(), between two events; nobody waits for the checker.
 */
#include "diag.h"
#include "server_impl.h"

#include <inttypes.h>

/* ---- answers -------------------------------------------------------------------------------- */

static struct conn *take_asker(struct server *s, uint64_t *handle)
{
    struct conn *c = *handle != 0 ? hub_conn(&s->hub, *handle) : NULL;
    *handle = 0;
    return c;
}

static void refuse(struct server *s)
{
    struct conn *c = take_asker(s, &s->reload.asked_by);
    s->hub.stats.filter_reloads_refused++;
    diag_log(DIAG_ERROR, "filters not reloaded: the old ones stay");
    if (c)
        hub_error(&s->hub, c, "Filters not reloaded: the old ones stay; the log says why.");
}

static void confirm(struct server *s)
{
    struct reload *r = &s->reload;
    size_t n = filter_chain_size(s->hub.filters);
    r->swapped_by = r->asked_by;
    struct conn *c = take_asker(s, &r->asked_by);
    s->hub.stats.filter_reloads++;
    diag_log(DIAG_INFO, "filters reloaded: %zu in the chain", n);
    if (c)
        hub_notice(&s->hub, c,
                   "Filters reloaded: %zu in the chain. "
                   "For %d seconds, /reload rollback brings the old ones back.",
                   n, SERVER_PROBATION_MS / 1000);
}

/* ---- the way there -------------------------------------------------------------------------- */

static void drop_old(struct server *s)
{
    server_filters_free(&s->reload.old);
    s->reload.swapped_by = 0;
}

static void swap(struct server *s)
{
    struct server_chains fresh;
    if (server_filters_load(s, &fresh) < 0) {
        refuse(s);
        return;
    }
    drop_old(s);
    s->reload.old = server_filters_swap(s, fresh);
    s->reload.swapped_ms = hub_now(&s->hub);
    netpoll_timer_set(s->np, SERVER_TIMER_PROBATION, SERVER_PROBATION_MS);
    confirm(s);
}

static void begin_if_wanted(struct server *s)
{
    if (!s->reload.wanted || s->reload.checking)
        return;
    s->reload.wanted = false;
    if (!server_has_filters(s->options)) {
        swap(s);
        return;
    }
    s->reload.checking = server_checker_ask(s) == 0;
    if (s->reload.checking)
        return;
    diag_log(DIAG_ERROR, "filters cannot be tried out, since the process for that is gone; "
                         "start the hub anew");
    refuse(s);
}

/* The checker's answer. If a file has changed meanwhile, it was about another one. */
static void take_answer(struct server *s, enum server_checked checked)
{
    s->reload.answer = SERVER_CHECKED_NOTHING;
    s->reload.checking = false;
    if (s->reload.wanted)
        return;
    if (checked == SERVER_CHECKED_LATE)
        diag_log(DIAG_ERROR, "filters: trying them out took longer than %d seconds",
                 SERVER_CHECK_MS / 1000);
    if (checked == SERVER_CHECKED_FINE)
        swap(s);
    else
        refuse(s);
}

/* ---- the way back --------------------------------------------------------------------------- */

static void roll_back(struct server *s)
{
    struct server_chains failed = server_filters_swap(s, s->reload.old);
    s->reload.old = (struct server_chains){.live = NULL};
    netpoll_timer_cancel(s->np, SERVER_TIMER_PROBATION);
    server_filters_free(&failed);
    s->hub.stats.filter_rollbacks++;
}

/* `c` is NULL if the operator has left since. */
static void roll_back_on_request(struct server *s, struct conn *c)
{
    if (!s->reload.old.live) {
        if (c)
            hub_error(
                &s->hub, c,
                "There is nothing to go back to: in the last %d seconds nothing was reloaded.",
                SERVER_PROBATION_MS / 1000);
        return;
    }
    roll_back(s);
    size_t n = filter_chain_size(s->hub.filters);
    diag_log(DIAG_INFO, "filters rolled back, as an operator wants: %zu in the chain", n);
    if (c)
        hub_notice(&s->hub, c, "Filters rolled back: %zu in the chain, as before the reload.", n);
}

/* True if the filter is out of order, and its version before was not: a change did it. */
static bool failed_probation(const struct server *s, const struct filter *f)
{
    if (f->breaker.opened == 0)
        return false;
    const struct filter *old = filter_chain_find(s->reload.old.live, f->name);
    bool changed = !old || old->fingerprint != f->fingerprint;
    return changed && !(old && old->breaker.state != BREAKER_CLOSED);
}

static const struct filter *find_failed(const struct server *s)
{
    for (size_t i = 0; i < filter_chain_size(s->hub.filters); i++) {
        const struct filter *f = filter_chain_at(s->hub.filters, i);
        if (failed_probation(s, f))
            return f;
    }
    return NULL;
}

static bool watch_probation(struct server *s)
{
    const struct filter *f = s->reload.old.live ? find_failed(s) : NULL;
    if (!f)
        return false;
    char label[FILTER_LABEL];
    int64_t seconds = (hub_now(&s->hub) - s->reload.swapped_ms) / 1000;
    struct conn *c = take_asker(s, &s->reload.swapped_by);
    filter_label(f, label, sizeof label);
    diag_log(DIAG_WARN,
             "filters rolled back: %s failed too often, %" PRId64 " s after the reload; "
             "those before it are at work again",
             label, seconds);
    if (c)
        hub_error(&s->hub, c,
                  "Filters rolled back: %s failed too often; those before the reload are at work "
                  "again.",
                  label);
    roll_back(s);
    return true;
}

void server_reload_prove(struct server *s)
{
    if (s->reload.old.live)
        diag_log(DIAG_INFO, "filters: %d seconds after the reload, the old ones are let go",
                 SERVER_PROBATION_MS / 1000);
    drop_old(s);
}

/* ---- a turn --------------------------------------------------------------------------------- */

/* An operator said /reload, or /reload rollback, and may have left since. */
static void take_request(struct server *s)
{
    uint64_t handle = s->hub.reload_for;
    struct conn *c = take_asker(s, &s->hub.reload_for);
    if (handle == 0)
        return;
    if (s->hub.reload_back) {
        roll_back_on_request(s, c);
    } else if (s->reload.asked_by == 0) {
        s->reload.wanted = true;
        s->reload.asked_by = handle;
    } else if (c) {
        hub_error(&s->hub, c, "A reload is on its way already.");
    }
}

/* The question to the checker did not go out, and now there is room for it. */
static void ask_again(struct server *s)
{
    if (!s->reload.unasked)
        return;
    s->reload.unasked = false;
    if (server_checker_ask(s) < 0)
        s->reload.answer = SERVER_CHECKED_WRONG;
}

bool server_reload_turn(struct server *s)
{
    const struct filter_chain *before = s->hub.filters;
    take_request(s);
    ask_again(s);
    begin_if_wanted(s);
    if (s->reload.answer != SERVER_CHECKED_NOTHING) {
        take_answer(s, s->reload.answer);
        begin_if_wanted(s); /* it was about what is there no more */
    }
    watch_probation(s);
    return s->hub.filters != before;
}

void server_reload_close(struct server *s)
{
    drop_old(s);
}
