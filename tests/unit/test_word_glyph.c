/* Folding against libunistring's own functions for whole strings, for every character there is. */
#include "unit.h"
#include "word_glyph.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

static struct word_glyph glyph(uint32_t code)
{
    struct word_glyph g;
    word_glyph_make(&g, code);
    return g;
}

/* D146 of the Unicode standard, less its first step, which is for sequences of characters. Freed by
 * the caller. */
static struct str compatibility_caseless(ucs4_t c)
{
    size_t size;
    uint32_t *decomposed = u32_normalize(UNINORM_NFKD, &c, 1, NULL, &size);
    uint32_t *folded = u32_casefold(decomposed, size, NULL, UNINORM_NFKD, NULL, &size);
    uint8_t *utf8 = u32_to_u8(folded, size, NULL, &size);
    assert_true(decomposed && folded && utf8);
    free(decomposed);
    free(folded);
    return str_from((char *)utf8, size);
}

static bool has_no_fold(const struct word_glyph *g)
{
    return g->kind == WORD_GLYPH_SEPARATOR || g->kind == WORD_GLYPH_IGNORED;
}

/* Planes 0 to 3 and the tags; the rest is unassigned or private. */
static void every_character_folds_as_the_standard_says(void **state)
{
    size_t longest = 0;
    (void)state;
    for (uint32_t c = 1; c < 0xe0200; c = c == 0x33fff ? 0xe0000 : c + 1) {
        struct word_glyph g = glyph(c);
        if ((c >= 0xd800 && c < 0xe000) || c == 0x130 || has_no_fold(&g))
            continue;
        struct str expected = compatibility_caseless(c);
        if (!str_equal(str_from(g.folded, g.size), expected))
            print_error("U+%04X\n", c);
        assert_str(str_from(g.folded, g.size), expected);
        longest = g.size > longest ? g.size : longest;
        free((char *)expected.data);
    }
    assert_int_equal(longest, WORD_GLYPH_FOLDED_MAX);
}

static void what_has_no_fold_has_no_bytes(void **state)
{
    (void)state;
    for (uint32_t c = 1; c < 0x30000; c++) {
        struct word_glyph g = glyph(c);
        assert_int_equal(g.size == 0, has_no_fold(&g));
        assert_int_equal(g.code, c);
    }
}

static void characters_are_of_their_kind(void **state)
{
    static const struct {
        enum word_glyph_kind kind;
        uint32_t codes[24];
    } cases[] = {
        {WORD_GLYPH_SEPARATOR,
         {' ', '\t', '\n', '.', '_', '-', '\'', '*', '$', '+', 0xa0, 0xb4, 0x2019, 0x20ac, 0x203f,
          0x3000, 0x3002, 0xff01, 0x85}},
        {WORD_GLYPH_LETTER,
         {'a', 'Z', '0', '9', 0xdf, 0x131, 0x3c2, 0x416, 0x5d0, 0x627, 0x905, 0x30ab, 0xff76,
          0xac00, 0x1100, 0xff53, 0x1d42c, 0x24e2, 0x664}},
        {WORD_GLYPH_MARK, {0x300, 0x307, 0x323, 0x5b0, 0x64b, 0x93e, 0x94d, 0x20e3, 0x3099, 0xe34}},
        {WORD_GLYPH_ALONE,
         {0x4e00, 0x9fff, 0x20000, 0x3042, 0xe01, 0xe81, 0x1000, 0x1780, 0x1f600, 0x2764, 0x1f1e6,
          0x2122, 0xbd, 0xb2}},
        {WORD_GLYPH_IGNORED,
         {0xad, 0x34f, 0x200b, 0x200c, 0x200d, 0x2060, 0xfe0f, 0xfeff, 0xe0067, 0x1f3fb, 0x1f3ff,
          0x115f}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (const uint32_t *c = cases[i].codes; *c; c++) {
            if (glyph(*c).kind != cases[i].kind)
                print_error("U+%04X\n", *c);
            assert_int_equal(glyph(*c).kind, cases[i].kind);
        }
    }
}

static void only_marks_are_ordered(void **state)
{
    (void)state;
    assert_true(glyph(0x301).ordered && glyph(0x323).ordered && glyph(0x3099).ordered);
    assert_false(glyph(0x93e).ordered || glyph(0xe9).ordered || glyph('e').ordered);
}

/* "İ" is an i; "ı" is none, nor is its capital told from that of i. */
static void the_letters_i_of_turkish(void **state)
{
    struct word_glyph dotted = glyph(0x130);
    struct word_glyph dotless = glyph(0x131);
    struct word_glyph capital = glyph('I');
    (void)state;
    assert_str(str_from(dotted.folded, dotted.size), STR("i"));
    assert_str(str_from(dotless.folded, dotless.size), STR("\xc4\xb1"));
    assert_str(str_from(capital.folded, capital.size), STR("i"));
}

/* Numbers that are no characters must not harm. */
static void no_characters_are_separators(void **state)
{
    static const uint32_t codes[] = {0, 0xd800, 0xdfff, 0xffff, 0x10ffff, 0x110000, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(codes); i++)
        assert_true(has_no_fold(&(struct word_glyph){.kind = glyph(codes[i]).kind}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_folds_as_the_standard_says),
        cmocka_unit_test(what_has_no_fold_has_no_bytes),
        cmocka_unit_test(characters_are_of_their_kind),
        cmocka_unit_test(only_marks_are_ordered),
        cmocka_unit_test(the_letters_i_of_turkish),
        cmocka_unit_test(no_characters_are_separators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
