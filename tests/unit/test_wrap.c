/*
 * Paragraphs in terminals of several widths.
 */
#include "unit.h"
#include "wrap.h"

static struct buffer out;

static void assert_wrapped(size_t columns, size_t indent, const char *text, const char *expected)
{
    struct wrap w = {.out = &out, .columns = columns, .indent = indent, .utf8 = true};
    buffer_clear(&out);
    wrap_text(&w, str_of(text));
    wrap_end(&w);
    assert_str(buffer_str(&out), str_of(expected));
    assert_int_equal(w.at, 0);
}

static void broken_at_blanks(void **state)
{
    (void)state;
    assert_wrapped(80, 6, "a short one", "a short one\r\n");
    assert_wrapped(30, 6, "twenty-nine columns are usable here, and six are blank",
                   "twenty-nine columns are\r\n      usable here, and six\r\n"
                   "      are blank\r\n");
    assert_wrapped(30, 0, "12345678901234567890123456789", "12345678901234567890123456789\r\n");
    assert_wrapped(30, 0, "1234567890123456789012345678 0",
                   "1234567890123456789012345678\r\n0\r\n");
}

static void blanks_stay_inside_a_line_only(void **state)
{
    (void)state;
    assert_wrapped(30, 0, "  a   b\tc  ", "  a   b c\r\n");
    assert_wrapped(30, 0, "123456789012345678901234567     b",
                   "123456789012345678901234567\r\nb\r\n");
    assert_wrapped(30, 0, "", "\r\n");
}

static void wide_characters_count_twice(void **state)
{
    (void)state;
    assert_wrapped(24, 2, "1234567890123456789 \xe4\xbd\xa0\xe5\xa5\xbd",
                   "1234567890123456789\r\n  \xe4\xbd\xa0\xe5\xa5\xbd\r\n");
    assert_wrapped(25, 2, "1234567890123456789 \xe4\xbd\xa0\xe5\xa5\xbd",
                   "1234567890123456789 \xe4\xbd\xa0\xe5\xa5\xbd\r\n");
}

static void a_long_word_is_the_terminals(void **state)
{
    (void)state;
    assert_wrapped(24, 6, "see https://example.org/a/b/c/d/e/f/g/h/i/j now",
                   "see https://example.org/a/b/c/d/e/f/g/h/i/j now\r\n");
    /* 4 + 40 columns and the terminal is in column 20 of its second row */
    assert_wrapped(24, 6, "see https://example.org/a/b/c/d/e/f/g/h/i/j and",
                   "see https://example.org/a/b/c/d/e/f/g/h/i/j and\r\n");
    assert_wrapped(24, 6, "see https://example.org/a/b/c/d/e/f/g/h/i/j after",
                   "see https://example.org/a/b/c/d/e/f/g/h/i/j\r\n      after\r\n");
}

static void a_narrow_terminal_breaks_itself(void **state)
{
    (void)state;
    assert_wrapped(WRAP_COLUMNS_MIN - 1, 0, "this is more than can be in one row of it",
                   "this is more than can be in one row of it\r\n");
    assert_wrapped(1, 0, "a b", "a b\r\n");
}

static void pieces_and_marks(void **state)
{
    (void)state;
    struct wrap w = {.out = &out, .columns = 24, .indent = 4, .utf8 = false};
    buffer_clear(&out);
    wrap_mark(&w, STR("\x1b[31m"));
    wrap_text(&w, STR("m\xc3\xbcller: "));
    wrap_mark(&w, STR("\x1b[0m"));
    wrap_text(&w, STR("one two three four\x1b"));
    wrap_end(&w);
    assert_str(buffer_str(&out), STR("\x1b[31mm?ller:\x1b[0m one two three\r\n    four^[\r\n"));
}

static int fini(void **state)
{
    (void)state;
    buffer_fini(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_at_blanks),
        cmocka_unit_test(blanks_stay_inside_a_line_only),
        cmocka_unit_test(wide_characters_count_twice),
        cmocka_unit_test(a_long_word_is_the_terminals),
        cmocka_unit_test(a_narrow_terminal_breaks_itself),
        cmocka_unit_test(pieces_and_marks),
    };
    return cmocka_run_group_tests(tests, NULL, fini);
}
