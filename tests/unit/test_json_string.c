/* JSON strings, read back by jansson. */
#include "json_string.h"
#include "unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistr.h>

/* In memory of the exact size, for asan. */
static struct str quote(struct str text, size_t most)
{
    char *out = malloc(JSON_STRING_MAX(text.size));
    return str_from(out, json_string_write(text, most, out));
}

static void assert_quoted(struct str text, size_t most, const char *expected)
{
    struct str quoted = quote(text, most);
    assert_str(quoted, str_of(expected));
    free((char *)quoted.data);
}

static void texts_are_quoted_in_ascii(void **state)
{
    (void)state;
    assert_quoted(STR(""), SIZE_MAX, "\"\"");
    assert_quoted(STR("hello"), SIZE_MAX, "\"hello\"");
    assert_quoted(STR("\"\\/\x7f\t"), SIZE_MAX, "\"\\\"\\\\/\\u007f\\u0009\"");
    assert_quoted(STR("\0a"), SIZE_MAX, "\"\\u0000a\"");
    assert_quoted(STR("ä€😀"), SIZE_MAX, "\"\\u00e4\\u20ac\\ud83d\\ude00\"");
    assert_quoted(STR("a\xff"), SIZE_MAX, "\"a\\ufffd\"");
}

static void what_is_too_long_is_cut_between_characters(void **state)
{
    (void)state;
    assert_quoted(STR("hello"), 5, "\"hello\"");
    assert_quoted(STR("hello"), 4, "\"hell...\"");
    assert_quoted(STR("hello"), 0, "\"...\"");
    assert_quoted(STR(""), 0, "\"\"");
    assert_quoted(STR("a\""), 2, "\"a...\"");
    assert_quoted(STR("😀"), 12, "\"\\ud83d\\ude00\"");
    assert_quoted(STR("😀"), 11, "\"...\"");
}

/* Every character comes back as it was; U+0000 does not go into a C string. */
static void any_character_comes_back(void **state)
{
    (void)state;
    for (uint32_t code = 1; code < 0x110000; code++) {
        if (code >= 0xd800 && code < 0xe000)
            continue;
        uint8_t bytes[6];
        int size = u8_uctomb(bytes, code, sizeof bytes);
        struct str text = str_from((char *)bytes, (size_t)size);
        struct str quoted = quote(text, SIZE_MAX);
        json_t *json = json_loadb(quoted.data, quoted.size, JSON_DECODE_ANY, NULL);
        assert_non_null(json);
        assert_str(str_of(json_string_value(json)), text);
        json_decref(json);
        free((char *)quoted.data);
    }
}

/* Whatever it is: no more than there is room for, of ASCII only, and JSON. */
static void any_bytes_are_json_within_bounds(void **state)
{
    struct unit_random r = {31};
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char bytes[40];
        size_t size = unit_below(&r, sizeof bytes);
        size_t most = unit_below(&r, 2) ? SIZE_MAX : unit_below(&r, 100);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (char)unit_below(&r, 256);
        struct str quoted = quote(str_from(bytes, size), most);
        assert_true(quoted.size <= JSON_STRING_MAX(size));
        assert_true(most == SIZE_MAX || quoted.size <= most + 5);
        for (size_t i = 0; i < quoted.size; i++)
            assert_in_range(quoted.data[i], 0x20, 0x7e);
        json_t *json = json_loadb(quoted.data, quoted.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(json);
        json_decref(json);
        free((char *)quoted.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_quoted_in_ascii),
        cmocka_unit_test(what_is_too_long_is_cut_between_characters),
        cmocka_unit_test(any_character_comes_back),
        cmocka_unit_test(any_bytes_are_json_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
