/*
 * Cleaning against a decoder written from table 3-7 of the Unicode standard, names, and the
 * comparison of names.
 */
#include "text.h"
#include "unit.h"

#include <stdlib.h>

#define FFFD "\xef\xbf\xbd"

/* Cleans into a buffer of just the size that is promised to do. */
static struct str clean(struct str in, struct text_repairs *repairs, char **buffer)
{
    *buffer = malloc(TEXT_CLEAN_MAX(in.size) + (in.size == 0));
    assert_non_null(*buffer);
    return text_clean(in, *buffer, repairs);
}

static void assert_clean(struct str in, struct str expected, size_t controls, size_t invalid)
{
    char *buffer;
    struct text_repairs repairs = {100, 200};
    struct str out = clean(in, &repairs, &buffer);
    assert_str(out, expected);
    assert_int_equal(repairs.controls, 100 + controls);
    assert_int_equal(repairs.invalid, 200 + invalid);
    if (controls + invalid == 0)
        assert_ptr_equal(out.data, in.data);
    free(buffer);
}

/* ---- the oracle ----------------------------------------------------------------------------- */

/* Which second bytes may follow a lead byte (table 3-7), and how long the sequence is. */
static size_t lead(unsigned char c, unsigned char *low, unsigned char *high)
{
    *low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    *high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    return c < 0x80                ? 1
           : c >= 0xc2 && c < 0xe0 ? 2
           : c >= 0xe0 && c < 0xf0 ? 3
           : c >= 0xf0 && c < 0xf5 ? 4
                                   : 0;
}

/* The longest start of `s` that could begin a character; *whole if it is one. */
static size_t maximal(struct str s, bool *whole)
{
    unsigned char low;
    unsigned char high;
    size_t size = lead((unsigned char)s.data[0], &low, &high);
    size_t n = 1;
    for (; n < size && n < s.size; n++) {
        unsigned char c = (unsigned char)s.data[n];
        if (c < low || c > high)
            break;
        low = 0x80;
        high = 0xbf;
    }
    *whole = n == size;
    return n;
}

static bool control(struct str c)
{
    unsigned char first = (unsigned char)c.data[0];
    if (c.size == 1)
        return (first < 0x20 && first != '\t') || first == 0x7f;
    return c.size == 2 && first == 0xc2 && (unsigned char)c.data[1] < 0xa0;
}

/* Compares text_clean() with the oracle. */
static void assert_as_the_standard_says(struct str in)
{
    char expected[256];
    size_t used = 0;
    struct text_repairs repairs = {0};
    for (struct str rest = in; rest.size > 0;) {
        bool whole;
        size_t n = maximal(rest, &whole);
        if (!whole) {
            memcpy(expected + used, FFFD, 3);
            used += 3;
            repairs.invalid++;
        } else if (control(str_from(rest.data, n))) {
            repairs.controls++;
        } else {
            memcpy(expected + used, rest.data, n);
            used += n;
        }
        rest = str_skip(rest, n);
    }
    assert_clean(in, str_from(expected, used), repairs.controls, repairs.invalid);
    assert_int_equal(text_is_clean(in), repairs.controls + repairs.invalid == 0);
}

/* ---- cleaning ------------------------------------------------------------------------------- */

