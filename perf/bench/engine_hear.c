/*
 * Receiving. Readers take what comes apart and check it; of the others only the bytes are counted,
 * and compared in the end with what the samples of their room got. See engine.h.
 */
#include "clocks.h"
#include "engine_impl.h"
#include "say.h"
#include "stamp.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#define DISCARD_MAX (1u << 30) /* bytes thrown away by one receive: all there are */

enum { PINGS_MAX = 16 }; /* that a server may send on its own account in a run */

/* ---- what a reader hears ---- */

/* Who got what nobody should get. */
static int wrong_message(const struct listener *who, const struct stamp *stamp, const char *what,
                         uint32_t number)
{
    return say(EXIT_WRONG, "%s %u (room %u) got message %u of sender %u, %s %u", who->kind,
               who->index, who->room, stamp->number, stamp->sender, what, number);
}

int hear_check(const struct engine *e, const struct listener *who, const struct unit *unit,
               uint32_t *next, struct stamp *stamp)
{
    const struct room *r = &e->rooms[who->room];
    if (unit->text_size != e->w->size || !stamp_read(unit->text, unit->text_size, stamp))
        return say(EXIT_WRONG, "%s %u (room %u) got a message of %zu bytes that nobody sent: %.*s",
                   who->kind, who->index, who->room, unit->text_size,
                   unit->text_size < 200 ? (int)unit->text_size : 200, unit->text);
    uint32_t talker = stamp->sender - r->first_talker;
    if (stamp->sender < r->first_talker || talker >= r->talkers)
        return wrong_message(who, stamp, "who is not in its room: the first there is",
                             r->first_talker);
    if (next[talker] != NONE && stamp->number != next[talker])
        return wrong_message(who, stamp, "due was", next[talker]);
    if (stamp->number >= e->talkers[stamp->sender].sent)
        return wrong_message(who, stamp, "who has sent", e->talkers[stamp->sender].sent);
    next[talker] = stamp->number + 1;
    return 0;
}

/* Samples of the room that have the most to go decide how much of a talker is done. */
static void advance(struct engine *e, uint32_t talker)
{
    struct talker *t = &e->talkers[talker];
    const struct room *room = &e->rooms[e->links[t->link].room];
    uint32_t done = t->sent;
    for (uint32_t i = 0; i < room->samples; i++) {
        const struct reader *r = &e->readers[room->sample[i]];
        uint32_t next = r->next[talker - room->first_talker];
        if (next < done && engine_hears(e, &e->links[r->link], talker))
            done = next;
    }
    if (done == t->done)
        return;
    t->done = done;
    if (e->w->rate == 0 && !engine_is_quiet(e, e->links[t->link].room))
        talk_queue(e, talker);
}

static void complete(struct engine *e, struct link *l)
{
    l->complete = true;
    e->behind--;
}

static int take_delivery(struct engine *e, struct reader *r, const struct unit *unit, size_t size,
                         uint64_t now)
{
    struct link *l = &e->links[r->link];
    struct stamp stamp;
    const struct listener who = {.kind = "receiver", .index = r->link, .room = l->room};
    int status = hear_check(e, &who, unit, r->next, &stamp);
    if (status)
        return status;
    if (!engine_hears(e, l, stamp.sender))
        return wrong_message(&who, &stamp, "which is its own: it is connection", r->link);
    r->bytes[stamp.sender - e->rooms[l->room].first_talker] += size;
    l->bytes += size;
    r->heard++;
    if (r->samples) {
        latency_record(engine_is_quiet(e, l->room) ? &e->stretch->quiet : &e->stretch->latency,
                       now - e->epoch - stamp.when);
        advance(e, stamp.sender);
    }
    if (e->phase == PHASE_READ && r->heard == l->due)
        complete(e, l);
    return 0;
}

