/*
 * netpoll, its owner and its peers: the input is a list of acts, which happen in the order in which
 * netpoll asks for them: some between two turns, some inside its callbacks, where everything may be
 * done but a turn. The world, the peers and the rules that always hold are those of the conformance
 * suite; besides, no byte is lost, repeated or exchanged between two ends that live.
 *
 *   byte 0   the backend: the scripted one, epoll, io_uring
 *   byte 1   its limits, so small that all of them are met
 *   then     acts, of two to four bytes; acts inside a callback go on until act 0
 */
#include "conformance.h"
#include "fuzz.h"
#include "netpoll_fake.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    PEERS_MAX = 24, /* that ever come by adoption */
    TIMERS = 4,
    PATTERN = 1 << 16, /* bytes that one end may send in all */
    ACTS_IN_CALLBACK = 4,
    PATIENCE = 3000, /* turns of a millisecond in which nothing happens */
};

/* An end that was adopted, and what it was given. */
struct end {
    struct link *link;
    struct peer *peer;
    size_t written; /* by the peer */
    bool is_pipe;
    bool is_shut;      /* by the owner */
    bool half_closed;  /* by the peer */
    bool broken;       /* reset or gone: bytes may be lost */
    bool stopped;      /* `broken`, or the owner closed it: what it sent need not all arrive */
    uint32_t in_batch; /* number of the batch in which it has a send */
};

static struct {
    struct fuzz_input in;
    struct world *world;
    struct suite suite;
    struct end ends[PEERS_MAX];
    unsigned end_count;
    bool timers[TIMERS]; /* set, not gone off */
    uint32_t batch;
    bool listening;
    bool over; /* the input has ended: nothing is done any more */
    int64_t now_ns;
} game;

static char pattern[PATTERN];

/* ---- time ----------------------------------------------------------------------------------- */

/* The linker chooses these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

/* Time passes when the input says so. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    (void)clock;
    *out =
        (struct timespec){.tv_sec = game.now_ns / 1000000000, .tv_nsec = game.now_ns % 1000000000};
    return 0;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- ends ----------------------------------------------------------------------------------- */

static struct netpoll *np(void)
{
    return game.world->np;
}

static const struct peer_ops *ops(void)
{
    return game.suite.peers;
}

static struct end *some_end(void)
{
    return game.end_count ? &game.ends[fuzz_below(&game.in, game.end_count)] : NULL;
}

static struct link *some_link(void)
{
    size_t n = game.world->link_count;
    return n ? game.world->links[fuzz_below(&game.in, n < 256 ? (unsigned)n : 256)] : NULL;
}

static struct end *end_of(const struct link *l)
{
    for (unsigned i = 0; i < game.end_count; i++) {
        if (game.ends[i].link == l)
            return &game.ends[i];
    }
    return NULL;
}

static bool is_open(const struct link *l)
{
    return !l->closed && !l->close_asked;
}

static void adopt(bool is_pipe)
{
    int fd = -1;
    netpoll_handle h;
    if (game.end_count == PEERS_MAX)
        return;
    struct peer *p = is_pipe ? ops()->pipe(game.world, &fd) : ops()->pair(game.world, &fd);
    int rc = netpoll_adopt(np(), fd, &h);
    fuzz_check(rc == 0 || rc == -ENFILE, "adopting: %d", rc);
    if (rc < 0) {
        close(fd);
        ops()->free(p);
        return;
    }
    struct end *e = &game.ends[game.end_count++];
    *e = (struct end){.link = world_link(game.world, h), .peer = p, .is_pipe = is_pipe};
}

/* ---- acts of the owner ---------------------------------------------------------------------- */

