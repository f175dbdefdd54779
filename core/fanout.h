/*
 * The end of a turn: what members are due goes to netpoll.
 *
 * Two paths. A member that is in one room only and keeps up is sent [cursor, end) of the live log,
 * the same bytes for everybody, and its cursor is moved at once: one send, and not a line of memory
 * touched but the member and netpoll's slot. Everybody else (an out-queue, several rooms, a gap to
 * tell of) is flushed as a connection: out-queue first, then its rooms, one send for all; what was
 * taken is known after the commit only, and consumed then.
 *
 * A large room is flushed in slices of about a millisecond, so that input is served in between, and
 * other rooms; whoever comes later in the slice order simply gets a longer range.
 */
#ifndef CHATROOM_FANOUT_H
#define CHATROOM_FANOUT_H

#include "hub.h"

struct netpoll;

/* Embedded in the server. */
struct fanout {
    struct hub *hub;
    struct netpoll *np;
    uint32_t slice;          /* sends between two looks at the input; tests make it small */
    uint32_t slice_ns;       /* the time they should take; 0: the slice stays as it is */
    uint32_t left_over;      /* of the hub's dirty rooms: the first ones, which a slice left over */
    struct slot_list rooms;  /* in work; swapped with the hub's */
    struct slot_list later;  /* of these, those that the slice did not cover */
    struct slot_list conns;  /* in work, like the rooms */
    struct slot_list flight; /* connections with a send in this batch */
};

/* 0 or -ENOMEM. `slots` as in hub_init(). Both are borrowed. */
int fanout_init(struct fanout *f, struct hub *hub, struct netpoll *np, uint32_t slots);
void fanout_fini(struct fanout *f);

/* Flushes dirty rooms, up to about a slice of sends, and all pending connections, and commits: once
 * or, for those that are due more than one send may take, several times.
 * True if something could be sent but is left for the next turn. */
bool fanout_flush(struct fanout *f);

/* netpoll's fell_short and writable for a connection. */
void fanout_fell_short(struct fanout *f, struct conn *c, size_t left);
void fanout_writable(struct fanout *f, struct conn *c);

#endif
