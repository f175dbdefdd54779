/*
 * Every allocation of a conversation fails once, each in a run of its own: the hub lives, at most
 * one client or one message is lost, the counter says so, and everything is given back.
 *
 * Only the hub's own allocations count: those of the scripted netpoll, below and beside the hub,
 * would end the test. So the borders between them are watched: netpoll's operations and its
 * handlers.
 */
#include "diag.h"
#include "hub_fixture.h"

#include <stdlib.h>

enum { PEOPLE = 4, WITNESS = 3 };

/* Which allocation fails, counted in the hub; -1: none. */
static struct {
    int left;
    size_t since; /* unit_alloc_count() when the hub was entered */
    bool failed;
    bool inside;
} heap;

static void enter_hub(void)
{
    heap.inside = true;
    heap.since = unit_alloc_count();
    unit_alloc_fail_at(heap.left);
}

static void leave_hub(void)
{
    size_t used = unit_alloc_count() - heap.since;
    heap.inside = false;
    heap.failed |= unit_alloc_failed();
    if (heap.left >= 0)
        heap.left = used > (size_t)heap.left ? -1 : heap.left - (int)used;
    unit_alloc_fail_at(-1);
}

/* ---- the borders ---------------------------------------------------------------------------- */

#define HANDLER(name, parameters, ...)                                                             \
    static void watched_##name parameters                                                          \
    {                                                                                              \
        enter_hub();                                                                               \
        server_handlers.name(__VA_ARGS__);                                                         \
        leave_hub();                                                                               \
    }

HANDLER(accepted, (void *o, netpoll_handle l, netpoll_handle h, const struct address *p), o, l, h,
        p)
HANDLER(accept_paused, (void *o, netpoll_handle l, int error), o, l, error)
HANDLER(data, (void *o, netpoll_handle h, const char *bytes, size_t n), o, h, bytes, n)
HANDLER(ended, (void *o, netpoll_handle h), o, h)
HANDLER(fell_short, (void *o, netpoll_handle h, size_t left), o, h, left)
HANDLER(writable, (void *o, netpoll_handle h), o, h)
HANDLER(closed, (void *o, netpoll_handle h, int reason), o, h, reason)
HANDLER(timer, (void *o, uint64_t id), o, id)
HANDLER(woken, (void *o), o)

static const struct netpoll_handlers watched_handlers = {
    .accepted = watched_accepted,
    .accept_paused = watched_accept_paused,
    .data = watched_data,
    .ended = watched_ended,
    .fell_short = watched_fell_short,
    .writable = watched_writable,
    .closed = watched_closed,
    .timer = watched_timer,
    .woken = watched_woken,
};

/* The hub is left for the time of an operation, if it is the hub that calls. */
static bool step_out(void)
{
    bool inside = heap.inside;
    if (inside)
        leave_hub();
    return inside;
}

static void step_back(bool inside)
{
    if (inside)
        enter_hub();
}

static void watched_send(struct netpoll *np, uint32_t slot, const struct iovec *parts, int n,
                         size_t bytes)
{
    bool inside = step_out();
    netpoll_fake_ops.send(np, slot, parts, n, bytes);
    step_back(inside);
}

static void watched_commit(struct netpoll *np)
{
    bool inside = step_out();
    netpoll_fake_ops.commit(np);
    step_back(inside);
}

static void watched_shutdown(struct netpoll *np, uint32_t slot)
{
    bool inside = step_out();
    netpoll_fake_ops.shutdown(np, slot);
    step_back(inside);
}

static int watched_wait(struct netpoll *np, int64_t timeout_ns)
{
    bool inside = step_out();
    int rc = netpoll_fake_ops.wait(np, timeout_ns);
    step_back(inside);
    return rc;
}

/* ---- a conversation ------------------------------------------------------------------------- */

static struct world w;
static struct netpoll_ops watched_ops;

static void open_watched(void)
{
    struct hub_limits limits = world_limits();
    limits.history = 5;
    limits.presence_max = 10;
    limits.lag_limit = 4096;
    world_open(&w, &limits);
    watched_ops = netpoll_fake_ops;
    watched_ops.send = watched_send;
    watched_ops.commit = watched_commit;
    watched_ops.shutdown = watched_shutdown;
    watched_ops.wait = watched_wait;
    w.server->np->ops = &watched_ops;
    w.server->np->handlers = &watched_handlers;
}

static void turn(void)
{
    enter_hub();
    assert_int_equal(server_turn(w.server, 0), 0);
    leave_hub();
}

