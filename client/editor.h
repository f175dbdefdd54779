/*
 * The line that is being typed: keys go in, and text and cursor come out. libedit is behind it, for
 * what keys do to a line, for kill and yank, and for the history. It neither reads the terminal nor
 * draws on it: keys.h and input_line.h do that, because libedit would wait for the rest of an
 * escape sequence, and its way of drawing does not go with lines coming in.
 *
 *     enum editor_result result = editor_key(e, &key);
 *     if (result == EDITOR_LINE) {
 *         ... editor_text(e) ...
 *         editor_clear(e);
 *     }
 *
 * While somebody looks through the history with Ctrl-R, text and cursor are those of what was
 * found, and editor_search() tells what is looked for.
 *
 * libedit also sets the modes of the terminal, in editor_new(), and never again: who wants other
 * modes sets them afterwards.
 */
#ifndef CHATROOM_EDITOR_H
#define CHATROOM_EDITOR_H

#include "keys.h"
#include "str.h"

enum {
    EDITOR_CHARACTERS_MAX = 8192, /* of a line; more is refused */
    EDITOR_HISTORY_MAX = 1000,    /* lines that are remembered */
};

struct editor;

enum editor_result {
    EDITOR_EDITED,    /* the line may look different now */
    EDITOR_REFUSED,   /* the key does nothing here */
    EDITOR_LINE,      /* Enter: the text is a whole line */
    EDITOR_COMPLETE,  /* Tab; see editor_replace() */
    EDITOR_INTERRUPT, /* Ctrl-C on an empty line; on another one it empties it */
    EDITOR_END,       /* Ctrl-D on an empty line */
    EDITOR_SUSPEND,   /* Ctrl-Z */
    EDITOR_REDRAW,    /* Ctrl-L */
};

/* `tty` is the terminal, for its special characters and its width, borrowed until editor_free().
 * Returns 0, -ENOTTY or -ENOMEM. */
int editor_new(struct editor **out, int tty);
void editor_free(struct editor *e);

/* What a key does. Pastes and the focus are not for here. */
enum editor_result editor_key(struct editor *e, const struct key *key);

/* The line, UTF-8, and how many bytes of it stand before the cursor. Valid until the next call. */
struct str editor_text(struct editor *e);
size_t editor_cursor(struct editor *e);

/* Removes `remove` bytes before the cursor, whole characters, and inserts UTF-8 text there. False,
 * and nothing happens, where the line would get too long. Ends a search. */
bool editor_replace(struct editor *e, size_t remove, struct str insert);

/* Moves the cursor so many bytes back, whole characters. */
void editor_back(struct editor *e, size_t bytes);

/* Empties the line; the history is at its end again. */
void editor_clear(struct editor *e);

/* Puts a line at the end of the history; an equal one that is there goes. */
void editor_remember(struct editor *e, struct str line);

/* What is looked for with Ctrl-R. */
struct editor_search {
    bool active;
    bool failed;     /* nothing like it is in the history, or no more of it */
    struct str word; /* valid until the next call */
};

struct editor_search editor_search(const struct editor *e);

#endif
