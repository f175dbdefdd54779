/* See hub_model.h. This file is the hub; hub_model_hear.c is the judge. */
#include "hub_model_impl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

enum { TEXT_MAX = 2048 };

#define NO_ROOM "You are in no room: /join one first."

/* ---- memory --------------------------------------------------------------------------------- */

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* Strings live as long as the model. */
static const char *keep(struct model *m, const char *text, size_t size)
{
    if (!m->chunk || m->chunk->used + size > sizeof m->chunk->bytes) {
        struct model_chunk *chunk = must(calloc(1, sizeof *chunk));
        chunk->next = m->chunk;
        m->chunk = chunk;
    }
    char *out = m->chunk->bytes + m->chunk->used;
    memcpy(out, text, size);
    m->chunk->used += size;
    return out;
}

struct model *model_new(const struct hub_limits *limits, bool lossy)
{
    struct model *m = must(calloc(1, sizeof *m));
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

/* ---- lines ---------------------------------------------------------------------------------- */

static struct said say_it(struct model *m, const char *line, const char *json)
{
    return (struct said){{str_from(keep(m, line, strlen(line)), strlen(line)),
                          str_from(keep(m, json, strlen(json)), strlen(json))}};
}

/* "#room " and " #room" and " of #room"; nothing for the lobby. */
static const char *room_part(const struct model_room *room, const char *before, const char *after,
                             char out[64])
{
    bool lobby = strcmp(room->name, "#lobby") == 0;
    snprintf(out, 64, "%s%s%s", lobby ? "" : before, lobby ? "" : room->name, lobby ? "" : after);
    return out;
}

/* A notice (mark '*') or an error ('!'). */
static struct said make_notice(struct model *m, char mark, const char *text)
{
    char line[TEXT_MAX];
    char json[TEXT_MAX];
    snprintf(line, sizeof line, "%c %s", mark, text);
    snprintf(json, sizeof json, "{\"type\":\"%s\",\"text\":\"%s\"}",
             mark == '*' ? "notice" : "error", text);
    return say_it(m, line, json);
}

static struct said make_message(struct model *m, const struct model_client *from,
                                const struct model_room *room, bool action, struct str text)
{
    char line[TEXT_MAX];
    char json[TEXT_MAX];
    char label[64];
    snprintf(line, sizeof line, "%s%s%s" STR_FMT, room_part(room, "", " ", label), from->nick,
             action ? " * " : ": ", STR_ARG(text));
    snprintf(json, sizeof json,
             "{\"type\":\"%s\",\"room\":\"%s\",\"from\":\"%s\",\"id\":%" PRIu64 ",\"seq\":%" PRIu64
             ",\"text\":\"" STR_FMT "\"}",
             action ? "action" : "message", room->name, from->nick, from->id, room->number,
             STR_ARG(text));
    return say_it(m, line, json);
}

static const char *others(uint64_t n, char out[64])
{
    if (n == 0)
        return "You are the first here.";
    snprintf(out, 64, n == 1 ? "%" PRIu64 " other is here." : "%" PRIu64 " others are here.", n);
    return out;
}

static struct said make_welcome(struct model *m, const struct model_client *c)
{
    char line[TEXT_MAX];
    char json[TEXT_MAX];
    char count[64];
    uint64_t n = m->open - 1;
    snprintf(line, sizeof line,
             "* Welcome to the chat room! Your chat ID is client-%" PRIu64 ". %s", c->id,
             others(n, count));
    snprintf(json, sizeof json,
             "{\"type\":\"welcome\",\"id\":%" PRIu64
             ",\"text\":\"Welcome to the chat room! Your chat ID is client-%" PRIu64
             ".\",\"nick\":\"%s\",\"count\":%" PRIu64 "}",
             c->id, c->id, c->nick, n);
    return say_it(m, line, json);
}

static struct said make_join(struct model *m, const struct model_client *c,
                             const struct model_room *room, bool own)
{
    char line[TEXT_MAX];
    char json[TEXT_MAX];
    char part[64];
    uint64_t n = room->present - 1;
    int used = snprintf(json, sizeof json,
                        "{\"type\":\"join\",\"room\":\"%s\",\"from\":\"%s\",\"id\":%" PRIu64,
                        room->name, c->nick, c->id);
    if (own) {
        snprintf(line, sizeof line, "* You joined %s. %s", room->name, others(n, part));
        snprintf(json + used, sizeof json - (size_t)used, ",\"count\":%" PRIu64 "}", n);
    } else {
        snprintf(line, sizeof line, "* %s joined%s", c->nick, room_part(room, " ", "", part));
        strcpy(json + used, "}");
    }
    return say_it(m, line, json);
}

static struct said make_part(struct model *m, const struct model_client *c,
                             const struct model_room *room, struct str text)
{
    char line[TEXT_MAX];
    char json[TEXT_MAX];
    char part[64];
    int used = snprintf(json, sizeof json,
                        "{\"type\":\"part\",\"room\":\"%s\",\"from\":\"%s\",\"id\":%" PRIu64,
                        room->name, c->nick, c->id);
    int size = snprintf(line, sizeof line, "* %s left%s", c->nick, room_part(room, " ", "", part));
    if (text.size > 0) {
        snprintf(line + size, sizeof line - (size_t)size, ": " STR_FMT, STR_ARG(text));
        used += snprintf(json + used, sizeof json - (size_t)used, ",\"text\":\"" STR_FMT "\"",
                         STR_ARG(text));
    }
    strcpy(json + used, "}");
    return say_it(m, line, json);
}

static struct said make_parted(struct model *m, const struct model_client *c,
                               const struct model_room *room)
{
    char line[TEXT_MAX];
    char json[TEXT_MAX];
    int size = snprintf(line, sizeof line, "* You left %s. ", room->name);
    if (c->room_count > 0)
        snprintf(line + size, sizeof line - (size_t)size, "Your current room is %s.",
                 m->rooms[c->rooms[c->current]].name);
    else
        strcpy(line + size, "You are in no room now: /join one.");
    snprintf(json, sizeof json,
             "{\"type\":\"part\",\"room\":\"%s\",\"from\":\"%s\",\"id\":%" PRIu64 "}", room->name,
             c->nick, c->id);
    return say_it(m, line, json);
}

static struct said make_nick(struct model *m, const struct model_client *c, const char *old,
                             const struct model_room *room)
{
    char line[TEXT_MAX];
    char json[TEXT_MAX];
    char place[64] = "";
    if (room) {
        snprintf(line, sizeof line, "* %s is now known as %s", old, c->nick);
        snprintf(place, sizeof place, "\"room\":\"%s\",", room->name);
    } else {
        snprintf(line, sizeof line, "* You are now known as %s.", c->nick);
    }
    snprintf(json, sizeof json,
             "{\"type\":\"nick\",%s\"from\":\"%s\",\"id\":%" PRIu64 ",\"nick\":\"%s\"}", place, old,
             c->id, c->nick);
    return say_it(m, line, json);
}

static struct said make_private(struct model *m, const struct model_client *from, const char *to,
                                struct str text)
{
    char line[TEXT_MAX];
    char json[TEXT_MAX];
    snprintf(line, sizeof line, "@%s: " STR_FMT, from->nick, STR_ARG(text));
    snprintf(json, sizeof json,
             "{\"type\":\"private\",\"from\":\"%s\",\"to\":\"%s\",\"id\":%" PRIu64
             ",\"text\":\"" STR_FMT "\"}",
             from->nick, to, from->id, STR_ARG(text));
    return say_it(m, line, json);
}

static struct said make_history(struct model *m, const struct model_room *room, uint64_t n)
{
    char line[TEXT_MAX];
    char json[TEXT_MAX];
    char part[64];
    char count[32] = "message";
    if (n > 1)
        snprintf(count, sizeof count, "%" PRIu64 " messages", n);
    snprintf(line, sizeof line, "* last %s%s:", count, room_part(room, " of ", "", part));
    snprintf(json, sizeof json, "{\"type\":\"history\",\"room\":\"%s\",\"count\":%" PRIu64 "}",
             room->name, n);
    return say_it(m, line, json);
}

static struct said make_pong(struct model *m, struct str token)
{
    char line[TEXT_MAX];
    char json[TEXT_MAX];
    snprintf(line, sizeof line, "* pong " STR_FMT, STR_ARG(token));
    snprintf(json, sizeof json, "{\"type\":\"pong\",\"token\":\"" STR_FMT "\"}", STR_ARG(token));
    return say_it(m, line, json);
}

/* ---- what is due ---------------------------------------------------------------------------- */

static void due(struct model_client *c, struct said said, enum item_kind kind, int room,
                bool numbered)
{
    if (c->count == c->size) {
        c->size = c->size ? c->size * 2 : 16;
        c->items = must(realloc(c->items, c->size * sizeof *c->items));
    }
    c->items[c->count++] = (struct item){
        .text = said.text[c->wire], .kind = kind, .room = (uint8_t)room, .numbered = numbered};
}

static void tell(struct model_client *c, struct said said)
{
    if (c->open)
        due(c, said, ITEM_PRIVATE, 0, false);
}

__attribute__((format(printf, 4, 5))) static void tell_text(struct model *m, struct model_client *c,
                                                            char mark, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tell(c, make_notice(m, mark, text));
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
    tell(c, make_history(m, room, room->number - after));
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
    announce(m, r, make_join(m, c, &m->rooms[r], false), c);
}

static void join(struct model *m, struct model_client *c, struct str name)
{
    int r = find_room(m, name);
    if (r >= 0 && is_member(c, r)) {
        while (c->rooms[c->current] != r)
            c->current = (c->current + 1) % c->room_count;
        tell_text(m, c, '*', "Your current room is %s.", m->rooms[r].name);
        return;
    }
    if (c->room_count == CONN_ROOMS_MAX) {
        tell_text(m, c, '!', "You are in %d rooms: /part one first.", CONN_ROOMS_MAX);
        return;
    }
    r = r >= 0 ? r : make_room(m, name);
    enter(m, c, r);
    tell(c, make_join(m, c, &m->rooms[r], true));
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
    announce(m, r, make_part(m, c, &m->rooms[r], STR("")), c);
    int i = 0;
    while (c->rooms[i] != r)
        i++;
    c->room_count--;
    memmove(&c->rooms[i], &c->rooms[i + 1], (size_t)(c->room_count - i) * sizeof c->rooms[0]);
    if (c->current > 0 && c->current >= i)
        c->current--;
    m->rooms[r].present--;
    tell(c, make_parted(m, c, &m->rooms[r]));
    release_room(m, r);
}

/* ---- messages ------------------------------------------------------------------------------- */

enum filter_verdict model_verdict(struct str text)
{
    if (str_starts_with(text, STR("drop ")))
        return FILTER_DROP;
    if (str_starts_with(text, STR("reply ")))
        return FILTER_REPLY;
    if (str_starts_with(text, STR("kick ")))
        return FILTER_KICK;
    return str_starts_with(text, STR("swap ")) ? FILTER_REPLACE : FILTER_PASS;
}

static void post_message(struct model *m, struct model_client *c, bool action, struct str text)
{
    int r = c->rooms[c->current];
    struct model_room *room = &m->rooms[r];
    room->number++;
    struct said said = make_message(m, c, room, action, text);
    if (room->number > room->size) {
        room->size = room->size ? room->size * 2 : 16;
        room->said = must(realloc(room->said, room->size * sizeof *room->said));
    }
    room->said[room->number - 1] = said;
    post(m, r, said, true, c);
    if (room->present == 1)
        tell_text(m, c, '*', "Nobody else is here yet.");
}

static void say(struct model *m, struct model_client *c, bool action, struct str text)
{
    char copy[TEXT_MAX];
    if (c->room_count == 0) {
        tell_text(m, c, '!', NO_ROOM);
        return;
    }
    snprintf(copy, sizeof copy, MODEL_SWAPPED STR_FMT, STR_ARG(text));
    const char *original = copy + strlen(MODEL_SWAPPED);
    switch (model_verdict(text)) {
    case FILTER_DROP:
        tell_text(m, c, '!', "Your message was dropped: %s", original);
        break;
    case FILTER_REPLY:
        tell_text(m, c, '*', "%s", original);
        break;
    case FILTER_KICK:
        tell_text(m, c, '!', "You were disconnected: %s", original);
        break; /* and model_leave() follows */
    case FILTER_REPLACE:
        post_message(m, c, action, str_of(copy));
        break;
    default:
        post_message(m, c, action, text);
    }
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
    const struct model_client *owner = find_nick(m, nick);
    if (owner && owner != c) {
        const char *quote = c->wire == WIRE_JSON ? "\\\"" : "\"";
        tell_text(m, c, '!', "The nick %s" STR_FMT "%s is taken.", quote, STR_ARG(nick), quote);
        return;
    }
    strcpy(old, c->nick);
    snprintf(c->nick, sizeof c->nick, STR_FMT, STR_ARG(nick));
    tell(c, make_nick(m, c, old, NULL));
    for (int i = 0; i < c->room_count; i++)
        announce(m, c->rooms[i], make_nick(m, c, old, &m->rooms[c->rooms[i]]), c);
}

static void message_one(struct model *m, struct model_client *c, struct str args, bool delivered)
{
    char text[128];
    struct str nick = str_word(&args);
    struct model_client *to = find_nick(m, nick);
    snprintf(text, sizeof text, STR_FMT, STR_ARG(nick));
    if (!to)
        tell_text(m, c, '!', "There is nobody called %s here.", text);
    else if (!delivered)
        tell_text(m, c, '!', "%s does not read: your message was not delivered.", text);
    else
        tell(to, make_private(m, c, to->nick, args));
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
    else if (str_equal(name, STR("/me")))
        say(m, c, true, line);
    else if (str_equal(name, STR("/history")))
        show_history(m, c, line);
    else if (str_equal(name, STR("/ping")))
        tell(c, make_pong(m, line));
    else if (str_equal(name, STR("/wire"))) {
        c->wire = str_equal(line, STR("json")) ? WIRE_JSON : WIRE_LINE;
        tell(c, make_welcome(m, c));
    }
}

/* ---- coming and going ----------------------------------------------------------------------- */

static struct model_client *add_client(struct model *m, uint64_t id)
{
    struct model_client *c = must(calloc(1, sizeof *c));
    *c = (struct model_client){.id = id, .open = true, .next = m->clients};
    m->clients = c;
    return c;
}

struct model_client *model_connect(struct model *m, uint64_t id)
{
    struct model_client *c = add_client(m, id);
    snprintf(c->nick, sizeof c->nick, "client-%" PRIu64, id);
    m->open++;
    tell(c, make_welcome(m, c));
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
        announce(m, c->rooms[i], make_part(m, c, room, text), c);
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
