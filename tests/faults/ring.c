/*
 * io_uring. A call of liburing that enters the kernel may fail; and an operation may complete with
 * an error. That is not written into its completion, as the kernel would go on with what it had
 * accepted (a multishot receive, say): the operation is exchanged, before the kernel sees it, for
 * one that ends at once and does nothing, and the error goes into the completion of that one.
 */
#include "board.h"

#include <errno.h>
#include <liburing.h>
#include <sys/socket.h>

/* ---- errors that operations are to complete with -------------------------------------------- */

enum { PROMISES_MAX = 64 };

static struct {
    uint64_t user_data;
    int32_t error; /* 0: none */
} promises[PROMISES_MAX];

static void promise(uint64_t user_data, int error)
{
    for (size_t i = 0; i < PROMISES_MAX; i++) {
        if (promises[i].error != 0)
            continue;
        promises[i].user_data = user_data;
        promises[i].error = error;
        return;
    }
}

/* The completion of an exchanged operation says that there was nothing to cancel. */
static void keep_promise(struct io_uring_cqe *cqe)
{
    for (size_t i = 0; i < PROMISES_MAX; i++) {
        if (promises[i].error == 0 || promises[i].user_data != cqe->user_data ||
            cqe->res != -ENOENT)
            continue;
        cqe->res = -promises[i].error;
        promises[i].error = 0;
        return;
    }
}

static void look_at_completions(struct io_uring *ring)
{
    faults_board()->overflows += io_uring_cq_has_overflow(ring);
    unsigned tail = io_uring_smp_load_acquire(ring->cq.ktail);
    for (unsigned at = *ring->cq.khead; at != tail; at++)
        keep_promise(&ring->cq.cqes[at & ring->cq.ring_mask]);
}

/* ---- exchanging operations ------------------------------------------------------------------ */

static void exchange(struct io_uring_sqe *sqe, int error)
{
    const uint64_t nothing = UINT64_MAX;
    uint64_t user_data = sqe->user_data;
    io_uring_prep_cancel64(sqe, nothing, 0);
    sqe->flags = 0;
    sqe->user_data = user_data;
    promise(user_data, error);
}

/* Half of it, or of its first part; and a completion that says so. */
static void shorten(struct io_uring_sqe *sqe)
{
    if (sqe->opcode == IORING_OP_SENDMSG) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): it is how the kernel takes it */
        const struct msghdr *message = (const struct msghdr *)(uintptr_t)sqe->addr;
        sqe->opcode = IORING_OP_SEND;
        sqe->addr = (uintptr_t)message->msg_iov->iov_base;
        sqe->len = (unsigned)message->msg_iov->iov_len;
    }
    sqe->len = (sqe->len + 1) / 2;
    sqe->flags &= (uint8_t)~IOSQE_CQE_SKIP_SUCCESS;
}

static int strike_op(const struct io_uring_sqe *sqe)
{
    switch (sqe->opcode) {
    case IORING_OP_ACCEPT:
        return faults_strike_at(FAULTS_ring_accept, sqe->fd);
    case IORING_OP_RECV:
        return faults_strike_at(FAULTS_ring_recv, sqe->fd);
    case IORING_OP_SEND:
        return faults_strike_at(FAULTS_ring_send, sqe->fd);
    case IORING_OP_SENDMSG:
        return faults_strike_at(FAULTS_ring_sendmsg, sqe->fd);
    case IORING_OP_POLL_ADD:
        return faults_strike_at(FAULTS_ring_poll, sqe->fd);
    default:
        return 0; /* a cancel fails only where there is nothing to cancel */
    }
}

/* What the kernel has not been shown yet. */
static void look_at_submissions(struct io_uring *ring)
{
    for (unsigned at = ring->sq.sqe_head; at != ring->sq.sqe_tail; at++) {
        struct io_uring_sqe *sqe = &ring->sq.sqes[at & ring->sq.ring_mask];
        int fault = strike_op(sqe);
        if (fault > 0)
            exchange(sqe, fault);
        else if (fault == FAULTS_SHORT)
            shorten(sqe);
    }
}

/* ---- small buffers -------------------------------------------------------------------------- */

static struct {
    struct io_uring_buf *items;
    unsigned count;
} buffers;

/* The kernel reads the size of a buffer when it takes it. */
static void limit_buffers(void)
{
    uint64_t size = faults_board()->buffer_size;
    for (unsigned i = 0; size > 0 && i < buffers.count; i++)
        buffers.items[i].len = (unsigned)size;
}

/* ---- the calls ------------------------------------------------------------------------------ */

/* The linker chooses these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,bugprone-macro-parentheses)
 */
#define ENTERING(X)                                                                                \
    X(io_uring_submit, (struct io_uring * ring), (ring))                                           \
    X(io_uring_submit_and_wait, (struct io_uring * ring, unsigned wait), (ring, wait))             \
    X(io_uring_submit_and_wait_timeout,                                                            \
      (struct io_uring * ring, struct io_uring_cqe * *cqe, unsigned wait,                          \
       struct __kernel_timespec *ts, sigset_t *mask),                                              \
      (ring, cqe, wait, ts, mask))                                                                 \
    X(io_uring_submit_and_get_events, (struct io_uring * ring), (ring))                            \
    X(io_uring_get_events, (struct io_uring * ring), (ring))

#define WRAP_ENTERING(name, parameters, arguments)                                                 \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        if (faults_strike(FAULTS_##name))                                                          \
            return -errno;                                                                         \
        look_at_submissions(ring);                                                                 \
        limit_buffers();                                                                           \
        int rc = __real_##name arguments;                                                          \
        look_at_completions(ring);                                                                 \
        return rc;                                                                                 \
    }
ENTERING(WRAP_ENTERING)

int __real___io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned submit,
                              unsigned wait, sigset_t *mask);
int __wrap___io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned submit,
                              unsigned wait, sigset_t *mask);
int __real_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params);
int __real_io_uring_register_ring_fd(struct io_uring *ring);
int __wrap_io_uring_register_ring_fd(struct io_uring *ring);
int __real_io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *reg,
                                      unsigned flags);
int __wrap_io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *reg,
                                      unsigned flags);

/* What io_uring_peek_cqe() calls where the queue of completions has overflowed. */
int __wrap___io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned submit,
                              unsigned wait, sigset_t *mask)
{
    int rc = __real___io_uring_get_cqe(ring, cqe, submit, wait, mask);
    look_at_completions(ring);
    return rc;
}

int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params)
{
    uint64_t size = faults_board()->ring_size;
    if (faults_strike(FAULTS_io_uring_queue_init_params))
        return -errno;
    if (size > 0)
        params->cq_entries = entries = (unsigned)size;
    return __real_io_uring_queue_init_params(entries, ring, params);
}

int __wrap_io_uring_register_ring_fd(struct io_uring *ring)
{
    return faults_strike(FAULTS_io_uring_register_ring_fd) ? -errno
                                                           : __real_io_uring_register_ring_fd(ring);
}

int __wrap_io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *reg,
                                      unsigned flags)
{
    if (faults_strike(FAULTS_io_uring_register_buf_ring))
        return -errno;
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): it is how the kernel takes it */
    buffers.items = (struct io_uring_buf *)(uintptr_t)reg->ring_addr;
    buffers.count = reg->ring_entries;
    return __real_io_uring_register_buf_ring(ring, reg, flags);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,bugprone-macro-parentheses) */