/* By way of the socket: a client that is lost cannot say anything. */
static void say(size_t who, const char *lines)
{
    netpoll_fake_write(w.clients[who]->peer, lines, strlen(lines));
    turn();
    turn();
}

/* The witness is in every room and says nothing. */
static void meet(void)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        world_connect(&w);
        turn();
    }
    say(WITNESS, "/join #r\n/join #s\n");
    say(0, "one\n/me two\n");
    say(1, "/join #r\nthree\nfour\n/nick ann\n");
}

static void talk(void)
{
    say(0, "/msg ann psst\n/msg nobody psst\n/who\n/rooms\n/help\n/history 3\n");
    say(2, "/wire json\n/join #s\n/history since 1\n/stats\nfi");
    say(2, "ve\n/part #lobby\n/ping x\n/nick a b\n");
    say(0, "/join #s\n/join #t\n/join #u\n/join #v\n/join #w\nsix\n/part\n/part #s\n");
}

static size_t present(void)
{
    return (size_t)world_stats(&w)->clients;
}

/* One reads slowly: it is held, skipped, and told; another waits with its input, and breaks off.
 * Returns how many were there until then. */
static size_t lag(void)
{
    client_stall(w.clients[1], 20);
    client_stall(w.clients[2], 0);
    for (int n = 0; n < 60; n++)
        say(0, "/join #lobby\nseven, long enough to make somebody lag behind\n");
    say(2, "/part #s\nnever said\n");
    say(1, "/msg client-1 eight\n/ping x\nnine\n/history\n");
    client_resume(w.clients[1]);
    turn();
    size_t before = present();
    client_reset(w.clients[2]);
    for (int n = 0; n < 3; n++)
        turn();
    return before;
}

static void part_ways(void)
{
    say(1, "ten\n/quit bye\n");
    client_end(w.clients[1]);
    client_end(w.clients[0]);
    for (int n = 0; n < 5; n++)
        turn();
}

struct outcome {
    char *heard;    /* by the witness */
    size_t present; /* as long as nobody had left */
    uint64_t messages;
    size_t refusals; /* answers that something is not possible, for want of memory */
};

static struct outcome converse(int fail_at)
{
    struct outcome outcome;
    heap.left = fail_at;
    heap.failed = false;
    open_watched();
    meet();
    talk();
    outcome.present = lag();
    part_ways();
    heap.left = -1;
    world_settle(&w);
    outcome.heard = strdup(client_heard(w.clients[WITNESS]));
    outcome.messages = world_stats(&w)->messages;
    outcome.refusals = 0;
    for (size_t i = 0; i < PEOPLE; i++)
        outcome.refusals += client_count(w.clients[i], "The hub is out of memory") +
                            client_count(w.clients[i], "The hub takes no more rooms");
    assert_non_null(outcome.heard);
    return outcome;
}

/* ---- judging -------------------------------------------------------------------------------- */

/* Whoever comes now is served. */
static void assert_alive(void)
{
    struct client *c[2];
    c[0] = world_client(&w);
    c[1] = world_client(&w);
    world_hush(&w);
    client_say(c[0], "still here?");
    world_settle(&w);
    assert_int_equal(client_count(c[1], ": still here?\n"), 1);
}

/* One client, one message, or one join; who is not in the room says his messages elsewhere, or
 * nowhere. */
static void assert_little_is_lost(const struct outcome *now, const struct outcome *right)
{
    assert_in_range(now->present, right->present - 1, right->present);
    if (now->present == right->present && now->refusals == 0)
        assert_int_equal(now->messages, right->messages);
    assert_in_range(now->refusals, 0, 1);
    if (now->present == right->present && now->messages == right->messages &&
        strcmp(now->heard, right->heard) == 0)
        return;
    assert_true(heap.failed);
    assert_int_equal(world_stats(&w)->no_memory, 1);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct outcome right = converse(-1);
    assert_int_equal(right.present, PEOPLE);
    assert_int_equal(world_stats(&w)->no_memory, 0);
    assert_true(world_stats(&w)->gaps > 0);
    assert_true(world_stats(&w)->held > 0);
    world_close(&w);
    int n = 0;
    for (heap.failed = true; heap.failed; n++) {
        struct outcome now = converse(n);
        assert_little_is_lost(&now, &right);
        assert_alive();
        free(now.heard);
        world_close(&w);
    }
    assert_true(n > 60);
    free(right.heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
