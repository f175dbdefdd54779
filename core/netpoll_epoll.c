/*
 * netpoll on epoll(7). Every descriptor is registered once, edge-triggered, for input and room
 * together: no epoll_ctl() per message. An edge puts its handle into the ready queue; from there
 * it is read until the kernel has no more or its budget for the turn is used up, in which case it
 * goes to the queue's end and is served in the next turn. All reads share one buffer, which so
 * stays in the cache.
 */
#include "netpoll_impl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 256,
    ACCEPTS_PER_TURN = 256,
    BUFFER_SIZE = 64 << 10,
};

struct epoll_priv {
    int fd;
    struct netpoll_queue ready;
    struct epoll_event events[EVENTS_MAX];
    char buffer[BUFFER_SIZE];
};

static int epoll_init(struct netpoll *np, const struct netpoll_options *options, char *note,
                      size_t note_size)
{
    (void)options;
    struct epoll_priv *ep = np->priv;
    int rc = netpoll_queue_init(&ep->ready, np->max_slots);
    if (rc < 0)
        return rc;
    ep->fd = epoll_create1(EPOLL_CLOEXEC);
    if (ep->fd >= 0)
        return 0;
    rc = -errno;
    netpoll_queue_fini(&ep->ready);
    snprintf(note, note_size, "epoll cannot be set up: %s", strerror(-rc));
    return rc;
}

static void epoll_fini(struct netpoll *np)
{
    struct epoll_priv *ep = np->priv;
    close(ep->fd);
    netpoll_queue_fini(&ep->ready);
}

static int epoll_watch(struct netpoll *np, uint32_t i)
{
    struct epoll_priv *ep = np->priv;
    const struct netpoll_slot *slot = &np->slots[i];
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = netpoll_handle_of(np, i)};
    if (slot->kind == NETPOLL_SOCKET)
        event.events |= EPOLLOUT | EPOLLRDHUP;
    return epoll_ctl(ep->fd, EPOLL_CTL_ADD, slot->fd, &event) < 0 ? -errno : 0;
}

static void ready_push(struct netpoll *np, uint32_t i)
{
    struct epoll_priv *ep = np->priv;
    if (np->slots[i].flags & NETPOLL_QUEUED)
        return;
    np->slots[i].flags |= NETPOLL_QUEUED;
    netpoll_queue_push(&ep->ready, netpoll_handle_of(np, i));
}

/* ---- sending -------------------------------------------------------------------------------- */

/* Several parts. Not in line: the common send has one, and need not make room for a header. */
__attribute__((noinline)) static ssize_t send_parts(int fd, const struct iovec *parts, int n)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)n};
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Of `bytes`, `sent` went; or -1, and errno. What does not wait is not interrupted either; were it
 * so, there would be no edge to wait for, so it is tried again by the clock. */
__attribute__((noinline)) static void fell_short(struct netpoll *np, uint32_t i, size_t bytes,
                                                 ssize_t sent)
{
    if (sent >= 0 || errno == EAGAIN) {
        netpoll_note_short(np, i, bytes - (size_t)(sent < 0 ? 0 : sent));
    } else if (errno == EINTR || netpoll_send_starved(errno)) {
        netpoll_note_starved(np, i, bytes);
    } else {
        netpoll_note_failure(np, i, errno);
        ready_push(np, i);
    }
}

static void epoll_send(struct netpoll *np, uint32_t i, const struct iovec *parts, int n,
                       size_t bytes)
{
    int fd = np->slots[i].fd;
    ssize_t sent = n == 1 ? send(fd, parts->iov_base, bytes, MSG_DONTWAIT | MSG_NOSIGNAL)
                          : send_parts(fd, parts, n);
    if (sent != (ssize_t)bytes)
        fell_short(np, i, bytes, sent);
}

static void epoll_commit(struct netpoll *np)
{
    (void)np; /* everything was sent at once */
}

/* ---- reading -------------------------------------------------------------------------------- */

/* A paused handle leaves the ready queue when its turn comes; resuming cannot know whether an edge
 * was missed meanwhile, so it always looks. */
static void epoll_pause(struct netpoll *np, uint32_t i)
{
    (void)np;
    (void)i;
}

static void epoll_resume(struct netpoll *np, uint32_t i)
{
    ready_push(np, i);
}

static ssize_t read_some(struct netpoll *np, uint32_t i, size_t want)
{
    struct epoll_priv *ep = np->priv;
    const struct netpoll_slot *slot = &np->slots[i];
    ssize_t n;
    do
        n = slot->kind == NETPOLL_SOCKET ? recv(slot->fd, ep->buffer, want, MSG_DONTWAIT)
                                         : read(slot->fd, ep->buffer, want);
    while (n < 0 && errno == EINTR);
    return n;
}

/* A failed read: nothing there, which ends the draining of a dead connection, or an error. */
static void read_failed(struct netpoll *np, uint32_t i, int error)
{
    if (error != EAGAIN || np->slots[i].flags & NETPOLL_FAILED)
        netpoll_deliver_error(np, i, error);
}

