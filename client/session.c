/*
 * The rooms stand in one array: first those that are only wanted, then those we are in, in the
 * order of joining.
 *
 * A hub that has restarted shows in `server` of its welcome. Its numbers start anew, so all that
 * was seen is forgotten. Otherwise a replay brings what was missed. It may find something newer
 * shown before it, if that was said between two lines of the greeting; then `hole` remembers what
 * is still to come. Whether something is missing for good is known when the pong comes that ends
 * the greeting.
 */
#include "session.h"

#include "outbox.h"
#include "text.h"
#include "wire.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    IDS_MAX = 16, /* of our former connections */
    SERVER_MAX = 64,
};

#define MARK "settled" /* the token of the ping that ends a greeting */

struct name {
    char data[SERVER_MAX];
    size_t size;
};

struct known_room {
    struct name name;
    bool member;
    bool unwanted;      /* the hub put us there; a /part is on its way */
    bool resumed;       /* something of it was seen at an earlier connection */
    uint64_t last;      /* the highest seq seen; 0: none */
    uint64_t hole_from; /* not seen, and lower than `last`; empty if from > to */
    uint64_t hole_to;
};

struct session {
    struct name wanted_nick;
    struct name wanted_room; /* to be the current one */
    struct name nick;
    struct name server;
    uint64_t ids[IDS_MAX]; /* ours at this server; the newest first */
    struct known_room rooms[SESSION_ROOMS_MAX];
    size_t room_count;
    int current; /* index, or -1 */
    uint32_t history;
    bool connected; /* the hub has spoken JSON */
    bool settling;
    bool raw_shown;
    int replay_room;      /* index, or -1 */
    uint64_t replay_left; /* messages of the replay to come */
    uint64_t replay_skip; /* the first of them, not to be shown */
    uint64_t lost;        /* messages in holes, found since the greeting */
    char note[192];
};

/* ---- names and rooms ------------------------------------------------------------------------ */

static struct str name_str(const struct name *name)
{
    return str_from(name->data, name->size);
}

static void name_set(struct name *name, struct str text)
{
    text = text_cut(text, sizeof name->data);
    if (text.size > 0)
        memcpy(name->data, text.data, text.size);
    name->size = text.size;
}

static int find(const struct session *s, struct str name)
{
    for (size_t i = 0; i < s->room_count; i++) {
        if (text_equal_fold(name_str(&s->rooms[i].name), name))
            return (int)i;
    }
    return -1;
}

static void remove_at(struct session *s, int at)
{
    s->room_count--;
    memmove(&s->rooms[at], &s->rooms[at + 1], (s->room_count - (size_t)at) * sizeof s->rooms[0]);
    s->replay_left = 0;
}

/* Puts a room, known or new, behind all others. Its index, or -1 where there is no place. */
static int put_last(struct session *s, struct str name)
{
    struct known_room room = {.hole_from = 1};
    int at = find(s, name);
    if (at < 0 && s->room_count == SESSION_ROOMS_MAX)
        return -1;
    if (at >= 0) {
        room = s->rooms[at];
        remove_at(s, at);
    }
    name_set(&room.name, name);
    s->rooms[s->room_count] = room;
    return (int)s->room_count++;
}

static void enter(struct session *s, struct str name)
{
    int at = put_last(s, name);
    s->current = at;
    s->replay_left = 0;
    if (at < 0)
        return;
    s->rooms[at].member = true;
    s->rooms[at].unwanted = false;
}

struct session *session_new(const struct session_wish *wish)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->current = -1;
    s->replay_room = -1;
    s->history = wish->history;
    name_set(&s->wanted_nick, wish->nick);
    for (size_t i = 0; i < wish->room_count; i++)
        put_last(s, wish->rooms[i]);
    if (wish->room_count == 0)
        put_last(s, STR(WIRE_LOBBY));
    name_set(&s->wanted_room, name_str(&s->rooms[s->room_count - 1].name));
    return s;
}

void session_free(struct session *s)
{
    free(s);
}

/* ---- connections ---------------------------------------------------------------------------- */

void session_connected(struct session *s, bool raw_shown)
{
    s->raw_shown = raw_shown;
    s->settling = !raw_shown;
    s->lost = 0;
}

static int add_line(struct outbox *out, const char *command, struct str argument)
{
    int rc = outbox_append(out, str_of(command));
    if (rc == 0 && argument.size > 0)
        rc = outbox_append(out, argument);
    return rc < 0 ? rc : outbox_append(out, STR("\n"));
}

/* /join of every wanted room, the one to be current last. The hub puts everybody into the lobby. */
static int add_joins(const struct session *s, struct outbox *out)
{
    int rc = 0;
    struct str lobby = STR(WIRE_LOBBY);
    struct str current = name_str(&s->wanted_room);
    for (size_t i = 0; i < s->room_count && rc == 0; i++) {
        struct str name = name_str(&s->rooms[i].name);
        if (!text_equal_fold(name, lobby) && !text_equal_fold(name, current))
            rc = add_line(out, "/join ", name);
    }
    bool moved = s->room_count > 1 || !text_equal_fold(current, lobby);
    if (rc == 0 && moved && find(s, current) >= 0)
        rc = add_line(out, "/join ", current);
    if (rc == 0 && find(s, lobby) < 0)
        rc = add_line(out, "/part ", lobby);
    return rc;
}

