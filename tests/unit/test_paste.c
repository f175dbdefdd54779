/*
 * The paste guard: what is put in, what is asked about, what is refused.
 */
#include "paste.h"
#include "unit.h"

#include <stdlib.h>

static void assert_line(struct paste *p, struct str expected, bool expected_whole)
{
    struct str line;
    bool whole;
    assert_true(paste_take(p, &line, &whole));
    assert_str(line, expected);
    assert_int_equal(whole, expected_whole);
}

static void assert_end(struct paste *p)
{
    struct str line;
    bool whole;
    assert_false(paste_take(p, &line, &whole));
    assert_int_equal(p->lines, 0);
}

static void a_word(void **state)
{
    (void)state;
    struct paste p = {0};
    paste_add(&p, STR("hel"));
    paste_add(&p, STR("lo"));
    assert_int_equal(paste_end(&p), PASTE_INSERT);
    assert_int_equal(p.lines, 1);
    assert_line(&p, STR("hello"), false);
    assert_end(&p);
    paste_fini(&p);
}

static void nothing(void **state)
{
    (void)state;
    struct paste p = {0};
    assert_int_equal(paste_end(&p), PASTE_NOTHING);
    paste_add(&p, STR("\x1b\x07\x7f"));
    assert_int_equal(paste_end(&p), PASTE_NOTHING);
    paste_fini(&p);
}

static void newlines_of_all_kinds(void **state)
{
    (void)state;
    struct paste p = {0};
    paste_add(&p, STR("a\rb\nc\r"));
    paste_add(&p, STR("\nd\r\r"));
    assert_int_equal(paste_end(&p), PASTE_INSERT);
    assert_int_equal(p.lines, 5);
    assert_line(&p, STR("a"), true);
    assert_line(&p, STR("b"), true);
    assert_line(&p, STR("c"), true);
    assert_line(&p, STR("d"), true);
    assert_line(&p, STR(""), true);
    assert_end(&p);
    paste_fini(&p);
}

static void controls_go(void **state)
{
    (void)state;
    struct paste p = {0};
    paste_add(&p, STR("a\tb\x1b[31mc\x03\x7f gr\xc3\xbc\xc3\x9f"));
    assert_int_equal(paste_end(&p), PASTE_INSERT);
    assert_line(&p, STR("a b[31mc gr\xc3\xbc\xc3\x9f"), false);
    assert_end(&p);
    paste_fini(&p);
}

static void add_lines(struct paste *p, size_t lines)
{
    for (size_t i = 0; i < lines; i++)
        paste_add(p, STR("line\r"));
}

static void many_lines_are_asked_about(void **state)
{
    (void)state;
    struct paste p = {0};
    add_lines(&p, PASTE_LINES_FREE);
    assert_int_equal(paste_end(&p), PASTE_INSERT);
    paste_drop(&p);
    add_lines(&p, PASTE_LINES_FREE);
    paste_add(&p, STR("and a half"));
    assert_int_equal(paste_end(&p), PASTE_ASK);
    assert_int_equal(p.lines, PASTE_LINES_FREE + 1);

    /* another one before there was an answer */
    add_lines(&p, 10000);
    assert_int_equal(paste_end(&p), PASTE_ASK);
    assert_int_equal(p.lines, PASTE_LINES_FREE + 10000);
    for (int i = 0; i < PASTE_LINES_FREE; i++)
        assert_line(&p, STR("line"), true);
    assert_line(&p, STR("and a halfline"), true);
    for (int i = 1; i < 10000; i++)
        assert_line(&p, STR("line"), true);
    assert_end(&p);
    paste_fini(&p);
}

static void there_is_a_limit(void **state)
{
    (void)state;
    enum { PIECE = 1 << 16 };
    struct paste p = {0};
    char *piece = malloc(PIECE);
    assert_non_null(piece);
    memset(piece, 'x', PIECE);
    for (int i = 0; i < 2 * PASTE_BYTES_MAX / PIECE; i++)
        paste_add(&p, str_from(piece, PIECE));
    assert_in_range(p.text.capacity, PASTE_BYTES_MAX, 2 * PASTE_BYTES_MAX);
    assert_int_equal(paste_end(&p), PASTE_TOO_LONG);
    assert_end(&p);
    paste_add(&p, STR("ok"));
    assert_int_equal(paste_end(&p), PASTE_INSERT);
    assert_line(&p, STR("ok"), false);
    paste_fini(&p);
    free(piece);
}

static void without_memory_it_is_refused(void **state)
{
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct paste p = {0};
        add_lines(&p, 1000);
        enum paste_verdict verdict = paste_end(&p);
        assert_int_equal(verdict, unit_alloc_failed() ? PASTE_TOO_LONG : PASTE_ASK);
        paste_fini(&p);
    }
    unit_alloc_fail_at(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word),
        cmocka_unit_test(nothing),
        cmocka_unit_test(newlines_of_all_kinds),
        cmocka_unit_test(controls_go),
        cmocka_unit_test(many_lines_are_asked_about),
        cmocka_unit_test(there_is_a_limit),
        cmocka_unit_test(without_memory_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
