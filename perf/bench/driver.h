/*
 * Protocol drivers: what the load needs to know of a protocol, as one table. The same load drives
 * every server that has rooms (or channels, topics, subjects) by one of these.
 *
 * A driver is functions over bytes: no sockets, no clock, no memory of its own. To add a protocol,
 * write a file like driver_nats.c and add a row to driver.c.
 *
 * The life of a connection:
 *
 *   connect -> greet() until it says GREET_DONE -> publish(), next() ... -> close
 */
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DRIVER_SAY_MAX = 1024,    /* most bytes that one call of greet(), ping() or pong() writes */
    DRIVER_AROUND_MAX = 512,  /* most bytes around the text, in a publish and in a delivery */
    DRIVER_TEXT_MAX = 8192,   /* longest text of any protocol */
    DRIVER_UNIT_MAX = 16384,  /* longest unit: a delivery, a line of names, a reply */
    DRIVER_ROOMS_MAX = 100000 /* room names have five digits, so that all are of one length */
};

/* What the server says comes in units: a line, a frame, a packet, a reply. */
enum unit_kind {
    UNIT_DELIVERY, /* a message: text and text_size are set */
    UNIT_PONG,     /* the answer to ping(): the server has done all that was said before it */
    UNIT_PING,     /* to be answered with pong() */
    UNIT_ERROR,    /* the server refuses something; text says what */
    UNIT_OTHER,    /* whatever else: notices, replies; text is what to look at */
};

struct unit {
    enum unit_kind kind;
    const char *text; /* borrowed from the bytes given to next() */
    size_t text_size;
};

/* Who is speaking: what greet() needs to know, and where it stands. Zero `step` at the start. */
struct dialogue {
    uint32_t id;   /* of this connection, no other of this run has it: names are made of it */
    uint32_t room; /* from 0 */
    bool listens;  /* hears what is said in the room */
    bool talks;    /* will publish */
    unsigned step; /* the driver's */
};

enum greet_result {
    GREET_ON,   /* wait for the next unit */
    GREET_DONE, /* logged in, in the room, and the server has said so */
};

struct driver {
    const char *name;
    const char *about; /* a few words for --help */
    uint16_t port;     /* where such servers listen by custom */
    unsigned text_max; /* longest text of a message, at most DRIVER_TEXT_MAX */
    size_t keepalive;  /* size of a ping that the server may send on its own account at any time,
                          or 0 where none is expected while a load runs */
    bool must_join;    /* who talks must be in the room, and hears what others say there */
    bool echoes;       /* who talks and listens hears itself */
    bool answers;      /* a publish is answered, so what a talker receives is not only messages */
    bool announces;    /* members are told who comes and goes */

    /* The client's turn in the hand-shake. `heard` is what the server said, NULL at the start.
     * Writes to `out` what to say now, DRIVER_SAY_MAX bytes at most, their number to `*size`. */
    enum greet_result (*greet)(struct dialogue *d, const struct unit *heard, char *out,
                               size_t *size);

    /* Writes a message of `size` bytes of text to `room`; returns the bytes written, at most size +
     * DRIVER_AROUND_MAX. Text is letters, digits, '-' and '_'. */
    size_t (*publish)(char *out, uint32_t room, const char *text, size_t size);

    /* Takes the first unit of what the server says. Returns its size; 0 if it is not all there;
     * SIZE_MAX if this is not the protocol. */
    size_t (*next)(const char *bytes, size_t size, struct unit *unit);

    /* Write a question that the server answers with a UNIT_PONG, and the answer to its UNIT_PING.
     * Return the bytes written. */
    size_t (*ping)(char *out);
    size_t (*pong)(char *out, const struct unit *ping);
};

extern const struct driver driver_line, driver_json, driver_resp, driver_nats, driver_mqtt,
    driver_irc, driver_ws;

/* The driver of that name, or NULL. */
const struct driver *driver_find(const char *name);

/* The drivers in order: NULL from the count on. */
const struct driver *driver_at(size_t index);

#endif
