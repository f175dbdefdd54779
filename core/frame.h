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
    char *kept;     /* bytes not handed out yet are in it, */
    uint32_t start; /* from here on, */
    uint32_t used;  /* so many */
    uint32_t size;
    bool skipping; /* inside a line that was too long, up to its newline */
};

/* What was kept, while it is the caller's to be read: his own, like the frame. */
struct frame_loan {
    char *memory;
    uint32_t size;
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
 * on with frame_lend(). Returns 0 or -ENOMEM. */
int frame_hold(struct frame *f, struct str in);

/* Puts the line just taken out of *in back: in front of *in, or, if it came in pieces, into what is
 * kept; the caller holds the rest behind it. Returns 0 or -ENOMEM. */
int frame_unget(struct frame *f, struct str *in, struct str line);

/* All that is kept, for frame_next(); nothing is kept then. It ends with frame_return(). */
struct str frame_lend(struct frame *f, struct frame_loan *loan);

/* Keeps `rest`, the end of what was lent, behind what is kept by now; if that is nothing, without a
 * copy but for a few as it dwindles: who takes a line at a time from much pays for the line only.
 * Frees what is not needed. Returns 0 or -ENOMEM: the rest is lost. */
int frame_return(struct frame *f, struct frame_loan *loan, struct str rest);

/* End of input: true if an unfinished last line is left; it is *line then, and at most as long as
 * frame_next() allowed. Valid until the next call. */
bool frame_end(struct frame *f, struct str *line);

/* Frees the buffer if nothing is in it. */
void frame_trim(struct frame *f);

#endif
