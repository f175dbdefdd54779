/* See hub_model.h. This file is the hub; hub_model_hear.c is the judge. */
#include "hub_model_impl.h"
#include "model_judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#define NO_ROOM "You are in no room: /join one first."

/* ---- memory --------------------------------------------------------------------------------- */

struct model *model_new(const struct hub_limits *limits, bool lossy)
{
    struct model *m = model_must(calloc(1, sizeof *m));
    m->limits = *limits;
    m->lossy = lossy;
    m->rooms[0] = (struct model_room){.exists = true, .name = "#lobby"};
    return m;
}

void model_free(struct model *m)
{
    while (m->chunk) {
        struct model_chunk *chunk = m->chunk;
        m->chunk = chunk->next;
        free(chunk);
    }
    while (m->clients) {
        struct model_client *c = m->clients;
        m->clients = c->next;
        free(c->items);
        free(c);
    }
    for (int r = 0; r < MODEL_ROOMS; r++)
        free(m->rooms[r].said);
    free(m);
}

/* ---- what is due ---------------------------------------------------------------------------- */

static void due(struct model_client *c, struct said said, enum item_kind kind, int room,
                bool numbered)
{
    if (c->count == c->size) {
        c->size = c->size ? c->size * 2 : 16;
        c->items = model_must(realloc(c->items, c->size * sizeof *c->items));
    }
    c->items[c->count++] = (struct item){.text = said.text[c->wire],
                                         .kind = (uint8_t)kind,
                                         .room = (uint8_t)room,
                                         .numbered = numbered};
}

static void tell(struct model_client *c, struct said said)
{
    if (c->open)
        due(c, said, ITEM_PRIVATE, 0, false);
}

