/*
 * What a netpoll backend implements, and what the common part (netpoll.c) does for it.
 * Only netpoll*.c and the scripted fake in tests/support include this.
 *
 * The common part owns slots, generations, timers, the list of closing handles and the exceptions
 * of the batch. A backend turns kernel events into netpoll_deliver_*() calls and keeps its own
 * state behind `priv`.
 */
#ifndef CHATROOM_NETPOLL_IMPL_H
#define CHATROOM_NETPOLL_IMPL_H

#include "address.h"
#include "netpoll.h"
#include "timer_heap.h"

enum netpoll_kind {
    NETPOLL_FREE,
    NETPOLL_LISTENER,
    NETPOLL_SOCKET,
    NETPOLL_PIPE, /* whatever is read with read(2): pipes, FIFOs, terminals */
    NETPOLL_WAKER,
};

enum netpoll_flag {
    NETPOLL_CLOSING = 1 << 0,        /* `closed` is due, nothing else is delivered */
    NETPOLL_PAUSED = 1 << 1,         /* the owner wants no data */
    NETPOLL_ENDED = 1 << 2,          /* `ended` was delivered */
    NETPOLL_WANT_WRITE = 1 << 3,     /* a send fell short, `writable` is due */
    NETPOLL_FAILED = 1 << 4,         /* a send failed: drain the input, then close with `reason` */
    NETPOLL_QUEUED = 1 << 5,         /* stands in the backend's ready queue */
    NETPOLL_ARMED = 1 << 6,          /* io_uring: a receive or accept is in flight */
    NETPOLL_POLLING = 1 << 7,        /* io_uring: a poll for room is in flight */
    NETPOLL_CANCELLED = 1 << 8,      /* io_uring: the receive in flight is being cancelled */
    NETPOLL_HANGUP = 1 << 9,         /* epoll: the peer hung up, read on to the end of input */
    NETPOLL_STUCK = 1 << 10,         /* listener: accepting is paused for want of a resource */
    NETPOLL_SHUT = 1 << 11,          /* the owner said it sends no more */
    NETPOLL_CANCELLED_ALL = 1 << 12, /* io_uring: all that is in flight is being cancelled */
    NETPOLL_UNTOLD = 1 << 13,        /* a send fell short, `fell_short` is due */
    NETPOLL_ROOM = 1 << 14,          /* there was room before `fell_short` had been told */
    NETPOLL_STARVED = 1 << 15,       /* the kernel had no memory for a send: to be tried again */
};

/* 32 bytes, two to a cache line: fan-out touches one of these per member. */
struct netpoll_slot {
    int fd;
    uint32_t generation; /* 24 bits used; never 0 */
    uint32_t batch;      /* of the last send, */
    uint32_t turn;       /* turn of the last receive, */
    uint32_t asked;      /* and their bytes: in that send, */
    uint32_t turn_bytes; /* in that turn */
    int16_t reason;      /* errno for `closed` */
    uint16_t flags;
    uint8_t kind;
    uint8_t inflight; /* io_uring: operations whose last completion is still to come */
    uint16_t unused;
};

enum {
    NETPOLL_OWN_TIMERS = 2, /* beside the owner's: for what is stuck, and what is starved */
};

struct netpoll_exception {
    netpoll_handle handle;
    size_t left;
};

/* A FIFO of handles in an array with room for every handle: each stands in it at most once. */
struct netpoll_queue {
    netpoll_handle *items;
    uint32_t mask;
    uint32_t head;
    uint32_t tail;
};

struct netpoll_ops {
    const char *name;
    size_t priv_size;

    /* Sets up np->priv (zeroed). On failure returns a negative errno, having written cause and
     * remedy to `note`, and leaves nothing behind. */
    int (*init)(struct netpoll *np, const struct netpoll_options *options, char *note,
                size_t note_size);
    void (*fini)(struct netpoll *np);

    /* Starts to read from or accept on a new slot. */
    int (*watch)(struct netpoll *np, uint32_t slot);

    /* Sends or queues; full validation was done. Exceptions go to netpoll_note_short() or
     * netpoll_note_failure(), at once or in commit. */
    void (*send)(struct netpoll *np, uint32_t slot, const struct iovec *parts, int n, size_t bytes);
    void (*commit)(struct netpoll *np);

    /* PAUSED was set or cleared (or STUCK, on a listener). */
    void (*pause)(struct netpoll *np, uint32_t slot);
    void (*resume)(struct netpoll *np, uint32_t slot);

    /* See netpoll_silence(); of an open socket. */
    uint32_t (*silence)(const struct netpoll *np, uint32_t slot);

    /* FIN to the peer. */
    void (*shutdown)(struct netpoll *np, uint32_t slot);

    /* CLOSING is set. Returns true once nothing in the kernel refers to the slot any more and its
     * fd was closed; asked again every turn until then. */
    bool (*finish)(struct netpoll *np, uint32_t slot);

    /* Waits up to `timeout_ns` (negative: for ever) and delivers. */
    int (*wait)(struct netpoll *np, int64_t timeout_ns);
};

struct netpoll {
    const struct netpoll_ops *ops;
    void *priv;
    const struct netpoll_handlers *handlers;
    void *owner;

