/* The hub's connections: who is here, under which name, and what is said to one of them. */
#include "hub.h"

#include "clock.h"
#include "diag.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum {
    SENTENCE_MAX = 512,
    LINES_PER_LOOK = 4,
    POSTED_MAX = 1 << 20, /* bytes a turn: about ten milliseconds of sends to a small room */
};

/* ---- life ----------------------------------------------------------------------------------- */

static struct str nick_name(const void *owner, uint32_t slot)
{
    const struct hub *hub = owner;
    return conn_nick(&hub->conns[slot]);
}

static struct str room_names_name(const void *owner, uint32_t id)
{
    const struct hub *hub = owner;
    return room_name(hub->rooms[id]);
}

static void choose_server_id(struct hub *hub)
{
    uint64_t id;
    if (getrandom(&id, sizeof id, GRND_NONBLOCK) < 0)
        id = (uint64_t)time(NULL);
    snprintf(hub->server, sizeof hub->server, "%016" PRIx64, id);
}

static int tables_init(struct hub *hub)
{
    hub->conns = calloc(hub->max_slots, sizeof *hub->conns);
    hub->rooms = calloc(HUB_ROOMS_MAX, sizeof(struct room *));
    hub->free_rooms.items = calloc(HUB_ROOMS_MAX, sizeof *hub->free_rooms.items);
    hub->dirty.items = calloc(HUB_ROOMS_MAX, sizeof *hub->dirty.items);
    hub->pending.items = calloc(hub->max_slots, sizeof *hub->pending.items);
    hub->attend.items = calloc(hub->max_slots, sizeof *hub->attend.items);
    hub->scratch = malloc(TEXT_CLEAN_MAX((size_t)hub->limits.max_line) + 1);
    bool all = hub->conns && hub->rooms && hub->free_rooms.items && hub->dirty.items &&
               hub->pending.items && hub->attend.items && hub->scratch && hub->filters;
    return all ? 0 : -ENOMEM;
}

int hub_init(struct hub *hub, const struct hub_limits *limits, uint32_t slots)
{
    *hub = (struct hub){
        .limits = *limits, .max_slots = slots, .next_id = 1, .taken_max_ns = HUB_TAKEN_MAX_NS};
    hub->filters = filter_chain_new(limits->max_line);
    choose_server_id(hub);
    room_pools_init(&hub->pools);
    name_index_init(&hub->nicks, nick_name, hub);
    name_index_init(&hub->room_names, room_names_name, hub);
    int rc = tables_init(hub);
    if (rc == 0)
        rc = hub_filters_init(hub);
    struct room *lobby = rc == 0 ? room_new(STR(WIRE_LOBBY), 0, &hub->pools) : NULL;
    if (!lobby) {
        hub_fini(hub);
        return -ENOMEM;
    }
    hub->rooms[0] = lobby;
    hub->rooms_used = 1;
    hub->stats.rooms = 1;
    rc = name_index_add(&hub->room_names, room_name(lobby), 0);
    if (rc < 0)
        hub_fini(hub);
    return rc;
}

void hub_fini(struct hub *hub)
{
    for (uint32_t i = 0; hub->conns && i < hub->used_slots; i++) {
        if (hub->conns[i].state != CONN_FREE)
            conn_fini(&hub->conns[i]);
    }
    for (uint32_t i = 0; hub->rooms && i < hub->rooms_used; i++) {
        if (hub->rooms[i])
            room_free(hub->rooms[i]);
    }
    room_pools_fini(&hub->pools);
    name_index_fini(&hub->nicks);
    name_index_fini(&hub->room_names);
    hub_filters_fini(hub);
    free(hub->conns);
    free(hub->rooms);
    free(hub->free_rooms.items);
    free(hub->dirty.items);
    free(hub->pending.items);
    free(hub->attend.items);
    free(hub->scratch);
    *hub = (struct hub){0};
}

