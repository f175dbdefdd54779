/*
 * Sending: parts, batches, errors of the caller, dead peers, shutting down.
 */
#include "conformance.h"

#include <errno.h>
#include <string.h>

static void a_message_is_sent(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    assert_int_equal(world_send(w, l, "hello", 5), 0);
    world_commit(w);
    world_watch(w, peer_gather(w, l) == 5);
    assert_text(&l->out, "hello");
    assert_int_equal(l->shortages, 0);
    assert_int_equal(l->writables, 0);
    assert_int_equal(netpoll_stats(w->np)->sends, 1);
    assert_int_equal(netpoll_stats(w->np)->sent_bytes, 5);
}

static void up_to_sixteen_parts_go_in_order(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    char text[NETPOLL_IOV_MAX * 10];
    size_t total = 0;
    for (int n = 1; n <= NETPOLL_IOV_MAX; n++) {
        struct iovec parts[NETPOLL_IOV_MAX];
        size_t at = 0;
        for (int k = 0; k < n; k++) {
            size_t size = (size_t)(k % 9 + 1);
            parts[k] = (struct iovec){.iov_base = text + at, .iov_len = size};
            at += size;
        }
        pattern_fill(text, total, at);
        assert_int_equal(world_send_parts(w, l, parts, n), 0);
        memset(parts, 0, sizeof parts); /* the list is ours again, the bytes are not */
        world_commit(w);
        total += at;
    }
    world_watch(w, peer_gather(w, l) == total);
    assert_pattern(&l->out, total);
}

static void the_number_of_parts_is_checked(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    struct iovec parts[NETPOLL_IOV_MAX + 1];
    for (size_t k = 0; k <= NETPOLL_IOV_MAX; k++)
        parts[k] = (struct iovec){.iov_base = "x", .iov_len = 1};
    assert_int_equal(world_send_parts(w, l, parts, 0), -EINVAL);
    assert_int_equal(world_send_parts(w, l, parts, -1), -EINVAL);
    assert_int_equal(world_send_parts(w, l, parts, NETPOLL_IOV_MAX + 1), -EINVAL);
    world_commit(w);
    assert_int_equal(netpoll_stats(w->np)->sends, 0);
    assert_int_equal(world_send_parts(w, l, parts, NETPOLL_IOV_MAX), 0);
    world_commit(w);
    world_watch(w, peer_gather(w, l) == NETPOLL_IOV_MAX);
}

static void a_handle_has_one_send_in_a_batch(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    assert_int_equal(world_send(w, l, "one", 3), 0);
    assert_int_equal(world_send(w, l, "two", 3), -EBUSY);
    world_commit(w);
    assert_int_equal(world_send(w, l, "three", 5), 0);
    world_commit(w);
    world_commit(w);
    world_watch(w, peer_gather(w, l) == 8);
    assert_text(&l->out, "onethree");
}

static void after_the_commit_the_bytes_are_the_callers(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    char block[1000];
    for (size_t k = 0; k < 20; k++) {
        pattern_fill(block, k * sizeof block, sizeof block);
        assert_int_equal(world_send(w, l, block, sizeof block), 0);
        world_commit(w);
        memset(block, '!', sizeof block);
    }
    world_watch(w, peer_gather(w, l) == 20 * sizeof block);
    assert_pattern(&l->out, 20 * sizeof block);
}

/* More sends than the submission queue has entries, with one part and with several. */
static void a_batch_is_larger_than_the_submission_queue(void **state)
{
    enum { PEERS = 64 };
    struct world *w = *state;
    struct netpoll_options options = {.ring_entries = 4};
    world_open_listening(w, &options);
    struct link *links[PEERS];
    char text[PEERS];
    for (size_t k = 0; k < PEERS; k++) {
        links[k] = world_connect(w);
        text[k] = (char)(' ' + k);
    }
    for (int round = 0; round < 3; round++) {
        for (size_t k = 0; k < PEERS; k++) {
            struct iovec parts[] = {{.iov_base = &text[k], .iov_len = 1},
                                    {.iov_base = &text[PEERS - 1 - k], .iov_len = 1}};
            assert_int_equal(world_send_parts(w, links[k], parts, k % 2 ? 1 : 2), 0);
        }
        world_commit(w);
    }
    for (size_t k = 0; k < PEERS; k++) {
        size_t each = k % 2 ? 1 : 2;
        world_watch(w, peer_gather(w, links[k]) == 3 * each);
        assert_int_equal(links[k]->out.at[0], text[k]);
        assert_int_equal(links[k]->out.at[each], text[k]);
        assert_int_equal(links[k]->out.at[3 * each - 1], text[each == 1 ? k : PEERS - 1 - k]);
    }
    assert_int_equal(netpoll_stats(w->np)->sends, 3 * PEERS);
}

