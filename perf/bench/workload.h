/*
 * What the server is to be loaded with, as the command line says it: bench_options.c fills it in,
 * everything else reads it.
 *
 * A room has `members`, who listen, and `senders`, who talk. Senders come on top of the members,
 * unless all talk: then each member is a sender, too. Each connection is in one room.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct driver;
struct progress;

enum shape {
    SHAPE_LOAD,  /* messages are sent, deliveries counted */
    SHAPE_IDLE,  /* connections come and say nothing: what memory they take */
    SHAPE_STORM, /* connections come all at once: how fast they are in */
};

struct workload {
    const struct driver *driver;
    enum shape shape;
    unsigned connections; /* idle and storm: how many; they spread over `rooms` */
    unsigned parallel;    /* connections that are on their way in at a time */
    unsigned patience_ms; /* how long nothing may happen before it counts as failed */

    unsigned rooms;
    unsigned members; /* of a room */
    unsigned senders; /* of a room */
    bool all_talk;    /* then `senders` equals `members` */
    unsigned size;    /* bytes of a message's text */

    unsigned window; /* closed loop: messages a sender keeps in flight; 0 in an open loop */
    double rate;     /* open loop: messages a second, of all senders together; 0 in a closed one */

    uint64_t messages; /* measured, of all senders together; 0: as many as fit in `seconds` */
    double seconds;
    uint64_t warmup; /* messages before those; verified, not measured */

    unsigned slow;     /* percent of the members that never read */
    double churn;      /* visitors a second that leave and come back, beside the members */
    double quiet_rate; /* messages a second in a further room of two; 0: no such room */

    struct progress *progress; /* borrowed; or NULL */
};

#endif
