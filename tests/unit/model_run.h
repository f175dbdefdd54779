/*
 * A run of the model test: shared by test_model.c, which makes random clients do random things, and
 * model_doors.c, which listens where the hub takes things in.
 */
#ifndef CHATROOM_MODEL_RUN_H
#define CHATROOM_MODEL_RUN_H

#include "hub_fixture.h"
#include "hub_model.h"

enum {
    MODEL_PLAYERS_MAX = 600, /* that ever come in one episode */
    MODEL_LINE_SIZE = 2048,
};

/* One random client. */
struct player {
    struct client *client;
    struct model_client *model;
    char *written; /* lines that the hub has not taken in yet, each with its newline */
    size_t written_size;
    char *unsent; /* bytes that are still to be sent */
    size_t unsent_size;
    char *heard; /* a line that has not come to its end */
    size_t heard_size;
    size_t appetite;   /* bytes it reads at a time; 0: it does not read */
    bool leaving;      /* it said so, or half closed: it says nothing more */
    bool broken;       /* reset or closed: what it was sent may be cut off anywhere */
    bool disconnected; /* the hub has let go of it */
    bool doomed;
    bool done;
};

struct episode {
    uint64_t seed;
    struct unit_random random;
    struct hub_limits limits;
    struct world world;
    struct model *model;
    struct player players[MODEL_PLAYERS_MAX];
    size_t count;
    size_t known; /* of these, so many have been accepted */
    unsigned lines;
    unsigned rooms;          /* that can be joined */
    struct player *reloader; /* who said /reload, in this turn */
    bool lossy;
    bool renaming;
};

/* The one at work: a wrapped function has no other way to find it. */
extern struct episode run;

/* Reloads of filters in all episodes: that failed, that went well. */
extern unsigned model_reloads[2];

/* Random numbers of the run: below `n`, and true with that chance. */
size_t model_below(size_t n);
bool model_chance(unsigned percent);

/* Appends bytes; takes them off the front. */
void model_grow(char **bytes, size_t *size, const char *more, size_t n);
void model_shrink(char *bytes, size_t *size, size_t n);

#endif
