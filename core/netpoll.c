/*
 * The part of netpoll that every backend shares: slots and generations, the deferred close, the
 * exceptions of a batch, timers, waking. How it is opened and freed: netpoll_open.c.
 */
#include "clock.h"
#include "netpoll_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    GENERATION_MASK = 0xffffff,
    STUCK_RETRY_MS = 1000,
    STARVED_RETRY_MS = 20,
};

#define NS_PER_MS 1000000ULL

/* Timer ids of our own; the owner's are below. */
#define TIMER_STUCK   (1ULL << 63)
#define TIMER_STARVED (TIMER_STUCK + 1)

/* ---- slots ---------------------------------------------------------------------------------- */

bool netpoll_slots_left(const struct netpoll *np)
{
    return np->free_count > 0 || np->used_slots < np->max_slots;
}

static int slot_take(struct netpoll *np, int fd, enum netpoll_kind kind, uint32_t *out)
{
    if (!netpoll_slots_left(np))
        return -ENFILE;
    uint32_t i = np->free_count > 0 ? np->free_slots[--np->free_count] : np->used_slots++;
    struct netpoll_slot *slot = &np->slots[i];
    uint32_t generation = slot->generation ? slot->generation : 1;
    *slot = (struct netpoll_slot){.fd = fd, .generation = generation, .kind = (uint8_t)kind};
    np->stats.open++;
    *out = i;
    return 0;
}

static void slot_release(struct netpoll *np, uint32_t i)
{
    struct netpoll_slot *slot = &np->slots[i];
    slot->kind = NETPOLL_FREE;
    slot->generation = (slot->generation + 1) & GENERATION_MASK;
    if (slot->generation == 0)
        slot->generation = 1;
    np->free_slots[np->free_count++] = i;
    np->stats.open--;
}

int netpoll_slot_watch(struct netpoll *np, int fd, enum netpoll_kind kind, uint32_t *out)
{
    int rc = slot_take(np, fd, kind, out);
    if (rc < 0)
        return rc;
    rc = np->ops->watch(np, *out);
    if (rc < 0)
        slot_release(np, *out);
    return rc;
}

/* ---- queues --------------------------------------------------------------------------------- */

int netpoll_queue_init(struct netpoll_queue *q, uint32_t max)
{
    uint32_t size = 16;
    while (size < max)
        size *= 2;
    *q = (struct netpoll_queue){.items = calloc(size, sizeof *q->items), .mask = size - 1};
    return q->items ? 0 : -ENOMEM;
}

void netpoll_queue_fini(struct netpoll_queue *q)
{
    free(q->items);
    *q = (struct netpoll_queue){0};
}

/* ---- timers --------------------------------------------------------------------------------- */

void netpoll_timer_cancel(struct netpoll *np, uint64_t id)
{
    timer_heap_remove(&np->timers, id);
}

int netpoll_timer_set(struct netpoll *np, uint64_t id, uint64_t ms)
{
    netpoll_clock(np);
    return timer_heap_set(&np->timers, id, np->now + ms * NS_PER_MS);
}

static void stuck_resume(struct netpoll *np);
static void starved_retry(struct netpoll *np);

/* Fires what was due when the turn began; a timer set to 0 ms in a callback waits for the next. */
static void timers_fire(struct netpoll *np)
{
    uint64_t now = np->now;
    struct timer t;
    while (timer_heap_pop(&np->timers, now, &t)) {
        if (t.id == TIMER_STUCK)
            stuck_resume(np);
        else if (t.id == TIMER_STARVED)
            starved_retry(np);
        else
            np->handlers->timer(np->owner, t.id);
    }
}

/* How long a turn may wait, in nanoseconds; negative: for ever. */
static int64_t wait_limit(const struct netpoll *np, int timeout_ms)
{
    int64_t limit = timeout_ms < 0 ? -1 : (int64_t)timeout_ms * (int64_t)NS_PER_MS;
    if (np->timers.count == 0)
        return limit;
    uint64_t now = netpoll_clock_read(np);
    int64_t due = np->timers.items[0].due > now ? (int64_t)(np->timers.items[0].due - now) : 0;
    return limit < 0 || due < limit ? due : limit;
}

