/*
 * The short way from a line of JSON to an event: for lines that look just as the hub writes them,
 * an object of clean strings without escapes, whole numbers and no blanks. That is nearly every
 * line, and it costs a tenth of what a JSON library takes. Whatever is not quite like that is left
 * to event_reader.c. Pure, without memory of its own.
 */
#ifndef CHATROOM_EVENT_FLAT_H
#define CHATROOM_EVENT_FLAT_H

#include "wire.h"

/*
 * Reads a line, without its newline, into *e, which borrows from it. False, with *e undefined, for
 * what is not for here: mistakes, escapes, lists, unknown types and keys. True only where
 * event_reader.c's other way would make the same of it.
 */
bool event_flat_read(struct str line, struct event *e);

/* What members of an event are called in JSON, and where in the event they go. */
struct event_key {
    struct str name;
    size_t offset; /* of a struct str, or of a uint64_t */
};

enum { EVENT_TEXT_KEYS = 7, EVENT_NUMBER_KEYS = 4 };
extern const struct event_key event_text_keys[EVENT_TEXT_KEYS];
extern const struct event_key event_number_keys[EVENT_NUMBER_KEYS];

/* Where the member of a key is in an event. */
static inline void *event_key_place(const struct event_key *key, struct event *e)
{
    return (char *)e + key->offset;
}

/* Reads a time as the hub writes it, "2026-11-23T10:15:30.123Z", into UNIX time. False if `text` is
 * none, or not in the years 1970 to 9999: a leap second may end the last one. */
bool event_flat_time(struct str text, int64_t *ms);

#endif
