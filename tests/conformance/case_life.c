/*
 * Handles over time: slots used again, stale handles, thousands of connections, and the end of the
 * whole netpoll. That no descriptor leaks is looked at after every case of the suite.
 */
#include "conformance.h"

#include <errno.h>

static void an_old_handle_means_nobody(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *old = world_connect(w);
    world_close(w, old);
    world_until(w, old->closed);
    struct link *next = world_connect(w);
    assert_int_equal(netpoll_slot(next->handle), netpoll_slot(old->handle));
    assert_true(next->handle != old->handle);
    assert_int_equal(world_send(w, old, "?", 1), -ESTALE);
    world_pause(w, old);
    world_shutdown(w, old);
    world_close(w, old);
    world_commit(w);
    peer_say(w, next, "not meant");
    world_until(w, next->in.count == 9);
    assert_int_equal(world_send(w, next, "nor I", 5), 0);
    world_commit(w);
    world_watch(w, peer_gather(w, next) == 5);
    assert_int_equal(next->closed, 0);
}

static void nonsense_is_no_handle(void **state)
{
    static const netpoll_handle nonsense[] = {0, 1, 99, UINT32_MAX, UINT64_MAX, 1ULL << 32};
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    for (size_t k = 0; k < sizeof nonsense / sizeof *nonsense; k++) {
        struct iovec part = {.iov_base = "?", .iov_len = 1};
        if (nonsense[k] == l->handle || nonsense[k] >> 32 == l->handle >> 32)
            continue;
        assert_int_equal(netpoll_send(w->np, nonsense[k], &part, 1), -ESTALE);
        netpoll_pause(w->np, nonsense[k]);
        netpoll_resume(w->np, nonsense[k]);
        netpoll_shutdown(w->np, nonsense[k]);
        netpoll_close(w->np, nonsense[k]);
    }
    world_settle(w);
    assert_int_equal(l->closed, 0);
}

/* Bytes that were never read belong to the connection, not to its slot. */
static void a_slot_used_again_hears_nothing_of_its_past(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    for (int round = 0; round < 200; round++) {
        struct link *l = world_connect(w);
        peer_write(w, l, "old", 3);
        world_close(w, l);
        world_until(w, l->closed);
        assert_int_equal(l->in.count, 0);
        world_drop(w, l->peer);
    }
    struct link *l = world_connect(w);
    peer_write(w, l, "new", 3);
    world_until(w, l->in.count == 3);
    assert_text(&l->in, "new");
}

static void close_on_end(struct world *w, enum event event, struct link *l)
{
    if (event == EVENT_ENDED)
        world_close(w, l);
}

static void a_thousand_connections_come_and_go(void **state)
{
    enum { PEERS = 1000 };
    struct world *w = *state;
    world_open_listening(w, NULL);
    w->hook = close_on_end;
    for (int k = 0; k < PEERS; k++) {
        struct link *l = world_connect(w);
        w->suite->peers->write(l->peer, "hello", 5);
    }
    assert_int_equal(netpoll_stats(w->np)->open, PEERS + 1);
    while (w->peer_count > 0)
        world_drop(w, w->peers[0]);
    for (size_t k = 1; k <= PEERS; k++) {
        world_until(w, w->links[k]->closed);
        assert_text(&w->links[k]->in, "hello");
    }
    assert_int_equal(netpoll_stats(w->np)->open, 1);
}

static void a_thousand_connections_one_after_another(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    w->hook = close_on_end;
    for (int k = 0; k < 1000; k++) {
        struct link *l = world_connect(w);
        w->suite->peers->write(l->peer, "hello", 5);
        world_drop(w, l->peer);
        world_until(w, l->closed);
        assert_text(&l->in, "hello");
    }
    assert_true(w->slot_count < 5); /* used again and again */
}

