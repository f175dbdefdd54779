/* See wrap.h. */
#include "wrap.h"

#include "glyph.h"

void wrap_mark(struct wrap *w, struct str bytes)
{
    buffer_add(w->out, bytes);
}

void wrap_end(struct wrap *w)
{
    buffer_add_literal(w->out, "\r\n");
    w->at = 0;
    w->gap = 0;
}

/* Columns that may be used: the last one stays free, because terminals do not agree on what comes
 * after it. */
static size_t usable(const struct wrap *w)
{
    return w->columns - 1;
}

static void break_line(struct wrap *w)
{
    wrap_end(w);
    buffer_add_times(w->out, ' ', w->indent);
    w->at = w->indent;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Splits off what stands before the first byte that is (not) a blank. */
static struct str take_run(struct str *text, bool blank)
{
    size_t size = 0;
    while (size < text->size && is_blank(text->data[size]) == blank)
        size++;
    struct str run = str_from(text->data, size);
    *text = str_skip(*text, size);
    return run;
}

/* A word, behind the blanks that came before it; where both do not fit, the blanks go. */
static void put_word(struct wrap *w, struct str word)
{
    size_t columns = glyph_columns(word);
    bool fits = w->at + w->gap + columns <= usable(w);
    bool fits_below = w->columns >= WRAP_COLUMNS_MIN && w->indent + columns <= usable(w);
    if (!fits && fits_below && w->at > w->indent) {
        break_line(w);
    } else {
        buffer_add_times(w->out, ' ', w->gap);
        w->at += w->gap;
    }
    w->gap = 0;
    glyph_add(w->out, word, w->utf8);
    w->at += columns;
    if (w->at > usable(w))
        w->at %= w->columns;
}

void wrap_text(struct wrap *w, struct str text)
{
    while (text.size > 0) {
        w->gap += take_run(&text, true).size;
        struct str word = take_run(&text, false);
        if (word.size > 0)
            put_word(w, word);
    }
}
