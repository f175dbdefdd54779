/* The clock of an open loop, and the stamps that messages carry. */
#include "pace.h"
#include "stamp.h"
#include "unit.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

/* ---- pace ---- */

static void the_first_message_is_due_at_the_start(void **state)
{
    struct pace p;
    (void)state;
    pace_start(&p, 10, 5 * SECOND);
    assert_int_equal(pace_due(&p, 5 * SECOND - 1), 0);
    assert_int_equal(pace_due(&p, 5 * SECOND), 1);
    assert_int_equal(pace_take(&p), 5 * SECOND);
    assert_int_equal(pace_due(&p, 5 * SECOND), 0);
}

static void messages_are_due_at_even_distances(void **state)
{
    struct pace p;
    (void)state;
    pace_start(&p, 1000, SECOND);
    for (uint64_t i = 0; i < 10000; i++)
        assert_int_equal(pace_take(&p), SECOND + i * (SECOND / 1000));
}

/* What was not said in time stays due, and keeps its time: that is the whole point. */
static void a_stall_takes_no_message_away(void **state)
{
    struct pace p;
    (void)state;
    pace_start(&p, 100, SECOND);
    pace_take(&p);
    assert_int_equal(pace_due(&p, 4 * SECOND), 300);
    assert_int_equal(pace_take(&p), SECOND + SECOND / 100);
    assert_int_equal(pace_due(&p, 4 * SECOND), 299);
}

/* Whatever the rate: a message is due exactly from the moment on that pace_next() tells. */
static void due_and_next_agree(void **state)
{
    static const double rates[] = {0.1, 1, 3, 7.77, 149, 8000, 999983, 1e7};
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rates); r++) {
        struct pace p;
        pace_start(&p, rates[r], 12345);
        for (int i = 0; i < 1000; i++) {
            uint64_t next = pace_next(&p);
            assert_int_equal(pace_due(&p, next - 1), 0);
            assert_true(pace_due(&p, next) >= 1);
            assert_int_equal(pace_take(&p), next);
        }
    }
}

/* ---- stamps ---- */

static void a_stamp_is_read_as_it_was_written(void **state)
{
    static const struct stamp stamps[] = {
        {0, 0, 0},
        {1, 2, 3},
        {STAMP_SENDERS_MAX - 1, STAMP_NUMBERS_MAX - 1, STAMP_TIME_MAX - 1},
        {4711, 123456, 987654321012},
    };
    static const size_t sizes[] = {STAMP_SIZE, 17, 64, 94, 95, 200, 8192};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(stamps); i++)
        for (size_t k = 0; k < COUNT_OF(sizes); k++) {
            char text[8193];
            struct stamp s;
            text[sizes[k]] = '!';
            stamp_write(text, sizes[k], &stamps[i]);
            assert_int_equal(text[sizes[k]], '!');
            assert_true(stamp_read(text, sizes[k], &s));
            assert_int_equal(s.sender, stamps[i].sender);
            assert_int_equal(s.number, stamps[i].number);
            assert_int_equal(s.when, stamps[i].when);
        }
}

static void a_text_needs_no_escaping(void **state)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    char text[301] = "";
    (void)state;
    for (uint32_t i = 0; i < 5000; i++) {
        stamp_write(text, 300, &(struct stamp){i, i * 200003, (uint64_t)i << 33});
        assert_int_equal(strspn(text, plain), 300);
    }
}

/* A byte that is wrong makes it another stamp or none at all; in the filler it makes it none. */
static void no_byte_of_the_filler_may_differ(void **state)
{
    char text[256];
    struct stamp s;
    (void)state;
    stamp_write(text, sizeof text, &(struct stamp){1, 2, 3});
    for (size_t i = STAMP_SIZE; i < sizeof text; i++) {
        text[i] ^= 1;
        assert_false(stamp_read(text, sizeof text, &s));
        text[i] ^= 1;
    }
    assert_true(stamp_read(text, sizeof text, &s));
}

static void neighbours_differ_in_every_byte_of_the_filler(void **state)
{
    char one[256];
    char two[256];
    (void)state;
    stamp_write(one, sizeof one, &(struct stamp){1, 41, 3});
    stamp_write(two, sizeof two, &(struct stamp){1, 42, 3});
    for (size_t i = STAMP_SIZE; i < sizeof one; i++)
        assert_int_not_equal(one[i], two[i]);
}

static void what_is_no_stamp_is_told(void **state)
{
    char text[64];
    struct stamp s;
    (void)state;
    stamp_write(text, sizeof text, &(struct stamp){1, 2, 3});
    assert_false(stamp_read(text, STAMP_SIZE - 1, &s));
    for (size_t i = 0; i < STAMP_SIZE; i++) {
        char was = text[i];
        text[i] = ' ';
        assert_false(stamp_read(text, sizeof text, &s));
        text[i] = was;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_message_is_due_at_the_start),
        cmocka_unit_test(messages_are_due_at_even_distances),
        cmocka_unit_test(a_stall_takes_no_message_away),
        cmocka_unit_test(due_and_next_agree),
        cmocka_unit_test(a_stamp_is_read_as_it_was_written),
        cmocka_unit_test(a_text_needs_no_escaping),
        cmocka_unit_test(no_byte_of_the_filler_may_differ),
        cmocka_unit_test(neighbours_differ_in_every_byte_of_the_filler),
        cmocka_unit_test(what_is_no_stamp_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
