/*
 * How long something takes, in nanoseconds, as counts in buckets: HISTOGRAM_STEPS of equal width in
 * each power of two. A bucket is at most 1/HISTOGRAM_STEPS as wide as its lowest value, so what
 * histogram_percentile() says is never too low, and less than 12.5 % too high; below 16 ns it is
 * exact. From HISTOGRAM_LIMIT on all is one bucket. Fixed size, no allocation.
 */
#ifndef CHATROOM_HISTOGRAM_H
#define CHATROOM_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    HISTOGRAM_STEP_BITS = 3,
    HISTOGRAM_STEPS = 1 << HISTOGRAM_STEP_BITS,
    HISTOGRAM_LIMIT_BITS = 30, /* about a second */
    HISTOGRAM_LIMIT = 1 << HISTOGRAM_LIMIT_BITS,
    HISTOGRAM_BUCKETS = (HISTOGRAM_LIMIT_BITS - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS + 1,
};

/* Embedded; zeroed it is empty. To be read, not written. */
struct histogram {
    uint64_t count;
    uint64_t max; /* exact */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* The bucket of a value, and the lowest value of a bucket. */
static inline size_t histogram_bucket(uint64_t ns)
{
    if (ns >= HISTOGRAM_LIMIT)
        return HISTOGRAM_BUCKETS - 1;
    if (ns < HISTOGRAM_STEPS)
        return (size_t)ns;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_STEP_BITS;
    return (size_t)shift * HISTOGRAM_STEPS + (size_t)(ns >> shift);
}
uint64_t histogram_lowest(size_t bucket);

static inline void histogram_record(struct histogram *h, uint64_t ns)
{
    h->count++;
    if (ns > h->max)
        h->max = ns;
    h->buckets[histogram_bucket(ns)]++;
}

/* A value that `percent` (0 to 100) of those recorded do not exceed: the highest of its bucket, but
 * no more than the maximum, which is what 100 gives. 0 if nothing was recorded. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

#endif
