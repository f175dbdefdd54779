/* Buckets in one array; chains by hash, and a list in the order of use. That is walked forward
 * only: TAILQ_LAST() and TAILQ_PREV() break the aliasing rules, and gcc 12 at -O3 shows it. */
#include "rate.h"

#include "key_hash.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>

/* How many of those used longest ago are asked whether they are full, before one that is not goes.
 */
enum { VICTIMS = 8 };

/* So much of a token is one. Rounding eats less than half of what is missing; so waiting as long as
 * told is always enough. */
static const double WHOLE = 1 - 2e-11;
static const double NEARLY_WHOLE = 1 - 1e-11;

static const double WAIT_MAX_MS = 1e15; /* some 30,000 years */

struct bucket {
    LIST_ENTRY(bucket) chain;
    TAILQ_ENTRY(bucket) order; /* last used last */
    double tokens;             /* at `since_ms` */
    double per_second;         /* as last asked for, as is `burst` */
    double burst;
    int64_t since_ms;
    uint8_t key_size;
    char key[RATE_KEY_MAX];
};

LIST_HEAD(bucket_chain, bucket);
TAILQ_HEAD(bucket_order, bucket);

struct rate {
    struct bucket *buckets;
    struct bucket_chain *chains;
    struct bucket_order order;
    size_t size;
    size_t used; /* buckets[0 .. used) have keys */
    size_t chain_mask;
    uint64_t seed;
    uint64_t displaced;
};

struct rate *rate_new(size_t keys)
{
    struct rate *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    size_t chains = key_hash_chains(keys);
    /* calloc: pages that no key has touched yet cost nothing. */
    r->buckets = calloc(keys, sizeof *r->buckets);
    r->chains = calloc(chains, sizeof *r->chains);
    if (!r->buckets || !r->chains) {
        rate_free(r);
        return NULL;
    }
    TAILQ_INIT(&r->order);
    r->size = keys;
    r->chain_mask = chains - 1;
    r->seed = key_hash_seed(r);
    return r;
}

void rate_free(struct rate *r)
{
    if (!r)
        return;
    free(r->buckets);
    free(r->chains);
    free(r);
}

/* Of numbers that are finite: fmin() and fmax() must mind others, and are calls. */
static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

static struct str key_of(const struct bucket *b)
{
    return str_from(b->key, b->key_size);
}

static struct bucket_chain *chain_of(struct rate *r, struct str key)
{
    return &r->chains[key_hash(r->seed, key) & r->chain_mask];
}

/* Tokens at `now_ms`. A clock that went back gives none. */
static double tokens_at(const struct bucket *b, int64_t now_ms)
{
    if (now_ms <= b->since_ms)
        return b->tokens;
    double elapsed_ms = (double)((uint64_t)now_ms - (uint64_t)b->since_ms);
    return least(b->tokens + elapsed_ms / 1000 * b->per_second, b->burst);
}

/* The bucket whose loss hurts least. */
static struct bucket *victim(struct rate *r, int64_t now_ms)
{
    struct bucket *b = TAILQ_FIRST(&r->order);
    for (int i = 0; b && i < VICTIMS; i++, b = TAILQ_NEXT(b, order)) {
        if (tokens_at(b, now_ms) >= b->burst)
            return b;
    }
    r->displaced++;
    return TAILQ_FIRST(&r->order);
}

/* A bucket without key, in no list. */
static struct bucket *vacant(struct rate *r, int64_t now_ms)
{
    if (r->used < r->size)
        return &r->buckets[r->used++];
    struct bucket *b = victim(r, now_ms);
    LIST_REMOVE(b, chain);
    TAILQ_REMOVE(&r->order, b, order);
    return b;
}

static struct bucket *add(struct rate *r, struct bucket_chain *chain, struct str key,
                          int64_t now_ms)
{
    struct bucket *b = vacant(r, now_ms);
    b->key_size = (uint8_t)key.size;
    if (key.size > 0)
        memcpy(b->key, key.data, key.size);
    LIST_INSERT_HEAD(chain, b, chain);
    TAILQ_INSERT_TAIL(&r->order, b, order);
    return b;
}

static struct bucket *find(struct rate *r, struct bucket_chain *chain, struct str key)
{
    struct bucket *b;
    LIST_FOREACH(b, chain, chain)
    {
        if (str_equal(key_of(b), key))
            break;
    }
    if (b && TAILQ_NEXT(b, order)) {
        TAILQ_REMOVE(&r->order, b, order);
        TAILQ_INSERT_TAIL(&r->order, b, order);
    }
    return b;
}

/* Brings the bucket to `now_ms`, under the terms asked for now; those before count until then. */
static void settle(struct bucket *b, double per_second, double burst, int64_t now_ms)
{
    b->tokens = least(tokens_at(b, now_ms), burst);
    b->since_ms = now_ms;
    b->per_second = per_second;
    b->burst = burst;
}

static int64_t take(struct bucket *b)
{
    if (b->tokens >= WHOLE) {
        b->tokens = most(b->tokens - 1, 0);
        return 0;
    }
    double wait = ceil((NEARLY_WHOLE - b->tokens) / b->per_second * 1000);
    return (int64_t)least(wait, WAIT_MAX_MS);
}

int64_t rate_take(struct rate *r, struct str key, double per_second, double burst, int64_t now_ms)
{
    if (key.size > RATE_KEY_MAX || !(per_second > 0) || !(burst >= 1) || !isfinite(per_second) ||
        !isfinite(burst))
        return -EINVAL;
    struct bucket_chain *chain = chain_of(r, key);
    struct bucket *b = find(r, chain, key);
    if (!b) {
        b = add(r, chain, key, now_ms);
        b->tokens = burst;
        b->burst = burst;
        b->since_ms = now_ms;
    }
    settle(b, per_second, burst, now_ms);
    return take(b);
}

size_t rate_keys(const struct rate *r)
{
    return r->used;
}

uint64_t rate_displaced(const struct rate *r)
{
    return r->displaced;
}
