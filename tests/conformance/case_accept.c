/*
 * Accepting: who came, many at once, and want of descriptors or handles.
 */
#include "conformance.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void accepted_tells_the_address_of_the_peer(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    struct address own;
    w->suite->peers->address_of(l->peer, &own);
    char said[ADDRESS_TEXT_MAX];
    char real[ADDRESS_TEXT_MAX];
    assert_string_equal(address_format(&l->from, said, sizeof said),
                        address_format(&own, real, sizeof real));
}

static void an_accepted_connection_is_read_without_being_asked_to(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    peer_say(w, l, "hello");
    world_until(w, l->in.count == 5);
    assert_text(&l->in, "hello");
}

static void many_connections_wait_to_be_accepted(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    for (int k = 0; k < 100; k++)
        world_peer(w);
    world_until(w, w->accepted == 100);
    assert_int_equal(netpoll_stats(w->np)->accepted, 100);
    assert_int_equal(netpoll_stats(w->np)->open, 101);
}

static void a_peer_that_left_before_it_was_accepted_harms_nobody(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct peer *gone = world_peer(w);
    w->suite->peers->reset(gone);
    struct peer *p = world_peer(w);
    w->suite->peers->write(p, "here", 4);
    world_until(w, world_newest(w)->in.count == 4);
}

static void data_that_came_before_the_accept_is_delivered(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct peer *p = world_peer(w);
    w->suite->peers->write(p, "early", 5);
    w->suite->peers->half_close(p);
    world_until(w, w->accepted == 1 && world_newest(w)->ended);
    assert_text(&world_newest(w)->in, "early");
}

static void two_listeners_are_told_apart(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *first = world_newest(w);
    assert_ptr_equal(world_connect(w)->listener, first);
    w->address = world_address(w);
    struct link *second = world_listen(w, &w->address);
    w->listener = second->handle;
    assert_ptr_equal(world_connect(w)->listener, second);
}

static void close_the_listener(struct world *w, enum event event, struct link *l)
{
    (void)l;
    if (event == EVENT_ACCEPTED)
        world_close(w, w->subject[0]);
}

static void a_listener_closed_inside_accepted_accepts_nobody_more(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    w->subject[0] = world_newest(w);
    w->hook = close_the_listener;
    for (int k = 0; k < 10; k++)
        world_peer(w);
    world_until(w, w->subject[0]->closed);
    world_settle(w);
    assert_int_equal(w->accepted, 1);
}

/* They may have been accepted by the kernel already: then they must be closed, not leaked. */
static void a_listener_is_closed_while_connections_wait(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *listener = world_newest(w);
    world_turn(w, 0);
    struct peer *waiting[10];
    for (int k = 0; k < 10; k++)
        waiting[k] = world_peer(w);
    world_close(w, listener);
    world_until(w, listener->closed);
    assert_int_equal(w->accepted, 0);
    for (int k = 0; k < 10; k++) {
        char byte;
        world_watch(w, w->suite->peers->at_end(waiting[k]))
        {
            assert_int_equal(w->suite->peers->read(waiting[k], &byte, 1), 0);
        }
    }
}

static void close_the_listener_on_data(struct world *w, enum event event, struct link *l)
{
    (void)l;
    if (event == EVENT_DATA)
        world_close(w, w->subject[0]);
}

/* The same in a turn whose budget is used up: what was accepted may have to wait for the next. */
static void a_listener_is_closed_at_the_end_of_the_budget(void **state)
{
    struct world *w = *state;
    struct netpoll_options options = {.turn_budget = 1};
    world_open_listening(w, &options);
    struct link *listener = w->subject[0] = world_newest(w);
    struct link *l = world_connect(w);
    w->hook = close_the_listener_on_data;
    peer_say(w, l, "!");
    struct peer *waiting[10];
    for (int k = 0; k < 10; k++)
        waiting[k] = world_peer(w);
    world_until(w, listener->closed);
    unsigned turned_away = 0;
    world_watch(w, turned_away + w->accepted == 11)
    {
        char byte;
        turned_away = 0;
        for (int k = 0; k < 10; k++) {
            assert_int_equal(w->suite->peers->read(waiting[k], &byte, 1), 0);
            turned_away += w->suite->peers->at_end(waiting[k]);
        }
    }
}

static void a_paused_listener_accepts_after_resuming(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *listener = world_newest(w);
    world_pause(w, listener);
    world_settle(w);
    world_peer(w);
    world_settle(w);
    assert_int_equal(w->accepted, 0);
    world_resume(w, listener);
    world_until(w, w->accepted == 1);
    assert_int_equal(w->accept_pauses, 0);
}

/* Turns until a timer of `ms` has gone off; returns how many turns that took. */
static uint64_t turns_within(struct world *w, uint64_t ms)
{
    uint64_t before = netpoll_stats(w->np)->turns;
    assert_int_equal(netpoll_timer_set(w->np, 77, ms), 0);
    world_until(w, w->timer_count == 1);
    return netpoll_stats(w->np)->turns - before;
}

