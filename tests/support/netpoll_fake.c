/*
 * The scripted netpoll backend. Readiness is not remembered but looked at: a turn walks over the
 * slots and asks each connection what there is to report. Slow, and hard to get wrong.
 *
 * Sends are carried out in netpoll_commit(), from the caller's own buffers, and received bytes are
 * handed over in memory that is gone right after the call: an address sanitizer sees whoever
 * changes the one too early or keeps the other too long.
 */
#include "netpoll_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { INJECTED_MAX = 16 };

/* Bytes under way in one direction: appended at the end, taken from `start`. */
struct stream {
    char *bytes;
    size_t start;
    size_t end;
    size_t size;
};

struct netpoll_fake_peer {
    struct netpoll_fake_peer *next; /* in fake.waiting */
    netpoll_handle listener;        /* 0: waits for its adoption, not to be accepted */
    int fd;                         /* netpoll's end; nothing goes through it */
    int far_fd;                     /* keeps `fd` connected */
    struct stream in;               /* towards netpoll */
    struct stream out;              /* towards the test */
    size_t limit;                   /* of `out` */
    unsigned writable_wait;         /* turns until `writable` */
    uint32_t silence;               /* milliseconds */
    bool half_closed;
    bool reset;
    bool freed;    /* by the test */
    bool held;     /* by netpoll: it stands in by_slot or in waiting */
    bool shut;     /* netpoll has shut down its end */
    bool finished; /* netpoll has closed its end */
};

/* A send of the batch. */
struct pending_send {
    netpoll_handle handle;
    int n;
    struct iovec parts[NETPOLL_IOV_MAX];
};

struct injected {
    netpoll_handle handle;
    enum netpoll_fake_event event;
};

struct fake {
    struct netpoll_fake_script script;
    struct netpoll_fake_peer **by_slot;
    struct netpoll_fake_peer *waiting; /* connected, not accepted or adopted */
    struct pending_send *sends;
    size_t send_count;
    size_t send_size;
    struct injected injected[INJECTED_MAX];
    size_t injected_count;
};

static struct fake *fake_of(const struct netpoll *np)
{
    return np->priv;
}

struct netpoll_fake_script *netpoll_fake_script(struct netpoll *np)
{
    return &fake_of(np)->script;
}

/* ---- streams -------------------------------------------------------------------------------- */

static size_t stream_count(const struct stream *s)
{
    return s->end - s->start;
}

/* Out of memory ends the test program: there is nothing a test could learn from it. */
static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static void stream_append(struct stream *s, const char *bytes, size_t n)
{
    if (n == 0)
        return;
    if (s->size - s->end < n) {
        s->size = (s->end + n) * 2;
        s->bytes = must(realloc(s->bytes, s->size));
    }
    memcpy(s->bytes + s->end, bytes, n);
    s->end += n;
}

static size_t stream_take(struct stream *s, char *out, size_t size)
{
    size_t n = stream_count(s) < size ? stream_count(s) : size;
    if (n == 0)
        return 0;
    memcpy(out, s->bytes + s->start, n);
    s->start += n;
    if (s->start == s->end)
        s->start = s->end = 0;
    return n;
}

/* ---- peers ---------------------------------------------------------------------------------- */

static struct netpoll_fake_peer *peer_new(int fd, int far_fd)
{
    struct netpoll_fake_peer *p = must(calloc(1, sizeof *p));
    *p = (struct netpoll_fake_peer){.fd = fd, .far_fd = far_fd, .limit = SIZE_MAX};
    return p;
}

/* The memory lives until both sides have let go. */
static void peer_release(struct netpoll_fake_peer *p)
{
    if (p->held || !p->freed)
        return;
    free(p->in.bytes);
    free(p->out.bytes);
    free(p);
}

static void peer_unhold(struct netpoll_fake_peer *p)
{
    p->held = false;
    p->finished = true;
    if (p->far_fd >= 0)
        close(p->far_fd);
    p->far_fd = -1;
    peer_release(p);
}

