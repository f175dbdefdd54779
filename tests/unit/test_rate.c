/* Buckets: against a model with exact arithmetic, at the limits, and with clocks that misbehave. */
#include "rate.h"
#include "unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define KEY STR("ann")

static struct rate *make(size_t keys)
{
    struct rate *r = rate_new(keys);
    assert_non_null(r);
    return r;
}

static void a_burst_then_one_per_interval(void **state)
{
    struct rate *r = make(4);
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(rate_take(r, KEY, 2, 3, 1000), 0);
    assert_int_equal(rate_take(r, KEY, 2, 3, 1000), 500);
    assert_int_equal(rate_take(r, KEY, 2, 3, 1200), 300);
    assert_int_equal(rate_take(r, KEY, 2, 3, 1499), 1);
    assert_int_equal(rate_take(r, KEY, 2, 3, 1500), 0);
    assert_int_equal(rate_take(r, KEY, 2, 3, 1500), 500);
    rate_free(r);
}

static void no_bucket_holds_more_than_its_burst(void **state)
{
    struct rate *r = make(4);
    (void)state;
    assert_int_equal(rate_take(r, KEY, 1000, 2, 0), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(rate_take(r, KEY, 1000, 2, INT64_MAX), 0);
    assert_int_equal(rate_take(r, KEY, 1000, 2, INT64_MAX), 1);
    rate_free(r);
}

static void refusals_cost_nothing(void **state)
{
    struct rate *r = make(4);
    (void)state;
    assert_int_equal(rate_take(r, KEY, 1, 1, 0), 0);
    for (int now = 0; now < 1000; now++)
        assert_int_equal(rate_take(r, KEY, 1, 1, now), 1000 - now);
    assert_int_equal(rate_take(r, KEY, 1, 1, 1000), 0);
    rate_free(r);
}

static void keys_are_bytes_and_have_buckets_of_their_own(void **state)
{
    char longest[RATE_KEY_MAX];
    struct rate *r = make(8);
    memset(longest, 'x', sizeof longest);
    const struct str keys[] = {STR(""),
                               STR("ann"),
                               STR("Ann"),
                               str_from("ann\0", 4),
                               STR("ann\xff"),
                               str_from(longest, sizeof longest),
                               str_from(longest, sizeof longest - 1)};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_int_equal(rate_take(r, keys[i], 1, 1, 0), 0);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_int_equal(rate_take(r, keys[i], 1, 1, 0), 1000);
    assert_int_equal(rate_keys(r), COUNT_OF(keys));
    assert_int_equal(rate_displaced(r), 0);
    rate_free(r);
}

static void nonsense_is_refused_and_leaves_no_trace(void **state)
{
    static const struct {
        double per_second;
        double burst;
    } cases[] = {
        {0, 1},    {-1, 1}, {NAN, 1}, {INFINITY, 1}, {1, 0},
        {1, 0.99}, {1, -5}, {1, NAN}, {1, INFINITY},
    };
    static const char too_long[RATE_KEY_MAX + 1];
    struct rate *r = make(4);
    (void)state;
    assert_int_equal(rate_take(r, KEY, 1, 2, 0), 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(rate_take(r, KEY, cases[i].per_second, cases[i].burst, 9999), -EINVAL);
    assert_int_equal(rate_take(r, str_from(too_long, sizeof too_long), 1, 1, 0), -EINVAL);
    assert_int_equal(rate_keys(r), 1);
    assert_int_equal(rate_take(r, KEY, 1, 2, 0), 0);
    assert_int_equal(rate_take(r, KEY, 1, 2, 0), 1000);
    rate_free(r);
}

static void slow_rates_wait_long_but_not_for_ever(void **state)
{
    struct rate *r = make(4);
    (void)state;
    assert_int_equal(rate_take(r, KEY, 1e-300, 1, 0), 0);
    int64_t wait = rate_take(r, KEY, 1e-300, 1, 0);
    assert_int_equal(wait, 1000000000000000);
    assert_int_equal(rate_take(r, STR("bob"), 1.0 / 3600, 1, 0), 0);
    assert_int_equal(rate_take(r, STR("bob"), 1.0 / 3600, 1, 0), 3600000);
    assert_int_equal(rate_take(r, STR("fast"), 1e300, 1, 0), 0);
    assert_int_equal(rate_take(r, STR("fast"), 1e300, 1, 0), 1);
    rate_free(r);
}

static void terms_may_change_from_call_to_call(void **state)
{
    struct rate *r = make(4);
    (void)state;
    assert_int_equal(rate_take(r, KEY, 1, 10, 0), 0); /* 9 left */
    assert_int_equal(rate_take(r, KEY, 1, 2, 0), 0);  /* cut to 2, 1 left */
    assert_int_equal(rate_take(r, KEY, 1, 10, 0), 0); /* a larger burst brings none */
    assert_int_equal(rate_take(r, KEY, 1, 10, 0), 1000);
    assert_int_equal(rate_take(r, KEY, 10, 10, 0), 100);
    assert_int_equal(rate_take(r, KEY, 1, 10, 100), 0); /* until then, ten a second */
    rate_free(r);
}

static void a_clock_that_goes_back_gives_and_takes_nothing(void **state)
{
    struct rate *r = make(4);
    (void)state;
    assert_int_equal(rate_take(r, KEY, 1, 2, 1000000), 0);
    assert_int_equal(rate_take(r, KEY, 1, 2, 1000000), 0);
    assert_int_equal(rate_take(r, KEY, 1, 2, 500), 1000);
    assert_int_equal(rate_take(r, KEY, 1, 2, 1000), 500);
    assert_int_equal(rate_take(r, KEY, 1, 2, 1500), 0);
    assert_int_equal(rate_take(r, KEY, 1, 2, INT64_MIN), 1000);
    assert_int_equal(rate_take(r, KEY, 1, 2, INT64_MAX), 0);
    assert_int_equal(rate_take(r, KEY, 1, 2, INT64_MAX), 0);
    assert_int_equal(rate_take(r, KEY, 1, 2, INT64_MAX), 1000);
    rate_free(r);
}

/* ---- more keys than places ------------------------------------------------------------------ */

static struct str numbered(char out[16], int i)
{
    return str_from(out, (size_t)snprintf(out, 16, "key-%d", i));
}

/* Each key takes its only token at the time of its number. */
static struct rate *filled(int keys)
{
    char name[16];
    struct rate *r = make((size_t)keys);
    for (int i = 0; i < keys; i++)
        assert_int_equal(rate_take(r, numbered(name, i), 1, 1, i), 0);
    return r;
}

static void a_full_bucket_makes_room_first(void **state)
{
    char name[16];
    struct rate *r = filled(8);
    (void)state;
    /* At 1003, keys 0 to 3 have filled up again. */
    for (int i = 100; i < 104; i++)
        assert_int_equal(rate_take(r, numbered(name, i), 1, 1, 1003), 0);
    assert_int_equal(rate_displaced(r), 0);
    assert_int_equal(rate_keys(r), 8);
    for (int i = 4; i < 8; i++)
        assert_int_equal(rate_take(r, numbered(name, i), 1, 1, 1003), i - 3);
    assert_int_equal(rate_take(r, numbered(name, 200), 1, 1, 1003), 0);
    assert_int_equal(rate_displaced(r), 1);
    rate_free(r);
}

/* Key 0 is slow, and used longest ago; of those behind it one is full. */
static void a_full_bucket_is_found_behind_one_that_is_not(void **state)
{
    struct rate *r = make(3);
    (void)state;
    assert_int_equal(rate_take(r, STR("slow"), 0.001, 1, 0), 0);
    assert_int_equal(rate_take(r, STR("quick"), 1000, 1, 0), 0);
    assert_int_equal(rate_take(r, STR("last"), 0.001, 1, 0), 0);
    assert_int_equal(rate_take(r, STR("new"), 1, 1, 10), 0);
    assert_int_equal(rate_displaced(r), 0);
    assert_true(rate_take(r, STR("slow"), 0.001, 1, 10) > 0);
    assert_true(rate_take(r, STR("last"), 0.001, 1, 10) > 0);
    rate_free(r);
}

static void without_a_full_one_the_oldest_goes(void **state)
{
    char name[16];
    struct rate *r = filled(20);
    (void)state;
    assert_true(rate_take(r, numbered(name, 0), 1, 1, 20) > 0); /* used again: young */
    assert_int_equal(rate_take(r, STR("new"), 1, 1, 20), 0);
    assert_int_equal(rate_displaced(r), 1);
    assert_true(rate_take(r, numbered(name, 0), 1, 1, 20) > 0);
    for (int i = 2; i < 20; i++)
        assert_true(rate_take(r, numbered(name, i), 1, 1, 20) > 0);
    assert_int_equal(rate_take(r, numbered(name, 1), 1, 1, 20), 0); /* forgotten */
    assert_int_equal(rate_displaced(r), 2);
    assert_int_equal(rate_keys(r), 20);
    rate_free(r);
}

static void one_place_is_a_table_too(void **state)
{
    char name[16];
    struct rate *r = make(1);
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rate_take(r, numbered(name, i), 1, 1, 0), 0);
        assert_int_equal(rate_take(r, numbered(name, i), 1, 1, 0), 1000);
        assert_int_equal(rate_keys(r), 1);
    }
    assert_int_equal(rate_displaced(r), 99);
    rate_free(r);
}

