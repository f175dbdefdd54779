/*
 * The load: everybody in their rooms, senders that talk, and receivers that are counted.
 *
 * Who is read, and how:
 *   - *samples*, eight spread over the room (fewer where there are many rooms, but one at least;
 * two where everybody talks), are read in full: every delivery is whole, of that room's senders,
 * and the next of its sender. They tell the latency and when a window has room.
 *   - the others throw their bytes away inside the kernel (MSG_TRUNC), so that the load costs
 *     little. They are in the same room, so their bytes must be in the end exactly as many as the
 *     samples got of the same senders.
 *   - where something else than messages comes in between (driver.answers, or visitors where
 *     driver.announces), nothing is thrown away: such receivers are read, too.
 *   - slow members are not read, nor counted.
 *   - visitors come and go (--churn). They are read in full: what they hear has no holes.
 *
 * Nothing is allocated once it runs.
 *
 * Life: engine_open -> (engine_run -> engine_check)* -> engine_free
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include "latency.h"
#include "workload.h"

#include <netinet/in.h>
#include <stdint.h>

struct engine;

/* A stretch of load, and what came of it. */
struct stretch {
    uint64_t messages; /* to send; 0: as many as fit in `seconds` */
    double seconds;

    uint64_t sent;          /* messages */
    uint64_t deliveries;    /* received and verified, slow members and visitors left out */
    uint64_t read;          /* deliveries of these that were read in full */
    uint64_t ns;            /* from the first message to the last delivery */
    uint64_t visits;        /* visitors that came back */
    uint64_t visits_late;   /* that should have, but had not yet come in from the last time */
    struct latency latency; /* of the samples */
    struct latency quiet;   /* of the quiet room's member */
};

/* Connects everybody and brings them in; returns when all are, and nothing is on its way to them
 * any more. Says why it fails. `w` is borrowed until engine_free(). */
int engine_open(struct engine **out, const struct workload *w, const struct sockaddr_in *server);
void engine_free(struct engine *e);

/* Runs a stretch; returns when every receiver has exactly what it should. A receiver that lacks
 * something, has too much or the wrong bytes, is named: EXIT_WRONG. */
int engine_run(struct engine *e, struct stretch *s);

/* When the server has come to rest: fails if any receiver has more than it should. */
int engine_check(struct engine *e);

/* Connections, of them receivers that are counted, and slow members. */
unsigned engine_connections(const struct engine *e);
unsigned engine_receivers(const struct engine *e);
unsigned engine_slow(const struct engine *e);

#endif