/* The next bytes of its pattern, in a few parts. */
static void send_some(struct end *e)
{
    struct iovec parts[4];
    int n = 1 + (int)fuzz_below(&game.in, 4);
    size_t at = e->link->sent;
    if (e->is_pipe)
        return;
    for (int k = 0; k < n; k++) {
        size_t size = (size_t)1 << fuzz_below(&game.in, 13);
        if (at + size > PATTERN)
            return;
        parts[k] = (struct iovec){.iov_base = pattern + at, .iov_len = size};
        at += size;
    }
    bool allowed =
        is_open(e->link) && !e->is_shut && !e->link->is_short && e->in_batch != game.batch;
    int rc = world_send_parts(game.world, e->link, parts, n);
    fuzz_check(rc == 0 || rc == -EBUSY || rc == -ESTALE || rc == -EPIPE, "sending: %d", rc);
    fuzz_check(rc != 0 || allowed, "a send that must not be");
    /* Inside a commit it may have fallen short already, and not be told of it yet. */
    fuzz_check(rc == 0 || rc == -ESTALE || !allowed || game.world->in_commit,
               "sending: %d, though it may be", rc);
    if (rc == 0)
        e->in_batch = game.batch;
}

static void close_link(struct link *l)
{
    struct end *e = end_of(l);
    if (l->closed) { /* the handle is stale: nothing must happen */
        netpoll_close(np(), l->handle);
        return;
    }
    if (l->handle == game.world->listener)
        game.listening = false;
    world_close(game.world, l);
    if (e)
        e->stopped = true;
}

static void set_timer(void)
{
    unsigned id = fuzz_below(&game.in, TIMERS);
    unsigned ms = fuzz_byte(&game.in);
    if (ms & 0x80) {
        netpoll_timer_cancel(np(), id);
        game.timers[id] = false;
    } else {
        fuzz_check(netpoll_timer_set(np(), id, ms / 4) == 0, "no timer");
        game.timers[id] = true;
    }
}

static void listen_somewhere(void)
{
    if (game.listening)
        return;
    struct world *w = game.world;
    netpoll_handle h;
    w->address = world_address(w);
    int fd = address_listen(&w->address);
    fuzz_check(fd >= 0, "listening: %d", fd);
    int rc = netpoll_listen(np(), fd, &h);
    if (rc < 0) {
        close(fd);
        return;
    }
    w->listener = world_link(w, h)->handle;
    game.listening = true;
}

static void own_act(unsigned act)
{
    struct link *l;
    struct end *e;
    switch (act) {
    case 1:
        if ((l = some_link()))
            close_link(l);
        break;
    case 2:
        if ((l = some_link()))
            world_pause(game.world, l);
        break;
    case 3:
        if ((l = some_link()))
            world_resume(game.world, l);
        break;
    case 4:
        if ((e = some_end()) && !e->is_pipe) {
            world_shutdown(game.world, e->link);
            e->is_shut = true;
        }
        break;
    case 5:
        set_timer();
        break;
    case 6:
        netpoll_wake(np());
        break;
    case 7:
        adopt(fuzz_below(&game.in, 4) == 0);
        break;
    default:
        if ((e = some_end()))
            send_some(e);
    }
}

/* ---- acts of the peers ---------------------------------------------------------------------- */

static void peer_writes(struct end *e)
{
    size_t n = (size_t)1 << fuzz_below(&game.in, 13);
    if (e->half_closed || e->broken || e->written + n > PATTERN)
        return;
    e->written += ops()->write(e->peer, pattern + e->written, n);
}

static void peer_reads(struct end *e, size_t most)
{
    char block[8192];
    size_t n = 0;
    while (!e->broken && !e->is_pipe && most > 0 &&
           (n = ops()->read(e->peer, block, most < sizeof block ? most : sizeof block)) > 0) {
        bytes_append(&e->link->out, block, n);
        most -= n;
    }
}

static void peer_breaks(struct end *e, unsigned how)
{
    if (e->broken)
        return;
    if (how == 0 || e->is_pipe) {
        if (!e->half_closed)
            ops()->half_close(e->peer);
        e->half_closed = true;
        return;
    }
    e->broken = e->stopped = true;
    if (how == 1) {
        ops()->reset(e->peer);
        return;
    }
    ops()->free(e->peer);
    e->peer = NULL;
}

