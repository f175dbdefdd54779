/*
 * Setting up io_uring for netpoll: the ring, the provided buffers, and the proof that this kernel
 * does what netpoll_uring.c relies on. Features are found by trying, never by a kernel's version.
 */
#include "netpoll_uring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    DEFAULT_ENTRIES = 128,
    DEFAULT_BUFFERS = 256,
    DEFAULT_COMPLETIONS = 16384,
};

void uring_buffer_recycle(struct uring_priv *up, unsigned id)
{
    io_uring_buf_ring_add(up->buffers, up->memory + (size_t)id * URING_BUFFER_SIZE,
                          URING_BUFFER_SIZE, (unsigned short)id, (int)up->buffer_count - 1, 0);
    io_uring_buf_ring_advance(up->buffers, 1);
}

/* ---- proof ---------------------------------------------------------------------------------- */

/* Submits one send of `size` bytes on `fd`. Returns the result of its completion, or INT32_MAX if
 * it posted none. */
static int32_t trial_send(struct uring_priv *up, int fd, const char *bytes, size_t size)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&up->ring);
    io_uring_prep_send(sqe, fd, bytes, size, MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_submit(&up->ring);
    struct io_uring_cqe *cqe;
    if (io_uring_peek_cqe(&up->ring, &cqe) < 0)
        return INT32_MAX;
    int32_t result = cqe->res;
    io_uring_cqe_seen(&up->ring, cqe);
    return result;
}

/* A whole send is silent and arrives, a short one posts its count, a refused one EAGAIN. NULL, or
 * what does not hold. */
static const char *prove_send(struct uring_priv *up, const int pair[2])
{
    static const char hello[] = "hello";
    char got[sizeof hello];
    enum { TOO_MUCH = 4 << 20 };
    int small = 4096;
    if (trial_send(up, pair[0], hello, sizeof hello) != INT32_MAX ||
        recv(pair[1], got, sizeof got, MSG_DONTWAIT) != (ssize_t)sizeof got)
        return "a complete send is not silent";
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    char *much = calloc(1, TOO_MUCH);
    if (!much)
        return "not enough memory to try it";
    int32_t first = trial_send(up, pair[0], much, TOO_MUCH);
    int32_t second = trial_send(up, pair[0], much, TOO_MUCH);
    free(much);
    if (first <= 0 || first >= TOO_MUCH)
        return "a short send does not post its count";
    return second == -EAGAIN ? NULL : "a refused send does not post EAGAIN";
}

/* Arms a multishot receive on pair[0] that ends behind `limit` bytes, and lets one byte come.
 * Returns its completion, whose buffer is given back. */
