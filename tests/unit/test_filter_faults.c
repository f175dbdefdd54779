/*
 * What the chain does with filters that fault, with commands, and what it says of it all in the
 * log.
 */
#include "filter_fixture.h"

/* ---- faults --------------------------------------------------------------------------------- */

/* A chain of a long enough limit for what is said in the place of a filter. */
static struct filter_chain *roomy_chain(void)
{
    struct filter_chain *chain = filter_chain_new(200);
    assert_non_null(chain);
    return chain;
}

static void a_fault_of_an_open_filter_passes(void **state)
{
    struct parrot *p = add(*state, "p", FILTER_FAULT, STR("ignored"));
    struct parrot *next = add(*state, "next", FILTER_PASS, STR(""));
    assert_result(run(*state, "zero"), FILTER_PASS, "zero", "");
    assert_int_equal(p->base.verdicts[FILTER_FAULT], 1);
    assert_int_equal(next->base.calls, 1);
}

static void a_fault_of_a_closed_filter_drops(void **state)
{
    struct filter_chain *chain = roomy_chain();
    struct parrot *p = add(chain, "p", FILTER_FAULT, STR("ignored"));
    struct parrot *never = add(chain, "never", FILTER_PASS, STR(""));
    (void)state;
    p->base.closed = true;
    assert_result(run(chain, "zero"), FILTER_DROP, "the filter p failed; try again later", "p");
    assert_int_equal(p->base.verdicts[FILTER_FAULT], 1);
    assert_int_equal(never->base.calls, 0);
    filter_chain_free(chain);
}

static void what_is_said_for_a_filter_is_clean_and_fits(void **state)
{
    struct filter_chain *chain = filter_chain_new(24);
    (void)state;
    add(chain, "sly\n\x1b[2J", FILTER_FAULT, STR(""))->base.closed = true;
    assert_result(run(chain, "zero"), FILTER_DROP, "the filter sly[2J fail", "sly\n\x1b[2J");
    filter_chain_free(chain);

    static char name[300];
    memset(name, 'x', sizeof name - 1);
    chain = roomy_chain();
    add(chain, name, FILTER_FAULT, STR(""))->base.closed = true;
    struct filter_result r = run(chain, "zero");
    assert_int_equal(r.text.size, strlen("the filter ") + 64 + strlen(" failed; try again later"));
    filter_chain_free(chain);
}

static void after_three_faults_a_filter_is_left_out(void **state)
{
    struct parrot *p = add(*state, "p", FILTER_FAULT, STR(""));
    struct parrot *next = add(*state, "next", FILTER_PASS, STR(""));
    for (int i = 0; i < 10; i++)
        assert_result(run_at(*state, FILTER_MESSAGE, "zero", i), FILTER_PASS, "zero", "");
    assert_int_equal(p->base.calls, 3);
    assert_int_equal(p->base.bypassed, 7);
    assert_int_equal(p->base.breaker.state, BREAKER_OPEN);
    assert_int_equal(next->base.calls, 10);
}

/* The event goes the way of a fault, but the filter is not to blame. */
static void an_excused_fault_is_none_for_the_breaker(void **state)
{
    struct filter_chain *chain = roomy_chain();
    struct parrot *p = add(chain, "p", FILTER_FAULT, STR("busy"));
    (void)state;
    p->at = STR("p.lua:7");
    p->excused = true;
    p->base.closed = true;
    for (int i = 0; i < 10; i++)
        assert_result(run(chain, "zero"), FILTER_DROP, "the filter p failed; try again later", "p");
    p->base.closed = false;
    assert_result(run(chain, "zero"), FILTER_PASS, "zero", "");
    assert_int_equal(p->base.breaker.state, BREAKER_CLOSED);
    assert_int_equal(p->base.calls, 11);
    assert_int_equal(p->base.starved, 11);
    assert_int_equal(p->base.verdicts[FILTER_FAULT], 0);
    assert_int_equal(p->base.fault_lines.used, 0);
    filter_chain_free(chain);
}