/* ---- the model: tokens in thousandths, in integers ------------------------------------------ */

enum { KEYS = 30, PER_SECOND = 4, BURST = 5 };

struct model {
    int64_t tokens;
    int64_t since;
};

static int64_t model_take(struct model *m, int64_t now)
{
    if (now > m->since)
        m->tokens += (now - m->since) * PER_SECOND;
    m->since = now;
    m->tokens = m->tokens > BURST * 1000 ? BURST * 1000 : m->tokens;
    if (m->tokens < 1000)
        return (1000 - m->tokens + PER_SECOND - 1) / PER_SECOND;
    m->tokens -= 1000;
    return 0;
}

static void buckets_agree_with_a_model(void **state)
{
    struct unit_random random = {11};
    struct model model[KEYS];
    struct rate *r = make(KEYS);
    int64_t now = 0;
    int taken = 0;
    (void)state;
    for (int i = 0; i < KEYS; i++)
        model[i] = (struct model){BURST * 1000, 0};
    for (int step = 0; step < 300000; step++) {
        char name[16];
        int i = (int)unit_below(&random, KEYS);
        now += (int64_t)unit_below(&random, 20);
        if (unit_below(&random, 1000) == 0)
            now -= (int64_t)unit_below(&random, 100000);
        int64_t expected = model_take(&model[i], now);
        assert_int_equal(rate_take(r, numbered(name, i), PER_SECOND, BURST, now), expected);
        taken += expected == 0;
    }
    assert_in_range(taken, 10000, 290000); /* both answers were met */
    assert_int_equal(rate_displaced(r), 0);
    rate_free(r);
}

