/*
 * Latencies in nanoseconds as counts in buckets: LATENCY_STEPS of equal width in each power of two,
 * so that a percentile is never too low and at most 1.6 % too high (below 128 ns it is exact).
 * Fixed size, no allocation; histograms of several runs or rooms can be merged without loss.
 *
 * (core/histogram.h is for the hub, which has one for each filter: smaller and coarser.)
 */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stddef.h>
#include <stdint.h>

enum {
    LATENCY_STEP_BITS = 6,
    LATENCY_STEPS = 1 << LATENCY_STEP_BITS,
    LATENCY_LIMIT_BITS = 40, /* 18 minutes; from there on all is one bucket */
    LATENCY_BUCKETS = (LATENCY_LIMIT_BITS - LATENCY_STEP_BITS + 1) * LATENCY_STEPS + 1,
};

/* Embedded; zeroed it is empty. To be read, not written. */
struct latency {
    uint64_t count;
    uint64_t max; /* exact */
    uint64_t buckets[LATENCY_BUCKETS];
};

void latency_record(struct latency *l, uint64_t ns);

/* Adds what `from` has recorded to `l`. */
void latency_merge(struct latency *l, const struct latency *from);

/* A value that `percent` (0 to 100) of those recorded do not exceed: the highest of its bucket, but
 * no more than the maximum, which is what 100 gives. 0 if nothing was recorded. */
uint64_t latency_percentile(const struct latency *l, double percent);

/* The bucket of a value, and the lowest value of a bucket: for tests. */
size_t latency_bucket(uint64_t ns);
uint64_t latency_lowest(size_t bucket);

#endif
