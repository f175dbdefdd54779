/*
 * Lines on their way to the terminal: all of them as long as they are few, and a count otherwise.
 */
#include "scroll.h"
#include "unit.h"

static void take(struct scroll *s, int first, int last, size_t rows)
{
    struct buffer lines = {0};
    for (int i = first; i <= last; i++)
        buffer_printf(&lines, "line %d\r\n", i);
    scroll_take(s, &lines, rows);
    assert_int_equal(lines.size, 0);
    buffer_fini(&lines);
}

static void assert_drawn(struct scroll *s, size_t rows, struct str expected)
{
    struct buffer out = {0};
    scroll_draw(s, rows, &out);
    assert_str(buffer_str(&out), expected);
    assert_true(scroll_is_empty(s));
    buffer_fini(&out);
}

static void a_few_lines_are_all_drawn(void **state)
{
    (void)state;
    struct scroll s = {0};
    assert_true(scroll_is_empty(&s));
    take(&s, 1, 2, 1);
    take(&s, 3, 3, 1);
    assert_false(scroll_is_empty(&s));
    assert_drawn(&s, 1, STR("line 1\r\nline 2\r\nline 3\r\n"));
    assert_drawn(&s, 1, STR(""));
    scroll_fini(&s);
}

static void of_a_flood_the_end_is_drawn(void **state)
{
    (void)state;
    struct scroll s = {0};
    for (int i = 0; i < 100000; i++)
        take(&s, i, i, 3);
    assert_in_range(s.text.capacity, 1, 4 * SCROLL_BYTES_MAX);
    assert_drawn(&s, 3,
                 STR("... 99,997 lines not shown\r\nline 99997\r\nline 99998\r\nline 99999\r\n"));
    take(&s, 1, SCROLL_LINES_MAX + 1, 1);
    assert_drawn(&s, 1, STR("... 1,000 lines not shown\r\nline 1001\r\n"));
    take(&s, 1, 1, 1);
    assert_drawn(&s, 1, STR("line 1\r\n"));
    scroll_fini(&s);
}

static void long_lines_are_a_flood_too(void **state)
{
    (void)state;
    struct scroll s = {0};
    struct buffer line = {0};
    for (int i = 0; i < 9; i++) {
        buffer_add_times(&line, 'x', SCROLL_BYTES_MAX / 8);
        buffer_add_literal(&line, "\r\n");
        scroll_take(&s, &line, 2);
    }
    assert_int_equal(s.lost, 6); /* at the 8th line; the 9th came behind */
    assert_int_equal(s.lines, 3);
    buffer_fini(&line);
    scroll_fini(&s);
}

static void numbers_have_commas(void **state)
{
    (void)state;
    struct scroll s = {.lost = 1};
    assert_drawn(&s, 1, STR("... 1 line not shown\r\n"));
    s.lost = 999;
    assert_drawn(&s, 1, STR("... 999 lines not shown\r\n"));
    s.lost = 1002003;
    assert_drawn(&s, 1, STR("... 1,002,003 lines not shown\r\n"));
    scroll_fini(&s);
}

static void without_memory_lines_are_counted(void **state)
{
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct scroll s = {0};
        for (int i = 0; i < 5; i++)
            take(&s, 0, 9, 1); /* in a buffer that may fail as well */
        assert_true(unit_alloc_failed() ? s.lines < 50 : s.lines == 50 && s.lost == 0);
        scroll_fini(&s);
    }
    unit_alloc_fail_at(-1);
    struct scroll s = {0};
    struct buffer lines = {0};
    buffer_add_literal(&lines, "one\r\ntwo\r\n");
    unit_alloc_fail_at(0);
    scroll_take(&s, &lines, 1);
    unit_alloc_fail_at(-1);
    assert_int_equal(s.lost, 2);
    assert_drawn(&s, 1, STR("... 2 lines not shown\r\n"));
    buffer_fini(&lines);
    scroll_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_lines_are_all_drawn),
        cmocka_unit_test(of_a_flood_the_end_is_drawn),
        cmocka_unit_test(long_lines_are_a_flood_too),
        cmocka_unit_test(numbers_have_commas),
        cmocka_unit_test(without_memory_lines_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
