/*
 * What every client of the hub may rely on, whatever others send: the bytes it is sent are lines of
 * clean text; in JSON each is an object of a known type; the messages of a room come in their
 * order, each once; and nobody hears itself. A client starts with the line encoding; its own
 * /wire is seen by the welcome that answers it.
 */
#ifndef CHATROOM_FUZZ_EARS_H
#define CHATROOM_FUZZ_EARS_H

#include "fuzz.h"

#include <stdbool.h>

enum { EARS_ROOMS = 32 };

/* Of a room, as long as the client is in it. */
struct ears_room {
    char name[40];   /* "": free */
    uint64_t seq;    /* of the newest message it has heard */
    uint64_t replay; /* so many lines of history may still come */
};

/* Zeroed is a client that has heard nothing. */
struct ears {
    uint64_t id;     /* its own; 0 before its welcome */
    bool no_history; /* no replay brings back what it said itself */
    bool json;
    char *kept; /* a line that is still without its end */
    size_t size;
    struct ears_room rooms[EARS_ROOMS];
};

void ears_fini(struct ears *ears);

/* Takes what it was sent; ends the program where a promise is broken. */
void ears_hear(struct ears *ears, struct str bytes);

/* It was sent all there is: true if that ended with the end of a line. */
bool ears_is_whole(const struct ears *ears);

#endif
