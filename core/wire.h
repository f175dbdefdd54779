/*
 * Encodings: how an event looks on the wire. Pure.
 *
 * To add one: write wire_NAME.c with a `const struct wire`, add its number to enum wire_id and its
 * row to the table in wire.c. Everything else (logs, history, /wire) follows.
 */
#ifndef CHATROOM_WIRE_H
#define CHATROOM_WIRE_H

#include "str.h"

#include <stdint.h>

enum wire_id { WIRE_LINE, WIRE_JSON, WIRE_COUNT };

enum event_type {
    EVENT_WELCOME, /* id, nick, server, count: others here */
    EVENT_MESSAGE, /* room, from, id, seq, time, text */
    EVENT_ACTION,  /* the same */
    EVENT_PRIVATE, /* from, to, id, time, text */
    EVENT_JOIN,    /* room, from, id, time; own: count */
    EVENT_PART,    /* room, from, id, time, text: why; own: to: the current room now */
    EVENT_NICK,    /* room, from: the old nick, id, time, nick */
    EVENT_NOTICE,  /* text; to: the current room now, where that is what it says */
    EVENT_ERROR,   /* text; final */
    EVENT_GAP,     /* room, count: skipped */
    EVENT_HISTORY, /* room, count: messages that follow */
    EVENT_PONG,    /* time, token */
    EVENT_WHO,     /* room, count: members, items: the nicks, as many as are shown */
    EVENT_ROOMS,   /* count: rooms, items: name and members */
    EVENT_STATS,   /* items: name and value */
    EVENT_TYPES
};

struct event_item {
    struct str name;
    uint64_t value;
};

/* One event; borrowed by the encoder. What a type does not have is zero. */
struct event {
    enum event_type type;
    bool own;   /* the receiver is the one it is about */
    bool final; /* nothing follows: the hub closes the connection */
    struct str room;
    struct str from;
    struct str to;
    struct str text;
    struct str nick;
    struct str server;
    struct str token;
    uint64_t id;
    uint64_t seq;
    uint64_t count;
    int64_t time_ms; /* UNIX time, in the years 1970 to 9999; 0: none */
    const struct event_item *items;
    size_t item_count;
};

struct wire {
    const char *name; /* the word for /wire */

    /* At most so many bytes for this event. */
    size_t (*bound)(const struct event *e);

    /* Writes the event, with its newline, to `out`; returns its size. */
    size_t (*encode)(const struct event *e, char *out);
};

/* The room where messages stand without a label. */
#define WIRE_LOBBY "#lobby"

extern const struct wire wire_line;
extern const struct wire wire_json;

const struct wire *wire_get(enum wire_id id);

/* The encoding called `name`, or WIRE_COUNT. */
enum wire_id wire_find(struct str name);

/* "welcome", "message" ... as in JSON. */
const char *event_type_name(enum event_type type);

#endif
