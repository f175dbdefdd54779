/*
 * A small world for tests of the hub's heart: a server on the scripted netpoll, and clients whose
 * every byte is in the test's hands.
 *
 *   struct world w;
 *   struct hub_limits limits = world_limits();
 *   world_open(&w, &limits);
 *   struct client *ann = world_client(&w);   // connected, its welcome is read
 *   struct client *bob = world_client(&w);
 *   world_hush(&w);                          // forget what was said so far
 *   client_say(ann, "hello");                // the hub has it; it is sent with the next turn
 *   world_settle(&w);
 *   assert_heard(bob, "client-1: hello\n");  // all that bob was sent since he was last asked
 *   world_close(&w);                         // all leave; the hub must be as it was at first
 *
 * A client takes everything at once unless it is told to stall.
 */
#ifndef CHATROOM_HUB_FIXTURE_H
#define CHATROOM_HUB_FIXTURE_H

#include "netpoll_fake.h"
#include "server_impl.h"
#include "unit.h"

enum { WORLD_CLIENTS_MAX = 4096 };

struct client {
    struct world *world;
    struct netpoll_fake_peer *peer; /* NULL once it is gone */
    netpoll_handle handle;
    uint64_t id;
    char *heard; /* taken from the peer and not looked at yet */
    size_t size;
    size_t room;
    char *unsaid; /* waits until the hub reads from it */
    size_t unsaid_size;
};

struct world {
    struct options options;
    struct server *server;
    netpoll_handle listener;
    struct client
        *clients[WORLD_CLIENTS_MAX]; /* in order of coming; they live as long as the world */
    size_t count;
    uint64_t
        clock; /* the poller's: stands still between turns, whatever the machine is busy with */
};

/* History 0, presence off, 1 MiB of lag, skip. */
struct hub_limits world_limits(void);

void world_open(struct world *w, const struct hub_limits *limits);

/* The same with a chain of filters, which it takes. */
void world_open_filtered(struct world *w, const struct hub_limits *limits,
                         struct filter_chain *filters);

/* Everybody goes. Fails unless the hub is then as it was at first. */
void world_close(struct world *w);

/* Frees everything without a look. */
void world_free(struct world *w);

/* One turn, without waiting. */
void world_turn(struct world *w);

/* Turns until the hub would sleep; returns how many had anything to do. Fails if there is no end.
 */
unsigned world_settle(struct world *w);

/* Everybody forgets what it has heard. */
void world_hush(struct world *w);

/* Bytes that the live logs of all rooms hold, and ranges that point into any log. */
size_t world_log_bytes(const struct world *w);
size_t world_readers(const struct world *w);

const struct stats *world_stats(const struct world *w);

/* ---- clients -------------------------------------------------------------------------------- */

/* A new client, welcomed. */
struct client *world_client(struct world *w);

/* Connects, and no more: accepted with the next turn, its handle is unknown to the test. */
struct client *world_connect(struct world *w);

/* `n` new clients. */
void world_clients(struct world *w, struct client **out, size_t n);

/* One line, now, if the hub reads from it; otherwise as soon as it does. */
void client_say(struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void client_bytes(struct client *c, const char *bytes, size_t n);

/* Takes nothing from now on but `more` bytes, and then everything again. */
void client_stall(struct client *c, size_t more);
void client_resume(struct client *c);

/* Half close, reset, close by the client. */
void client_end(struct client *c);
void client_reset(struct client *c);
void client_go(struct client *c);

/* NULL once the hub has let go of it. */
struct conn *client_conn(const struct client *c);

/* True if the hub reads from it. */
bool client_is_read(const struct client *c);

/* Takes what there is; all that it has heard, NUL-terminated, until client_forget(). */
const char *client_heard(struct client *c);
void client_forget(struct client *c);

/* How often `text` stands in what it has heard. */
size_t client_count(struct client *c, const char *text);

/* All that `c` was sent since the last time is `text`. */
#define assert_heard(c, text) client_assert_heard((c), (text), __FILE__, __LINE__)
void client_assert_heard(struct client *c, const char *text, const char *file, int line);

#endif
