/* See latency.h. */
#include "latency.h"

#define LIMIT ((uint64_t)1 << LATENCY_LIMIT_BITS)

size_t latency_bucket(uint64_t ns)
{
    if (ns >= LIMIT)
        return LATENCY_BUCKETS - 1;
    if (ns < LATENCY_STEPS)
        return (size_t)ns;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - LATENCY_STEP_BITS;
    return (size_t)shift * LATENCY_STEPS + (size_t)(ns >> shift);
}

uint64_t latency_lowest(size_t bucket)
{
    if (bucket < LATENCY_STEPS)
        return bucket;
    size_t shift = bucket / LATENCY_STEPS - 1;
    return (uint64_t)(LATENCY_STEPS + bucket % LATENCY_STEPS) << shift;
}

void latency_record(struct latency *l, uint64_t ns)
{
    l->count++;
    if (ns > l->max)
        l->max = ns;
    l->buckets[latency_bucket(ns)]++;
}

void latency_merge(struct latency *l, const struct latency *from)
{
    l->count += from->count;
    if (from->max > l->max)
        l->max = from->max;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++)
        l->buckets[i] += from->buckets[i];
}

/* How many of `count` values are `percent` of them: rounded up, and at least one. */
static uint64_t rank_of(uint64_t count, double percent)
{
    double exact = (double)count * percent / 100;
    if (!(exact > 1))
        return 1;
    uint64_t rank = (uint64_t)exact;
    return (double)rank < exact ? rank + 1 : rank;
}

uint64_t latency_percentile(const struct latency *l, double percent)
{
    if (l->count == 0)
        return 0;
    uint64_t rank = rank_of(l->count, percent);
    uint64_t seen = l->buckets[0];
    size_t bucket = 0;
    while (seen < rank && bucket + 1 < LATENCY_BUCKETS)
        seen += l->buckets[++bucket];
    if (bucket + 1 == LATENCY_BUCKETS)
        return l->max;
    uint64_t highest = latency_lowest(bucket + 1) - 1;
    return highest < l->max ? highest : l->max;
}
