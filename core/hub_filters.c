/*
 * Between the hub and its filters: asking them, doing what their verdicts say, and the services
 * that they may use (struct filter_hub). What a filter says while it judges an event is kept, and
 * posted when the event has had its effect: so nothing re-enters a room that is being posted to.
 */
#include "diag.h"
#include "hub.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SAYINGS_MAX = 256,             /* in a turn */
    SAYINGS_BYTES_MAX = 256 << 10, /* the same, of text */
};

/* One notice of a filter; the bytes of `by`, `target` and `text` stand behind it. */
struct saying {
    bool to_room; /* otherwise to a nick */
    struct str by;
    struct str target;
    struct str text;
    char bytes[];
};

struct hub_sayings {
    struct saying *items[SAYINGS_MAX];
    size_t count;
    size_t turn_count; /* said in this turn, posted or not */
    size_t turn_bytes;
};

/* ---- asking --------------------------------------------------------------------------------- */

static void complete(struct hub *hub, const struct conn *c, struct filter_event *e)
{
    e->client = c->id;
    e->from = conn_nick(c);
    e->peer = &c->peer;
    e->joined_ms = c->joined_ms;
    e->time_ms = hub_now(hub);
}

/* The candidate sees what the live chain sees; its verdict is compared, and has no effect. */
static void watch_candidate(struct hub *hub, const struct filter_event *e,
                            const struct filter_result *live)
{
    struct filter_result would;
    filter_chain_run(hub->shadow, e, &would);
    hub->stats.shadow_events++;
    if (would.verdict == live->verdict && str_equal(would.text, live->text))
        return;
    hub->stats.shadow_differences++;
    if (!diag_enabled(DIAG_DEBUG))
        return;
    char text[160];
    char other[160];
    diag_log(DIAG_DEBUG, "shadow: client-%" PRIu64 " %s: live %s \"%s\", candidate %s \"%s\"",
             e->client, filter_kind_name(e->kind), filter_verdict_name(live->verdict),
             diag_escape(live->text, text, sizeof text), filter_verdict_name(would.verdict),
             diag_escape(would.text, other, sizeof other));
}

/* What a refused event is called when its author is told. */
static const char *what_of(enum filter_kind kind)
{
    static const char *const names[FILTER_KINDS] = {
        [FILTER_MESSAGE] = "Your message was dropped", [FILTER_ACTION] = "Your message was dropped",
        [FILTER_PRIVATE] = "Your message was dropped", [FILTER_JOIN] = "You may not join",
        [FILTER_NICK] = "Your nick stays as it is",    [FILTER_CONNECT] = "You are not let in",
        [FILTER_COMMAND] = "Your command was dropped",
    };
    return names[kind] ? names[kind] : "Refused";
}

static void refuse(struct hub *hub, struct conn *c, const struct filter_event *e,
                   const struct filter_result *result)
{
    hub->stats.filter_drops++;
    if (result->text.size > 0)
        hub_error(hub, c, "%s: " STR_FMT, what_of(e->kind), STR_ARG(result->text));
}

static void reply(struct hub *hub, struct conn *c, struct str text)
{
    struct event notice = {.type = EVENT_NOTICE, .text = text};
    hub->stats.filter_replies++;
    hub_tell(hub, c, &notice);
}

static void kick(struct hub *hub, struct conn *c, struct str reason)
{
    hub->stats.filter_kicks++;
    hub_dismiss(hub, c, "You were disconnected: " STR_FMT, STR_ARG(reason));
    hub_leave(hub, c, "kicked by a filter", STR("kicked"));
}

/* Does what the verdict says; true if the event goes on. */
static bool apply(struct hub *hub, struct conn *c, const struct filter_event *e,
                  const struct filter_result *result)
{
    switch (result->verdict) {
    case FILTER_REPLACE:
        hub->stats.filter_rewrites++;
        return true;
    case FILTER_PASS:
    case FILTER_ACCEPT:
        return true;
    case FILTER_DIVERT:
        hub->stats.filter_diverts++;
        return true;
    case FILTER_SHADOW:
        hub->stats.filter_shadows++;
        return false;
    case FILTER_REPLY:
        reply(hub, c, result->text);
        return false;
    case FILTER_KICK:
        kick(hub, c, result->text);
        return false;
    default:
        refuse(hub, c, e, result);
        return false;
    }
}

bool hub_ask(struct hub *hub, struct conn *c, struct filter_event *e, struct filter_result *result)
{
    *result = (struct filter_result){.verdict = FILTER_PASS, .text = e->text};
    bool live = filter_chain_wants(hub->filters, e->kind);
    bool watched = hub->shadow && filter_chain_wants(hub->shadow, e->kind);
    if (!live && !watched)
        return true;
    complete(hub, c, e);
    hub->judged_room = e->room;
    if (live)
        filter_chain_run(hub->filters, e, result);
    if (watched)
        watch_candidate(hub, e, result);
    hub->judged_room = STR("");
    return apply(hub, c, e, result);
}

void hub_inform(struct hub *hub, struct conn *c, struct filter_event *e)
{
    struct filter_result ignored;
    if (!filter_chain_wants(hub->filters, e->kind))
        return;
    complete(hub, c, e);
    filter_chain_run(hub->filters, e, &ignored);
}

bool hub_filter_command(struct hub *hub, struct conn *c, struct str name, struct str args)
{
    struct filter_event e = {.kind = FILTER_COMMAND, .to = name, .text = args};
    struct filter_result result;
    struct room *room = hub_room_at(hub, conn_room(c));
    if (room)
        e.room = room_name(room);
    complete(hub, c, &e);
    if (!filter_chain_command(hub->filters, &e, &result))
        return false;
    apply(hub, c, &e, &result);
    return true;
}

