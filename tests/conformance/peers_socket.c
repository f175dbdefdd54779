/*
 * Peers for the backends that run on the kernel: real sockets on the loopback interface, unix
 * sockets and pipes.
 */
#include "conformance.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    int fd;
    bool end; /* a read has met the end, or the connection was reset */
};

static int socket_open(struct world *w, const struct netpoll_options *options, char *note,
                       size_t note_size)
{
    return netpoll_open(&w->np, options, &world_handlers, w, note, note_size);
}

static struct peer *peer_new(int fd)
{
    struct peer *p = calloc(1, sizeof *p);
    if (!p || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        abort();
    p->fd = fd;
    return p;
}

static struct peer *socket_connect(struct world *w)
{
    const struct address *a = &w->address;
    int fd = socket(a->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, &a->u.any, a->length) < 0)
        fail_msg("cannot connect: %s", strerror(errno));
    int one = 1;
    if (a->u.any.sa_family == AF_INET)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return peer_new(fd);
}

/* The kernel raises the size to its minimum of a few kilobytes. A unix socket, as it gives room
 * back the moment the peer reads. */
static struct peer *socket_pair(struct world *w, int *fd)
{
    (void)w;
    int ends[2];
    int size = 1;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    *fd = ends[0];
    return peer_new(ends[1]);
}

static struct peer *socket_pipe(struct world *w, int *fd)
{
    (void)w;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    *fd = ends[0];
    return peer_new(ends[1]);
}

/* write(2), as the peer may be a pipe; SIGPIPE is ignored. */
static size_t socket_write(struct peer *p, const char *bytes, size_t n)
{
    ssize_t done = write(p->fd, bytes, n);
    return done < 0 ? 0 : (size_t)done;
}

static size_t socket_read(struct peer *p, char *out, size_t size)
{
    ssize_t n = p->end ? 0 : recv(p->fd, out, size, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        p->end = true;
    return n < 0 ? 0 : (size_t)n;
}

static bool socket_at_end(struct peer *p)
{
    return p->end;
}

static void socket_half_close(struct peer *p)
{
    if (shutdown(p->fd, SHUT_WR) == 0)
        return;
    close(p->fd); /* a pipe */
    p->fd = -1;
}

static void socket_address_of(struct peer *p, struct address *out)
{
    *out = (struct address){.length = sizeof out->u};
    assert_int_equal(getsockname(p->fd, &out->u.any, &out->length), 0);
}

/* By a filter on what comes in (socket(7)) that lets nothing pass. */
static bool socket_mute(struct peer *p, bool on)
{
    struct sock_filter drop = {BPF_RET | BPF_K, 0, 0, 0};
    struct sock_fprog filter = {1, &drop};
    int unused = 0;
    struct address own;
    socket_address_of(p, &own);
    if (own.u.any.sa_family != AF_INET)
        return false;
    if (on)
        assert_int_equal(setsockopt(p->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter),
                         0);
    else
        assert_int_equal(setsockopt(p->fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused),
                         0);
    return true;
}

/* TCP resets at close if told not to linger, a unix socket if there is something unread. */
static void socket_reset(struct peer *p)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(p->fd);
    p->fd = -1;
    p->end = true;
}

static void socket_free(struct peer *p)
{
    if (p->fd >= 0)
        close(p->fd);
    free(p);
}

/* All descriptors that are left are used up, and one given back. Lowering the limit would not do:
 * an accept that is armed in an io_uring goes by the limit at the time when it was armed. */
static void socket_starve(struct world *w)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    w->hoard = calloc(limit.rlim_cur, sizeof *w->hoard);
    if (!w->hoard)
        abort();
    int fd;
    while ((fd = dup(STDERR_FILENO)) >= 0)
        w->hoard[w->hoard_count++] = fd;
    close(w->hoard[--w->hoard_count]);
}

static void socket_feed(struct world *w)
{
    while (w->hoard_count > 0)
        close(w->hoard[--w->hoard_count]);
    free(w->hoard);
    w->hoard = NULL;
}

#define SOCKET_OPS                                                                                 \
    .open = socket_open, .connect = socket_connect, .pair = socket_pair, .pipe = socket_pipe,      \
    .write = socket_write, .read = socket_read, .at_end = socket_at_end,                           \
    .half_close = socket_half_close, .reset = socket_reset, .free = socket_free,                   \
    .mute = socket_mute, .address_of = socket_address_of, .starve = socket_starve,                 \
    .feed = socket_feed

const struct peer_ops peers_tcp = {.address = "127.0.0.1:0", SOCKET_OPS};
const struct peer_ops peers_unix = {.address = "unix:", SOCKET_OPS};