static void without_descriptors_accepting_pauses_and_resumes(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *spare = world_connect(w);
    struct link *other = world_connect(w);
    w->suite->peers->starve(w);
    struct peer *p = world_peer(w);
    world_until(w, w->accept_pauses == 1);
    assert_int_equal(w->accept_error, EMFILE);
    assert_true(turns_within(w, 200) < 10); /* no busy loop */
    peer_say(w, other, "still here");       /* and nobody else is hurt */
    world_until(w, other->in.count == 10);
    assert_int_equal(w->accept_pauses, 1);
    assert_int_equal(w->accepted, 2);
    world_close(w, spare);
    for (int turn = 0; turn < 10 && w->accepted == 2; turn++)
        world_turn(w, 10);
    assert_int_equal(w->accepted, 3); /* at once, not when it would be tried again anyway */
    w->suite->peers->write(p, "in", 2);
    world_until(w, world_newest(w)->in.count == 2);
    assert_int_equal(netpoll_stats(w->np)->accept_pauses, w->accept_pauses);
}

static void without_descriptors_accepting_is_tried_again_by_and_by(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    w->suite->peers->starve(w);
    world_peer(w);
    world_until(w, w->accept_pauses == 1);
    w->suite->peers->feed(w);
    world_until(w, w->accepted == 1);
}

static void without_handles_accepting_pauses_and_resumes(void **state)
{
    struct world *w = *state;
    struct netpoll_options options = {.max_handles = 8};
    world_open_listening(w, &options);
    for (int k = 0; k < 7; k++)
        world_connect(w);
    world_peer(w);
    world_until(w, w->accept_pauses == 1);
    assert_int_equal(w->accept_error, ENFILE);
    assert_int_equal(netpoll_stats(w->np)->open, 8);
    assert_true(turns_within(w, 200) < 10);
    world_close(w, w->links[3]);
    world_peer(w); /* should the one that waits have been turned away */
    world_until(w, w->accepted == 8);
}

static void without_handles_adopting_is_refused(void **state)
{
    struct world *w = *state;
    struct netpoll_options options = {.max_handles = 2};
    world_open(w, &options);
    struct link *l = world_pair(w);
    world_pair(w);
    int fd = -1;
    struct peer *p = w->suite->peers->pipe(w, &fd);
    netpoll_handle h;
    assert_int_equal(netpoll_adopt(w->np, fd, &h), -ENFILE);
    world_close(w, l);
    world_until(w, l->closed);
    assert_int_equal(netpoll_adopt(w->np, fd, &h), 0); /* it was still ours */
    w->suite->peers->free(p);
}

static void after_a_refused_adoption_its_descriptor_may_be_another(void **state)
{
    struct world *w = *state;
    struct netpoll_options options = {.max_handles = 1};
    netpoll_handle h;
    int fd = -1;
    world_open(w, &options);
    struct peer *p = w->suite->peers->pair(w, &fd); /* so its number is the lowest */
    struct link *l = world_pair(w);
    assert_int_equal(netpoll_adopt(w->np, fd, &h), -ENFILE);
    close(fd);
    w->suite->peers->free(p);
    world_close(w, l);
    world_until(w, l->closed);
    l = world_pair(w);
    peer_say(w, l, "here");
    world_until(w, l->in.count == 4);
    assert_false(l->ended);
}

static const struct CMUnitTest cases[] = {
    CONFORMANCE_CASE(accepted_tells_the_address_of_the_peer),
    CONFORMANCE_CASE(an_accepted_connection_is_read_without_being_asked_to),
    CONFORMANCE_CASE(many_connections_wait_to_be_accepted),
    CONFORMANCE_CASE(a_peer_that_left_before_it_was_accepted_harms_nobody),
    CONFORMANCE_CASE(data_that_came_before_the_accept_is_delivered),
    CONFORMANCE_CASE(two_listeners_are_told_apart),
    CONFORMANCE_CASE(a_listener_closed_inside_accepted_accepts_nobody_more),
    CONFORMANCE_CASE(a_listener_is_closed_while_connections_wait),
    CONFORMANCE_CASE(a_listener_is_closed_at_the_end_of_the_budget),
    CONFORMANCE_CASE(a_paused_listener_accepts_after_resuming),
    CONFORMANCE_CASE(without_descriptors_accepting_pauses_and_resumes),
    CONFORMANCE_CASE(without_descriptors_accepting_is_tried_again_by_and_by),
    CONFORMANCE_CASE(without_handles_accepting_pauses_and_resumes),
    CONFORMANCE_CASE(without_handles_adopting_is_refused),
    CONFORMANCE_CASE(after_a_refused_adoption_its_descriptor_may_be_another),
};

const struct case_table cases_accept = {cases, sizeof cases / sizeof *cases};