/* Whatever the rate: who waits as long as told gets a token, and one millisecond less is too early.
 */
static void waiting_as_told_is_enough(void **state)
{
    struct unit_random random = {12};
    (void)state;
    for (int round = 0; round < 5000; round++) {
        struct rate *r = make(1);
        double per_second = exp((double)unit_below(&random, 2000) / 100 - 7);
        double burst = 1 + (double)unit_below(&random, 400) / 100;
        int64_t now = (int64_t)unit_below(&random, 1ULL << 42);
        int64_t wait;
        while ((wait = rate_take(r, KEY, per_second, burst, now)) == 0)
            now += (int64_t)unit_below(&random, 2);
        if (wait > 1)
            assert_int_equal(rate_take(r, KEY, per_second, burst, now + wait - 1), 1);
        assert_int_equal(rate_take(r, KEY, per_second, burst, now + wait), 0);
        rate_free(r);
    }
}

/* ---- memory --------------------------------------------------------------------------------- */

static void taking_allocates_nothing(void **state)
{
    char name[16];
    struct rate *r = make(50);
    size_t before = unit_alloc_count();
    (void)state;
    for (int i = 0; i < 1000; i++)
        rate_take(r, numbered(name, i % 100), 1, 2, i);
    assert_int_equal(unit_alloc_count(), before);
    assert_int_equal(rate_keys(r), 50);
    rate_free(r);
}

static void without_memory_there_is_no_table(void **state)
{
    int failures = 0;
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct rate *r = rate_new(100);
        assert_int_equal(r == NULL, unit_alloc_failed());
        failures += r == NULL;
        rate_free(r);
    }
    assert_int_equal(failures, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_one_per_interval),
        cmocka_unit_test(no_bucket_holds_more_than_its_burst),
        cmocka_unit_test(refusals_cost_nothing),
        cmocka_unit_test(keys_are_bytes_and_have_buckets_of_their_own),
        cmocka_unit_test(nonsense_is_refused_and_leaves_no_trace),
        cmocka_unit_test(slow_rates_wait_long_but_not_for_ever),
        cmocka_unit_test(terms_may_change_from_call_to_call),
        cmocka_unit_test(a_clock_that_goes_back_gives_and_takes_nothing),
        cmocka_unit_test(a_full_bucket_makes_room_first),
        cmocka_unit_test(a_full_bucket_is_found_behind_one_that_is_not),
        cmocka_unit_test(without_a_full_one_the_oldest_goes),
        cmocka_unit_test(one_place_is_a_table_too),
        cmocka_unit_test(buckets_agree_with_a_model),
        cmocka_unit_test(waiting_as_told_is_enough),
        cmocka_unit_test(taking_allocates_nothing),
        cmocka_unit_test(without_memory_there_is_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
