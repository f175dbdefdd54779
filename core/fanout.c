/* The flush; see fanout.h. */
#include "fanout.h"

#include "clock.h"
#include "netpoll.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLICE_NS = 1000 * 1000, /* between two looks at the input */
    SLICE_MIN = 64,         /* sends in that time, at least */
    SLICE_MAX = 1024,       /* and at most */
};

int fanout_init(struct fanout *f, struct hub *hub, struct netpoll *np, uint32_t slots)
{
    *f = (struct fanout){.hub = hub, .np = np, .slice = SLICE_MAX, .slice_ns = SLICE_NS};
    f->rooms.items = calloc(HUB_ROOMS_MAX, sizeof *f->rooms.items);
    f->later.items = calloc(HUB_ROOMS_MAX, sizeof *f->later.items);
    f->conns.items = calloc(slots, sizeof *f->conns.items);
    f->flight.items = calloc(slots, sizeof *f->flight.items);
    if (f->rooms.items && f->later.items && f->conns.items && f->flight.items)
        return 0;
    fanout_fini(f);
    return -ENOMEM;
}

void fanout_fini(struct fanout *f)
{
    free(f->rooms.items);
    free(f->later.items);
    free(f->conns.items);
    free(f->flight.items);
    *f = (struct fanout){0};
}

static void list_add(struct slot_list *list, uint32_t item)
{
    list->items[list->count++] = item;
}

/* Takes what the hub has listed; the hub starts a new list. */
static void list_take(struct slot_list *mine, struct slot_list *theirs)
{
    struct slot_list t = *mine;
    *mine = *theirs;
    *theirs = t;
    theirs->count = 0;
}

/* ---- the fast path: rooms ------------------------------------------------------------------- */

#define NOWHERE UINT64_MAX /* no cursor is so large */

/* The bytes from one cursor to the end of a log: most members of a room share them. */
struct range_memo {
    uint64_t from; /* NOWHERE: nobody has asked yet */
    uint64_t to;   /* less than the log's end if there are too many parts */
    int n;
    struct iovec parts[NETPOLL_IOV_MAX];
};

static void memo_set(struct range_memo *memo, struct room *room, const struct room_log *log,
                     uint64_t from)
{
    size_t covered;
    memo->from = from;
    memo->n = room_log_gather(log, from, log->end, memo->parts, NETPOLL_IOV_MAX, &covered);
    memo->to = from + covered;
    room->level &= memo->to == log->end;
}

/* Its connection is flushed as a whole: with one send, however many rooms want that. While it takes
 * nothing, with none. Returns how many sends that costs. */
static uint32_t leave_to_conn(struct fanout *f, struct conn *c)
{
    if (c->flags & (CONN_PENDING | CONN_BLOCKED))
        return 0;
    hub_pend(f->hub, c);
    return 1;
}

/* A member whose turn it is; a memo for each encoding. Returns how many sends that cost. */
static uint32_t flush_member(struct fanout *f, struct room *room, struct member *m,
                             struct range_memo memos[WIRE_COUNT])
{
    const struct room_log *log = &room->live[m->wire];
    struct range_memo *memo = &memos[m->wire];
    if (m->flags) {
        room->level = false;
        return leave_to_conn(f, &f->hub->conns[netpoll_slot(m->handle)]);
    }
    if (m->cursor != memo->from) {
        if (m->cursor == log->end)
            return 0;
        memo_set(memo, room, log, m->cursor);
    }
    int rc = netpoll_send(f->np, m->handle, memo->parts, memo->n);
    if (rc == 0)
        m->cursor = memo->to;
    else if (rc == -EBUSY)
        room->level = false;
    else
        m->cursor = log->end; /* its connection is going down: it is due nothing more */
    return 1;
}

/* A room must not be sliced when those at its end would soon look like laggards. */
static bool may_stop(const struct fanout *f, const struct room *room, const struct member *m)
{
    return room->live[m->wire].end - m->cursor < f->hub->limits.lag_limit / 2;
}

/* Goes on with a room where its last slice ended. True if the pass is complete. */
static bool flush_room(struct fanout *f, struct room *room, uint32_t *budget)
{
    struct range_memo memos[WIRE_COUNT];
    struct member *end = room->members + room->count;
    struct member *m = room->members + room->next;
    const uint32_t most = *budget;
    uint32_t sends = 0;
    if (room->next == 0)
        room->level = true; /* until one is found who is not, or something is posted */
    for (int w = 0; w < WIRE_COUNT; w++)
        memos[w].from = NOWHERE;
    for (; m < end && (sends < most || !may_stop(f, room, m)); m++)
        sends += flush_member(f, room, m, memos);
    *budget -= sends < most ? sends : most;
    room->next = m < end ? (uint32_t)(m - room->members) : 0;
    return m == end;
}

/* True if somebody else will see to it that the member gets what it still lacks. */
static bool is_seen_to(const struct hub *hub, const struct member *m)
{
    uint16_t flags = hub->conns[netpoll_slot(m->handle)].flags;
    return m->flags & MEMBER_GHOST ||
           (m->flags && flags & (CONN_PENDING | CONN_BLOCKED | CONN_DOOMED));
}

