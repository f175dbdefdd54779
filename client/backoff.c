/* See backoff.h. */
#include "backoff.h"

unsigned backoff_next(struct backoff *b, uint64_t random)
{
    unsigned limit = BACKOFF_FIRST_MS;
    for (unsigned i = 0; i < b->attempts && limit < BACKOFF_CAP_MS; i++)
        limit *= 2;
    if (limit > BACKOFF_CAP_MS)
        limit = BACKOFF_CAP_MS;
    b->attempts++;
    return (unsigned)(random % (limit + 1));
}

void backoff_lasted(struct backoff *b, uint64_t ms)
{
    if (ms >= BACKOFF_STABLE_MS)
        b->attempts = 0;
}
