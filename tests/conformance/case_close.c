/*
 * Closing any handle inside any callback.
 *
 * Each case brings about one event, inside which the link it is for, another, or both are closed;
 * the other has bytes waiting, so that its own event is ready in the same turn. That nothing but
 * one `closed` follows is a rule that the world watches over (rules.c).
 */
#include "conformance.h"

#include <errno.h>

enum victims { SELF = 1, OTHER = 2, BOTH = SELF | OTHER };

enum { LARGE = 1 << 16 };

struct plan {
    enum event event;
    enum victims victims;
};

static void close_victims(struct world *w, enum event event, struct link *l)
{
    const struct plan *plan = w->plan;
    if (event != plan->event || (l && l != w->subject[0] && event != EVENT_ACCEPTED))
        return;
    if (event == EVENT_ACCEPTED)
        w->subject[0] = l;
    w->hook = NULL; /* once */
    if (plan->victims & SELF && w->subject[0])
        world_close(w, w->subject[0]);
    if (plan->victims & OTHER)
        world_close(w, w->subject[1]);
}

/* Makes `event` due for the link `l`, together with the bytes of the other. */
static void provoke(struct world *w, enum event event, struct link *l)
{
    static const char block[LARGE];
    switch (event) {
    case EVENT_ACCEPTED:
        w->suite->peers->write(world_peer(w), "hello", 5);
        break;
    case EVENT_DATA:
        peer_say(w, l, "hello");
        break;
    case EVENT_ENDED:
        peer_half_close(w, l);
        break;
    case EVENT_CLOSED:
        peer_reset(w, l);
        break;
    case EVENT_TIMER:
        assert_int_equal(netpoll_timer_set(w->np, 1, 0), 0);
        break;
    case EVENT_WOKEN:
        netpoll_wake(w->np);
        break;
    default: /* fell_short, writable */
        assert_int_equal(world_send(w, l, block, LARGE), 0);
        world_commit(w);
        peer_gather(w, l);
    }
}

static void run(struct world *w, enum event event, enum victims victims)
{
    struct plan plan = {event, victims};
    w->plan = &plan;
    world_open_listening(w, NULL);
    struct link *other = world_connect(w);
    struct link *self = event == EVENT_ACCEPTED ? NULL : world_pair(w);
    struct link *third = world_connect(w);
    w->subject[0] = self;
    w->subject[1] = other;
    peer_say(w, other, "ready");
    w->hook = close_victims;
    provoke(w, event, self);
    peer_say(w, third, "ready");
    world_until(w, !w->hook);
    self = w->subject[0];
    world_until(w, third->in.count == 5);
    world_until(w, !(victims & SELF) || self->closed);
    world_until(w, victims & OTHER ? other->closed > 0 : other->in.count == 5);
    world_settle(w);
    assert_int_equal(other->closed, victims & OTHER ? 1 : 0);
    assert_int_equal(third->closed, 0);
    assert_int_equal(netpoll_stats(w->np)->open,
                     2 + (unsigned)!self->closed + (unsigned)!other->closed);
}

/* One function for each event and choice of victims, as cmocka wants them. */
#define CLOSING_INSIDE(name, event)                                                                \
    static void closing_itself_inside_##name(void **state)                                         \
    {                                                                                              \
        run(*state, event, SELF);                                                                  \
    }                                                                                              \
    static void closing_another_inside_##name(void **state)                                        \
    {                                                                                              \
        run(*state, event, OTHER);                                                                 \
    }                                                                                              \
    static void closing_two_inside_##name(void **state)                                            \
    {                                                                                              \
        run(*state, event, BOTH);                                                                  \
    }

CLOSING_INSIDE(accepted, EVENT_ACCEPTED)
CLOSING_INSIDE(data, EVENT_DATA)
CLOSING_INSIDE(ended, EVENT_ENDED)
CLOSING_INSIDE(fell_short, EVENT_FELL_SHORT)
CLOSING_INSIDE(writable, EVENT_WRITABLE)
CLOSING_INSIDE(closed, EVENT_CLOSED)
CLOSING_INSIDE(timer, EVENT_TIMER)
CLOSING_INSIDE(woken, EVENT_WOKEN)