static void an_excused_probe_is_followed_by_another(void **state)
{
    struct parrot *p = add(*state, "p", FILTER_FAULT, STR(""));
    for (int i = 0; i < 3; i++)
        run(*state, "zero");
    p->excused = true;
    for (int i = 0; i < 3; i++)
        run_at(*state, FILTER_MESSAGE, "zero", 5000);
    assert_int_equal(p->base.calls, 6);
    assert_int_equal(p->base.breaker.state, BREAKER_OPEN);
    p->verdict = FILTER_PASS;
    run_at(*state, FILTER_MESSAGE, "zero", 5000);
    assert_int_equal(p->base.breaker.state, BREAKER_CLOSED);
    assert_int_equal(p->base.breaker.opened, 1);
}

static void what_a_closed_one_would_judge_is_dropped_meanwhile(void **state)
{
    struct filter_chain *chain = roomy_chain();
    struct parrot *p = add(chain, "p", FILTER_FAULT, STR(""));
    (void)state;
    p->base.closed = true;
    for (int i = 0; i < 3; i++)
        run_at(chain, FILTER_MESSAGE, "zero", 0);
    assert_result(run_at(chain, FILTER_MESSAGE, "zero", 1), FILTER_DROP,
                  "the filter p is out of order; try again later", "p");
    assert_result(run_at(chain, FILTER_LEAVE, "zero", 1), FILTER_PASS, "zero", "");
    assert_int_equal(p->base.calls, 3);
    assert_int_equal(p->base.bypassed, 2);
    filter_chain_free(chain);
}

static void what_a_filter_would_skip_does_not_concern_its_breaker(void **state)
{
    struct parrot *p = make("p", FILTER_FAULT, STR(""));
    p->base.closed = true;
    p->base.match.prefix = STR("!");
    join(*state, p);
    for (int i = 0; i < 3; i++)
        assert_int_equal(run_at(*state, FILTER_MESSAGE, "!zero", 0).verdict, FILTER_DROP);
    p->verdict = FILTER_PASS;
    /* No probe either. */
    assert_result(run_at(*state, FILTER_MESSAGE, "zero", 60 * SECOND), FILTER_PASS, "zero", "");
    assert_int_equal(p->base.breaker.state, BREAKER_OPEN);
    assert_int_equal(p->base.bypassed, 0);
}

static void a_probe_brings_it_back_or_doubles_the_delay(void **state)
{
    struct parrot *p = add(*state, "p", FILTER_FAULT, STR(""));
    for (int i = 0; i < 3; i++)
        run_at(*state, FILTER_MESSAGE, "zero", 0);
    run_at(*state, FILTER_MESSAGE, "zero", 4999);
    assert_int_equal(p->base.calls, 3);
    run_at(*state, FILTER_MESSAGE, "zero", 5000);
    assert_int_equal(p->base.calls, 4);
    run_at(*state, FILTER_MESSAGE, "zero", 14999);
    assert_int_equal(p->base.calls, 4);

    p->verdict = FILTER_REPLACE;
    p->text = STR("one");
    assert_result(run_at(*state, FILTER_MESSAGE, "zero", 15000), FILTER_REPLACE, "one", "p");
    assert_int_equal(p->base.breaker.state, BREAKER_CLOSED);
    run_at(*state, FILTER_MESSAGE, "zero", 15000);
    assert_int_equal(p->base.calls, 6);
}

static void each_change_of_the_breaker_is_one_line(void **state)
{
    char log[4096];
    struct parrot *p = add(*state, "odd\nname", FILTER_FAULT, STR(""));
    diag_init("test_filter", DIAG_INFO);
    unit_capture(2);
    for (int i = 0; i < 8; i++)
        run_at(*state, FILTER_MESSAGE, "zero", 0);
    run_at(*state, FILTER_MESSAGE, "zero", 5000);
    p->verdict = FILTER_PASS;
    for (int i = 0; i < 3; i++)
        run_at(*state, FILTER_MESSAGE, "zero", 15000);
    unit_captured(log, sizeof log);
    assert_string_equal(log,
                        "test_filter: warn: filter odd\\x0aname: out of order: too many faults; "
                        "it is left out for 5 seconds\n"
                        "test_filter: info: filter odd\\x0aname: out of order: on trial with one "
                        "event\n"
                        "test_filter: warn: filter odd\\x0aname: out of order: too many faults; "
                        "it is left out for 10 seconds\n"
                        "test_filter: info: filter odd\\x0aname: out of order: on trial with one "
                        "event\n"
                        "test_filter: info: filter odd\\x0aname: in order again\n");
}

