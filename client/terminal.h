/*
 * The terminal: its modes, its size, and writing to it without waiting for it.
 *
 * While it is entered, keys come byte by byte, unechoed, Ctrl-C and Ctrl-Z among them, and it marks
 * pastes and tells whether its window has the focus. Whoever ends, in whatever way, has to leave
 * it: terminal_leave(), or where a process was killed, terminal_rescue() in the other one.
 */
#ifndef CHATROOM_TERMINAL_H
#define CHATROOM_TERMINAL_H

#include "buffer.h"

struct terminal;

/* Standard input and output, both terminals; remembers their modes. They stay the caller's. Returns
 * 0, -ENOTTY, -ENOMEM or another negative errno. */
int terminal_new(struct terminal **out, int in, int output);
void terminal_free(struct terminal *t); /* changes no modes */

/* True if it knows no escape sequences (TERM is dumb, or not set). */
bool terminal_is_dumb(const struct terminal *t);

/* Rows and columns, at least 1; 80 and 24 where it does not tell. */
void terminal_size(const struct terminal *t, size_t *columns, size_t *rows);

/* Changes the modes; again after it was left: then what they are is remembered anew. Returns 0 or a
 * negative errno. */
int terminal_enter(struct terminal *t);

/* Puts the modes back as they were. What is to be written before was; harmless if it is not
 * entered. */
void terminal_leave(struct terminal *t);

/* For the process that survived the one that had entered it, and ends, too: leaves it, unless
 * somebody else, the shell say, has changed the modes since. Ignores SIGTTOU from now on. */
void terminal_rescue(const struct terminal *t);

/* Writes as much of `out` as the terminal takes now, and removes that from it. Returns 0 or a
 * negative errno. */
int terminal_write(struct terminal *t, struct buffer *out);

/* The same, but waits up to `ms` milliseconds for the rest. */
int terminal_write_all(struct terminal *t, struct buffer *out, int ms);

#endif
