/* --ping: sums and ranks of round-trip times, and how they are told. */
#include "probe.h"
#include "unit.h"

#include <errno.h>

/* A probe with these round trips, in microseconds. */
static void fill(struct probe *p, const uint64_t *us, uint32_t n)
{
    uint64_t now = 1000;
    assert_int_equal(probe_init(p, n), 0);
    for (uint32_t i = 0; i < n; i++) {
        assert_false(probe_is_complete(p));
        probe_send(p, now);
        probe_answer(p, now + us[i] * 1000);
        now += 1000000;
    }
    assert_true(probe_is_complete(p));
}

static void one_round_trip(void **state)
{
    (void)state;
    struct probe p;
    fill(&p, (const uint64_t[]){1234}, 1);
    struct probe_summary s = probe_summarize(&p);
    assert_int_equal(s.min, 1234000);
    assert_int_equal(s.avg, 1234000);
    assert_int_equal(s.p50, 1234000);
    assert_int_equal(s.p99, 1234000);
    assert_int_equal(s.max, 1234000);
    probe_fini(&p);
}

static void a_few(void **state)
{
    (void)state;
    struct probe p;
    fill(&p, (const uint64_t[]){50, 10, 40, 20}, 4);
    struct probe_summary s = probe_summarize(&p);
    assert_int_equal(s.min, 10000);
    assert_int_equal(s.avg, 30000);
    assert_int_equal(s.p50, 20000);
    assert_int_equal(s.p99, 50000);
    assert_int_equal(s.max, 50000);
    probe_fini(&p);
}

/* 1 to 1000, shuffled: the ranks are the numbers. */
static void ranks_of_a_thousand(void **state)
{
    (void)state;
    struct probe p;
    struct unit_random random = {7};
    uint64_t us[1000];
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t at = unit_below(&random, i + 1);
        us[i] = us[at];
        us[at] = i + 1;
    }
    fill(&p, us, 1000);
    struct probe_summary s = probe_summarize(&p);
    assert_int_equal(s.min, 1000);
    assert_int_equal(s.avg, 500500);
    assert_int_equal(s.p50, 500000);
    assert_int_equal(s.p99, 990000);
    assert_int_equal(s.max, 1000000);
    probe_fini(&p);
}

static void stray_answers_are_ignored(void **state)
{
    (void)state;
    struct probe p;
    assert_int_equal(probe_init(&p, 2), 0);
    probe_answer(&p, 5);
    assert_int_equal(p.answered, 0);
    probe_send(&p, 10);
    probe_answer(&p, 30);
    probe_answer(&p, 40);
    assert_int_equal(p.answered, 1);
    probe_take_back(&p); /* of what was answered, nothing */
    assert_int_equal(p.sent, 1);
    probe_send(&p, 45);
    probe_take_back(&p);
    assert_int_equal(p.sent, 1);
    probe_send(&p, 50);
    probe_answer(&p, 60);
    probe_send(&p, 70); /* one too many */
    probe_answer(&p, 90);
    assert_int_equal(p.sent, 2);
    assert_int_equal(p.answered, 2);
    struct probe_summary s = probe_summarize(&p);
    assert_int_equal(s.min, 10);
    assert_int_equal(s.max, 20);
    probe_fini(&p);
}

static void report(void **state)
{
    (void)state;
    struct probe p;
    char out[PROBE_REPORT_MAX];
    fill(&p, (const uint64_t[]){43, 51, 1080, 44}, 4);
    assert_str(probe_report(&p, STR("[::1]:8888"), false, out),
               STR("[::1]:8888: 4 of 4 pings answered, min 0.043 ms, avg 0.305 ms, p50 0.044 ms, "
                   "p99 1.080 ms, max 1.080 ms\n"));
    assert_str(probe_report(&p, STR("[::1]:8888"), true, out),
               STR("{\"type\":\"ping\",\"hub\":\"[::1]:8888\",\"sent\":4,\"answered\":4,"
                   "\"min_ms\":0.043,\"avg_ms\":0.305,\"p50_ms\":0.044,\"p99_ms\":1.080,"
                   "\"max_ms\":1.080}\n"));
    probe_fini(&p);
}

static void report_without_answers(void **state)
{
    (void)state;
    struct probe p;
    char out[PROBE_REPORT_MAX];
    assert_int_equal(probe_init(&p, 3), 0);
    probe_send(&p, 1);
    assert_str(probe_report(&p, STR("hub"), false, out), STR("hub: 0 of 1 pings answered\n"));
    assert_str(probe_report(&p, STR("a\"b\\c\x1b\xff"), true, out),
               STR("{\"type\":\"ping\",\"hub\":\"a\\\"b\\\\c\xef\xbf\xbd\",\"sent\":1,"
                   "\"answered\":0}\n"));
    probe_fini(&p);
}

/* The longest of everything fits. */
static void report_is_bounded(void **state)
{
    (void)state;
    struct probe p;
    char hub[1000];
    char out[PROBE_REPORT_MAX];
    memset(hub, '"', sizeof hub);
    fill(&p, (const uint64_t[]){UINT64_MAX / 1000}, 1);
    p.sent = p.answered = p.wanted;
    struct str line = probe_report(&p, str_from(hub, sizeof hub), true, out);
    assert_true(line.size < sizeof out);
    assert_int_equal(line.data[line.size - 1], '\n');
    memset(hub, 0xff, sizeof hub);
    line = probe_report(&p, str_from(hub, sizeof hub), false, out);
    assert_int_equal(line.data[line.size - 1], '\n');
    probe_fini(&p);
}

static void memory_may_end(void **state)
{
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct probe p;
        if (probe_init(&p, PROBE_PINGS_MAX) == 0)
            probe_fini(&p);
        else
            assert_true(unit_alloc_failed());
    }
    unit_alloc_fail_at(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_round_trip),
        cmocka_unit_test(a_few),
        cmocka_unit_test(ranks_of_a_thousand),
        cmocka_unit_test(stray_answers_are_ignored),
        cmocka_unit_test(report),
        cmocka_unit_test(report_without_answers),
        cmocka_unit_test(report_is_bounded),
        cmocka_unit_test(memory_may_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