/* It has the name of the one at work: each line says which of them it is about. */
static void what_is_said_of_a_candidate_is_told_from_the_others(void **state)
{
    static const char *const lines[] = {"candidate p: where it went wrong\n",
                                        "candidate p: out of order", "candidate p: in order again",
                                        "candidate p: a rewriting of", "candidate p: replace"};
    char log[4096];
    struct parrot *p = make("p", FILTER_FAULT, STR("where it went wrong"));
    p->base.candidate = true;
    join(*state, p);
    diag_init("test_filter", DIAG_DEBUG);
    unit_capture(2);
    for (int i = 0; i < 3; i++)
        run(*state, "zero");
    p->verdict = FILTER_REPLACE;
    p->text = STR("one");
    run_at(*state, FILTER_MESSAGE, "zero", 5000);
    p->text = STR("");
    run_at(*state, FILTER_MESSAGE, "zero", 5000);
    unit_captured(log, sizeof log);
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        assert_int_equal(occurrences(log, lines[i]), i == 0 ? 3 : i == 1 ? 2 : 1);
    assert_null(strstr(log, "filter p"));
}

static void an_unsuitable_verdict_is_explained(void **state)
{
    char log[1024];
    add(*state, "p", FILTER_DIVERT, STR("jail"));
    diag_init("test_filter", DIAG_WARN);
    unit_capture(2);
    run(*state, "zero");
    run_kind(*state, FILTER_JOIN);
    unit_captured(log, sizeof log);
    assert_string_equal(log, "test_filter: warn: filter p: \"divert\" as the verdict on a message: "
                             "is no room: rooms are written #name (its text: \"jail\")\n"
                             "test_filter: warn: filter p: \"divert\" as the verdict on a join: "
                             "does not go with it (its text: \"jail\")\n");
}

/* ---- timers --------------------------------------------------------------------------------- */

/* One timer, which is due again a period after it ran. */
static int64_t ticker_tick(struct filter *f, int64_t now_ms, struct filter_result *result)
{
    struct parrot *p = (struct parrot *)f;
    if (p->next_tick > now_ms)
        return p->next_tick;
    p->ticks++;
    p->next_tick = now_ms + p->period;
    result->verdict = p->verdict;
    result->at = p->at;
    result->excused = p->excused;
    take_time(p->slow_ns);
    return p->next_tick;
}

static const struct filter_ops ticker_ops = {
    .on_event = parrot_on_event, .tick = ticker_tick, .free = parrot_free};

static struct parrot *add_ticker(struct filter_chain *chain, enum filter_verdict verdict,
                                 int64_t period)
{
    struct parrot *p = add(chain, "ticker", verdict, STR(""));
    p->base.ops = &ticker_ops;
    p->next_tick = period;
    p->period = period;
    return p;
}

static void timers_run_when_they_are_due(void **state)
{
    struct parrot *p = add_ticker(*state, FILTER_PASS, 100);
    assert_int_equal(filter_chain_tick(*state, 99), 100);
    assert_int_equal(p->ticks, 0);
    assert_int_equal(filter_chain_tick(*state, 100), 200);
    assert_int_equal(p->ticks, 1);
}

static void a_timer_that_is_always_due_lets_the_hub_go_on(void **state)
{
    struct parrot *p = add_ticker(*state, FILTER_PASS, 0);
    int most = 0;
    for (int n = 0; n < 1000 && most < 64; n++) { /* a busy machine may end a tick before */
        p->ticks = 0;
        assert_int_equal(filter_chain_tick(*state, 1000), 1000);
        most = p->ticks > most ? p->ticks : most;
    }
    assert_int_equal(most, 64);
}

