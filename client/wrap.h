/*
 * A paragraph for a terminal: broken at blanks, its further lines indented. Pure.
 *
 * A word that is longer than a line is left to the terminal to break: an address in it can still be
 * clicked and copied. In a terminal narrower than WRAP_COLUMNS_MIN everything is.
 */
#ifndef CHATROOM_WRAP_H
#define CHATROOM_WRAP_H

#include "buffer.h"

enum {
    WRAP_COLUMNS_MIN = 24,
};

/* One paragraph in the making; what is not said below is zero at the start. */
struct wrap {
    struct buffer *out;
    size_t columns; /* of the terminal, at least 1; set */
    size_t indent;  /* of the second line on; set */
    bool utf8;      /* see glyph_add(); set */
    size_t at;      /* the column where the next character goes */
    size_t gap;     /* blanks before the next word, if it stands on the same line */
};

/* Text as it comes from people; made safe, see glyph_add(). Blanks at the end of a line go. */
void wrap_text(struct wrap *w, struct str text);

/* Bytes that take no column: colours. */
void wrap_mark(struct wrap *w, struct str bytes);

/* The newline, CR LF. */
void wrap_end(struct wrap *w);

#endif
