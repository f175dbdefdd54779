/*
 * The loop, see engine.h. A stretch has three phases: messages are sent; then the readers get what
 * is left; then it is known how many bytes the others are due, and they get them.
 *
 * Readers and talkers are looked at first, and of those who are only counted a few at a time: what
 * the load has to do for a thousand receivers does not show in the latency of the eight.
 */
#include "clocks.h"
#include "engine_impl.h"
#include "say.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static int handle_link(struct engine *e, uint32_t index, uint32_t events)
{
    const struct link *l = &e->links[index];
    int status = 0;
    if (l->talker != NONE && (events & EPOLLOUT))
        status = talk_unblock(e, l->talker);
    if (!status && (events & ~(uint32_t)EPOLLOUT))
        status = hear(e, index, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
    return status;
}

/* A few of those who are only counted; the rest rings again. */
static int handle_far(struct engine *e)
{
    struct epoll_event events[FAR_MAX];
    int n = epoll_wait(e->far, events, FAR_MAX, 0);
    int status = n < 0 ? say(EX_OSERR, "epoll_wait: %s", strerror(errno)) : 0;
    for (int i = 0; i < n && !status; i++)
        status = handle_link(e, (uint32_t)events[i].data.u64, events[i].events);
    return status;
}

static int handle(struct engine *e, const struct epoll_event *event, bool *far)
{
    switch (event->data.u64 >> 32) {
    case TAG_LINK:
        return handle_link(e, (uint32_t)event->data.u64, event->events);
    case TAG_VISITOR:
        return visit_step(e, (uint32_t)event->data.u64);
    default:
        *far = true;
        return 0;
    }
}

/* Waits for something to happen until `wake`, and deals with it. `*events` is how much it was. */
static int collect(struct engine *e, uint64_t wake, int *events_out)
{
    struct epoll_event events[NEAR_MAX];
    uint64_t now = now_ns();
    uint64_t left = wake > now ? wake - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u),
                               .tv_nsec = (long)(left % 1000000000u)};
    bool far = false;
    int n = epoll_pwait2(e->near, events, NEAR_MAX, &timeout, NULL);
    int status = n < 0 && errno != EINTR ? say(EX_OSERR, "epoll_pwait2: %s", strerror(errno)) : 0;
    for (int i = 0; i < n && !status; i++)
        status = handle(e, &events[i], &far);
    if (far && !status)
        status = handle_far(e);
    *events_out = n > 0 ? n : 0;
    return status;
}

/* Begins what is next, once the phase has done what it is for. */
static int go_on(struct engine *e, uint64_t now)
{
    int status = 0;
    if (e->phase == PHASE_TALK && (e->left == 0 || (e->deadline && now >= e->deadline)))
        hear_begin_read(e);
    if (e->phase == PHASE_READ && e->behind == 0)
        status = hear_begin_count(e);
    if (!status && e->phase == PHASE_COUNT && e->behind == 0 && !visit_pending(e))
        e->phase = PHASE_OVER;
    return status;
}

/* True if somebody waits for something. In an open loop nothing may be due for a while. */
static bool outstanding(const struct engine *e)
{
    if (e->phase != PHASE_TALK || e->w->rate == 0)
        return true;
    for (uint32_t t = 0; t < e->talker_count; t++)
        if (e->talkers[t].done < e->talkers[t].sent)
            return true;
    return false;
}

static uint64_t sent(const struct engine *e)
{
    uint64_t sum = 0;
    for (uint32_t t = 0; t < e->talker_count - e->quiet; t++)
        sum += e->talkers[t].sent;
    return sum;
}

static int turn(struct engine *e)
{
    uint64_t now = now_ns();
    uint64_t patience = e->w->patience_ms * UINT64_C(1000000);
    uint64_t wake = e->active + patience;
    int events = 0;
    int status = 0;
    if (wake <= now)
        wake = now + patience;
    if (e->phase == PHASE_TALK) {
        if (e->deadline && e->deadline < wake)
            wake = e->deadline;
        status = talk(e, now, &wake);
        if (!status)
            status = visit(e, now, &wake);
    }
    if (!status)
        status = go_on(e, now);
    if (!status && e->phase != PHASE_OVER)
        status = collect(e, wake, &events);
    if (events > 0)
        e->active = now_ns();
    else if (!status && now - e->active > patience && outstanding(e))
        status = hear_stuck(e);
    return status;
}

static void begin(struct engine *e, struct stretch *s)
{
    uint64_t now = now_ns();
    e->stretch = s;
    e->start = e->active = now;
    e->left = s->messages ? s->messages : UINT64_MAX;
    e->deadline = s->messages ? 0 : now + (uint64_t)(s->seconds * 1e9);
    if (e->deadline && e->w->rate > 0) { /* a stall at the end must not take its messages away */
        e->left = (uint64_t)(e->w->rate * s->seconds) + 1;
        e->deadline = 0;
    }
    e->phase = PHASE_TALK;
    if (e->visitor_count > 0)
        pace_start(&e->visit_pace, e->w->churn, now);
    talk_begin(e, now);
}

static void show(const struct engine *e)
{
    const struct stretch *s = e->stretch;
    if (e->w->progress && e->w->progress->on)
        progress_show(e->w->progress, "messages",
                      s->messages ? s->messages - e->left : UINT64_MAX - e->left, s->messages);
}

int engine_run(struct engine *e, struct stretch *s)
{
    uint64_t read_before;
    uint64_t read;
    uint64_t sent_before = sent(e);
    uint64_t before = hear_deliveries(e, &read_before);
    int status = 0;
    begin(e, s);
    while (!status && e->phase != PHASE_OVER) {
        status = turn(e);
        show(e);
    }
    s->ns = now_ns() - e->start;
    s->sent = sent(e) - sent_before;
    s->deliveries = hear_deliveries(e, &read) - before;
    s->read = read - read_before;
    return status;
}

int engine_check(struct engine *e)
{
    int events;
    int status;
    do
        status = collect(e, 0, &events);
    while (!status && events > 0);
    return status ? status : hear_forget_pings(e);
}