static void timers_that_fault_wait_until_the_breaker_lets_one_through(void **state)
{
    struct parrot *p = add_ticker(*state, FILTER_FAULT, 10);
    for (int64_t now = 10; now <= 30; now += 10)
        filter_chain_tick(*state, now);
    assert_int_equal(p->base.verdicts[FILTER_FAULT], 3);
    assert_int_equal(p->base.breaker.state, BREAKER_OPEN);
    assert_int_equal(filter_chain_tick(*state, 40), 30 + BREAKER_DELAY_MS);
    assert_int_equal(p->ticks, 3);
    p->verdict = FILTER_PASS;
    filter_chain_tick(*state, 30 + BREAKER_DELAY_MS);
    assert_int_equal(p->ticks, 4);
    assert_int_equal(p->base.breaker.state, BREAKER_CLOSED);
}

/* They take time from the hub as events do. */
static void slow_timers_are_counted_and_end_the_tick(void **state)
{
    struct parrot *p = add_ticker(*state, FILTER_PASS, 0);
    p->slow_ns = FILTER_TICK_NS / 2 + 1;
    assert_int_equal(filter_chain_tick(*state, 1000), 1000);
    assert_in_range(p->ticks, 1, 2);
    assert_int_equal(p->base.slow, p->ticks);
    assert_true(filter_chain_spent(*state) >= (uint64_t)p->ticks * p->slow_ns);
}

/* Each tick has time for one of them: they take turns. */
static void slow_timers_do_not_keep_those_of_others_from_running(void **state)
{
    static const char *const names[] = {"one", "two", "three"};
    struct parrot *p[3];
    for (int i = 0; i < 3; i++) {
        p[i] = add(*state, names[i], FILTER_PASS, STR(""));
        p[i]->base.ops = &ticker_ops;
        p[i]->slow_ns = FILTER_TICK_NS;
    }
    for (int n = 0; n < 30; n++)
        assert_true(filter_chain_tick(*state, n) <= n); /* there is always one that waits */
    for (int i = 0; i < 3; i++)
        assert_int_equal(p[i]->ticks, 10);
}

static void a_timer_that_starved_is_no_fault(void **state)
{
    struct parrot *p = add_ticker(*state, FILTER_FAULT, 0);
    p->excused = true;
    while (p->ticks <= 2 * BREAKER_FAULTS)
        filter_chain_tick(*state, 1000);
    assert_int_equal(p->base.starved, p->ticks);
    assert_int_equal(p->base.verdicts[FILTER_FAULT], 0);
    assert_int_equal(p->base.breaker.state, BREAKER_CLOSED);
}

static void a_tick_without_a_timer_is_no_success(void **state)
{
    struct parrot *p = add_ticker(*state, FILTER_FAULT, 1000 * SECOND);
    for (int i = 0; i < 3; i++)
        run_at(*state, FILTER_MESSAGE, "zero", 0);
    assert_int_equal(filter_chain_tick(*state, 60 * SECOND), 1000 * SECOND);
    assert_int_equal(p->base.breaker.state, BREAKER_OPEN);
}

/* ---- commands ------------------------------------------------------------------------------- */

static const struct str roll = {"roll", 4};

static void a_command_goes_to_the_filter_that_answers_to_it(void **state)
{
    struct filter_event e = event_of(FILTER_COMMAND, "2d6", 0);
    struct filter_result result;
    struct parrot *other = add(*state, "other", FILTER_DROP, STR(""));
    struct parrot *dice = add_command(*state, "dice", &roll, FILTER_REPLY, STR("a\n7"));
    assert_true(filter_chain_wants(*state, FILTER_COMMAND));
    assert_result(command_at(*state, "roll", 0), FILTER_REPLY, "a7", "dice");
    assert_string_equal(dice->heard, "2d6");
    assert_result(command_at(*state, "Roll", 0), FILTER_REPLY, "a7", "dice");
    assert_int_equal(dice->base.calls, 2);
    assert_int_equal(dice->base.ns.count, 2);
    e.to = STR("rol");
    assert_false(filter_chain_command(*state, &e, &result));
    assert_int_equal(other->base.calls, 0);
    assert_int_equal(dice->base.calls, 2);
}