/* Behind the others: who connects is accepted in order. */
static void waiting_push(struct fake *fake, struct netpoll_fake_peer *p)
{
    struct netpoll_fake_peer **end = &fake->waiting;
    while (*end)
        end = &(*end)->next;
    *end = p;
    p->held = true;
}

/* Before the others: one that was never adopted may wait with the same descriptor, long closed. */
static void waiting_put_first(struct fake *fake, struct netpoll_fake_peer *p)
{
    p->next = fake->waiting;
    fake->waiting = p;
    p->held = true;
}

/* Takes out the first that waits for `listener`, or, if that is 0, to be adopted as `fd`. */
static struct netpoll_fake_peer *waiting_take(struct fake *fake, netpoll_handle listener, int fd)
{
    for (struct netpoll_fake_peer **at = &fake->waiting; *at; at = &(*at)->next) {
        struct netpoll_fake_peer *p = *at;
        if (p->listener != listener || (listener == 0 && p->fd != fd))
            continue;
        *at = p->next;
        p->next = NULL;
        return p;
    }
    return NULL;
}

static bool waiting_for(const struct fake *fake, netpoll_handle listener)
{
    for (const struct netpoll_fake_peer *p = fake->waiting; p; p = p->next) {
        if (p->listener == listener)
            return true;
    }
    return false;
}

struct netpoll_fake_peer *netpoll_fake_connect(struct netpoll *np, netpoll_handle listener)
{
    struct netpoll_fake_peer *p = peer_new(-1, -1);
    p->listener = listener;
    waiting_push(fake_of(np), p);
    return p;
}

struct netpoll_fake_peer *netpoll_fake_socket(struct netpoll *np, int *fd)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return NULL;
    struct netpoll_fake_peer *p = peer_new(ends[0], ends[1]);
    waiting_put_first(fake_of(np), p);
    *fd = ends[0];
    return p;
}

struct netpoll_fake_peer *netpoll_fake_pipe(struct netpoll *np, int *fd)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return NULL;
    struct netpoll_fake_peer *p = peer_new(ends[0], ends[1]);
    waiting_put_first(fake_of(np), p);
    *fd = ends[0];
    return p;
}

size_t netpoll_fake_write(struct netpoll_fake_peer *p, const char *bytes, size_t n)
{
    if (p->half_closed || p->reset || p->finished)
        return 0;
    stream_append(&p->in, bytes, n);
    return n;
}

size_t netpoll_fake_read(struct netpoll_fake_peer *p, char *out, size_t size)
{
    return stream_take(&p->out, out, size);
}

size_t netpoll_fake_unread(const struct netpoll_fake_peer *p)
{
    return stream_count(&p->out);
}

void netpoll_fake_limit(struct netpoll_fake_peer *p, size_t bytes)
{
    p->limit = bytes;
}

void netpoll_fake_silence(struct netpoll_fake_peer *p, uint32_t ms)
{
    p->silence = ms;
}

static uint32_t fake_silence(const struct netpoll *np, uint32_t i)
{
    const struct netpoll_fake_peer *p = fake_of(np)->by_slot[i];
    return p ? p->silence : 0;
}

bool netpoll_fake_at_end(const struct netpoll_fake_peer *p)
{
    return (p->shut || p->finished) && stream_count(&p->out) == 0;
}

void netpoll_fake_half_close(struct netpoll_fake_peer *p)
{
    p->half_closed = true;
}

void netpoll_fake_reset(struct netpoll_fake_peer *p)
{
    p->reset = true;
}

void netpoll_fake_free(struct netpoll_fake_peer *p)
{
    if (!p)
        return;
    p->half_closed = true;
    p->freed = true;
    peer_release(p);
}

