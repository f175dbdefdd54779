/* The histogram: its buckets, and its percentiles against those of a sorted list. */
#include "histogram.h"
#include "unit.h"

#include <stdlib.h>

static void empty_it_says_nothing(void **state)
{
    struct histogram h = {0};
    (void)state;
    assert_int_equal(histogram_percentile(&h, 0), 0);
    assert_int_equal(histogram_percentile(&h, 50), 0);
    assert_int_equal(histogram_percentile(&h, 100), 0);
}

static void buckets_meet_without_gaps(void **state)
{
    (void)state;
    assert_int_equal(histogram_lowest(0), 0);
    for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t lowest = histogram_lowest(i);
        assert_int_equal(histogram_bucket(lowest), i);
        assert_int_equal(histogram_bucket(lowest - 1), i - 1);
    }
    assert_int_equal(histogram_lowest(HISTOGRAM_BUCKETS - 1), HISTOGRAM_LIMIT);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void buckets_are_as_narrow_as_promised(void **state)
{
    (void)state;
    for (size_t i = 1; i + 1 < HISTOGRAM_BUCKETS; i++) {
        uint64_t width = histogram_lowest(i + 1) - histogram_lowest(i);
        assert_true(width == 1 || width * HISTOGRAM_STEPS <= histogram_lowest(i));
    }
}

static void count_and_maximum_are_exact(void **state)
{
    static const uint64_t values[] = {0, 1017, 3, 123456789, 16};
    struct histogram h = {0};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++)
        histogram_record(&h, values[i]);
    assert_int_equal(h.count, 5);
    assert_int_equal(h.max, 123456789);
    assert_int_equal(histogram_percentile(&h, 100), 123456789);
}

static void small_values_are_exact(void **state)
{
    struct histogram h = {0};
    (void)state;
    for (uint64_t v = 0; v < 16; v++)
        histogram_record(&h, v);
    for (uint64_t v = 0; v < 16; v++)
        assert_int_equal(histogram_percentile(&h, (double)(v + 1) * 100 / 16), v);
    assert_int_equal(histogram_percentile(&h, 0), 0);
    assert_int_equal(histogram_percentile(&h, 50.1), 8);
}

static void no_percent_is_the_least(void **state)
{
    struct histogram h = {0};
    (void)state;
    histogram_record(&h, 12);
    histogram_record(&h, 11);
    assert_int_equal(histogram_percentile(&h, 0), 11);
}

static void one_slow_call_of_a_hundred_is_above_the_99th(void **state)
{
    struct histogram h = {0};
    (void)state;
    for (int i = 0; i < 99; i++)
        histogram_record(&h, 10);
    histogram_record(&h, 5000000);
    assert_int_equal(histogram_percentile(&h, 99), 10);
    assert_int_equal(histogram_percentile(&h, 99.1), 5000000);
    histogram_record(&h, 5000000);
    assert_int_equal(histogram_percentile(&h, 99), 5000000);
}

static void what_is_beyond_the_limit_is_at_most_the_maximum(void **state)
{
    struct histogram h = {0};
    (void)state;
    histogram_record(&h, 10);
    histogram_record(&h, UINT64_MAX);
    assert_int_equal(histogram_percentile(&h, 50), 10);
    assert_true(histogram_percentile(&h, 51) == UINT64_MAX);
    assert_true(h.max == UINT64_MAX);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void percentiles_are_near_those_of_the_list(void **state)
{
    enum { VALUES = 1000 };
    static const unsigned percents[] = {1, 10, 25, 50, 75, 90, 99, 100};
    struct unit_random random = {.state = 1};
    uint64_t values[VALUES];
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct histogram h = {0};
        for (size_t i = 0; i < VALUES; i++) {
            values[i] = unit_below(&random, UINT64_C(1) << (4 + unit_below(&random, 26)));
            histogram_record(&h, values[i]);
        }
        qsort(values, VALUES, sizeof *values, by_value);
        for (size_t p = 0; p < COUNT_OF(percents); p++) {
            uint64_t exact = values[VALUES * percents[p] / 100 - 1];
            uint64_t said = histogram_percentile(&h, percents[p]);
            assert_true(said >= exact);
            assert_true((said - exact) * 8 <= exact);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_it_says_nothing),
        cmocka_unit_test(buckets_meet_without_gaps),
        cmocka_unit_test(buckets_are_as_narrow_as_promised),
        cmocka_unit_test(count_and_maximum_are_exact),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(no_percent_is_the_least),
        cmocka_unit_test(one_slow_call_of_a_hundred_is_above_the_99th),
        cmocka_unit_test(what_is_beyond_the_limit_is_at_most_the_maximum),
        cmocka_unit_test(percentiles_are_near_those_of_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
