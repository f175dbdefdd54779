/* The breaker: when it opens, how long it waits, and what a clock that jumps does to it. */
#include "breaker.h"
#include "unit.h"

#define SECOND INT64_C(1000)

/* Faults at `now` until it opens; returns how many that took. */
static int break_at(struct breaker *b, int64_t now)
{
    for (int faults = 1; faults <= 100; faults++) {
        assert_true(breaker_allows(b, now));
        if (breaker_fault(b, now))
            return faults;
    }
    fail_msg("it does not open");
    return 0;
}

/* The delay until it lets a probe through, to the millisecond; half-open then. */
static int64_t wait_from(struct breaker *b, int64_t now)
{
    int64_t delay = b->delay;
    assert_false(breaker_allows(b, now));
    assert_false(breaker_allows(b, now + delay - 1));
    assert_int_equal(b->state, BREAKER_OPEN);
    assert_true(breaker_allows(b, now + delay));
    assert_int_equal(b->state, BREAKER_HALF_OPEN);
    return delay;
}

static void zeroed_it_is_closed(void **state)
{
    struct breaker b = {0};
    (void)state;
    assert_int_equal(b.state, BREAKER_CLOSED);
    assert_true(breaker_allows(&b, 0));
    assert_false(breaker_success(&b, 0));
    assert_int_equal(b.state, BREAKER_CLOSED);
    assert_int_equal(b.opened, 0);
}

/* Neither a fault nor a success; and a probe that says nothing is followed by another. */
static void what_is_excused_changes_nothing(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(breaker_allows(&b, i));
        breaker_excuse(&b);
    }
    assert_int_equal(b.state, BREAKER_CLOSED);
    assert_int_equal(b.faults, 0);
    break_at(&b, 0);
    breaker_excuse(&b);
    int64_t delay = wait_from(&b, 0);
    for (int i = 0; i < 3; i++) {
        breaker_excuse(&b);
        assert_int_equal(b.state, BREAKER_OPEN);
        assert_int_equal(b.delay, delay);
        assert_true(breaker_allows(&b, delay + i));
        assert_false(breaker_allows(&b, delay + i));
    }
    assert_true(breaker_success(&b, delay + 3));
    assert_int_equal(b.opened, 1);
}

static void three_faults_in_a_minute_open_it(void **state)
{
    static const struct {
        int64_t at[4];
        int opens; /* with which fault; 0: none */
    } cases[] = {
        {{0, 0, 0, 0}, 3},
        {{0, 59999, 59999, 60000}, 3},
        {{0, 1, 60000, 119999}, 0},
        {{0, 1, 60000, 60000}, 4},
        {{0, 60000, 119998, 119999}, 4},
        {{0, 59999, 119998, 179997}, 0},
        {{1700000000000, 1700000000001, 1700000060000, 1700000060000}, 4},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct breaker b = {0};
        int opened = 0;
        for (int n = 1; n <= 4 && !opened; n++) {
            assert_true(breaker_allows(&b, cases[i].at[n - 1]));
            if (breaker_fault(&b, cases[i].at[n - 1]))
                opened = n;
        }
        assert_int_equal(opened, cases[i].opens);
        assert_int_equal(b.opened, opened != 0);
        assert_int_equal(b.state, opened ? BREAKER_OPEN : BREAKER_CLOSED);
    }
}

static void successes_between_do_not_forgive(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_false(breaker_fault(&b, i));
        assert_false(breaker_success(&b, i));
    }
    assert_true(breaker_fault(&b, 2));
}

static void a_probe_that_goes_well_closes_it(void **state)
{
    struct breaker b = {0};
    (void)state;
    assert_int_equal(break_at(&b, 100 * SECOND), BREAKER_FAULTS);
    assert_int_equal(wait_from(&b, 100 * SECOND), BREAKER_DELAY_MS);
    assert_true(breaker_success(&b, 105 * SECOND));
    assert_int_equal(b.state, BREAKER_CLOSED);
    assert_true(breaker_allows(&b, 105 * SECOND));
    /* The faults before are forgotten: it takes as many again. */
    assert_int_equal(break_at(&b, 105 * SECOND), BREAKER_FAULTS);
    assert_int_equal(b.opened, 2);
}