uint64_t netpoll_clock_read(const struct netpoll *np)
{
    return np->held_clock ? *np->held_clock : clock_monotonic_ns();
}

void netpoll_clock(struct netpoll *np)
{
    np->now = netpoll_clock_read(np);
}

uint64_t netpoll_now(const struct netpoll *np)
{
    return np->now;
}

/* ---- closing -------------------------------------------------------------------------------- */

static void close_begin(struct netpoll *np, uint32_t i, int reason)
{
    struct netpoll_slot *slot = &np->slots[i];
    if (slot->flags & NETPOLL_CLOSING)
        return;
    slot->flags |= NETPOLL_CLOSING;
    slot->reason = (int16_t)reason;
    netpoll_queue_push(&np->closing, netpoll_handle_of(np, i));
}

/* Gives the backend's verdict on one closing handle a consequence; true if it is gone. */
static bool close_finish(struct netpoll *np, netpoll_handle h)
{
    uint32_t i = netpoll_slot(h);
    int reason = np->slots[i].reason;
    if (!np->ops->finish(np, i)) {
        netpoll_queue_push(&np->closing, h);
        return false;
    }
    slot_release(np, i);
    stuck_resume(np);
    np->handlers->closed(np->owner, h, reason);
    return true;
}

/* Until nothing more can be finished: `closed` callbacks may close other handles. */
static bool close_all_finished(struct netpoll *np)
{
    bool any = false;
    bool progress = true;
    while (progress) {
        progress = false;
        for (uint32_t n = netpoll_queue_count(&np->closing); n > 0; n--)
            progress |= close_finish(np, netpoll_queue_pop(&np->closing));
        any |= progress;
    }
    return any;
}

void netpoll_close(struct netpoll *np, netpoll_handle h)
{
    struct netpoll_slot *slot = netpoll_find(np, h);
    if (!slot)
        return;
    close_begin(np, netpoll_slot(h), 0);
    slot->reason = 0; /* it may have been dying by itself: now it was asked for */
}

/* ---- delivery ------------------------------------------------------------------------------- */

bool netpoll_may_read(const struct netpoll *np, uint32_t i)
{
    return !(np->slots[i].flags & (NETPOLL_CLOSING | NETPOLL_PAUSED | NETPOLL_ENDED));
}

uint32_t netpoll_budget(const struct netpoll *np, uint32_t i)
{
    const struct netpoll_slot *slot = &np->slots[i];
    uint32_t used = slot->turn == np->turn ? slot->turn_bytes : 0;
    uint32_t conn = used < np->conn_budget ? np->conn_budget - used : 0;
    uint32_t turn = np->turn_read < np->turn_budget ? np->turn_budget - np->turn_read : 0;
    return conn < turn ? conn : turn;
}

static void charge(struct netpoll *np, struct netpoll_slot *slot, uint32_t n)
{
    if (slot->turn != np->turn) {
        slot->turn = np->turn;
        slot->turn_bytes = 0;
    }
    slot->turn_bytes += n;
    np->turn_read += n;
}

void netpoll_deliver_data(struct netpoll *np, uint32_t i, const char *bytes, size_t n)
{
    struct netpoll_slot *slot = &np->slots[i];
    np->stats.reads++;
    np->stats.read_bytes += n;
    charge(np, slot, (uint32_t)n);
    if (!(slot->flags & NETPOLL_CLOSING))
        np->handlers->data(np->owner, netpoll_handle_of(np, i), bytes, n);
}