static struct completion trial_receive(struct uring_priv *up, const int pair[2], uint32_t limit)
{
    struct completion c = {.result = -ETIME};
    struct io_uring_cqe *cqe;
    struct __kernel_timespec ts = {1, 0};
    struct io_uring_sqe *sqe = io_uring_get_sqe(&up->ring);
    io_uring_prep_recv_multishot(sqe, pair[0], NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = URING_BUFFER_GROUP;
    uring_limit_receive(sqe, limit);
    io_uring_submit(&up->ring);
    if (send(pair[1], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1 ||
        io_uring_submit_and_wait_timeout(&up->ring, &cqe, 1, &ts, NULL) < 0)
        return c;
    c = (struct completion){.result = cqe->res, .flags = cqe->flags};
    if (c.flags & IORING_CQE_F_BUFFER)
        uring_buffer_recycle(up, c.flags >> IORING_CQE_BUFFER_SHIFT);
    io_uring_cqe_seen(&up->ring, cqe);
    return c;
}

/* True if a multishot receive can have a limit; what an older kernel leaves in the socket is read
 * away. */
static bool can_limit(struct uring_priv *up, const int pair[2])
{
    char byte;
    struct completion c = trial_receive(up, pair, 1);
    if (c.result != 1)
        recv(pair[0], &byte, 1, MSG_DONTWAIT);
    return c.result == 1 && !(c.flags & IORING_CQE_F_MORE);
}

/* Multishot receive into the provided buffers: data with a buffer, and more to come. */
static const char *prove_receive(struct uring_priv *up, const int pair[2])
{
    struct completion c = trial_receive(up, pair, 0);
    if (c.result == -ETIME)
        return "a multishot receive does not complete";
    bool good = c.result == 1 && c.flags & IORING_CQE_F_MORE && c.flags & IORING_CQE_F_BUFFER;
    return good ? NULL : "this kernel has no multishot receive (6.1 or newer is needed)";
}

/* Ends the trial's receive, so that nothing refers to the pair any more. */
static void prove_cleanup(struct uring_priv *up, const int pair[2])
{
    struct io_uring_cqe *cqe;
    struct __kernel_timespec ts = {1, 0};
    shutdown(pair[0], SHUT_RDWR);
    while (io_uring_submit_and_wait_timeout(&up->ring, &cqe, 1, &ts, NULL) >= 0) {
        bool last = !(cqe->flags & IORING_CQE_F_MORE);
        if (cqe->flags & IORING_CQE_F_BUFFER)
            uring_buffer_recycle(up, cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        io_uring_cqe_seen(&up->ring, cqe);
        if (last)
            break;
    }
}

/* Finds out what the kernel can do. NULL, or what it must do and does not. */
static const char *prove(struct uring_priv *up, uint32_t conn_budget)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return "no descriptors to try it";
    const char *fault = prove_send(up, pair);
    if (!fault) {
        up->receive_max = can_limit(up, pair) ? conn_budget : 0;
        fault = prove_receive(up, pair);
        prove_cleanup(up, pair);
    }
    close(pair[0]);
    close(pair[1]);
    return fault;
}

/* ---- opening and freeing -------------------------------------------------------------------- */

/* 0, 1 or 2 of kernel.io_uring_disabled (6.6 and newer); -1 where there is no such setting. */
static int disabled_setting(void)
{
    char digit;
    int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, &digit, 1);
    close(fd);
    return n == 1 ? digit - '0' : -1;
}

/* Cause and remedy of a failed set-up. */
static void explain(int error, char *note, size_t note_size)
{
    int setting = error == EPERM ? disabled_setting() : -1;
    const char *cause = "unexpected";
    const char *remedy = "use -b epoll";
    if (setting > 0) {
        cause = "forbidden by the sysctl kernel.io_uring_disabled";
        remedy = "sysctl -w kernel.io_uring_disabled=0, or use -b epoll";
    } else if (error == EPERM) {
        cause = "forbidden, by a seccomp profile perhaps (containers have one by default)";
        remedy = "allow io_uring_setup, io_uring_enter and io_uring_register, or use -b epoll";
    } else if (error == ENOSYS) {
        cause = "the kernel has none, or a seccomp profile hides it";
        remedy = "use a kernel 6.1 or newer and allow io_uring, or use -b epoll";
    } else if (error == EINVAL) {
        cause = "the kernel is older than 6.1";
        remedy = "use a newer kernel, or -b epoll";
    } else if (error == ENOMEM) {
        cause = "not enough memory, or locked memory";
        remedy = "raise the limit (ulimit -l), or use -b epoll";
    }
    snprintf(note, note_size, "io_uring cannot be set up: %s: %s; remedy: %s",
             strerrorname_np(error), cause, remedy);
}

/* The ring starts disabled, for ring_restrict(). */
static int ring_open(struct uring_priv *up, const struct netpoll_options *options)
{
    unsigned entries = options->ring_entries ? options->ring_entries : DEFAULT_ENTRIES;
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED,
        .cq_entries = options->ring_completions ? options->ring_completions : DEFAULT_COMPLETIONS,
    };
    int rc = io_uring_queue_init_params(entries, &up->ring, &params);
    if (rc == 0)
        io_uring_register_ring_fd(&up->ring); /* spares a look-up per enter; fine without */
    return rc;
}

/* By hand: liburing 2.3 declares functions for what is below, but does not export them. */
static int ring_register(const struct uring_priv *up, unsigned what, const void *items,
                         unsigned count)
{
    long rc = syscall(SYS_io_uring_register, up->ring.ring_fd, what, items, count);
    return rc < 0 ? -errno : 0;
}

/*
 * What goes through a ring passes by seccomp(2). So the ring itself is told, for good, what it may
 * be used for: what netpoll_uring.c submits. No file can be opened, nothing connected, by way of
 * it. See IORING_REGISTER_RESTRICTIONS in io_uring_register(2).
 */
