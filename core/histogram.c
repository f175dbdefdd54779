/* See histogram.h. */
#include "histogram.h"

uint64_t histogram_lowest(size_t bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return bucket;
    size_t shift = bucket / HISTOGRAM_STEPS - 1;
    return (uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << shift;
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

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    if (h->count == 0)
        return 0;
    uint64_t rank = rank_of(h->count, percent);
    uint64_t seen = h->buckets[0];
    size_t bucket = 0;
    while (seen < rank && bucket + 1 < HISTOGRAM_BUCKETS)
        seen += h->buckets[++bucket];
    if (bucket + 1 == HISTOGRAM_BUCKETS)
        return h->max;
    uint64_t highest = histogram_lowest(bucket + 1) - 1;
    return highest < h->max ? highest : h->max;
}
