/* How everything that a hub says reads, in every encoding; written down here a second time. See
 * hub_model.h. */
#include "hub_model_impl.h"

#include <inttypes.h>
#include <stdlib.h>

void *model_must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* Strings live as long as the model. */
static const char *keep(struct model *m, const char *text, size_t size)
{
    if (!m->chunk || m->chunk->used + size > sizeof m->chunk->bytes) {
        struct model_chunk *chunk = model_must(calloc(1, sizeof *chunk));
        chunk->next = m->chunk;
        m->chunk = chunk;
    }
    char *out = m->chunk->bytes + m->chunk->used;
    memcpy(out, text, size);
    m->chunk->used += size;
    return out;
}

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
struct said model_make_notice(struct model *m, char mark, const char *text)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
    snprintf(line, sizeof line, "%c %s", mark, text);
    snprintf(json, sizeof json, "{\"type\":\"%s\",\"text\":\"%s\"}",
             mark == '*' ? "notice" : "error", text);
    return say_it(m, line, json);
}

/* What the filter says in a room. */
struct said model_make_room_notice(struct model *m, const struct model_room *room, struct str text)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
    snprintf(line, sizeof line, "* " STR_FMT, STR_ARG(text));
    snprintf(json, sizeof json,
             "{\"type\":\"notice\",\"room\":\"%s\",\"from\":\"judge\",\"text\":\"" STR_FMT "\"}",
             room->name, STR_ARG(text));
    return say_it(m, line, json);
}

struct said model_make_current(struct model *m, const struct model_room *room)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
    snprintf(line, sizeof line, "* Your current room is %s.", room->name);
    snprintf(json, sizeof json,
             "{\"type\":\"notice\",\"to\":\"%s\",\"text\":\"Your current room is %s.\"}",
             room->name, room->name);
    return say_it(m, line, json);
}

/* The last words to somebody. */
struct said model_make_dismissal(struct model *m, const char *text)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
    snprintf(line, sizeof line, "! %s", text);
    snprintf(json, sizeof json, "{\"type\":\"error\",\"text\":\"%s\",\"final\":true}", text);
    return say_it(m, line, json);
}

struct said model_make_message(struct model *m, const struct model_client *from,
                               const struct model_room *room, bool action, struct str text)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
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

struct said model_make_welcome(struct model *m, const struct model_client *c)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
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

struct said model_make_join(struct model *m, const struct model_client *c,
                            const struct model_room *room, bool own)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
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
        snprintf(json + used, sizeof json - (size_t)used, "}");
    }
    return say_it(m, line, json);
}

struct said model_make_part(struct model *m, const struct model_client *c,
                            const struct model_room *room, struct str text)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
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
    snprintf(json + used, sizeof json - (size_t)used, "}");
    return say_it(m, line, json);
}

struct said model_make_parted(struct model *m, const struct model_client *c,
                              const struct model_room *room)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
    char to[64] = "";
    int size = snprintf(line, sizeof line, "* You left %s. ", room->name);
    if (c->room_count > 0) {
        const char *current = m->rooms[c->rooms[c->current]].name;
        snprintf(line + size, sizeof line - (size_t)size, "Your current room is %s.", current);
        snprintf(to, sizeof to, ",\"to\":\"%s\"", current);
    } else {
        snprintf(line + size, sizeof line - (size_t)size, "You are in no room now: /join one.");
    }
    snprintf(json, sizeof json,
             "{\"type\":\"part\",\"room\":\"%s\",\"from\":\"%s\"%s,\"id\":%" PRIu64 "}", room->name,
             c->nick, to, c->id);
    return say_it(m, line, json);
}

struct said model_make_nick(struct model *m, const struct model_client *c, const char *old,
                            const struct model_room *room)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
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

struct said model_make_private(struct model *m, const struct model_client *from, const char *to,
                               struct str text)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
    snprintf(line, sizeof line, "@%s: " STR_FMT, from->nick, STR_ARG(text));
    snprintf(json, sizeof json,
             "{\"type\":\"private\",\"from\":\"%s\",\"to\":\"%s\",\"id\":%" PRIu64
             ",\"text\":\"" STR_FMT "\"}",
             from->nick, to, from->id, STR_ARG(text));
    return say_it(m, line, json);
}

struct said model_make_history(struct model *m, const struct model_room *room, uint64_t n)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
    char part[64];
    char count[32] = "message";
    if (n > 1)
        snprintf(count, sizeof count, "%" PRIu64 " messages", n);
    snprintf(line, sizeof line, "* last %s%s:", count, room_part(room, " of ", "", part));
    snprintf(json, sizeof json, "{\"type\":\"history\",\"room\":\"%s\",\"count\":%" PRIu64 "}",
             room->name, n);
    return say_it(m, line, json);
}

struct said model_make_pong(struct model *m, struct str token)
{
    char line[MODEL_TEXT_MAX];
    char json[MODEL_TEXT_MAX];
    snprintf(line, sizeof line, "* pong " STR_FMT, STR_ARG(token));
    snprintf(json, sizeof json, "{\"type\":\"pong\",\"token\":\"" STR_FMT "\"}", STR_ARG(token));
    return say_it(m, line, json);
}
