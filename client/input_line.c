/* See input_line.h. */
#include "input_line.h"

#include "glyph.h"

enum {
    MARGIN_MAX = 8,  /* columns that stay in sight on both sides of the cursor */
    MARKS_FROM = 10, /* no < and > in a narrower row */
};

/* The last column stays free: terminals do not agree on what comes after it. */
static size_t usable(const struct input_screen *screen)
{
    return screen->columns > 1 ? screen->columns - 1 : 1;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- erasing ------------------------------------------------------------------------------- */

void input_line_erase(struct input_line *l, const struct input_screen *screen, struct buffer *out)
{
    buffer_add_char(out, '\r');
    if (l->drawn > 0 && screen->dumb) {
        buffer_add_times(out, ' ', l->drawn);
        buffer_add_char(out, '\r');
    } else if (!screen->dumb) {
        buffer_add_literal(out, "\x1b[K");
    }
    l->drawn = 0;
    l->cursor = 0;
}

/* Row by row: where the whole screen is erased at once, some terminals keep what was there. */
void input_line_erase_resized(struct input_line *l, const struct input_screen *screen,
                              struct buffer *out)
{
    if (screen->dumb || l->drawn <= screen->columns) {
        input_line_erase(l, screen, out);
        return;
    }
    size_t rows_above = l->cursor / screen->columns;
    size_t rows = (l->drawn + screen->columns - 1) / screen->columns;
    buffer_add_char(out, '\r');
    if (rows_above > 0)
        buffer_printf(out, "\x1b[%zuA", rows_above);
    buffer_add_literal(out, "\x1b[K");
    for (size_t row = 1; row < rows; row++)
        buffer_add_literal(out, "\x1b[B\x1b[K");
    buffer_printf(out, "\x1b[%zuA", rows - 1);
    l->drawn = 0;
    l->cursor = 0;
}

/* ---- what part of the text is shown -------------------------------------------------------- */

/* Moves `start` as little as it takes to have the cursor in sight, in `room` columns. */
static void choose_start(struct input_line *l, size_t room, size_t total, size_t cursor)
{
    if (total < room) {
        l->start = 0;
        return;
    }
    size_t margin = least(room / 4, MARGIN_MAX);
    if (cursor < l->start + margin)
        l->start = cursor > room / 2 ? cursor - room / 2 : 0;
    if (cursor + margin >= l->start + room)
        l->start = cursor + 1 > room - margin ? cursor + 1 - (room - margin) : 0;
    l->start = least(l->start, total + 1 - room);
}

/* What is left of `text` behind its first `columns` columns and what combines with them; *pad is 1
 * if that cuts a wide character in two. */
static struct str skip_columns(struct str text, size_t columns, size_t *pad)
{
    size_t passed = 0;
    struct glyph g;
    for (struct str rest = text; columns > 0 && glyph_take(&rest, &g); text = rest) {
        if (passed >= columns && g.columns > 0)
            break;
        passed += g.columns;
    }
    *pad = passed > columns ? passed - columns : 0;
    return text;
}

/* The text in `room` columns. Returns how many were used. */
static size_t draw_text(const struct input_line *l, const struct input_screen *screen, size_t room,
                        struct str text, struct buffer *out)
{
    bool marks = room >= MARKS_FROM;
    bool mark_before = marks && l->start > 0;
    size_t pad;
    struct str rest = skip_columns(text, l->start + mark_before, &pad);
    buffer_add_times(out, '<', mark_before);
    buffer_add_times(out, ' ', pad);
    size_t column = mark_before + pad;
    bool mark_behind = marks && column + glyph_columns(rest) > room;
    size_t used;
    size_t size = glyph_fit(rest, room - column - mark_behind, &used);
    glyph_add(out, str_from(rest.data, size), screen->utf8);
    column += used;
    if (!mark_behind)
        return column;
    buffer_add_times(out, ' ', room - 1 - column);
    buffer_add_char(out, '>');
    return room;
}

/* ---- drawing ------------------------------------------------------------------------------- */

/* As much of the prompt as leaves half of the row to the text. Returns its columns. */
static size_t draw_prompt(const struct input_screen *screen, const struct input_look *look,
                          struct buffer *out)
{
    size_t columns;
    size_t size = glyph_fit(look->prompt, usable(screen) / 2, &columns);
    bool colour = look->colour.size > 0 && size > 0;
    if (colour) {
        buffer_add_literal(out, "\x1b[");
        buffer_add(out, look->colour);
        buffer_add_char(out, 'm');
    }
    glyph_add(out, str_from(look->prompt.data, size), screen->utf8);
    if (colour)
        buffer_add_literal(out, "\x1b[0m");
    return columns;
}

/* What was there before and reaches further than what is there now. */
static void clear_rest(size_t drawn, size_t before, const struct input_screen *screen,
                       struct buffer *out)
{
    if (!screen->dumb) {
        buffer_add_literal(out, "\x1b[K");
    } else if (before > drawn) {
        buffer_add_times(out, ' ', before - drawn);
        buffer_add_times(out, '\b', before - drawn);
    }
}

/* From column `drawn` to the cursor's. */
static void place_cursor(const struct input_line *l, const struct input_screen *screen,
                         struct buffer *out)
{
    if (l->cursor >= l->drawn)
        return;
    if (screen->dumb) {
        buffer_add_times(out, '\b', l->drawn - l->cursor);
        return;
    }
    buffer_add_char(out, '\r');
    if (l->cursor > 0)
        buffer_printf(out, "\x1b[%zuC", l->cursor);
}

void input_line_draw(struct input_line *l, const struct input_screen *screen,
                     const struct input_look *look, struct buffer *out)
{
    size_t before = l->drawn;
    buffer_add_char(out, '\r');
    size_t prompt = draw_prompt(screen, look, out);
    size_t room = usable(screen) - prompt;
    size_t cursor = glyph_columns(str_from(look->text.data, look->cursor));
    choose_start(l, room, glyph_columns(look->text), cursor);
    l->drawn = prompt + draw_text(l, screen, room, look->text, out);
    l->cursor = prompt + cursor - l->start;
    clear_rest(l->drawn, before, screen, out);
    place_cursor(l, screen, out);
}
