/*
 * The conformance suite, stamped for the scripted backend: with events in order, in reverse order,
 * and byte by byte. Then what only a script can bring about in the common part: late events of
 * handles that are gone, and generations that wrap.
 */
#include "conformance.h"
#include "netpoll_fake.h"

#include <errno.h>

static void late_events_of_a_gone_handle_are_dropped(void **state)
{
    static const enum netpoll_fake_event events[] = {NETPOLL_FAKE_DATA, NETPOLL_FAKE_END,
                                                     NETPOLL_FAKE_ERROR, NETPOLL_FAKE_WRITABLE};
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *old = world_connect(w);
    world_close(w, old);
    world_until(w, old->closed);
    struct link *next = world_connect(w);
    assert_int_equal(netpoll_slot(next->handle), netpoll_slot(old->handle));
    uint64_t stale = netpoll_stats(w->np)->stale_events;
    for (size_t k = 0; k < sizeof events / sizeof *events; k++) {
        assert_int_equal(netpoll_fake_inject(w->np, old->handle, events[k]), 0);
        world_turn(w, 0);
    }
    assert_int_equal(netpoll_stats(w->np)->stale_events, stale + 4);
    assert_int_equal(next->in.count, 0);
    assert_int_equal(next->ended, 0);
    world_settle(w);
    assert_int_equal(next->closed, 0);
}

static void close_on_data(struct world *w, enum event event, struct link *l)
{
    if (event == EVENT_DATA)
        world_close(w, l);
}

static void events_that_follow_a_close_in_the_same_turn_are_dropped(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    w->hook = close_on_data;
    netpoll_fake_inject(w->np, l->handle, NETPOLL_FAKE_DATA);
    netpoll_fake_inject(w->np, l->handle, NETPOLL_FAKE_DATA);
    netpoll_fake_inject(w->np, l->handle, NETPOLL_FAKE_END);
    netpoll_fake_inject(w->np, l->handle, NETPOLL_FAKE_ERROR);
    world_until(w, l->closed);
    assert_text(&l->in, "injected");
    assert_int_equal(l->reason, 0);
}

static void an_error_and_an_end_are_told_once(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    netpoll_fake_inject(w->np, l->handle, NETPOLL_FAKE_END);
    netpoll_fake_inject(w->np, l->handle, NETPOLL_FAKE_END);
    netpoll_fake_inject(w->np, l->handle, NETPOLL_FAKE_ERROR);
    netpoll_fake_inject(w->np, l->handle, NETPOLL_FAKE_ERROR);
    world_until(w, l->closed);
    assert_int_equal(l->ended, 1);
    assert_int_equal(l->reason, ECONNRESET);
}

static void a_writable_nobody_waits_for_is_dropped(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    netpoll_fake_inject(w->np, l->handle, NETPOLL_FAKE_WRITABLE);
    world_turn(w, 0);
    assert_int_equal(l->writables, 0);
}

/* 24 bits of generation come round some day; 0 is left out, as it would make 0 a handle. */
static void generations_wrap(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    uint32_t slot = netpoll_slot(l->handle);
    world_close(w, l);
    world_until(w, l->closed);
    w->np->slots[slot].generation = 0xffffff;
    l = world_connect(w);
    assert_int_equal(l->handle, 0xffffffULL << 32 | slot);
    world_close(w, l);
    world_until(w, l->closed);
    l = world_connect(w);
    assert_int_equal(l->handle, 1ULL << 32 | slot);
}

static void accepting_survives_a_long_want_of_descriptors(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    netpoll_fake_script(w->np)->fail_accepts = 5;
    netpoll_fake_script(w->np)->accept_error = EMFILE;
    struct link *spare[2] = {world_pair(w), world_pair(w)};
    world_peer(w);
    world_until(w, w->accept_pauses == 1);
    for (unsigned k = 0; k < 2; k++) {
        world_close(w, spare[k]);
        world_until(w, spare[k]->closed);
        world_settle(w);
        assert_int_equal(w->accepted, 0);
    }
    world_until(w, w->accepted == 1); /* tried again after a second */
}

static void errors_of_one_connection_do_not_pause_accepting(void **state)
{
    static const int errors[] = {ECONNABORTED, EPROTO, EINTR};
    struct world *w = *state;
    world_open_listening(w, NULL);
    for (size_t k = 0; k < sizeof errors / sizeof *errors; k++) {
        netpoll_fake_script(w->np)->fail_accepts = 5;
        netpoll_fake_script(w->np)->accept_error = errors[k];
        world_connect(w);
    }
    assert_int_equal(w->accept_pauses, 0);
}

static const struct CMUnitTest cases[] = {
    CONFORMANCE_CASE(late_events_of_a_gone_handle_are_dropped),
    CONFORMANCE_CASE(events_that_follow_a_close_in_the_same_turn_are_dropped),
    CONFORMANCE_CASE(an_error_and_an_end_are_told_once),
    CONFORMANCE_CASE(a_writable_nobody_waits_for_is_dropped),
    CONFORMANCE_CASE(generations_wrap),
    CONFORMANCE_CASE(accepting_survives_a_long_want_of_descriptors),
    CONFORMANCE_CASE(errors_of_one_connection_do_not_pause_accepting),
};

static const struct suite suites[] = {
    {"in_order", NETPOLL_AUTO, &peers_fake},
    {"reversed", NETPOLL_AUTO, &peers_fake_reversed},
    {"bytewise", NETPOLL_AUTO, &peers_fake_bytewise},
};

int main(int argc, char **argv)
{
    static const struct case_table extra = {cases, sizeof cases / sizeof *cases};
    return conformance_main(argc, argv, suites, sizeof suites / sizeof *suites, &extra);
}
