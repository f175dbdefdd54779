/*
 * The line at the bottom of the terminal: a prompt and what is being typed, in exactly one row,
 * whatever its length. Pure: it makes the bytes that draw it. The library that edits the line
 * (editor.h) draws nothing.
 *
 * A text longer than the row is shown around the cursor, with < and > where it goes on.
 *
 *     erase, lines of the conversation, draw: nothing can disturb what is typed
 */
#ifndef CHATROOM_INPUT_LINE_H
#define CHATROOM_INPUT_LINE_H

#include "buffer.h"

/* What to show. */
struct input_look {
    struct str prompt;
    struct str colour; /* of the prompt, as in CSI ... m; empty: none */
    struct str text;   /* UTF-8 */
    size_t cursor;     /* bytes of `text` before the cursor */
};

struct input_screen {
    size_t columns; /* at least 1 */
    bool utf8;
    bool dumb; /* the terminal knows CR and BS, and no escape sequences */
};

/* What stands on the screen now. Embedded in its owner; all zero is an empty row. */
struct input_line {
    size_t start;  /* first column of the text that is shown */
    size_t drawn;  /* columns that are not blank */
    size_t cursor; /* column of the cursor */
};

/* Appends what makes the row look so, from however input_line_draw() left it. */
void input_line_draw(struct input_line *l, const struct input_screen *screen,
                     const struct input_look *look, struct buffer *out);

/* Appends what makes the row empty and puts the cursor in its first column. */
void input_line_erase(struct input_line *l, const struct input_screen *screen, struct buffer *out);

/* The same after the terminal has become `screen->columns` wide. Most terminals break a row that is
 * too long for the new width in several, and all of them are erased. */
void input_line_erase_resized(struct input_line *l, const struct input_screen *screen,
                              struct buffer *out);

#endif
