/*
 * netpoll: the one poll interface. Completion-shaped receive, try-now send, chosen at run time
 * between epoll and io_uring. It knows sockets, pipes and timers; it knows no chat.
 *
 * Glossary
 *   handle   a descriptor in netpoll's care: slot and generation in 64 bits, never a bare fd,
 *            so that a late event for a slot in new hands is recognised and dropped
 *   turn     one netpoll_run_once(): wait, deliver what came, fire timers, finish closes
 *   batch    the sends between two netpoll_commit() calls; at most one per handle
 *   budget   how much one connection, and all of them, may be read in one turn
 *
 * Life of a handle
 *   netpoll_listen/adopt or `accepted` -> data* -> [ended] -> ... -> closed (once, last)
 *   `closed` is never delivered from inside another call of yours: it comes with the end of a
 *   turn, after netpoll has forgotten the descriptor. Any handle may be closed in any callback.
 *
 * To add a backend: write netpoll_NAME.c against netpoll_impl.h, add a row to the table in
 * netpoll_backends.c, and stamp the conformance suite (tests/conformance) for it.
 *
 * Everything here belongs to the thread that opened the netpoll, except netpoll_wake().
 */
#ifndef CHATROOM_NETPOLL_H
#define CHATROOM_NETPOLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct address;
struct netpoll;

/* Slot in the low 32 bits, generation in the next 24, the top 8 bits zero. 0 is never a handle. */
typedef uint64_t netpoll_handle;

/* Most parts that one netpoll_send() takes; the caller splits longer lists over batches. */
#define NETPOLL_IOV_MAX 16

/* So many timers can always be set: netpoll_open() has the memory for them. */
#define NETPOLL_TIMERS 16

/* Waits for ever; for netpoll_run_once(). */
#define NETPOLL_FOREVER (-1)

enum netpoll_backend {
    NETPOLL_AUTO, /* the backend that is ahead where it can be set up, otherwise the other */
    NETPOLL_EPOLL,
    NETPOLL_URING,
};

/*
 * What netpoll tells its owner. Every member must be set. Called inside netpoll_run_once(), but
 * fell_short, which comes inside netpoll_commit(). All of netpoll's operations except
 * netpoll_run_once(), netpoll_commit() and netpoll_free() may be called from any of them.
 */
struct netpoll_handlers {
    /* A new connection. `peer` is borrowed. It is read from now on. */
    void (*accepted)(void *owner, netpoll_handle listener, netpoll_handle h,
                     const struct address *peer);

    /* Accepting failed with errno `error` (EMFILE, say) and pauses; it resumes by itself as soon
     * as a descriptor is given back, and is tried again every second. Once per pause. */
    void (*accept_paused)(void *owner, netpoll_handle listener, int error);

    /* `n` > 0 bytes came in. Borrowed: valid during the call only. After netpoll_pause(), bytes
     * that the kernel had handed over already may still come: at most conn_budget and a buffer of
     * 2 KiB or, on io_uring before Linux 6.17, all that the buffers hold. */
    void (*data)(void *owner, netpoll_handle h, const char *bytes, size_t n);

    /* End of input: the peer sends no more, all it sent was delivered. The handle can still send;
     * it stays until netpoll_close(). At most once. */
    void (*ended)(void *owner, netpoll_handle h);

    /* The send of this batch fell `left` bytes short (all of them, perhaps). `writable` follows
     * when there is room again; do not send to the handle before. */
    void (*fell_short)(void *owner, netpoll_handle h, size_t left);

    /* There is room after a send that fell short. */
    void (*writable)(void *owner, netpoll_handle h);

    /* The handle is gone. `reason` is 0 after netpoll_close(), otherwise the errno that ended it
     * (ECONNRESET, ETIMEDOUT, EPIPE ...). Input received before was delivered before. */
    void (*closed)(void *owner, netpoll_handle h, int reason);

    /* The timer that netpoll_timer_set() set has come due. One-shot. */
    void (*timer)(void *owner, uint64_t id);

    /* netpoll_wake() was called, once or more, since the last time. */
    void (*woken)(void *owner);
};

struct netpoll_options {
    enum netpoll_backend backend;
    uint32_t max_handles;  /* listeners and connections together; memory is touched on use only */
    uint32_t turn_budget;  /* bytes read from all connections in a turn; 0: 1 MiB */
    uint32_t conn_budget;  /* bytes read from one connection in a turn; 0: 64 KiB */
    uint32_t ring_buffers; /* io_uring: provided buffers, a power of two; 0: 256 */
    uint32_t ring_entries; /* io_uring: submission queue entries, a power of two; 0: 128 */
    uint32_t ring_completions; /* io_uring: completion queue entries, a power of two, no less than
                                  ring_entries; 0: 16384. What does not fit waits in the kernel */
};

/* Counters since netpoll_open(). Monotonic but for `open`. */
struct netpoll_stats {
    uint64_t turns;
    uint64_t open; /* handles in use now */
    uint64_t accepted;
    uint64_t accept_pauses;
    uint64_t accept_drops; /* accepted, but closed at once: no handle left, or not to be polled */
    uint64_t reads;        /* receive calls or completions with data */
    uint64_t read_bytes;
    uint64_t sends;
    uint64_t short_sends;
    uint64_t failed_sends; /* at most one for each connection: it is lost then */
    uint64_t sent_bytes;   /* asked minus left */
    uint64_t stale_events; /* dropped: their handle was gone */
    uint64_t starved;      /* io_uring: receives stopped for want of a buffer, and re-armed */
    uint64_t submits;      /* io_uring: io_uring_enter calls that submitted a batch */
    uint64_t wakes;
};

