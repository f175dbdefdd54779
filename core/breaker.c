/* See breaker.h. */
#include "breaker.h"

#include <stddef.h>

bool breaker_allows(struct breaker *b, int64_t now)
{
    if (b->state == BREAKER_CLOSED)
        return true;
    if (b->state == BREAKER_HALF_OPEN)
        return false;
    if (now < b->since)
        b->since = now; /* the clock jumped back: the delay starts again, and is not added to */
    if (now - b->since < b->delay)
        return false;
    b->state = BREAKER_HALF_OPEN;
    return true;
}

bool breaker_success(struct breaker *b, int64_t now)
{
    if (b->state != BREAKER_HALF_OPEN)
        return false;
    b->state = BREAKER_CLOSED;
    b->since = now;
    b->faults = 0;
    return true;
}

static int64_t next_delay(const struct breaker *b, int64_t now)
{
    bool relapse = b->delay > 0 && now - b->since < BREAKER_WINDOW_MS;
    if (b->state != BREAKER_HALF_OPEN && !relapse)
        return BREAKER_DELAY_MS;
    return b->delay < BREAKER_DELAY_MAX_MS / 2 ? b->delay * 2 : BREAKER_DELAY_MAX_MS;
}

/* Notes a fault; true if it is the last of BREAKER_FAULTS within the window. */
static bool one_too_many(struct breaker *b, int64_t now)
{
    const size_t kept = BREAKER_FAULTS - 1;
    int64_t *first = &b->recent[b->faults % kept];
    bool many = b->faults >= kept && now - *first < BREAKER_WINDOW_MS;
    *first = now;
    b->faults++;
    return many;
}

bool breaker_fault(struct breaker *b, int64_t now)
{
    if (b->state == BREAKER_OPEN || (b->state == BREAKER_CLOSED && !one_too_many(b, now)))
        return false;
    b->delay = next_delay(b, now);
    b->state = BREAKER_OPEN;
    b->since = now;
    b->opened++;
    return true;
}

void breaker_excuse(struct breaker *b)
{
    if (b->state == BREAKER_HALF_OPEN)
        b->state = BREAKER_OPEN; /* since when is as before: its delay is over */
}

const char *breaker_state_name(enum breaker_state state)
{
    static const char *const names[] = {
        [BREAKER_CLOSED] = "closed",
        [BREAKER_OPEN] = "open",
        [BREAKER_HALF_OPEN] = "half-open",
    };
    return names[state];
}
