/*
 * A room: its log for every encoding, its history, and its members as positions in the log.
 *
 * Two logs per encoding. The live log holds what some member has not been sent yet; in a room that
 * keeps up it is empty between turns, and its segments go back to a pool that all rooms share, so
 * the bytes being sent are the bytes just written. The history log holds the last messages only,
 * for replays. An event is encoded once per encoding and stands in both; where nobody hears an
 * encoding and no history is kept, not at all.
 *
 * Knows no sockets: a member's `handle` is whatever the caller sends to.
 */
#ifndef CHATROOM_ROOM_H
#define CHATROOM_ROOM_H

#include "room_log.h"
#include "text.h"
#include "wire.h"

enum member_flag {
    MEMBER_SLOW = 1 << 0,  /* its connection is flushed by itself: it has an out-queue, or is in
                              several rooms, or was skipped */
    MEMBER_GHOST = 1 << 1, /* has left; kept until what it was due is sent */
};

/* 24 bytes, in a dense array: all that a fan-out reads of a member that keeps up. */
struct member {
    uint64_t cursor; /* offset in the live log of its encoding, up to which it has been sent */
    uint64_t handle;
    uint32_t skipped; /* messages it missed and has not been told of */
    uint16_t flags;
    uint8_t wire;
    uint8_t unused;
};

struct room {
    struct room_log live[WIRE_COUNT];
    struct room_log history[WIRE_COUNT];
    uint64_t number;              /* of the last message */
    uint32_t hearing[WIRE_COUNT]; /* members, with ghosts, of each encoding */
    struct member *members;
    uint32_t count; /* with ghosts */
    uint32_t size;
    uint32_t ghosts;
    uint32_t id;   /* its place in the hub's table */
    uint32_t next; /* the member at which its flush goes on */
    bool dirty;    /* in the hub's list of rooms to flush */
    bool level;    /* the last flush took every member to the end of its log */
    uint8_t name_size;
    char name[TEXT_ROOM_MAX];
};

/* The pools that rooms share; they outlive the rooms. */
struct room_pools {
    struct segment_pool live;
    struct segment_pool history;
};

void room_pools_init(struct room_pools *pools);
void room_pools_fini(struct room_pools *pools);

/* NULL without memory. */
struct room *room_new(struct str name, uint32_t id, struct room_pools *pools);
void room_free(struct room *room);

struct str room_name(const struct room *room);

/* Members that are there, without ghosts. */
uint32_t room_present(const struct room *room);

/* Adds a member that hears what is posted from now on. Returns its index or -ENOMEM. */
int room_add(struct room *room, uint64_t handle, enum wire_id wire);

/* Removes the member at `index`; the last one takes its place. */
void room_remove(struct room *room, uint32_t index);

/* The member at `index` hears in another encoding, what is posted from now on. */
void room_set_wire(struct room *room, uint32_t index, enum wire_id wire);

/*
 * Encodes `e` and appends it to the live logs that somebody hears, as the room's next message where
 * `numbered` (its seq is set here), and then also to the history, if that keeps any. before[]
 * receives where it starts in each live log. 0, or -ENOMEM and nothing happened.
 */
int room_post(struct room *room, struct event *e, bool numbered, uint32_t history,
              uint64_t before[WIRE_COUNT]);

#endif