/* ---- what filters say ----------------------------------------------------------------------- */

static int keep_saying(struct hub *hub, bool to_room, struct str by, struct str target,
                       struct str text)
{
    struct hub_sayings *kept = hub->sayings;
    text = text_cut(text, hub->limits.max_line);
    size_t size = by.size + target.size + TEXT_CLEAN_MAX(text.size);
    if (kept->count == SAYINGS_MAX || kept->turn_count == SAYINGS_MAX ||
        kept->turn_bytes + size > SAYINGS_BYTES_MAX)
        return -EAGAIN;
    struct saying *s = malloc(sizeof *s + size);
    if (!s)
        return -ENOMEM;
    s->to_room = to_room;
    memcpy(s->bytes, by.data, by.size);
    memcpy(s->bytes + by.size, target.data, target.size);
    s->by = str_from(s->bytes, by.size);
    s->target = str_from(s->bytes + by.size, target.size);
    char *room_for = s->bytes + by.size + target.size;
    struct text_repairs ignored = {0};
    struct str cleaned = text_clean(text, room_for, &ignored);
    if (cleaned.data != room_for)
        memcpy(room_for, cleaned.data, cleaned.size);
    s->text = str_from(room_for, cleaned.size);
    kept->items[kept->count++] = s;
    kept->turn_count++;
    kept->turn_bytes += size;
    return 0;
}

static int service_say(void *owner, struct str by, struct str room, struct str text)
{
    struct hub *hub = owner;
    if (!hub_find_room(hub, room) && !text_equal_fold(room, hub->judged_room))
        return -ENOENT;
    return keep_saying(hub, true, by, room, text);
}

static int service_tell(void *owner, struct str by, struct str nick, struct str text)
{
    struct hub *hub = owner;
    return hub_find_nick(hub, nick) ? keep_saying(hub, false, by, nick, text) : -ENOENT;
}

static int64_t service_members(void *owner, struct str name, size_t most,
                               void (*each)(void *arg, struct str nick), void *arg)
{
    struct hub *hub = owner;
    const struct room *room = hub_find_room(hub, name);
    if (!room)
        return -ENOENT;
    for (uint32_t i = 0; i < room->count && most > 0; i++) {
        if (room->members[i].flags & MEMBER_GHOST)
            continue;
        each(arg, conn_nick(hub_conn(hub, room->members[i].handle)));
        most--;
    }
    return room_present(room);
}

static int64_t service_rooms(void *owner, size_t most,
                             void (*each)(void *arg, struct str room, uint32_t members), void *arg)
{
    struct hub *hub = owner;
    for (uint32_t id = 0; id < hub->rooms_used && most > 0; id++) {
        const struct room *room = hub->rooms[id];
        if (!room)
            continue;
        each(arg, room_name(room), room_present(room));
        most--;
    }
    return (int64_t)hub->stats.rooms;
}

static int64_t service_now(void *owner)
{
    return hub_now(owner);
}

/* The receiver may have gone in the meantime: then it is said to nobody. */
static void speak(struct hub *hub, const struct saying *s)
{
    struct event e = {.type = EVENT_NOTICE, .from = s->by, .text = s->text};
    struct room *room = s->to_room ? hub_find_room(hub, s->target) : NULL;
    struct conn *c = s->to_room ? NULL : hub_find_nick(hub, s->target);
    if (room)
        hub_post_notice(hub, room, s->by, s->text);
    if (c && outq_bytes(&c->outq) <= HUB_OUTQ_MAX)
        hub_tell(hub, c, &e);
}

void hub_filters_speak(struct hub *hub)
{
    struct hub_sayings *kept = hub->sayings;
    for (size_t i = 0; i < kept->count; i++) {
        speak(hub, kept->items[i]);
        free(kept->items[i]);
    }
    kept->count = 0;
}

int64_t hub_filters_tick(struct hub *hub)
{
    hub->sayings->turn_count = 0;
    hub->sayings->turn_bytes = 0;
    int64_t due = filter_chain_tick(hub->filters, hub_now(hub));
    int64_t other = hub->shadow ? filter_chain_tick(hub->shadow, hub_now(hub)) : INT64_MAX;
    hub_filters_speak(hub);
    return due < other ? due : other;
}

/* ---- seen from outside ---------------------------------------------------------------------- */

uint64_t hub_filters_spent(const struct hub *hub)
{
    return filter_chain_spent(hub->filters) + (hub->shadow ? filter_chain_spent(hub->shadow) : 0);
}

size_t hub_filters_count(const struct hub *hub)
{
    return filter_chain_size(hub->filters) + (hub->shadow ? filter_chain_size(hub->shadow) : 0);
}

const struct filter *hub_filters_at(const struct hub *hub, size_t i)
{
    size_t live = filter_chain_size(hub->filters);
    return i < live ? filter_chain_at(hub->filters, i) : filter_chain_at(hub->shadow, i - live);
}

/* ---- life ----------------------------------------------------------------------------------- */

int hub_filters_init(struct hub *hub)
{
    hub->filter_hub = (struct filter_hub){
        .owner = hub,
        .say = service_say,
        .tell = service_tell,
        .members = service_members,
        .rooms = service_rooms,
        .now_ms = service_now,
    };
    hub->sayings = calloc(1, sizeof *hub->sayings);
    return hub->sayings ? 0 : -ENOMEM;
}

void hub_filters_fini(struct hub *hub)
{
    for (size_t i = 0; hub->sayings && i < hub->sayings->count; i++)
        free(hub->sayings->items[i]);
    free(hub->sayings);
    filter_chain_free(hub->shadow);
    filter_chain_free(hub->filters);
}
