/*
 * The hub: connections, rooms, nicks, and what happens between them. It decides what everybody is
 * due; it sends nothing and knows no sockets: fanout.c brings what is due to netpoll, server.c
 * brings what netpoll says here.
 *
 * The path of a message: session.c -> hub_say() -> hub_ask() -> filter chain -> room_post()
 * (encoded once per encoding, appended to the room's logs) -> room is dirty -> fanout.c at the end
 * of the turn.
 *
 * Shared by hub.c (connections, nicks, private lines), hub_rooms.c (membership, messages, history,
 * retention), hub_filters.c (asking filters, and what they may do), command.c, fanout.c and the
 * server's files; nobody else looks inside.
 */
#ifndef CHATROOM_HUB_H
#define CHATROOM_HUB_H

#include "conn.h"
#include "filter.h"
#include "name_index.h"
#include "room.h"
#include "stats.h"

struct netpoll_stats;

enum slow_policy { SLOW_SKIP, SLOW_CLOSE };

struct hub_limits {
    uint32_t max_clients;
    uint32_t max_line;     /* bytes of a line of input, without its end */
    uint32_t history;      /* messages kept for replay, per room; 0: none */
    uint32_t presence_max; /* most members of a room in which joins and leaves are announced */
    size_t lag_limit;      /* bytes a log may grow for those who lag behind */
    enum slow_policy slow;
};

enum {
    HUB_ROOMS_MAX = 65536,
    HUB_OUTQ_HIGH = 64 << 10, /* a connection's input waits while its out-queue holds more */
    HUB_OUTQ_MAX = 1 << 20,   /* others may put so much into it until the next flush */
    HUB_POST_COST = 128,      /* what posting takes beside the bytes, as if it were bytes */
    HUB_LIST_MAX = 500,       /* names in an answer to /who and /rooms */
    HUB_JUDGED_MAX_NS = 10 * 1000 * 1000, /* filters may take in a turn: then comes the flush */
    HUB_TAKEN_MAX_NS = 2 * 1000 * 1000,   /* so may taking in lines, whatever they are */
    HUB_DUE_MAX = 8 << 20, /* bytes posted in a turn, times those who hear them: so many are copied
                              to the kernel in two or three milliseconds */
};

/* A set of small numbers in an array; who stands in it is marked elsewhere. */
struct slot_list {
    uint32_t *items;
    uint32_t count;
};

/* A part of what may be taken in between two flushes: of the time, and of what it makes due. */
struct hub_share {
    uint64_t began_ns; /* monotonic */
    uint64_t ns;       /* so long */
    size_t due_max;    /* as far as hub->due may go */
    uint32_t lines;    /* taken in this share */
    bool late;         /* it lasted for longer */
};

struct hub {
    struct hub_limits limits;
    struct stats stats;
    const struct netpoll_stats *netpoll; /* for /stats; may be NULL */
    struct filter_chain *filters;        /* owned; never NULL */
    char *scratch;                       /* TEXT_CLEAN_MAX(max_line) bytes, for one line */
    char server[17];                     /* id of this start */

    struct conn *conns; /* by slot; untouched memory until used */
    uint32_t max_slots;
    uint32_t used_slots;
    uint64_t next_id;
    struct name_index nicks;

    struct room **rooms; /* by id; NULL where none */
    uint32_t rooms_used; /* ids below this were used */
    struct slot_list free_rooms;
    struct name_index room_names;
    struct room_pools pools;

    struct slot_list dirty;   /* rooms to flush, in order */
    struct slot_list pending; /* connections to flush by themselves */
    struct slot_list attend;  /* connections that the server must look at */
    uint32_t leaving;         /* connections that are not open any more */
    size_t posted;         /* in this turn: bytes appended to live logs, and HUB_POST_COST each */
    size_t due;            /* the same, times those who hear them */
    uint64_t taken_max_ns; /* HUB_TAKEN_MAX_NS; tests have no clock */
    uint64_t taking_since_ns; /* monotonic, the first line since the last flush; 0: none yet */
    bool spent;               /* that is longer ago than taken_max_ns */
    struct hub_share share;
    struct hub_share reserve; /* of this turn, for who is brief */
    uint64_t judged;          /* ns that filters had taken before this turn (hub_filters_spent) */

    int64_t now_ms; /* wall clock of this turn; 0: not read yet */