#define CLOSING_CASES(name)                                                                        \
    CONFORMANCE_CASE(closing_itself_inside_##name),                                                \
        CONFORMANCE_CASE(closing_another_inside_##name),                                           \
        CONFORMANCE_CASE(closing_two_inside_##name)

static void close_the_other(struct world *w, enum event event, struct link *l)
{
    if (event == EVENT_DATA)
        world_close(w, w->subject[l == w->subject[0]]);
}

/* Both are ready: whoever comes first closes the other, which is not heard any more. */
static void two_ready_handles_close_each_other(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *a = w->subject[0] = world_connect(w);
    struct link *b = w->subject[1] = world_connect(w);
    w->hook = close_the_other;
    peer_write(w, a, "a", 1);
    peer_write(w, b, "b", 1);
    world_until(w, a->closed || b->closed);
    world_settle(w);
    assert_int_equal(a->closed + b->closed, 1);
    assert_int_equal(a->in.count + b->in.count, 1);
    assert_int_equal((a->closed ? a : b)->in.count, 0);
}

static void close_everybody(struct world *w, enum event event, struct link *l)
{
    (void)l;
    for (size_t k = 0; event == EVENT_DATA && k < w->link_count; k++)
        world_close(w, w->links[k]);
}

static void one_closes_all_though_all_are_ready(void **state)
{
    enum { PEERS = 100 };
    struct world *w = *state;
    world_open_listening(w, NULL);
    for (int k = 0; k < PEERS; k++)
        world_connect(w);
    for (int k = 1; k <= PEERS; k++)
        peer_say(w, w->links[k], "ready");
    w->hook = close_everybody;
    for (int k = 0; k <= PEERS; k++)
        world_until(w, w->links[k]->closed);
    assert_int_equal(netpoll_stats(w->np)->open, 0);
}

static void closing_twice_is_closing_once(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    world_close(w, l);
    world_close(w, l);
    assert_int_equal(l->closed, 0); /* not from inside the call */
    assert_int_equal(world_send(w, l, "?", 1), -ESTALE);
    world_until(w, l->closed);
    world_close(w, l);
    world_settle(w);
    assert_int_equal(l->closed, 1);
    assert_int_equal(l->reason, 0);
}

static void closing_what_has_ended(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    world_drop(w, l->peer);
    world_until(w, l->ended);
    world_close(w, l);
    world_until(w, l->closed);
    assert_int_equal(l->reason, 0);
}

static void close_the_other_too(struct world *w, enum event event, struct link *l)
{
    if (event == EVENT_CLOSED)
        world_close(w, w->subject[l == w->subject[0]]);
}

/* Both are reset: when the first is gone, the second is under way. It was asked for: no reason. */
static void closing_what_is_dying_anyway(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *a = w->subject[0] = world_connect(w);
    struct link *b = w->subject[1] = world_connect(w);
    w->hook = close_the_other_too;
    peer_reset(w, a);
    peer_reset(w, b);
    world_until(w, a->closed && b->closed);
    assert_true((a->reason == ECONNRESET) != (b->reason == ECONNRESET));
    assert_int_equal(a->reason + b->reason, ECONNRESET);
}

static const struct CMUnitTest cases[] = {
    CLOSING_CASES(accepted),
    CLOSING_CASES(data),
    CLOSING_CASES(ended),
    CLOSING_CASES(fell_short),
    CLOSING_CASES(writable),
    CLOSING_CASES(closed),
    CLOSING_CASES(timer),
    CLOSING_CASES(woken),
    CONFORMANCE_CASE(two_ready_handles_close_each_other),
    CONFORMANCE_CASE(one_closes_all_though_all_are_ready),
    CONFORMANCE_CASE(closing_twice_is_closing_once),
    CONFORMANCE_CASE(closing_what_has_ended),
    CONFORMANCE_CASE(closing_what_is_dying_anyway),
};

const struct case_table cases_close = {cases, sizeof cases / sizeof *cases};
