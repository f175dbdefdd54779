/*
 * netpoll on io_uring(7): multishot accept and receive into one small ring of provided buffers,
 * and sends that are tried at once, in batches.
 *
 * The send primitive: MSG_DONTWAIT | MSG_WAITALL with IOSQE_CQE_SKIP_SUCCESS. The kernel tries the
 * send while it takes the batch; a complete one posts nothing, a short or refused one posts its
 * count. So a fan-out costs one system call per batch and touches no completion unless something
 * is wrong. io_uring_enter(2) does not promise this in so many words, so it is proven on a
 * socketpair before the backend is used; where it does not hold, the backend refuses to open.
 *
 * Completions are moved out of the ring into a backlog first and handled from there: handlers never
 * run while the ring is read, and a turn can end when its budget is spent. A receive that lost its
 * multishot (F_MORE is missing, no buffer was left, its budget is used up) is not an error: it
 * waits in `later` and is armed again in the next turn. A receive takes what it finds, whatever we
 * want by then; where the kernel can (6.17), it ends by itself after one connection's budget.
 *
 * A descriptor is closed only when no operation refers to it: cancel, wait for the last
 * completions, close. Closing alone would neither end the operations nor send a FIN.
 */
#include "netpoll_uring.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_PER_TURN = 256,
    PIPE_CHUNK = 16 << 10,
};

enum op { OP_ACCEPT = 1, OP_RECV, OP_PIPE, OP_WAKE, OP_SEND, OP_ROOM, OP_CANCEL };

#define OP_SHIFT    56
#define HANDLE_MASK ((1ULL << OP_SHIFT) - 1)

static uint64_t tag(const struct netpoll *np, uint32_t i, enum op op)
{
    return (uint64_t)op << OP_SHIFT | netpoll_handle_of(np, i);
}

/* ---- submitting ----------------------------------------------------------------------------- */

static void collect(struct netpoll *np);

/* Hands all queued entries to the kernel. EBUSY and EAGAIN mean that completions must be taken
 * first. */
static void submit_all(struct netpoll *np)
{
    struct uring_priv *up = np->priv;
    while (io_uring_sq_ready(&up->ring) > 0) {
        int rc = io_uring_submit(&up->ring);
        np->stats.submits++;
        if (rc == -EBUSY || rc == -EAGAIN) {
            io_uring_get_events(&up->ring);
            collect(np);
        } else if (rc < 0 && rc != -EINTR) {
            break;
        }
    }
    up->queued = 0;
}

static struct io_uring_sqe *get_sqe(struct netpoll *np)
{
    struct uring_priv *up = np->priv;
    struct io_uring_sqe *sqe;
    while (!(sqe = io_uring_get_sqe(&up->ring)))
        submit_all(np);
    return sqe;
}

static void sqe_tag(struct netpoll *np, struct io_uring_sqe *sqe, uint32_t i, enum op op)
{
    sqe->user_data = tag(np, i, op);
}

/* An operation whose last completion we shall wait for. */
static void sqe_track(struct netpoll *np, struct io_uring_sqe *sqe, uint32_t i, enum op op)
{
    struct uring_priv *up = np->priv;
    sqe_tag(np, sqe, i, op);
    np->slots[i].inflight++;
    up->inflight++;
}

static void op_ended(struct netpoll *np, uint32_t i)
{
    struct uring_priv *up = np->priv;
    np->slots[i].inflight--;
    up->inflight--;
}

/* ---- arming receives and accepts ------------------------------------------------------------ */

static bool may_arm(const struct netpoll *np, uint32_t i)
{
    return netpoll_may_read(np, i) && !(np->slots[i].flags & NETPOLL_STUCK);
}

