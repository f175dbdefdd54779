/*
 * Token buckets by key: how often somebody may do something. Pure: no clock, no Lua.
 *
 * Glossary
 *   bucket   holds up to `burst` tokens, starts full, gains `per_second` of them a second
 *   taking   costs one token; without one it is refused, and costs nothing
 *
 * All memory is had when the table is made (and touched only as keys come), so that taking never
 * allocates and never fails for want of memory. When every place is in use, a new key displaces an
 * old one: preferably one whose bucket is full, which loses nothing; else the one used longest ago,
 * which starts anew if it comes back. rate_displaced() counts the second sort. Who can make up keys
 * at will can cause that, so give untrusted keys a table of their own.
 */
#ifndef CHATROOM_RATE_H
#define CHATROOM_RATE_H

#include "str.h"

#include <stdint.h>

enum { RATE_KEY_MAX = 128 };

struct rate;

/* For at most `keys` keys (at least 1), some 200 bytes each; NULL without memory. */
struct rate *rate_new(size_t keys);
void rate_free(struct rate *r);

/*
 * Takes a token out of the bucket of `key` (any bytes, borrowed). Returns 0 if there was one, else
 * in how many milliseconds there is, at least 1. `per_second` and `burst` may differ from call to
 * call: the tokens stay, up to the new burst. `now_ms` is any clock in milliseconds; when it jumps
 * back, buckets gain nothing for the jump, and go on filling from the new time.
 *
 * -EINVAL: the key is longer than RATE_KEY_MAX, `per_second` is not above 0, `burst` is below 1, or
 * one of them is infinite or no number. The table is unchanged then.
 */
int64_t rate_take(struct rate *r, struct str key, double per_second, double burst, int64_t now_ms);

size_t rate_keys(const struct rate *r);

/* How often a bucket that was not full had to make room for another key. */
uint64_t rate_displaced(const struct rate *r);

#endif
