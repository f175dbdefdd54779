/*
 * Reloading filters: what must hold before others are put to work, who is told, and when the old
 * ones come back. The checker is this file: the linker sends server_checker_ask() here. Filters are
 * parrots, made of the plan for their path.
 */
#include "filter_fixture.h"
#include "hub_fixture.h"

#include <errno.h>

static struct world w;

/* What is in a "file". */
struct plan {
    const char *path;
    const char *text; /* what it makes of messages; NULL: it faults on each */
    uint64_t fingerprint;
    bool broken; /* does not load */
    bool restore_fails;
    int period; /* of a timer; 0: none */
};

static struct plan plans[3];
static int asked;   /* questions to the checker */
static int missing; /* what it answers instead of 0 */
static int alive;   /* filters */

/* The linker chooses the name.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __wrap_server_checker_ask(struct server *s);
int __wrap_server_checker_ask(struct server *s)
{
    (void)s;
    asked += missing == 0;
    return missing;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static void count_free(struct filter *f)
{
    alive--;
    free(f);
}

static int64_t tick(struct filter *f, int64_t now_ms, struct filter_result *result)
{
    struct parrot *p = (struct parrot *)f;
    (void)result;
    if (p->period == 0)
        return INT64_MAX;
    if (p->next_tick > now_ms)
        return p->next_tick;
    p->ticks++;
    p->next_tick = now_ms + p->period;
    return p->next_tick;
}

static int save(struct filter *f, char **state, size_t *size, char *why, size_t why_size)
{
    (void)f;
    (void)why;
    (void)why_size;
    *state = malloc(1);
    *size = 1;
    return *state ? 0 : -ENOMEM;
}

static int restore(struct filter *f, const char *state, size_t size, struct str old_version,
                   char *why, size_t why_size)
{
    (void)state;
    (void)size;
    (void)old_version;
    snprintf(why, why_size, "as planned");
    return ((struct parrot *)f)->heard[0] == '!' ? -EINVAL : 0;
}

static const struct filter_ops ops = {
    .on_event = parrot_on_event,
    .tick = tick,
    .save = save,
    .restore = restore,
    .free = count_free,
};

static const struct plan *plan_of(const char *path)
{
    for (size_t i = 0; i < COUNT_OF(plans); i++) {
        if (plans[i].path && strcmp(plans[i].path, path) == 0)
            return &plans[i];
    }
    fail_msg("nobody planned %s", path);
    return NULL;
}

static int load(struct filter **out, const char *path, const struct filter_load_options *options,
                char *why, size_t why_size)
{
    const struct plan *plan = plan_of(path);
    snprintf(why, why_size, "%s: broken", path);
    if (plan->broken)
        return -EINVAL;
    const char *text = plan->text ? plan->text : "";
    struct parrot *p = make(path, plan->text ? FILTER_REPLACE : FILTER_FAULT, str_of(text));
    p->base.ops = &ops;
    p->base.kinds = 1U << FILTER_MESSAGE;
    p->base.fingerprint = plan->fingerprint;
    p->base.candidate = options->candidate;
    p->period = plan->period;
    p->heard[0] = plan->restore_fails ? '!' : '\0';
    alive++;
    *out = &p->base;
    return 0;
}

/* ---- the world ------------------------------------------------------------------------------ */

/* A hub with the filters that are planned, and these clients, of whom the first is an operator. */
static void open_with(struct client **c, size_t n)
{
    struct hub_limits limits = world_limits();
    world_open(&w, &limits);
    w.server->host = (struct filter_host){.load = load};
    for (size_t i = 0; i < COUNT_OF(plans) && plans[i].path; i++)
        w.options.filters[w.options.filter_count++] = plans[i].path;
    assert_int_equal(server_filters_open(w.server), 0);
    world_clients(&w, c, n);
    for (size_t i = 0; i < n; i++)
        client_conn(c[i])->peer.family = i == 0 ? AF_UNIX : AF_INET;
    world_hush(&w);
}

static int reset(void **state)
{
    (void)state;
    memset(plans, 0, sizeof plans);
    plans[0] = (struct plan){.path = "p", .text = "old", .fingerprint = 1};
    asked = 0;
    missing = 0;
    alive = 0;
    return 0;
}

static int nothing_is_left(void **state)
{
    (void)state;
    return alive;
}

static void change(const char *text)
{
    plans[0].text = text;
    plans[0].fingerprint++;
}

static void hang_up(void)
{
    server_handlers.timer(w.server, SERVER_TIMER_RELOAD);
    world_settle(&w);
}

static void answer(enum server_checked checked)
{
    w.server->reload.answer = checked;
    world_settle(&w);
}

