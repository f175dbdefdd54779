/*
 * The conformance suite: what every netpoll backend must do, written once and stamped for each.
 *
 *   world    one test's netpoll with its owner: it keeps a record of all that is delivered, and
 *            checks with every event the rules that always hold (rules.c)
 *   link     a handle in that record: what came in, what happened, in which state it is
 *   peer     the other end of a link, played by the test
 *   suite    a backend together with a way to play its peers
 *
 * To stamp it for another backend: write a NAME.c like epoll.c here. To play peers in another way:
 * fill a struct peer_ops. To add a case: write a function into the case_*.c it belongs to and a row
 * into the table at that file's end.
 *
 * A case never sleeps: it turns the world until something is so, with a deadline.
 */
#ifndef CHATROOM_CONFORMANCE_H
#define CHATROOM_CONFORMANCE_H

#include "address.h"
#include "netpoll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Needs those above. */
// clang-format off
#include <cmocka.h>
// clang-format on

struct peer;
struct world;

/* How a suite opens its netpoll and plays the peers. No operation of a peer blocks. */
struct peer_ops {
    const char *address; /* where listeners listen, as address_parse() reads it; "unix:" for a path
                            of the world's own */

    int (*open)(struct world *w, const struct netpoll_options *options, char *note,
                size_t note_size);

    /* Connects to the world's listener. */
    struct peer *(*connect)(struct world *w);

    /* For netpoll_adopt(): a connected socket with the smallest buffer there is, a pipe. */
    struct peer *(*pair)(struct world *w, int *fd);
    struct peer *(*pipe)(struct world *w, int *fd);

    /* Return how much was written or read now, perhaps 0. */
    size_t (*write)(struct peer *p, const char *bytes, size_t n);
    size_t (*read)(struct peer *p, char *out, size_t size);

    /* True once a read has met the end of what netpoll sends, or a reset. */
    bool (*at_end)(struct peer *p);

    void (*half_close)(struct peer *p); /* no more will be written */

    /* From now on it answers nothing, as if its machine had gone; or answers again. False if that
     * cannot be: there is no network between. */
    bool (*mute)(struct peer *p, bool on);
    void (*reset)(struct peer *p); /* netpoll sees ECONNRESET if p has not read something */
    void (*free)(struct peer *p);  /* closes */

    /* The peer's own address, as `accepted` should tell it. */
    void (*address_of)(struct peer *p, struct address *out);

    /* Leaves a single descriptor, which the next connect() takes: accepting fails with EMFILE.
     * feed() ends that; it does nothing if there is nothing to end. */
    void (*starve)(struct world *w);
    void (*feed)(struct world *w);
};

extern const struct peer_ops peers_tcp;
extern const struct peer_ops peers_unix;
extern const struct peer_ops peers_fake;
extern const struct peer_ops peers_fake_reversed; /* the last event of a turn first */
extern const struct peer_ops peers_fake_bytewise; /* every byte in a `data` of its own */

struct suite {
    const char *name;
    enum netpoll_backend backend;
    const struct peer_ops *peers;
};

enum event {
    EVENT_ACCEPTED,
    EVENT_ACCEPT_PAUSED,
    EVENT_DATA,
    EVENT_ENDED,
    EVENT_FELL_SHORT,
    EVENT_WRITABLE,
    EVENT_CLOSED,
    EVENT_TIMER,
    EVENT_WOKEN,
};

/* Bytes in the order in which they came. */
struct bytes {
    char *at;
    size_t count;
    size_t size;
};

struct link {
    netpoll_handle handle;
    struct link *listener; /* that accepted it, if it was accepted */
    struct peer *peer;     /* NULL for listeners */
    struct address from;   /* accepted ones: what netpoll said */
    struct bytes in;       /* delivered by `data` */
    struct bytes out;      /* read by the peer */
    size_t sent;           /* asked of netpoll_send(), minus what fell short */
    size_t left;           /* of the last shortage */
    size_t late;           /* bytes delivered after netpoll_pause() */
    unsigned data_calls;   /* how often each event came: */
    unsigned ended;        /* ... */
    unsigned shortages;    /* ... */
    unsigned writables;    /* ... */
    unsigned closed;       /* ... */
    int reason;            /* of `closed` */
    bool is_short;         /* fell short, not `writable` yet */
    bool is_paused;
    bool close_asked;
};

enum { TIMERS_SEEN_MAX = 64 };

struct world {
    const struct suite *suite;
    struct netpoll *np;
    netpoll_handle listener;
    struct address address; /* of the listener */

    struct link **links; /* in order of appearance */
    size_t link_count;
    struct link **by_slot;
    size_t slot_count;
    struct peer **peers; /* those that still live */
    size_t peer_count;

    /* Called at the end of each event, if set. `l` is NULL for timers and wakes. */
    void (*hook)(struct world *w, enum event event, struct link *l);
    struct link *subject[2]; /* for the hook's use ... */
    unsigned count;
    void *plan;

    unsigned accepted;
    unsigned accept_pauses;
    int accept_error;
    uint64_t timers[TIMERS_SEEN_MAX];
    unsigned timer_count;
    unsigned woken;

