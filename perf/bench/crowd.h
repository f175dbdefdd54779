/*
 * Many connections brought into their rooms, some at a time; and the barrier after which nothing is
 * on its way to them any more. This is also what a storm is measured by.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "entry.h"
#include "latency.h"
#include "progress.h"

/* How to come in; all is borrowed. */
struct crowd {
    const struct driver *driver;
    const struct sockaddr_in *server;
    unsigned parallel;         /* connections on their way in at a time */
    unsigned patience_ms;      /* how long nothing may happen */
    struct progress *progress; /* or NULL */
    struct latency *latency;   /* gets the time each took, from connect to being in; or NULL */
};

/* Brings `count` guests in; fds[i], -1 before, is then that of guests[i]. What those who are in are
 * told meanwhile is thrown away. If it fails, descriptors that are not -1 are the caller's to
 * close. */
int crowd_enter(const struct crowd *c, const struct guest *guests, int *fds, unsigned count);

/* Waits until the server has said all that is due to these connections, and throws it away. */
int crowd_settle(const struct crowd *c, const int *fds, unsigned count);

/* Closes all that are not -1. */
void crowd_close(const int *fds, unsigned count);

#endif
