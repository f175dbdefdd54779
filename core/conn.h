/*
 * A client of the hub: who it is, what it still has to be read and sent, and where it is a member.
 * One dense array of these, indexed by the slot of the connection's handle; about 130 bytes each,
 * and nothing on the heap while it is idle in one room. Embedded in the hub; knows no sockets.
 */
#ifndef CHATROOM_CONN_H
#define CHATROOM_CONN_H

#include "address.h"
#include "frame.h"
#include "outq.h"
#include "text.h"
#include "wire.h"

enum conn_state {
    CONN_FREE,
    CONN_OPEN,
    CONN_LEAVING, /* gone for everybody else; what it is due is still being sent */
    CONN_CLOSING, /* all sent; the end of its input is awaited, or the close is under way */
};

enum conn_flag {
    CONN_BLOCKED = 1 << 0, /* a send fell short: nothing goes before it is writable again */
    CONN_PENDING = 1 << 1, /* stands in the hub's list of connections to flush */
    CONN_FLYING = 1 << 2,  /* has a send in this batch; consumed when its result is known */
    CONN_HELD = 1 << 3,    /* its input waits in `frame`, reading is paused */
    CONN_BARRIER = 1 << 4, /* held until all that it is due has been sent */
    CONN_ENDED = 1 << 5,   /* its input has ended */
    CONN_DOOMED = 1 << 6,  /* to be closed at once, without flushing */
    CONN_ATTEND = 1 << 7,  /* stands in the hub's list of connections for the server to look at */
    CONN_BROKEN = 1 << 8,  /* a send has failed: nobody is there who would read an answer */
};

/* A membership: room number, and position in that room's members. */
struct link {
    uint32_t room;
    uint32_t index;
};

struct conn {
    uint64_t handle; /* opaque here: netpoll's */
    uint64_t id;
    int64_t joined_ms; /* when it connected, UNIX milliseconds */
    struct frame frame;
    struct outq outq;
    union {
        struct link one;
        struct link *many; /* when link_size > 1 */
    } links;
    const char *farewell; /* why it leaves, for the log; static */
    uint32_t asked;       /* bytes of the send in flight */
    uint32_t left;        /* how many of them fell short */
    uint32_t deadline;    /* when patience with a leaving connection ends, in seconds */
    struct address_brief peer;
    uint16_t link_count;
    uint16_t link_size;
    uint16_t flags;
    uint8_t state;
    uint8_t wire;
    uint8_t current; /* index of the link of the current room */
    uint8_t nick_size;
    char nick[TEXT_NICK_MAX];
};

/* Most rooms a connection may be in. */
enum { CONN_ROOMS_MAX = 64 };

struct str conn_nick(const struct conn *c);
struct link *conn_links(struct conn *c);

/* The link to room `room`, or NULL. */
struct link *conn_link(struct conn *c, uint32_t room);

/* Appends a link and makes it current. 0, -ENOMEM, or -EMLINK at CONN_ROOMS_MAX. */
int conn_link_add(struct conn *c, struct link link);

/* Removes the link to `room`; if it was the current one, the link before it is current now. */
void conn_link_remove(struct conn *c, uint32_t room);

/* Number of the current room, or UINT32_MAX. */
uint32_t conn_room(struct conn *c);

/* Encodes `e` for the connection at the end of its out-queue. 0 or -ENOMEM. */
int conn_push(struct conn *c, const struct event *e);

/* "client-7 (ann)" for log lines, escaped. */
const char *conn_label(const struct conn *c, char *out, size_t size);

/* Frees what it owns on the heap and makes it CONN_FREE. */
void conn_fini(struct conn *c);

#endif
