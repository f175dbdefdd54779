/* The hub's rooms: membership, messages, history, and how long a log is kept. */
#include "diag.h"
#include "hub.h"

#include <errno.h>

/* ---- finding -------------------------------------------------------------------------------- */

struct room *hub_lobby(struct hub *hub)
{
    return hub->rooms[0];
}

struct room *hub_room_at(struct hub *hub, uint32_t id)
{
    return id == UINT32_MAX ? NULL : hub->rooms[id];
}

struct room *hub_find_room(struct hub *hub, struct str name)
{
    uint32_t id = name_index_find(&hub->room_names, name);
    return id == NAME_INDEX_NONE ? NULL : hub->rooms[id];
}

struct member *hub_member(struct hub *hub, const struct link *link)
{
    return &hub->rooms[link->room]->members[link->index];
}

static struct conn *member_conn(struct hub *hub, const struct member *m)
{
    return &hub->conns[(uint32_t)m->handle];
}

static void mark_dirty(struct hub *hub, struct room *room)
{
    if (room->dirty)
        return;
    room->dirty = true;
    hub->dirty.items[hub->dirty.count++] = room->id;
}

/* ---- making and freeing rooms --------------------------------------------------------------- */

static uint32_t free_id(struct hub *hub)
{
    if (hub->free_rooms.count > 0)
        return hub->free_rooms.items[--hub->free_rooms.count];
    return hub->rooms_used < HUB_ROOMS_MAX ? hub->rooms_used++ : UINT32_MAX;
}

static struct room *room_make(struct hub *hub, struct str name)
{
    uint32_t id = free_id(hub);
    if (id == UINT32_MAX)
        return NULL;
    struct room *room = room_new(name, id, &hub->pools);
    if (room && name_index_add(&hub->room_names, name, id) < 0) {
        room_free(room);
        room = NULL;
    }
    hub->rooms[id] = room;
    if (room) {
        hub->stats.rooms++;
    } else {
        hub->stats.no_memory++;
        hub->free_rooms.items[hub->free_rooms.count++] = id;
    }
    return room;
}

/* From the end: who leaves made its rooms dirty just now. */
static void forget_dirty(struct hub *hub, const struct room *room)
{
    uint32_t i = hub->dirty.count;
    while (hub->dirty.items[--i] != room->id)
        ;
    hub->dirty.items[i] = hub->dirty.items[--hub->dirty.count];
}

/* A room lives as long as somebody is in it; the lobby for ever. */
static void room_release(struct hub *hub, struct room *room)
{
    if (room->count > 0 || room == hub_lobby(hub))
        return;
    if (room->dirty)
        forget_dirty(hub, room);
    name_index_remove(&hub->room_names, room_name(room), room->id);
    hub->rooms[room->id] = NULL;
    hub->free_rooms.items[hub->free_rooms.count++] = room->id;
    hub->stats.rooms--;
    room_free(room);
}

/* ---- retention ------------------------------------------------------------------------------ */

/* Lowest offset of `log` that a member still needs; `live` if it is its live log. */
static uint64_t member_need(struct hub *hub, const struct member *m, const struct room_log *log,
                            bool live)
{
    uint64_t need = live && !(m->flags & MEMBER_GHOST) ? m->cursor : UINT64_MAX;
    if (!(m->flags & (MEMBER_SLOW | MEMBER_GHOST)))
        return need;
    uint64_t queued = outq_need(&member_conn(hub, m)->outq, log);
    return queued < need ? queued : need;
}

static uint64_t lowest_need(struct hub *hub, const struct room *room, enum wire_id w,
                            const struct room_log *log)
{
    uint64_t need = log->end;
    for (uint32_t i = 0; i < room->count; i++) {
        const struct member *m = &room->members[i];
        uint64_t own = member_need(hub, m, log, log == &room->live[w] && m->wire == w);
        need = own < need ? own : need;
    }
    return need;
}

/* Where a history should start. It starts before that while it is read from. */
static uint64_t history_start(const struct hub *hub, const struct room *room,
                              const struct room_log *history)
{
    if (history->mark_count <= hub->limits.history)
        return history->start;
    return room_log_after(history, room->number - hub->limits.history);
}

void hub_settle(struct hub *hub, struct room *room)
{
    for (int w = 0; w < WIRE_COUNT; w++) {
        struct room_log *log = &room->live[w];
        struct room_log *history = &room->history[w];
        if (log->start != log->end)
            room_log_drop(log,
                          room->level ? log->end : lowest_need(hub, room, (enum wire_id)w, log));
        if (history->readers == 0)
            room_log_drop(history, history_start(hub, room, history));
    }
}

