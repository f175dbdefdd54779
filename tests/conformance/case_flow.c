/*
 * Who is read when: pausing and resuming, budgets, and very few receive buffers.
 */
#include "conformance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum { MEGABYTE = 1 << 20 };

static void nothing_comes_from_a_paused_connection(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    peer_say(w, l, "one ");
    world_until(w, l->in.count == 4);
    world_pause(w, l);
    world_pause(w, l);
    world_settle(w);
    peer_say(w, l, "two ");
    world_settle(w);
    peer_say(w, l, "three");
    world_settle(w);
    assert_text(&l->in, "one ");
    world_resume(w, l);
    world_resume(w, l);
    world_until(w, l->in.count == 13); /* no edge was lost */
    assert_text(&l->in, "one two three");
}

static void a_connection_paused_at_once_loses_nothing(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    world_pause(w, l);
    world_resume(w, l);
    world_pause(w, l);
    peer_say(w, l, "patience");
    world_settle(w);
    world_resume(w, l);
    world_pause(w, l);
    world_resume(w, l);
    world_until(w, l->in.count == 8);
    assert_text(&l->in, "patience");
}

static void pause_in_data(struct world *w, enum event event, struct link *l)
{
    if (event == EVENT_DATA && l == w->subject[0] && !l->is_paused)
        world_pause(w, l);
}

static void pausing_in_every_data_loses_nothing(void **state)
{
    struct world *w = *state;
    const size_t total = 100000;
    struct netpoll_options options = {.conn_budget = 3000, .ring_buffers = 4};
    world_open_listening(w, &options);
    struct link *l = w->subject[0] = world_connect(w);
    w->hook = pause_in_data;
    size_t written = 0;
    world_watch(w, l->in.count == total)
    {
        peer_write_pattern(w, l, &written, total);
        if (l->is_paused)
            world_resume(w, l);
    }
    assert_pattern(&l->in, total);
}

enum { SMALL_BUDGET = 4096, RING_BUFFERS = 32, BUFFER_SIZE = 2048 };

/* An io_uring takes in what it can, where a receive can have no limit: before Linux 6.17. */
static size_t late_bound(const struct world *w)
{
    struct utsname kernel;
    int major = 0;
    int minor = 0;
    assert_int_equal(uname(&kernel), 0);
    assert_int_equal(sscanf(kernel.release, "%d.%d", &major, &minor), 2);
    bool has_limit = major > 6 || (major == 6 && minor >= 17);
    if (w->suite->backend == NETPOLL_URING && !has_limit)
        return RING_BUFFERS * (size_t)BUFFER_SIZE;
    return SMALL_BUDGET + BUFFER_SIZE;
}

static void while_paused_at_most_a_budget_still_comes(void **state)
{
    struct world *w = *state;
    struct netpoll_options options = {.ring_buffers = RING_BUFFERS, .conn_budget = SMALL_BUDGET};
    world_open_listening(w, &options);
    struct link *l = w->subject[0] = world_connect(w);
    size_t written = 0;
    peer_write_pattern(w, l, &written, 60000);
    w->hook = pause_in_data;
    world_until(w, l->is_paused);
    world_settle(w);
    assert_in_range(l->late, 0, late_bound(w));
    w->hook = NULL;
    world_resume(w, l);
    world_until(w, l->in.count == written);
    assert_pattern(&l->in, written);
}

/* Connections, bytes, ends and closes: all of them many times what the completion queue takes, and
 * the buffers. What has no room waits in the kernel, and nothing is lost or comes twice. */