    struct filter_hub filter_hub; /* what filters may do; its owner is this hub */
    struct filter_chain *shadow;  /* a candidate that is only watched; owned, may be NULL */
    struct str judged_room; /* of the event that filters judge now; it may be about to be made */
    uint64_t reload_for;    /* handle of an operator who said /reload in this turn; 0: nobody */
    bool reload_back;       /* it was /reload rollback */
    struct hub_sayings *sayings; /* what filters said, and is not posted yet */
};

/* ---- life ----------------------------------------------------------------------------------- */

/* `slots` is above every slot of a handle. It starts without filters. Returns 0 or -ENOMEM. */
int hub_init(struct hub *hub, const struct hub_limits *limits, uint32_t slots);
void hub_fini(struct hub *hub);

/* A turn begins: the clock is read anew when it is asked for. */
void hub_turn(struct hub *hub);

/* True once so much was posted in this turn, or filters have taken so long, that the flush must
 * come first: further input waits, or those who read well would be taken for laggards, or wait. */
bool hub_full(const struct hub *hub);

/* Asked before each line of those who come with but a line or two: true once what is kept for them
 * is used up, too. That is a quarter of a turn, in which nobody else has a share: so they need not
 * wait for a flush because others flood. */
bool hub_crowded(struct hub *hub);

/* From now on lines are taken by one of so many who wait for a turn of theirs, or by all (1). A
 * line may be a command, which posts nothing and takes its time. False, and nothing changes, if
 * there is nothing left to share: the flush must come first. */
bool hub_share(struct hub *hub, uint32_t parts);

/* Asked before each line: true once the share is used up. Every share is good for one line. */
bool hub_late(struct hub *hub);

/* What was posted has been flushed: there is room again, and time. */
void hub_flushed(struct hub *hub);

/* The wall clock in milliseconds, as it was when this turn first asked. */
int64_t hub_now(struct hub *hub);

/* ---- connections (hub.c) -------------------------------------------------------------------- */

uint32_t hub_slot(const struct hub *hub, const struct conn *c);
struct conn *hub_conn(struct hub *hub, uint64_t handle);

/* The open connection with this nick, or NULL. */
struct conn *hub_find_nick(struct hub *hub, struct str nick);

/* A new client: gets an id, a nick, the welcome, and the lobby. NULL if it was turned away (the hub
 * is full, or no memory): the connection is then leaving, with the answer in its out-queue. */
struct conn *hub_connect(struct hub *hub, uint64_t handle, const struct address_brief *peer);

/* It leaves: the others are told (`text` may be empty), it gets what it is due and nothing more.
 * `why` is static, for the log. Idempotent. */
void hub_leave(struct hub *hub, struct conn *c, const char *why, struct str text);

/* Its handle is gone: frees everything. Leaves first if need be. */
void hub_disconnect(struct hub *hub, struct conn *c, const char *why);

/* It must be closed at once: no memory for what it is due, or it reads too slowly. */
void hub_doom(struct hub *hub, struct conn *c, const char *why);

/* There is no memory for what it is due, or for what it says: doomed, and counted. */
void hub_lose(struct hub *hub, struct conn *c);

/* Changes the nick and tells the rooms. NULL, or why not: the end of a sentence that starts with
 * the nick. */
const char *hub_rename(struct hub *hub, struct conn *c, struct str nick);

