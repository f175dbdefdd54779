/*
 * Lines on their way to the terminal. A conversation may be faster than any terminal, and than any
 * eye: what gathers between two drawings is bounded, and where it is more than that, only the last
 * rows are drawn and the others are counted. Pure.
 */
#ifndef CHATROOM_SCROLL_H
#define CHATROOM_SCROLL_H

#include "buffer.h"

#include <stdint.h>

enum {
    SCROLL_LINES_MAX = 1000, /* more at once than this are not all drawn */
    SCROLL_BYTES_MAX = 128 << 10,
};

/* Embedded in its owner; all zero is an empty one. */
struct scroll {
    struct buffer text; /* whole lines, each with its CR LF */
    size_t lines;       /* in `text` */
    uint64_t lost;      /* lines that were there and will not be drawn */
};

void scroll_fini(struct scroll *s);

bool scroll_is_empty(const struct scroll *s);

/* Takes the whole lines in `lines`, and empties it. `rows`, at least 1: so many of the last lines
 * are kept where it gets too much. */
void scroll_take(struct scroll *s, struct buffer *lines, size_t rows);

/* Appends the lines to draw, and the number of those left out before them as a line of its own.
 * Empties it. Returns how many were left out. */
uint64_t scroll_draw(struct scroll *s, size_t rows, struct buffer *out);

#endif