static int take_unit(struct engine *e, struct reader *r, const struct unit *unit, size_t size,
                     uint64_t now)
{
    switch (unit->kind) {
    case UNIT_DELIVERY:
        return take_delivery(e, r, unit, size, now);
    case UNIT_PING:
        return talk_pong(e, e->links[r->link].fd, unit);
    case UNIT_ERROR:
        return say(EXIT_WRONG, "the server tells connection %u: %.*s", r->link,
                   (int)unit->text_size, unit->text);
    case UNIT_PONG:
    case UNIT_OTHER:
        break;
    }
    return 0;
}

/* Takes units out of `have` bytes at `at`, and keeps what is left of the last one. */
static int take_units(struct engine *e, struct reader *r, const char *at, size_t have)
{
    uint64_t now = now_ns();
    int status = 0;
    while (have > 0 && !status) {
        struct unit unit;
        size_t n = e->driver->next(at, have, &unit);
        if (n == 0)
            break;
        if (n == SIZE_MAX)
            return say(EX_PROTOCOL, "cannot make sense of what the server says to connection %u",
                       r->link);
        status = take_unit(e, r, &unit, n, now);
        at += n;
        have -= n;
    }
    if (!status && have > e->carry_size)
        status =
            say(EX_PROTOCOL, "the server says more at once than fits in %zu bytes", e->carry_size);
    if (status)
        return status;
    memcpy(r->carry, at, have);
    r->have = have;
    return 0;
}