/* Makes the room dirty if its logs hold what nobody's out-queue needs. */
static void tidy(struct hub *hub, struct room *room)
{
    for (int w = 0; w < WIRE_COUNT; w++) {
        const struct room_log *log = &room->live[w];
        const struct room_log *history = &room->history[w];
        bool live = log->readers == 0 && log->start != log->end;
        bool old = history->readers == 0 && history_start(hub, room, history) != history->start;
        if (live || old)
            mark_dirty(hub, room);
    }
}

void hub_tidy_rooms(struct hub *hub, struct conn *c)
{
    const struct link *links = conn_links(c);
    for (uint16_t i = 0; i < c->link_count; i++)
        tidy(hub, hub->rooms[links[i].room]);
}

/* What its connection has queued of the log goes: skipped, or with the whole connection. */
static uint64_t give_up_queued(struct hub *hub, struct conn *c, struct room_log *log)
{
    uint64_t skipped = 0;
    if (hub->limits.slow == SLOW_CLOSE) {
        hub->stats.closed_slow++;
        hub_doom(hub, c, "reads too slowly");
    } else if (outq_skip(&c->outq, log, &skipped) < 0) {
        hub_lose(hub, c);
    }
    return skipped;
}

/* The member lags further behind than the log may grow. Afterwards it needs nothing of it. */
static void fall_behind(struct hub *hub, struct member *m, struct room_log *log, bool live)
{
    char label[64 + 4 * TEXT_NICK_MAX];
    struct conn *c = member_conn(hub, m);
    uint64_t skipped = c->flags & CONN_DOOMED ? 0 : give_up_queued(hub, c, log);
    if (live) {
        skipped += room_log_count(log, m->cursor, log->end);
        m->cursor = log->end;
    }
    if (c->flags & CONN_DOOMED)
        return;
    diag_log(DIAG_INFO, "%s reads too slowly: skipped ahead", conn_label(c, label, sizeof label));
    m->skipped += (uint32_t)skipped;
    hub->stats.gaps++;
    hub->stats.skipped += skipped;
    hub_mark_slow(hub, c);
}

/* Those who do not take their bytes, and would need something before `limit`, are given up. Who is
 * behind only because its flush is still to come in this turn is no laggard. */
static void cut_laggards(struct hub *hub, struct room *room, enum wire_id w, struct room_log *log,
                         uint64_t limit)
{
    for (uint32_t i = 0; i < room->count; i++) {
        struct member *m = &room->members[i];
        bool live = log == &room->live[w] && m->wire == w && !(m->flags & MEMBER_GHOST);
        if (m->flags && member_conn(hub, m)->flags & CONN_BLOCKED &&
            member_need(hub, m, log, live) < limit)
            fall_behind(hub, m, log, live);
    }
}

/* Brings what a log keeps for laggards, all before `wanted`, back under the lag limit, segment by
 * segment. */
static void cut_log(struct hub *hub, struct room *room, enum wire_id w, struct room_log *log,
                    uint64_t wanted)
{
    bool progress = true;
    while (progress && room_log_weight(log, wanted) > hub->limits.lag_limit) {
        uint64_t before = log->start;
        uint64_t second = room_log_second_segment(log);
        uint64_t limit = second < wanted ? second : wanted;
        cut_laggards(hub, room, w, log, limit);
        uint64_t need = lowest_need(hub, room, w, log);
        room_log_drop(log, need < limit ? need : limit);
        progress = log->start != before;
    }
}

static void enforce_limit(struct hub *hub, struct room *room)
{
    for (int w = 0; w < WIRE_COUNT; w++) {
        struct room_log *live = &room->live[w];
        struct room_log *history = &room->history[w];
        if (room_log_weight(live, live->end) > hub->limits.lag_limit)
            cut_log(hub, room, (enum wire_id)w, live, live->end);
        if (history->readers > 0)
            cut_log(hub, room, (enum wire_id)w, history, history_start(hub, room, history));
    }
}

/* ---- posting -------------------------------------------------------------------------------- */

/* The sender does not hear itself: its cursor jumps the range. What it had not been sent before is
 * queued, so that nothing is lost. */
