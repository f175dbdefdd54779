/*
 * One connection on its way in: connect, hand-shake, room. Non-blocking; the owner watches `fd` and
 * calls entry_step() when something happens there.
 *
 * Life: entry_begin -> entry_step until it is in -> (entry_rest) -> the descriptor is the owner's
 */
#ifndef BENCH_ENTRY_H
#define BENCH_ENTRY_H

#include "driver.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* Who comes in, and where. */
struct guest {
    uint32_t id; /* no other connection of this run has it */
    uint32_t room;
    bool listens;
    bool talks;
};

/* Embed it; to be read, not written. */
struct entry {
    const struct driver *driver;
    struct dialogue dialogue;
    int fd; /* watch it for reading and writing, edge-triggered */
    bool connected;
    uint64_t begun; /* ns */
    size_t out_begin;
    size_t out_end;
    size_t have;
    char out[2 * DRIVER_SAY_MAX];
    char in[DRIVER_UNIT_MAX];
};

int entry_begin(struct entry *e, const struct driver *driver, const struct sockaddr_in *server,
                const struct guest *guest);

/* Goes on as far as it can. `*done` once the connection is in its room. What the server said after
 * that is in `in`, `have` bytes. If it fails, the owner closes `fd`. */
int entry_step(struct entry *e, bool *done);

#endif
