/*
 * A second hub, for tests: what every client must be sent, and nothing about how. Rooms are lists
 * of names, messages are strings, nothing is ever late, dropped or out of memory.
 *
 * It is told what the real one takes in, in that order (model_connect, model_line, ...), and writes
 * down for each client what is due to it. model_hear() then judges every line that a client was
 * really sent:
 *
 *   private lines    all of them, in order, and each behind all that was posted before it and
 * before all that was posted after it room lines       in the order of the room; lines of different
 * rooms may overtake each other, but not a private line gaps             what is missing was
 * announced, with the right count, before anything newer of that room; only where `lossy` says that
 * there may be gaps at all at the end       nothing is left (model_finish)
 *
 * Filters: there is the one of model_judge.h, and no other. Messages must be unique. Where a line
 * is wrong the test fails, and says which and why.
 */
#ifndef CHATROOM_HUB_MODEL_H
#define CHATROOM_HUB_MODEL_H

#include "hub.h"

enum { MODEL_ROOMS = 80 };

struct model;
struct model_client;

/* Uses history, presence_max, max_clients of the limits. */
struct model *model_new(const struct hub_limits *limits, bool lossy);
void model_free(struct model *m);

/* A client comes; NULL if the hub is full. */
struct model_client *model_connect(struct model *m, uint64_t id);

/* It was turned away: that line is all it hears. */
struct model_client *model_refuse(struct model *m);

/* A message to the current room, a command (NUL-terminated). `delivered` says whether a private
 * message went into its receiver's queue: the model does not know how long that is. */
void model_message(struct model *m, struct model_client *c, struct str text);
void model_command(struct model *m, struct model_client *c, struct str line, bool delivered);

/* The filter says something to a room. */
void model_notice(struct model *m, struct str room, struct str text);

/* The filters were loaded anew, or could not be, as this client had asked. */
void model_reloaded(struct model *m, struct model_client *c, bool done);

/* It said /reload, but somebody else had said so in this turn. */
void model_reload_late(struct model *m, struct model_client *c);

/* It leaves, with a word for the others or without; it is gone altogether. */
void model_leave(struct model *m, struct model_client *c, struct str text);
void model_gone(struct model *m, struct model_client *c);

bool model_is_open(const struct model_client *c);

/* A line, without its newline, that it was sent. */
void model_hear(struct model *m, struct model_client *c, struct str line);

/* It was sent all it was due. */
void model_finish(struct model *m, struct model_client *c);

/* Messages that were announced as skipped. */
uint64_t model_skipped(const struct model *m);

#endif