static void a_command_has_no_text_to_match(void **state)
{
    struct parrot *p = make("dice", FILTER_PASS, STR(""));
    p->base.match.prefix = STR("!");
    p->base.kinds = 0;
    p->base.commands = &roll;
    p->base.command_count = 1;
    join(*state, p);
    assert_true(filter_chain_wants(*state, FILTER_COMMAND));
    assert_false(filter_chain_wants(*state, FILTER_MESSAGE));
    assert_result(command_at(*state, "roll", 0), FILTER_PASS, "2d6", "");
    assert_int_equal(p->base.calls, 1);
    assert_int_equal(p->base.skips, 0);
}

/* Nobody else does it: it cannot pass, whatever the filter is declared. */
static void a_command_that_fails_says_so(void **state)
{
    struct filter_chain *chain = roomy_chain();
    struct parrot *dice = add_command(chain, "dice", &roll, FILTER_SHADOW, STR(""));
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_result(command_at(chain, "roll", 0), FILTER_DROP,
                      "the filter dice failed; try again later", "dice");
    assert_result(command_at(chain, "roll", 0), FILTER_DROP,
                  "the filter dice is out of order; try again later", "dice");
    dice->verdict = FILTER_REPLY;
    dice->text = STR("7");
    assert_result(command_at(chain, "roll", 5000), FILTER_REPLY, "7", "dice");
    filter_chain_free(chain);
}

/* ---- why ------------------------------------------------------------------------------------ */

/* What a message of ann leaves in the log, with N for the number of nanoseconds. */
static void log_of(struct filter_chain *chain, char *log, size_t size)
{
    unit_capture(2);
    run(chain, "zero");
    unit_captured(log, size);
    char *ns = strstr(log, " ns: ");
    if (!ns)
        return;
    char *digits = ns;
    while (digits > log && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    assert_true(digits < ns);
    *digits = 'N';
    memmove(digits + 1, ns, strlen(ns) + 1);
}

static void what_changes_an_event_is_logged_with_its_reason(void **state)
{
    static const struct {
        enum filter_verdict verdict;
        const char *text;
        const char *logged; /* what of it */
    } cases[] = {
        {FILTER_PASS, "", NULL},
        {FILTER_ACCEPT, "", "accept: message of client-7 (ann) in #lobby, N ns: \"zero\""},
        {FILTER_REPLACE, "one", "replace: message of client-7 (ann) in #lobby, N ns: \"one\""},
        {FILTER_DROP, "fl\x1b\"ood",
         "drop: message of client-7 (ann) in #lobby, N ns: \"fl\"ood\""},
        {FILTER_REPLY, "no", "reply: message of client-7 (ann) in #lobby, N ns: \"no\""},
        {FILTER_DIVERT, "#jail", "divert: message of client-7 (ann) in #lobby, N ns: \"#jail\""},
        {FILTER_SHADOW, "", "shadow: message of client-7 (ann) in #lobby, N ns: \"\""},
        {FILTER_KICK, "\xc3\xa4",
         "kick: message of client-7 (ann) in #lobby, N ns: \"\\xc3\\xa4\""},
    };
    struct parrot *p = add(*state, "p", FILTER_PASS, STR(""));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char expected[256] = "";
        char log[1024];
        p->verdict = cases[i].verdict;
        p->text = str_of(cases[i].text);
        if (cases[i].logged)
            snprintf(expected, sizeof expected, "test_filter: debug: filter p: %s\n",
                     cases[i].logged);
        diag_init("test_filter", DIAG_DEBUG);
        log_of(*state, log, sizeof log);
        assert_string_equal(log, expected);
        diag_init("test_filter", DIAG_INFO);
        log_of(*state, log, sizeof log);
        assert_string_equal(log, "");
    }
}