/* A short read means that the kernel had no more, unless the end of input is known to stand
 * behind it: there will be no further edge for that. */
static bool read_more(const struct netpoll *np, uint32_t i, size_t got, size_t want)
{
    return got == want || np->slots[i].flags & (NETPOLL_HANGUP | NETPOLL_FAILED) ||
           np->slots[i].kind == NETPOLL_PIPE;
}

static void stream_read(struct netpoll *np, uint32_t i)
{
    struct epoll_priv *ep = np->priv;
    while (netpoll_may_read(np, i)) {
        size_t want = netpoll_budget(np, i);
        if (want == 0) {
            ready_push(np, i);
            return;
        }
        want = want < BUFFER_SIZE ? want : BUFFER_SIZE;
        ssize_t n = read_some(np, i, want);
        if (n < 0) {
            read_failed(np, i, errno);
            return;
        }
        if (n == 0) {
            netpoll_deliver_end(np, i);
            return;
        }
        netpoll_deliver_data(np, i, ep->buffer, (size_t)n);
        if (!read_more(np, i, (size_t)n, want))
            return;
    }
}

static void listener_accept(struct netpoll *np, uint32_t i)
{
    for (int n = 0; n < ACCEPTS_PER_TURN; n++) {
        if (np->slots[i].flags & (NETPOLL_CLOSING | NETPOLL_PAUSED | NETPOLL_STUCK))
            return;
        if (!netpoll_slots_left(np)) {
            netpoll_accept_stuck(np, i, ENFILE);
            return;
        }
        int fd = accept4(np->slots[i].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            netpoll_deliver_accepted(np, i, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (!netpoll_accept_transient(errno)) {
            netpoll_accept_stuck(np, i, errno);
            return;
        }
    }
    ready_push(np, i);
}

static void ready_serve(struct netpoll *np)
{
    struct epoll_priv *ep = np->priv;
    for (uint32_t n = netpoll_queue_count(&ep->ready); n > 0; n--) {
        if (np->turn_read >= np->turn_budget)
            return;
        netpoll_handle h = netpoll_queue_pop(&ep->ready);
        struct netpoll_slot *slot = netpoll_find(np, h);
        if (!slot)
            continue;
        slot->flags &= (uint16_t)~NETPOLL_QUEUED;
        if (slot->kind == NETPOLL_LISTENER)
            listener_accept(np, netpoll_slot(h));
        else
            stream_read(np, netpoll_slot(h));
    }
}

/* ---- the turn ------------------------------------------------------------------------------- */

static void event_dispatch(struct netpoll *np, const struct epoll_event *event)
{
    netpoll_handle h = event->data.u64;
    uint32_t i = netpoll_slot(h);
    struct netpoll_slot *slot = netpoll_find(np, h);
    if (!slot)
        return;
    if (slot->kind == NETPOLL_WAKER) {
        netpoll_deliver_wake(np);
        return;
    }
    if (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        slot->flags |= NETPOLL_HANGUP;
    if (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        ready_push(np, i);
    if (event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        netpoll_deliver_writable(np, i);
}

static int timeout_in_ms(int64_t ns)
{
    if (ns < 0)
        return -1;
    int64_t ms = (ns + 999999) / 1000000;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static int epoll_turn(struct netpoll *np, int64_t timeout_ns)
{
    struct epoll_priv *ep = np->priv;
    int timeout = netpoll_queue_count(&ep->ready) > 0 ? 0 : timeout_in_ms(timeout_ns);
    int n = epoll_wait(ep->fd, ep->events, EVENTS_MAX, timeout);
    if (n < 0 && errno != EINTR)
        return -errno;
    netpoll_clock(np);
    for (int k = 0; k < n; k++)
        event_dispatch(np, &ep->events[k]);
    ready_serve(np);
    return 0;
}

/* ---- the end -------------------------------------------------------------------------------- */

static void epoll_shutdown(struct netpoll *np, uint32_t i)
{
    shutdown(np->slots[i].fd, SHUT_WR);
}

/* The place in the ready queue is given up first, so that the queue never holds more than one entry
 * per slot. Taken out of the set by hand: close() alone does not do it where a forked process still
 * holds the descriptor. */
static bool epoll_finish(struct netpoll *np, uint32_t i)
{
    struct epoll_priv *ep = np->priv;
    if (np->slots[i].flags & NETPOLL_QUEUED)
        return false;
    epoll_ctl(ep->fd, EPOLL_CTL_DEL, np->slots[i].fd, NULL);
    close(np->slots[i].fd);
    return true;
}

const struct netpoll_ops netpoll_epoll_ops = {
    .name = "epoll",
    .priv_size = sizeof(struct epoll_priv),
    .init = epoll_init,
    .fini = epoll_fini,
    .watch = epoll_watch,
    .send = epoll_send,
    .commit = epoll_commit,
    .pause = epoll_pause,
    .resume = epoll_resume,
    .silence = netpoll_tcp_silence,
    .shutdown = epoll_shutdown,
    .finish = epoll_finish,
    .wait = epoll_turn,
};
