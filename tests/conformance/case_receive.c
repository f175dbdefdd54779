/*
 * Receiving: order, ends and errors; pipes.
 */
#include "conformance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MEGABYTE = 1 << 20 };

static void bytes_arrive_in_order_however_they_are_split(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    char block[512];
    size_t total = 0;
    for (size_t n = 1; n <= sizeof block; n = n * 2 + 1) {
        pattern_fill(block, total, n);
        peer_write(w, l, block, n);
        total += n;
        if (n % 4 == 3)
            world_turn(w, 0);
    }
    world_until(w, l->in.count == total);
    assert_pattern(&l->in, total);
}

static void one_byte_at_a_time(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    for (size_t k = 0; k < 300; k++) {
        char byte;
        pattern_fill(&byte, k, 1);
        peer_write(w, l, &byte, 1);
        world_until(w, l->in.count == k + 1);
    }
    assert_pattern(&l->in, 300);
}

static void more_bytes_than_any_buffer_holds(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    size_t written = 0;
    world_watch(w, l->in.count == MEGABYTE)
    {
        peer_write_pattern(w, l, &written, MEGABYTE);
    }
    assert_pattern(&l->in, MEGABYTE);
    assert_int_equal(netpoll_stats(w->np)->read_bytes, MEGABYTE);
    assert_int_equal(netpoll_stats(w->np)->reads, l->data_calls);
}

static void what_was_said_before_leaving_is_delivered(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    peer_say(w, l, "last words");
    world_drop(w, l->peer);
    world_until(w, l->ended);
    assert_text(&l->in, "last words");
    world_settle(w);
    assert_int_equal(l->closed, 0); /* the handle stays until it is closed */
    world_close(w, l);
    world_until(w, l->closed);
}

static void much_said_before_leaving_is_delivered(void **state)
{
    struct world *w = *state;
    struct netpoll_options options = {.conn_budget = 1000, .turn_budget = 1500};
    world_open_listening(w, &options);
    struct link *l = world_connect(w);
    size_t written = 0;
    peer_write_pattern(w, l, &written, 40000);
    world_drop(w, l->peer);
    world_until(w, l->ended);
    assert_pattern(&l->in, written);
}

static void an_end_without_a_word(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    peer_half_close(w, l);
    world_until(w, l->ended);
    assert_int_equal(l->in.count, 0);
}

static void after_the_end_of_input_it_can_still_be_sent_to(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    peer_say(w, l, "/who");
    peer_half_close(w, l);
    world_until(w, l->ended);
    assert_int_equal(world_send(w, l, "you alone", 9), 0);
    world_commit(w);
    world_watch(w, peer_gather(w, l) == 9);
    assert_text(&l->out, "you alone");
    assert_false(peer_at_end(w, l));
    world_close(w, l);
    world_watch(w, peer_at_end(w, l));
    assert_int_equal(l->ended, 1);
}

static void what_was_said_before_a_reset_is_delivered(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    peer_say(w, l, "half a li");
    peer_reset(w, l);
    world_until(w, l->closed);
    assert_text(&l->in, "half a li");
    assert_int_equal(l->reason, ECONNRESET);
    assert_int_equal(l->ended, 0);
    world_settle(w);
    assert_int_equal(l->closed, 1);
}

static void a_reset_without_a_word(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    world_settle(w); /* the receive is waiting in the kernel */
    peer_reset(w, l);
    world_until(w, l->closed);
    assert_int_equal(l->reason, ECONNRESET);
    assert_int_equal(l->in.count, 0);
}

static void a_hundred_ends_in_one_turn(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    for (int k = 0; k < 100; k++)
        peer_say(w, world_connect(w), "bye");
    for (int k = 1; k <= 100; k++)
        peer_half_close(w, w->links[k]);
    for (int k = 1; k <= 100; k++) {
        world_until(w, w->links[k]->ended);
        assert_text(&w->links[k]->in, "bye");
    }
}

static void a_pipe_is_read_to_its_end(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    struct link *l = world_pipe(w);
    peer_say(w, l, "typed");
    world_until(w, l->in.count == 5);
    peer_say(w, l, " and typed");
    peer_half_close(w, l);
    world_until(w, l->ended);
    assert_text(&l->in, "typed and typed");
}

static void a_pipe_with_bytes_in_it_is_read(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    int fd = -1;
    struct peer *p = w->suite->peers->pipe(w, &fd);
    assert_int_equal(w->suite->peers->write(p, "before", 6), 6);
    netpoll_handle h;
    assert_int_equal(netpoll_adopt(w->np, fd, &h), 0);
    struct link *l = world_link(w, h);
    world_until(w, l->in.count == 6);
    w->suite->peers->free(p);
    world_until(w, l->ended);
}

static void much_through_a_pipe(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    struct link *l = world_pipe(w);
    size_t written = 0;
    world_watch(w, l->in.count == MEGABYTE)
    {
        peer_write_pattern(w, l, &written, MEGABYTE);
    }
    peer_half_close(w, l);
    world_until(w, l->ended);
    assert_pattern(&l->in, MEGABYTE);
}

static void a_regular_file_is_refused(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    FILE *file = tmpfile();
    assert_non_null(file);
    netpoll_handle h;
    assert_int_equal(netpoll_adopt(w->np, fileno(file), &h), -EPERM);
    assert_int_equal(netpoll_stats(w->np)->open, 0);
    assert_int_equal(fclose(file), 0); /* it was still ours */
}

static void no_descriptor_is_refused(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    netpoll_handle h;
    assert_int_equal(netpoll_adopt(w->np, -1, &h), -EBADF);
    assert_int_equal(netpoll_stats(w->np)->open, 0);
}

static const struct CMUnitTest cases[] = {
    CONFORMANCE_CASE(bytes_arrive_in_order_however_they_are_split),
    CONFORMANCE_CASE(one_byte_at_a_time),
    CONFORMANCE_CASE(more_bytes_than_any_buffer_holds),
    CONFORMANCE_CASE(what_was_said_before_leaving_is_delivered),
    CONFORMANCE_CASE(much_said_before_leaving_is_delivered),
    CONFORMANCE_CASE(an_end_without_a_word),
    CONFORMANCE_CASE(after_the_end_of_input_it_can_still_be_sent_to),
    CONFORMANCE_CASE(what_was_said_before_a_reset_is_delivered),
    CONFORMANCE_CASE(a_reset_without_a_word),
    CONFORMANCE_CASE(a_hundred_ends_in_one_turn),
    CONFORMANCE_CASE(a_pipe_is_read_to_its_end),
    CONFORMANCE_CASE(a_pipe_with_bytes_in_it_is_read),
    CONFORMANCE_CASE(much_through_a_pipe),
    CONFORMANCE_CASE(a_regular_file_is_refused),
    CONFORMANCE_CASE(no_descriptor_is_refused),
};

const struct case_table cases_receive = {cases, sizeof cases / sizeof *cases};
