/* Letters of all alphabets: the plain way for ASCII against the one for all characters, and that
 * one against libunistring, for every character there is. */
#include "letters.h"
#include "unit.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

enum { CODES = 0x110000, SEED = 5 };

static struct str utf8_of(ucs4_t code, char out[8])
{
    int size = u8_uctomb((uint8_t *)out, code, 8);
    return str_from(out, size > 0 ? (size_t)size : 0);
}

static uint64_t gist(struct str text)
{
    uint64_t g;
    assert_true(letters_gist(text, SEED, &g));
    return g;
}

static bool same(const char *a, const char *b)
{
    return gist(str_of(a)) == gist(str_of(b));
}

static struct str lower(struct str text, char *out)
{
    return str_from(out, letters_lower(text, out));
}

/* ---- every character ------------------------------------------------------------------------ */

static void letters_are_those_with_case(void **state)
{
    (void)state;
    for (ucs4_t code = 0; code < CODES; code++) {
        char bytes[8];
        struct str text = utf8_of(code, bytes);
        if (text.size == 0)
            continue; /* a surrogate */
        struct letters_count count = letters_count(text);
        assert_int_equal(count.letters, uc_is_property_cased(code));
        assert_int_equal(count.capitals, uc_is_property_uppercase(code));
    }
}

static void small_letters_are_those_of_the_tables_and_there_is_room_for_them(void **state)
{
    size_t grown = 0;
    (void)state;
    for (ucs4_t code = 0; code < CODES; code++) {
        char bytes[8];
        char expected[8];
        struct str text = utf8_of(code, bytes);
        if (text.size == 0)
            continue;
        char *out = malloc(LETTERS_LOWER_MAX(text.size) + 3); /* u8_uctomb() may ask for more */
        struct str small = lower(text, out);
        assert_str(small, utf8_of(uc_tolower(code), expected));
        assert_true(small.size <= LETTERS_LOWER_MAX(text.size));
        grown += small.size > text.size;
        free(out);
    }
    assert_true(grown > 0);
}

/* ---- ASCII ---------------------------------------------------------------------------------- */

/* A character that adds nothing makes the same text one for the other way. */
static void both_ways_see_the_same(void **state)
{
    static const char dash[] = "\xe2\x80\x94";
    struct unit_random r = {3};
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char plain[700];
        char wide[704];
        char out[2][1100];
        size_t size = unit_below(&r, round % 10 ? 90 : sizeof plain);
        for (size_t i = 0; i < size; i++)
            plain[i] = (char)unit_below(&r, 128);
        size_t cut = unit_below(&r, size + 1);
        memcpy(wide, plain, cut);
        memcpy(wide + cut, dash, 3);
        memcpy(wide + cut + 3, plain + cut, size - cut);
        struct str texts[2] = {str_from(plain, size), str_from(wide, size + 3)};

        struct letters_count a = letters_count(texts[0]);
        struct letters_count b = letters_count(texts[1]);
        assert_int_equal(a.letters, b.letters);
        assert_int_equal(a.capitals, b.capitals);

        struct str small = lower(texts[0], out[0]);
        struct str other = lower(texts[1], out[1]);
        assert_int_equal(small.size, size);
        assert_str(str_from(other.data, cut), str_from(small.data, cut));
        assert_str(str_skip(other, cut + 3), str_skip(small, cut));

        uint64_t gists[2] = {0, 1};
        bool any = letters_gist(texts[0], SEED, &gists[0]);
        assert_int_equal(letters_gist(texts[1], SEED, &gists[1]), any);
        assert_int_equal(gists[0], gists[1]);
    }
}

/* ---- gists ---------------------------------------------------------------------------------- */

static void what_reads_alike_has_one_gist(void **state)
{
    (void)state;
    assert_true(same("Buy my book!", "buy  MY, book"));
    assert_true(same("Ünï—CÖDE", "ünïc öde…"));
    assert_true(same("sp\xe2\x80\x8b"
                     "am",
                     "SPAM")); /* a space of no width */
    assert_true(same("漢字 👍", "漢字👍!"));
    assert_true(same("1, 2, 3", "12 3"));
    assert_false(same("buy my book", "buy my boot"));
    assert_false(same("uber", "über"));
    assert_false(same("👍", "👎"));
    assert_false(same("abc", "acb"));
}

static void a_text_without_letters_has_none(void **state)
{
    static const char *const texts[] = {"", "   ", "?!", "… — “”", "\xe2\x80\x8b"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        uint64_t g;
        assert_false(letters_gist(str_of(texts[i]), SEED, &g));
    }
}

static void the_seed_counts(void **state)
{
    uint64_t a;
    uint64_t b;
    (void)state;
    assert_true(letters_gist(STR("hello"), 1, &a));
    assert_true(letters_gist(STR("hello"), 2, &b));
    assert_true(a != b);
}

/* Gists are hashed in chunks: these must not depend on what stands between the letters. */
static void long_texts_are_told_apart_by_any_letter_and_by_nothing_else(void **state)
{
    enum { LETTERS = 700 };
    char text[LETTERS];
    char spaced[4 * LETTERS];
    struct unit_random r = {11};
    (void)state;
    for (size_t i = 0; i < LETTERS; i++)
        text[i] = (char)('a' + unit_below(&r, 26));
    for (size_t size = 1; size <= LETTERS; size++) {
        size_t used = 0;
        for (size_t i = 0; i < size; i++) {
            for (size_t n = unit_below(&r, 3); n > 0; n--)
                spaced[used++] = ' ';
            spaced[used++] = text[i];
        }
        uint64_t whole = gist(str_from(text, size));
        assert_int_equal(gist(str_from(spaced, used)), whole);
        text[size / 2] ^= 1;
        assert_true(gist(str_from(text, size)) != whole);
        text[size / 2] ^= 1;
    }
}

/* ---- bad input ------------------------------------------------------------------------------ */

static void text_that_is_no_utf8_does_no_harm(void **state)
{
    struct unit_random r = {17};
    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t size = unit_below(&r, 40);
        char *text = malloc(size + 1); /* of the exact size, for asan */
        char *out = malloc(LETTERS_LOWER_MAX(size) + 1);
        uint64_t g;
        for (size_t i = 0; i < size; i++)
            text[i] = (char)unit_below(&r, 256);
        struct letters_count count = letters_count(str_from(text, size));
        assert_true(count.capitals <= count.letters && count.letters <= size);
        assert_true(letters_lower(str_from(text, size), out) <= LETTERS_LOWER_MAX(size));
        letters_gist(str_from(text, size), SEED, &g);
        free(text);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_are_those_with_case),
        cmocka_unit_test(small_letters_are_those_of_the_tables_and_there_is_room_for_them),
        cmocka_unit_test(both_ways_see_the_same),
        cmocka_unit_test(what_reads_alike_has_one_gist),
        cmocka_unit_test(a_text_without_letters_has_none),
        cmocka_unit_test(the_seed_counts),
        cmocka_unit_test(long_texts_are_told_apart_by_any_letter_and_by_nothing_else),
        cmocka_unit_test(text_that_is_no_utf8_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