static void reload(void)
{
    hang_up();
    answer(SERVER_CHECKED_FINE);
}

/* What becomes of a message now. */
static void assert_filtered(struct client *from, struct client *to, const char *text)
{
    char line[64];
    snprintf(line, sizeof line, "client-%d: %s\n", (int)from->id, text);
    client_say(from, "hello");
    world_settle(&w);
    assert_heard(to, line);
}

static void break_it(struct client *from)
{
    for (int i = 0; i < BREAKER_FAULTS; i++)
        client_say(from, "hello");
    world_settle(&w);
}

/* All that was said in the log meanwhile. */
static char logged[4096];

#define LOGGED(level, what)                                                                        \
    do {                                                                                           \
        diag_init("test", level);                                                                  \
        unit_capture(2);                                                                           \
        what;                                                                                      \
        unit_captured(logged, sizeof logged);                                                      \
        diag_init("test", DIAG_ERROR);                                                             \
    } while (0)

/* ---- before --------------------------------------------------------------------------------- */

static void nothing_is_taken_that_was_not_tried_out(void **state)
{
    struct client *c[2];
    (void)state;
    open_with(c, 2);
    change("new");
    hang_up();
    assert_int_equal(asked, 1);
    assert_filtered(c[0], c[1], "old");
    answer(SERVER_CHECKED_FINE);
    assert_filtered(c[0], c[1], "new");
    assert_int_equal(world_stats(&w)->filter_reloads, 1);
    assert_int_equal(world_stats(&w)->filter_reloads_refused, 0);
    world_close(&w);
}

static void what_is_wrong_leaves_the_old_ones(void **state)
{
    static const struct {
        enum server_checked checked;
        bool broken;
        bool restore_fails;
        const char *logged;
    } cases[] = {
        {SERVER_CHECKED_WRONG, false, false, "test: error: filters not reloaded"},
        {SERVER_CHECKED_LATE, false, false,
         "test: error: filters: trying them out took longer than 10 seconds\n"},
        {SERVER_CHECKED_FINE, true, false, "test: error: filter: p: broken\n"},
        {SERVER_CHECKED_FINE, false, true,
         "test: error: filter p: its state cannot be handed over: as planned\n"},
    };
    struct client *c[2];
    (void)state;
    open_with(c, 2);
    change("new");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        plans[0].broken = cases[i].broken;
        plans[0].restore_fails = cases[i].restore_fails;
        hang_up();
        LOGGED(DIAG_ERROR, answer(cases[i].checked));
        assert_non_null(strstr(logged, cases[i].logged));
        assert_non_null(strstr(logged, "test: error: filters not reloaded: the old ones stay\n"));
        assert_filtered(c[0], c[1], "old");
        assert_int_equal(alive, 1);
        assert_null(w.server->reload.old.live);
    }
    assert_int_equal(world_stats(&w)->filter_reloads_refused, COUNT_OF(cases));
    assert_int_equal(world_stats(&w)->filter_reloads, 0);
    world_close(&w);
}

static void without_a_checker_nothing_is_taken(void **state)
{
    struct client *c[2];
    (void)state;
    open_with(c, 2);
    change("new");
    hang_up();
    w.server->checker = 77; /* nobody's: it only has to be gone */
    LOGGED(DIAG_WARN, server_checker_gone(w.server); world_settle(&w));
    assert_non_null(strstr(logged, "test: warn: the process that tries filters out is gone\n"));
    assert_non_null(strstr(logged, "test: error: filters not reloaded"));
    missing = -ENOTCONN;
    LOGGED(DIAG_ERROR, hang_up());
    assert_non_null(strstr(logged, "start the hub anew\n"));
    assert_filtered(c[0], c[1], "old");
    assert_int_equal(world_stats(&w)->filter_reloads_refused, 2);
    world_close(&w);
}

/* The answer was about what there is no more. */
static void what_changes_meanwhile_is_tried_out_again(void **state)
{
    struct client *c[2];
    (void)state;
    open_with(c, 2);
    change("new");
    hang_up();
    change("newer");
    hang_up();
    assert_int_equal(asked, 1);
    answer(SERVER_CHECKED_WRONG);
    assert_int_equal(asked, 2);
    assert_filtered(c[0], c[1], "old");
    answer(SERVER_CHECKED_FINE);
    assert_filtered(c[0], c[1], "newer");
    assert_int_equal(world_stats(&w)->filter_reloads, 1);
    assert_int_equal(world_stats(&w)->filter_reloads_refused, 0);
    world_close(&w);
}

