/*
 * Visitors: they come, listen for a while, leave and come back, each in its turn. What one hears
 * begins anywhere, and has no holes from there on.
 */
#include "clocks.h"
#include "engine_impl.h"
#include "say.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* What it hears may begin with any number. */
static void enter_room(struct engine *e, struct visitor *v)
{
    for (uint32_t t = 0; t < e->rooms[v->room].talkers; t++)
        v->next[t] = NONE;
    v->state = PRESENT;
}

static int watch(struct engine *e, uint32_t index)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                                .data.u64 = (uint64_t)TAG_VISITOR << 32 | index};
    if (epoll_ctl(e->near, EPOLL_CTL_ADD, e->visitors[index].entry.fd, &event) < 0)
        return say(EX_OSERR, "epoll_ctl: %s", strerror(errno));
    return 0;
}

int visit_open(struct engine *e, uint32_t visitor)
{
    enter_room(e, &e->visitors[visitor]);
    return watch(e, visitor);
}

static int begin(struct engine *e, uint32_t index)
{
    struct visitor *v = &e->visitors[index];
    struct guest guest = {.id = e->next_id++, .room = v->room, .listens = true};
    v->state = ENTERING;
    int status = entry_begin(&v->entry, e->driver, &e->server, &guest);
    return status ? status : watch(e, index);
}

/* It is the turn of the next one to leave, and come back at once. One that is still on its way in
 * from the last time is late. */
static int take_turn(struct engine *e, uint32_t index)
{
    struct visitor *v = &e->visitors[index];
    if (v->state == ENTERING) {
        e->stretch->visits_late++;
        return 0;
    }
    close(v->entry.fd);
    v->entry.fd = -1;
    e->stretch->visits++;
    return begin(e, index);
}

int visit(struct engine *e, uint64_t now, uint64_t *wake)
{
    int status = 0;
    if (e->visitor_count == 0)
        return 0;
    for (uint64_t due = pace_due(&e->visit_pace, now); due > 0 && !status; due--) {
        status = take_turn(e, (uint32_t)(e->visit_turn++ % e->visitor_count));
        pace_take(&e->visit_pace);
    }
    if (pace_next(&e->visit_pace) < *wake)
        *wake = pace_next(&e->visit_pace);
    return status;
}

bool visit_pending(const struct engine *e)
{
    for (uint32_t v = 0; v < e->visitor_count; v++)
        if (e->visitors[v].state == ENTERING)
            return true;
    return false;
}

static int take_unit(struct engine *e, uint32_t index, const struct unit *unit)
{
    struct visitor *v = &e->visitors[index];
    const struct listener who = {.kind = "visitor", .index = index, .room = v->room};
    struct stamp stamp;
    if (unit->kind == UNIT_DELIVERY)
        return hear_check(e, &who, unit, v->next, &stamp);
    if (unit->kind == UNIT_PING)
        return talk_pong(e, v->entry.fd, unit);
    if (unit->kind == UNIT_ERROR)
        return say(EXIT_WRONG, "the server tells visitor %u: %.*s", index, (int)unit->text_size,
                   unit->text);
    return 0;
}

/* Takes the units out of what the entry has read. */
static int take_units(struct engine *e, uint32_t index)
{
    struct entry *in = &e->visitors[index].entry;
    size_t at = 0;
    int status = 0;
    while (!status) {
        struct unit unit;
        size_t n = e->driver->next(in->in + at, in->have - at, &unit);
        if (n == 0)
            break;
        if (n == SIZE_MAX)
            return say(EX_PROTOCOL, "cannot make sense of what the server says to visitor %u",
                       index);
        status = take_unit(e, index, &unit);
        at += n;
    }
    memmove(in->in, in->in + at, in->have - at);
    in->have -= at;
    return status;
}

static int listen_on(struct engine *e, uint32_t index)
{
    struct entry *in = &e->visitors[index].entry;
    int status = take_units(e, index); /* what came with the end of the hand-shake */
    while (!status) {
        if (in->have == sizeof in->in)
            return say(EX_PROTOCOL, "the server says more at once than fits in %d bytes",
                       DRIVER_UNIT_MAX);
        ssize_t n = recv(in->fd, in->in + in->have, sizeof in->in - in->have, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0)
            return say(EXIT_WRONG, "the server ended the connection of visitor %u%s%s", index,
                       n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
        in->have += (size_t)n;
        status = take_units(e, index);
    }
    return status;
}

int visit_step(struct engine *e, uint32_t visitor)
{
    struct visitor *v = &e->visitors[visitor];
    bool done = false;
    int status = 0;
    if (v->state == ENTERING)
        status = entry_step(&v->entry, &done);
    if (done)
        enter_room(e, v);
    return v->state == PRESENT && !status ? listen_on(e, visitor) : status;
}