int netpoll_fake_inject(struct netpoll *np, netpoll_handle h, enum netpoll_fake_event event)
{
    struct fake *fake = fake_of(np);
    if (fake->injected_count == INJECTED_MAX)
        return -ENOBUFS;
    fake->injected[fake->injected_count++] = (struct injected){h, event};
    return 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

static int fake_init(struct netpoll *np, const struct netpoll_options *options, char *note,
                     size_t note_size)
{
    (void)options;
    (void)note;
    (void)note_size;
    struct fake *fake = fake_of(np);
    fake->by_slot = calloc(np->max_slots, sizeof(struct netpoll_fake_peer *));
    return fake->by_slot ? 0 : -ENOMEM;
}

/* Who was never accepted has no slot for the common part to close. */
static void fake_fini(struct netpoll *np)
{
    struct fake *fake = fake_of(np);
    for (uint32_t i = 0; i < np->max_slots; i++) {
        if (fake->by_slot[i])
            peer_unhold(fake->by_slot[i]);
    }
    while (fake->waiting) {
        struct netpoll_fake_peer *p = fake->waiting;
        fake->waiting = p->next;
        peer_unhold(p);
    }
    free(fake->by_slot);
    free(fake->sends);
}

static int fake_watch(struct netpoll *np, uint32_t i)
{
    struct fake *fake = fake_of(np);
    const struct netpoll_slot *slot = &np->slots[i];
    if (slot->kind == NETPOLL_LISTENER || slot->kind == NETPOLL_WAKER)
        return 0;
    fake->by_slot[i] = waiting_take(fake, 0, slot->fd);
    return fake->by_slot[i] ? 0 : -EPERM;
}

/* Who waits for a listener that goes is turned away. */
static void waiting_dismiss(struct fake *fake, netpoll_handle listener)
{
    struct netpoll_fake_peer *p;
    while ((p = waiting_take(fake, listener, -1)))
        peer_unhold(p);
}

static bool fake_finish(struct netpoll *np, uint32_t i)
{
    struct fake *fake = fake_of(np);
    if (np->slots[i].kind == NETPOLL_LISTENER)
        waiting_dismiss(fake, netpoll_handle_of(np, i));
    if (fake->by_slot[i])
        peer_unhold(fake->by_slot[i]);
    fake->by_slot[i] = NULL;
    close(np->slots[i].fd);
    return true;
}

static void fake_nothing(struct netpoll *np, uint32_t i)
{
    (void)np;
    (void)i;
}

/* ---- sending -------------------------------------------------------------------------------- */

static void fake_send(struct netpoll *np, uint32_t i, const struct iovec *parts, int n,
                      size_t bytes)
{
    (void)bytes;
    struct fake *fake = fake_of(np);
    if (fake->send_count == fake->send_size) {
        fake->send_size = fake->send_size ? fake->send_size * 2 : 16;
        fake->sends = must(realloc(fake->sends, fake->send_size * sizeof *fake->sends));
    }
    struct pending_send *s = &fake->sends[fake->send_count++];
    *s = (struct pending_send){.handle = netpoll_handle_of(np, i), .n = n};
    memcpy(s->parts, parts, (size_t)n * sizeof *parts);
}

/* Moves what fits to the peer; returns what does not. */
static size_t send_parts(struct netpoll_fake_peer *p, const struct pending_send *s)
{
    size_t unread = stream_count(&p->out);
    size_t room = unread < p->limit ? p->limit - unread : 0;
    size_t left = 0;
    for (int k = 0; k < s->n; k++) {
        size_t n = s->parts[k].iov_len < room ? s->parts[k].iov_len : room;
        stream_append(&p->out, s->parts[k].iov_base, n);
        room -= n;
        left += s->parts[k].iov_len - n;
    }
    return left;
}

static void send_commit(struct netpoll *np, const struct pending_send *s)
{
    if (!netpoll_find(np, s->handle))
        return;
    uint32_t i = netpoll_slot(s->handle);
    struct netpoll_fake_peer *p = fake_of(np)->by_slot[i];
    if (p->reset || p->freed) {
        netpoll_note_failure(np, i, p->reset ? ECONNRESET : EPIPE);
        return;
    }
    size_t left = send_parts(p, s);
    if (left == 0)
        return;
    p->writable_wait = fake_of(np)->script.writable_delay;
    netpoll_note_short(np, i, left);
}

static void fake_commit(struct netpoll *np)
{
    struct fake *fake = fake_of(np);
    for (size_t k = 0; k < fake->send_count; k++)
        send_commit(np, &fake->sends[k]);
    fake->send_count = 0;
}

/* What stands in the batch goes first. */
static void fake_shutdown(struct netpoll *np, uint32_t i)
{
    struct fake *fake = fake_of(np);
    for (size_t k = 0; k < fake->send_count; k++) {
        if (fake->sends[k].handle != netpoll_handle_of(np, i))
            continue;
        send_commit(np, &fake->sends[k]);
        fake->sends[k] = fake->sends[--fake->send_count];
        break; /* one send in a batch */
    }
    fake->by_slot[i]->shut = true;
}

/* ---- events --------------------------------------------------------------------------------- */

/* Gives a connection that waits its descriptors; both ends are of no use to anyone. */
static bool peer_equip(struct netpoll_fake_peer *p)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return false;
    p->fd = ends[0];
    p->far_fd = ends[1];
    p->listener = 0;
    return true;
}