/* Something of every kind is open, with something under way on each. */
static void everything_under_way(struct world *w)
{
    static const char block[1 << 16];
    struct link *listener = world_newest(w);
    peer_say(w, world_connect(w), "unread");
    world_pause(w, world_connect(w));
    peer_half_close(w, world_connect(w));
    peer_reset(w, world_connect(w));
    peer_say(w, world_pipe(w), "unread");
    struct link *l = world_pair(w);
    assert_int_equal(world_send(w, l, block, sizeof block), 0);
    world_commit(w);
    world_close(w, world_connect(w));
    world_close(w, listener);
    assert_int_equal(world_send(w, w->links[1], "uncommitted", 11), 0);
    assert_int_equal(netpoll_timer_set(w->np, 1, 1000), 0);
    netpoll_wake(w->np);
    world_peer(w);
}

static void freed_with_everything_open(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    everything_under_way(w);
    world_close_netpoll(w); /* without callbacks, which would be violations */
}

/* Connections are open on the port while it is given up: it must be free all the same. */
static void the_port_is_free_at_once(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    for (int k = 0; k < 20; k++) {
        struct link *l = world_connect(w);
        peer_say(w, l, "hello");
        world_until(w, l->in.count == 5);
        assert_int_equal(world_send(w, l, "welcome", 7), 0);
        world_commit(w);
        world_close_netpoll(w);
        address_unlink(&w->address);
        world_open(w, NULL);
        w->listener = world_listen(w, &w->address)->handle;
    }
}

/* After netpoll_close() of the listener as well, as soon as it has said `closed`. */
static void a_closed_listener_gives_up_its_port(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    for (int k = 0; k < 20; k++) {
        struct link *listener = world_newest(w);
        world_connect(w);
        world_close(w, listener);
        world_until(w, listener->closed);
        address_unlink(&w->address);
        w->listener = world_listen(w, &w->address)->handle;
    }
}

static void peers_see_the_end_when_it_is_freed(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    struct link *paused = world_connect(w);
    world_pause(w, paused);
    world_turn(w, 0);
    netpoll_free(w->np);
    w->np = NULL;
    for (uint64_t deadline = world_deadline(); !peer_at_end(w, l) || !peer_at_end(w, paused);)
        assert_true(world_clock_ms() < deadline);
}

static void opened_and_freed_without_use(void **state)
{
    struct world *w = *state;
    for (int k = 0; k < 50; k++) {
        world_open(w, NULL);
        assert_true(netpoll_name(w->np)[0]);
        world_close_netpoll(w);
    }
    netpoll_free(NULL);
}

static void the_counters_add_up(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *a = world_connect(w);
    struct link *b = world_connect(w);
    peer_say(w, a, "12345");
    world_until(w, a->in.count == 5);
    assert_int_equal(world_send(w, b, "1234567", 7), 0);
    assert_int_equal(world_send(w, a, "1", 1), 0);
    world_commit(w);
    world_close(w, b);
    world_until(w, b->closed);
    const struct netpoll_stats *s = netpoll_stats(w->np);
    assert_int_equal(s->accepted, 2);
    assert_int_equal(s->open, 2);
    assert_int_equal(s->read_bytes, 5);
    assert_int_equal(s->reads, a->data_calls);
    assert_int_equal(s->sends, 2);
    assert_int_equal(s->sent_bytes, 8);
    assert_int_equal(s->short_sends, 0);
    assert_int_equal(s->accept_pauses, 0);
    assert_true(s->turns > 0);
    uint64_t stale = s->stale_events;
    netpoll_close(w->np, b->handle);
    assert_int_equal(s->stale_events, stale + 1);
}

static const struct CMUnitTest cases[] = {
    CONFORMANCE_CASE(an_old_handle_means_nobody),
    CONFORMANCE_CASE(nonsense_is_no_handle),
    CONFORMANCE_CASE(a_slot_used_again_hears_nothing_of_its_past),
    CONFORMANCE_CASE(a_thousand_connections_come_and_go),
    CONFORMANCE_CASE(a_thousand_connections_one_after_another),
    CONFORMANCE_CASE(freed_with_everything_open),
    CONFORMANCE_CASE(the_port_is_free_at_once),
    CONFORMANCE_CASE(a_closed_listener_gives_up_its_port),
    CONFORMANCE_CASE(peers_see_the_end_when_it_is_freed),
    CONFORMANCE_CASE(opened_and_freed_without_use),
    CONFORMANCE_CASE(the_counters_add_up),
};

const struct case_table cases_life = {cases, sizeof cases / sizeof *cases};
