/*
 * How long to wait before the next attempt to connect: a random time below a limit that doubles
 * with each attempt, from half a second up to half a minute ("full jitter"), so that many clients
 * of a hub that restarts do not all come at once. Pure: clock and chance are passed in.
 */
#ifndef CHATROOM_BACKOFF_H
#define CHATROOM_BACKOFF_H

#include <stdint.h>

enum {
    BACKOFF_FIRST_MS = 500,
    BACKOFF_CAP_MS = 30 * 1000,
    BACKOFF_STABLE_MS = 30 * 1000,
};

/* Zeroed: the next wait is the first. */
struct backoff {
    unsigned attempts;
};

/* The wait before the next attempt, in milliseconds; `random` is any 64 random bits. */
unsigned backoff_next(struct backoff *b, uint64_t random);

/* A connection has ended after so many milliseconds. One of half a minute makes the next wait a
 * first one again; a hub that takes everybody and drops them at once is still left alone more and
 * more. */
void backoff_lasted(struct backoff *b, uint64_t ms);

#endif
