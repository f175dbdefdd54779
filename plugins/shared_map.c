/*
 * Entries are chained by hash, and in the order of use, which is the order they are given up in.
 * Key and string stand behind the entry, in one allocation. The order is walked forward only:
 * TAILQ_LAST() and TAILQ_PREV() break the aliasing rules, and gcc 12 at -O3 shows it.
 *
 * Time inside a map is the sum of the clock's steps forward: see advance().
 */
#include "shared_map.h"

#include "key_hash.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/queue.h>

enum {
    DEFAULT_MAPS = 32,
    DEFAULT_ENTRIES = 65536,
    DEFAULT_BYTES = 4 << 20,
    SWEEP = 4, /* entries that each change looks at, for those whose time is over */
};

#define NEVER UINT64_MAX

struct entry {
    LIST_ENTRY(entry) chain;
    TAILQ_ENTRY(entry) order;  /* last used last */
    uint64_t expires;          /* on the map's clock, or NEVER */
    struct shared_value value; /* a string points into `bytes` */
    uint32_t key_size;
    uint32_t string_size; /* room for it behind the key */
    char bytes[];
};

LIST_HEAD(entry_chain, entry);
TAILQ_HEAD(entry_order, entry);

struct shared_map {
    struct entry_chain *chains;
    struct entry_order order;
    struct entry *sweep; /* the next to look at; NULL: the first */
    size_t chain_mask;
    uint64_t seed;
    uint64_t clock;  /* milliseconds since the map was made, more or less */
    int64_t seen_ms; /* the caller's clock, when last seen */
    struct shared_limits limits;
    struct shared_map_stats stats;
    size_t name_size;
    char name[SHARED_NAME_MAX];
};

struct shared_maps {
    struct shared_limits limits;
    struct shared_map **maps;
    size_t count;
};

/* ---- entries -------------------------------------------------------------------------------- */

static struct str key_of(const struct entry *e)
{
    return str_from(e->bytes, e->key_size);
}

static size_t cost_of(size_t key_size, size_t string_size)
{
    return sizeof(struct entry) + key_size + string_size;
}

static size_t string_size_of(const struct shared_value *value)
{
    return value->kind == SHARED_STRING ? value->string.size : 0;
}

static struct entry_chain *chain_of(struct shared_map *map, struct str key)
{
    return &map->chains[key_hash(map->seed, key) & map->chain_mask];
}

/* Copies the value in; its string has the size the entry has room for. */
static void fill(struct entry *e, const struct shared_value *value, uint64_t expires)
{
    char *string = e->bytes + e->key_size;
    if (e->string_size > 0)
        memcpy(string, value->string.data, e->string_size);
    e->value = *value;
    e->expires = expires;
    if (value->kind == SHARED_STRING)
        e->value.string = str_from(string, e->string_size);
}

static struct entry *entry_new(struct str key, const struct shared_value *value, uint64_t expires)
{
    size_t string_size = string_size_of(value);
    struct entry *e = malloc(cost_of(key.size, string_size));
    if (!e)
        return NULL;
    e->key_size = (uint32_t)key.size;
    e->string_size = (uint32_t)string_size;
    memcpy(e->bytes, key.data, key.size);
    fill(e, value, expires);
    return e;
}

static void entry_link(struct shared_map *map, struct entry *e)
{
    LIST_INSERT_HEAD(chain_of(map, key_of(e)), e, chain);
    TAILQ_INSERT_TAIL(&map->order, e, order);
    map->stats.entries++;
    map->stats.bytes += cost_of(e->key_size, e->string_size);
}

/* Takes it out of the order only; the sweep goes on with its neighbour. */
static void entry_unorder(struct shared_map *map, struct entry *e)
{
    if (map->sweep == e)
        map->sweep = TAILQ_NEXT(e, order);
    TAILQ_REMOVE(&map->order, e, order);
}

static void entry_free(struct shared_map *map, struct entry *e)
{
    LIST_REMOVE(e, chain);
    entry_unorder(map, e);
    map->stats.entries--;
    map->stats.bytes -= cost_of(e->key_size, e->string_size);
    free(e);
}

static void entry_touch(struct shared_map *map, struct entry *e)
{
    if (!TAILQ_NEXT(e, order))
        return;
    entry_unorder(map, e);
    TAILQ_INSERT_TAIL(&map->order, e, order);
}

/* ---- time ----------------------------------------------------------------------------------- */

/* Adds what the caller's clock went forward. A step back adds nothing, so that it makes nobody live
 * longer; comparing with the caller's clock itself would. */
static void advance(struct shared_map *map, int64_t now_ms)
{
    if (now_ms > map->seen_ms) {
        uint64_t step = (uint64_t)now_ms - (uint64_t)map->seen_ms;
        map->clock = step < NEVER - 1 - map->clock ? map->clock + step : NEVER - 1;
    }
    map->seen_ms = now_ms;
}