static void jump_own(struct hub *hub, struct conn *c, struct room *room,
                     const uint64_t before[WIRE_COUNT])
{
    struct link *link = conn_link(c, room->id);
    struct member *m = hub_member(hub, link);
    if (m->cursor != before[m->wire] && !(c->flags & CONN_DOOMED)) {
        hub_queue_range(hub, c, link, before[m->wire]);
        hub_mark_slow(hub, c);
    }
    m->cursor = room->live[m->wire].end;
}

static int post(struct hub *hub, struct room *room, struct event *e, bool numbered,
                struct conn *sender)
{
    uint64_t before[WIRE_COUNT];
    int rc = room_post(room, e, numbered, hub->limits.history, before);
    if (rc < 0) {
        hub->stats.no_memory++;
        return rc;
    }
    hub->posted += HUB_POST_COST;
    for (int w = 0; w < WIRE_COUNT; w++) {
        hub->posted += room->live[w].end - before[w];
        hub->due += (room->live[w].end - before[w]) * room->hearing[w];
    }
    if (sender)
        jump_own(hub, sender, room, before);
    mark_dirty(hub, room);
    enforce_limit(hub, room);
    return 0;
}

void hub_announce(struct hub *hub, struct room *room, struct event *e)
{
    if (room_present(room) <= hub->limits.presence_max)
        post(hub, room, e, false, NULL);
}

void hub_post_notice(struct hub *hub, struct room *room, struct str by, struct str text)
{
    struct event e = {
        .type = EVENT_NOTICE,
        .room = room_name(room),
        .from = by,
        .time_ms = hub_now(hub),
        .text = text,
    };
    post(hub, room, &e, false, NULL);
}

void hub_post(struct hub *hub, struct conn *c, struct room *room, enum filter_kind kind,
              struct str text)
{
    struct event e = {
        .type = kind == FILTER_ACTION ? EVENT_ACTION : EVENT_MESSAGE,
        .room = room_name(room),
        .from = conn_nick(c),
        .id = c->id,
        .time_ms = hub_now(hub),
        .text = text,
    };
    bool member = conn_link(c, room->id);
    if (post(hub, room, &e, true, member ? c : NULL) < 0) {
        hub_error(hub, c, "The hub is out of memory: your message was not sent.");
        return;
    }
    hub->stats.messages++;
    if (member && room_present(room) == 1)
        hub_notice(hub, c, "Nobody else is here yet.");
}

void hub_say(struct hub *hub, struct conn *c, enum filter_kind kind, struct str text)
{
    struct room *room = hub_room_at(hub, conn_room(c));
    if (!room) {
        hub_error(hub, c, "You are in no room: /join one first.");
        return;
    }
    struct filter_event e = {.kind = kind, .room = room_name(room), .text = text};
    struct filter_result result;
    if (!hub_ask(hub, c, &e, &result))
        return;
    if (result.verdict == FILTER_DIVERT) {
        room = hub_find_room(hub, result.text);
        result.text = result.message;
    }
    if (room)
        hub_post(hub, c, room, kind, result.text);
}

/* ---- history -------------------------------------------------------------------------------- */

static void replay(struct hub *hub, struct conn *c, struct room *room, uint64_t after)
{
    struct room_log *log = &room->history[c->wire];
    uint64_t from = room_log_after(log, after);
    uint64_t count = room_log_count(log, from, log->end);
    if (count == 0)
        return;
    struct event e = {.type = EVENT_HISTORY, .room = room_name(room), .count = count};
    hub_tell(hub, c, &e);
    if (c->flags & CONN_DOOMED)
        return;
    if (outq_push_range(&c->outq, log, from, log->end) < 0)
        hub_lose(hub, c);
    hub->stats.replays++;
}

void hub_replay_last(struct hub *hub, struct conn *c, struct room *room, uint64_t n)
{
    n = n < hub->limits.history ? n : hub->limits.history;
    replay(hub, c, room, room->number > n ? room->number - n : 0);
}

/* Messages older than the history are gone; the reader sees it by their numbers. */
void hub_replay_after(struct hub *hub, struct conn *c, struct room *room, uint64_t seq)
{
    uint64_t oldest = room->number > hub->limits.history ? room->number - hub->limits.history : 0;
    replay(hub, c, room, seq > oldest ? seq : oldest);
}

/* ---- membership ----------------------------------------------------------------------------- */

/* To the others: it is a member already, but does not hear itself. */
static void announce_join(struct hub *hub, struct conn *c, struct room *room)
{
    struct event e = {
        .type = EVENT_JOIN,
        .room = room_name(room),
        .from = conn_nick(c),
        .id = c->id,
        .time_ms = hub_now(hub),
    };
    if (room_present(room) <= hub->limits.presence_max)
        post(hub, room, &e, false, c);
}

