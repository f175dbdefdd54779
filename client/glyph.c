/* See glyph.h. */
#include "glyph.h"

#include <unistr.h>
#include <uniwidth.h>

enum {
    REPLACEMENT = 0xfffd,
    DELETE = 0x7f,
};

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= DELETE && c < 0xa0);
}

/* Bidirectional controls; the separators of lines and paragraphs; the soft hyphen, of which no two
 * terminals think alike. */
static bool is_unwanted(uint32_t c)
{
    return c == 0xad || c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

static unsigned columns_of(uint32_t c)
{
    if (c >= 0x20 && c < DELETE)
        return 1;
    if (is_control(c))
        return 2;
    if (is_unwanted(c))
        return 0;
    int width = uc_width(c, "UTF-8");
    return width < 0 ? 0 : (unsigned)width;
}

bool glyph_take(struct str *text, struct glyph *out)
{
    if (text->size == 0)
        return false;
    ucs4_t c;
    int size = u8_mbtoucr(&c, (const uint8_t *)text->data, text->size);
    if (size <= 0) {
        size = 1;
        c = REPLACEMENT;
    }
    out->bytes = str_from(text->data, (size_t)size);
    out->code = c;
    out->columns = columns_of(c);
    *text = str_skip(*text, (size_t)size);
    return true;
}

size_t glyph_columns(struct str text)
{
    size_t columns = 0;
    struct glyph g;
    while (glyph_take(&text, &g))
        columns += g.columns;
    return columns;
}

size_t glyph_fit(struct str text, size_t columns, size_t *used)
{
    const char *start = text.data;
    struct glyph g;
    *used = 0;
    for (struct str rest = text; glyph_take(&rest, &g); text = rest) {
        if (*used + g.columns > columns)
            break;
        *used += g.columns;
    }
    return (size_t)(text.data - start);
}

static void add_control(struct buffer *out, uint32_t c)
{
    buffer_add_char(out, '^');
    buffer_add_char(out, c == DELETE ? '?' : (char)((c & 0x1f) + '@'));
}

static void add_one(struct buffer *out, const struct glyph *g, bool utf8)
{
    if (is_control(g->code))
        add_control(out, g->code);
    else if (is_unwanted(g->code))
        return;
    else if (g->code < DELETE)
        buffer_add(out, g->bytes);
    else if (!utf8)
        buffer_add_times(out, '?', g->columns);
    else if (g->code == REPLACEMENT)
        buffer_add_literal(out, "\xef\xbf\xbd");
    else
        buffer_add(out, g->bytes);
}

void glyph_add(struct buffer *out, struct str text, bool utf8)
{
    struct glyph g;
    while (glyph_take(&text, &g))
        add_one(out, &g, utf8);
}
