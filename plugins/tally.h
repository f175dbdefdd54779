/*
 * A tally: how often each of many things was there lately. Pure: no clock, no Lua, no allocation.
 *
 * What is counted is kept in two tables. New entries go to the young one, and both are looked at;
 * after `period` the old one is given up whole, and the young one becomes the old one. So a thing
 * is forgotten one to two periods after it was last counted, and nothing looks for what is over. A
 * table that is full before its time ages at once: it is the oldest entries that are lost then.
 */
#ifndef CHATROOM_TALLY_H
#define CHATROOM_TALLY_H

#include <stdint.h>

enum {
    TALLY_KEYS_MAX = 10000, /* in a table */
    TALLY_HEADS_MAX = 16384,
};

struct tally_entry {
    uint64_t key;
    uint32_t count;
    uint16_t next; /* number of the next entry of the chain + 1; 0: none */
};

/* Entries are added one behind the other, and chained by their keys: as long as they are few,
 * little memory is touched. */
struct tally_table {
    uint32_t used;
    uint32_t mask;                   /* of the keys, for the heads; grows with the entries */
    uint16_t heads[TALLY_HEADS_MAX]; /* of the chains, as `next` */
    struct tally_entry entries[TALLY_KEYS_MAX];
};

/* Embedded; some 400 KB. Not to be looked into. */
struct tally {
    int64_t period_ms;
    int64_t since_ms; /* when the young table was begun */
    unsigned young;   /* which of the tables is that */
    struct tally_table tables[2];
};

/* `period_ms` is above 0. */
void tally_init(struct tally *t, int64_t period_ms, int64_t now_ms);

/* Counts `key`, which is taken for evenly distributed, as hashes are; returns how often it was
 * counted lately, this time included. A clock that jumps back only keeps things for longer. */
uint32_t tally_count(struct tally *t, uint64_t key, int64_t now_ms);

#endif