static void answer(struct world *w, enum event event, struct link *l)
{
    if (event == EVENT_DATA)
        w->count += world_send(w, l, "pong", 4) == 0;
}

static void sending_inside_data(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    w->hook = answer;
    for (unsigned k = 1; k <= 10; k++) {
        peer_write(w, l, "?", 1);
        world_until(w, l->in.count == k);
        world_commit(w);
        world_watch(w, peer_gather(w, l) == 4 * k);
    }
    assert_int_equal(w->count, 10);
}

static void sending_to_a_dead_peer_drains_it_first(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    peer_say(w, l, "last words");
    peer_reset(w, l);
    int rc = world_send(w, l, "anyone?", 7);
    assert_true(rc == 0 || rc == -ESTALE);
    world_commit(w);
    world_until(w, l->closed);
    assert_text(&l->in, "last words");
    assert_true(l->reason > 0);
    assert_int_equal(world_send(w, l, "?", 1), -ESTALE);
}

static void sending_to_who_has_left_ends_in_a_reason(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    world_drop(w, l->peer);
    world_until(w, l->ended);
    world_watch(w, l->closed)
    {
        int rc = world_send(w, l, "anyone?", 7);
        assert_true(rc == 0 || rc == -ESTALE);
        world_commit(w);
    }
    assert_true(l->reason == EPIPE || l->reason == ECONNRESET);
}

static void one_dead_peer_in_a_batch_harms_nobody(void **state)
{
    enum { PEERS = 40 };
    struct world *w = *state;
    world_open_listening(w, NULL);
    for (int k = 0; k < PEERS; k++)
        world_connect(w);
    peer_reset(w, w->links[7]);
    peer_reset(w, w->links[33]);
    for (int k = 1; k <= PEERS; k++)
        world_send(w, w->links[k], "news", 4);
    world_commit(w);
    world_until(w, w->links[7]->closed && w->links[33]->closed);
    for (int k = 1; k <= PEERS; k++) {
        if (k != 7 && k != 33)
            world_watch(w, peer_gather(w, w->links[k]) == 4);
    }
}

static void after_shutdown_input_still_comes(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    assert_int_equal(world_send(w, l, "over", 4), 0);
    world_commit(w);
    world_shutdown(w, l);
    world_shutdown(w, l);
    assert_int_equal(world_send(w, l, "?", 1), -EPIPE);
    world_watch(w, peer_at_end(w, l));
    assert_text(&l->out, "over");
    peer_say(w, l, "and out");
    world_until(w, l->in.count == 7);
    peer_half_close(w, l);
    world_until(w, l->ended || l->closed);
    assert_text(&l->in, "and out");
    assert_int_equal(l->closed, 0);
}

static void what_was_sent_goes_before_the_shutdown(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    assert_int_equal(world_send(w, l, "farewell", 8), 0);
    world_shutdown(w, l);
    world_commit(w);
    world_watch(w, peer_at_end(w, l));
    assert_text(&l->out, "farewell");
}

static void what_was_sent_goes_before_the_close(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    assert_int_equal(world_send(w, l, "farewell", 8), 0);
    world_commit(w);
    world_close(w, l);
    world_watch(w, peer_at_end(w, l));
    assert_text(&l->out, "farewell");
    assert_int_equal(l->closed, 1);
}

