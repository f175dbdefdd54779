/*
 * What is known of the conversation: who we are at the hub, which rooms we are in, what was seen of
 * each of them; and, from that, what to tell the hub after connecting and which of its events are
 * worth showing. It outlives connections. Pure: no descriptor, no clock.
 *
 * Glossary
 *   wanted    the nick and the rooms that every new connection asks for: those of the command line
 *             at first, then those we had
 *   settling  from a greeting until the hub has answered all of it. Replays in that time are the
 *             greeting's: what was seen before the connection was lost is not shown again, and
 *             what the hub no longer has is announced as a hole
 *   seq       the hub's number of a message in its room; starts anew with the hub
 *
 *     session_connected(s, ...);  session_greeting(s, &outbox);
 *     verdict = session_take(s, &event);      for each event
 *     session_lost(s);                        and again from the start
 */
#ifndef CHATROOM_SESSION_H
#define CHATROOM_SESSION_H

#include "str.h"

#include <stdint.h>

struct event;
struct outbox;
struct session;

#define SESSION_ROOMS_MAX   64         /* as many as a hub lets one client be in */
#define SESSION_HISTORY_ALL UINT32_MAX /* no limit */

/* What the user asked for. */
struct session_wish {
    struct str nick;         /* empty: what the hub gives */
    const struct str *rooms; /* these instead of the lobby; none: the lobby */
    size_t room_count;
    uint32_t history; /* show so many messages of each replay of a room that is entered first */
};

/* Copies what it needs. NULL without memory. */
struct session *session_new(const struct session_wish *wish);
void session_free(struct session *s);

/* ---- connections --------------------------------------------------------------------------- */

/* There is a new connection. `raw_shown`: what the hub says before it speaks JSON is shown as it
 * is, so nothing of it is asked for again. */
void session_connected(struct session *s, bool raw_shown);

/* Appends the lines that make the new connection what is wanted. Returns 0 or -ENOMEM. */
int session_greeting(const struct session *s, struct outbox *out);

/* The connection is gone. Nick, rooms and what was seen of them become what is wanted. */
void session_lost(struct session *s);

/* ---- events -------------------------------------------------------------------------------- */

struct session_verdict {
    bool show;       /* the event is news */
    struct str note; /* tell this before it; may be empty. Valid until the next call */
};

/* Takes note of an event of the hub. Marks it `own` if it is about us, which JSON does not tell;
 * lowers the count of a history whose beginning is not shown. */
struct session_verdict session_take(struct session *s, struct event *e);

/* ---- for prompts and completion; everything borrowed until the session changes --------------- */

bool session_is_connected(const struct session *s); /* and the hub speaks JSON */
bool session_settling(const struct session *s);
uint64_t session_id(const struct session *s);       /* our chat id; 0 before the first welcome */
struct str session_nick(const struct session *s);   /* as the hub has it; empty before */
struct str session_server(const struct session *s); /* this start of the hub; empty before */
struct str session_room(const struct session *s);   /* the current one; empty in none */
size_t session_room_count(const struct session *s); /* in the order in which we joined */
struct str session_room_at(const struct session *s, size_t i);

/* True for an id that is ours, or was at an earlier connection to the same start of the hub. */
bool session_is_own(const struct session *s, uint64_t id);

#endif
