/*
 * The clock of an open loop: message k is due at start + k / rate, whatever became of those before.
 * A server that falls behind does not slow the questions down, and the age of a message counts from
 * the moment it was due: that is what corrects latencies for coordinated omission.
 */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include <stdint.h>

/* Embedded; to be read, not written. */
struct pace {
    uint64_t start; /* ns */
    double rate;    /* a second; above 0 */
    uint64_t taken;
};

void pace_start(struct pace *p, double rate, uint64_t now);

/* How many more are due by `now` than were taken. */
uint64_t pace_due(const struct pace *p, uint64_t now);

/* Takes the next one, due or not; returns when it is due, in ns. */
uint64_t pace_take(struct pace *p);

/* When the next one is due, in ns. */
uint64_t pace_next(const struct pace *p);

#endif