/* Whether the bytes still go is open; they are not touched after the commit in any case. */
static void closing_between_send_and_commit(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    struct link *other = world_connect(w);
    assert_int_equal(world_send(w, other, "to you", 6), 0);
    assert_int_equal(world_send(w, l, "to nobody", 9), 0);
    world_close(w, l);
    world_commit(w);
    world_watch(w, l->closed && peer_at_end(w, l));
    world_watch(w, peer_gather(w, other) == 6);
    assert_text(&other->out, "to you");
}

/* The handle goes, and its slot to somebody else, before the batch is committed. */
static void a_send_of_a_closed_handle_never_reaches_its_successor(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    assert_int_equal(world_send(w, l, "secret", 6), 0);
    world_close(w, l);
    world_until(w, l->closed);
    struct link *next = world_connect(w);
    world_commit(w);
    assert_int_equal(world_send(w, next, "hello", 5), 0);
    world_commit(w);
    world_watch(w, peer_gather(w, next) >= 5);
    assert_text(&next->out, "hello");
}

static void who_owes_an_acknowledgement_is_silent(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    assert_int_equal(netpoll_silence(w->np, l->handle), 0);
    bool muted = w->suite->peers->mute(l->peer, true);
    assert_int_equal(world_send(w, l, "hello", 5), 0);
    world_commit(w);
    if (!muted) {
        world_watch(w, peer_gather(w, l) == 5);
        assert_int_equal(netpoll_silence(w->np, l->handle), 0);
        return;
    }
    world_watch(w, netpoll_silence(w->np, l->handle) > 50);
    w->suite->peers->mute(l->peer, false);
    world_watch(w, netpoll_silence(w->np, l->handle) == 0);
    world_watch(w, peer_gather(w, l) == 5);
    world_close(w, l);
    assert_int_equal(netpoll_silence(w->np, l->handle), 0);
}

/* The kernel asks it whether it has room, at growing intervals: it is silent if it does not answer.
 */
static void who_does_not_read_is_silent_only_if_it_is_gone(void **state)
{
    struct world *w = *state;
    static char block[1 << 20];
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    for (int n = 0; n < 64 && !l->is_short; n++) {
        assert_int_equal(world_send(w, l, block, sizeof block), 0);
        world_commit(w);
    }
    assert_true(netpoll_silence(w->np, l->handle) < 1000);
    if (!w->suite->peers->mute(l->peer, true))
        return;
    world_watch(w, netpoll_silence(w->np, l->handle) > 1000);
    w->suite->peers->mute(l->peer, false);
    world_watch(w, netpoll_silence(w->np, l->handle) < 1000);
}

static const struct CMUnitTest cases[] = {
    CONFORMANCE_CASE(a_message_is_sent),
    CONFORMANCE_CASE(up_to_sixteen_parts_go_in_order),
    CONFORMANCE_CASE(the_number_of_parts_is_checked),
    CONFORMANCE_CASE(a_handle_has_one_send_in_a_batch),
    CONFORMANCE_CASE(after_the_commit_the_bytes_are_the_callers),
    CONFORMANCE_CASE(a_batch_is_larger_than_the_submission_queue),
    CONFORMANCE_CASE(sending_inside_data),
    CONFORMANCE_CASE(sending_to_a_dead_peer_drains_it_first),
    CONFORMANCE_CASE(sending_to_who_has_left_ends_in_a_reason),
    CONFORMANCE_CASE(one_dead_peer_in_a_batch_harms_nobody),
    CONFORMANCE_CASE(after_shutdown_input_still_comes),
    CONFORMANCE_CASE(what_was_sent_goes_before_the_shutdown),
    CONFORMANCE_CASE(what_was_sent_goes_before_the_close),
    CONFORMANCE_CASE(closing_between_send_and_commit),
    CONFORMANCE_CASE(a_send_of_a_closed_handle_never_reaches_its_successor),
    CONFORMANCE_CASE(who_owes_an_acknowledgement_is_silent),
    CONFORMANCE_CASE(who_does_not_read_is_silent_only_if_it_is_gone),
};

const struct case_table cases_send = {cases, sizeof cases / sizeof *cases};
