/* The limits of the waits, and that they are spread below them. */
#include "backoff.h"
#include "unit.h"

static void the_limit_doubles_up_to_the_cap(void **state)
{
    static const unsigned limits[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    (void)state;
    struct backoff lowest = {0};
    struct backoff highest = {0};
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        assert_int_equal(backoff_next(&lowest, 0), 0);
        assert_int_equal(backoff_next(&highest, limits[i]), limits[i]);
    }
    struct backoff patient = {.attempts = UINT32_MAX - 1};
    assert_int_equal(backoff_next(&patient, BACKOFF_CAP_MS), BACKOFF_CAP_MS);
}

static void waits_are_spread_over_all_of_it(void **state)
{
    struct unit_random random = {.state = 1};
    unsigned tenths[10] = {0};
    (void)state;
    for (int i = 0; i < 10000; i++) {
        struct backoff b = {.attempts = 20};
        unsigned ms = backoff_next(&b, unit_random(&random));
        assert_true(ms <= BACKOFF_CAP_MS);
        tenths[ms == BACKOFF_CAP_MS ? 9 : ms / (BACKOFF_CAP_MS / 10)]++;
    }
    for (size_t i = 0; i < COUNT_OF(tenths); i++)
        assert_in_range(tenths[i], 800, 1200);
}

static void a_stable_connection_starts_it_over(void **state)
{
    struct backoff b = {.attempts = 5};
    (void)state;
    backoff_lasted(&b, BACKOFF_STABLE_MS - 1);
    assert_int_equal(backoff_next(&b, 16000), 16000);
    backoff_lasted(&b, BACKOFF_STABLE_MS);
    assert_int_equal(backoff_next(&b, 500), 500);
    assert_int_equal(backoff_next(&b, 1000), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_doubles_up_to_the_cap),
        cmocka_unit_test(waits_are_spread_over_all_of_it),
        cmocka_unit_test(a_stable_connection_starts_it_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
