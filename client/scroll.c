/* See scroll.h. */
#include "scroll.h"

void scroll_fini(struct scroll *s)
{
    buffer_fini(&s->text);
}

bool scroll_is_empty(const struct scroll *s)
{
    return s->lines + s->lost == 0;
}

static size_t count_lines(struct str text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    return lines;
}

/* Drops all lines but the last `rows`. */
static void keep_last(struct scroll *s, size_t rows)
{
    if (s->lines <= rows)
        return;
    struct str text = buffer_str(&s->text);
    size_t start = text.size;
    for (size_t kept = 0; kept <= rows; kept++) {
        const char *newline = memrchr(text.data, '\n', start);
        start = (size_t)(newline - text.data);
    }
    buffer_drop(&s->text, start + 1);
    s->lost += s->lines - rows;
    s->lines = rows;
}

void scroll_take(struct scroll *s, struct buffer *lines, size_t rows)
{
    struct str text = buffer_str(lines);
    size_t count = count_lines(text);
    buffer_add(&s->text, text);
    if (s->text.failed || lines->failed) {
        s->lost += s->lines + count;
        s->lines = 0;
        buffer_fini(&s->text);
    } else {
        s->lines += count;
        if (s->lines > SCROLL_LINES_MAX || s->text.size > SCROLL_BYTES_MAX)
            keep_last(s, rows);
    }
    buffer_clear(lines);
}

/* 48210 becomes "48,210". */
static void add_number(uint64_t n, struct buffer *out)
{
    if (n >= 1000)
        add_number(n / 1000, out);
    buffer_printf(out, n >= 1000 ? ",%03u" : "%u", (unsigned)(n % 1000));
}

uint64_t scroll_draw(struct scroll *s, size_t rows, struct buffer *out)
{
    uint64_t lost = s->lost;
    if (lost > 0) {
        keep_last(s, rows);
        lost = s->lost;
        buffer_add_literal(out, "... ");
        add_number(lost, out);
        buffer_add(out, lost == 1 ? STR(" line not shown\r\n") : STR(" lines not shown\r\n"));
    }
    buffer_add(out, buffer_str(&s->text));
    buffer_clear(&s->text);
    s->lines = 0;
    s->lost = 0;
    return lost;
}