    struct netpoll_slot *slots;
    uint32_t max_slots;
    uint32_t used_slots;  /* slots that were ever used: the rest is untouched memory */
    uint32_t *free_slots; /* a stack: the last one freed is used first */
    uint32_t free_count;

    uint32_t turn;
    uint32_t batch;
    uint32_t turn_budget;
    uint32_t conn_budget;
    uint32_t turn_read; /* bytes read in this turn */
    uint64_t now;
    const uint64_t *held_clock; /* a test's own time, borrowed; NULL: the system's */

    struct netpoll_queue closing;
    struct netpoll_queue stuck; /* listeners that wait for a descriptor */
    struct netpoll_queue roomy; /* `writable` had to wait for `fell_short` */
    struct netpoll_exception *exceptions;
    uint32_t exception_count;

    struct timer_heap timers; /* monotonic nanoseconds */

    int wake_fd;
    netpoll_handle waker;
    struct netpoll_stats stats;
};

extern const struct netpoll_ops netpoll_epoll_ops;
#ifdef CHATROOM_HAVE_URING
extern const struct netpoll_ops netpoll_uring_ops;
#endif

/* netpoll_open() with the backend's table given: for the table of backends, and for tests. */
int netpoll_open_ops(struct netpoll **out, const struct netpoll_ops *ops,
                     const struct netpoll_options *options, const struct netpoll_handlers *handlers,
                     void *owner, char *note, size_t note_size);

/* The handle that slot `i` stands for now. Here, like the next, because each send looks one up. */
static inline netpoll_handle netpoll_handle_of(const struct netpoll *np, uint32_t i)
{
    return (netpoll_handle)np->slots[i].generation << 32 | i;
}

/* The slot behind a handle, or NULL (and counted as stale) if it is gone. Closing ones are found.
 * A free slot is none: it has the generation of its next handle already. */
static inline struct netpoll_slot *netpoll_find(struct netpoll *np, netpoll_handle h)
{
    uint32_t i = netpoll_slot(h);
    if (i < np->used_slots && netpoll_handle_of(np, i) == h)
        return &np->slots[i];
    np->stats.stale_events++;
    return NULL;
}

/* Gives `fd` a slot, and watches it from now on. Returns 0 or a negative errno: `fd` is the
 * caller's then. */
int netpoll_slot_watch(struct netpoll *np, int fd, enum netpoll_kind kind, uint32_t *out);

/* Deliver to the owner; each checks that the slot is not closing. Afterwards the slot may be. */
void netpoll_deliver_accepted(struct netpoll *np, uint32_t listener, int fd);
void netpoll_deliver_data(struct netpoll *np, uint32_t i, const char *bytes, size_t n);
void netpoll_deliver_end(struct netpoll *np, uint32_t i);
void netpoll_deliver_error(struct netpoll *np, uint32_t i, int error);
void netpoll_deliver_writable(struct netpoll *np, uint32_t i);
void netpoll_deliver_wake(struct netpoll *np);

/* Accepting failed for want of a resource: pauses the listener and tells the owner. */
void netpoll_accept_stuck(struct netpoll *np, uint32_t listener, int error);

/* True for errors of accept(2) that concern one connection only: go on with the next. */
bool netpoll_accept_transient(int error);

/* The send of this batch left `left` bytes; reported at the end of netpoll_commit(). */
void netpoll_note_short(struct netpoll *np, uint32_t i, size_t left);

/* The same, because the kernel had no memory for it. It will not say when it has: `writable` comes
 * by the clock. */
void netpoll_note_starved(struct netpoll *np, uint32_t i, size_t left);

/* True for errors of send(2) that tell of a want of memory, not of the connection. */
bool netpoll_send_starved(int error);

/* The send failed with errno `error`: the connection is drained, then closed. */
void netpoll_note_failure(struct netpoll *np, uint32_t i, int error);

/* netpoll_silence() by TCP_INFO (tcp(7)), for a backend of real sockets. */
uint32_t netpoll_tcp_silence(const struct netpoll *np, uint32_t i);

/* True while slot `i` may be read: open, not paused, input not ended. */
bool netpoll_may_read(const struct netpoll *np, uint32_t i);

/* How many bytes slot `i` may still be read in this turn; netpoll_deliver_data() counts. */
uint32_t netpoll_budget(const struct netpoll *np, uint32_t i);

/* False when every slot is taken: accepting must stop with ENFILE. */
bool netpoll_slots_left(const struct netpoll *np);

/* Sets netpoll_now(): a backend calls it once a turn, right after its wait. */
void netpoll_clock(struct netpoll *np);
uint64_t netpoll_clock_read(const struct netpoll *np);

int netpoll_queue_init(struct netpoll_queue *q, uint32_t max);
void netpoll_queue_fini(struct netpoll_queue *q);
static inline uint32_t netpoll_queue_count(const struct netpoll_queue *q)
{
    return q->tail - q->head;
}
static inline void netpoll_queue_push(struct netpoll_queue *q, netpoll_handle h)
{
    q->items[q->tail++ & q->mask] = h;
}
static inline netpoll_handle netpoll_queue_pop(struct netpoll_queue *q)
{
    netpoll_handle h = q->items[q->head++ & q->mask];
    if (q->head == q->tail) /* from the start again: that memory is in the cache */
        q->head = q->tail = 0;
    return h;
}

#endif