void netpoll_deliver_end(struct netpoll *np, uint32_t i)
{
    struct netpoll_slot *slot = &np->slots[i];
    if (slot->flags & (NETPOLL_CLOSING | NETPOLL_ENDED))
        return;
    if (slot->flags & NETPOLL_FAILED) {
        close_begin(np, i, slot->reason);
        return;
    }
    slot->flags |= NETPOLL_ENDED;
    np->handlers->ended(np->owner, netpoll_handle_of(np, i));
}

void netpoll_deliver_error(struct netpoll *np, uint32_t i, int error)
{
    const struct netpoll_slot *slot = &np->slots[i];
    close_begin(np, i, slot->flags & NETPOLL_FAILED ? slot->reason : error);
}

void netpoll_deliver_writable(struct netpoll *np, uint32_t i)
{
    struct netpoll_slot *slot = &np->slots[i];
    if (slot->flags & NETPOLL_CLOSING || !(slot->flags & NETPOLL_WANT_WRITE))
        return;
    if (slot->flags & NETPOLL_UNTOLD) { /* a send inside a callback: the commit is still to come */
        slot->flags |= NETPOLL_ROOM;
        return;
    }
    slot->flags &= (uint16_t)~NETPOLL_WANT_WRITE;
    np->handlers->writable(np->owner, netpoll_handle_of(np, i));
}

/* The backend will not say again that there is room: it is said for it. */
static void roomy_deliver(struct netpoll *np)
{
    for (uint32_t n = netpoll_queue_count(&np->roomy); n > 0; n--) {
        netpoll_handle h = netpoll_queue_pop(&np->roomy);
        if (netpoll_find(np, h))
            netpoll_deliver_writable(np, netpoll_slot(h));
    }
}

