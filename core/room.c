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
    return (int)room->count++;
}

void room_remove(struct room *room, uint32_t index)
{
    if (room->members[index].flags & MEMBER_GHOST)
        room->ghosts--;
    room->members[index] = room->members[--room->count];
}

/* Encodes `e` where the next record of each live log will be. */
static int encode_all(struct room *room, const struct event *e, struct str bytes[WIRE_COUNT])
{
    for (int w = 0; w < WIRE_COUNT; w++) {
        const struct wire *wire = wire_get((enum wire_id)w);
        char *out = room_log_reserve(&room->live[w], wire->bound(e));
        if (!out)
            return -ENOMEM;
        bytes[w] = str_from(out, wire->encode(e, out));
    }
    return 0;
}

/* Before anything is appended: a history with a hole would announce more than it has. */
static int reserve_history(struct room *room, const struct str bytes[WIRE_COUNT],
                           char *out[WIRE_COUNT])
{
    for (int w = 0; w < WIRE_COUNT; w++) {
        out[w] = room_log_reserve(&room->history[w], bytes[w].size);
        if (!out[w])
            return -ENOMEM;
    }
    return 0;
}

/* Keeps the last `limit` messages, unless a replay that is under way still needs older ones. */
static void keep_history(struct room *room, int w, struct str bytes, char *out, uint32_t limit)
{
    struct room_log *log = &room->history[w];
    memcpy(out, bytes.data, bytes.size);
    room_log_append(log, bytes.size, room->number);
    if (room->number > limit && log->readers == 0)
        room_log_drop(log, room_log_after(log, room->number - limit));
}

int room_post(struct room *room, struct event *e, bool numbered, uint32_t history,
              uint64_t before[WIRE_COUNT])
{
    struct str bytes[WIRE_COUNT];
    char *copies[WIRE_COUNT];
    bool kept = numbered && history > 0;
    e->seq = numbered ? room->number + 1 : 0;
    if (encode_all(room, e, bytes) < 0 || (kept && reserve_history(room, bytes, copies) < 0))
        return -ENOMEM;
    room->number += numbered;
    for (int w = 0; w < WIRE_COUNT; w++) {
        before[w] = room->live[w].end;
        room_log_append(&room->live[w], bytes[w].size, room->number);
        if (kept)
            keep_history(room, w, bytes[w], copies[w], history);
    }
    return 0;
}
