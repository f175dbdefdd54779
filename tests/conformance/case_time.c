/*
 * Timers and waking.
 */
#include "conformance.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>

#define NS_PER_MS 1000000ULL

static void timer_in(struct world *w, uint64_t id, uint64_t ms)
{
    assert_int_equal(netpoll_timer_set(w->np, id, ms), 0);
}

static void timers_go_off_in_order_and_not_early(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    uint64_t start = world_clock_ms();
    timer_in(w, 3, 60);
    timer_in(w, 1, 20);
    timer_in(w, 2, 40);
    for (unsigned k = 1; k <= 3; k++) {
        world_until(w, w->timer_count >= k); /* a late turn fires several */
        assert_true(world_clock_ms() - start >= 20 * (uint64_t)k);
        assert_int_equal(w->timers[k - 1], k);
    }
    world_settle(w);
    assert_int_equal(w->timer_count, 3); /* one-shot */
}

static void many_timers_go_off_in_order(void **state)
{
    enum { TIMERS = 50 };
    struct world *w = *state;
    world_open(w, NULL);
    for (uint64_t k = 0; k < TIMERS; k++)
        timer_in(w, k * 17 % TIMERS, (k * 17 % TIMERS) * 2);
    world_until(w, w->timer_count == TIMERS);
    for (uint64_t k = 0; k < TIMERS; k++)
        assert_int_equal(w->timers[k], k);
}

static void a_timer_can_be_moved_and_cancelled(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    timer_in(w, 1, 3600000);
    timer_in(w, 2, 5);
    timer_in(w, 3, 1);
    timer_in(w, 1, 10); /* nearer */
    timer_in(w, 2, 20); /* farther */
    netpoll_timer_cancel(w->np, 3);
    netpoll_timer_cancel(w->np, 3);
    netpoll_timer_cancel(w->np, 12345);
    world_until(w, w->timer_count == 2);
    assert_int_equal(w->timers[0], 1);
    assert_int_equal(w->timers[1], 2);
}

static void cancel_the_rest(struct world *w, enum event event, struct link *l)
{
    (void)l;
    for (uint64_t id = 1; event == EVENT_TIMER && id <= 4; id++)
        netpoll_timer_cancel(w->np, id);
}

static void a_timer_cancelled_inside_another_does_not_go_off(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    for (uint64_t id = 1; id <= 4; id++)
        timer_in(w, id, 0);
    w->hook = cancel_the_rest;
    world_until(w, w->timer_count > 0);
    world_settle(w);
    assert_int_equal(w->timer_count, 1);
}

static void set_again(struct world *w, enum event event, struct link *l)
{
    (void)l;
    if (event == EVENT_TIMER && w->timer_count < 1000)
        netpoll_timer_set(w->np, 1, 0);
}

/* A timer of 0 ms that sets itself again must leave the turn to others. */
static void a_timer_of_no_time_does_not_hold_the_turn(void **state)
{
    struct world *w = *state;
    world_open_listening(w, NULL);
    struct link *l = world_connect(w);
    w->hook = set_again;
    timer_in(w, 1, 0);
    for (unsigned turn = 1; turn <= 20; turn++) {
        world_turn(w, 1000);
        assert_in_range(w->timer_count, 1, turn * 2);
    }
    peer_say(w, l, "and me?");
    world_until(w, l->in.count == 7);
}

static void a_timer_ends_an_endless_wait(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    timer_in(w, 9, 30);
    while (w->timer_count == 0)
        world_turn(w, NETPOLL_FOREVER);
    assert_int_equal(w->timers[0], 9);
}

static void a_turn_does_not_outlast_its_timeout(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    timer_in(w, 1, 3600000);
    uint64_t start = world_clock_ms();
    uint64_t before = netpoll_now(w->np);
    for (int k = 0; k < 4; k++)
        world_turn(w, 20);
    assert_in_range(world_clock_ms() - start, 70, 5000);
    assert_true(netpoll_now(w->np) - before >= 70 * NS_PER_MS);
    assert_int_equal(w->timer_count, 0);
}

