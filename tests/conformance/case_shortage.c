/*
 * Sends that fall short: at every byte, again and again, in any callback.
 */
#include "conformance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    LARGE = 1 << 16, /* more than a pair holds */
    MEGABYTE = 1 << 20,
};

static const char message[] = "ann: short sends\n";

enum { MESSAGE = sizeof message - 1 };

/* Sends `n` bytes of the pattern from where the link stands. */
static void send_pattern(struct world *w, struct link *l, size_t n)
{
    char *block = malloc(n);
    assert_non_null(block);
    pattern_fill(block, l->sent, n);
    int rc = world_send(w, l, block, n);
    world_commit(w);
    free(block); /* ours again */
    assert_int_equal(rc, 0);
}

/* How much a fresh pair takes before it falls short. */
static size_t pair_room(struct world *w)
{
    struct link *l = world_pair(w);
    send_pattern(w, l, LARGE);
    assert_int_equal(l->shortages, 1);
    size_t room = l->sent;
    assert_in_range(room, 1, LARGE - 1);
    world_close(w, l);
    world_until(w, l->closed);
    world_drop(w, l->peer);
    return room;
}

/* Padding, then the message in small parts, of which `taken` bytes fit. */
static void message_send(struct world *w, struct link *l, size_t room, size_t taken)
{
    static const char zeros[LARGE];
    struct iovec parts[8];
    int n = 0;
    if (room > taken)
        parts[n++] = (struct iovec){.iov_base = (char *)zeros, .iov_len = room - taken};
    for (size_t at = 0; at < MESSAGE; at += 3) {
        size_t size = MESSAGE - at < 3 ? MESSAGE - at : 3;
        parts[n++] = (struct iovec){.iov_base = (char *)message + at, .iov_len = size};
    }
    assert_int_equal(world_send_parts(w, l, parts, n), 0);
    world_commit(w);
}

static void message_falls_short_after(struct world *w, size_t room, size_t taken)
{
    struct link *l = world_pair(w);
    message_send(w, l, room, taken);
    assert_int_equal(l->shortages, 1);
    assert_int_equal(l->left, MESSAGE - taken);
    world_watch(w, peer_gather(w, l) == room);
    world_until(w, l->writables == 1);
    assert_int_equal(world_send(w, l, message + taken, l->left), 0);
    world_commit(w);
    world_watch(w, peer_gather(w, l) == room + MESSAGE - taken);
    assert_memory_equal(l->out.at + l->out.count - MESSAGE, message, MESSAGE);
    assert_int_equal(l->shortages, 1);
    world_close(w, l);
    world_until(w, l->closed);
    world_drop(w, l->peer);
}

static void a_send_falls_short_at_every_byte(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    size_t room = pair_room(w);
    for (size_t taken = 0; taken < MESSAGE; taken++)
        message_falls_short_after(w, room, taken);
}

static void a_send_that_just_fits_is_silent(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    size_t room = pair_room(w);
    struct link *l = world_pair(w);
    send_pattern(w, l, room);
    world_settle(w);
    assert_int_equal(l->shortages, 0);
    assert_int_equal(l->writables, 0);
    send_pattern(w, l, 1);
    assert_int_equal(l->shortages, 1);
    assert_int_equal(l->left, 1);
}

static void writable_comes_once_for_each_shortage(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    struct link *l = world_pair(w);
    for (unsigned k = 1; k <= 10; k++) {
        send_pattern(w, l, LARGE);
        assert_int_equal(l->shortages, k);
        assert_int_equal(world_send(w, l, "?", 1), -EBUSY);
        world_commit(w);
        world_settle(w);
        assert_int_equal(l->writables, k - 1); /* there is no room yet */
        peer_gather(w, l);
        world_until(w, l->writables == k);
        world_settle(w);
        assert_int_equal(l->writables, k);
    }
    assert_pattern(&l->out, l->sent);
}

/* Sends until it falls short, then lets the peer read, and so on; at least `total` bytes. */
static void stream_through(struct world *w, struct link *l, size_t most, size_t total)
{
    world_watch(w, l->is_short && l->sent >= total)
    {
        if (l->is_short)
            peer_gather(w, l);
        else
            send_pattern(w, l, most);
    }
    world_watch(w, peer_gather(w, l) == l->sent);
    assert_pattern(&l->out, l->sent);
    assert_int_equal(netpoll_stats(w->np)->short_sends, l->shortages);
    assert_int_equal(netpoll_stats(w->np)->sent_bytes, l->sent);
}

static void order_is_kept_over_many_short_sends(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    struct link *l = world_pair(w);
    stream_through(w, l, LARGE, 5000);
    stream_through(w, l, 999, 10000);
    assert_true(l->shortages > 1);
}

static void order_is_kept_over_a_megabyte(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    stream_through(w, world_connect(w), MEGABYTE / 4, MEGABYTE);
}

static void only_the_exceptions_of_a_batch_are_reported(void **state)
{
    enum { PEERS = 60 };
    struct world *w = *state;
    world_open(w, NULL);
    size_t room = pair_room(w);
    struct link *links[PEERS];
    char *block = calloc(1, room + PEERS);
    for (size_t k = 0; k < PEERS; k++) {
        links[k] = world_pair(w);
        assert_int_equal(world_send(w, links[k], block, k % 20 == 7 ? room + k : 10), 0);
    }
    world_commit(w);
    free(block);
    for (size_t k = 0; k < PEERS; k++) {
        assert_int_equal(links[k]->shortages, k % 20 == 7);
        assert_int_equal(links[k]->left, k % 20 == 7 ? k : 0);
    }
}

