/* See paste.h. */
#include "paste.h"

void paste_fini(struct paste *p)
{
    buffer_fini(&p->text);
    *p = (struct paste){0};
}

void paste_drop(struct paste *p)
{
    struct buffer text = p->text;
    buffer_clear(&text);
    *p = (struct paste){.text = text};
}

static void end_line(struct paste *p)
{
    buffer_add_char(&p->text, '\n');
    p->lines += !p->in_line;
    p->in_line = false;
}

static void add_byte(struct paste *p, char c)
{
    bool pair = p->after_cr && c == '\n';
    p->after_cr = c == '\r';
    if (pair)
        return;
    if (c == '\r' || c == '\n') {
        end_line(p);
        return;
    }
    if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f)
        return;
    buffer_add_char(&p->text, c == '\t' ? ' ' : c);
    p->lines += !p->in_line;
    p->in_line = true;
}

void paste_add(struct paste *p, struct str bytes)
{
    if (p->too_long || p->text.size + bytes.size > PASTE_BYTES_MAX) {
        p->too_long = true;
        return;
    }
    for (size_t i = 0; i < bytes.size; i++)
        add_byte(p, bytes.data[i]);
}

enum paste_verdict paste_end(struct paste *p)
{
    p->after_cr = false;
    if (p->too_long || p->text.failed) {
        paste_drop(p);
        return PASTE_TOO_LONG;
    }
    if (p->lines == 0)
        return PASTE_NOTHING;
    return p->lines > PASTE_LINES_FREE ? PASTE_ASK : PASTE_INSERT;
}

bool paste_take(struct paste *p, struct str *line, bool *whole)
{
    struct str rest = str_skip(buffer_str(&p->text), p->taken);
    if (rest.size == 0) {
        paste_drop(p);
        return false;
    }
    const char *newline = memchr(rest.data, '\n', rest.size);
    *whole = newline != NULL;
    *line = str_from(rest.data, newline ? (size_t)(newline - rest.data) : rest.size);
    p->taken += line->size + *whole;
    return true;
}
