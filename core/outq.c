/* The private out-queue of a connection; see outq.h. */
#include "outq.h"

#include <errno.h>
#include <stdlib.h>

/* An item: this head, then `size` bytes, padded; of a range, struct range is those bytes. */
struct item {
    uint32_t size;
    bool is_range;
};

struct range {
    struct room_log *log;
    uint64_t from;
    uint64_t to;
};

struct outq_block {
    uint32_t head;
    uint32_t tail;
    uint32_t last; /* the item before the tail */
    uint32_t size;
    uint32_t sent; /* bytes of the first item that went already, if it holds private bytes */
    char data[] __attribute__((aligned(8)));
};

enum { ALIGN = 8, FIRST_SIZE = 256 };

static uint32_t padded(size_t size)
{
    return (uint32_t)((size + ALIGN - 1) & ~(size_t)(ALIGN - 1));
}

static struct item *item_at(struct outq_block *b, uint32_t at)
{
    return (struct item *)(void *)(b->data + at);
}

static uint32_t item_next(struct outq_block *b, uint32_t at)
{
    return at + (uint32_t)sizeof(struct item) + padded(item_at(b, at)->size);
}

static char *item_bytes(struct item *item)
{
    return (char *)(item + 1);
}

static struct range *item_range(struct item *item)
{
    return (struct range *)(void *)(item + 1);
}

bool outq_empty(const struct outq *q)
{
    return !q->block;
}

size_t outq_bytes(const struct outq *q)
{
    return q->block ? q->block->tail - q->block->head : 0;
}

/* The first item leaves; with the last one, the block. */
static void pop(struct outq *q)
{
    struct outq_block *b = q->block;
    struct item *item = item_at(b, b->head);
    if (item->is_range)
        item_range(item)->log->readers--;
    b->head = item_next(b, b->head);
    b->sent = 0;
    if (b->head < b->tail)
        return;
    free(b);
    q->block = NULL;
}

void outq_fini(struct outq *q)
{
    while (!outq_empty(q))
        pop(q);
}

/* Makes room for `need` bytes at the tail, by a new block that starts with the first item. */
static int make_room(struct outq *q, size_t need)
{
    struct outq_block *b = q->block;
    if (b && b->tail + need <= b->size)
        return 0;
    uint32_t used = (uint32_t)outq_bytes(q);
    size_t size = FIRST_SIZE;
    while (size < used + need)
        size *= 2;
    struct outq_block *bigger = size > UINT32_MAX / 2 ? NULL : malloc(sizeof *bigger + size);
    if (!bigger)
        return -ENOMEM;
    *bigger = (struct outq_block){.tail = used, .size = (uint32_t)size};
    if (b) {
        memcpy(bigger->data, b->data + b->head, used);
        bigger->last = b->last - b->head;
        bigger->sent = b->sent;
    }
    free(b);
    q->block = bigger;
    return 0;
}

static struct item *push_item(struct outq *q, size_t size, bool is_range)
{
    if (make_room(q, sizeof(struct item) + padded(size)) < 0)
        return NULL;
    struct outq_block *b = q->block;
    b->last = b->tail;
    struct item *item = item_at(b, b->last);
    *item = (struct item){.size = (uint32_t)size, .is_range = is_range};
    b->tail = item_next(b, b->last);
    return item;
}

char *outq_push(struct outq *q, size_t size)
{
    struct item *item = push_item(q, size, false);
    return item ? item_bytes(item) : NULL;
}

void outq_shrink(struct outq *q, size_t unused)
{
    struct outq_block *b = q->block;
    item_at(b, b->last)->size -= (uint32_t)unused;
    b->tail = item_next(b, b->last);
}

int outq_push_range(struct outq *q, struct room_log *log, uint64_t from, uint64_t to)
{
    if (from == to)
        return 0;
    struct item *item = push_item(q, sizeof(struct range), true);
    if (!item)
        return -ENOMEM;
    *item_range(item) = (struct range){log, from, to};
    log->readers++;
    return 0;
}

/* One item as parts; returns how many, and whether they hold all of it. */
static int gather_item(struct item *item, uint32_t sent, struct iovec *parts, int max,
                       size_t *bytes, bool *all)
{
    if (!item->is_range) {
        *parts = (struct iovec){item_bytes(item) + sent, item->size - sent};
        *bytes += item->size - sent;
        return 1;
    }
    const struct range *r = item_range(item);
    size_t covered;
    int n = room_log_gather(r->log, r->from, r->to, parts, max, &covered);
    *bytes += covered;
    *all = covered == r->to - r->from;
    return n;
}

