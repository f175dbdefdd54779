/* The table of lines that fault: each is counted, and there are never more than it has room for. */
#include "fault_lines.h"
#include "unit.h"

static void each_line_is_counted(void **state)
{
    struct fault_lines table = {.used = 0};
    (void)state;
    for (int i = 0; i < 3; i++)
        fault_lines_count(&table, STR("words.lua:31"));
    fault_lines_count(&table, STR("words.lua:3"));
    fault_lines_count(&table, STR("words.lua:31"));
    assert_int_equal(table.used, 2);
    assert_string_equal(table.lines[0].at, "words.lua:31");
    assert_int_equal(table.lines[0].count, 4);
    assert_string_equal(table.lines[1].at, "words.lua:3");
    assert_int_equal(table.lines[1].count, 1);
    assert_int_equal(table.elsewhere, 0);
}

static void what_has_no_row_is_elsewhere(void **state)
{
    struct fault_lines table = {.used = 0};
    char at[32];
    (void)state;
    fault_lines_count(&table, STR(""));
    for (int i = 0; i < 100; i++) {
        snprintf(at, sizeof at, "words.lua:%d", i);
        fault_lines_count(&table, str_of(at));
    }
    fault_lines_count(&table, STR("words.lua:7"));
    fault_lines_count(&table, STR("words.lua:8"));
    assert_int_equal(table.used, FAULT_LINES);
    for (size_t i = 0; i < FAULT_LINES; i++) {
        snprintf(at, sizeof at, "words.lua:%zu", i);
        assert_string_equal(table.lines[i].at, at);
        assert_int_equal(table.lines[i].count, i == 7 ? 2 : 1);
    }
    assert_int_equal(table.elsewhere, 1 + 100 - FAULT_LINES + 1);
}

/* Of every length; the name of the file and the line are at the end. */
static void a_long_place_keeps_its_end(void **state)
{
    char at[2 * FAULT_LINE_SIZE];
    (void)state;
    memset(at, 'x', sizeof at);
    memcpy(at + sizeof at - 5, ".lua:", 5);
    for (size_t size = 6; size <= sizeof at; size++) {
        struct fault_lines table = {.used = 0};
        struct str place = str_from(at + sizeof at - size, size);
        fault_lines_count(&table, place);
        fault_lines_count(&table, place);
        size_t kept = size < FAULT_LINE_SIZE ? size : FAULT_LINE_SIZE - 1;
        assert_int_equal(table.used, 1);
        assert_int_equal(table.lines[0].count, 2);
        assert_str(str_of(table.lines[0].at), str_skip(place, size - kept));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_counted),
        cmocka_unit_test(what_has_no_row_is_elsewhere),
        cmocka_unit_test(a_long_place_keeps_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
