/*
 * What one connection is still due beyond its live position in its rooms, in order: private bytes
 * (replies, notices, private messages) and ranges of room logs (what was posted before a private
 * line, a replay, what fell short). Exists only while it holds something.
 */
#ifndef CHATROOM_OUTQ_H
#define CHATROOM_OUTQ_H

#include "room_log.h"
#include "str.h"

/* Zeroed is empty. */
struct outq {
    struct outq_block *block; /* head, tail and items; NULL while empty */
};

/* Also unpins the logs of its ranges. */
void outq_fini(struct outq *q);

bool outq_empty(const struct outq *q);

/* Memory its items take; ranges count as items, not as the bytes they stand for. */
size_t outq_bytes(const struct outq *q);

/* Room for `size` private bytes at the end; NULL without memory. The item counts from now on;
 * outq_shrink() gives back what was not needed of it. */
char *outq_push(struct outq *q, size_t size);
void outq_shrink(struct outq *q, size_t unused);

/* Appends the range [from, to) of `log` and pins it. Nothing for an empty range. 0 or -ENOMEM. */
int outq_push_range(struct outq *q, struct room_log *log, uint64_t from, uint64_t to);

/* The first bytes due as at most `max` parts; returns how many, adds their size to *bytes. *all
 * says whether that is everything. Valid until the queue changes. */
int outq_gather(const struct outq *q, struct iovec *parts, int max, size_t *bytes, bool *all);

/* Takes up to `size` sent bytes off the front; returns how many of them were the queue's. */
size_t outq_consume(struct outq *q, size_t size);

/* Lowest offset of `log` that a range still needs; UINT64_MAX if none does. */
uint64_t outq_need(const struct outq *q, const struct room_log *log);

/*
 * Gives up what is queued of `log`: the rest of a record that is half sent is kept as private
 * bytes, everything else of the log goes. Returns how many messages were given up, in *skipped.
 * 0 or -ENOMEM, nothing changed.
 */
int outq_skip(struct outq *q, struct room_log *log, uint64_t *skipped);

#endif
