/*
 * Who came and went: in a burst, as when a hub restarts, one sentence tells it for all. Pure.
 *
 * Comings and goings of one room are gathered until somebody wants to show something else, or
 * PRESENCE_MS have passed since the first of them.
 */
#ifndef CHATROOM_PRESENCE_H
#define CHATROOM_PRESENCE_H

#include "buffer.h"
#include "text.h"

#include <stdint.h>

struct event;

enum {
    PRESENCE_MS = 1000,
    PRESENCE_NAMED_MAX = 4,  /* in a sentence; the others are counted */
    PRESENCE_NAMES_MAX = 64, /* remembered: they may yet say who they are */
    PRESENCE_WHY_MAX = 200,  /* bytes of what somebody said when leaving */
};

struct presence_names {
    size_t count;
    size_t sizes[PRESENCE_NAMES_MAX];
    char text[PRESENCE_NAMES_MAX][TEXT_NICK_MAX];
};

/* Embedded in its owner; all zero is the start. */
struct presence {
    struct presence_names joined;
    struct presence_names left;
    uint64_t since_ms; /* of the first that is gathered */
    size_t room_size;
    size_t why_size;
    char room[TEXT_ROOM_MAX];
    char why[PRESENCE_WHY_MAX];
};

bool presence_is_empty(const struct presence *p);

/* Takes an EVENT_JOIN or EVENT_PART of somebody else. False, and nothing is taken, where what was
 * gathered has to be shown first: it is of another room. */
bool presence_take(struct presence *p, const struct event *e, uint64_t now_ms);

/* Takes an EVENT_NICK: who has just come, and now says who it is, came under that name. False if it
 * is none of those that are remembered. */
bool presence_rename(struct presence *p, const struct event *e);

/* In how many milliseconds to show it; 0: nothing is gathered. */
unsigned presence_wait(const struct presence *p, uint64_t now_ms);

/* Appends the sentence, "bob, cem and 12 others joined #kitchen; eve left: lunch", and forgets it.
 * The room is named unless it is `current`. */
void presence_tell(struct presence *p, struct str current, struct buffer *out);

#endif