/* Where it was decided, if the filter tells. */
static void what_is_logged_names_the_line(void **state)
{
    char log[1024];
    struct parrot *p = add(*state, "p", FILTER_DROP, STR("because"));
    p->at = STR("/etc/p.lua:7");
    diag_init("test_filter", DIAG_DEBUG);
    log_of(*state, log, sizeof log);
    assert_string_equal(log, "test_filter: debug: filter p: drop at /etc/p.lua:7: message of "
                             "client-7 (ann) in #lobby, N ns: \"because\"\n");
    p->verdict = FILTER_REPLACE;
    log_of(*state, log, sizeof log);
    assert_string_equal(log, "test_filter: debug: filter p: replace at /etc/p.lua:7: message of "
                             "client-7 (ann) in #lobby, N ns: \"because\"\n");
    p->verdict = FILTER_FAULT;
    p->base.closed = true;
    log_of(*state, log, sizeof log);
    assert_non_null(strstr(log, "filter p: because\n"));
    assert_non_null(strstr(log, "filter p: drop at /etc/p.lua:7: message of client-7"));
}

static void what_is_said_for_a_filter_took_no_time(void **state)
{
    char log[1024];
    add(*state, "before", FILTER_PASS, STR(""));
    add(*state, "p", FILTER_FAULT, STR(""))->base.closed = true;
    for (int i = 0; i < 3; i++)
        run(*state, "zero");
    diag_init("test_filter", DIAG_DEBUG);
    unit_capture(2);
    run(*state, "zero");
    unit_captured(log, sizeof log);
    assert_string_equal(log, "test_filter: debug: filter p: drop: message of client-7 (ann) in "
                             "#lobby, 0 ns: \"the filter p is \"\n");
}

static void a_long_reason_is_cut(void **state)
{
    struct filter_chain *chain = filter_chain_new(4000);
    char text[4000];
    char log[4096];
    (void)state;
    memset(text, 'x', sizeof text);
    add(chain, "p", FILTER_DROP, str_from(text, sizeof text));
    diag_init("test_filter", DIAG_DEBUG);
    log_of(chain, log, sizeof log);
    assert_true(strlen(log) < 400);
    assert_int_equal(occurrences(log, "\n"), 1);
    assert_non_null(strstr(log, "xxx...\""));
    filter_chain_free(chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_fault_of_an_open_filter_passes),
        CASE(a_fault_of_a_closed_filter_drops),
        CASE(what_is_said_for_a_filter_is_clean_and_fits),
        CASE(after_three_faults_a_filter_is_left_out),
        CASE(an_excused_fault_is_none_for_the_breaker),
        CASE(an_excused_probe_is_followed_by_another),
        CASE(what_a_closed_one_would_judge_is_dropped_meanwhile),
        CASE(what_a_filter_would_skip_does_not_concern_its_breaker),
        CASE(a_probe_brings_it_back_or_doubles_the_delay),
        CASE(each_change_of_the_breaker_is_one_line),
        CASE(what_is_said_of_a_candidate_is_told_from_the_others),
        CASE(an_unsuitable_verdict_is_explained),
        CASE(timers_run_when_they_are_due),
        CASE(a_timer_that_is_always_due_lets_the_hub_go_on),
        CASE(timers_that_fault_wait_until_the_breaker_lets_one_through),
        CASE(slow_timers_are_counted_and_end_the_tick),
        CASE(slow_timers_do_not_keep_those_of_others_from_running),
        CASE(a_timer_that_starved_is_no_fault),
        CASE(a_tick_without_a_timer_is_no_success),
        CASE(a_command_goes_to_the_filter_that_answers_to_it),
        CASE(a_command_has_no_text_to_match),
        CASE(a_command_that_fails_says_so),
        CASE(what_changes_an_event_is_logged_with_its_reason),
        CASE(what_is_logged_names_the_line),
        CASE(what_is_said_for_a_filter_took_no_time),
        CASE(a_long_reason_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