void hub_flushed(struct hub *hub)
{
    hub->posted = 0;
    hub->due = 0;
    hub->judged = hub_filters_spent(hub);
    hub->taking_since_ns = 0;
    hub->spent = false;
    hub->reserve = (struct hub_share){.ns = hub->taken_max_ns / 4};
    hub_share(hub, 1);
}

void hub_turn(struct hub *hub)
{
    hub->now_ms = 0;
    hub_flushed(hub);
}

/* Of what may be posted in a turn, so many quarters. */
static bool is_full(const struct hub *hub, size_t quarters)
{
    size_t most = hub->limits.lag_limit / 4;
    most = most < POSTED_MAX ? most : POSTED_MAX;
    return hub->posted > quarters * most / 4 || hub->due > quarters * HUB_DUE_MAX / 4 ||
           hub_filters_spent(hub) - hub->judged > HUB_JUDGED_MAX_NS;
}

bool hub_full(const struct hub *hub)
{
    return is_full(hub, 4);
}

bool hub_share(struct hub *hub, uint32_t parts)
{
    if (hub->spent || hub_full(hub))
        return false;
    hub->share = (struct hub_share){
        .ns = hub->taken_max_ns / parts,
        .due_max = hub->due + HUB_DUE_MAX / parts,
    };
    return true;
}

/* Not at every line: a look at the clock costs a tenth of a short one. Returns the time if it was
 * looked at, or 0. */
static uint64_t take_line(struct hub_share *share)
{
    if (share->lines++ % LINES_PER_LOOK != 0)
        return 0;
    uint64_t now = clock_monotonic_ns();
    if (share->lines == 1)
        share->began_ns = now;
    share->late = now - share->began_ns > share->ns;
    return now;
}

bool hub_late(struct hub *hub)
{
    uint64_t now = take_line(&hub->share);
    if (now > 0 && hub->taking_since_ns == 0)
        hub->taking_since_ns = now;
    if (now > 0)
        hub->spent = now - hub->taking_since_ns > hub->taken_max_ns;
    return hub->share.late || hub->due > hub->share.due_max;
}

bool hub_crowded(struct hub *hub)
{
    take_line(&hub->reserve);
    return hub->reserve.late || is_full(hub, 5);
}

int64_t hub_now(struct hub *hub)
{
    if (hub->now_ms == 0) {
        struct timespec ts;
        clock_gettime(CLOCK_REALTIME, &ts);
        hub->now_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
    }
    return hub->now_ms;
}

/* ---- lists ---------------------------------------------------------------------------------- */

uint32_t hub_slot(const struct hub *hub, const struct conn *c)
{
    return (uint32_t)(c - hub->conns);
}

static void list_once(struct hub *hub, struct slot_list *list, struct conn *c, uint16_t flag)
{
    if (c->flags & flag)
        return;
    c->flags |= flag;
    list->items[list->count++] = hub_slot(hub, c);
}

void hub_pend(struct hub *hub, struct conn *c)
{
    list_once(hub, &hub->pending, c, CONN_PENDING);
}

void hub_attend(struct hub *hub, struct conn *c)
{
    list_once(hub, &hub->attend, c, CONN_ATTEND);
}

/* A freed slot may be in use again before its list is walked. */
static void list_forget(struct slot_list *list, uint32_t slot)
{
    for (uint32_t i = list->count; i-- > 0;) {
        if (list->items[i] == slot) {
            list->items[i] = list->items[--list->count];
            return;
        }
    }
}

/* ---- fast and slow path --------------------------------------------------------------------- */

static void set_member_flag(struct hub *hub, struct conn *c, uint16_t flag, bool on)
{
    struct link *links = conn_links(c);
    for (uint16_t i = 0; i < c->link_count; i++) {
        struct member *m = hub_member(hub, &links[i]);
        m->flags = (uint16_t)(on ? m->flags | flag : m->flags & ~flag);
    }
}

void hub_mark_slow(struct hub *hub, struct conn *c)
{
    set_member_flag(hub, c, MEMBER_SLOW, true);
    hub_pend(hub, c);
}

