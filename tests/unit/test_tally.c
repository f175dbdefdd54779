/* Tallies, against a list that remembers everything with its time. */
#include "tally.h"
#include "unit.h"

#include <stdlib.h>

enum { PERIOD = 1000, START = 5000 };

static int setup(void **state)
{
    struct tally *t = malloc(sizeof *t);
    tally_init(t, PERIOD, START);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

/* A key that is as good as random. */
static uint64_t key(uint64_t n)
{
    return (n + 1) * 0x9e3779b97f4a7c15;
}

static void each_key_has_its_count(void **state)
{
    struct tally *t = *state;
    for (uint32_t round = 1; round <= 3; round++) {
        for (uint64_t i = 0; i < 2000; i++)
            assert_int_equal(tally_count(t, key(i), START), round);
    }
    assert_int_equal(tally_count(t, 0, START), 1);
    assert_int_equal(tally_count(t, 0, START), 2);
}

static void what_does_not_come_again_is_forgotten(void **state)
{
    struct tally *t = *state;
    assert_int_equal(tally_count(t, 1, START), 1);
    assert_int_equal(tally_count(t, 2, START + PERIOD - 1), 1);
    assert_int_equal(tally_count(t, 2, START + PERIOD), 2);
    assert_int_equal(tally_count(t, 1, START + 2 * PERIOD - 1), 2);
    assert_int_equal(tally_count(t, 1, START + 3 * PERIOD - 1), 3);
    assert_int_equal(tally_count(t, 2, START + 3 * PERIOD), 1);
    assert_int_equal(tally_count(t, 1, START + 5 * PERIOD), 1);
}

static void after_a_long_silence_nothing_is_left(void **state)
{
    struct tally *t = *state;
    assert_int_equal(tally_count(t, 1, START), 1);
    assert_int_equal(tally_count(t, 1, START + INT64_C(1000000000000)), 1);
    assert_int_equal(tally_count(t, 1, START + INT64_C(1000000000000)), 2);
}

static void a_clock_that_jumps_back_loses_nothing(void **state)
{
    struct tally *t = *state;
    assert_int_equal(tally_count(t, 1, START), 1);
    assert_int_equal(tally_count(t, 1, 0), 2);
    assert_int_equal(tally_count(t, 1, -1000000), 3);
    assert_int_equal(tally_count(t, 1, START + PERIOD), 4);
}

/* Then the oldest go, and the others keep their counts. */
static void a_full_table_ages_at_once(void **state)
{
    struct tally *t = *state;
    for (uint64_t i = 0; i < 3 * TALLY_KEYS_MAX; i++)
        assert_int_equal(tally_count(t, key(i), START), 1);
    assert_int_equal(tally_count(t, key(TALLY_KEYS_MAX), START), 2);
    assert_int_equal(tally_count(t, key(3 * TALLY_KEYS_MAX - 1), START), 2);
    assert_int_equal(tally_count(t, key(0), START), 1);
}

/* Keys that end in the same bits are told apart all the same. */
static void keys_of_one_chain_are_told_apart(void **state)
{
    struct tally *t = *state;
    for (uint32_t round = 1; round <= 2; round++) {
        for (uint64_t i = 0; i < 500; i++)
            assert_int_equal(tally_count(t, i << 32, START), round);
    }
}

static void counting_ends_at_the_largest_number(void **state)
{
    struct tally *t = *state;
    tally_count(t, 1, START);
    t->tables[t->young].entries[0].count = UINT32_MAX - 1;
    assert_int_equal(tally_count(t, 1, START), UINT32_MAX);
    assert_int_equal(tally_count(t, 1, START), UINT32_MAX);
    assert_int_equal(tally_count(t, 1, START + PERIOD), UINT32_MAX);
}

/* What the header promises, on a walk of 200,000 steps: forgotten after one to two periods. */
static void it_agrees_with_a_list(void **state)
{
    enum { KEYS = 50 };
    struct tally *t = *state;
    struct unit_random r = {29};
    int64_t last[KEYS] = {0};
    uint32_t counts[KEYS] = {0};
    int64_t now = START;
    size_t kept = 0;
    size_t lost = 0;
    for (int i = 0; i < 200000; i++) {
        size_t k = unit_below(&r, KEYS);
        now += (int64_t)unit_below(&r, unit_below(&r, 100) ? 40 : 3000);
        uint32_t count = tally_count(t, key(k), now);
        if (counts[k] > 0 && now - last[k] < PERIOD)
            assert_int_equal(count, counts[k] + 1);
        else if (now - last[k] >= 2 * PERIOD)
            assert_int_equal(count, 1);
        else
            assert_true(count == 1 || count == counts[k] + 1);
        kept += count > 1;
        lost += count == 1;
        counts[k] = count;
        last[k] = now;
    }
    assert_true(kept > 10000 && lost > 10000);
}

static void counting_allocates_nothing(void **state)
{
    struct tally *t = *state;
    size_t before = unit_alloc_count();
    for (uint64_t i = 0; i < 50000; i++)
        tally_count(t, key(i), START + (int64_t)i);
    assert_int_equal(unit_alloc_count(), before);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_key_has_its_count),
        TEST(what_does_not_come_again_is_forgotten),
        TEST(after_a_long_silence_nothing_is_left),
        TEST(a_clock_that_jumps_back_loses_nothing),
        TEST(a_full_table_ages_at_once),
        TEST(keys_of_one_chain_are_told_apart),
        TEST(counting_ends_at_the_largest_number),
        TEST(it_agrees_with_a_list),
        TEST(counting_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