/*
 * Opens a netpoll. Returns 0 and sets *out, or returns a negative errno. In both cases `note`
 * (of `note_size` bytes) holds a sentence for people when there is something to say: why the
 * backend asked for cannot be had and what would help, or why `auto` fell back; "" otherwise.
 * `handlers` is borrowed until netpoll_free(); `owner` is passed to each of them.
 */
int netpoll_open(struct netpoll **out, const struct netpoll_options *options,
                 const struct netpoll_handlers *handlers, void *owner, char *note,
                 size_t note_size);

/* Closes every descriptor in netpoll's care, without callbacks, and frees it. Listening ports are
 * free when it returns. NULL is fine. Not from inside a callback. */
void netpoll_free(struct netpoll *np);

/* The backend in use: "epoll", "io_uring". Static. */
const char *netpoll_name(const struct netpoll *np);

/* The counters; valid until netpoll_free(), kept up to date. */
const struct netpoll_stats *netpoll_stats(const struct netpoll *np);

/* Monotonic nanoseconds, read once a turn, after the wait. */
uint64_t netpoll_now(const struct netpoll *np);

/* Accepts connections from `fd`, a socket in listening state. Takes `fd` (closes it later) if it
 * returns 0; otherwise a negative errno and `fd` is still the caller's. */
int netpoll_listen(struct netpoll *np, int fd, netpoll_handle *out);

/* Reads from `fd`: a connected stream socket, a pipe, a FIFO or a terminal. Makes it non-blocking
 * and takes it if it returns 0. Errors: -EPERM for what cannot be polled (a regular file), -ENFILE
 * when max_handles are in use, or what the kernel says. */
int netpoll_adopt(struct netpoll *np, int fd, netpoll_handle *out);

/*
 * Sends all parts, in order, if the peer can take them now; optimistic: a full send is silent, and
 * what falls short is reported by the next netpoll_commit(). The parts' bytes must stay as they
 * are until then; the iovec array itself is the caller's again at once.
 * Returns 0; -EBUSY if the handle has a send in this batch already or one that fell short and is
 * not `writable` again; -ESTALE if the handle is closed, closing or dead; -EPIPE after
 * netpoll_shutdown(); -EINVAL unless 1 <= n <= NETPOLL_IOV_MAX. A connection that proves dead is
 * drained, unless it is paused, and then reported `closed`. Sockets only.
 */
int netpoll_send(struct netpoll *np, netpoll_handle h, const struct iovec *parts, int n);

/* Ends the batch: everything is handed to the kernel, fell_short is called for the exceptions. */
void netpoll_commit(struct netpoll *np);

/* Stops and restarts reading. Idempotent; a stale handle is ignored. */
void netpoll_pause(struct netpoll *np, netpoll_handle h);
void netpoll_resume(struct netpoll *np, netpoll_handle h);

/*
 * How long the peer of a TCP connection has not been heard, in milliseconds, while it owes an
 * acknowledgement; 0 for one that owes none, and for any other handle. One that only reads slowly
 * is heard at least every two minutes, for the kernel asks it (RFC 9293, 3.8.6.1; TCP_RTO_MAX in
 * Linux). A system call.
 */
uint32_t netpoll_silence(struct netpoll *np, netpoll_handle h);

/* Tells the peer that no more will be sent (FIN), after what was sent before. Input goes on. */
void netpoll_shutdown(struct netpoll *np, netpoll_handle h);

/* Closes the handle: no event but `closed` follows. A stale handle is ignored. */
void netpoll_close(struct netpoll *np, netpoll_handle h);

/* Sets the one-shot timer `id` (the caller's number, below 2^63) to go off in `ms` milliseconds;
 * setting it again moves it. Meant for a few dozen timers. Returns 0 or -ENOMEM; it never fails for
 * up to NETPOLL_TIMERS at a time. */
int netpoll_timer_set(struct netpoll *np, uint64_t id, uint64_t ms);

/* Forgets the timer; unknown ids are ignored. */
void netpoll_timer_cancel(struct netpoll *np, uint64_t id);

/* Makes the current or next netpoll_run_once() return soon, by way of `woken`. The only call that
 * any thread, and a signal handler, may make. Keeps errno. */
void netpoll_wake(struct netpoll *np);

/* One turn; waits up to `timeout_ms` (NETPOLL_FOREVER: without limit) where nothing is due.
 * Returns 0, or a negative errno when the backend itself is broken. */
int netpoll_run_once(struct netpoll *np, int timeout_ms);

/* The slot of a handle: a small number, used again, at most max_handles; good as an index. */
static inline uint32_t netpoll_slot(netpoll_handle h)
{
    return (uint32_t)h;
}

/* "auto", "epoll", "uring": the command line's word for a backend, and back (-1 if none). */
const char *netpoll_backend_name(enum netpoll_backend backend);
int netpoll_backend_parse(const char *word, enum netpoll_backend *out);

#endif