void hub_refresh(struct hub *hub, struct conn *c)
{
    bool fast = c->state == CONN_OPEN && c->link_count == 1 && outq_empty(&c->outq) &&
                !(c->flags & (CONN_BLOCKED | CONN_BARRIER | CONN_DOOMED)) &&
                hub_member(hub, conn_links(c))->skipped == 0;
    if (fast)
        set_member_flag(hub, c, MEMBER_SLOW, false);
}

bool hub_drained(struct hub *hub, struct conn *c)
{
    struct link *links = conn_links(c);
    if (!outq_empty(&c->outq) || c->flags & (CONN_BLOCKED | CONN_FLYING))
        return false;
    for (uint16_t i = 0; i < c->link_count && c->state == CONN_OPEN; i++) {
        const struct member *m = hub_member(hub, &links[i]);
        const struct room *room = hub->rooms[links[i].room];
        if (m->skipped > 0 || m->cursor != room->live[m->wire].end)
            return false;
    }
    return true;
}

int hub_queue_gap(struct hub *hub, struct conn *c, const struct link *link)
{
    struct member *m = hub_member(hub, link);
    if (m->skipped == 0)
        return 0;
    struct event e = {
        .type = EVENT_GAP,
        .room = room_name(hub->rooms[link->room]),
        .count = m->skipped,
    };
    m->skipped = 0;
    if (conn_push(c, &e) == 0)
        return 0;
    hub_lose(hub, c);
    return -ENOMEM;
}

int hub_queue_range(struct hub *hub, struct conn *c, const struct link *link, uint64_t to)
{
    struct member *m = hub_member(hub, link);
    struct room_log *live = &hub->rooms[link->room]->live[m->wire];
    if (hub_queue_gap(hub, c, link) < 0)
        return -ENOMEM;
    if (outq_push_range(&c->outq, live, m->cursor, to) < 0) {
        hub_lose(hub, c);
        return -ENOMEM;
    }
    m->cursor = to;
    return 0;
}

int hub_queue_live(struct hub *hub, struct conn *c)
{
    struct link *links = conn_links(c);
    int rc = 0;
    for (uint16_t i = 0; i < c->link_count && rc == 0; i++) {
        const struct member *m = hub_member(hub, &links[i]);
        uint64_t end = hub->rooms[links[i].room]->live[m->wire].end;
        if (m->cursor != end || m->skipped > 0)
            rc = hub_queue_range(hub, c, &links[i], end);
    }
    return rc;
}

/* ---- private lines -------------------------------------------------------------------------- */

void hub_tell(struct hub *hub, struct conn *c, const struct event *e)
{
    if (c->state != CONN_OPEN || c->flags & CONN_DOOMED)
        return;
    if (hub_queue_live(hub, c) < 0)
        return;
    if (conn_push(c, e) < 0) {
        hub_lose(hub, c);
        return;
    }
    hub_mark_slow(hub, c);
}

/* Completes `e` with the text. */
__attribute__((format(printf, 4, 0))) static void tell_text(struct hub *hub, struct conn *c,
                                                            struct event e, const char *format,
                                                            va_list args)
{
    char text[SENTENCE_MAX + 2];
    int size = vsnprintf(text, sizeof text, format, args);
    size_t used = size < 0 ? 0 : (size_t)size;
    struct str sentence = {text, used < sizeof text ? used : sizeof text - 1};
    e.text = text_cut(sentence, SENTENCE_MAX);
    hub_tell(hub, c, &e);
}

void hub_notice(struct hub *hub, struct conn *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell_text(hub, c, (struct event){.type = EVENT_NOTICE}, format, args);
    va_end(args);
}

void hub_error(struct hub *hub, struct conn *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell_text(hub, c, (struct event){.type = EVENT_ERROR}, format, args);
    va_end(args);
}

void hub_dismiss(struct hub *hub, struct conn *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell_text(hub, c, (struct event){.type = EVENT_ERROR, .final = true}, format, args);
    va_end(args);
}

