/* See pace.h. Doubles are exact enough: they count nanoseconds for 104 days. */
#include "pace.h"

#define NS 1e9

void pace_start(struct pace *p, double rate, uint64_t now)
{
    *p = (struct pace){.start = now, .rate = rate};
}

uint64_t pace_next(const struct pace *p)
{
    return p->start + (uint64_t)((double)p->taken * NS / p->rate);
}

/* Counts message 0, which is due at the start; and asks pace_next() in the end, whose rounding is
 * the one that holds. */
uint64_t pace_due(const struct pace *p, uint64_t now)
{
    if (now < p->start)
        return 0;
    struct pace q = *p;
    q.taken = (uint64_t)((double)(now - p->start) * p->rate / NS);
    while (pace_next(&q) <= now)
        q.taken++;
    return q.taken > p->taken ? q.taken - p->taken : 0;
}

uint64_t pace_take(struct pace *p)
{
    uint64_t due = pace_next(p);
    p->taken++;
    return due;
}