static void a_hub_without_filters_has_nothing_to_try_out(void **state)
{
    struct client *c[2];
    (void)state;
    memset(plans, 0, sizeof plans);
    open_with(c, 2);
    hang_up();
    assert_int_equal(asked, 0);
    assert_int_equal(world_stats(&w)->filter_reloads, 1);
    assert_filtered(c[0], c[1], "hello");
    world_close(&w);
}

/* ---- operators ------------------------------------------------------------------------------ */

#define RELOADED                                                                                   \
    "* Filters reloaded: 1 in the chain. "                                                         \
    "For 60 seconds, /reload rollback brings the old ones back.\n"

static void an_operator_is_told_when_it_is_done(void **state)
{
    struct client *c[2];
    (void)state;
    open_with(c, 2);
    client_say(c[0], "/reload");
    world_settle(&w);
    assert_heard(c[0], "");
    answer(SERVER_CHECKED_FINE);
    assert_heard(c[0], RELOADED);
    client_say(c[0], "/reload");
    world_settle(&w);
    answer(SERVER_CHECKED_WRONG);
    assert_heard(c[0], "! Filters not reloaded: the old ones stay; the log says why.\n");
    client_say(c[0], "/reload now");
    client_say(c[1], "/reload");
    world_settle(&w);
    assert_heard(c[0], "! /reload takes nothing, or \"rollback\".\n");
    assert_heard(c[1], "! /reload is for operators: those on a unix socket.\n");
    assert_int_equal(asked, 2);
    world_close(&w);
}

static void one_reload_at_a_time(void **state)
{
    struct client *c[3];
    (void)state;
    open_with(c, 3);
    client_conn(c[1])->peer.family = AF_UNIX;
    client_say(c[0], "/reload");
    client_say(c[1], "/reload");
    world_settle(&w);
    assert_heard(c[1], "! Somebody else wants that just now: ask again.\n");
    client_say(c[1], "/reload");
    world_settle(&w);
    assert_heard(c[1], "! A reload is on its way already.\n");
    answer(SERVER_CHECKED_FINE);
    assert_heard(c[0], RELOADED);
    assert_heard(c[1], "");
    /* Nobody is left to answer, and that is nobody's harm. */
    client_say(c[0], "/reload");
    world_settle(&w);
    client_go(c[0]);
    world_settle(&w);
    answer(SERVER_CHECKED_FINE);
    assert_int_equal(world_stats(&w)->filter_reloads, 2);
    world_close(&w);
}

/* ---- probation ------------------------------------------------------------------------------ */

static void the_old_ones_come_back_when_a_new_one_fails(void **state)
{
    struct client *c[2];
    (void)state;
    open_with(c, 2);
    const struct filter_chain *old = w.server->hub.filters;
    assert_filtered(c[0], c[1], "old");
    change(NULL);
    client_say(c[0], "/reload");
    world_settle(&w);
    answer(SERVER_CHECKED_FINE);
    assert_int_equal(alive, 2);
    client_forget(c[0]);
    LOGGED(DIAG_WARN, break_it(c[1]));
    assert_non_null(strstr(logged, "test: warn: filters rolled back: filter p failed too often, "
                                   "0 s after the reload; those before it are at work again\n"));
    assert_int_equal(client_count(c[0], "! Filters rolled back: filter p failed too often; those "
                                        "before the reload are at work again.\n"),
                     1);
    client_forget(c[0]);
    assert_ptr_equal(w.server->hub.filters, old);
    assert_int_equal(filter_chain_at(old, 0)->calls, 1); /* as it was, and not made anew */
    assert_filtered(c[0], c[1], "old");
    assert_int_equal(alive, 1);
    assert_int_equal(world_stats(&w)->filter_rollbacks, 1);
    world_close(&w);
}

/* With a new one beside it: what has not changed is not to blame on the reload. */
static void a_filter_that_did_not_change_brings_nothing_back(void **state)
{
    struct client *c[2];
    (void)state;
    plans[0].text = NULL;
    plans[1] = (struct plan){.path = "q", .text = "old", .fingerprint = 7};
    open_with(c, 2);
    plans[1].text = "new";
    plans[1].fingerprint = 8;
    reload();
    break_it(c[0]);
    client_forget(c[1]);
    assert_filtered(c[0], c[1], "new");
    assert_int_equal(world_stats(&w)->filter_rollbacks, 0);
    world_close(&w);
}

/* To go back would not mend anything. */
static void a_filter_that_failed_before_brings_nothing_back(void **state)
{
    struct client *c[2];
    (void)state;
    plans[0].text = NULL;
    open_with(c, 2);
    break_it(c[0]);
    change(NULL);
    reload();
    break_it(c[0]);
    assert_int_equal(filter_chain_at(w.server->hub.filters, 0)->breaker.opened, 1);
    assert_int_equal(world_stats(&w)->filter_rollbacks, 0);
    world_close(&w);
}