bool hub_private(struct hub *hub, struct conn *from, struct conn *to, struct str text)
{
    size_t most = to->flags & CONN_BLOCKED ? HUB_OUTQ_HIGH : HUB_OUTQ_MAX;
    if (outq_bytes(&to->outq) > most) {
        hub->stats.undelivered++;
        return false;
    }
    struct event e = {
        .type = EVENT_PRIVATE,
        .from = conn_nick(from),
        .to = conn_nick(to),
        .id = from->id,
        .time_ms = hub_now(hub),
        .text = text,
    };
    hub_tell(hub, to, &e);
    hub->stats.privates++;
    return true;
}

/* ---- nicks ---------------------------------------------------------------------------------- */

struct conn *hub_find_nick(struct hub *hub, struct str nick)
{
    uint32_t slot = name_index_find(&hub->nicks, nick);
    return slot == NAME_INDEX_NONE ? NULL : &hub->conns[slot];
}

/* "client-N" is reserved for the client with that id. */
static bool is_reserved(struct str nick, uint64_t own_id)
{
    char own[32];
    int n = snprintf(own, sizeof own, "client-%" PRIu64, own_id);
    if (text_equal_fold(nick, str_from(own, (size_t)n)))
        return false;
    size_t prefix = strlen("client-");
    if (nick.size <= prefix || !text_equal_fold(str_from(nick.data, prefix), STR("client-")))
        return false;
    for (size_t i = prefix; i < nick.size; i++) {
        if (nick.data[i] < '0' || nick.data[i] > '9')
            return false;
    }
    return true;
}

static void set_nick(struct conn *c, struct str nick)
{
    memcpy(c->nick, nick.data, nick.size);
    c->nick_size = (uint8_t)nick.size;
}

static void announce_rename(struct hub *hub, struct conn *c, struct str old)
{
    struct event e = {
        .type = EVENT_NICK,
        .from = old,
        .nick = conn_nick(c),
        .id = c->id,
        .time_ms = hub_now(hub),
        .own = true,
    };
    hub_tell(hub, c, &e);
    struct link *links = conn_links(c);
    for (uint16_t i = 0; i < c->link_count; i++) {
        struct room *room = hub->rooms[links[i].room];
        struct member *m = hub_member(hub, &links[i]);
        e.own = false;
        e.room = room_name(room);
        hub_announce(hub, room, &e);
        m->cursor = room->live[m->wire].end; /* hub_tell() queued what was before */
    }
}

const char *hub_rename(struct hub *hub, struct conn *c, struct str nick)
{
    char old[TEXT_NICK_MAX];
    struct str old_nick = {old, c->nick_size};
    const char *fault = text_nick_fault(nick);
    if (fault)
        return fault;
    if (is_reserved(nick, c->id))
        return "belongs to the client with that id";
    struct conn *owner = hub_find_nick(hub, nick);
    if (owner && owner != c)
        return "is taken";
    memcpy(old, c->nick, c->nick_size);
    name_index_remove(&hub->nicks, old_nick, hub_slot(hub, c));
    set_nick(c, nick);
    /* One was just removed, so there is room without growing. */
    name_index_add(&hub->nicks, nick, hub_slot(hub, c));
    announce_rename(hub, c, old_nick);
    return NULL;
}

/* ---- coming and going ----------------------------------------------------------------------- */

struct conn *hub_conn(struct hub *hub, uint64_t handle)
{
    uint32_t slot = (uint32_t)handle;
    struct conn *c = slot < hub->used_slots ? &hub->conns[slot] : NULL;
    return c && c->state != CONN_FREE && c->handle == handle ? c : NULL;
}

static struct conn *take_slot(struct hub *hub, uint64_t handle, const struct address_brief *peer)
{
    uint32_t slot = (uint32_t)handle;
    struct conn *c = &hub->conns[slot];
    if (slot >= hub->used_slots)
        hub->used_slots = slot + 1;
    *c = (struct conn){.handle = handle, .state = CONN_OPEN, .wire = WIRE_LINE, .peer = *peer};
    return c;
}