static int accept_obstacle(struct netpoll *np)
{
    struct netpoll_fake_script *script = netpoll_fake_script(np);
    if (!netpoll_slots_left(np))
        return ENFILE;
    if (script->fail_accepts == 0)
        return 0;
    script->fail_accepts--;
    return script->accept_error;
}

static bool may_accept(const struct netpoll *np, uint32_t i)
{
    uint16_t stopped = NETPOLL_CLOSING | NETPOLL_PAUSED | NETPOLL_STUCK;
    return !(np->slots[i].flags & stopped) && waiting_for(fake_of(np), netpoll_handle_of(np, i));
}

static void accept_one(struct netpoll *np, uint32_t i)
{
    struct fake *fake = fake_of(np);
    int error = accept_obstacle(np);
    if (error) {
        if (!netpoll_accept_transient(error))
            netpoll_accept_stuck(np, i, error);
        return;
    }
    struct netpoll_fake_peer *p = waiting_take(fake, netpoll_handle_of(np, i), -1);
    if (!peer_equip(p))
        abort();
    int fd = p->fd;
    waiting_put_first(fake, p); /* fake_watch() finds it by its descriptor */
    netpoll_deliver_accepted(np, i, fd);
}

/* Bytes go first, then the reset, then the end. */
static bool has_input(const struct netpoll *np, uint32_t i)
{
    const struct netpoll_fake_peer *p = fake_of(np)->by_slot[i];
    bool dead = p->reset || np->slots[i].flags & NETPOLL_FAILED;
    return netpoll_may_read(np, i) && (stream_count(&p->in) > 0 || dead || p->half_closed);
}

/* One `data`, no larger than the script and the budget allow. */
static void deliver_chunk(struct netpoll *np, uint32_t i, struct stream *in, size_t budget)
{
    size_t chunk = fake_of(np)->script.chunk;
    size_t n = stream_count(in) < budget ? stream_count(in) : budget;
    if (chunk > 0 && n > chunk)
        n = chunk;
    char *copy = must(malloc(n));
    stream_take(in, copy, n);
    netpoll_deliver_data(np, i, copy, n);
    free(copy);
}

static void deliver_input(struct netpoll *np, uint32_t i)
{
    struct netpoll_fake_peer *p = fake_of(np)->by_slot[i];
    while (netpoll_may_read(np, i) && stream_count(&p->in) > 0) {
        size_t budget = netpoll_budget(np, i);
        if (budget == 0)
            return;
        deliver_chunk(np, i, &p->in, budget);
    }
    if (!has_input(np, i))
        return;
    if (p->reset || np->slots[i].flags & NETPOLL_FAILED)
        netpoll_deliver_error(np, i, ECONNRESET);
    else
        netpoll_deliver_end(np, i);
}