static uint64_t expiry(const struct shared_map *map, int64_t ttl_ms)
{
    if (ttl_ms == 0 || (uint64_t)ttl_ms >= NEVER - map->clock)
        return NEVER;
    return map->clock + (uint64_t)ttl_ms;
}

/* Removes the entry if its time is over. */
static bool expire(struct shared_map *map, struct entry *e)
{
    if (e->expires > map->clock)
        return false;
    entry_free(map, e);
    map->stats.expired++;
    return true;
}

/* Each change looks at a few entries, from the one used longest ago on, and round again. */
static void sweep(struct shared_map *map)
{
    for (int i = 0; i < SWEEP; i++) {
        struct entry *e = map->sweep ? map->sweep : TAILQ_FIRST(&map->order);
        if (!e)
            return;
        map->sweep = TAILQ_NEXT(e, order);
        expire(map, e);
    }
}

/* ---- finding and making room ---------------------------------------------------------------- */

/* The living entry of `key`, or NULL. */
static struct entry *find(struct shared_map *map, struct str key)
{
    struct entry *e;
    LIST_FOREACH(e, chain_of(map, key), chain)
    {
        if (str_equal(key_of(e), key))
            return expire(map, e) ? NULL : e;
    }
    return NULL;
}

static bool too_full(const struct shared_map *map)
{
    return map->stats.entries > map->limits.entries || map->stats.bytes > map->limits.bytes;
}

/* Gives up entries until the map is within its limits; the one used last stays, it fits. */
static size_t make_room(struct shared_map *map)
{
    size_t evicted = 0;
    struct entry *next;
    for (struct entry *e = TAILQ_FIRST(&map->order); too_full(map); e = next) {
        next = TAILQ_NEXT(e, order);
        if (expire(map, e))
            continue;
        entry_free(map, e);
        evicted++;
    }
    map->stats.evicted += evicted;
    return evicted;
}

static bool key_ok(struct str key)
{
    return key.size > 0 && key.size <= SHARED_KEY_MAX;
}

static int check(const struct shared_map *map, struct str key, const struct shared_value *value,
                 int64_t ttl_ms)
{
    if (!key_ok(key) || ttl_ms < 0)
        return -EINVAL;
    size_t string_size = string_size_of(value);
    if (string_size > UINT32_MAX || cost_of(key.size, string_size) > map->limits.bytes)
        return -EMSGSIZE;
    return 0;
}

/* Puts the value in the place of `old`, which may be NULL. */
static int put(struct shared_map *map, struct entry *old, struct str key,
               const struct shared_value *value, int64_t ttl_ms, size_t *evicted)
{
    uint64_t expires = expiry(map, ttl_ms);
    if (old && old->string_size == string_size_of(value)) {
        fill(old, value, expires);
        entry_touch(map, old);
        return 0;
    }
    struct entry *e = entry_new(key, value, expires);
    if (!e)
        return -ENOMEM;
    if (old)
        entry_free(map, old);
    entry_link(map, e);
    size_t gone = make_room(map);
    if (evicted)
        *evicted = gone;
    return 0;
}

/* ---- the map -------------------------------------------------------------------------------- */

bool shared_map_get(struct shared_map *map, struct str key, int64_t now_ms,
                    struct shared_value *out)
{
    advance(map, now_ms);
    struct entry *e = find(map, key);
    if (!e)
        return false;
    entry_touch(map, e);
    *out = e->value;
    return true;
}

static int set(struct shared_map *map, struct str key, const struct shared_value *value,
               int64_t ttl_ms, int64_t now_ms, bool only_new, size_t *evicted)
{
    if (evicted)
        *evicted = 0;
    int err = check(map, key, value, ttl_ms);
    if (err)
        return err;
    advance(map, now_ms);
    struct entry *old = find(map, key);
    if (old && only_new)
        return -EEXIST;
    err = put(map, old, key, value, ttl_ms, evicted);
    sweep(map);
    return err;
}

int shared_map_set(struct shared_map *map, struct str key, const struct shared_value *value,
                   int64_t ttl_ms, int64_t now_ms, size_t *evicted)
{
    return set(map, key, value, ttl_ms, now_ms, false, evicted);
}

int shared_map_add(struct shared_map *map, struct str key, const struct shared_value *value,
                   int64_t ttl_ms, int64_t now_ms, size_t *evicted)
{
    return set(map, key, value, ttl_ms, now_ms, true, evicted);
}

static double as_number(const struct shared_value *value)
{
    return value->kind == SHARED_INTEGER ? (double)value->integer : value->number;
}