static void arm(struct netpoll *np, uint32_t i)
{
    const struct uring_priv *up = np->priv;
    struct netpoll_slot *slot = &np->slots[i];
    if (slot->flags & NETPOLL_ARMED || !may_arm(np, i))
        return;
    slot->flags |= NETPOLL_ARMED;
    struct io_uring_sqe *sqe = get_sqe(np);
    switch (slot->kind) {
    case NETPOLL_LISTENER:
        io_uring_prep_multishot_accept(sqe, slot->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        sqe_track(np, sqe, i, OP_ACCEPT);
        break;
    case NETPOLL_SOCKET:
        io_uring_prep_recv_multishot(sqe, slot->fd, NULL, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = URING_BUFFER_GROUP;
        uring_limit_receive(sqe, up->receive_max);
        sqe_track(np, sqe, i, OP_RECV);
        break;
    case NETPOLL_PIPE:
        io_uring_prep_poll_add(sqe, slot->fd, POLLIN);
        sqe_track(np, sqe, i, OP_PIPE);
        break;
    default:
        io_uring_prep_poll_multishot(sqe, slot->fd, POLLIN);
        sqe_track(np, sqe, i, OP_WAKE);
    }
}

static void arm_later(struct netpoll *np, uint32_t i)
{
    struct uring_priv *up = np->priv;
    if (np->slots[i].flags & NETPOLL_QUEUED)
        return;
    np->slots[i].flags |= NETPOLL_QUEUED;
    netpoll_queue_push(&up->later, netpoll_handle_of(np, i));
}

/* What waited gets its turn, but no more at once than there are buffers to give. */
static void arm_waiting(struct netpoll *np)
{
    struct uring_priv *up = np->priv;
    uint32_t n = netpoll_queue_count(&up->later);
    for (n = n < up->buffer_count ? n : up->buffer_count; n > 0; n--) {
        netpoll_handle h = netpoll_queue_pop(&up->later);
        np->slots[netpoll_slot(h)].flags &= (uint16_t)~NETPOLL_QUEUED;
        arm(np, netpoll_slot(h));
    }
}

static int uring_watch(struct netpoll *np, uint32_t i)
{
    arm(np, i);
    return 0;
}

static enum op arm_op(const struct netpoll_slot *slot)
{
    switch (slot->kind) {
    case NETPOLL_LISTENER:
        return OP_ACCEPT;
    case NETPOLL_SOCKET:
        return OP_RECV;
    default:
        return OP_PIPE;
    }
}

/* Stops a receive; what it has taken already still comes. Its last completion decides what is next,
 * so resuming meanwhile needs nothing. */
static void disarm(struct netpoll *np, uint32_t i)
{
    struct netpoll_slot *slot = &np->slots[i];
    if (!(slot->flags & NETPOLL_ARMED) || slot->flags & NETPOLL_CANCELLED)
        return;
    slot->flags |= NETPOLL_CANCELLED;
    struct io_uring_sqe *sqe = get_sqe(np);
    io_uring_prep_cancel64(sqe, tag(np, i, arm_op(slot)), 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe_tag(np, sqe, i, OP_CANCEL);
}

static void uring_resume(struct netpoll *np, uint32_t i)
{
    arm(np, i);
}

/* The receive of this completion has ended: arm it again now, or in the next turn if it has had its
 * share of this one. */
static void receive_ended(struct netpoll *np, uint32_t i, bool wait)
{
    np->slots[i].flags &= (uint16_t) ~(NETPOLL_ARMED | NETPOLL_CANCELLED);
    op_ended(np, i);
    if (!may_arm(np, i))
        return;
    if (wait)
        arm_later(np, i);
    else
        arm(np, i);
}

/* ---- completions ---------------------------------------------------------------------------- */

static void on_receive(struct netpoll *np, uint32_t i, const struct completion *c)
{
    struct uring_priv *up = np->priv;
    if (c->result > 0) {
        unsigned id = c->flags >> IORING_CQE_BUFFER_SHIFT;
        netpoll_deliver_data(np, i, up->memory + (size_t)id * URING_BUFFER_SIZE, (size_t)c->result);
        uring_buffer_recycle(up, id);
    } else if (c->result == 0) {
        netpoll_deliver_end(np, i);
    } else if (c->result == -ENOBUFS) {
        np->stats.starved++;
    } else if (c->result != -ECANCELED && c->result != -EAGAIN && c->result != -EINTR) {
        netpoll_deliver_error(np, i, -c->result);
    }
    bool spent = netpoll_budget(np, i) == 0;
    up->more = !spent && c->flags & IORING_CQE_F_SOCK_NONEMPTY;
    if (!(c->flags & IORING_CQE_F_MORE))
        receive_ended(np, i, spent || c->result == -ENOBUFS);
    else if (spent && np->turn_read < np->turn_budget)
        disarm(np, i); /* the connection's own budget, that is: others go on */
}

static void on_pipe(struct netpoll *np, uint32_t i)
{
    char buffer[PIPE_CHUNK];
    bool spent = false;
    while (netpoll_may_read(np, i) && !spent) {
        ssize_t n = read(np->slots[i].fd, buffer, sizeof buffer);
        if (n > 0)
            netpoll_deliver_data(np, i, buffer, (size_t)n);
        else if (n == 0)
            netpoll_deliver_end(np, i);
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            netpoll_deliver_error(np, i, errno);
        spent = netpoll_budget(np, i) == 0;
    }
    receive_ended(np, i, spent);
}

static void on_accept(struct netpoll *np, uint32_t i, const struct completion *c)
{
    if (c->result >= 0) {
        netpoll_deliver_accepted(np, i, c->result);
        if (!netpoll_slots_left(np))
            netpoll_accept_stuck(np, i, ENFILE);
    } else if (c->result != -ECANCELED && c->result != -EAGAIN &&
               !netpoll_accept_transient(-c->result)) {
        netpoll_accept_stuck(np, i, -c->result);
    }
    if (!(c->flags & IORING_CQE_F_MORE))
        receive_ended(np, i, false);
}

static void on_wake(struct netpoll *np, uint32_t i, const struct completion *c)
{
    if (c->result >= 0)
        netpoll_deliver_wake(np);
    if (!(c->flags & IORING_CQE_F_MORE))
        receive_ended(np, i, false);
}

static void on_room(struct netpoll *np, uint32_t i)
{
    np->slots[i].flags &= (uint16_t)~NETPOLL_POLLING;
    op_ended(np, i);
    netpoll_deliver_writable(np, i);
}

/* Ends the input, so that draining it has an end, too: the kernel need not say it where it was only
 * the send that failed. What came before is still read. */
static void send_failed(struct netpoll *np, uint32_t i, int error)
{
    netpoll_note_failure(np, i, error);
    shutdown(np->slots[i].fd, SHUT_RD);
}

/* A send that did not go through as a whole; whole ones post nothing. */
static void on_send(struct netpoll *np, uint32_t i, int32_t result)
{
    struct netpoll_slot *slot = &np->slots[i];
    if (slot->flags & NETPOLL_CLOSING)
        return;
    if (netpoll_send_starved(-result)) {
        netpoll_note_starved(np, i, slot->asked);
        return;
    }
    if (result < 0 && result != -EAGAIN && result != -EINTR) {
        send_failed(np, i, -result);
        return;
    }
    uint32_t taken = result > 0 ? (uint32_t)result : 0;
    if (taken >= slot->asked)
        return;
    netpoll_note_short(np, i, slot->asked - taken);
    slot->flags |= NETPOLL_POLLING;
    struct io_uring_sqe *sqe = get_sqe(np);
    io_uring_prep_poll_add(sqe, slot->fd, POLLOUT);
    sqe_track(np, sqe, i, OP_ROOM);
}

/* Moves completions into the backlog; the exceptions of sends are noted at once, because
 * netpoll_commit() reports them. */
static void collect(struct netpoll *np)
{
    struct uring_priv *up = np->priv;
    struct io_uring_cqe *cqe;
    while (up->backlog_tail - up->backlog_head <= up->backlog_mask &&
           io_uring_peek_cqe(&up->ring, &cqe) == 0) {
        struct completion c = {cqe->user_data, cqe->res, cqe->flags};
        io_uring_cqe_seen(&up->ring, cqe);
        if (c.user_data >> OP_SHIFT != OP_SEND)
            up->backlog[up->backlog_tail++ & up->backlog_mask] = c;
        else if (netpoll_find(np, c.user_data & HANDLE_MASK))
            on_send(np, netpoll_slot(c.user_data & HANDLE_MASK), c.result);
    }
}

static void handle(struct netpoll *np, const struct completion *c)
{
    netpoll_handle h = c->user_data & HANDLE_MASK;
    uint32_t i = netpoll_slot(h);
    enum op op = (enum op)(c->user_data >> OP_SHIFT);
    /* A slot outlives its operations, so only a cancel can be late. */
    if (op == OP_CANCEL || !netpoll_find(np, h))
        return;
    switch (op) {
    case OP_ACCEPT:
        on_accept(np, i, c);
        break;
    case OP_RECV:
        on_receive(np, i, c);
        break;
    case OP_PIPE:
        on_pipe(np, i);
        break;
    case OP_WAKE:
        on_wake(np, i, c);
        break;
    default:
        on_room(np, i);
    }
}

static void handle_backlog(struct netpoll *np)
{
    struct uring_priv *up = np->priv;
    int accepts = 0;
    while (up->backlog_head != up->backlog_tail && np->turn_read < np->turn_budget &&
           accepts < ACCEPTS_PER_TURN) {
        struct completion c = up->backlog[up->backlog_head++ & up->backlog_mask];
        if (up->backlog_head == up->backlog_tail) /* from the start again: it is in the cache */
            up->backlog_head = up->backlog_tail = 0;
        accepts += c.user_data >> OP_SHIFT == OP_ACCEPT;
        handle(np, &c);
    }
}

/* ---- sending -------------------------------------------------------------------------------- */

enum { SEND_FLAGS = MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL };

static void queue_send(struct netpoll *np, struct io_uring_sqe *sqe, uint32_t i)
{
    struct uring_priv *up = np->priv;
    sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
    sqe_tag(np, sqe, i, OP_SEND);
    if (++up->queued == URING_SEND_BATCH)
        submit_all(np);
}

/* Several parts, which must stay where they are until they are submitted; or the queue was full.
 * Apart from the common send, which so has nothing to keep on the stack. */
__attribute__((noinline)) static void send_parts(struct netpoll *np, uint32_t i,
                                                 const struct iovec *parts, int n)
{
    struct uring_priv *up = np->priv;
    struct io_uring_sqe *sqe = get_sqe(np);
    struct iovec *copy = up->parts[up->queued];
    memcpy(copy, parts, (size_t)n * sizeof *copy);
    up->messages[up->queued] = (struct msghdr){.msg_iov = copy, .msg_iovlen = (size_t)n};
    io_uring_prep_sendmsg(sqe, np->slots[i].fd, &up->messages[up->queued], SEND_FLAGS);
    queue_send(np, sqe, i);
}

static void uring_send(struct netpoll *np, uint32_t i, const struct iovec *parts, int n,
                       size_t bytes)
{
    struct uring_priv *up = np->priv;
    struct io_uring_sqe *sqe = n == 1 ? io_uring_get_sqe(&up->ring) : NULL;
    if (!sqe) {
        send_parts(np, i, parts, n);
        return;
    }
    io_uring_prep_send(sqe, np->slots[i].fd, parts->iov_base, bytes, SEND_FLAGS);
    queue_send(np, sqe, i);
}

static void uring_commit(struct netpoll *np)
{
    struct uring_priv *up = np->priv;
    if (up->queued > 0)
        submit_all(np);
    collect(np);
    while (io_uring_cq_has_overflow(&up->ring)) {
        uint32_t before = up->backlog_tail;
        io_uring_get_events(&up->ring);
        collect(np);
        if (before == up->backlog_tail)
            return;
    }
}

/* ---- the turn ------------------------------------------------------------------------------- */

static int enter(struct netpoll *np, int64_t timeout_ns)
{
    struct uring_priv *up = np->priv;
    if (timeout_ns == 0)
        return io_uring_submit_and_get_events(&up->ring);
    if (timeout_ns < 0)
        return io_uring_submit_and_wait(&up->ring, 1);
    struct io_uring_cqe *cqe;
    struct __kernel_timespec ts = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    return io_uring_submit_and_wait_timeout(&up->ring, &cqe, 1, &ts, NULL);
}

/*
 * A multishot receive that has brought a few dozen buffers is put off by the kernel, though the
 * socket holds more; one that has reached its limit is armed again. What is there belongs to this
 * turn: left to the next, it would be sent to every member on its own, and under steady load the
 * two parts would not join again.
 */
static void take_rest(struct netpoll *np)
{
    struct uring_priv *up = np->priv;
    if (!up->more || np->turn_read >= np->turn_budget)
        return;
    enter(np, 0);
    collect(np);
    handle_backlog(np);
}

static int uring_turn(struct netpoll *np, int64_t timeout_ns)
{
    struct uring_priv *up = np->priv;
    arm_waiting(np);
    bool busy = up->backlog_head != up->backlog_tail || netpoll_queue_count(&up->later) > 0;
    int rc = enter(np, busy ? 0 : timeout_ns);
    up->queued = 0;
    netpoll_clock(np);
    if (rc < 0 && rc != -ETIME && rc != -EINTR && rc != -EBUSY && rc != -EAGAIN)
        return rc;
    up->more = false;
    collect(np);
    handle_backlog(np);
    take_rest(np);
    return 0;
}

/* ---- the end of a handle -------------------------------------------------------------------- */

static void uring_shutdown(struct netpoll *np, uint32_t i)
{
    submit_all(np); /* what was sent before goes before the FIN */
    shutdown(np->slots[i].fd, SHUT_WR);
}

static void cancel_slot(struct netpoll *np, uint32_t i)
{
    struct io_uring_sqe *sqe = get_sqe(np);
    io_uring_prep_cancel_fd(sqe, np->slots[i].fd, IORING_ASYNC_CANCEL_ALL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe_tag(np, sqe, i, OP_CANCEL);
}

static bool uring_finish(struct netpoll *np, uint32_t i)
{
    struct uring_priv *up = np->priv;
    struct netpoll_slot *slot = &np->slots[i];
    if (slot->inflight > 0 && !(slot->flags & NETPOLL_CANCELLED_ALL)) {
        slot->flags |= NETPOLL_CANCELLED_ALL;
        cancel_slot(np, i);
    }
    if (slot->inflight > 0 || slot->flags & NETPOLL_QUEUED)
        return false;
    /* Entries name descriptors by number: none may be left that names this one. */
    if (io_uring_sq_ready(&up->ring) > 0)
        submit_all(np);
    close(slot->fd);
    return true;
}

/* ---- the end of the ring -------------------------------------------------------------------- */

/* Ends every operation before the ring goes: the kernel tears a ring down in the background, and
 * an accept that is armed meanwhile would keep the port. */
static void cancel_everything(struct netpoll *np)
{
    struct uring_priv *up = np->priv;
    struct io_uring_sqe *sqe = get_sqe(np);
    io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    sqe->user_data = (uint64_t)OP_CANCEL << OP_SHIFT;
    struct __kernel_timespec ts = {1, 0};
    struct io_uring_cqe *cqe;
    while (up->inflight > 0 &&
           io_uring_submit_and_wait_timeout(&up->ring, &cqe, 1, &ts, NULL) >= 0) {
        uint64_t op = cqe->user_data >> OP_SHIFT;
        bool last = !(cqe->flags & IORING_CQE_F_MORE) && op != OP_CANCEL && op != OP_SEND;
        if (op == OP_ACCEPT && cqe->res >= 0)
            close(cqe->res);
        up->inflight -= last;
        io_uring_cqe_seen(&up->ring, cqe);
    }
}

/* Completions that were collected, but not handled: connections nobody will see. */
static void backlog_drop(struct netpoll *np)
{
    struct uring_priv *up = np->priv;
    for (; up->backlog_head != up->backlog_tail; up->backlog_head++) {
        const struct completion *c = &up->backlog[up->backlog_head & up->backlog_mask];
        uint64_t op = c->user_data >> OP_SHIFT;
        if (op == OP_ACCEPT && c->result >= 0)
            close(c->result);
        if (!(c->flags & IORING_CQE_F_MORE) && op != OP_CANCEL)
            up->inflight--;
    }
}

static void uring_fini(struct netpoll *np)
{
    struct uring_priv *up = np->priv;
    submit_all(np);
    backlog_drop(np);
    cancel_everything(np);
    uring_teardown(up);
}

const struct netpoll_ops netpoll_uring_ops = {
    .name = "io_uring",
    .priv_size = sizeof(struct uring_priv),
    .init = uring_setup,
    .fini = uring_fini,
    .watch = uring_watch,
    .send = uring_send,
    .commit = uring_commit,
    .pause = disarm,
    .resume = uring_resume,
    .silence = netpoll_tcp_silence,
    .shutdown = uring_shutdown,
    .finish = uring_finish,
    .wait = uring_turn,
};
