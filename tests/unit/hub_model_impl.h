/* The inside of the model hub: hub_model.c, which says what is due, hub_model_lines.c, how that
 * reads, and hub_model_hear.c, which judges what was sent. */
#ifndef CHATROOM_HUB_MODEL_IMPL_H
#define CHATROOM_HUB_MODEL_IMPL_H

#include "hub_model.h"

#include <stdio.h>

enum { MODEL_TEXT_MAX = 2048 };

/* One line in every encoding. */
struct said {
    struct str text[WIRE_COUNT];
};

enum item_kind { ITEM_PRIVATE, ITEM_LIVE, ITEM_REPLAY };
enum item_state { ITEM_DUE, ITEM_HEARD, ITEM_LOST };

/* A line that is due to one client. */
struct item {
    struct str text;
    uint8_t kind;
    uint8_t state;
    uint8_t room; /* not of private lines */
    bool numbered;
};

/* Messages of one room that a client did not get. */
struct account {
    uint64_t owed_live; /* found missing, not announced yet */
    uint64_t owed_replay;
    uint64_t credit; /* announced, not found missing yet */
};

struct model_client {
    struct model_client *next;
    uint64_t id;
    bool open;
    char nick[TEXT_NICK_MAX + 1];
    int wire;
    int rooms[CONN_ROOMS_MAX];
    int room_count;
    int current;
    struct item *items;
    size_t first; /* all before it are settled */
    size_t count;
    size_t size;
    struct account accounts[MODEL_ROOMS];
};

struct model_room {
    bool exists;
    char name[TEXT_ROOM_MAX + 1];
    uint64_t number;
    uint64_t present;
    uint64_t ghosts;
    struct said *said; /* by number - 1 */
    size_t size;
};

struct model_chunk {
    struct model_chunk *next;
    size_t used;
    char bytes[64 << 10];
};

struct model {
    struct hub_limits limits;
    bool lossy;
    struct model_room rooms[MODEL_ROOMS];
    struct model_client *clients;
    uint64_t open;
    uint64_t skipped;
    unsigned swaps; /* of the filter */
    struct model_chunk *chunk;
};

/* ---- hub_model_lines.c ---------------------------------------------------------------------- */

/* Ends the program if there is no memory: there is nothing a test could learn from it. */
void *model_must(void *memory);

/* A notice (mark '*') or an error ('!'). */
struct said model_make_notice(struct model *m, char mark, const char *text);
struct said model_make_room_notice(struct model *m, const struct model_room *room, struct str text);
struct said model_make_current(struct model *m, const struct model_room *room);
struct said model_make_dismissal(struct model *m, const char *text);
struct said model_make_message(struct model *m, const struct model_client *from,
                               const struct model_room *room, bool action, struct str text);
struct said model_make_welcome(struct model *m, const struct model_client *c);

/* To the room, or to the one who joined. */
struct said model_make_join(struct model *m, const struct model_client *c,
                            const struct model_room *room, bool own);

/* To the room; to the one who left it. */
struct said model_make_part(struct model *m, const struct model_client *c,
                            const struct model_room *room, struct str text);
struct said model_make_parted(struct model *m, const struct model_client *c,
                              const struct model_room *room);

/* To a room, or (NULL) to the one it is about. */
struct said model_make_nick(struct model *m, const struct model_client *c, const char *old,
                            const struct model_room *room);
struct said model_make_private(struct model *m, const struct model_client *from, const char *to,
                               struct str text);
struct said model_make_history(struct model *m, const struct model_room *room, uint64_t n);
struct said model_make_pong(struct model *m, struct str token);

#endif