static void a_filter_that_was_not_there_is_a_change(void **state)
{
    struct client *c[2];
    (void)state;
    open_with(c, 2);
    plans[1] = (struct plan){.path = "q", .text = NULL, .fingerprint = 7};
    w.options.filters[w.options.filter_count++] = "q";
    reload();
    assert_int_equal(filter_chain_size(w.server->hub.filters), 2);
    break_it(c[0]);
    assert_int_equal(filter_chain_size(w.server->hub.filters), 1);
    assert_int_equal(world_stats(&w)->filter_rollbacks, 1);
    world_close(&w);
}

static void an_operator_brings_the_old_ones_back(void **state)
{
    struct client *c[2];
    (void)state;
    open_with(c, 2);
    client_say(c[0], "/reload rollback");
    world_settle(&w);
    assert_heard(
        c[0], "! There is nothing to go back to: in the last 60 seconds nothing was reloaded.\n");
    change("new");
    reload();
    assert_filtered(c[0], c[1], "new");
    client_say(c[0], "/reload rollback");
    world_settle(&w);
    assert_heard(c[0], "* Filters rolled back: 1 in the chain, as before the reload.\n");
    assert_filtered(c[0], c[1], "old");
    assert_int_equal(alive, 1);
    assert_int_equal(world_stats(&w)->filter_rollbacks, 1);
    client_say(c[0], "/reload rollback");
    world_settle(&w);
    assert_int_equal(client_count(c[0], "There is nothing to go back to"), 1);
    world_close(&w);
}

/* Of two reloads, one can be taken back; and what was kept is gone when its time is over. */
static void the_old_ones_are_kept_for_a_time(void **state)
{
    struct client *c[2];
    (void)state;
    open_with(c, 2);
    change("new");
    reload();
    change("newer");
    reload();
    assert_int_equal(alive, 2);
    LOGGED(DIAG_INFO, server_handlers.timer(w.server, SERVER_TIMER_PROBATION));
    assert_non_null(strstr(logged, "60 seconds after the reload, the old ones are let go\n"));
    assert_int_equal(alive, 1);
    change(NULL);
    reload();
    server_handlers.timer(w.server, SERVER_TIMER_PROBATION);
    break_it(c[0]);
    client_say(c[0], "/reload rollback");
    world_settle(&w);
    assert_int_equal(client_count(c[0], "There is nothing to go back to"), 1);
    assert_int_equal(world_stats(&w)->filter_rollbacks, 0);
    change("newest");
    reload();
    world_close(&w); /* with the old ones still kept */
}

static void the_candidate_comes_back_with_them(void **state)
{
    struct client *c[2];
    (void)state;
    open_with(c, 2);
    plans[1] = (struct plan){.path = "q", .text = "other", .fingerprint = 7};
    w.options.shadow = "q";
    reload();
    assert_non_null(w.server->hub.shadow);
    assert_int_equal(alive, 3);
    client_say(c[0], "/reload rollback");
    world_settle(&w);
    assert_null(w.server->hub.shadow);
    assert_int_equal(alive, 1);
    world_close(&w);
}

/* Nobody waits for the next event with them. */
static void timers_of_what_comes_back_are_set(void **state)
{
    struct client *c[2];
    (void)state;
    plans[0].period = 1000000;
    open_with(c, 2);
    int64_t due = w.server->filters_due;
    plans[0].period = 0;
    change("new");
    hang_up();
    w.server->reload.answer = SERVER_CHECKED_FINE;
    world_turn(&w);
    assert_true(w.server->filters_due == INT64_MAX);
    client_say(c[0], "/reload rollback");
    world_turn(&w);
    assert_int_equal(w.server->filters_due, due);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, nothing_is_left)
        TEST(nothing_is_taken_that_was_not_tried_out),
        TEST(what_is_wrong_leaves_the_old_ones),
        TEST(without_a_checker_nothing_is_taken),
        TEST(what_changes_meanwhile_is_tried_out_again),
        TEST(a_hub_without_filters_has_nothing_to_try_out),
        TEST(an_operator_is_told_when_it_is_done),
        TEST(one_reload_at_a_time),
        TEST(the_old_ones_come_back_when_a_new_one_fails),
        TEST(a_filter_that_did_not_change_brings_nothing_back),
        TEST(a_filter_that_failed_before_brings_nothing_back),
        TEST(a_filter_that_was_not_there_is_a_change),
        TEST(an_operator_brings_the_old_ones_back),
        TEST(the_old_ones_are_kept_for_a_time),
        TEST(the_candidate_comes_back_with_them),
        TEST(timers_of_what_comes_back_are_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
