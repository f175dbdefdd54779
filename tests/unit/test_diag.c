/* Diagnostics: one line each, and no byte of a stranger in it that a terminal would obey. */
#include "diag.h"
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

static void text_of_others_is_escaped(void **state)
{
    static const struct {
        struct str in;
        const char *out;
    } cases[] = {
        {{"", 0}, ""},
        {{NULL, 0}, ""},
        {{"plain ~text!", 12}, "plain ~text!"},
        {{"a\\b", 3}, "a\\b"},
        {{"{\"a\":\"\\\"\\n\\u00e4\\\\\"}", 20}, "{\"a\":\"\\\"\\n\\u00e4\\\\\"}"},
        /* What looks like an escape and is none is told from one. */
        {{"\\x1b", 4}, "\\x5cx1b"},
        {{"\\\\x0a\n", 6}, "\\\\x5cx0a\\x0a"},
        {{"\\x", 2}, "\\x5cx"},
        {{"x\\", 2}, "x\\"},
        {{"\\\x1b", 2}, "\\\\x1b"},
        {{"\x1b[2J\r\n\t\0", 8}, "\\x1b[2J\\x0d\\x0a\\x09\\x00"},
        {{"\x7f\x80\xff", 3}, "\\x7f\\x80\\xff"},
        {{"J\xc3\xb6rg", 5}, "J\\xc3\\xb6rg"},
        {{"100%s", 5}, "100%s"},
    };
    char out[100];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_ptr_equal(diag_escape(cases[i].in, out, sizeof out), out);
        assert_string_equal(out, cases[i].out);
    }
}

static size_t unescape(const char *in, char *out)
{
    size_t n = 0;
    while (*in) {
        unsigned byte;
        bool escaped = in[0] == '\\' && in[1] == 'x';
        if (escaped)
            assert_int_equal(sscanf(in + 2, "%2x", &byte), 1);
        out[n++] = escaped ? (char)byte : *in;
        in += escaped ? 4 : 1;
    }
    return n;
}

/* Nobody can make a line that says something else happened: all texts of five of these bytes are
 * told from each other, and none holds a byte that ends a line or that a terminal obeys. */
static void an_escaped_text_stands_for_one_text_only(void **state)
{
    static const char bytes[] = {'\\', 'x', '0', 'a', '\n', '\x1b'};
    enum { COUNT = sizeof bytes, SIZE = 5, ALL = COUNT * COUNT * COUNT * COUNT * COUNT };
    (void)state;
    for (int n = 0; n < ALL; n++) {
        char text[SIZE];
        char out[4 * SIZE + 4];
        char back[sizeof out];
        for (int i = 0, left = n; i < SIZE; i++, left /= COUNT)
            text[i] = bytes[left % COUNT];
        diag_escape(str_from(text, SIZE), out, sizeof out);
        assert_null(strpbrk(out, "\n\x1b"));
        assert_int_equal(unescape(out, back), SIZE);
        assert_memory_equal(back, text, SIZE);
    }
}

/* Every size of buffer, exactly: what is there is a prefix, ends in dots if it was cut, in NUL. */
static void what_does_not_fit_is_cut_and_says_so(void **state)
{
    static const char whole[] = "ab\\x1bcdefg\\xc3\\xb6hijklmnop\\x00q";
    struct str in = STR("ab\x1b"
                        "cdefg\xc3\xb6hijklmnop\0q");
    (void)state;
    for (size_t size = 1; size < sizeof whole + 16; size++) {
        char *out = malloc(size);
        assert_non_null(out);
        memset(out, '?', size);
        diag_escape(in, out, size);
        size_t length = strnlen(out, size);
        assert_true(length < size);
        size_t dots = size >= sizeof whole ? 0 : length < 3 ? length : 3;
        assert_memory_equal(out, whole, length - dots);
        assert_memory_equal(out + length - dots, "...", dots);
        assert_true(size < sizeof whole ? length + 5 > size : length == sizeof whole - 1);
        free(out);
    }
}

static void levels_have_names_both_ways(void **state)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    enum diag_level level = DIAG_ERROR;
    (void)state;
    for (int i = DIAG_ERROR; i <= DIAG_DEBUG; i++) {
        assert_string_equal(diag_level_name((enum diag_level)i), names[i]);
        assert_int_equal(diag_level_parse(names[i], &level), 0);
        assert_int_equal(level, i);
    }
    assert_int_equal(diag_level_parse("", &level), -1);
    assert_int_equal(diag_level_parse("INFO", &level), -1);
    assert_int_equal(diag_level_parse("warning", &level), -1);
    assert_int_equal(level, DIAG_DEBUG);
}

static void lines_below_the_level_are_not_written(void **state)
{
    char out[1000];
    (void)state;
    diag_init("prog", DIAG_WARN);
    assert_true(diag_enabled(DIAG_ERROR));
    assert_true(diag_enabled(DIAG_WARN));
    assert_false(diag_enabled(DIAG_INFO));
    unit_capture(STDERR_FILENO);
    diag_log(DIAG_ERROR, "number %d", 1);
    diag_log(DIAG_WARN, "%s", "two");
    diag_log(DIAG_INFO, "three");
    diag_log(DIAG_DEBUG, "four");
    unit_captured(out, sizeof out);
    assert_string_equal(out, "prog: error: number 1\nprog: warn: two\n");
    assert_int_equal(diag_set_level(DIAG_DEBUG), DIAG_WARN);
    assert_true(diag_enabled(DIAG_DEBUG));
    assert_int_equal(diag_set_level(DIAG_ERROR), DIAG_DEBUG);
    assert_false(diag_enabled(DIAG_WARN));
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    char out[5000];
    char text[3000];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    diag_init("prog", DIAG_INFO);
    for (size_t size = 990; size < sizeof text; size += size < 1030 ? 1 : 500) {
        text[size] = '\0';
        unit_capture(STDERR_FILENO);
        diag_log(DIAG_INFO, "%s", text);
        size_t n = unit_captured(out, sizeof out);
        text[size] = 'x';
        assert_in_range(n, 990, 1024);
        assert_int_equal(strcspn(out, "\n"), n - 1);
    }
}

static size_t count_lines(const char *text, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        n += text[i] == '\n';
    return n;
}

/* Standard error is a pipe that nobody reads from. */
static void a_log_that_is_not_read_holds_up_nobody(void **state)
{
    enum { LINES = 20000 };
    static char out[1 << 20];
    char wanted[128];
    int ends[2];
    (void)state;
    int saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    diag_init("prog", DIAG_INFO);
    diag_never_wait();
    for (int i = 0; i < LINES; i++)
        diag_log(DIAG_INFO, "line %d", i);
    ssize_t n = read(ends[0], out, sizeof out);
    assert_true(n > 0);
    size_t written = count_lines(out, (size_t)n);
    assert_in_range(written, 100, LINES - 1);
    diag_log(DIAG_INFO, "that was all");
    diag_log(DIAG_INFO, "really");
    n = read(ends[0], out, sizeof out - 1);
    dup2(saved, STDERR_FILENO);
    assert_true(n > 0);
    out[n] = '\0';
    snprintf(wanted, sizeof wanted,
             "prog: warn: %zu lines are lost: the log is read too slowly\n"
             "prog: info: that was all\nprog: info: really\n",
             LINES - written);
    assert_string_equal(out, wanted);
    close(saved);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_others_is_escaped),
        cmocka_unit_test(an_escaped_text_stands_for_one_text_only),
        cmocka_unit_test(what_does_not_fit_is_cut_and_says_so),
        cmocka_unit_test(levels_have_names_both_ways),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(a_log_that_is_not_read_holds_up_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