static void wakes_are_told_once(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    for (int k = 0; k < 1000; k++)
        netpoll_wake(w->np);
    world_until(w, w->woken);
    world_settle(w);
    assert_int_equal(w->woken, 1);
    netpoll_wake(w->np);
    world_until(w, w->woken == 2);
    assert_int_equal(netpoll_stats(w->np)->wakes, 2);
}

static void wake_again(struct world *w, enum event event, struct link *l)
{
    (void)l;
    if (event == EVENT_WOKEN && w->woken < 5)
        netpoll_wake(w->np);
}

static void waking_inside_woken(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    w->hook = wake_again;
    netpoll_wake(w->np);
    world_until(w, w->woken == 5);
}

struct waker {
    struct netpoll *np;
    atomic_uint asked; /* raised before each wake */
    atomic_uint seen;  /* what `woken` found */
};

enum { WAKES = 500 };

/* Each wake waits until the one before was heard: none may be lost. */
static void *wake_repeatedly(void *context)
{
    struct waker *waker = context;
    for (unsigned k = 1; k <= WAKES; k++) {
        atomic_store(&waker->asked, k);
        netpoll_wake(waker->np);
        while (atomic_load(&waker->seen) < k)
            sched_yield();
    }
    return NULL;
}

static void see_wake(struct world *w, enum event event, struct link *l)
{
    (void)l;
    struct waker *waker = w->plan;
    if (event == EVENT_WOKEN)
        atomic_store(&waker->seen, atomic_load(&waker->asked));
}

static void another_thread_wakes(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    struct waker waker = {.np = w->np};
    w->plan = &waker;
    w->hook = see_wake;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_repeatedly, &waker), 0);
    uint64_t deadline = world_deadline();
    while (atomic_load(&waker.seen) < WAKES && world_clock_ms() < deadline)
        world_turn(w, 5000);
    unsigned heard = atomic_exchange(&waker.seen, WAKES); /* lets the thread end in any case */
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(heard, WAKES);
    assert_in_range(w->woken, 1, WAKES);
}

static struct netpoll *signalled; /* a signal handler has no argument to carry it */

static void on_signal(int number)
{
    (void)number;
    int before = errno;
    errno = ENOTTY;
    netpoll_wake(signalled);
    if (errno != ENOTTY)
        abort(); /* it must be kept */
    errno = before;
}

/* The signal comes while the turn waits. */
static void a_signal_handler_wakes(void **state)
{
    struct world *w = *state;
    world_open(w, NULL);
    signalled = w->np;
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;
    sigaction(SIGALRM, &action, &before);
    struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    uint64_t start = world_clock_ms();
    world_until(w, w->woken);
    assert_true(world_clock_ms() - start < 5000);
    raise(SIGALRM);
    world_until(w, w->woken == 2);
    sigaction(SIGALRM, &before, NULL);
}

static const struct CMUnitTest cases[] = {
    CONFORMANCE_CASE(timers_go_off_in_order_and_not_early),
    CONFORMANCE_CASE(many_timers_go_off_in_order),
    CONFORMANCE_CASE(a_timer_can_be_moved_and_cancelled),
    CONFORMANCE_CASE(a_timer_cancelled_inside_another_does_not_go_off),
    CONFORMANCE_CASE(a_timer_of_no_time_does_not_hold_the_turn),
    CONFORMANCE_CASE(a_timer_ends_an_endless_wait),
    CONFORMANCE_CASE(a_turn_does_not_outlast_its_timeout),
    CONFORMANCE_CASE(wakes_are_told_once),
    CONFORMANCE_CASE(waking_inside_woken),
    CONFORMANCE_CASE(another_thread_wakes),
    CONFORMANCE_CASE(a_signal_handler_wakes),
};

const struct case_table cases_time = {cases, sizeof cases / sizeof *cases};