static void only_one_probe_at_a_time(void **state)
{
    struct breaker b = {0};
    (void)state;
    break_at(&b, 0);
    assert_true(breaker_allows(&b, BREAKER_DELAY_MS));
    assert_false(breaker_allows(&b, BREAKER_DELAY_MS));
    assert_false(breaker_allows(&b, INT64_C(1000) * BREAKER_DELAY_MAX_MS));
    assert_int_equal(b.state, BREAKER_HALF_OPEN);
}

static void each_failed_probe_doubles_the_delay_up_to_a_limit(void **state)
{
    static const int64_t delays[] = {5, 10, 20, 40, 80, 160, 300, 300, 300};
    struct breaker b = {0};
    int64_t now = 0;
    (void)state;
    break_at(&b, now);
    for (size_t i = 0; i < COUNT_OF(delays); i++) {
        assert_int_equal(wait_from(&b, now), delays[i] * SECOND);
        now += b.delay;
        assert_true(breaker_fault(&b, now));
        assert_int_equal(b.state, BREAKER_OPEN);
        assert_int_equal(b.opened, i + 2);
    }
}

/* One that works now and then must not cost its first three faults every few seconds. */
static void a_relapse_goes_on_with_twice_the_delay(void **state)
{
    struct breaker b = {0};
    (void)state;
    break_at(&b, 0);
    wait_from(&b, 0);
    breaker_success(&b, 5 * SECOND);
    break_at(&b, 5 * SECOND + BREAKER_WINDOW_MS - 1);
    assert_int_equal(b.delay, 2 * BREAKER_DELAY_MS);

    int64_t closed = 5 * SECOND + BREAKER_WINDOW_MS - 1 + wait_from(&b, b.since);
    breaker_success(&b, closed);
    break_at(&b, closed + BREAKER_WINDOW_MS);
    assert_int_equal(b.delay, BREAKER_DELAY_MS);
}

static void faults_and_successes_of_an_open_one_change_nothing(void **state)
{
    struct breaker b = {0};
    (void)state;
    break_at(&b, 0);
    struct breaker before = b;
    assert_false(breaker_fault(&b, 1));
    assert_false(breaker_success(&b, 1));
    assert_memory_equal(&b, &before, sizeof b);
}

static void a_clock_that_jumps_back_starts_the_delay_again(void **state)
{
    struct breaker b = {0};
    (void)state;
    break_at(&b, 1000000 * SECOND);
    assert_false(breaker_allows(&b, 10 * SECOND));
    assert_false(breaker_allows(&b, 10 * SECOND + BREAKER_DELAY_MS - 1));
    assert_true(breaker_allows(&b, 10 * SECOND + BREAKER_DELAY_MS));
    assert_true(breaker_success(&b, 20 * SECOND));
    assert_int_equal(break_at(&b, 0), BREAKER_FAULTS);
}

static void every_state_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(breaker_state_name(BREAKER_CLOSED), "closed");
    assert_string_equal(breaker_state_name(BREAKER_OPEN), "open");
    assert_string_equal(breaker_state_name(BREAKER_HALF_OPEN), "half-open");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_it_is_closed),
        cmocka_unit_test(what_is_excused_changes_nothing),
        cmocka_unit_test(three_faults_in_a_minute_open_it),
        cmocka_unit_test(successes_between_do_not_forgive),
        cmocka_unit_test(a_probe_that_goes_well_closes_it),
        cmocka_unit_test(only_one_probe_at_a_time),
        cmocka_unit_test(each_failed_probe_doubles_the_delay_up_to_a_limit),
        cmocka_unit_test(a_relapse_goes_on_with_twice_the_delay),
        cmocka_unit_test(faults_and_successes_of_an_open_one_change_nothing),
        cmocka_unit_test(a_clock_that_jumps_back_starts_the_delay_again),
        cmocka_unit_test(every_state_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
