/* A filter's counters: each has a name and its value, in the items of /stats and in the log. */
#include "filter_fixture.h"
#include "filter_stats.h"

static struct event_item items[FILTER_STATS_ITEMS];
static char names[FILTER_STATS_ITEMS][FILTER_STATS_NAME];

/* The value of the item of that name; fails if there is not exactly one. */
static uint64_t value_of(size_t n, const char *name)
{
    uint64_t value = 0;
    int found = 0;
    for (size_t i = 0; i < n; i++) {
        if (!str_equal(items[i].name, str_of(name)))
            continue;
        value = items[i].value;
        found++;
    }
    if (found != 1)
        fail_msg("%s: there are %d", name, found);
    return value;
}

/* Every verdict has a counter, and together they are the calls. */
static void every_verdict_is_counted_by_its_name(void **state)
{
    static const struct {
        enum filter_verdict verdict;
        const char *text;
        const char *name;
    } cases[FILTER_VERDICTS] = {
        {FILTER_PASS, "", "filter.p.passes"},       {FILTER_ACCEPT, "", "filter.p.accepts"},
        {FILTER_REPLACE, "x", "filter.p.rewrites"}, {FILTER_DROP, "", "filter.p.drops"},
        {FILTER_REPLY, "x", "filter.p.replies"},    {FILTER_DIVERT, "#x", "filter.p.diverts"},
        {FILTER_SHADOW, "", "filter.p.shadows"},    {FILTER_KICK, "", "filter.p.kicks"},
        {FILTER_FAULT, "", "filter.p.faults"},
    };
    struct parrot *p = add(*state, "p", FILTER_PASS, STR(""));
    size_t calls = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        p->verdict = cases[i].verdict;
        p->text = str_of(cases[i].text);
        for (size_t times = 0; times <= i; times++, calls++)
            run_at(*state, FILTER_MESSAGE, "zero", (int64_t)calls * 100 * SECOND);
    }
    size_t n = filter_stats_items(&p->base, items, names);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(value_of(n, cases[i].name), i + 1);
    assert_int_equal(value_of(n, "filter.p.calls"), calls);
}

static void faults_are_counted_by_line(void **state)
{
    struct parrot *p = add(*state, "p", FILTER_FAULT, STR(""));
    p->at = STR("/etc/chatroom/p.lua:7");
    run_at(*state, FILTER_MESSAGE, "zero", 0);
    run_at(*state, FILTER_MESSAGE, "zero", 100 * SECOND);
    p->at = STR("");
    run_at(*state, FILTER_MESSAGE, "zero", 200 * SECOND);
    p->verdict = FILTER_PASS;
    p->at = STR("p.lua:9");
    run_at(*state, FILTER_MESSAGE, "zero", 300 * SECOND);
    size_t n = filter_stats_items(&p->base, items, names);
    assert_int_equal(value_of(n, "filter.p.faults"), 3);
    assert_int_equal(value_of(n, "filter.p.faults.p.lua:7"), 2);
    assert_int_equal(value_of(n, "filter.p.faults.elsewhere"), 1);
    assert_int_equal(n, FILTER_STATS_ITEMS - FAULT_LINES - 1 + 2);
}

/* As long as names can be, and every row in use. */
static void all_there_can_be_fits(void **state)
{
    char at[2 * FAULT_LINE_SIZE];
    struct parrot *p = make("an-endless-name-of-32-characters", FILTER_FAULT, STR(""));
    p->base.candidate = true;
    join(*state, p);
    for (int i = 0; i < 20; i++) {
        snprintf(at, sizeof at, "%0*d.lua:%d", FAULT_LINE_SIZE, i, i);
        p->at = str_of(at);
        run_at(*state, FILTER_MESSAGE, "zero", i * 100 * SECOND);
    }
    size_t n = filter_stats_items(&p->base, items, names);
    assert_int_equal(n, FILTER_STATS_ITEMS);
    for (size_t i = 0; i < n; i++) {
        assert_true(items[i].name.size < FILTER_STATS_NAME - 1);
        assert_true(str_starts_with(items[i].name, STR("candidate.an-endless-name-of-32-")));
    }
    assert_int_equal(value_of(n, "candidate.an-endless-name-of-32-characters.faults.elsewhere"),
                     12);
}

static void the_log_says_the_same(void **state)
{
    char log[2048];
    struct parrot *p = add(*state, "p", FILTER_FAULT, STR(""));
    p->at = STR("/etc/p\n.lua:7");
    for (int i = 0; i < 4; i++)
        run(*state, "zero");
    p->base.ns = (struct histogram){.count = 0};
    p->base.slow = 0;
    diag_init("test_filter", DIAG_INFO);
    unit_capture(2);
    filter_stats_log(&p->base);
    unit_captured(log, sizeof log);
    assert_string_equal(
        log, "test_filter: info: counter filter p: calls 3 skips 0 passes 0 accepts 0 rewrites 0 "
             "drops 0 replies 0 diverts 0 shadows 0 kicks 0 faults 3 starved 0 refused 0 repaired "
             "0 bypassed "
             "1 slow 0 "
             "p50_ns 0 p99_ns 0 max_ns 0 memory 0 breaker 1 breaker_opened 1 (breaker open)\n"
             "test_filter: info: counter filter p: faults at /etc/p\\x0a.lua:7: 3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_verdict_is_counted_by_its_name),
        CASE(faults_are_counted_by_line),
        CASE(all_there_can_be_fits),
        CASE(the_log_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