int session_greeting(const struct session *s, struct outbox *out)
{
    int rc = add_line(out, "/wire json", STR(""));
    if (rc == 0 && s->wanted_nick.size > 0)
        rc = add_line(out, "/nick ", name_str(&s->wanted_nick));
    if (s->raw_shown || rc < 0)
        return rc;
    /* In the lobby yet: what was replayed there was not JSON. */
    if (find(s, STR(WIRE_LOBBY)) >= 0)
        rc = add_line(out, "/history", STR(""));
    if (rc == 0)
        rc = add_joins(s, out);
    return rc < 0 ? rc : add_line(out, "/ping " MARK, STR(""));
}

void session_lost(struct session *s)
{
    if (s->current >= 0 && !s->rooms[s->current].unwanted && s->connected && !s->settling)
        name_set(&s->wanted_room, name_str(&s->rooms[s->current].name));
    for (int i = (int)s->room_count - 1; i >= 0; i--) {
        s->rooms[i].member = false;
        s->rooms[i].resumed = s->rooms[i].last > 0;
        if (s->rooms[i].unwanted)
            remove_at(s, i);
    }
    s->current = -1;
    s->replay_room = -1;
    s->replay_left = 0;
    s->connected = false;
    s->settling = false;
}

/* ---- holes ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static struct str note(struct session *s, const char *format,
                                                             ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(s->note, sizeof s->note, format, args);
    va_end(args);
    return str_from(s->note, size < (int)sizeof s->note ? (size_t)size : sizeof s->note - 1);
}

static const char *messages(uint64_t n)
{
    return n == 1 ? "message" : "messages";
}

static struct str missing_in(struct session *s, uint64_t n, const struct known_room *room)
{
    struct str name = name_str(&room->name);
    return note(s, "Missed: %" PRIu64 " %s of " STR_FMT ". The hub does not keep that many.", n,
                messages(n), STR_ARG(name));
}

static void give_up_hole(struct session *s, struct known_room *room)
{
    if (room->resumed && room->hole_from <= room->hole_to)
        s->lost += room->hole_to - room->hole_from + 1;
    room->hole_from = 1;
    room->hole_to = 0;
}

/* A number below what was seen: news if it is in the hole. */
static bool fills_hole(struct session *s, struct known_room *room, uint64_t seq)
{
    if (seq < room->hole_from || seq > room->hole_to)
        return false;
    if (room->resumed)
        s->lost += seq - room->hole_from;
    room->hole_from = seq + 1;
    return true;
}

/* A message while settling. `live`: it is of no replay, so that what is missing before it may
 * still come. */
static struct session_verdict catch_up(struct session *s, struct known_room *room, uint64_t seq,
                                       bool live)
{
    struct session_verdict verdict = {.show = true};
    if (seq <= room->last) {
        verdict.show = fills_hole(s, room, seq);
        return verdict;
    }
    uint64_t missing = seq - room->last - 1;
    if (missing > 0 && live) {
        give_up_hole(s, room);
        room->hole_from = room->last + 1;
        room->hole_to = seq - 1;
    } else if (missing > 0 && room->resumed) {
        verdict.note = missing_in(s, missing, room);
    }
    room->last = seq;
    return verdict;
}

/* ---- events --------------------------------------------------------------------------------- */

bool session_is_own(const struct session *s, uint64_t id)
{
    for (size_t i = 0; i < IDS_MAX && id > 0; i++) {
        if (s->ids[i] == id)
            return true;
    }
    return false;
}

static void forget_hub(struct session *s)
{
    memset(s->ids, 0, sizeof s->ids);
    for (size_t i = 0; i < s->room_count; i++) {
        s->rooms[i].last = 0;
        s->rooms[i].resumed = false;
        s->rooms[i].hole_from = 1;
        s->rooms[i].hole_to = 0;
    }
}

static void add_id(struct session *s, uint64_t id)
{
    if (s->ids[0] == id)
        return;
    memmove(s->ids + 1, s->ids, sizeof s->ids - sizeof s->ids[0]);
    s->ids[0] = id;
}

/* The first of a connection: we are in the lobby, whatever else was asked for. */
static void arrive(struct session *s)
{
    bool wanted = find(s, STR(WIRE_LOBBY)) >= 0;
    s->connected = true;
    enter(s, STR(WIRE_LOBBY));
    if (s->current >= 0)
        s->rooms[s->current].unwanted = !wanted && !s->raw_shown;
}

static struct session_verdict take_welcome(struct session *s, const struct event *e)
{
    struct session_verdict verdict = {.show = true};
    bool known = s->server.size > 0;
    if (known && !str_equal(name_str(&s->server), e->server)) {
        forget_hub(s);
        verdict.note = note(s, "The hub was restarted: what was said in between is not known.");
    }
    name_set(&s->server, e->server);
    name_set(&s->nick, e->nick);
    add_id(s, e->id);
    if (s->connected)
        return verdict; /* the answer to another /wire json */
    arrive(s);
    verdict.show = !s->raw_shown;
    return verdict;
}

