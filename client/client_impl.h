/*
 * What client.c (the steps: connect, start, close) and client_events.c (the conversation) share.
 * Nobody else includes this.
 */
#ifndef CHATROOM_CLIENT_IMPL_H
#define CHATROOM_CLIENT_IMPL_H

#include "client.h"
#include "netpoll.h"
#include "outbox.h"

#include <signal.h>
#include <sys/types.h>

enum client_role { CLIENT_SCREEN, CLIENT_KEYBOARD };

enum client_stage { CLIENT_TALKING, CLIENT_LEAVING, CLIENT_OVER };

struct client {
    const struct client_options *options;
    enum client_role role;

    struct netpoll *np;
    netpoll_handle hub;
    netpoll_handle keys; /* the pipe's read end */
    netpoll_handle signals;
    int hub_fd; /* these two are netpoll's; borrowed for what it does not do */
    int signal_fd;
    int keys_in; /* the pipe's write end, the keyboard's; -1 once it is closed here */
    sigset_t mask_before;
    pid_t keyboard; /* 0 when there is none, or it was waited for */
    int keyboard_status;

    struct screen *screen;
    struct outbox outbox;
    size_t left;         /* of the send just tried: how much the hub did not take */
    bool hub_full;       /* `writable` is awaited */
    unsigned quit_match; /* how much of a line that may be /quit was seen */
    bool quit_said;

    enum client_stage stage;
    bool hurry;
    bool said_goodbye; /* the sending side is shut down */
    bool heard;        /* something came from the hub since the timer was set */
    int status;
    char why[256]; /* what to tell at the end; may be empty */
};

/* What netpoll calls with the client as its owner. */
extern const struct netpoll_handlers client_handlers;

/* Called by the screen, with the client as its owner, while it waits for a slow reader. True: do
 * not wait any longer, something has just ended the conversation. */
bool client_screen_woken(void *owner);

/* Event by event until it is over; says what there is to say about that. Returns the exit status.
 */
int client_talk(struct client *c);

/* Takes note of the keyboard process's end: of one that has happened (`options` WNOHANG), or the
 * one to come (0). */
void client_wait_for_keyboard(struct client *c, int options);

#endif