/* True if every member has it all, or will without another pass. In a sliced room, those at the
 * front may have missed what was posted between the slices. */
static bool all_sent(const struct hub *hub, const struct room *room)
{
    for (uint32_t i = 0; i < room->count; i++) {
        const struct member *m = &room->members[i];
        if (m->cursor != room->live[m->wire].end && !is_seen_to(hub, m))
            return false;
    }
    return true;
}

/* Rooms that became dirty since the last slice, and behind them those that it left over. Returns
 * how many of the latter there are. */
static uint32_t take_rooms(struct fanout *f)
{
    struct slot_list *dirty = &f->hub->dirty;
    uint32_t left = f->left_over < dirty->count ? f->left_over : dirty->count;
    uint32_t fresh = dirty->count - left;
    memcpy(f->rooms.items, dirty->items + left, fresh * sizeof *dirty->items);
    memcpy(f->rooms.items + fresh, dirty->items, left * sizeof *dirty->items);
    f->rooms.count = dirty->count;
    f->later.count = 0;
    dirty->count = 0;
    return left;
}

/* In a slice of sends, half of which is for the rooms that were left over, if there are any: so
 * nobody in a small room waits for a large one, nor the other way round for ever. A room that is
 * cut off goes behind those that were not reached. They all stay marked as dirty, until they are
 * settled. Returns how many sends that were. */
static uint32_t flush_rooms(struct fanout *f)
{
    uint32_t left = take_rooms(f);
    uint32_t kept = left > 0 ? (f->slice + 1) / 2 : 0;
    uint32_t budget = f->slice - kept;
    struct room *cut[2]; /* one of each kind */
    uint32_t cuts = 0;
    uint32_t complete = 0;
    for (uint32_t k = 0; k < f->rooms.count; k++) {
        struct room *room = f->hub->rooms[f->rooms.items[k]];
        if (k == f->rooms.count - left)
            budget += kept;
        bool reached = budget > 0;
        if (flush_room(f, room, &budget))
            f->rooms.items[complete++] = room->id;
        else if (reached)
            cut[cuts++] = room;
        else
            list_add(&f->later, room->id);
    }
    f->rooms.count = complete;
    for (uint32_t k = 0; k < cuts; k++)
        list_add(&f->later, cut[k]->id);
    return f->slice - budget;
}

/* After the commit: who is complete gives back its memory; who is not comes again. */
static void settle_rooms(struct fanout *f)
{
    struct hub *hub = f->hub;
    for (uint32_t k = 0; k < f->rooms.count; k++) {
        struct room *room = hub->rooms[f->rooms.items[k]];
        hub_settle(hub, room);
        room->dirty = !room->level && !all_sent(hub, room);
        if (room->dirty)
            list_add(&hub->dirty, room->id);
    }
    for (uint32_t k = 0; k < f->later.count; k++)
        list_add(&hub->dirty, f->later.items[k]);
    f->left_over = hub->dirty.count;
}

/* What a send takes differs by a factor of ten, between machines and with what the other end does:
 * the next slice has as many as slice_ns allows, going by the last ones. */
static void adapt_slice(struct fanout *f, uint32_t sends, uint64_t began_ns)
{
    if (sends < SLICE_MIN || f->slice_ns == 0)
        return;
    uint64_t fit = sends * f->slice_ns / (clock_monotonic_ns() - began_ns + 1);
    fit = fit < SLICE_MIN ? SLICE_MIN : fit;
    fit = fit > SLICE_MAX ? SLICE_MAX : fit;
    f->slice = (f->slice + (uint32_t)fit) / 2;
}

/* ---- the slow path: connections ------------------------------------------------------------- */

/* Whoever was skipped is told before anything newer. */
static void tell_gaps(struct fanout *f, struct conn *c)
{
    struct link *links = conn_links(c);
    for (uint16_t i = 0; i < c->link_count; i++)
        hub_queue_gap(f->hub, c, &links[i]);
}

/* Everything it is due as parts: the out-queue, then its rooms. */
static int gather_conn(struct fanout *f, struct conn *c, struct iovec *parts, size_t *bytes)
{
    bool all;
    *bytes = 0;
    int n = outq_gather(&c->outq, parts, NETPOLL_IOV_MAX, bytes, &all);
    struct link *links = conn_links(c);
    for (uint16_t i = 0; all && c->state == CONN_OPEN && i < c->link_count; i++) {
        const struct member *m = hub_member(f->hub, &links[i]);
        const struct room_log *live = &f->hub->rooms[links[i].room]->live[m->wire];
        size_t covered;
        n += room_log_gather(live, m->cursor, live->end, parts + n, NETPOLL_IOV_MAX - n, &covered);
        *bytes += covered;
        all = m->cursor + covered == live->end;
    }
    return n;
}