/* Adds to *sum, which is unchanged on -ERANGE. */
static int add_to(struct shared_value *sum, const struct shared_value *by)
{
    if (sum->kind == SHARED_INTEGER && by->kind == SHARED_INTEGER) {
        int64_t result;
        if (__builtin_add_overflow(sum->integer, by->integer, &result))
            return -ERANGE;
        sum->integer = result;
        return 0;
    }
    sum->number = as_number(sum) + as_number(by);
    sum->kind = SHARED_NUMBER;
    return 0;
}

static bool summand_ok(const struct shared_value *by)
{
    return by->kind == SHARED_INTEGER || (by->kind == SHARED_NUMBER && isfinite(by->number));
}

int shared_map_incr(struct shared_map *map, struct str key, const struct shared_value *by,
                    int64_t ttl_ms, int64_t now_ms, struct shared_value *out, size_t *evicted)
{
    if (evicted)
        *evicted = 0;
    int err = summand_ok(by) ? check(map, key, by, ttl_ms) : -EINVAL;
    if (err)
        return err;
    advance(map, now_ms);
    struct entry *e = find(map, key);
    if (e && e->value.kind == SHARED_STRING)
        return -EINVAL;
    if (e) {
        err = add_to(&e->value, by);
        *out = e->value;
        entry_touch(map, e);
    } else {
        err = put(map, NULL, key, by, ttl_ms, evicted);
        *out = *by;
    }
    sweep(map);
    return err;
}

bool shared_map_remove(struct shared_map *map, struct str key, int64_t now_ms)
{
    advance(map, now_ms);
    struct entry *e = find(map, key);
    if (e)
        entry_free(map, e);
    sweep(map);
    return e != NULL;
}

struct str shared_map_name(const struct shared_map *map)
{
    return str_from(map->name, map->name_size);
}

void shared_map_stats(const struct shared_map *map, struct shared_map_stats *out)
{
    *out = map->stats;
}

static struct shared_map *map_new(struct str name, const struct shared_limits *limits)
{
    struct shared_map *map = calloc(1, sizeof *map);
    size_t chains = key_hash_chains(limits->entries);
    /* All at once: growing would hold a message up, and pages nobody touched cost nothing. */
    struct entry_chain *heads = calloc(chains, sizeof *heads);
    if (!map || !heads) {
        free(map);
        free(heads);
        return NULL;
    }
    map->chains = heads;
    map->chain_mask = chains - 1;
    map->seed = key_hash_seed(map);
    map->limits = *limits;
    map->name_size = name.size;
    memcpy(map->name, name.data, name.size);
    TAILQ_INIT(&map->order);
    return map;
}

static void map_free(struct shared_map *map)
{
    struct entry *next;
    for (struct entry *e = TAILQ_FIRST(&map->order); e; e = next) {
        next = TAILQ_NEXT(e, order);
        free(e);
    }
    free(map->chains);
    free(map);
}

/* ---- the maps of a hub ---------------------------------------------------------------------- */

struct shared_maps *shared_maps_new(const struct shared_limits *limits)
{
    struct shared_maps *maps = calloc(1, sizeof *maps);
    if (!maps)
        return NULL;
    if (limits)
        maps->limits = *limits;
    if (maps->limits.maps == 0)
        maps->limits.maps = DEFAULT_MAPS;
    if (maps->limits.entries == 0)
        maps->limits.entries = DEFAULT_ENTRIES;
    if (maps->limits.bytes == 0)
        maps->limits.bytes = DEFAULT_BYTES;
    maps->maps = calloc(maps->limits.maps, sizeof *maps->maps);
    if (!maps->maps) {
        free(maps);
        return NULL;
    }
    return maps;
}

void shared_maps_free(struct shared_maps *maps)
{
    if (!maps)
        return;
    for (size_t i = 0; i < maps->count; i++)
        map_free(maps->maps[i]);
    free(maps->maps);
    free(maps);
}

/* Few maps, and scripts ask once: a plain search. */
int shared_maps_get(struct shared_maps *maps, struct str name, struct shared_map **out)
{
    if (name.size == 0 || name.size > SHARED_NAME_MAX)
        return -EINVAL;
    for (size_t i = 0; i < maps->count; i++) {
        if (str_equal(shared_map_name(maps->maps[i]), name)) {
            *out = maps->maps[i];
            return 0;
        }
    }
    if (maps->count == maps->limits.maps)
        return -ENOSPC;
    struct shared_map *map = map_new(name, &maps->limits);
    if (!map)
        return -ENOMEM;
    *out = maps->maps[maps->count++] = map;
    return 0;
}

size_t shared_maps_size(const struct shared_maps *maps)
{
    return maps->count;
}

struct shared_map *shared_maps_at(const struct shared_maps *maps, size_t i)
{
    return maps->maps[i];
}