static void clean_text_comes_back_untouched(void **state)
{
    static const char *const texts[] = {
        "",
        "a",
        "hello, world",
        "tab\there",
        "\t",
        "12345678",
        "1234567890123456",
        "~ }",
        "Grüße",
        "日本語",
        "\xf0\x9f\x98\x80",
        "\xf4\x8f\xbf\xbf",
        "\xef\xbf\xbd",
        "e\xcc\x81",
        "\xc2\xa0",
        "\xed\x9f\xbf\xee\x80\x80",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_clean(str_of(texts[i]), str_of(texts[i]), 0, 0);
    assert_clean((struct str){0}, STR(""), 0, 0);
}

/* The examples of the standard, section 3.9, and how many marks they give there. */
static void runs_are_those_of_unicode_tables_3_8_to_3_11(void **state)
{
    static const struct {
        const char *in;
        const char *out;
        size_t invalid;
    } tables[] = {
        {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A", 8},
        {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A", 8},
        {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B", 7},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", FFFD FFFD FFFD FFFD "A", 4},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        assert_clean(str_of(tables[i].in), str_of(tables[i].out), 0, tables[i].invalid);
}

static void a_character_cut_off_by_the_end_is_one_run(void **state)
{
    static const char *const texts[] = {
        "\xc3", "\xe2", "\xe2\x82", "\xf0", "\xf0\x9f", "\xf0\x9f\x98", "\xed\x9f", "\xf4\x8f\xbf",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_clean(str_of(texts[i]), STR(FFFD), 0, 1);
    assert_clean(STR("\xed\xa0"), STR(FFFD FFFD), 0, 2);
    assert_clean(STR("\xf0\x80"), STR(FFFD FFFD), 0, 2);
    assert_clean(STR("\xf4\x90\x80"), STR(FFFD FFFD FFFD), 0, 3);
}

/* Every control, at every place of the eight bytes that are looked at together. */
static void controls_other_than_tab_are_removed(void **state)
{
    (void)state;
    for (int c = 0; c < 0x80; c++) {
        for (size_t at = 0; at < 20; at++) {
            char in[20] = "abcdefghijklmnopqrs";
            char out[20];
            in[19] = 't';
            in[at] = (char)c;
            memcpy(out, in, at);
            memcpy(out + at, in + at + 1, sizeof in - at - 1);
            if ((c < 0x20 && c != '\t') || c == 0x7f)
                assert_clean(str_from(in, 20), str_from(out, 19), 1, 0);
            else
                assert_clean(str_from(in, 20), str_from(in, 20), 0, 0);
        }
    }
}

static void c1_controls_are_removed_as_characters_and_replaced_as_bytes(void **state)
{
    (void)state;
    for (int c = 0x80; c < 0xa0; c++) {
        const char as_utf8[] = {'a', '\xc2', (char)c, 'b'};
        const char as_byte[] = {'a', (char)c, 'b'};
        assert_clean(str_from(as_utf8, 4), STR("ab"), 1, 0);
        assert_clean(str_from(as_byte, 3), STR("a" FFFD "b"), 0, 1);
    }
    assert_clean(STR("\xc2\xa0"), STR("\xc2\xa0"), 0, 0);
}

static void escape_sequences_lose_their_teeth(void **state)
{
    (void)state;
    assert_clean(str_from("\x1b[2J\x1b]0;x\x07\0\r\n", 13), STR("[2J]0;x"), 6, 0);
    assert_clean(STR("\xc2\x9b"
                     "31m"),
                 STR("31m"), 1, 0);
    /* What removal brings together was judged apart already. */
    assert_clean(str_from("\xc2\0\x9b", 3), STR(FFFD FFFD), 1, 2);
}

static void a_buffer_of_three_times_the_size_is_enough(void **state)
{
    char in[64];
    char out[192];
    (void)state;
    memset(in, 0xff, sizeof in);
    for (size_t i = 0; i < sizeof in; i++)
        memcpy(out + 3 * i, FFFD, 3);
    for (size_t size = 1; size <= sizeof in; size++)
        assert_clean(str_from(in, size), str_from(out, 3 * size), 0, size);
}

/* Bytes at which anything can change, up to four in a row, behind every alignment. */
static void all_short_sequences_are_judged_as_the_standard_says(void **state)
{
    static const unsigned char bytes[] = {0x00, 0x09, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                          0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed,
                                          0xee, 0xf0, 0xf1, 0xf4, 0xf5, 0xff};
    const size_t n = sizeof bytes;
    (void)state;
    for (size_t i = 0; i < n * n * n * n; i++) {
        char in[13] = "abcdefgh";
        size_t before = i % 9;
        size_t code = i;
        for (size_t k = 0; k < 4; k++, code /= n)
            in[before + k] = (char)bytes[code % n];
        assert_as_the_standard_says(str_from(in, before + 4));
    }
}

static void random_bytes_are_judged_as_the_standard_says(void **state)
{
    struct unit_random r = {3};
    (void)state;
    for (int round = 0; round < 50000; round++) {
        char in[64];
        size_t size = unit_below(&r, sizeof in + 1);
        bool mostly_ascii = unit_below(&r, 2);
        for (size_t i = 0; i < size; i++) {
            uint64_t c = unit_random(&r);
            in[i] = (char)(mostly_ascii && c >> 60 ? 0x20 + c % 0x60 : c);
        }
        assert_as_the_standard_says(str_from(in, size));
    }
}

/* ---- names ---------------------------------------------------------------------------------- */

static void assert_fault(const char *fault, const char *expected)
{
    if (expected)
        assert_string_equal(fault ? fault : "(none)", expected);
    else
        assert_null(fault);
}

#define SPACES  "may have no spaces"
#define LETTERS "may have none of : # @ * ! /"
#define LONG    "is longer than 32 bytes"
#define NO_ROOM "is no room: rooms are written #name"

static void nicks_are_1_to_32_bytes_without_what_means_something(void **state)
{
    static const struct {
        const char *nick;
        const char *fault;
    } cases[] = {
        {"a", NULL},
        {"ann", NULL},
        {"client-7", NULL},
        {"Jörg", NULL},
        {"\"\\'<>,.;", NULL},
        {"12345678901234567890123456789012", NULL},
        {"123456789012345678901234567890\xc3\xa4", NULL},
        {"123456789012345678901234567890123", LONG},
        {"1234567890123456789012345678901\xc3\xa4", LONG},
        {"", "is empty"},
        {" ", SPACES},
        {"a b", SPACES},
        {"a\tb", SPACES},
        {"ann ", SPACES},
        {":a", LETTERS},
        {"a#", LETTERS},
        {"a@b", LETTERS},
        {"*", LETTERS},
        {"a!", LETTERS},
        {"/a", LETTERS},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_fault(text_nick_fault(str_of(cases[i].nick)), cases[i].fault);
}

static void rooms_are_a_hash_and_1_to_31_bytes(void **state)
{
    static const struct {
        const char *room;
        const char *fault;
    } cases[] = {
        {"#a", NULL},
        {"#lobby", NULL},
        {"#日本", NULL},
        {"#1234567890123456789012345678901", NULL},
        {"#12345678901234567890123456789012", LONG},
        {"", NO_ROOM},
        {"#", NO_ROOM},
        {"lobby", NO_ROOM},
        {"a#b", NO_ROOM},
        {"##", LETTERS},
        {"#a#b", LETTERS},
        {"#a b", SPACES},
        {"#\t", SPACES},
        {"#a:b", LETTERS},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_fault(text_room_fault(str_of(cases[i].room)), cases[i].fault);
}

static void names_compare_without_ascii_case_only(void **state)
{
    static const struct {
        struct str a;
        struct str b;
        bool equal;
    } cases[] = {
        {{"", 0}, {NULL, 0}, true},
        {{"ann", 3}, {"ANN", 3}, true},
        {{"azAZ", 4}, {"AZaz", 4}, true},
        {{"ann", 3}, {"anna", 4}, false},
        {{"ann", 3}, {"any", 3}, false},
        {{"@[`{", 4}, {"@[`{", 4}, true},
        {{"@", 1}, {"`", 1}, false},
        {{"[", 1}, {"{", 1}, false},
        {{"\xc3\xa4", 2}, {"\xc3\x84", 2}, false},
        {{"\xe4", 1}, {"\xc4", 1}, false},
        {{"a\0b", 3}, {"A\0B", 3}, true},
        {{"a\0b", 3}, {"a\0c", 3}, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(text_equal_fold(cases[i].a, cases[i].b), cases[i].equal);
        assert_int_equal(text_equal_fold(cases[i].b, cases[i].a), cases[i].equal);
    }
}

static void words_are_split_off_at_spaces(void **state)
{
    static const struct {
        const char *in;
        const char *word;
        const char *rest;
    } cases[] = {
        {"", "", ""},
        {"   ", "", ""},
        {"one", "one", ""},
        {"one two", "one", "two"},
        {"  one   two  three ", "one", "two  three "},
        {"a\tb c", "a\tb", "c"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str s = str_of(cases[i].in);
        assert_str(str_word(&s), str_of(cases[i].word));
        assert_str(s, str_of(cases[i].rest));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_text_comes_back_untouched),
        cmocka_unit_test(runs_are_those_of_unicode_tables_3_8_to_3_11),
        cmocka_unit_test(a_character_cut_off_by_the_end_is_one_run),
        cmocka_unit_test(controls_other_than_tab_are_removed),
        cmocka_unit_test(c1_controls_are_removed_as_characters_and_replaced_as_bytes),
        cmocka_unit_test(escape_sequences_lose_their_teeth),
        cmocka_unit_test(a_buffer_of_three_times_the_size_is_enough),
        cmocka_unit_test(all_short_sequences_are_judged_as_the_standard_says),
        cmocka_unit_test(random_bytes_are_judged_as_the_standard_says),
        cmocka_unit_test(nicks_are_1_to_32_bytes_without_what_means_something),
        cmocka_unit_test(rooms_are_a_hash_and_1_to_31_bytes),
        cmocka_unit_test(names_compare_without_ascii_case_only),
        cmocka_unit_test(words_are_split_off_at_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