__attribute__((format(printf, 4, 5))) static void tell_text(struct model *m, struct model_client *c,
                                                            char mark, const char *format, ...)
{
    char text[MODEL_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tell(c, model_make_notice(m, mark, text));
}

static void tell_dismissal(struct model *m, struct model_client *c, const char *reason)
{
    char text[MODEL_TEXT_MAX];
    snprintf(text, sizeof text, "You were disconnected: %s", reason);
    tell(c, model_make_dismissal(m, text));
}

static bool is_member(const struct model_client *c, int room)
{
    for (int i = 0; i < c->room_count; i++) {
        if (c->rooms[i] == room)
            return true;
    }
    return false;
}

static void post(struct model *m, int room, struct said said, bool numbered,
                 const struct model_client *but)
{
    for (struct model_client *c = m->clients; c; c = c->next) {
        if (c->open && c != but && is_member(c, room))
            due(c, said, ITEM_LIVE, room, numbered);
    }
}

static void announce(struct model *m, int room, struct said said, const struct model_client *but)
{
    if (m->rooms[room].present <= m->limits.presence_max)
        post(m, room, said, false, but);
}

static void replay(struct model *m, struct model_client *c, int r, uint64_t after)
{
    const struct model_room *room = &m->rooms[r];
    if (after >= room->number || m->limits.history == 0)
        return;
    tell(c, model_make_history(m, room, room->number - after));
    for (uint64_t n = after; n < room->number; n++)
        due(c, room->said[n], ITEM_REPLAY, r, true);
}

static void replay_last(struct model *m, struct model_client *c, int r, uint64_t n)
{
    n = n < m->limits.history ? n : m->limits.history;
    replay(m, c, r, m->rooms[r].number > n ? m->rooms[r].number - n : 0);
}

/* ---- rooms ---------------------------------------------------------------------------------- */

static int find_room(const struct model *m, struct str name)
{
    for (int r = 0; r < MODEL_ROOMS; r++) {
        if (m->rooms[r].exists && str_equal(str_of(m->rooms[r].name), name))
            return r;
    }
    return -1;
}

/* A name keeps its place for ever: late lines of a room that is gone are still judged. */
static int make_room(struct model *m, struct str name)
{
    int r = 0;
    while (m->rooms[r].name[0] && !str_equal(str_of(m->rooms[r].name), name))
        r++;
    m->rooms[r].exists = true;
    memcpy(m->rooms[r].name, name.data, name.size);
    return r;
}

/* A room lives as long as somebody, or what somebody is still due, is in it. */
static void release_room(struct model *m, int r)
{
    struct model_room *room = &m->rooms[r];
    if (r == 0 || room->present + room->ghosts > 0)
        return;
    room->exists = false;
    room->number = 0;
}

static void enter(struct model *m, struct model_client *c, int r)
{
    c->current = c->room_count;
    c->rooms[c->room_count++] = r;
    m->rooms[r].present++;
    announce(m, r, model_make_join(m, c, &m->rooms[r], false), c);
}

static void join(struct model *m, struct model_client *c, struct str name)
{
    int r = find_room(m, name);
    if (r >= 0 && is_member(c, r)) {
        while (c->rooms[c->current] != r)
            c->current = (c->current + 1) % c->room_count;
        tell(c, model_make_current(m, &m->rooms[r]));
        return;
    }
    if (judge_refuses_room(name)) {
        tell_text(m, c, '!', "You may not join: %s", JUDGE_NO_ROOM);
        return;
    }
    if (c->room_count == CONN_ROOMS_MAX) {
        tell_text(m, c, '!', "You are in %d rooms: /part one first.", CONN_ROOMS_MAX);
        return;
    }
    r = r >= 0 ? r : make_room(m, name);
    enter(m, c, r);
    tell(c, model_make_join(m, c, &m->rooms[r], true));
    replay_last(m, c, r, UINT64_MAX);
}

static void part(struct model *m, struct model_client *c, struct str name)
{
    char text[64];
    snprintf(text, sizeof text, STR_FMT, STR_ARG(name));
    int r = name.size ? find_room(m, name) : c->room_count ? c->rooms[c->current] : -1;
    if (r < 0) {
        tell_text(m, c, '!', name.size ? "There is no room %s." : NO_ROOM "%s", text);
        return;
    }
    if (!is_member(c, r)) {
        tell_text(m, c, '!', "You are not in %s.", text);
        return;
    }
    announce(m, r, model_make_part(m, c, &m->rooms[r], STR("")), c);
    int i = 0;
    while (c->rooms[i] != r)
        i++;
    c->room_count--;
    memmove(&c->rooms[i], &c->rooms[i + 1], (size_t)(c->room_count - i) * sizeof c->rooms[0]);
    if (c->current > 0 && c->current >= i)
        c->current--;
    m->rooms[r].present--;
    tell(c, model_make_parted(m, c, &m->rooms[r]));
    release_room(m, r);
}

/* ---- messages ------------------------------------------------------------------------------- */

static void post_message(struct model *m, struct model_client *c, int r, bool action,
                         struct str text)
{
    struct model_room *room = &m->rooms[r];
    room->number++;
    struct said said = model_make_message(m, c, room, action, text);
    if (room->number > room->size) {
        room->size = room->size ? room->size * 2 : 16;
        room->said = model_must(realloc(room->said, room->size * sizeof *room->said));
    }
    room->said[room->number - 1] = said;
    post(m, r, said, true, c);
    if (room->present == 1 && is_member(c, r))
        tell_text(m, c, '*', "Nobody else is here yet.");
}

/* What the filter makes of a text: false if it ends there, and the client was told. */
static bool judged(struct model *m, struct model_client *c, enum filter_kind kind, struct str *text,
                   char copy[MODEL_TEXT_MAX])
{
    snprintf(copy, MODEL_TEXT_MAX, STR_FMT, STR_ARG(*text));
    switch (judge_verdict(kind, *text)) {
    case FILTER_DROP:
        tell_text(m, c, '!', "Your message was dropped: %s", copy);
        return false;
    case FILTER_REPLY:
        tell_text(m, c, '*', "%s", copy);
        return false;
    case FILTER_KICK:
        tell_dismissal(m, c, copy);
        return false; /* and model_leave() follows */
    case FILTER_SHADOW:
        return false;
    case FILTER_REPLACE:
        snprintf(copy, MODEL_TEXT_MAX, JUDGE_SWAPPED, ++m->swaps, STR_ARG(*text));
        *text = str_of(copy);
        return true;
    default:
        return true;
    }
}

static void say(struct model *m, struct model_client *c, bool action, struct str text)
{
    char copy[MODEL_TEXT_MAX];
    enum filter_kind kind = action ? FILTER_ACTION : FILTER_MESSAGE;
    if (c->room_count == 0) {
        tell_text(m, c, '!', NO_ROOM);
        return;
    }
    int r = c->rooms[c->current];
    struct str rest = text;
    str_word(&rest);
    if (judge_verdict(kind, text) == FILTER_DIVERT)
        r = find_room(m, str_word(&rest));
    if (judged(m, c, kind, &text, copy) && r >= 0)
        post_message(m, c, r, action, text);
}

void model_message(struct model *m, struct model_client *c, struct str text)
{
    say(m, c, false, text);
}

/* ---- commands ------------------------------------------------------------------------------- */

static struct model_client *find_nick(struct model *m, struct str nick)
{
    for (struct model_client *c = m->clients; c; c = c->next) {
        if (c->open && text_equal_fold(str_of(c->nick), nick))
            return c;
    }
    return NULL;
}

static void rename_client(struct model *m, struct model_client *c, struct str nick)
{
    char old[sizeof c->nick];
    if (judge_refuses_nick(nick)) {
        tell_text(m, c, '!', "Your nick stays as it is: %s", JUDGE_NO_NICK);
        return;
    }
    const struct model_client *owner = find_nick(m, nick);
    if (owner && owner != c) {
        const char *quote = c->wire == WIRE_JSON ? "\\\"" : "\"";
        tell_text(m, c, '!', "The nick %s" STR_FMT "%s is taken.", quote, STR_ARG(nick), quote);
        return;
    }
    memcpy(old, c->nick, sizeof old);
    snprintf(c->nick, sizeof c->nick, STR_FMT, STR_ARG(nick));
    tell(c, model_make_nick(m, c, old, NULL));
    for (int i = 0; i < c->room_count; i++)
        announce(m, c->rooms[i], model_make_nick(m, c, old, &m->rooms[c->rooms[i]]), c);
}

static void message_one(struct model *m, struct model_client *c, struct str args, bool delivered)
{
    char text[128];
    char copy[MODEL_TEXT_MAX];
    struct str nick = str_word(&args);
    struct model_client *to = find_nick(m, nick);
    snprintf(text, sizeof text, STR_FMT, STR_ARG(nick));
    if (!to)
        tell_text(m, c, '!', "There is nobody called %s here.", text);
    else if (!judged(m, c, FILTER_PRIVATE, &args, copy))
        return;
    else if (!delivered)
        tell_text(m, c, '!', "%s does not read: your message was not delivered.", text);
    else
        tell(to, model_make_private(m, c, to->nick, args));
}

static void show_history(struct model *m, struct model_client *c, struct str args)
{
    if (c->room_count == 0) {
        tell_text(m, c, '!', NO_ROOM);
        return;
    }
    int r = c->rooms[c->current];
    struct str word = str_word(&args);
    uint64_t newest = m->rooms[r].number;
    uint64_t oldest = newest > m->limits.history ? newest - m->limits.history : 0;
    if (str_equal(word, STR("since"))) {
        uint64_t seq = strtoull(args.data, NULL, 10);
        replay(m, c, r, seq > oldest ? seq : oldest);
    } else {
        replay_last(m, c, r, word.size ? strtoull(word.data, NULL, 10) : UINT64_MAX);
    }
}

void model_command(struct model *m, struct model_client *c, struct str line, bool delivered)
{
    struct str name = str_word(&line);
    if (str_equal(name, STR("/join")))
        join(m, c, line);
    else if (str_equal(name, STR("/part")))
        part(m, c, line);
    else if (str_equal(name, STR("/nick")))
        rename_client(m, c, line);
    else if (str_equal(name, STR("/msg")))
        message_one(m, c, line, delivered);
    else if (str_equal(name, STR("/judge")))
        tell_text(m, c, '*', JUDGE_ANSWER, STR_ARG(line));
    else if (str_equal(name, STR("/me")))
        say(m, c, true, line);
    else if (str_equal(name, STR("/history")))
        show_history(m, c, line);
    else if (str_equal(name, STR("/ping")))
        tell(c, model_make_pong(m, line));
    else if (str_equal(name, STR("/wire"))) {
        c->wire = str_equal(line, STR("json")) ? WIRE_JSON : WIRE_LINE;
        tell(c, model_make_welcome(m, c));
    }
}

void model_notice(struct model *m, struct str room, struct str text)
{
    int r = find_room(m, room);
    if (r >= 0)
        post(m, r, model_make_room_notice(m, &m->rooms[r], text), false, NULL);
}

void model_reloaded(struct model *m, struct model_client *c, bool done)
{
    if (done)
        tell_text(m, c, '*',
                  "Filters reloaded: 1 in the chain. "
                  "For 60 seconds, /reload rollback brings the old ones back.");
    else
        tell_text(m, c, '!', "Filters not reloaded: the old ones stay; the log says why.");
}

void model_reload_late(struct model *m, struct model_client *c)
{
    tell_text(m, c, '!', "Somebody else wants that just now: ask again.");
}

/* ---- coming and going ----------------------------------------------------------------------- */

static struct model_client *add_client(struct model *m, uint64_t id)
{
    struct model_client *c = model_must(calloc(1, sizeof *c));
    *c = (struct model_client){.id = id, .open = true, .next = m->clients};
    m->clients = c;
    return c;
}

struct model_client *model_connect(struct model *m, uint64_t id)
{
    struct model_client *c = add_client(m, id);
    snprintf(c->nick, sizeof c->nick, "client-%" PRIu64, id);
    m->open++;
    tell(c, model_make_welcome(m, c));
    enter(m, c, 0);
    replay_last(m, c, 0, UINT64_MAX);
    return c;
}

struct model_client *model_refuse(struct model *m)
{
    struct model_client *c = add_client(m, 0);
    tell_text(m, c, '!', "The hub is full. Try again later.");
    c->open = false;
    return c;
}

void model_leave(struct model *m, struct model_client *c, struct str text)
{
    for (int i = 0; i < c->room_count; i++) {
        struct model_room *room = &m->rooms[c->rooms[i]];
        announce(m, c->rooms[i], model_make_part(m, c, room, text), c);
        room->present--;
        room->ghosts++;
    }
    c->open = false;
    m->open--;
}

void model_gone(struct model *m, struct model_client *c)
{
    for (int i = 0; i < c->room_count; i++) {
        m->rooms[c->rooms[i]].ghosts--;
        release_room(m, c->rooms[i]);
    }
    c->room_count = 0;
}

bool model_is_open(const struct model_client *c)
{
    return c->open;
}

uint64_t model_skipped(const struct model *m)
{
    return m->skipped;
}