int outq_gather(const struct outq *q, struct iovec *parts, int max, size_t *bytes, bool *all)
{
    struct outq_block *b = q->block;
    int n = 0;
    *all = true;
    for (uint32_t at = b ? b->head : 0; b && at < b->tail && *all; at = item_next(b, at)) {
        if (n == max) {
            *all = false;
            break;
        }
        uint32_t sent = at == b->head ? b->sent : 0;
        n += gather_item(item_at(b, at), sent, parts + n, max - n, bytes, all);
    }
    return n;
}

/* Takes up to `size` bytes off the first item; returns how many, and sets *done if it is spent. */
static size_t consume_first(struct outq_block *b, size_t size, bool *done)
{
    struct item *item = item_at(b, b->head);
    struct range *r = item->is_range ? item_range(item) : NULL;
    size_t left = r ? (size_t)(r->to - r->from) : item->size - b->sent;
    size_t taken = size < left ? size : left;
    if (r)
        r->from += taken;
    else
        b->sent += (uint32_t)taken;
    *done = taken == left;
    return taken;
}

size_t outq_consume(struct outq *q, size_t size)
{
    size_t taken = 0;
    bool done = true;
    while (!outq_empty(q) && done) {
        taken += consume_first(q->block, size - taken, &done);
        if (done)
            pop(q);
    }
    return taken;
}

uint64_t outq_need(const struct outq *q, const struct room_log *log)
{
    struct outq_block *b = q->block;
    uint64_t need = UINT64_MAX;
    for (uint32_t at = b ? b->head : 0; b && at < b->tail; at = item_next(b, at)) {
        struct item *item = item_at(b, at);
        if (item->is_range && item_range(item)->log == log && item_range(item)->from < need)
            need = item_range(item)->from;
    }
    return need;
}

/* Only the first item can be half sent: the rest of its record, if it is a range of `log`. */
static size_t half_sent(struct outq_block *b, const struct room_log *log, uint64_t *from)
{
    if (!b || !item_at(b, b->head)->is_range)
        return 0;
    const struct range *r = item_range(item_at(b, b->head));
    *from = r->from;
    return r->log == log ? (size_t)(room_log_border(log, r->from) - r->from) : 0;
}

/* Copies the bytes [from, from + size) of `log`, one record's, to the end of `q`. */
static int push_copy(struct outq *q, const struct room_log *log, uint64_t from, size_t size)
{
    struct iovec part;
    size_t covered;
    if (size == 0)
        return 0;
    char *out = outq_push(q, size);
    if (!out)
        return -ENOMEM;
    room_log_gather(log, from, from + size, &part, 1, &covered);
    memcpy(out, part.iov_base, size);
    return 0;
}

/* Copies the item at `at` of `b` to the end of `to`. */
static int push_item_copy(struct outq *to, struct outq_block *b, uint32_t at)
{
    struct item *item = item_at(b, at);
    if (item->is_range) {
        const struct range *r = item_range(item);
        return outq_push_range(to, r->log, r->from, r->to);
    }
    uint32_t sent = at == b->head ? b->sent : 0;
    char *out = outq_push(to, item->size - sent);
    if (!out)
        return -ENOMEM;
    memcpy(out, item_bytes(item) + sent, item->size - sent);
    return 0;
}

int outq_skip(struct outq *q, struct room_log *log, uint64_t *skipped)
{
    struct outq_block *b = q->block;
    struct outq kept = {0};
    uint64_t from = 0;
    size_t half = half_sent(b, log, &from);
    int rc = push_copy(&kept, log, from, half);
    *skipped = 0;
    for (uint32_t at = b ? b->head : 0; b && at < b->tail && rc == 0; at = item_next(b, at)) {
        const struct range *r = item_range(item_at(b, at));
        if (item_at(b, at)->is_range && r->log == log)
            *skipped += room_log_count(log, room_log_border(log, r->from), r->to);
        else
            rc = push_item_copy(&kept, b, at);
    }
    struct outq gone = rc == 0 ? *q : kept;
    if (rc == 0)
        *q = kept;
    outq_fini(&gone);
    return rc;
}
