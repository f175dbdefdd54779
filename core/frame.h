/*
 * Lines out of bytes. Pure. Complete lines are handed out of the caller's bytes without a copy;
 * only what is incomplete, or held back, is kept on the heap, so that an idle connection owns no
 * buffer.
 */
#ifndef CHATROOM_FRAME_H
#define CHATROOM_FRAME_H

#include "str.h"

#include <stdint.h>

/* Zeroed is empty. */
struct frame {
    char *kept; /* bytes not handed out yet */
    uint32_t used;
    uint32_t size;
    bool skipping; /* inside a line that was too long, up to its newline */
};

enum frame_result {
    FRAME_LINE,     /* *line is the next line, without its end; valid until the next call */
    FRAME_MORE,     /* all of the input is taken; the rest of the line is to come */
    FRAME_TOO_LONG, /* a line passed `max` bytes: it is dropped up to its newline. Once per line */
    FRAME_NOMEM,    /* the incomplete line was dropped for want of memory */
};

void frame_fini(struct frame *f);

/* Takes the next line out of *in, which shrinks; call it until FRAME_MORE. Lines end in \n or \r\n.
 * `max` is the longest line, without its end. */
enum frame_result frame_next(struct frame *f, struct str *in, size_t max, struct str *line);

/* Keeps all of `in` for later, behind what is kept already. Between lines only: frame_next() goes
 * on with frame_release(). Returns 0 or -ENOMEM. */
int frame_hold(struct frame *f, struct str in);

/* Puts the line just taken back in front of the input that is left; nothing else is kept then. The
 * caller holds the rest behind it. Returns 0 or -ENOMEM. */
int frame_unget(struct frame *f, struct str line);

/* Gives the kept bytes to the caller, who frees them and feeds them to frame_next(). */
char *frame_release(struct frame *f, struct str *out);

/* End of input: true if an unfinished last line is left; it is *line then, and at most as long as
 * frame_next() allowed. Valid until the next call. */
bool frame_end(struct frame *f, struct str *line);

/* Frees the buffer if nothing is in it. */
void frame_trim(struct frame *f);

#endif