static void everybody_falls_short(struct world *w, const struct netpoll_options *options)
{
    enum { PEERS = 64 };
    world_open(w, options);
    static const char block[LARGE];
    struct link *links[PEERS];
    for (size_t k = 0; k < PEERS; k++) {
        links[k] = world_pair(w);
        assert_int_equal(world_send(w, links[k], block, LARGE), 0);
    }
    world_commit(w);
    for (size_t k = 0; k < PEERS; k++) {
        assert_int_equal(links[k]->shortages, 1);
        peer_gather(w, links[k]);
        assert_int_equal(links[k]->out.count, links[k]->sent);
    }
    for (size_t k = 0; k < PEERS; k++)
        world_until(w, links[k]->writables == 1);
}

static void everybody_falls_short_at_once(void **state)
{
    struct netpoll_options options = {.ring_entries = 4};
    everybody_falls_short(*state, &options);
}

/* More exceptions than the completion queue takes: none is lost. */
static void everybody_falls_short_at_once_in_a_small_ring(void **state)
{
    struct netpoll_options options = {.ring_entries = 4, .ring_completions = 4};
    everybody_falls_short(*state, &options);
}

static void send_large(struct world *w, enum event event, struct link *l)
{
    static const char block[LARGE];
    if (event == EVENT_DATA || event == EVENT_WOKEN || event == EVENT_TIMER)
        world_send(w, l ? l : w->subject[0], block, LARGE);
}

/* Whatever the kernel says in the rest of that turn, `writable` comes after `fell_short`. */
static void a_shortage_inside_a_callback_is_told_at_the_commit(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    w->hook = send_large;
    for (int how = 0; how < 3; how++) {
        struct link *l = w->subject[0] = world_pair(w);
        if (how == 0)
            peer_say(w, l, "go");
        else if (how == 1)
            netpoll_wake(w->np);
        else
            assert_int_equal(netpoll_timer_set(w->np, 1, 0), 0);
        world_until(w, l->sent > 0);
        for (int turn = 0; turn < 3; turn++) {
            peer_gather(w, l); /* there is room before the shortage is told */
            world_turn(w, 0);
        }
        world_commit(w);
        assert_int_equal(l->shortages, 1);
        world_watch(w, l->writables == 1) peer_gather(w, l);
    }
}

static void send_in_reports(struct world *w, enum event event, struct link *l)
{
    struct link *other = w->subject[l == w->subject[0]];
    if (event == EVENT_FELL_SHORT)
        w->count += world_send(w, l, "?", 1) == -EBUSY && world_send(w, other, "s", 1) == 0;
    if (event == EVENT_WRITABLE)
        w->count += world_send(w, l, "w", 1) == 0;
}

static void sending_inside_fell_short_and_writable(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    struct link *l = w->subject[0] = world_pair(w);
    struct link *other = w->subject[1] = world_pair(w);
    w->hook = send_in_reports;
    send_pattern(w, l, LARGE);
    assert_int_equal(w->count, 1);
    world_commit(w);
    world_watch(w, peer_gather(w, other) == 1);
    peer_gather(w, l);
    world_until(w, l->writables == 1);
    world_commit(w);
    size_t before = l->sent;
    world_watch(w, peer_gather(w, l) == before);
    assert_int_equal(l->out.at[before - 1], 'w');
    assert_int_equal(w->count, 2);
}

static void closing_while_short(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    struct link *l = world_pair(w);
    send_pattern(w, l, LARGE);
    world_close(w, l);
    peer_gather(w, l);
    world_until(w, l->closed);
    assert_int_equal(l->writables, 0);
    assert_true(peer_at_end(w, l));
}

static void a_peer_that_leaves_while_short_is_noticed(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    struct link *l = world_pair(w);
    peer_say(w, l, "enough");
    send_pattern(w, l, LARGE);
    w->suite->peers->reset(l->peer);
    world_until(w, l->closed || l->writables > 0);
    world_watch(w, l->closed)
    {
        if (!l->is_short)
            world_send(w, l, "?", 1);
        world_commit(w);
    }
    assert_text(&l->in, "enough");
    assert_true(l->reason > 0);
}

static void input_comes_while_short(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    struct link *l = world_pair(w);
    send_pattern(w, l, LARGE);
    peer_say(w, l, "I hear you, but cannot say so");
    world_until(w, l->in.count == 29);
    assert_int_equal(l->writables, 0);
}

static const struct CMUnitTest cases[] = {
    CONFORMANCE_CASE(a_send_falls_short_at_every_byte),
    CONFORMANCE_CASE(a_send_that_just_fits_is_silent),
    CONFORMANCE_CASE(writable_comes_once_for_each_shortage),
    CONFORMANCE_CASE(order_is_kept_over_many_short_sends),
    CONFORMANCE_CASE(order_is_kept_over_a_megabyte),
    CONFORMANCE_CASE(only_the_exceptions_of_a_batch_are_reported),
    CONFORMANCE_CASE(everybody_falls_short_at_once),
    CONFORMANCE_CASE(everybody_falls_short_at_once_in_a_small_ring),
    CONFORMANCE_CASE(a_shortage_inside_a_callback_is_told_at_the_commit),
    CONFORMANCE_CASE(sending_inside_fell_short_and_writable),
    CONFORMANCE_CASE(closing_while_short),
    CONFORMANCE_CASE(a_peer_that_leaves_while_short_is_noticed),
    CONFORMANCE_CASE(input_comes_while_short),
};

const struct case_table cases_shortage = {cases, sizeof cases / sizeof *cases};
