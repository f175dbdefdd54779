/* All tables are libunistring's. Its whole-string functions allocate; those for one character do
 * not. */
#include "word_glyph.h"

#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>
#include <uniwbrk.h>

static bool ignored(ucs4_t c)
{
    return uc_is_property_default_ignorable_code_point(c) || uc_is_property_emoji_modifier(c);
}

/* Of characters that Unicode's word breaks (UAX #29) leave to themselves, those that mean
 * something. */
static bool alone(ucs4_t c)
{
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N |
                                                   UC_CATEGORY_MASK_So);
}

static enum word_glyph_kind kind_of(ucs4_t c)
{
    if (ignored(c))
        return WORD_GLYPH_IGNORED;
    switch (uc_wordbreak_property(c)) {
    case WBP_ALETTER:
    case WBP_HL:
    case WBP_NUMERIC:
    case WBP_KATAKANA:
        return WORD_GLYPH_LETTER;
    case WBP_EXTEND:
        return WORD_GLYPH_MARK;
    default:
        return alone(c) ? WORD_GLYPH_ALONE : WORD_GLYPH_SEPARATOR;
    }
}

static void append(struct word_glyph *g, const uint8_t *bytes, size_t size)
{
    if (g->size + size > sizeof g->folded)
        return;
    memcpy(g->folded + g->size, bytes, size);
    g->size = (uint8_t)(g->size + size);
}

/* Folds the case of what has no decomposition; then the result has none either. */
static void fold_case(struct word_glyph *g, ucs4_t c)
{
    uint8_t plain[6];
    uint8_t folded[32];
    size_t size = sizeof folded;
    int n = u8_uctomb(plain, c, sizeof plain);
    if (n > 0 && u8_casefold(plain, (size_t)n, NULL, NULL, folded, &size) == folded)
        append(g, folded, size);
}

/* Decomposes until nothing is left to; a few levels deep. */
static void fold(struct word_glyph *g, ucs4_t c)
{
    ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
    int tag;
    int n = uc_decomposition(c, &tag, parts);
    for (int i = 0; i < n; i++)
        fold(g, parts[i]);
    if (n <= 0)
        fold_case(g, c);
}

void word_glyph_make(struct word_glyph *g, uint32_t code)
{
    static const ucs4_t i_with_dot = 0x130;
    *g = (struct word_glyph){
        .code = code,
        .kind = (uint8_t)kind_of(code),
        .ordered = uc_combining_class(code) != 0,
    };
    if (g->kind != WORD_GLYPH_SEPARATOR && g->kind != WORD_GLYPH_IGNORED)
        fold(g, code == i_with_dot ? 'i' : code);
}