static struct session_verdict take_message(struct session *s, struct event *e)
{
    int at = find(s, e->room);
    bool replayed = s->replay_left > 0 && at == s->replay_room;
    bool skipped = replayed && s->replay_skip > 0;
    if (replayed)
        s->replay_left--;
    if (skipped)
        s->replay_skip--;
    if (at < 0 || e->seq == 0)
        return (struct session_verdict){.show = !skipped};
    struct known_room *room = &s->rooms[at];
    if (s->settling && !skipped) {
        struct session_verdict verdict = catch_up(s, room, e->seq, !replayed);
        verdict.show = verdict.show && !(e->own && room->resumed); /* shown when it was typed */
        return verdict;
    }
    if (e->seq > room->last)
        room->last = e->seq;
    return (struct session_verdict){.show = !skipped};
}

/* A greeting's replay begins where `history` says, or is of a room of which something was seen. */
static struct session_verdict take_history(struct session *s, struct event *e)
{
    s->replay_room = find(s, e->room);
    s->replay_left = e->count;
    s->replay_skip = 0;
    if (!s->settling || s->replay_room < 0)
        return (struct session_verdict){.show = true};
    if (s->rooms[s->replay_room].resumed)
        return (struct session_verdict){.show = false};
    if (e->count > s->history) {
        s->replay_skip = e->count - s->history;
        e->count = s->history;
    }
    return (struct session_verdict){.show = e->count > 0};
}

/* Where we are now is in `to`: of our own part, and of the notice that answers a /join of a room
 * that we are in already. */
static void take_current(struct session *s, struct str room)
{
    int at = room.size > 0 ? find(s, room) : -1;
    s->current = at >= 0 && s->rooms[at].member ? at : -1;
}

static void take_part(struct session *s, const struct event *e)
{
    int at = find(s, e->room);
    if (!e->own)
        return;
    if (at >= 0)
        remove_at(s, at);
    take_current(s, e->to);
}

static void take_nick(struct session *s, const struct event *e)
{
    if (!e->own)
        return;
    char given[32];
    int size = snprintf(given, sizeof given, "client-%" PRIu64, s->ids[0]);
    bool is_given = text_equal_fold(e->nick, str_from(given, (size_t)size));
    name_set(&s->nick, e->nick);
    name_set(&s->wanted_nick, is_given ? STR("") : e->nick);
}

/* The greeting was answered: what is still missing will not come. */
static struct session_verdict settle(struct session *s)
{
    struct session_verdict verdict = {.show = false};
    s->settling = false;
    for (size_t i = 0; i < s->room_count; i++)
        give_up_hole(s, &s->rooms[i]);
    if (s->lost > 0)
        verdict.note = note(s, "Missed: %" PRIu64 " %s. The hub does not keep that many.", s->lost,
                            messages(s->lost));
    s->lost = 0;
    return verdict;
}

struct session_verdict session_take(struct session *s, struct event *e)
{
    e->own = e->type != EVENT_WELCOME && session_is_own(s, e->id);
    switch (e->type) {
    case EVENT_WELCOME:
        return take_welcome(s, e);
    case EVENT_MESSAGE:
    case EVENT_ACTION:
        return take_message(s, e);
    case EVENT_HISTORY:
        return take_history(s, e);
    case EVENT_JOIN:
        if (e->own)
            enter(s, e->room);
        break;
    case EVENT_PART:
        take_part(s, e);
        break;
    case EVENT_NICK:
        take_nick(s, e);
        break;
    case EVENT_NOTICE:
        if (e->to.size > 0)
            take_current(s, e->to);
        break;
    case EVENT_GAP:
        s->replay_left = 0; /* it may have been skipped, too */
        break;
    case EVENT_PONG:
        if (s->settling && str_equal(e->token, STR(MARK)))
            return settle(s);
        break;
    default:
        break;
    }
    return (struct session_verdict){.show = true};
}

/* ---- what is known -------------------------------------------------------------------------- */

bool session_is_connected(const struct session *s)
{
    return s->connected;
}

bool session_settling(const struct session *s)
{
    return s->settling;
}

uint64_t session_id(const struct session *s)
{
    return s->ids[0];
}

struct str session_nick(const struct session *s)
{
    return name_str(&s->nick);
}

struct str session_server(const struct session *s)
{
    return name_str(&s->server);
}

struct str session_room(const struct session *s)
{
    return s->current < 0 ? STR("") : name_str(&s->rooms[s->current].name);
}

/* Those we are in are the last of the array. */
static size_t first_member(const struct session *s)
{
    size_t i = s->room_count;
    while (i > 0 && s->rooms[i - 1].member)
        i--;
    return i;
}

size_t session_room_count(const struct session *s)
{
    return s->room_count - first_member(s);
}

struct str session_room_at(const struct session *s, size_t i)
{
    return name_str(&s->rooms[first_member(s) + i].name);
}