static void a_small_ring_overflows_and_loses_nothing(void **state)
{
    enum { PEERS = 100, BYTES = 20000 };
    struct world *w = *state;
    struct netpoll_options options = {
        .ring_buffers = 4, .ring_entries = 4, .ring_completions = 4, .conn_budget = 5000};
    struct peer *peers[PEERS];
    char block[BYTES];
    world_open_listening(w, &options);
    pattern_fill(block, 0, BYTES);
    for (int k = 0; k < PEERS; k++) {
        peers[k] = world_peer(w);
        assert_int_equal(w->suite->peers->write(peers[k], block, BYTES), BYTES);
        w->suite->peers->half_close(peers[k]);
    }
    world_until(w, w->accepted == PEERS);
    for (size_t k = 1; k < w->link_count; k++) {
        world_until(w, w->links[k]->ended);
        assert_pattern(&w->links[k]->in, BYTES);
    }
    for (size_t k = 1; k < w->link_count; k++)
        world_close(w, w->links[k]);
    for (size_t k = 1; k < w->link_count; k++)
        world_until(w, w->links[k]->closed);
    assert_int_equal(w->link_count, PEERS + 1);
    assert_int_equal(netpoll_stats(w->np)->open, 1);
}

static void an_end_waits_for_a_paused_connection(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    world_pause(w, l);
    world_settle(w);
    peer_say(w, l, "bye");
    world_drop(w, l->peer);
    world_settle(w);
    assert_int_equal(l->in.count, 0);
    assert_int_equal(l->ended, 0);
    world_resume(w, l);
    world_until(w, l->ended);
    assert_text(&l->in, "bye");
}

static void a_reset_waits_for_a_paused_connection(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    world_pause(w, l);
    world_settle(w);
    peer_say(w, l, "bye");
    peer_reset(w, l);
    world_settle(w);
    world_resume(w, l);
    world_until(w, l->closed);
    assert_text(&l->in, "bye");
    assert_int_equal(l->reason, ECONNRESET);
}

/* Nobody may ever resume it: an owner that waits for room to do so waits for nothing. So a dead
 * connection does not wait for its input to be wanted again. */
static void a_paused_connection_found_dead_by_a_send_is_closed(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    world_pause(w, l);
    world_settle(w);
    peer_say(w, l, "bye");
    peer_reset(w, l);
    world_watch(w, l->closed)
    {
        int rc = world_send(w, l, "?", 1);
        assert_true(rc == 0 || rc == -ESTALE);
        world_commit(w);
    }
    assert_true(l->reason > 0);
}

static void a_paused_connection_can_be_closed_and_sent_to(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    world_pause(w, l);
    peer_say(w, l, "unheard");
    assert_int_equal(world_send(w, l, "wait", 4), 0);
    world_commit(w);
    world_watch(w, peer_gather(w, l) == 4);
    world_close(w, l);
    world_until(w, l->closed);
    assert_int_equal(l->in.count, 0);
}

static void a_flood_does_not_starve_the_others(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *flood = world_connect(w);
    struct link *quiet = world_connect(w);
    size_t written = 0;
    for (int round = 0; round < 20; round++) {
        peer_write_pattern(w, flood, &written, (size_t)(round + 1) * 200000);
        size_t before = quiet->in.count;
        peer_say(w, quiet, "psst");
        for (int turn = 0; turn < 4; turn++)
            world_turn(w, 0);
        assert_int_equal(quiet->in.count, before + 4);
    }
    world_until(w, flood->in.count == written);
    assert_pattern(&flood->in, written);
}

enum { FLOODS = 16 };

/* What came in one turn from all, checking each. `slack`: what a backend had in hand already. */
static size_t turn_measured(struct world *w, struct link **links, size_t n, size_t most)
{
    size_t before[FLOODS];
    size_t sum = 0;
    for (size_t k = 0; k < n; k++)
        before[k] = links[k]->in.count;
    world_turn(w, 0);
    for (size_t k = 0; k < n; k++) {
        assert_true(links[k]->in.count - before[k] <= most);
        sum += links[k]->in.count - before[k];
    }
    return sum;
}