    bool in_turn; /* where an event may come from just now */
    bool in_commit;
    bool in_event;
    bool in_call;
    char violation[160]; /* the first broken rule */

    char directory[64]; /* for unix sockets; "" until needed */
    int descriptors;    /* open before the test */
    int *hoard;         /* held by starve() */
    size_t hoard_count;
};

/* ---- the world ------------------------------------------------------------------------------ */

/* What netpoll calls; the owner is the world. */
extern const struct netpoll_handlers world_handlers;

/* Opens the netpoll; NULL: with room for 4096 handles and defaults. Fails the test if it cannot. */
void world_open(struct world *w, const struct netpoll_options *options);

/* Opens the netpoll and listens. */
void world_open_listening(struct world *w, const struct netpoll_options *options);

/* Frees the netpoll early; the peers stay. */
void world_close_netpoll(struct world *w);

/* A new listener on `at`, whose port is filled in; the world's own if there is none yet. */
struct link *world_listen(struct world *w, struct address *at);

/* The address of the suite's kind. */
struct address world_address(struct world *w);

/* Connects a peer, without a turn. */
struct peer *world_peer(struct world *w);

/* Closes a peer before its time. */
void world_drop(struct world *w, struct peer *p);

/* Connects a peer and turns until it is accepted. */
struct link *world_connect(struct world *w);

/* Adopts a socket with a very small buffer; a pipe. */
struct link *world_pair(struct world *w);
struct link *world_pipe(struct world *w);

/* The record of a new handle; the newest of them. */
struct link *world_link(struct world *w, netpoll_handle h);
struct link *world_newest(struct world *w);

/* One turn; fails the test if a rule was broken. */
void world_turn(struct world *w, int timeout_ms);

uint64_t world_clock_ms(void);
uint64_t world_deadline(void);
void world_turn_before(struct world *w, uint64_t deadline, int slice_ms, const char *what);

/* Turns until the condition holds, which the next event will bring about. A statement that follows
 * is executed before each turn. */
#define world_until(w, condition)                                                                  \
    for (uint64_t deadline_ = world_deadline(); !(condition);                                      \
         world_turn_before((w), deadline_, 60000, #condition))

/* The same for what does not come as an event: the condition is looked at every millisecond. */
#define world_watch(w, condition)                                                                  \
    for (uint64_t deadline_ = world_deadline(); !(condition);                                      \
         world_turn_before((w), deadline_, 1, #condition))

/* Turns until all that is under way has certainly come: a few round trips on another link. */
void world_settle(struct world *w);

/* ---- netpoll's operations, recorded --------------------------------------------------------- */

int world_send(struct world *w, struct link *l, const char *bytes, size_t n);
int world_send_parts(struct world *w, struct link *l, const struct iovec *parts, int n);
void world_commit(struct world *w);
void world_pause(struct world *w, struct link *l);
void world_resume(struct world *w, struct link *l);
void world_shutdown(struct world *w, struct link *l);
void world_close(struct world *w, struct link *l);

/* ---- the peer's side ------------------------------------------------------------------------ */

/* The peer writes all of it; turns where there is no room. */
void peer_write(struct world *w, struct link *l, const char *bytes, size_t n);
void peer_say(struct world *w, struct link *l, const char *text);

/* The peer writes as much as goes in now, of its pattern (see below) from `*offset` on, up to
 * `total`. */
void peer_write_pattern(struct world *w, struct link *l, size_t *offset, size_t total);

/* Reads what there is into l->out; returns how much is there altogether. */
size_t peer_gather(struct world *w, struct link *l);

/* Reads what there is; true at the end of what netpoll sends. */
bool peer_at_end(struct world *w, struct link *l);

void peer_half_close(struct world *w, struct link *l);

/* Resets the connection, having made sure that ECONNRESET is what netpoll sees. */
void peer_reset(struct world *w, struct link *l);

/* ---- bytes ---------------------------------------------------------------------------------- */

void bytes_append(struct bytes *b, const char *bytes, size_t n);

/* A stream of bytes that shows any loss, repetition or exchange. */
void pattern_fill(char *out, size_t offset, size_t n);
void assert_pattern(const struct bytes *b, size_t total);
void assert_text(const struct bytes *b, const char *text);

/* ---- cases and suites ----------------------------------------------------------------------- */

int world_setup(void **state);    /* *state: the suite before, the world afterwards */
int world_teardown(void **state); /* fails for a broken rule or a leaked descriptor */

#define CONFORMANCE_CASE(function)                                                                 \
    {                                                                                              \
#function, function, world_setup, world_teardown, NULL                                     \
    }

struct case_table {
    const struct CMUnitTest *cases;
    size_t count;
};

extern const struct case_table cases_accept;
extern const struct case_table cases_receive;
extern const struct case_table cases_flow;
extern const struct case_table cases_send;
extern const struct case_table cases_shortage;
extern const struct case_table cases_close;
extern const struct case_table cases_life;
extern const struct case_table cases_time;

/* Runs the suite that argv[1] names, or the first, with `extra` cases (NULL: none) after those of
 * every backend. Returns the exit status. */
int conformance_main(int argc, char **argv, const struct suite *suites, size_t suite_count,
                     const struct case_table *extra);

#endif