static bool has_room(const struct netpoll *np, uint32_t i)
{
    const struct netpoll_fake_peer *p = fake_of(np)->by_slot[i];
    uint16_t state = np->slots[i].flags & (NETPOLL_CLOSING | NETPOLL_WANT_WRITE);
    return state == NETPOLL_WANT_WRITE &&
           (p->reset || p->freed || stream_count(&p->out) < p->limit);
}

static void deliver_room(struct netpoll *np, uint32_t i)
{
    struct netpoll_fake_peer *p = fake_of(np)->by_slot[i];
    if (!has_room(np, i))
        return;
    if (p->writable_wait > 0)
        p->writable_wait--;
    else
        netpoll_deliver_writable(np, i);
}

static void serve_slot(struct netpoll *np, uint32_t i)
{
    if (np->slots[i].kind == NETPOLL_LISTENER) {
        while (may_accept(np, i))
            accept_one(np, i);
    } else if (fake_of(np)->by_slot[i]) {
        deliver_room(np, i);
        deliver_input(np, i);
    }
}

/* A slot that was taken during the turn has to wait for the next, like a real descriptor. The
 * start moves on from turn to turn, so that the budget reaches everybody. */
static void serve_slots(struct netpoll *np)
{
    uint32_t n = np->used_slots;
    bool reversed = fake_of(np)->script.reversed;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = (np->turn + k) % n;
        serve_slot(np, reversed ? n - 1 - i : i);
    }
}

static bool slot_ready(const struct netpoll *np, uint32_t i)
{
    if (np->slots[i].kind == NETPOLL_LISTENER)
        return may_accept(np, i);
    return fake_of(np)->by_slot[i] && (has_input(np, i) || has_room(np, i));
}

static bool anything_ready(const struct netpoll *np)
{
    for (uint32_t i = 0; i < np->used_slots; i++) {
        if (slot_ready(np, i))
            return true;
    }
    return fake_of(np)->injected_count > 0;
}

static void injected_deliver(struct netpoll *np, const struct injected *event)
{
    uint32_t i = netpoll_slot(event->handle);
    if (!netpoll_find(np, event->handle))
        return;
    if (event->event == NETPOLL_FAKE_DATA)
        netpoll_deliver_data(np, i, "injected", 8);
    else if (event->event == NETPOLL_FAKE_END)
        netpoll_deliver_end(np, i);
    else if (event->event == NETPOLL_FAKE_ERROR)
        netpoll_deliver_error(np, i, ECONNRESET);
    else
        netpoll_deliver_writable(np, i);
}

static int wait_for_wake(struct netpoll *np, int64_t timeout_ns)
{
    struct pollfd waker = {.fd = np->wake_fd, .events = POLLIN};
    struct timespec limit = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    int n = ppoll(&waker, 1, timeout_ns < 0 ? NULL : &limit, NULL);
    if (n < 0 && errno != EINTR)
        return -errno;
    netpoll_clock(np);
    if (n > 0)
        netpoll_deliver_wake(np);
    return 0;
}

static int fake_wait(struct netpoll *np, int64_t timeout_ns)
{
    struct fake *fake = fake_of(np);
    int rc = wait_for_wake(np, anything_ready(np) ? 0 : timeout_ns);
    if (rc < 0)
        return rc;
    size_t n = fake->injected_count;
    fake->injected_count = 0;
    for (size_t k = 0; k < n; k++)
        injected_deliver(np, &fake->injected[k]);
    serve_slots(np);
    return 0;
}

const struct netpoll_ops netpoll_fake_ops = {
    .name = "fake",
    .priv_size = sizeof(struct fake),
    .init = fake_init,
    .fini = fake_fini,
    .watch = fake_watch,
    .send = fake_send,
    .commit = fake_commit,
    .pause = fake_nothing,
    .resume = fake_nothing,
    .silence = fake_silence,
    .shutdown = fake_shutdown,
    .finish = fake_finish,
    .wait = fake_wait,
};