static void a_turn_reads_no_more_than_its_budgets(void **state)
{
    enum { CONN_BUDGET = 4096, TURN_BUDGET = 20000, RING = 16 * 2048, TOTAL = 30000 };
    struct world *w = *state;
    struct netpoll_options options = {
        .conn_budget = CONN_BUDGET, .turn_budget = TURN_BUDGET, .ring_buffers = 16};
    world_open_listening(w, &options);
    struct link *floods[FLOODS];
    size_t written[FLOODS] = {0};
    for (size_t k = 0; k < FLOODS; k++)
        floods[k] = world_connect(w);
    for (size_t k = 0; k < FLOODS; k++)
        world_watch(w, written[k] == TOTAL) peer_write_pattern(w, floods[k], &written[k], TOTAL);
    uint64_t deadline = world_deadline();
    size_t left = FLOODS * TOTAL;
    for (size_t k = 0; k < FLOODS; k++)
        left -= floods[k]->in.count;
    while (left > 0) {
        assert_true(world_clock_ms() < deadline);
        size_t sum = turn_measured(w, floods, FLOODS, CONN_BUDGET + RING);
        assert_true(sum <= TURN_BUDGET + 4096);
        left -= sum;
    }
    for (size_t k = 0; k < FLOODS; k++)
        assert_pattern(&floods[k]->in, TOTAL);
}

static void many_floods_do_not_starve_a_quiet_one(void **state)
{
    struct world *w = *state;
    struct netpoll_options options = {
        .conn_budget = 4096, .turn_budget = 16384, .ring_buffers = 16};
    world_open_listening(w, &options);
    struct link *floods[FLOODS];
    size_t written[FLOODS] = {0};
    for (size_t k = 0; k < FLOODS; k++)
        floods[k] = world_connect(w);
    struct link *quiet = world_connect(w);
    for (unsigned round = 1; round <= 5; round++) {
        for (size_t k = 0; k < FLOODS; k++)
            peer_write_pattern(w, floods[k], &written[k], round * 100000);
        peer_say(w, quiet, "psst");
        for (int turn = 0; turn < 40 && quiet->in.count < round * 4; turn++)
            world_turn(w, 0);
        assert_int_equal(quiet->in.count, round * 4);
    }
}

static void a_listener_is_not_starved_by_floods(void **state)
{
    struct world *w = *state;
    struct netpoll_options options = {.turn_budget = 4096, .conn_budget = 2048, .ring_buffers = 4};
    world_open_listening(w, &options);
    struct link *floods[FLOODS];
    size_t written[FLOODS] = {0};
    for (size_t k = 0; k < FLOODS; k++)
        floods[k] = world_connect(w);
    for (size_t k = 0; k < FLOODS; k++)
        peer_write_pattern(w, floods[k], &written[k], 100000);
    world_peer(w);
    for (int turn = 0; turn < 40 && w->accepted == FLOODS; turn++)
        world_turn(w, 0);
    assert_int_equal(w->accepted, FLOODS + 1);
}

/* Slots change hands while their old users' turn to be read has not come. */
static void connections_replaced_during_a_flood_are_served(void **state)
{
    enum { REPLACED = 8, ROUNDS = 40 };
    struct world *w = *state;
    struct netpoll_options options = {
        .max_handles = 2 * REPLACED, .turn_budget = 1, .conn_budget = 1, .ring_buffers = 16};
    world_open(w, &options);
    for (int k = 0; k < REPLACED - 1; k++)
        peer_say(w, world_pair(w),
                 "seventy bytes or so, read slowly, one by one, turn by turn, on");
    struct link *guests[REPLACED] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        for (int k = 0; k < REPLACED; k++) {
            if (guests[k])
                world_close(w, guests[k]);
        }
        world_until(w, !guests[0] || guests[REPLACED - 1]->closed);
        for (int k = 0; k < REPLACED; k++) {
            guests[k] = world_pair(w);
            peer_say(w, guests[k], "hi");
        }
        world_turn(w, 0);
    }
    for (int k = 0; k < REPLACED; k++)
        world_until(w, guests[k]->in.count == 2);
    for (int k = 0; k < REPLACED - 1; k++)
        world_until(w, w->links[k]->in.count == 62);
}

