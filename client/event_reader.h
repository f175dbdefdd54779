/*
 * The wire_json encoding read back: one line of the hub becomes the struct event that it was made
 * of. Pure. All text of the event is clean (text_clean()), whatever the line tried to smuggle in.
 *
 * What JSON leaves out stays zero: whose join, part or nick it is (`own`) is for session.h to say.
 */
#ifndef CHATROOM_EVENT_READER_H
#define CHATROOM_EVENT_READER_H

#include "str.h"
#include "wire.h"

struct event_reader;

/* NULL without memory. */
struct event_reader *event_reader_new(void);
void event_reader_free(struct event_reader *r);

/*
 * Reads one line, without its newline, into *e, which borrows from the line, and from `r` until the
 * next call or the end. Returns 0; -ENOMSG for an object whose type is not known, which readers
 * must ignore; -EPROTO for what is no event of the protocol, see event_reader_fault(); -ENOMEM.
 */
int event_reader_read(struct event_reader *r, struct str line, struct event *e);

/* What was wrong with the line of the last -EPROTO, the end of a sentence: "is no JSON from byte
 * 7 on". */
const char *event_reader_fault(const struct event_reader *r);

/* True for the line with which a hub starts to speak JSON. No line of the `line` encoding, whoever
 * wrote its text, looks like it: a nick has no colon. */
bool event_reader_starts_json(struct str line);

#endif