void netpoll_deliver_wake(struct netpoll *np)
{
    uint64_t count;
    while (read(np->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    np->stats.wakes++;
    np->handlers->woken(np->owner);
}

void netpoll_deliver_accepted(struct netpoll *np, uint32_t listener, int fd)
{
    struct address peer;
    uint32_t i;
    int rc = address_of_peer(fd, &peer);
    /* Under load, some kernels' multishot accept names descriptors that are none. */
    if (rc == -EBADF || rc == -ENOTSOCK)
        return;
    if (np->slots[listener].flags & NETPOLL_CLOSING ||
        netpoll_slot_watch(np, fd, NETPOLL_SOCKET, &i) < 0) {
        close(fd);
        np->stats.accept_drops++;
        return;
    }
    np->stats.accepted++;
    np->handlers->accepted(np->owner, netpoll_handle_of(np, listener), netpoll_handle_of(np, i),
                           &peer);
}

/* accept(2), "Error handling": network errors of the new socket, and a peer that went away. */
bool netpoll_accept_transient(int error)
{
    static const int list[] = {EINTR,       ECONNABORTED, ENETDOWN,   EPROTO,
                               ENOPROTOOPT, EHOSTDOWN,    ENONET,     EHOSTUNREACH,
                               EOPNOTSUPP,  ENETUNREACH,  ECONNRESET, EPERM};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        if (list[i] == error)
            return true;
    }
    return false;
}

void netpoll_accept_stuck(struct netpoll *np, uint32_t listener, int error)
{
    struct netpoll_slot *slot = &np->slots[listener];
    if (slot->flags & (NETPOLL_CLOSING | NETPOLL_STUCK))
        return;
    slot->flags |= NETPOLL_STUCK;
    np->stats.accept_pauses++;
    netpoll_queue_push(&np->stuck, netpoll_handle_of(np, listener));
    netpoll_timer_set(np, TIMER_STUCK, STUCK_RETRY_MS);
    np->ops->pause(np, listener);
    np->handlers->accept_paused(np->owner, netpoll_handle_of(np, listener), error);
}

static void stuck_resume(struct netpoll *np)
{
    for (uint32_t n = netpoll_queue_count(&np->stuck); n > 0; n--) {
        struct netpoll_slot *slot = netpoll_find(np, netpoll_queue_pop(&np->stuck));
        if (!slot)
            continue;
        slot->flags &= (uint16_t)~NETPOLL_STUCK;
        if (!(slot->flags & (NETPOLL_CLOSING | NETPOLL_PAUSED)))
            np->ops->resume(np, (uint32_t)(slot - np->slots));
    }
}

/* ---- sending -------------------------------------------------------------------------------- */

void netpoll_note_short(struct netpoll *np, uint32_t i, size_t left)
{
    np->stats.short_sends++;
    np->stats.sent_bytes -= left;
    np->slots[i].flags |= NETPOLL_WANT_WRITE | NETPOLL_UNTOLD;
    np->exceptions[np->exception_count++] =
        (struct netpoll_exception){netpoll_handle_of(np, i), left};
}

bool netpoll_send_starved(int error)
{
    return error == ENOBUFS || error == ENOMEM;
}

void netpoll_note_starved(struct netpoll *np, uint32_t i, size_t left)
{
    netpoll_note_short(np, i, left);
    np->slots[i].flags |= NETPOLL_STARVED;
    netpoll_timer_set(np, TIMER_STARVED, STARVED_RETRY_MS);
}

/* Seldom enough to look at every slot. */
static void starved_retry(struct netpoll *np)
{
    for (uint32_t i = 0; i < np->used_slots; i++) {
        struct netpoll_slot *slot = &np->slots[i];
        if (slot->kind == NETPOLL_FREE || !(slot->flags & NETPOLL_STARVED))
            continue;
        slot->flags &= (uint16_t)~NETPOLL_STARVED;
        netpoll_deliver_writable(np, i);
    }
}

void netpoll_note_failure(struct netpoll *np, uint32_t i, int error)
{
    struct netpoll_slot *slot = &np->slots[i];
    if (slot->flags & (NETPOLL_CLOSING | NETPOLL_FAILED))
        return;
    slot->flags |= NETPOLL_FAILED;
    slot->reason = (int16_t)error;
    np->stats.failed_sends++;
    if (!netpoll_may_read(np, i))
        close_begin(np, i, error);
}

enum { NO_SEND = NETPOLL_CLOSING | NETPOLL_FAILED | NETPOLL_SHUT | NETPOLL_WANT_WRITE };

/* Why there is no send to a slot that has one of these flags, or one in this batch. */
static int send_refused(const struct netpoll_slot *slot)
{
    if (slot->flags & (NETPOLL_CLOSING | NETPOLL_FAILED))
        return -ESTALE;
    return slot->flags & NETPOLL_SHUT ? -EPIPE : -EBUSY;
}

int netpoll_send(struct netpoll *np, netpoll_handle h, const struct iovec *parts, int n)
{
    struct netpoll_slot *slot = netpoll_find(np, h);
    if (n < 1 || n > NETPOLL_IOV_MAX)
        return -EINVAL;
    if (!slot)
        return -ESTALE;
    if (slot->flags & NO_SEND || slot->batch == np->batch)
        return send_refused(slot);
    size_t bytes = parts->iov_len;
    for (int k = 1; k < n; k++)
        bytes += parts[k].iov_len;
    slot->batch = np->batch;
    slot->asked = (uint32_t)bytes;
    np->stats.sends++;
    np->stats.sent_bytes += bytes;
    np->ops->send(np, netpoll_slot(h), parts, n, bytes);
    return 0;
}

void netpoll_commit(struct netpoll *np)
{
    np->ops->commit(np);
    if (++np->batch == 0)
        np->batch = 1;
    /* A handler may send, and so add exceptions of the next batch behind these. */
    uint32_t n = np->exception_count;
    for (uint32_t k = 0; k < n; k++) {
        struct netpoll_exception e = np->exceptions[k];
        struct netpoll_slot *slot = netpoll_find(np, e.handle);
        if (!slot || slot->flags & NETPOLL_CLOSING)
            continue;
        if (slot->flags & NETPOLL_ROOM)
            netpoll_queue_push(&np->roomy, e.handle);
        slot->flags &= (uint16_t) ~(NETPOLL_UNTOLD | NETPOLL_ROOM);
        np->handlers->fell_short(np->owner, e.handle, e.left);
    }
    np->exception_count -= n;
    for (uint32_t k = 0; k < np->exception_count; k++)
        np->exceptions[k] = np->exceptions[n + k];
}

/* ---- the owner's other calls ---------------------------------------------------------------- */

int netpoll_listen(struct netpoll *np, int fd, netpoll_handle *out)
{
    uint32_t i;
    int rc = netpoll_slot_watch(np, fd, NETPOLL_LISTENER, &i);
    if (rc == 0)
        *out = netpoll_handle_of(np, i);
    return rc;
}

int netpoll_adopt(struct netpoll *np, int fd, netpoll_handle *out)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return -EPERM;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    uint32_t i;
    int rc = netpoll_slot_watch(np, fd, S_ISSOCK(st.st_mode) ? NETPOLL_SOCKET : NETPOLL_PIPE, &i);
    if (rc == 0)
        *out = netpoll_handle_of(np, i);
    return rc;
}