static void tell_joined(struct hub *hub, struct conn *c, struct room *room)
{
    struct event e = {
        .type = EVENT_JOIN,
        .own = true,
        .room = room_name(room),
        .from = conn_nick(c),
        .id = c->id,
        .time_ms = hub_now(hub),
        .count = room_present(room) - 1,
    };
    hub_tell(hub, c, &e);
}

static const char *enter(struct hub *hub, struct conn *c, struct room *room)
{
    int index = room_add(room, c->handle, (enum wire_id)c->wire);
    struct link link = {room->id, (uint32_t)index};
    int rc = index < 0 ? index : conn_link_add(c, link);
    if (rc == 0)
        return NULL;
    if (index >= 0)
        room_remove(room, (uint32_t)index);
    if (rc == -EMLINK)
        return "You are in 64 rooms: /part one first.";
    hub->stats.no_memory++;
    return "The hub is out of memory.";
}

const char *hub_join(struct hub *hub, struct conn *c, struct str name, bool welcome)
{
    struct room *room = hub_find_room(hub, name);
    if (!room)
        room = room_make(hub, name);
    if (!room)
        return "The hub takes no more rooms.";
    const char *fault = enter(hub, c, room);
    if (fault) {
        room_release(hub, room);
        return fault;
    }
    announce_join(hub, c, room);
    hub_mark_slow(hub, c);
    if (welcome)
        tell_joined(hub, c, room);
    if (hub->limits.history > 0)
        hub_replay_last(hub, c, room, hub->limits.history);
    return NULL;
}

/* Takes the member at `index` out; the one that takes its place is told its new index. (A flush in
 * slices may not have come to it yet; fanout.c looks for such when it is through.) */
static void remove_member(struct hub *hub, struct room *room, uint32_t index)
{
    room_remove(room, index);
    if (index < room->count) {
        struct conn *moved = member_conn(hub, &room->members[index]);
        conn_link(moved, room->id)->index = index;
    }
    tidy(hub, room);
    room_release(hub, room);
}

static void announce_part(struct hub *hub, struct conn *c, struct room *room, struct str text)
{
    struct event e = {
        .type = EVENT_PART,
        .room = room_name(room),
        .from = conn_nick(c),
        .id = c->id,
        .time_ms = hub_now(hub),
        .text = text,
    };
    struct filter_event told = {.kind = FILTER_LEAVE, .room = e.room, .text = text};
    hub_inform(hub, c, &told);
    hub_announce(hub, room, &e);
}

void hub_part(struct hub *hub, struct conn *c, struct room *room)
{
    struct str name = room_name(room);
    char copy[TEXT_ROOM_MAX];
    memcpy(copy, name.data, name.size);
    announce_part(hub, c, room, STR(""));
    uint32_t index = conn_link(c, room->id)->index;
    conn_link_remove(c, room->id);
    remove_member(hub, room, index);
    struct room *current = hub_room_at(hub, conn_room(c));
    struct event e = {
        .type = EVENT_PART,
        .own = true,
        .room = {copy, name.size},
        .from = conn_nick(c),
        .id = c->id,
        .time_ms = hub_now(hub),
        .to = current ? room_name(current) : STR(""),
    };
    hub_tell(hub, c, &e);
}

void hub_make_ghost(struct hub *hub, struct conn *c, struct str text)
{
    struct link *links = conn_links(c);
    for (uint16_t i = 0; i < c->link_count; i++) {
        struct room *room = hub->rooms[links[i].room];
        announce_part(hub, c, room, text);
        hub_member(hub, &links[i])->flags |= MEMBER_GHOST | MEMBER_SLOW;
        room->ghosts++;
    }
}

void hub_unlink(struct hub *hub, struct conn *c)
{
    while (c->link_count > 0) {
        struct link link = conn_links(c)[c->link_count - 1];
        conn_link_remove(c, link.room);
        remove_member(hub, hub->rooms[link.room], link.index);
    }
}

void hub_set_wire(struct hub *hub, struct conn *c, enum wire_id wire)
{
    struct link *links = conn_links(c);
    for (uint16_t i = 0; i < c->link_count; i++)
        room_set_wire(hub->rooms[links[i].room], links[i].index, wire);
    c->wire = (uint8_t)wire;
}