static void fake_act(unsigned act)
{
    if (game.suite.peers != &peers_fake)
        return;
    struct netpoll_fake_script *script = netpoll_fake_script(np());
    switch (act & 3) {
    case 0:
        script->reversed = !script->reversed;
        break;
    case 1:
        script->chunk = fuzz_byte(&game.in);
        break;
    case 2:
        script->writable_delay = fuzz_below(&game.in, 4);
        break;
    default:
        script->fail_accepts = fuzz_below(&game.in, 3);
        script->accept_error = fuzz_below(&game.in, 2) ? EMFILE : ECONNABORTED;
    }
}

static void peers_act(unsigned act)
{
    struct end *e = some_end();
    switch (act) {
    case 0:
        if (game.listening && game.world->peer_count < PEERS_MAX)
            world_peer(game.world);
        break;
    case 1:
        if (game.world->peer_count > 0)
            world_drop(game.world,
                       game.world->peers[fuzz_below(&game.in, (unsigned)game.world->peer_count)]);
        break;
    case 2:
        if (e)
            peer_breaks(e, fuzz_below(&game.in, 3));
        break;
    case 3:
        if (e)
            peer_reads(e, (size_t)1 << fuzz_below(&game.in, 14));
        break;
    case 4:
        fake_act(fuzz_byte(&game.in));
        break;
    default:
        if (e)
            peer_writes(e);
    }
}

/* ---- turns ---------------------------------------------------------------------------------- */

/* Inside an event. Timers that were not set must not go off. */
static void on_event(struct world *w, enum event event, struct link *l)
{
    (void)l;
    if (event == EVENT_TIMER) {
        uint64_t id = w->timers[w->timer_count - 1 < TIMERS_SEEN_MAX ? w->timer_count - 1 : 0];
        fuzz_check(w->timer_count > TIMERS_SEEN_MAX || (id < TIMERS && game.timers[id]),
                   "timer %d was not set", (int)id);
        w->timer_count = 0;
        game.timers[id % TIMERS] = false;
    }
    for (int n = 0; n < ACTS_IN_CALLBACK && game.in.left > 0 && !game.over; n++) {
        unsigned act = fuzz_below(&game.in, 16);
        if (act == 0)
            return;
        if (act < 12)
            own_act(act);
        else
            peers_act(2 + act % 4);
    }
}

static void commit(void)
{
    game.batch++;
    world_commit(game.world);
}

static void outer_act(void)
{
    unsigned act = fuzz_below(&game.in, 32);
    if (act < 8) {
        world_turn(game.world, 0);
    } else if (act < 11) {
        commit();
    } else if (act == 11) {
        game.now_ns += (int64_t)fuzz_byte(&game.in) * 1000000;
    } else if (act == 12) {
        listen_somewhere();
    } else if (act < 22) {
        own_act(act - 12);
    } else {
        peers_act(act - 22);
    }
}

/* ---- the end: everybody takes what is still under way --------------------------------------- */

/* The first end for which something is still to come, or NULL. */
static struct end *waiting_end(void)
{
    for (unsigned i = 0; i < game.end_count; i++) {
        struct end *e = &game.ends[i];
        if (e->stopped || e->link->closed)
            continue;
        peer_reads(e, SIZE_MAX);
        if (e->link->in.count < e->written || e->link->out.count < e->link->sent ||
            (e->half_closed && !e->link->ended))
            return e;
    }
    return NULL;
}

/* The first link whose `closed` is still to come, or NULL. */
static struct link *closing_link(void)
{
    for (size_t i = 0; i < game.world->link_count; i++) {
        struct link *l = game.world->links[i];
        if (l->close_asked && !l->closed)
            return l;
    }
    return NULL;
}