static int ring_restrict(const struct uring_priv *up)
{
    enum { ANY_SQE_FLAG = 0xff };
    struct io_uring_restriction allowed[] = {
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_ACCEPT},
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_RECV},
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_SEND},
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_SENDMSG},
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_POLL_ADD},
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_ASYNC_CANCEL},
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = ANY_SQE_FLAG},
        {.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_UNREGISTER_RING_FDS},
    };
    int rc =
        ring_register(up, IORING_REGISTER_RESTRICTIONS, allowed, sizeof allowed / sizeof *allowed);
    return rc < 0 ? rc : ring_register(up, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

/* By hand: liburing 2.3 has no io_uring_setup_buf_ring(). */
static int buffers_open(struct uring_priv *up, unsigned count)
{
    const int prot = PROT_READ | PROT_WRITE;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    size_t ring_size = count * sizeof(struct io_uring_buf);
    up->buffer_count = count;
    up->buffers = mmap(NULL, ring_size, prot, flags, -1, 0);
    /* Whatever is used is used in turn, so all of it soon: page faults belong to the start. */
    up->memory = mmap(NULL, (size_t)count * URING_BUFFER_SIZE, prot, flags | MAP_POPULATE, -1, 0);
    if (up->buffers == MAP_FAILED || up->memory == MAP_FAILED)
        return -ENOMEM;
    struct io_uring_buf_reg reg = {
        .ring_addr = (uintptr_t)up->buffers,
        .ring_entries = count,
        .bgid = URING_BUFFER_GROUP,
    };
    int rc = io_uring_register_buf_ring(&up->ring, &reg, 0);
    if (rc < 0)
        return rc;
    io_uring_buf_ring_init(up->buffers);
    for (unsigned id = 0; id < count; id++)
        uring_buffer_recycle(up, id);
    return 0;
}

static void buffers_close(struct uring_priv *up)
{
    if (up->buffers && up->buffers != MAP_FAILED)
        munmap(up->buffers, up->buffer_count * sizeof(struct io_uring_buf));
    if (up->memory && up->memory != MAP_FAILED)
        munmap(up->memory, (size_t)up->buffer_count * URING_BUFFER_SIZE);
}

/* The backlog has room for all that can be outstanding: every buffer, and for every slot its
 * accept or receive, its poll and its cancel. */
static int tables_open(struct netpoll *np, unsigned buffers)
{
    struct uring_priv *up = np->priv;
    uint32_t size = 1024;
    while (size < buffers + 4 * np->max_slots)
        size *= 2;
    up->backlog = calloc(size, sizeof *up->backlog);
    up->backlog_mask = size - 1;
    return up->backlog ? netpoll_queue_init(&up->later, np->max_slots) : -ENOMEM;
}

static int uring_open(struct netpoll *np, unsigned buffers, const char **fault)
{
    struct uring_priv *up = np->priv;
    int rc = tables_open(np, buffers);
    if (rc == 0)
        rc = buffers_open(up, buffers);
    if (rc == 0)
        rc = ring_restrict(up);
    if (rc < 0)
        return rc;
    *fault = prove(up, np->conn_budget);
    return *fault ? -ENOTSUP : 0;
}

int uring_setup(struct netpoll *np, const struct netpoll_options *options, char *note,
                size_t note_size)
{
    struct uring_priv *up = np->priv;
    unsigned buffers = options->ring_buffers ? options->ring_buffers : DEFAULT_BUFFERS;
    int rc = ring_open(up, options);
    if (rc < 0) {
        explain(-rc, note, note_size);
        return rc;
    }
    const char *fault = NULL;
    rc = uring_open(np, buffers, &fault);
    if (rc == 0)
        return 0;
    if (fault)
        snprintf(note, note_size, "io_uring does not work as needed: %s; remedy: use -b epoll",
                 fault);
    else
        explain(-rc, note, note_size);
    uring_teardown(up);
    return rc;
}

void uring_teardown(struct uring_priv *up)
{
    io_uring_queue_exit(&up->ring);
    buffers_close(up);
    free(up->backlog);
    netpoll_queue_fini(&up->later);
}