void netpoll_pause(struct netpoll *np, netpoll_handle h)
{
    struct netpoll_slot *slot = netpoll_find(np, h);
    if (!slot || slot->flags & (NETPOLL_CLOSING | NETPOLL_PAUSED))
        return;
    slot->flags |= NETPOLL_PAUSED;
    np->ops->pause(np, netpoll_slot(h));
}

void netpoll_resume(struct netpoll *np, netpoll_handle h)
{
    struct netpoll_slot *slot = netpoll_find(np, h);
    if (!slot || slot->flags & NETPOLL_CLOSING || !(slot->flags & NETPOLL_PAUSED))
        return;
    slot->flags &= (uint16_t)~NETPOLL_PAUSED;
    if (!(slot->flags & (NETPOLL_ENDED | NETPOLL_STUCK)))
        np->ops->resume(np, netpoll_slot(h));
}

/* Probes are what the kernel sends to a window that is full. */
uint32_t netpoll_tcp_silence(const struct netpoll *np, uint32_t i)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(np->slots[i].fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return 0;
    return info.tcpi_unacked > 0 || info.tcpi_probes > 0 ? info.tcpi_last_ack_recv : 0;
}

uint32_t netpoll_silence(struct netpoll *np, netpoll_handle h)
{
    const struct netpoll_slot *slot = netpoll_find(np, h);
    if (!slot || slot->kind != NETPOLL_SOCKET || slot->flags & NETPOLL_CLOSING)
        return 0;
    return np->ops->silence(np, netpoll_slot(h));
}

void netpoll_shutdown(struct netpoll *np, netpoll_handle h)
{
    struct netpoll_slot *slot = netpoll_find(np, h);
    if (!slot || slot->kind != NETPOLL_SOCKET || slot->flags & (NETPOLL_CLOSING | NETPOLL_SHUT))
        return;
    slot->flags |= NETPOLL_SHUT;
    np->ops->shutdown(np, netpoll_slot(h));
}

void netpoll_wake(struct netpoll *np)
{
    int saved = errno;
    uint64_t one = 1;
    while (write(np->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = saved;
}

int netpoll_run_once(struct netpoll *np, int timeout_ms)
{
    np->turn++;
    np->turn_read = 0;
    np->stats.turns++;
    if (close_all_finished(np) || netpoll_queue_count(&np->roomy) > 0)
        timeout_ms = 0;
    int rc = np->ops->wait(np, wait_limit(np, timeout_ms));
    if (rc < 0)
        return rc;
    roomy_deliver(np);
    timers_fire(np);
    close_all_finished(np);
    return 0;
}

const char *netpoll_name(const struct netpoll *np)
{
    return np->ops->name;
}

const struct netpoll_stats *netpoll_stats(const struct netpoll *np)
{
    return &np->stats;
}
