/*
 * The owner of a test's netpoll: it records what is delivered and watches over the rules that hold
 * for every backend, in every case, at every moment. A broken rule is noted and fails the test
 * after the turn: jumping out of a callback would leave netpoll broken.
 */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const event_names[] = {
    [EVENT_ACCEPTED] = "accepted",
    [EVENT_ACCEPT_PAUSED] = "accept_paused",
    [EVENT_DATA] = "data",
    [EVENT_ENDED] = "ended",
    [EVENT_FELL_SHORT] = "fell_short",
    [EVENT_WRITABLE] = "writable",
    [EVENT_CLOSED] = "closed",
    [EVENT_TIMER] = "timer",
    [EVENT_WOKEN] = "woken",
};

static void require(struct world *w, bool good, enum event event, const char *rule)
{
    if (!good && !w->violation[0])
        snprintf(w->violation, sizeof w->violation, "%s: %s", event_names[event], rule);
}

static void event_begin(struct world *w, enum event event)
{
    require(w, !w->in_event, event, "came inside another event");
    require(w, !w->in_call, event, "came inside an operation");
    bool here = event == EVENT_FELL_SHORT ? w->in_commit : w->in_turn && !w->in_commit;
    require(w, here, event, "came neither from the turn nor, if fell_short, from the commit");
    w->in_event = true;
}

static void event_end(struct world *w, enum event event, struct link *l)
{
    if (w->hook)
        w->hook(w, event, l);
    w->in_event = false;
}

static struct link *link_of(struct world *w, netpoll_handle h)
{
    uint32_t i = netpoll_slot(h);
    struct link *l = i < w->slot_count ? w->by_slot[i] : NULL;
    return l && l->handle == h ? l : NULL;
}

/* The link of an event other than `closed`; NULL if there must be none for it. */
static struct link *link_alive(struct world *w, enum event event, netpoll_handle h)
{
    struct link *l = link_of(w, h);
    require(w, l != NULL, event, "for an unknown handle");
    if (!l)
        return NULL;
    require(w, !l->closed, event, "after closed");
    require(w, !l->close_asked, event, "after netpoll_close()");
    return l;
}

static void on_closed(void *owner, netpoll_handle h, int reason)
{
    struct world *w = owner;
    event_begin(w, EVENT_CLOSED);
    struct link *l = link_of(w, h);
    require(w, l && !l->closed, EVENT_CLOSED, "twice, or for an unknown handle");
    if (l) {
        require(w, !l->close_asked || reason == 0, EVENT_CLOSED, "a reason after netpoll_close()");
        require(w, l->close_asked || reason != 0, EVENT_CLOSED, "unasked and without a reason");
        l->closed++;
        l->reason = reason;
    }
    event_end(w, EVENT_CLOSED, l);
}

static void on_data(void *owner, netpoll_handle h, const char *bytes, size_t n)
{
    struct world *w = owner;
    event_begin(w, EVENT_DATA);
    struct link *l = link_alive(w, EVENT_DATA, h);
    if (l) {
        require(w, n > 0, EVENT_DATA, "empty");
        require(w, !l->ended, EVENT_DATA, "after ended");
        bytes_append(&l->in, bytes, n);
        l->data_calls++;
        l->late += l->is_paused ? n : 0;
    }
    event_end(w, EVENT_DATA, l);
}

static void on_ended(void *owner, netpoll_handle h)
{
    struct world *w = owner;
    event_begin(w, EVENT_ENDED);
    struct link *l = link_alive(w, EVENT_ENDED, h);
    if (l) {
        require(w, !l->ended, EVENT_ENDED, "twice");
        l->ended++;
    }
    event_end(w, EVENT_ENDED, l);
}

static void on_fell_short(void *owner, netpoll_handle h, size_t left)
{
    struct world *w = owner;
    event_begin(w, EVENT_FELL_SHORT);
    struct link *l = link_alive(w, EVENT_FELL_SHORT, h);
    if (l) {
        require(w, !l->is_short, EVENT_FELL_SHORT, "twice before writable");
        require(w, left > 0 && left <= l->sent, EVENT_FELL_SHORT, "not what was sent");
        l->is_short = true;
        l->shortages++;
        l->left = left;
        l->sent -= left;
    }
    event_end(w, EVENT_FELL_SHORT, l);
}

static void on_writable(void *owner, netpoll_handle h)
{
    struct world *w = owner;
    event_begin(w, EVENT_WRITABLE);
    struct link *l = link_alive(w, EVENT_WRITABLE, h);
    if (l) {
        require(w, l->is_short, EVENT_WRITABLE, "though nothing fell short");
        l->is_short = false;
        l->writables++;
    }
    event_end(w, EVENT_WRITABLE, l);
}

static void on_timer(void *owner, uint64_t id)
{
    struct world *w = owner;
    event_begin(w, EVENT_TIMER);
    if (w->timer_count < TIMERS_SEEN_MAX)
        w->timers[w->timer_count] = id;
    w->timer_count++;
    event_end(w, EVENT_TIMER, NULL);
}

static void on_woken(void *owner)
{
    struct world *w = owner;
    event_begin(w, EVENT_WOKEN);
    w->woken++;
    event_end(w, EVENT_WOKEN, NULL);
}

static void on_accepted(void *owner, netpoll_handle listener, netpoll_handle h,
                        const struct address *peer)
{
    struct world *w = owner;
    event_begin(w, EVENT_ACCEPTED);
    struct link *by = link_alive(w, EVENT_ACCEPTED, listener);
    require(w, !link_of(w, h), EVENT_ACCEPTED, "a handle that was used before");
    struct link *l = world_link(w, h);
    l->listener = by;
    l->from = *peer;
    w->accepted++;
    event_end(w, EVENT_ACCEPTED, l);
}

static void on_accept_paused(void *owner, netpoll_handle listener, int error)
{
    struct world *w = owner;
    event_begin(w, EVENT_ACCEPT_PAUSED);
    struct link *l = link_alive(w, EVENT_ACCEPT_PAUSED, listener);
    require(w, error > 0, EVENT_ACCEPT_PAUSED, "without an errno");
    w->accept_pauses++;
    w->accept_error = error;
    event_end(w, EVENT_ACCEPT_PAUSED, l);
}

const struct netpoll_handlers world_handlers = {
    .accepted = on_accepted,
    .accept_paused = on_accept_paused,
    .data = on_data,
    .ended = on_ended,
    .fell_short = on_fell_short,
    .writable = on_writable,
    .closed = on_closed,
    .timer = on_timer,
    .woken = on_woken,
};
