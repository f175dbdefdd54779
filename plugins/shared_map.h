/*
 * Named maps that all scripts of a hub share: a key to a string or a number, for a time or for
 * good. Pure: no clock, no Lua. For one thread, so that shared_map_incr() is atomic by itself.
 *
 * Nothing grows without limit: a map that is full gives up the entries used longest ago, and says
 * so, in the `evicted` of the call that caused it, and in its statistics. Whoever keeps in a map
 * what must not be lost (a ban, a balance) looks there. Entries whose time is over count as absent
 * at once; their memory comes back when somebody asks for them, and bit by bit with every change of
 * the map.
 *
 * `now_ms` is any clock in milliseconds, the same for all calls on a map. When it jumps back,
 * entries neither die nor gain by it: time goes on from there.
 */
#ifndef CHATROOM_SHARED_MAP_H
#define CHATROOM_SHARED_MAP_H

#include "str.h"

#include <stdint.h>

enum {
    SHARED_NAME_MAX = 64, /* bytes of a map's name, at least 1 */
    SHARED_KEY_MAX = 256, /* bytes of a key, at least 1 */
};

/* 0: the default that stands behind it. */
struct shared_limits {
    size_t maps;    /* 32 */
    size_t entries; /* of one map: 65,536; 8 bytes for each are set aside at once */
    size_t bytes;   /* of one map: 4 MiB; keys and strings, and some 80 bytes for each entry */
};

enum shared_kind {
    SHARED_INTEGER,
    SHARED_NUMBER,
    SHARED_STRING,
};

struct shared_value {
    enum shared_kind kind;
    union {
        int64_t integer;
        double number;
        struct str string; /* any bytes. Got from a map: borrowed until that map changes. */
    };
};

struct shared_map_stats {
    size_t entries; /* with those whose time is over, and that were not met since */
    size_t bytes;
    uint64_t evicted; /* given up though their time was not over */
    uint64_t expired;
};

struct shared_maps;
struct shared_map;

/* ---- the maps of a hub ---------------------------------------------------------------------- */

/* No maps yet; `limits` may be NULL. NULL without memory. */
struct shared_maps *shared_maps_new(const struct shared_limits *limits);
void shared_maps_free(struct shared_maps *maps);

/* The map `name`, made if there is none; in *out, and valid as long as `maps`. -EINVAL for a name
 * that is empty or too long, -ENOSPC if there are too many maps, -ENOMEM. */
int shared_maps_get(struct shared_maps *maps, struct str name, struct shared_map **out);

size_t shared_maps_size(const struct shared_maps *maps);
struct shared_map *shared_maps_at(const struct shared_maps *maps, size_t i);

/* ---- one map -------------------------------------------------------------------------------- */

/* *evicted becomes the number of entries that the call gave up; `evicted` may be NULL. */

/* False if there is no such key, or its time is over. What is got counts as used. */
bool shared_map_get(struct shared_map *map, struct str key, int64_t now_ms,
                    struct shared_value *out);

/*
 * Sets `key`, for `ttl_ms` from now, or for good if that is 0; what was there goes, with its time.
 * 0; -EINVAL for a key that is empty or too long, or a negative time; -EMSGSIZE if the value is
 * larger than all the map may hold; -ENOMEM. Nothing has changed where it fails. Key and value are
 * copied; they are not to be borrowed from this map.
 */
int shared_map_set(struct shared_map *map, struct str key, const struct shared_value *value,
                   int64_t ttl_ms, int64_t now_ms, size_t *evicted);

/* The same, but -EEXIST if the key is there: to be the first at something. */
int shared_map_add(struct shared_map *map, struct str key, const struct shared_value *value,
                   int64_t ttl_ms, int64_t now_ms, size_t *evicted);

/*
 * Adds `by` (an integer or a finite number, may be negative) to what `key` holds; the sum is in
 * *out. A key that is not there starts from 0 and lives for `ttl_ms`; one that is keeps its time,
 * so that a count per minute is one call. Integers stay integers; with a number the sum is one. No
 * allocation for a key that is there. The errors of shared_map_set(), and -EINVAL for strings,
 * -ERANGE if the sum is too large for an integer.
 */
int shared_map_incr(struct shared_map *map, struct str key, const struct shared_value *by,
                    int64_t ttl_ms, int64_t now_ms, struct shared_value *out, size_t *evicted);

/* True if the key was there. */
bool shared_map_remove(struct shared_map *map, struct str key, int64_t now_ms);

struct str shared_map_name(const struct shared_map *map);
void shared_map_stats(const struct shared_map *map, struct shared_map_stats *out);

#endif
