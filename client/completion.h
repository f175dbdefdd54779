/*
 * Completion: what Tab makes of the word before the cursor. Pure.
 *
 *     /jo        a command, at the start of the line
 *     #lo        a room; behind /join, /part and /who also without the #
 *     bo         a nick: `bob: ` at the start of the line, `bob ` elsewhere
 *
 * Who spoke last comes first. Tab again takes the next candidate, and after the last one what was
 * typed. ASCII case is ignored, as everywhere with names.
 */
#ifndef CHATROOM_COMPLETION_H
#define CHATROOM_COMPLETION_H

#include "str.h"

enum {
    COMPLETION_NICKS_MAX = 512, /* who was silent longest is forgotten */
    COMPLETION_ROOMS_MAX = 256,
};

struct completion;

/* NULL without memory. */
struct completion *completion_new(void);
void completion_free(struct completion *c);

/* What is known. Names longer than the hub allows are not remembered. */
void completion_spoke(struct completion *c, struct str nick);   /* said something just now */
void completion_is_here(struct completion *c, struct str nick); /* was seen, but said nothing */
void completion_left(struct completion *c, struct str nick);
void completion_renamed(struct completion *c, struct str from, struct str to);
void completion_room(struct completion *c, struct str room);

/* What to do with the line: remove so many bytes before the cursor, then insert. */
struct completion_edit {
    size_t remove;
    struct str insert; /* valid until the next call with `c` */
};

/*
 * Tab was pressed; `before` is the line up to the cursor, `own` one's own nick, which is not
 * offered. Returns false if there is nothing to complete it to. If `before` is what the last call
 * made, and completion_done() was not called since, it goes on to the next candidate.
 */
bool completion_next(struct completion *c, struct str before, struct str own,
                     struct completion_edit *edit);

/* Another key than Tab was pressed: the next Tab starts anew. */
void completion_done(struct completion *c);

#endif
