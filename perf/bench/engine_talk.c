/*
 * Sending. In a closed loop, a talker fills its window up whenever the samples of its room have one
 * of its messages. In an open loop, the talkers take turns at the pace that was asked for; what
 * cannot be sent at its time is sent later, and its age counts from when it was due.
 */
#include "clocks.h"
#include "engine_impl.h"
#include "say.h"
#include "stamp.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Messages that still fit into a talker's buffer behind what is there. */
static size_t space(const struct engine *e, const struct talker *t)
{
    return (e->out_size - t->end) / (e->w->size + DRIVER_AROUND_MAX);
}

static void encode(struct engine *e, uint32_t index, uint64_t when)
{
    char text[DRIVER_TEXT_MAX];
    struct talker *t = &e->talkers[index];
    struct stamp stamp = {.sender = index, .number = t->sent++, .when = when - e->epoch};
    stamp_write(text, e->w->size, &stamp);
    t->end += e->driver->publish(t->out + t->end, e->links[t->link].room, text, e->w->size);
}

static int flush(struct engine *e, struct talker *t)
{
    while (t->begin < t->end) {
        ssize_t n = send(e->links[t->link].fd, t->out + t->begin, t->end - t->begin,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        t->blocked = n < 0 && errno == EAGAIN;
        if (t->blocked)
            return 0; /* epoll tells when there is room */
        if (n < 0)
            return say(EXIT_WRONG, "sender %u cannot send: %s", (unsigned)(t - e->talkers),
                       strerror(errno));
        t->begin += (size_t)n;
    }
    t->begin = t->end = 0;
    return 0;
}

/* ---- closed loop ---- */

void talk_queue(struct engine *e, uint32_t talker)
{
    struct talker *t = &e->talkers[talker];
    if (t->queued)
        return;
    t->queued = true;
    e->queue[(e->queue_begin + e->queue_size++) % e->talker_count] = talker;
}

/* Messages that a talker may say now, all limits taken together. */
static uint64_t allowance(const struct engine *e, const struct talker *t)
{
    uint64_t n = e->w->window - (t->sent - t->done);
    if (n > e->left)
        n = e->left;
    return n < space(e, t) ? n : space(e, t);
}

static int fill(struct engine *e, uint32_t index)
{
    struct talker *t = &e->talkers[index];
    int status = 0;
    while (!t->blocked && !status) {
        uint64_t n = allowance(e, t);
        uint64_t now = now_ns();
        if (n == 0)
            return 0;
        e->left -= n;
        while (n-- > 0)
            encode(e, index, now);
        status = flush(e, t);
    }
    return status;
}

static int talk_closed(struct engine *e)
{
    int status = 0;
    while (e->queue_size > 0 && e->left > 0 && !status) {
        uint32_t index = e->queue[e->queue_begin];
        e->queue_begin = (e->queue_begin + 1) % e->talker_count;
        e->queue_size--;
        e->talkers[index].queued = false;
        status = fill(e, index);
    }
    return status;
}

/* ---- open loop ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Says what is due at one pace, by `count` talkers in turn; `*left` messages at most. */
static int talk_paced(struct engine *e, struct pace *pace, uint32_t first, uint32_t count,
                      uint64_t *left, uint64_t now)
{
    uint64_t due = sooner(pace_due(pace, now), *left);
    int status = 0;
    for (; due > 0 && !status; due--) {
        uint32_t index = first + (uint32_t)(pace->taken % count);
        if (space(e, &e->talkers[index]) == 0) {
            e->choked = true;
            return 0;
        }
        encode(e, index, pace_take(pace));
        (*left)--;
        if (!e->talkers[index].blocked)
            status = flush(e, &e->talkers[index]);
    }
    return status;
}

void talk_begin(struct engine *e, uint64_t now)
{
    uint32_t regular = e->talker_count - e->quiet;
    if (e->w->rate > 0)
        pace_start(&e->pace, e->w->rate, now);
    for (uint32_t t = 0; e->w->rate == 0 && t < regular; t++)
        talk_queue(e, t);
    if (e->quiet)
        pace_start(&e->quiet_pace, e->w->quiet_rate, now);
}

int talk(struct engine *e, uint64_t now, uint64_t *wake)
{
    uint32_t regular = e->talker_count - e->quiet;
    uint64_t unlimited = UINT64_MAX;
    int status = 0;
    e->choked = false;
    if (e->quiet) {
        status = talk_paced(e, &e->quiet_pace, regular, 1, &unlimited, now);
        *wake = sooner(*wake, pace_next(&e->quiet_pace));
    }
    if (status)
        return status;
    if (e->w->rate == 0)
        return talk_closed(e);
    status = talk_paced(e, &e->pace, 0, regular, &e->left, now);
    if (!e->choked)
        *wake = sooner(*wake, pace_next(&e->pace));
    return status;
}

/* ---- both ---- */

int talk_unblock(struct engine *e, uint32_t talker)
{
    struct talker *t = &e->talkers[talker];
    if (!t->blocked)
        return 0;
    t->blocked = false;
    int status = flush(e, t);
    if (!t->blocked && e->phase == PHASE_TALK && e->w->rate == 0)
        talk_queue(e, talker);
    return status;
}

int talk_pong(const struct engine *e, int fd, const struct unit *ping)
{
    char answer[DRIVER_SAY_MAX];
    size_t size = e->driver->pong(answer, ping);
    if (size > 0 && send(fd, answer, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
        return say(EXIT_WRONG, "cannot answer the server's ping: %s", strerror(errno));
    return 0;
}