/* `size` bytes went: off the out-queue, then along its rooms, in the order of gather_conn(). */
static void consume_conn(struct fanout *f, struct conn *c, size_t size)
{
    size -= outq_consume(&c->outq, size);
    struct link *links = conn_links(c);
    for (uint16_t i = 0; size > 0 && i < c->link_count; i++) {
        struct member *m = hub_member(f->hub, &links[i]);
        uint64_t due = f->hub->rooms[links[i].room]->live[m->wire].end - m->cursor;
        size_t taken = size < due ? size : (size_t)due;
        m->cursor += taken;
        size -= taken;
    }
}

/* What the server waits for may have come true: it goes on reading, or closes. */
static void look_at(struct fanout *f, struct conn *c)
{
    bool drained = hub_drained(f->hub, c);
    bool held = c->flags & CONN_HELD;
    bool go_on = c->flags & CONN_BARRIER ? drained : outq_bytes(&c->outq) <= HUB_OUTQ_HIGH / 2;
    if ((c->state == CONN_LEAVING && drained) || (held && go_on))
        hub_attend(f->hub, c);
    if (c->flags & CONN_BLOCKED)
        return;
    if (!drained) {
        hub_pend(f->hub, c);
        return;
    }
    hub_refresh(f->hub, c);
    hub_tidy_rooms(f->hub, c);
}

/* Its connection is going down, and will be reported closed when its input has been read: it is due
 * nothing more, and its input must not wait for that. */
static void write_off(struct fanout *f, struct conn *c)
{
    struct link *links = conn_links(c);
    c->flags |= CONN_BROKEN;
    outq_fini(&c->outq);
    for (uint16_t i = 0; i < c->link_count; i++) {
        struct member *m = hub_member(f->hub, &links[i]);
        m->cursor = f->hub->rooms[links[i].room]->live[m->wire].end;
    }
    look_at(f, c);
}

static void flush_conn(struct fanout *f, struct conn *c)
{
    struct iovec parts[NETPOLL_IOV_MAX];
    size_t bytes;
    if (c->flags & (CONN_BLOCKED | CONN_DOOMED))
        return;
    tell_gaps(f, c);
    int n = gather_conn(f, c, parts, &bytes);
    if (n == 0) {
        look_at(f, c);
        return;
    }
    int rc = netpoll_send(f->np, c->handle, parts, n);
    if (rc == -EBUSY) {
        hub_pend(f->hub, c); /* the fast path had it in this batch */
        return;
    }
    if (rc < 0) {
        write_off(f, c);
        return;
    }
    c->asked = (uint32_t)bytes;
    c->left = 0;
    c->flags |= CONN_FLYING;
    list_add(&f->flight, hub_slot(f->hub, c));
}

static void flush_conns(struct fanout *f)
{
    list_take(&f->conns, &f->hub->pending);
    for (uint32_t k = 0; k < f->conns.count; k++) {
        struct conn *c = &f->hub->conns[f->conns.items[k]];
        c->flags &= (uint16_t)~CONN_PENDING;
        flush_conn(f, c);
    }
    f->conns.count = 0;
}

/* After the commit: the results are known. */
static void settle_conns(struct fanout *f)
{
    for (uint32_t k = 0; k < f->flight.count; k++) {
        struct conn *c = &f->hub->conns[f->flight.items[k]];
        c->flags &= (uint16_t)~CONN_FLYING;
        consume_conn(f, c, c->asked - c->left);
        /* The rest is due in just this order; what comes later queues up behind. */
        if (c->state == CONN_OPEN && !hub_drained(f->hub, c))
            hub_queue_live(f->hub, c);
        look_at(f, c);
    }
}

/* Connections, until nobody is due more that could be sent; or for a slice: the next turn goes on.
 */
static void flush_all_conns(struct fanout *f)
{
    uint32_t sends = 0;
    do {
        f->flight.count = 0;
        flush_conns(f);
        netpoll_commit(f->np);
        settle_conns(f);
        sends += f->flight.count;
    } while (f->flight.count > 0 && f->hub->pending.count > 0 && sends < f->slice);
}

void fanout_fell_short(struct fanout *f, struct conn *c, size_t left)
{
    c->flags |= CONN_BLOCKED;
    if (c->flags & CONN_FLYING) {
        c->left = (uint32_t)left;
        return;
    }
    /* Fast path: its cursor was moved too far. */
    hub_member(f->hub, conn_links(c))->cursor -= left;
    f->hub->rooms[conn_links(c)->room]->level = false;
    hub_queue_live(f->hub, c);
    hub_mark_slow(f->hub, c);
}

void fanout_writable(struct fanout *f, struct conn *c)
{
    c->flags &= (uint16_t)~CONN_BLOCKED;
    hub_pend(f->hub, c);
}

bool fanout_flush(struct fanout *f)
{
    if (f->hub->dirty.count + f->hub->pending.count == 0)
        return false;
    uint64_t began_ns = clock_monotonic_ns();
    uint32_t sends = flush_rooms(f);
    flush_all_conns(f);
    settle_rooms(f);
    adapt_slice(f, sends, began_ns);
    return f->hub->dirty.count + f->hub->pending.count > 0;
}