static int lost(const struct engine *e, uint32_t link, ssize_t n)
{
    return say(EXIT_WRONG, "the server ended the connection of receiver %u (room %u)%s%s", link,
               e->links[link].room, n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
}

/* Reads on until a receive brings less than it could: then epoll tells of more. It does not tell of
 * an end that it has told of. */
static int read_link(struct engine *e, uint32_t index, bool ended)
{
    struct reader *r = &e->readers[e->links[index].reader];
    for (;;) {
        memcpy(e->in, r->carry, r->have);
        ssize_t n = recv(e->links[index].fd, e->in + r->have, READ_SIZE, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0)
            return lost(e, index, n);
        int status = take_units(e, r, e->in, r->have + (size_t)n);
        if (status || (n < READ_SIZE && !ended))
            return status;
    }
}

/* ---- what is only counted ---- */

/* How many of the server's own pings make up the bytes that are over; they are of one size, and
 * smaller than any delivery. */
static uint64_t pings_over(const struct engine *e, const struct link *l)
{
    uint64_t over = l->bytes - l->due;
    if (e->driver->keepalive == 0 || over % e->driver->keepalive != 0)
        return 0;
    return over / e->driver->keepalive <= PINGS_MAX ? over / e->driver->keepalive : 0;
}

static int check_count(struct engine *e, uint32_t index)
{
    struct link *l = &e->links[index];
    if (l->bytes < l->due)
        return 0;
    if (l->bytes > l->due && pings_over(e, l) == 0)
        return say(EXIT_WRONG, "receiver %u (room %u) got %" PRIu64 " bytes, due were %" PRIu64,
                   index, l->room, l->bytes, l->due);
    if (!l->complete)
        complete(e, l);
    return 0;
}

static int count_link(struct engine *e, uint32_t index, bool ended)
{
    struct link *l = &e->links[index];
    int status;
    do {
        ssize_t n = recv(l->fd, NULL, DISCARD_MAX, MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0)
            return lost(e, index, n);
        l->bytes += (uint64_t)n;
        status = e->phase >= PHASE_COUNT ? check_count(e, index) : 0;
    } while (ended && !status);
    return status;
}

int hear(struct engine *e, uint32_t link, bool ended)
{
    if (e->links[link].slow)
        return 0;
    return e->links[link].reader != NONE ? read_link(e, link, ended) : count_link(e, link, ended);
}

int hear_forget_pings(struct engine *e)
{
    const struct unit ping = {.kind = UNIT_PING};
    int status = 0;
    for (uint32_t i = 0; i < e->link_count && !status; i++) {
        struct link *l = &e->links[i];
        if (l->slow || l->reader != NONE || l->bytes <= l->due)
            continue;
        for (uint64_t n = pings_over(e, l); n > 0 && !status; n--)
            status = talk_pong(e, l->fd, &ping);
        l->bytes = l->due;
    }
    return status;
}

/* ---- what is due ---- */

/* Deliveries of all talkers that a link hears. */
static uint64_t due_deliveries(const struct engine *e, const struct link *l)
{
    const struct room *r = &e->rooms[l->room];
    uint64_t sum = 0;
    for (uint32_t t = r->first_talker; t < r->first_talker + r->talkers; t++)
        if (engine_hears(e, l, t))
            sum += e->talkers[t].sent;
    return sum;
}

/* The bytes of what one talker said, as a sample got them that hears it. */
static uint64_t bytes_of(const struct engine *e, const struct room *room, uint32_t talker)
{
    for (uint32_t i = 0; i < room->samples; i++) {
        const struct reader *r = &e->readers[room->sample[i]];
        if (engine_hears(e, &e->links[r->link], talker))
            return r->bytes[talker - room->first_talker];
    }
    return 0;
}

static uint64_t due_bytes(const struct engine *e, const struct link *l)
{
    const struct room *r = &e->rooms[l->room];
    uint64_t sum = 0;
    for (uint32_t t = r->first_talker; t < r->first_talker + r->talkers; t++)
        if (engine_hears(e, l, t))
            sum += bytes_of(e, r, t);
    return sum;
}

void hear_begin_read(struct engine *e)
{
    e->phase = PHASE_READ;
    e->behind = 0;
    for (uint32_t i = 0; i < e->reader_count; i++) {
        struct link *l = &e->links[e->readers[i].link];
        l->due = due_deliveries(e, l);
        l->complete = e->readers[i].heard == l->due;
        e->behind += !l->complete;
    }
}

/* Whoever has all of it already is complete at once. */
int hear_begin_count(struct engine *e)
{
    int status = 0;
    e->phase = PHASE_COUNT;
    e->behind = 0;
    for (uint32_t i = 0; i < e->link_count && !status; i++) {
        struct link *l = &e->links[i];
        if (l->slow || l->reader != NONE)
            continue;
        l->due = due_bytes(e, l);
        l->complete = false;
        e->behind++;
        status = check_count(e, i);
    }
    return status;
}

uint64_t hear_deliveries(const struct engine *e, uint64_t *read)
{
    uint64_t sum = 0;
    *read = 0;
    for (uint32_t i = 0; i < e->link_count; i++) {
        uint64_t n = e->links[i].slow ? 0 : due_deliveries(e, &e->links[i]);
        sum += n;
        *read += e->links[i].reader != NONE ? n : 0;
    }
    return sum;
}

int hear_stuck(const struct engine *e)
{
    for (uint32_t i = 0; i < e->link_count && e->phase > PHASE_TALK; i++) {
        const struct link *l = &e->links[i];
        if (l->slow || l->complete || (l->reader == NONE && e->phase == PHASE_READ))
            continue;
        if (l->reader != NONE)
            return say(EXIT_WRONG,
                       "nothing came for %u ms: receiver %u (room %u) has %" PRIu64 " messages, "
                       "due are %" PRIu64 "; %u such receivers",
                       e->w->patience_ms, i, l->room, e->readers[l->reader].heard, l->due,
                       e->behind);
        return say(EXIT_WRONG,
                   "nothing came for %u ms: receiver %u (room %u) has %" PRIu64 " bytes, due are "
                   "%" PRIu64 "; %u such receivers",
                   e->w->patience_ms, i, l->room, l->bytes, l->due, e->behind);
    }
    for (uint32_t t = 0; t < e->talker_count; t++)
        if (e->talkers[t].done < e->talkers[t].sent)
            return say(EXIT_WRONG,
                       "nothing came for %u ms: of sender %u all have %u messages of %u",
                       e->w->patience_ms, t, e->talkers[t].done, e->talkers[t].sent);
    return say(EXIT_WRONG, "nothing came for %u ms", e->w->patience_ms);
}
