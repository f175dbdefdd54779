/* The histogram of latencies: its buckets, its percentiles against those of a sorted list, merging.
 */
#include "latency.h"
#include "unit.h"

#include <stdlib.h>

static void empty_it_says_nothing(void **state)
{
    struct latency l = {0};
    (void)state;
    assert_int_equal(latency_percentile(&l, 0), 0);
    assert_int_equal(latency_percentile(&l, 100), 0);
}

static void buckets_meet_without_gaps(void **state)
{
    (void)state;
    assert_int_equal(latency_lowest(0), 0);
    for (size_t i = 1; i < LATENCY_BUCKETS; i++) {
        uint64_t lowest = latency_lowest(i);
        assert_int_equal(latency_bucket(lowest), i);
        assert_int_equal(latency_bucket(lowest - 1), i - 1);
    }
    assert_int_equal(latency_bucket(UINT64_MAX), LATENCY_BUCKETS - 1);
}

static void buckets_are_as_narrow_as_promised(void **state)
{
    (void)state;
    for (size_t i = 1; i + 1 < LATENCY_BUCKETS; i++) {
        uint64_t width = latency_lowest(i + 1) - latency_lowest(i);
        assert_true(width == 1 || width * LATENCY_STEPS <= latency_lowest(i));
    }
}

static void small_values_are_exact(void **state)
{
    struct latency l = {0};
    (void)state;
    for (uint64_t v = 0; v < 128; v++)
        latency_record(&l, v);
    for (uint64_t v = 0; v < 128; v++)
        assert_int_equal(latency_percentile(&l, (double)(v + 1) * 100 / 128), v);
}

static void beyond_the_limit_the_maximum_is_told(void **state)
{
    struct latency l = {0};
    (void)state;
    latency_record(&l, 10);
    latency_record(&l, UINT64_MAX);
    assert_int_equal(latency_percentile(&l, 50), 10);
    assert_true(latency_percentile(&l, 51) == UINT64_MAX);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void percentiles_are_those_of_a_sorted_list(void **state)
{
    static const double percents[] = {0, 1, 50, 90, 99, 99.9, 100};
    enum { N = 20000 };
    static uint64_t values[N];
    static struct latency l;
    struct unit_random random = {.state = 7};
    (void)state;
    for (size_t i = 0; i < N; i++) {
        values[i] = unit_random(&random) >> (24 + unit_below(&random, 30));
        latency_record(&l, values[i]);
    }
    qsort(values, N, sizeof values[0], by_value);
    for (size_t i = 0; i < COUNT_OF(percents); i++) {
        size_t rank = (size_t)((double)N * percents[i] / 100 + 0.5);
        uint64_t exact = values[rank > 0 ? rank - 1 : 0];
        uint64_t told = latency_percentile(&l, percents[i]);
        assert_true(told >= exact);
        assert_true(told - exact <= exact / LATENCY_STEPS + 1);
    }
}

static void merged_it_is_as_if_recorded_together(void **state)
{
    static struct latency a;
    static struct latency b;
    static struct latency both;
    struct unit_random random = {.state = 11};
    (void)state;
    for (int i = 0; i < 5000; i++) {
        uint64_t value = unit_below(&random, 1000000000);
        latency_record(i % 3 ? &a : &b, value);
        latency_record(&both, value);
    }
    latency_merge(&a, &b);
    assert_memory_equal(&a, &both, sizeof a);
    assert_int_equal(a.count, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_it_says_nothing),
        cmocka_unit_test(buckets_meet_without_gaps),
        cmocka_unit_test(buckets_are_as_narrow_as_promised),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(beyond_the_limit_the_maximum_is_told),
        cmocka_unit_test(percentiles_are_those_of_a_sorted_list),
        cmocka_unit_test(merged_it_is_as_if_recorded_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
