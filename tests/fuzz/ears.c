/* See ears.h. JSON is read by jansson, not by the code that wrote it. */
#include "ears.h"

#include "wire.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

void ears_fini(struct ears *ears)
{
    free(ears->kept);
    *ears = (struct ears){0};
}

bool ears_is_whole(const struct ears *ears)
{
    return ears->size == 0;
}

/* ---- rooms ---------------------------------------------------------------------------------- */

static struct ears_room *find_room(struct ears *ears, const char *name)
{
    for (int i = 0; i < EARS_ROOMS; i++) {
        if (strcmp(ears->rooms[i].name, name) == 0)
            return &ears->rooms[i];
    }
    return NULL;
}

/* NULL if there are too many to keep track of. */
static struct ears_room *make_room(struct ears *ears, const char *name)
{
    struct ears_room *room = find_room(ears, name);
    if (room)
        return room;
    room = find_room(ears, "");
    if (room)
        snprintf(room->name, sizeof room->name, "%s", name);
    return room;
}

/* It left, or entered anew: a room of that name may be another one, and count from one again. */
static void forget_room(struct ears *ears, const char *name)
{
    struct ears_room *room = find_room(ears, name);
    if (room)
        *room = (struct ears_room){0};
}

/* ---- events --------------------------------------------------------------------------------- */

static const char *text_of(const json_t *e, const char *key)
{
    const char *text = json_string_value(json_object_get(e, key));
    return text ? text : "";
}

static uint64_t number_of(const json_t *e, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(e, key));
}

static enum event_type type_of(const json_t *e)
{
    const char *name = text_of(e, "type");
    int type = 0;
    while (type < EVENT_TYPES && strcmp(name, event_type_name((enum event_type)type)) != 0)
        type++;
    return (enum event_type)type;
}

static void hear_message(struct ears *ears, const json_t *e)
{
    const char *name = text_of(e, "room");
    uint64_t seq = number_of(e, "seq");
    struct ears_room *room = make_room(ears, name);
    if (!room)
        return;
    bool again = seq <= room->seq;
    fuzz_check(seq > 0, "a message of %s without a number", name);
    fuzz_check(!again || room->replay > 0, "message %llu of %s came after %llu",
               (unsigned long long)seq, name, (unsigned long long)room->seq);
    fuzz_check(!ears->no_history || ears->id == 0 || number_of(e, "id") != ears->id,
               "client %llu hears itself", (unsigned long long)ears->id);
    if (again)
        room->replay--;
    else
        room->seq = seq;
}

static void hear_event(struct ears *ears, const json_t *e)
{
    struct ears_room *room;
    switch (type_of(e)) {
    case EVENT_WELCOME:
        ears->id = number_of(e, "id");
        break;
    case EVENT_MESSAGE:
    case EVENT_ACTION:
        hear_message(ears, e);
        break;
    case EVENT_HISTORY:
        room = make_room(ears, text_of(e, "room"));
        if (room)
            room->replay += number_of(e, "count");
        break;
    case EVENT_JOIN:
    case EVENT_PART:
        if (number_of(e, "id") == ears->id)
            forget_room(ears, text_of(e, "room"));
        break;
    case EVENT_TYPES:
        fuzz_check(false, "an event of type \"%s\"", text_of(e, "type"));
    default:
        break;
    }
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* NULL if it is no JSON. */
static json_t *parse(struct str line)
{
    return json_loadb(line.data, line.size, JSON_REJECT_DUPLICATES, NULL);
}

static void hear_json(struct ears *ears, struct str line)
{
    json_t *e = parse(line);
    fuzz_check(json_is_object(e), "no JSON: " STR_FMT, STR_ARG(line));
    hear_event(ears, e);
    json_decref(e);
}

/* The welcome tells what the lines from here on are; nobody else can say one in that way. */
static void hear_switch(struct ears *ears, struct str line)
{
    if (str_starts_with(line, STR("* Welcome to the chat room! "))) {
        ears->json = false;
    } else if (!ears->json && str_starts_with(line, STR("{\"type\":\"welcome\","))) {
        json_t *e = parse(line);
        ears->json = json_is_object(e);
        json_decref(e);
        for (int i = 0; ears->json && i < EARS_ROOMS; i++)
            ears->rooms[i] = (struct ears_room){0}; /* much may have happened meanwhile */
    }
}

static void hear_line(struct ears *ears, struct str line)
{
    fuzz_check(fuzz_is_clean(line), "no clean text: " STR_FMT, STR_ARG(line));
    fuzz_check(line.size > 0, "an empty line");
    hear_switch(ears, line);
    if (ears->json)
        hear_json(ears, line);
}

void ears_hear(struct ears *ears, struct str bytes)
{
    if (bytes.size == 0)
        return;
    ears->kept = fuzz_must(realloc(ears->kept, ears->size + bytes.size));
    memcpy(ears->kept + ears->size, bytes.data, bytes.size);
    ears->size += bytes.size;
    struct fuzz_input in = {(const uint8_t *)ears->kept, ears->size};
    while (in.left > 0 && memchr(in.at, '\n', in.left))
        hear_line(ears, fuzz_part(&in, '\n'));
    memmove(ears->kept, in.at, in.left);
    ears->size = in.left;
}
