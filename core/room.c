/* Rooms; see room.h. */
#include "room.h"

#include <errno.h>
#include <stdlib.h>

enum {
    LIVE_SEGMENT = 64 << 10,
    LIVE_SPARES = 64,
    HISTORY_SEGMENT = 4 << 10,
    HISTORY_SPARES = 256,
};

void room_pools_init(struct room_pools *pools)
{
    segment_pool_init(&pools->live, LIVE_SEGMENT, LIVE_SPARES);
    segment_pool_init(&pools->history, HISTORY_SEGMENT, HISTORY_SPARES);
}

void room_pools_fini(struct room_pools *pools)
{
    segment_pool_fini(&pools->live);
    segment_pool_fini(&pools->history);
}

struct room *room_new(struct str name, uint32_t id, struct room_pools *pools)
{
    struct room *room = calloc(1, sizeof *room);
    if (!room)
        return NULL;
    room->id = id;
    room->name_size = (uint8_t)name.size;
    memcpy(room->name, name.data, name.size);
    for (int w = 0; w < WIRE_COUNT; w++) {
        room_log_init(&room->live[w], &pools->live);
        room_log_init(&room->history[w], &pools->history);
    }
    return room;
}

void room_free(struct room *room)
{
    for (int w = 0; w < WIRE_COUNT; w++) {
        room_log_fini(&room->live[w]);
        room_log_fini(&room->history[w]);
    }
    free(room->members);
    free(room);
}

struct str room_name(const struct room *room)
{
    return str_from(room->name, room->name_size);
}

uint32_t room_present(const struct room *room)
{
    return room->count - room->ghosts;
}

int room_add(struct room *room, uint64_t handle, enum wire_id wire)
{
    if (room->count == room->size) {
        uint32_t size = room->size ? room->size * 2 : 4;
        struct member *members = realloc(room->members, size * sizeof *members);
        if (!members)
            return -ENOMEM;
        room->members = members;
        room->size = size;
    }
    room->members[room->count] = (struct member){
        .cursor = room->live[wire].end,
        .handle = handle,
        .wire = (uint8_t)wire,
    };
    room->hearing[wire]++;
    return (int)room->count++;
}

void room_remove(struct room *room, uint32_t index)
{
    if (room->members[index].flags & MEMBER_GHOST)
        room->ghosts--;
    room->hearing[room->members[index].wire]--;
    room->members[index] = room->members[--room->count];
    room->level = false; /* who has that place now may be yet to come in a flush in slices */
}

void room_set_wire(struct room *room, uint32_t index, enum wire_id wire)
{
    struct member *m = &room->members[index];
    room->hearing[m->wire]--;
    room->hearing[wire]++;
    m->wire = (uint8_t)wire;
    m->cursor = room->live[wire].end;
}

/* An event in one encoding, where it will stand; NULL where it will not. */
struct record {
    char *live;
    char *history;
    size_t size;
};

/* A log that nobody hears takes nothing in, once it has been emptied. */
static bool is_heard(const struct room *room, int w)
{
    return room->hearing[w] > 0 || room->live[w].start != room->live[w].end;
}

/* Encodes `e` where the next records of one encoding will be: into the history if that is kept, and
 * from there into the live log. */
static int encode(struct room *room, int w, const struct event *e, bool kept, struct record *r)
{
    const struct wire *wire = wire_get((enum wire_id)w);
    *r = (struct record){.size = wire->bound(e)};
    if (kept) {
        r->history = room_log_reserve(&room->history[w], r->size);
        if (!r->history)
            return -ENOMEM;
        r->size = wire->encode(e, r->history);
    }
    if (!is_heard(room, w))
        return 0;
    r->live = room_log_reserve(&room->live[w], r->size);
    if (!r->live)
        return -ENOMEM;
    if (kept)
        memcpy(r->live, r->history, r->size);
    else
        r->size = wire->encode(e, r->live);
    return 0;
}

/* Keeps the last `limit` messages, unless a replay that is under way still needs older ones. */
static void keep_history(struct room *room, int w, size_t size, uint32_t limit)
{
    struct room_log *log = &room->history[w];
    room_log_append(log, size, room->number);
    if (room->number > limit && log->readers == 0)
        room_log_drop(log, room_log_after(log, room->number - limit));
}

/* There is no memory for all encodings, so there shall be none: a room that is quiet from now on
 * must not keep what it reserved. */
static int give_up(struct room *room)
{
    for (int w = 0; w < WIRE_COUNT; w++) {
        room_log_cancel(&room->live[w]);
        room_log_cancel(&room->history[w]);
    }
    return -ENOMEM;
}

int room_post(struct room *room, struct event *e, bool numbered, uint32_t history,
              uint64_t before[WIRE_COUNT])
{
    struct record records[WIRE_COUNT];
    bool kept = numbered && history > 0;
    e->seq = numbered ? room->number + 1 : 0;
    for (int w = 0; w < WIRE_COUNT; w++) {
        if (encode(room, w, e, kept, &records[w]) < 0)
            return give_up(room);
    }
    room->number += numbered;
    room->level = false;
    for (int w = 0; w < WIRE_COUNT; w++) {
        before[w] = room->live[w].end;
        if (records[w].live)
            room_log_append(&room->live[w], records[w].size, room->number);
        else
            room_log_pass(&room->live[w], room->number);
        if (kept)
            keep_history(room, w, records[w].size, history);
    }
    return 0;
}
