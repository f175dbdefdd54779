/* The clock that nobody sets: for how long something took, or may take. */
#ifndef CHATROOM_CLOCK_H
#define CHATROOM_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC in nanoseconds; see clock_gettime(2), which makes no system call of it. */
static inline uint64_t clock_monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

#endif