static void four_receive_buffers_are_enough_for_everybody(void **state)
{
    enum { PEERS = 64, EACH = 20000 };
    struct world *w = *state;
    struct netpoll_options options = {.ring_buffers = 4};
    world_open_listening(w, &options);
    size_t written[PEERS] = {0};
    struct link *links[PEERS];
    for (size_t k = 0; k < PEERS; k++)
        links[k] = world_connect(w);
    for (size_t k = 0; k < PEERS; k++) {
        peer_write_pattern(w, links[k], &written[k], EACH);
        assert_int_equal(written[k], EACH);
    }
    for (size_t k = 0; k < PEERS; k++) {
        world_until(w, links[k]->in.count == EACH);
        assert_pattern(&links[k]->in, EACH);
    }
}

static void four_receive_buffers_and_everybody_leaves(void **state)
{
    enum { PEERS = 64 };
    struct world *w = *state;
    struct netpoll_options options = {.ring_buffers = 4};
    world_open_listening(w, &options);
    for (size_t k = 0; k < PEERS; k++)
        world_connect(w);
    for (size_t k = 1; k <= PEERS; k++) {
        peer_say(w, w->links[k], "I am off");
        world_drop(w, w->links[k]->peer);
    }
    for (size_t k = 1; k <= PEERS; k++) {
        world_until(w, w->links[k]->ended);
        assert_text(&w->links[k]->in, "I am off");
    }
}

static void close_all_on_data(struct world *w, enum event event, struct link *l)
{
    (void)l;
    for (size_t k = 1; event == EVENT_DATA && k < w->link_count; k++) {
        if (!w->links[k]->closed)
            world_close(w, w->links[k]);
    }
}

/* What came in for a handle that was closed meanwhile gives its buffer back. */
static void input_that_nobody_hears_uses_up_no_buffers(void **state)
{
    enum { PEERS = 6, ROUNDS = 10 };
    struct world *w = *state;
    struct netpoll_options options = {.ring_buffers = 4, .turn_budget = 1};
    world_open_listening(w, &options);
    w->hook = close_all_on_data;
    for (int round = 0; round < ROUNDS; round++) {
        for (int k = 0; k < PEERS; k++)
            world_connect(w);
        struct link *last = world_newest(w);
        for (size_t k = 0; k < PEERS; k++)
            peer_write(w, w->links[w->link_count - 1 - k], "hello", 5);
        world_until(w, last->closed);
    }
    w->hook = NULL;
    struct link *l = world_connect(w);
    peer_say(w, l, "I am heard");
    world_until(w, l->in.count == 10);
}

static const struct CMUnitTest cases[] = {
    CONFORMANCE_CASE(nothing_comes_from_a_paused_connection),
    CONFORMANCE_CASE(a_connection_paused_at_once_loses_nothing),
    CONFORMANCE_CASE(pausing_in_every_data_loses_nothing),
    CONFORMANCE_CASE(while_paused_at_most_a_budget_still_comes),
    CONFORMANCE_CASE(a_small_ring_overflows_and_loses_nothing),
    CONFORMANCE_CASE(an_end_waits_for_a_paused_connection),
    CONFORMANCE_CASE(a_reset_waits_for_a_paused_connection),
    CONFORMANCE_CASE(a_paused_connection_found_dead_by_a_send_is_closed),
    CONFORMANCE_CASE(a_paused_connection_can_be_closed_and_sent_to),
    CONFORMANCE_CASE(a_flood_does_not_starve_the_others),
    CONFORMANCE_CASE(a_turn_reads_no_more_than_its_budgets),
    CONFORMANCE_CASE(many_floods_do_not_starve_a_quiet_one),
    CONFORMANCE_CASE(a_listener_is_not_starved_by_floods),
    CONFORMANCE_CASE(connections_replaced_during_a_flood_are_served),
    CONFORMANCE_CASE(input_that_nobody_hears_uses_up_no_buffers),
    CONFORMANCE_CASE(four_receive_buffers_are_enough_for_everybody),
    CONFORMANCE_CASE(four_receive_buffers_and_everybody_leaves),
};

const struct case_table cases_flow = {cases, sizeof cases / sizeof *cases};
