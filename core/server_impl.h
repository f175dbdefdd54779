/*
 * The inside of the server, shared by server.c (life, loop, signals), server_listen.c, session.c
 * (what netpoll says of one connection), server_filters.c (the chain), server_reload.c (another in
 * its place) and server_checker.c (which is tried out before).
 */
#ifndef CHATROOM_SERVER_IMPL_H
#define CHATROOM_SERVER_IMPL_H

#include "fanout.h"
#include "hub.h"
#include "server.h"

struct privileges_user;

struct listener {
    struct address address;
    netpoll_handle handle;
    int fd;         /* until it is polled; then -1 */
    bool inherited; /* from a service manager, which keeps the path of a unix socket */
};

enum server_timer {
    SERVER_TIMER_LEAVING = 1, /* looks at those who leave, once a second while there are any */
    SERVER_TIMER_SILENT,      /* looks for those who are gone without a word, while there are any */
    SERVER_TIMER_STOP,        /* the end of patience after TERM */
    SERVER_TIMER_FILTERS,     /* a timer of a filter is due */
    SERVER_TIMER_RELOAD,      /* files of filters have changed, and are quiet now */
    SERVER_TIMER_PROBATION,   /* the filters of the last reload have proven themselves */
};

enum {
    SERVER_CHECK_MS = 10 * 1000,     /* trying filters out may take so long, all of them together */
    SERVER_PROBATION_MS = 60 * 1000, /* the filters before a reload are kept for so long */
    SERVER_SILENT_MS = 200 * 1000,   /* a peer may owe an acknowledgement for so long */
    SERVER_LISTEN_TURNS = 20,        /* so that no turn is long, however many there are */
};

/* What the checker says, as a byte. */
enum server_checked {
    SERVER_CHECKED_NOTHING,
    SERVER_CHECKED_FINE = 'y',
    SERVER_CHECKED_WRONG = 'n', /* it has logged why */
    SERVER_CHECKED_LATE = 't',  /* after SERVER_CHECK_MS */
};

/* The filters at work, and the candidate; owned. `live` is NULL: there are none. */
struct server_chains {
    struct filter_chain *live;
    struct filter_chain *shadow; /* NULL without one */
};

struct reload {
    bool wanted;   /* and not begun */
    bool checking; /* the checker is at it */
    bool unasked;  /* or not: the question could not be sent */
    enum server_checked answer;
    uint64_t asked_by;        /* handle of the operator who waits for the end of it; 0: nobody */
    struct server_chains old; /* kept as they were; none if the last reload is long ago */
    int64_t swapped_ms;       /* when they were replaced, wall clock */
    uint64_t swapped_by;      /* handle of the operator who wanted that; 0: nobody */
};

struct server {
    const struct options *options;
    struct filter_host host;
    struct netpoll *np;
    struct hub hub;
    struct filter_hub shadow_hub; /* what the candidate of --shadow may do: look */
    struct fanout fanout;
    struct listener listeners[OPTIONS_LISTEN_MAX];
    size_t listener_count;
    netpoll_handle signals;
    netpoll_handle watcher; /* inotify, with --watch; otherwise 0 */
    netpoll_handle checker; /* the socket to it; 0: it is gone, or there are no filters */
    int checker_fd;         /* the same, until it is polled; then -1 */
    struct reload reload;
    int64_t filters_due;       /* when SERVER_TIMER_FILTERS goes off, wall clock in ms */
    struct slot_list attended; /* the hub's list of a turn, in work */
    uint32_t waiting;          /* the first so many of the hub's list wait since an earlier turn */
    uint32_t max_slots;
    bool work_left;    /* the next turn must not wait */
    bool oldest_first; /* of those who wait for their turn; every second time */
    bool leaving_timer;
    bool silent_timer;
    uint32_t listened; /* the slot that the search for the silent looked at last */
    bool stopping;
    bool stopped;
};

/* ---- server.c: also for tests that bring a poll interface of their own ---------------------- */

extern const struct netpoll_handlers server_handlers; /* their owner is the struct server */

/* One turn; waits up to `timeout_ms` where nothing is due. 0 or a negative errno. */
int server_turn(struct server *s, int timeout_ms);

/* ---- server_listen.c: where clients come in ------------------------------------------------- */

/* Opens or inherits the listening sockets; those on paths go to `user` unless that is NULL. 0 or an
 * exit status, reason logged. */
int server_listen_open(struct server *s, const struct privileges_user *user);

/* Hands them to the poller and says where they are. 0 or an exit status. */
int server_listen_start(struct server *s);

/* Closes what is not the poller's, and removes paths. */
void server_listen_close(struct server *s);

/* ---- session.c: one connection -------------------------------------------------------------- */

void session_accepted(struct server *s, netpoll_handle h, const struct address *peer);
void session_data(struct server *s, struct conn *c, struct str bytes);
void session_ended(struct server *s, struct conn *c);
void session_closed(struct server *s, struct conn *c, int reason);

/* After the flush: connections that may go on, or are to be closed. True if input is left. */
bool session_attend(struct server *s);

/* A second has passed: those who leave and take too long for it are closed. */
void session_sweep(struct server *s);

/* The same: of a part of all others, those are closed who have owed an acknowledgement for too
 * long. A connection's turn comes every SERVER_LISTEN_TURNS seconds. */
void session_sweep_silent(struct server *s);

/* ---- server_filters.c ----------------------------------------------------------------------- */

/* Loads the chain and the candidate that the options name. 0, or an exit status, reason logged. */
int server_filters_open(struct server *s);

/* True if the options name any. */
bool server_has_filters(const struct options *options);

/* Loads fresh chains, and hands over what the filters at work keep. 0, or a negative errno, reason
 * logged; those at work are as before in any case. */
int server_filters_load(struct server *s, struct server_chains *out);

/* Puts other chains to work, which it takes; returns those that were. Between two events only. */
struct server_chains server_filters_swap(struct server *s, struct server_chains next);

/* Frees both; there are none then. */
void server_filters_free(struct server_chains *chains);

/* Runs due timers of filters, and sets the timer for the next. Once a turn. */
void server_filters_tick(struct server *s);

/* ---- server_reload.c: SIGHUP and changed files set s->reload.wanted ------------------------- */

/* Once a turn, between two events: begins what is wanted, ends what is done, takes back what fails.
 * True if other filters are at work now. */
bool server_reload_turn(struct server *s);

/* The probation is over. */
void server_reload_prove(struct server *s);

void server_reload_close(struct server *s);

/* ---- server_checker.c ----------------------------------------------------------------------- */

/* Starts the process, if there are filters at all: early, while the hub is small and may do that.
 * 0 or a negative errno. */
int server_checker_start(struct server *s);

/* Hands its socket to the poller. 0 or a negative errno. */
int server_checker_poll(struct server *s);

/* Asks it to check the filters: s->reload.answer is there some time later. 0, or a negative errno
 * if it is gone. Not within a batch of sends. */
int server_checker_ask(struct server *s);

/* Its end of the socket is closed: there will be no more answers. */
void server_checker_gone(struct server *s);

/* Closes what is not the poller's. */
void server_checker_close(struct server *s);

/* ---- server_watch.c ------------------------------------------------------------------------- */

/* Watches the folders of all filters. 0 or a negative errno, reason logged. */
int server_watch_open(struct server *s);

/* What inotify said: a changed *.lua starts SERVER_TIMER_RELOAD. */
void server_watch_data(struct server *s, struct str bytes);

#endif
