/*
 * The log of a room for one encoding: an append-only run of bytes in contiguous segments, with a
 * mark per record. Readers hold offsets into it; nobody copies it. Pure but for memory.
 *
 * Glossary
 *   offset   position in the run of all bytes ever appended; never reused
 *   start    first offset still kept
 *   end      offset behind the last record
 *   record   the bytes of one event; segments break only between records
 *   number   the room's message number (seq); events that are no message repeat the last one
 *   readers  queued ranges that point into the log; its owner must not drop what they need
 */
#ifndef CHATROOM_ROOM_LOG_H
#define CHATROOM_ROOM_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct segment;

/*
 * Segments of one size, shared by all logs of a thread: the last one freed is still warm. There are
 * `keep` of them for whoever comes first, which is enough for those that are busy at a time. Were
 * more logs to hold something at once, say ten thousand rooms in which one line was said, then a
 * log begins with SEGMENT_FIRST bytes, and what it takes next is twice as large, up to full size.
 */
struct segment_pool {
    struct segment *free;
    size_t count;        /* spares */
    size_t made;         /* of full size, spares and in use */
    size_t keep;         /* most spares kept */
    size_t segment_size; /* bytes of data in each */
};

enum { SEGMENT_FIRST = 256 };

void segment_pool_init(struct segment_pool *pool, size_t segment_size, size_t keep);
void segment_pool_fini(struct segment_pool *pool);

struct room_log_mark {
    uint64_t end; /* offset behind the record */
    uint64_t number;
};

/* Embedded in a room. */
struct room_log {
    struct segment_pool *pool;
    struct segment *first;
    struct segment *last;
    uint64_t start;
    uint64_t end;
    uint64_t base_number; /* number of the last record dropped */
    uint32_t readers;
    uint32_t first_mark; /* ring of marks; its size is a power of two */
    uint32_t mark_count;
    uint32_t mark_size;
    struct room_log_mark *marks;
};

/* `pool` is borrowed for the life of the log. */
void room_log_init(struct room_log *log, struct segment_pool *pool);
void room_log_fini(struct room_log *log);

/* Room for a record of at most `size` bytes, contiguous; NULL without memory. Holds until the log
 * is changed. */
char *room_log_reserve(struct room_log *log, size_t size);

/* Makes the first `size` of the bytes just reserved a record. Cannot fail. */
void room_log_append(struct room_log *log, size_t size, uint64_t number);

/* Gives back what was reserved and will not be used. */
void room_log_cancel(struct room_log *log);

/* The records up to this number stand elsewhere, not here. Of an empty log only. */
void room_log_pass(struct room_log *log, uint64_t number);

/* Forgets the records that end at or before `offset`: one that a reader is inside of stays whole,
 * so that `start` is always a border. Memory goes by whole segments. */
void room_log_drop(struct room_log *log, uint64_t offset);

/* The bytes [from, to) as at most `max` parts; returns how many, *covered is how many bytes they
 * hold (less than asked if there are not parts enough). start <= from <= to <= end. */
int room_log_gather(const struct room_log *log, uint64_t from, uint64_t to, struct iovec *parts,
                    int max, size_t *covered);

/* Border at or behind `offset`: where the record ends that `offset` is inside of. */
uint64_t room_log_border(const struct room_log *log, uint64_t offset);

/* How many messages lie in [from, to), both borders. */
uint64_t room_log_count(const struct room_log *log, uint64_t from, uint64_t to);

/* Offset of the first record with a number above `number`. */
uint64_t room_log_after(const struct room_log *log, uint64_t number);

/* Memory of the records kept before `to`, a border: their bytes and their marks. */
uint64_t room_log_weight(const struct room_log *log, uint64_t to);

/* Where the next segment behind `start` begins, or `end`: up to here, dropping frees memory. Only
 * an empty log has it at `start`. */
uint64_t room_log_second_segment(const struct room_log *log);

#endif
