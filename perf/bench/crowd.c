/* See crowd.h. */
#include "crowd.h"

#include "clocks.h"
#include "say.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX  256
#define DISCARD_MAX (1u << 30)
#define INSIDE      (UINT64_C(1) << 32) /* in an event: the descriptor of one who is in */

/* A crowd at the door. */
struct door {
    const struct crowd *crowd;
    const struct guest *guests;
    int *fds;
    unsigned count;
    unsigned begun;
    unsigned entered;
    int epoll;
    unsigned *who; /* the guest in each entry */
    struct entry *entries;
};

static int watch(struct door *d, int op, int fd, uint64_t data)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u64 = data};
    if (epoll_ctl(d->epoll, op, fd, &e) < 0)
        return say(EX_OSERR, "epoll_ctl: %s", strerror(errno));
    return 0;
}

/* Lets the next guest begin in entry `slot`. */
static int begin(struct door *d, unsigned slot)
{
    struct entry *e = &d->entries[slot];
    d->who[slot] = d->begun++;
    int status = entry_begin(e, d->crowd->driver, d->crowd->server, &d->guests[d->who[slot]]);
    d->fds[d->who[slot]] = e->fd;
    return status ? status : watch(d, EPOLL_CTL_ADD, e->fd, slot);
}

static int step(struct door *d, unsigned slot)
{
    bool done;
    struct entry *e = &d->entries[slot];
    int status = entry_step(e, &done);
    if (status || !done)
        return status;
    d->entered++;
    if (d->crowd->latency)
        latency_record(d->crowd->latency, now_ns() - e->begun);
    if (d->crowd->progress)
        progress_show(d->crowd->progress, "connections", d->entered, d->count);
    status = watch(d, EPOLL_CTL_MOD, e->fd, INSIDE | (uint64_t)e->fd);
    if (!status && d->begun < d->count)
        status = begin(d, slot);
    return status;
}

static int discard(int fd)
{
    ssize_t n = recv(fd, NULL, DISCARD_MAX, MSG_DONTWAIT | MSG_TRUNC);
    if (n > 0 || (n < 0 && errno == EAGAIN))
        return 0;
    return say(EXIT_WRONG, "the server ends a connection while others come in%s%s",
               n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
}

static int handle(struct door *d, const struct epoll_event *e)
{
    if (!(e->data.u64 & INSIDE))
        return step(d, (unsigned)e->data.u64);
    if (e->events & ~(uint32_t)EPOLLOUT)
        return discard((int)(uint32_t)e->data.u64);
    return 0;
}

static int wait_door(struct door *d)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(d->epoll, events, EVENTS_MAX, (int)d->crowd->patience_ms);
    int status = 0;
    if (n < 0 && errno != EINTR)
        status = say(EX_OSERR, "epoll_wait: %s", strerror(errno));
    if (n == 0)
        status = say(EXIT_WRONG,
                     "nobody came in for %u ms: %u of %u are (a server with a short listen(2) "
                     "backlog takes a smaller --parallel)",
                     d->crowd->patience_ms, d->entered, d->count);
    for (int i = 0; i < n && !status; i++)
        status = handle(d, &events[i]);
    return status;
}

static int run_door(struct door *d, unsigned slots)
{
    int status = 0;
    for (unsigned i = 0; i < slots && !status; i++)
        status = begin(d, i);
    while (d->entered < d->count && !status)
        status = wait_door(d);
    return status;
}

int crowd_enter(const struct crowd *c, const struct guest *guests, int *fds, unsigned count)
{
    struct door d = {.crowd = c, .guests = guests, .fds = fds, .count = count, .epoll = -1};
    unsigned slots = count < c->parallel ? count : c->parallel;
    d.entries = calloc(slots, sizeof *d.entries);
    d.who = calloc(slots, sizeof *d.who);
    d.epoll = epoll_create1(EPOLL_CLOEXEC);
    int status = 0;
    if (!d.entries || !d.who || d.epoll < 0)
        status = say(EX_OSERR, "out of memory or descriptors");
    else
        status = run_door(&d, slots);
    if (d.epoll >= 0)
        close(d.epoll);
    free(d.entries);
    free(d.who);
    return status;
}

/* Waits for bytes and appends them to `in`, which holds DRIVER_UNIT_MAX. */
static int read_more(const struct crowd *c, int fd, char *in, size_t *have)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, (int)c->patience_ms) == 0)
        return say(EXIT_WRONG, "no answer from the server for %u ms", c->patience_ms);
    ssize_t n = recv(fd, in + *have, DRIVER_UNIT_MAX - *have, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        return say(EXIT_WRONG, "the server ends a connection that asks nothing of it");
    *have += n > 0 ? (size_t)n : 0;
    return 0;
}

/* Reads until the answer to a ping. */
static int read_pong(const struct crowd *c, int fd, char *in)
{
    struct unit unit;
    size_t have = 0;
    int status = 0;
    while (!status) {
        size_t n = c->driver->next(in, have, &unit);
        if (n == SIZE_MAX)
            return say(EX_PROTOCOL, "cannot make sense of what the server says");
        if (n > 0 && unit.kind == UNIT_PONG)
            return 0;
        memmove(in, in + n, have - n);
        have -= n;
        if (n == 0)
            status = read_more(c, fd, in, &have);
    }
    return status;
}

static int settle(const struct crowd *c, int fd, char *in)
{
    char ask[DRIVER_SAY_MAX];
    size_t size = c->driver->ping(ask);
    if (send(fd, ask, size, MSG_NOSIGNAL) != (ssize_t)size)
        return say(EXIT_WRONG, "cannot send to the server: %s", strerror(errno));
    return read_pong(c, fd, in);
}

int crowd_settle(const struct crowd *c, const int *fds, unsigned count)
{
    char *in = malloc(DRIVER_UNIT_MAX);
    int status = 0;
    if (!in)
        return say(EX_OSERR, "out of memory");
    for (unsigned i = 0; i < count && !status; i++)
        status = settle(c, fds[i], in);
    free(in);
    return status;
}

void crowd_close(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}
