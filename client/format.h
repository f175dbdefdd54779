/*
 * -F FORMAT: how a program wants a message to look. Pure. Compiled once, run for each message.
 *
 *   %t  time, RFC 3339 in UTC with milliseconds     %k  kind: message, action, private ...
 *   %n  nick of the speaker                         %s  the room's number of it; 0: none
 *   %r  room; empty in a private message            %i  the speaker's id
 *   %m  text                                        %j  the whole of it as the hub's JSON
 *   %{strftime(3) format}  time, here               %%  a percent sign
 *
 * and \n \t \\ \0 \a \e as in printf(1). A format without any % is fine.
 */
#ifndef CHATROOM_FORMAT_H
#define CHATROOM_FORMAT_H

#include "wire.h"

struct format;

/* Takes a piece of the result. `remote`: it is text of others, and not safe for a terminal yet. */
typedef void format_put_fn(void *owner, struct str piece, bool remote);

/* Compiles `text`, which is not kept. Returns 0; -EINVAL with the end of a sentence about it in
 * `why`; or -ENOMEM. */
int format_new(struct format **out, const char *text, char *why, size_t why_size);
void format_free(struct format *f); /* NULL is fine */

/* Puts the event's pieces, in order. `json` is the line it came in, without its newline; `now_ms`
 * stands in where the event has no time (UNIX time). */
void format_run(const struct format *f, const struct event *e, struct str json, int64_t now_ms,
                format_put_fn *put, void *owner);

/* True if what it writes ends with a newline of its own. */
bool format_ends_line(const struct format *f);

/* "2026-11-23T10:15:30.123Z", as the hub writes it; `out` has room for FORMAT_TIME_SIZE bytes. */
enum { FORMAT_TIME_SIZE = 24 };
struct str format_time(int64_t ms, char out[static FORMAT_TIME_SIZE]);

#endif
