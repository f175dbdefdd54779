/*
 * What the files of the conversation share. Nobody else includes this.
 *
 *     client.c         the steps: connect, start, close; the sources and the face
 *     client_events.c  what netpoll, the signals and the face tell, and the loop
 *     client_link.c    the connection to the hub: its lines, what is said to it, its loss
 *     client_ends.c    how it ends, and when
 */
#ifndef CHATROOM_CLIENT_IMPL_H
#define CHATROOM_CLIENT_IMPL_H

#include "backoff.h"
#include "client.h"
#include "dialer.h"
#include "face.h"
#include "frame.h"
#include "netpoll.h"
#include "outbox.h"

#include <signal.h>
#include <sys/types.h>

struct event_reader;

enum { CLIENT_TIMED_OUT = 124 }; /* the exit status, as timeout(1) has it */

enum client_role { CLIENT_SCREEN, CLIENT_KEYBOARD };

/* Goes one way. */
enum client_stage { CLIENT_TALKING, CLIENT_LEAVING, CLIENT_OVER };

enum client_timer {
    CLIENT_TIMER_PATIENCE, /* with a hub that says nothing after the end of input */
    CLIENT_TIMER_IDLE,
    CLIENT_TIMER_JSON, /* the hub has not begun to speak it */
    CLIENT_TIMER_RETRY,
    CLIENT_TIMER_FACE,
};

/* The connection to the hub, or the lack of it. */
struct client_link {
    netpoll_handle handle; /* 0: none */
    int fd;                /* the same, netpoll's; borrowed for what that does not do */
    uint64_t since_ms;

    /* what comes */
    struct frame frame;
    struct event_reader *reader;
    bool raw_shown; /* what is not JSON goes to the face, from the first byte */
    bool raw_line;  /* in the middle of such a line */
    bool spoken;    /* it has said something */
    bool json;      /* it has begun to speak JSON */
    bool dismissed; /* it has said that it does not want us (any more), and why: */
    char last_word[256];

    /* what goes */
    struct outbox outbox;   /* the user's; also without a connection */
    struct outbox greeting; /* goes first */
    size_t left;            /* of the send just tried: how much the hub did not take */
    bool full;              /* `writable` is awaited */
    bool line_cut;          /* of a line, the beginning was sent */
    bool skip_line;         /* its rest is to come, and is nothing without the beginning */
    bool unheard;           /* nothing came from the hub since something was said */
    unsigned quit_match;    /* how much of a line that may be /quit was seen */
    bool quit_said;
    bool said_goodbye; /* the sending side is shut down */

    /* the next one */
    struct backoff backoff;
    unsigned failures; /* in a row */
    uint64_t retry_ms; /* when; 0: not waiting */
    struct dialer dialer;
    bool again; /* not the first connection */
};

struct client {
    const struct client_options *options;
    enum client_role role;

    struct netpoll *np;
    netpoll_handle keys; /* the pipe's read end */
    netpoll_handle signals;
    int signal_fd;        /* netpoll's; borrowed */
    uint64_t signals_due; /* a bit for each that was taken and is to be dealt with */
    int keys_in;          /* the pipe's write end, the keyboard's; -1 once it is closed here */
    sigset_t mask_before;
    pid_t keyboard; /* 0 when there is none, or it was waited for */
    int keyboard_status;

    struct face *face;
    struct face_host host;
    struct session *session;
    struct client_link link;

    enum client_stage stage;
    bool hurry;
    bool heard; /* something came from the hub since the patience timer was set */
    uint64_t heard_ms;
    int status;
    int failure;   /* in place of status 0 */
    char why[512]; /* what to tell at the end; may be empty */
};

uint64_t client_now_ms(void);

/* ---- client_events.c ----------------------------------------------------------------------- */

/* What netpoll calls with the client as its owner, and the face. */
extern const struct netpoll_handlers client_handlers;
void client_host_init(struct client *c);

/* Event by event until it is over; says what there is to say about that. Returns the exit status.
 */
int client_talk(struct client *c);

/* A note of the client's own, to the face. */
void client_note(struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets a timer, or ends it all without memory. */
void client_timer(struct client *c, enum client_timer timer, uint64_t ms);

/* ---- client_link.c ------------------------------------------------------------------------- */

/* Takes a connected descriptor. Returns 0 or a negative errno. */
int client_link_open(struct client *c, int fd);
void client_link_fini(struct client *c);

void client_link_data(struct client *c, struct str bytes);

/* No more comes from the hub: its end of input (0), or what broke the connection. */
void client_link_lost(struct client *c, int error);

/* The hub has not begun to speak JSON in time. */
void client_link_mute(struct client *c);

/* What the user says, newlines included; without a connection it waits for the next. */
int client_link_say(struct client *c, struct str bytes);

/* True while so much waits to be sent that a person should know. */
bool client_link_is_full(const struct client *c);

/* Sends as far as the hub takes it. Once per turn, so that many lines are one send. */
void client_link_send(struct client *c);

/* True while the hub's machine has not taken all that was said. */
bool client_link_unsent(const struct client *c);

/* The timer that counts down to the next attempt; a process has ended, the dialer perhaps. */
void client_link_retry(struct client *c);
void client_link_dialled(struct client *c);

/* ---- client_ends.c ------------------------------------------------------------------------- */

/* It is over, with nothing to say about it. The first reason counts. */
void client_over(struct client *c, int status);

/* The same, and `why` is told at the end. */
void client_over_because(struct client *c, int status, const char *why, ...)
    __attribute__((format(printf, 3, 4)));

/* No more is taken from the keyboard. What was said is still sent, what is answered is shown; in a
 * hurry, it is not, and it takes a second at most. */
void client_leave(struct client *c, int status);
void client_leave_in_a_hurry(struct client *c, int status);

/* Their timers: of a hub that says nothing after the end of input; of --idle, also to start it. */
void client_patience_is_over(struct client *c);
void client_idle(struct client *c);

/* Takes note of the keyboard process's end: of one that has happened (`options` WNOHANG), or the
 * one to come (0). */
void client_wait_for_keyboard(struct client *c, int options);

/* The pipe has ended: all that was typed came through it. */
void client_keyboard_over(struct client *c);

#endif
