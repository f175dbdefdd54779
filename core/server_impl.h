/*
 * The inside of the server, shared by server.c (life, loop, signals), server_listen.c, session.c
 * (what netpoll says of one connection) and server_filters.c (the chain, and its reload).
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
    SERVER_TIMER_STOP,        /* the end of patience after TERM */
    SERVER_TIMER_FILTERS,     /* a timer of a filter is due */
    SERVER_TIMER_RELOAD,      /* files of filters have changed, and are quiet now */
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
    netpoll_handle watcher;    /* inotify, with --watch; otherwise 0 */
    int64_t filters_due;       /* when SERVER_TIMER_FILTERS goes off, wall clock in ms */
    struct slot_list attended; /* the hub's list of a turn, in work */
    uint32_t max_slots;
    bool work_left; /* the next turn must not wait */
    bool leaving_timer;
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

/* ---- server_filters.c ----------------------------------------------------------------------- */

/* Loads the chain and the candidate that the options name. 0, or an exit status, reason logged. */
int server_filters_open(struct server *s);

/*
 * Replaces the chain by a fresh one: loads all filters, and takes over the state of those that keep
 * some. If anything is wrong the old chain stays. Between two events only. True if it was replaced.
 */
bool server_filters_reload(struct server *s);

/* Runs due timers of filters, and sets the timer for the next. Once a turn. */
void server_filters_tick(struct server *s);

/* ---- server_watch.c ------------------------------------------------------------------------- */

/* Watches the folders of all filters. 0 or a negative errno. */
int server_watch_open(struct server *s);

/* What inotify said: a changed *.lua starts SERVER_TIMER_RELOAD. */
void server_watch_data(struct server *s, struct str bytes);

#endif
