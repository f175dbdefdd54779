/*
 * The paste guard: gathers what is pasted, and decides whether it is put into the line, said line
 * by line, or asked about first. Pure; where a paste starts and ends, and its time-out, is
 * keys.h's.
 *
 *     paste_add(&p, part);                    for each part
 *     switch (paste_end(&p)) ...              at its end
 *     while (paste_take(&p, &line, &whole))   its lines, when they are wanted
 *
 * Newlines may be CR, LF or both. Control characters (C0 and DEL) are removed; TAB becomes a
 * blank.
 */
#ifndef CHATROOM_PASTE_H
#define CHATROOM_PASTE_H

#include "buffer.h"

enum {
    PASTE_LINES_FREE = 5,      /* more lines than this are asked about */
    PASTE_BYTES_MAX = 4 << 20, /* a longer paste is refused */
};

enum paste_verdict {
    PASTE_NOTHING,  /* it was empty */
    PASTE_INSERT,   /* to be taken: into the line, each newline ends one and says it */
    PASTE_ASK,      /* the same once a person has said yes; paste_fini() or paste_drop() if not */
    PASTE_TOO_LONG, /* was dropped */
};

/* Embedded in its owner; all zero is an empty one. */
struct paste {
    struct buffer text;
    size_t lines;  /* of `text`, counting the last one even if it has no newline */
    size_t taken;  /* bytes given out by paste_take() */
    bool after_cr; /* a LF now belongs to the CR before */
    bool in_line;  /* the last line has begun */
    bool too_long;
};

void paste_fini(struct paste *p);

/* One more part, as it came. */
void paste_add(struct paste *p, struct str bytes);

/* The paste is over. One that is asked about may be followed by another: that is added to it. */
enum paste_verdict paste_end(struct paste *p);

/* The next line, without its newline; `whole` is false for a last line that had none. False, and
 * empty again, at the end. `line` is valid until the next call. */
bool paste_take(struct paste *p, struct str *line, bool *whole);

/* Forgets it. */
void paste_drop(struct paste *p);

#endif