/* Grows when something happens. */
static uint64_t activity(void)
{
    const struct netpoll_stats *stats = netpoll_stats(np());
    return stats->reads + stats->accepted - stats->open;
}

static void give_up(void)
{
    const struct end *e = waiting_end();
    fuzz_check(!closing_link(), "handle %llx is not closed",
               (unsigned long long)closing_link()->handle);
    fuzz_check(!e, "slot %u: %zu of %zu in, %zu of %zu out, ended %u",
               netpoll_slot(e->link->handle), e->link->in.count, e->written, e->link->out.count,
               e->link->sent, e->link->ended);
}

static void check_ends(void)
{
    for (unsigned i = 0; i < game.end_count; i++) {
        const struct link *l = game.ends[i].link;
        fuzz_check(l->in.count <= game.ends[i].written, "more came than was written");
        fuzz_check(l->in.count == 0 || memcmp(l->in.at, pattern, l->in.count) == 0,
                   "not what was written");
        fuzz_check(l->out.count == 0 || memcmp(l->out.at, pattern, l->out.count) == 0,
                   "not what was sent");
        fuzz_check(!l->close_asked || l->closed == 1, "a close that does not come");
    }
}

static void finish(void)
{
    game.over = true;
    for (unsigned i = 0; i < game.end_count; i++)
        world_resume(game.world, game.ends[i].link);
    commit();
    world_turn(game.world, 0);
    int idle = 0;
    while (closing_link() || waiting_end()) {
        uint64_t before = activity();
        world_turn(game.world, idle < 20 ? 0 : 1);
        idle = activity() == before ? idle + 1 : 0;
        if (idle == PATIENCE)
            give_up();
    }
    check_ends();
}

/* ---- the game ------------------------------------------------------------------------------- */

static bool choose_backend(struct fuzz_input *in)
{
    static const enum netpoll_backend backends[] = {NETPOLL_EPOLL, NETPOLL_EPOLL, NETPOLL_URING};
    unsigned which = fuzz_below(in, 3);
    game.suite = (struct suite){
        .name = "fuzz",
        .backend = backends[which],
        .peers = which ? &peers_unix : &peers_fake,
    };
#ifndef CHATROOM_HAVE_URING
    return which != 2;
#else
    return true;
#endif
}

/* False where the kernel forbids this backend. */
static bool begin(struct fuzz_input *in)
{
    char note[256];
    unsigned limits = fuzz_byte(in);
    struct netpoll_options options = {
        .backend = game.suite.backend,
        .max_handles = limits & 1 ? 8 : 64,
        .turn_budget = limits & 2 ? 100 : 0,
        .conn_budget = limits & 4 ? 7 : 0,
        .ring_buffers = limits & 8 ? 2 : 4,
        .ring_entries = limits & 16 ? 2 : 8,
        .ring_completions = limits & 32   ? 2
                            : limits & 64 ? 16
                                          : 0,
    };
    void *state = &game.suite;
    world_setup(&state);
    game.world = state;
    game.now_ns = 1000000000;
    game.batch = 1;
    if (game.suite.peers->open(game.world, &options, note, sizeof note) < 0)
        return false;
    game.world->hook = on_event;
    return true;
}

static void end(void)
{
    for (unsigned i = 0; i < game.end_count; i++) {
        if (game.ends[i].peer)
            ops()->free(game.ends[i].peer);
    }
    void *state = game.world;
    fuzz_check(world_teardown(&state) == 0, "a rule was broken, or a descriptor leaked");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!pattern[1]) {
        signal(SIGPIPE, SIG_IGN);
        pattern_fill(pattern, 0, PATTERN);
    }
    memset(&game, 0, sizeof game);
    game.in = (struct fuzz_input){data, size};
    if (!choose_backend(&game.in))
        return 0;
    if (begin(&game.in)) {
        while (game.in.left > 0)
            outer_act();
        finish();
    }
    end();
    return 0;
}