/* It never was a client: the answer is all that it gets. */
static struct conn *turn_away(struct hub *hub, struct conn *c, const char *why, const char *text)
{
    hub->stats.refused++;
    hub_dismiss(hub, c, "%s", text);
    c->state = CONN_LEAVING;
    c->farewell = why;
    hub->leaving++;
    hub_pend(hub, c);
    return NULL;
}

static void welcome(struct hub *hub, struct conn *c)
{
    struct event e = {
        .type = EVENT_WELCOME,
        .id = c->id,
        .nick = conn_nick(c),
        .server = str_of(hub->server),
        .count = hub->stats.clients - 1,
    };
    hub_tell(hub, c, &e);
}

/* Whether the filters want it: a drop turns it away as a kick does. */
static bool let_in(struct hub *hub, struct conn *c)
{
    struct filter_event e = {.kind = FILTER_CONNECT};
    struct filter_result result;
    if (hub_ask(hub, c, &e, &result))
        return true;
    hub_leave(hub, c, "refused by a filter", STR(""));
    return false;
}

struct conn *hub_connect(struct hub *hub, uint64_t handle, const struct address_brief *peer)
{
    struct conn *c = take_slot(hub, handle, peer);
    hub->stats.connections++;
    if (hub->stats.clients >= hub->limits.max_clients)
        return turn_away(hub, c, "the hub is full", "The hub is full. Try again later.");
    c->id = hub->next_id++;
    c->joined_ms = hub_now(hub);
    c->nick_size = (uint8_t)snprintf(c->nick, sizeof c->nick, "client-%" PRIu64, c->id);
    if (name_index_add(&hub->nicks, conn_nick(c), hub_slot(hub, c)) < 0) {
        hub->stats.no_memory++;
        return turn_away(hub, c, "no memory", "The hub is out of memory. Try again later.");
    }
    hub->stats.clients++;
    if (!let_in(hub, c))
        return NULL;
    welcome(hub, c);
    const char *fault = hub_join(hub, c, STR(WIRE_LOBBY), false);
    if (fault)
        hub_error(hub, c, "%s", fault);
    struct filter_event joined = {.kind = FILTER_JOIN, .room = STR(WIRE_LOBBY)};
    hub_inform(hub, c, &joined);
    return c;
}

/* It is nobody any more: its nick is free. */
static void strike_off(struct hub *hub, struct conn *c)
{
    if (c->id == 0)
        return;
    name_index_remove(&hub->nicks, conn_nick(c), hub_slot(hub, c));
    hub->stats.clients--;
}

void hub_leave(struct hub *hub, struct conn *c, const char *why, struct str text)
{
    if (c->state != CONN_OPEN)
        return;
    hub_queue_live(hub, c);
    hub_make_ghost(hub, c, text);
    strike_off(hub, c);
    c->state = CONN_LEAVING;
    c->farewell = why;
    c->flags &= (uint16_t) ~(CONN_HELD | CONN_BARRIER);
    hub->leaving++;
    hub_pend(hub, c);
}

void hub_disconnect(struct hub *hub, struct conn *c, const char *why)
{
    hub_leave(hub, c, why, STR(""));
    outq_fini(&c->outq);
    hub_unlink(hub, c);
    hub->leaving--;
    if (c->flags & CONN_PENDING)
        list_forget(&hub->pending, hub_slot(hub, c));
    if (c->flags & CONN_ATTEND)
        list_forget(&hub->attend, hub_slot(hub, c));
    conn_fini(c);
}

void hub_doom(struct hub *hub, struct conn *c, const char *why)
{
    if (c->flags & CONN_DOOMED)
        return;
    c->flags |= CONN_DOOMED;
    c->farewell = why;
    outq_fini(&c->outq);
    set_member_flag(hub, c, MEMBER_SLOW, true); /* nothing is sent to it any more */
    hub_attend(hub, c);
}

void hub_lose(struct hub *hub, struct conn *c)
{
    if (c->flags & CONN_DOOMED)
        return;
    hub->stats.no_memory++;
    hub_doom(hub, c, "no memory");
}
