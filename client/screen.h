/*
 * The screen: what the hub sends, made safe and written to standard output. Nothing in it can do
 * anything to a terminal: control characters but newline and TAB are removed, ill-formed UTF-8 is
 * repaired, and on a terminal the characters that turn the direction of text go too. Memory is
 * flat: a line is held until its newline, a long one leaves in pieces.
 *
 * Writing waits where the reader is slow, but keeps an eye on `wake_fd` meanwhile, so that signals
 * are served. Knows no netpoll and no hub.
 */
#ifndef CHATROOM_SCREEN_H
#define CHATROOM_SCREEN_H

#include "str.h"

struct screen;

/*
 * Shows on `fd`, which stays the caller's. `woken` is called with `owner` when `wake_fd` becomes
 * readable in the middle of a write; it reads that empty, and returns true to give up what is
 * unwritten. Returns NULL without memory.
 */
struct screen *screen_new(int fd, int wake_fd, bool (*woken)(void *owner), void *owner);
void screen_free(struct screen *s); /* writes nothing */

/*
 * Takes text as it comes in; it is written by the next screen_flush(), or before if there is much.
 * Both return 0 or a negative errno: -EPIPE if nobody reads any more, -ECANCELED if `woken` gave
 * up, or what write(2) says. After an error all text is discarded and the error stays.
 */
int screen_text(struct screen *s, struct str text);
int screen_flush(struct screen *s);

/* The same for bytes that are the client's own and go out as they are: colours, NUL. They come
 * behind what was given before, even where that has no newline yet. */
int screen_raw(struct screen *s, struct str bytes);

/* Shows the line that was being received, with the newline it lacks, and flushes. */
int screen_finish(struct screen *s);

/* Copies `in`, well-formed UTF-8, to `out` (as large) without bidirectional controls: U+061C,
 * U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. */
struct str screen_strip_bidi(struct str in, char *out);

#endif
