/*
 * Characters and their columns, and that nothing a text holds can do anything to a terminal.
 */
#include "glyph.h"
#include "unit.h"

#define NI_HAO "\xe4\xbd\xa0\xe5\xa5\xbd"
#define ACUTE  "\xcc\x81" /* combining */
#define FFFD   "\xef\xbf\xbd"

static void assert_shown(struct str text, bool utf8, struct str expected)
{
    struct buffer out = {0};
    glyph_add(&out, text, utf8);
    assert_str(buffer_str(&out), expected);
    assert_int_equal(glyph_columns(text), glyph_columns(buffer_str(&out)));
    buffer_fini(&out);
}

static void columns_are_those_of_unicode(void **state)
{
    (void)state;
    assert_int_equal(glyph_columns(STR("")), 0);
    assert_int_equal(glyph_columns(STR("hello")), 5);
    assert_int_equal(glyph_columns(STR("gr\xc3\xbc\xc3\x9f")), 4);
    assert_int_equal(glyph_columns(STR(NI_HAO)), 4);
    assert_int_equal(glyph_columns(STR("e" ACUTE)), 1);
    assert_int_equal(glyph_columns(STR("\xf0\x9f\x91\x8b")), 2);
    assert_int_equal(glyph_columns(STR("\x1b[")), 3);
    assert_int_equal(glyph_columns(STR("\xff\xfe")), 2);
}

static void what_fits(void **state)
{
    (void)state;
    size_t used;
    assert_int_equal(glyph_fit(STR("hello"), 3, &used), 3);
    assert_int_equal(used, 3);
    assert_int_equal(glyph_fit(STR("hello"), 9, &used), 5);
    assert_int_equal(used, 5);
    assert_int_equal(glyph_fit(STR(NI_HAO), 3, &used), 3);
    assert_int_equal(used, 2);
    assert_int_equal(glyph_fit(STR("e" ACUTE "x"), 1, &used), 3);
    assert_int_equal(used, 1);
    assert_int_equal(glyph_fit(STR("x"), 0, &used), 0);
}

static void text_is_made_safe(void **state)
{
    (void)state;
    assert_shown(STR("hello"), true, STR("hello"));
    assert_shown(STR("\x1b[2J\a\r\n\t\x7f"), true, STR("^[[2J^G^M^J^I^?"));
    assert_shown(STR("\xc2\x9b"
                     "6n"),
                 true, STR("^[6n"));
    assert_shown(STR("\xffx\xe4\xbd"), true, STR(FFFD "x" FFFD FFFD));
    assert_shown(STR(NI_HAO "e" ACUTE), true, STR(NI_HAO "e" ACUTE));
}

/* `code` in UTF-8 between a and b. */
static struct str between(char *out, unsigned code)
{
    char *end = out;
    *end++ = 'a';
    if (code < 0x800) {
        *end++ = (char)(0xc0 | code >> 6);
    } else {
        *end++ = (char)(0xe0 | code >> 12);
        *end++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *end++ = (char)(0x80 | (code & 0x3f));
    *end++ = 'b';
    return str_from(out, (size_t)(end - out));
}

static void what_turns_or_breaks_the_text_goes(void **state)
{
    (void)state;
    static const unsigned unwanted[] = {0xad,   0x61c,  0x200e, 0x200f, 0x2028,
                                        0x2029, 0x202a, 0x202b, 0x202c, 0x202d,
                                        0x202e, 0x2066, 0x2067, 0x2068, 0x2069};
    char text[8];
    for (size_t i = 0; i < COUNT_OF(unwanted); i++)
        assert_shown(between(text, unwanted[i]), true, STR("ab"));
    assert_shown(between(text, 0x2030), true, between(text, 0x2030));
}

static void a_terminal_of_ascii_sees_ascii(void **state)
{
    (void)state;
    assert_shown(STR("gr\xc3\xbc\xc3\x9f"), false, STR("gr??"));
    assert_shown(STR(NI_HAO "e" ACUTE "!"), false, STR("????e!"));
    assert_shown(STR("\xff\x1b"), false, STR("?^["));
}

/* Whatever comes: no control characters, and as wide as was said. */
static void any_bytes_are_harmless(void **state)
{
    (void)state;
    struct unit_random r = {1};
    for (int round = 0; round < 20000; round++) {
        char bytes[12];
        size_t size = unit_below(&r, sizeof bytes + 1);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (char)unit_random(&r);
        for (int utf8 = 0; utf8 < 2; utf8++) {
            struct buffer out = {0};
            glyph_add(&out, str_from(bytes, size), utf8);
            assert_int_equal(glyph_columns(buffer_str(&out)), glyph_columns(str_from(bytes, size)));
            struct glyph g;
            for (struct str rest = buffer_str(&out); glyph_take(&rest, &g);)
                assert_true(g.code >= 0x20 && g.code != 0x7f &&
                            !(g.code >= 0x80 && g.code < 0xa0) && (utf8 || g.code < 0x80));
            buffer_fini(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_those_of_unicode),
        cmocka_unit_test(what_fits),
        cmocka_unit_test(text_is_made_safe),
        cmocka_unit_test(what_turns_or_breaks_the_text_goes),
        cmocka_unit_test(a_terminal_of_ascii_sees_ascii),
        cmocka_unit_test(any_bytes_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