/* A private line, behind everything posted before. Dropped if the connection is not open. */
void hub_tell(struct hub *hub, struct conn *c, const struct event *e);
void hub_notice(struct hub *hub, struct conn *c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void hub_error(struct hub *hub, struct conn *c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* hub_error() that says that it is the last word: hub_leave() follows. */
void hub_dismiss(struct hub *hub, struct conn *c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A private message. False if the receiver does not read and takes no more. */
bool hub_private(struct hub *hub, struct conn *from, struct conn *to, struct str text);

/* True once everything it is due has been handed to the kernel. */
bool hub_drained(struct hub *hub, struct conn *c);

/* The connection is flushed by itself from now on; put into `pending`. */
void hub_mark_slow(struct hub *hub, struct conn *c);

/* Back to the fast path, where it can be. */
void hub_refresh(struct hub *hub, struct conn *c);

/* Into the list, once. */
void hub_pend(struct hub *hub, struct conn *c);
void hub_attend(struct hub *hub, struct conn *c);

/* Puts the notice of a gap into its out-queue, if the membership has one to tell of: before
 * anything newer of that room. 0 or -ENOMEM (it is doomed then). */
int hub_queue_gap(struct hub *hub, struct conn *c, const struct link *link);

/* What it is due of the membership's live log, up to `to`, becomes a range in its out-queue, behind
 * the notice of a gap; its cursor is there then. The same errors. */
int hub_queue_range(struct hub *hub, struct conn *c, const struct link *link, uint64_t to);

/* What it is due from the live logs becomes ranges in its out-queue; its cursors are at the end. 0
 * or -ENOMEM (it is doomed then). */
int hub_queue_live(struct hub *hub, struct conn *c);

/* ---- rooms (hub_rooms.c) -------------------------------------------------------------------- */

struct room *hub_find_room(struct hub *hub, struct str name);
struct room *hub_lobby(struct hub *hub);
struct room *hub_room_at(struct hub *hub, uint32_t id); /* NULL for UINT32_MAX */

/* The member that a link stands for. */
struct member *hub_member(struct hub *hub, const struct link *link);

/* NULL on success, otherwise what to tell the client, static. The name is legal. */
const char *hub_join(struct hub *hub, struct conn *c, struct str name, bool welcome);

/* Leaves one room; the connection is drained (see hub_drained). */
void hub_part(struct hub *hub, struct conn *c, struct room *room);

/* Its links go, without a word; rooms nobody is in any more vanish. */
void hub_unlink(struct hub *hub, struct conn *c);

/* Everything it is a member of sees it no more; the memberships stay as ghosts. */
void hub_make_ghost(struct hub *hub, struct conn *c, struct str text);

/* What a client says, through the filters, to its current room. */
void hub_say(struct hub *hub, struct conn *c, enum filter_kind kind, struct str text);

/* Posts a client's message; the client need not be in the room. */
void hub_post(struct hub *hub, struct conn *c, struct room *room, enum filter_kind kind,
              struct str text);

/* A notice to everybody in a room, in the name of a filter. */
void hub_post_notice(struct hub *hub, struct room *room, struct str by, struct str text);

/* Posts an event that is no message to a room, if it is small enough for presence. */
void hub_announce(struct hub *hub, struct room *room, struct event *e);

/* Replays the last `n` messages, or those after `seq`. */
void hub_replay_last(struct hub *hub, struct conn *c, struct room *room, uint64_t n);
void hub_replay_after(struct hub *hub, struct conn *c, struct room *room, uint64_t seq);

/* Changes the encoding; the connection is drained. */
void hub_set_wire(struct hub *hub, struct conn *c, enum wire_id wire);

/* It was sent all it is due: of its rooms, those whose logs may hold something only for its sake
 * are made dirty, so that the next flush settles them. */
void hub_tidy_rooms(struct hub *hub, struct conn *c);

/* After a flush: drops what every member of the room has. */
void hub_settle(struct hub *hub, struct room *room);

/* ---- filters (hub_filters.c) ---------------------------------------------------------------- */

int hub_filters_init(struct hub *hub);
void hub_filters_fini(struct hub *hub);

/* Asks the filters whether what `c` is about to do may happen. `e` has kind, to, room and text; the
 * rest is filled in here. True: go on, with result->text, or to the room it names where the verdict
 * is FILTER_DIVERT. False: it does not happen, and `c` has been told what there was to tell. */
bool hub_ask(struct hub *hub, struct conn *c, struct filter_event *e, struct filter_result *result);

/* Tells the filters of what happens anyway: their verdicts have no effect. */
void hub_inform(struct hub *hub, struct conn *c, struct filter_event *e);

/* Runs a command that a filter answers to. False if none does. */
bool hub_filter_command(struct hub *hub, struct conn *c, struct str name, struct str args);

/* Nanoseconds that the filters at work, and the candidate, have taken since they were loaded. */
uint64_t hub_filters_spent(const struct hub *hub);

/* The filters at work, and behind them the candidate: how many, and each of them. */
size_t hub_filters_count(const struct hub *hub);
const struct filter *hub_filters_at(const struct hub *hub, size_t i);

/* Posts what filters said by way of filter_hub; after the event that they judged. */
void hub_filters_speak(struct hub *hub);

/* Runs due timers. Returns when the next is due (wall clock, ms), or INT64_MAX. */
int64_t hub_filters_tick(struct hub *hub);

#endif
