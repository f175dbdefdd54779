/* A segmented log; see room_log.h. */
#include "room_log.h"

#include <stdlib.h>
#include <string.h>

struct segment {
    struct segment *next;
    uint64_t start; /* offset of data[0] */
    size_t used;
    size_t size;
    char data[];
};

/* ---- segments ------------------------------------------------------------------------------- */

void segment_pool_init(struct segment_pool *pool, size_t segment_size, size_t keep)
{
    *pool = (struct segment_pool){.segment_size = segment_size, .keep = keep};
}

void segment_pool_fini(struct segment_pool *pool)
{
    while (pool->free) {
        struct segment *s = pool->free;
        pool->free = s->next;
        free(s);
    }
    pool->count = 0;
}

/* For a record of `need` bytes, in a log whose last segment has `last` bytes, or 0. */
static size_t segment_size_for(const struct segment_pool *pool, size_t need, size_t last)
{
    size_t size = pool->made < pool->keep ? pool->segment_size : SEGMENT_FIRST;
    if (size < 2 * last)
        size = 2 * last;
    if (size > pool->segment_size)
        size = pool->segment_size;
    return size > need ? size : need;
}

static struct segment *segment_take(struct segment_pool *pool, size_t need, size_t last)
{
    struct segment *s = pool->free;
    if (s && need <= pool->segment_size) {
        pool->free = s->next;
        pool->count--;
        return s;
    }
    size_t size = segment_size_for(pool, need, last);
    s = malloc(sizeof *s + size);
    if (!s)
        return NULL;
    s->size = size;
    pool->made += size == pool->segment_size;
    return s;
}

static void segment_give(struct segment_pool *pool, struct segment *s)
{
    bool full = s->size == pool->segment_size;
    if (!full || pool->count >= pool->keep) {
        pool->made -= full;
        free(s);
        return;
    }
    s->next = pool->free;
    pool->free = s;
    pool->count++;
}

/* ---- marks ---------------------------------------------------------------------------------- */

enum { MARKS_KEPT = 1024 }; /* a larger ring goes when it is empty: the burst is over */

static struct room_log_mark *mark_at(const struct room_log *log, uint32_t i)
{
    return &log->marks[(log->first_mark + i) & (log->mark_size - 1)];
}

static bool marks_grow(struct room_log *log)
{
    uint32_t size = log->mark_size ? log->mark_size * 2 : 16;
    struct room_log_mark *marks = malloc(size * sizeof *marks);
    if (!marks)
        return false;
    for (uint32_t i = 0; i < log->mark_count; i++)
        marks[i] = *mark_at(log, i);
    free(log->marks);
    log->marks = marks;
    log->mark_size = size;
    log->first_mark = 0;
    return true;
}

/* Forgets the first `n` marks. */
static void marks_drop(struct room_log *log, uint32_t n)
{
    log->first_mark = (log->first_mark + n) & (log->mark_size - 1);
    log->mark_count -= n;
    if (log->mark_count > 0 || log->mark_size <= MARKS_KEPT)
        return;
    free(log->marks);
    log->marks = NULL;
    log->mark_size = 0;
}

/* How many records end at or before `offset`. */
static uint32_t marks_until(const struct room_log *log, uint64_t offset)
{
    uint32_t low = 0;
    uint32_t high = log->mark_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mark_at(log, middle)->end <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Number of the last message that ends at or before `offset`. */
static uint64_t number_at(const struct room_log *log, uint64_t offset)
{
    uint32_t n = marks_until(log, offset);
    return n > 0 ? mark_at(log, n - 1)->number : log->base_number;
}

/* ---- the log -------------------------------------------------------------------------------- */

void room_log_init(struct room_log *log, struct segment_pool *pool)
{
    *log = (struct room_log){.pool = pool};
}

void room_log_fini(struct room_log *log)
{
    while (log->first) {
        struct segment *s = log->first;
        log->first = s->next;
        segment_give(log->pool, s);
    }
    free(log->marks);
    *log = (struct room_log){.pool = log->pool};
}

char *room_log_reserve(struct room_log *log, size_t size)
{
    if (log->mark_count == log->mark_size && !marks_grow(log))
        return NULL;
    struct segment *last = log->last;
    if (last && last->size - last->used >= size)
        return last->data + last->used;
    struct segment *s = segment_take(log->pool, size, last ? last->size : 0);
    if (!s)
        return NULL;
    s->next = NULL;
    s->start = log->end;
    s->used = 0;
    if (last)
        last->next = s;
    else
        log->first = s;
    log->last = s;
    return s->data;
}

void room_log_append(struct room_log *log, size_t size, uint64_t number)
{
    log->last->used += size;
    log->end += size;
    *mark_at(log, log->mark_count++) = (struct room_log_mark){log->end, number};
}

void room_log_cancel(struct room_log *log)
{
    struct segment **end = &log->first;
    log->last = NULL;
    for (struct segment *s = log->first; s; s = s->next) {
        if (s->used == 0)
            continue;
        log->last = s;
        end = &s->next;
    }
    while (*end) {
        struct segment *s = *end;
        *end = s->next;
        segment_give(log->pool, s);
    }
}

void room_log_pass(struct room_log *log, uint64_t number)
{
    log->base_number = number;
}

void room_log_drop(struct room_log *log, uint64_t offset)
{
    uint32_t n = marks_until(log, offset);
    if (n == 0)
        return;
    log->start = mark_at(log, n - 1)->end;
    log->base_number = mark_at(log, n - 1)->number;
    marks_drop(log, n);
    while (log->first && log->first->start + log->first->used <= log->start) {
        struct segment *s = log->first;
        log->first = s->next;
        segment_give(log->pool, s);
    }
    if (!log->first)
        log->last = NULL;
}

int room_log_gather(const struct room_log *log, uint64_t from, uint64_t to, struct iovec *parts,
                    int max, size_t *covered)
{
    int n = 0;
    *covered = 0;
    for (const struct segment *s = log->first; s && from < to && n < max; s = s->next) {
        uint64_t segment_end = s->start + s->used;
        if (segment_end <= from)
            continue;
        size_t size = (size_t)((to < segment_end ? to : segment_end) - from);
        parts[n++] = (struct iovec){(char *)s->data + (from - s->start), size};
        *covered += size;
        from += size;
    }
    return n;
}

uint64_t room_log_border(const struct room_log *log, uint64_t offset)
{
    if (offset <= log->start)
        return log->start;
    uint32_t n = marks_until(log, offset - 1);
    return n < log->mark_count ? mark_at(log, n)->end : log->end;
}

uint64_t room_log_count(const struct room_log *log, uint64_t from, uint64_t to)
{
    return number_at(log, to) - number_at(log, from);
}

uint64_t room_log_after(const struct room_log *log, uint64_t number)
{
    uint32_t low = 0;
    uint32_t high = log->mark_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mark_at(log, middle)->number <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? mark_at(log, low - 1)->end : log->start;
}

uint64_t room_log_weight(const struct room_log *log, uint64_t to)
{
    uint32_t marks = to == log->end ? log->mark_count : marks_until(log, to);
    return to - log->start + marks * sizeof(struct room_log_mark);
}

uint64_t room_log_second_segment(const struct room_log *log)
{
    const struct segment *s = log->first;
    /* The first may be empty: reserved, and never used. */
    while (s && s->start <= log->start)
        s = s->next;
    return s ? s->start : log->end;
}
