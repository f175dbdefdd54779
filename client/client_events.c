/*
 * The conversation: what happens between client_start() and its end, event by event.
 *
 * How it ends. `stage` goes one way: TALKING, LEAVING, OVER.
 *   The user ends it (end of input): what is in the outbox is sent, then the socket's sending side
 *   is shut down, then what the hub still answers is shown until the hub closes.
 *   A signal, or an output that nobody reads, ends it in a hurry: the same, but nothing is shown
 *   any more and it takes a second at most.
 *   The hub ends it, or the keyboard process is killed: it is over at once.
 */
#include "client_impl.h"
#include "client_options.h"
#include "diag.h"
#include "keyboard.h"
#include "screen.h"

#include <errno.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    HURRY_MS = 1000, /* longest polite end when somebody wants it to be over */
    SIGNAL_BASE = 128,
    TIMER_PATIENCE = 1,
};

/* ---- how it ends --------------------------------------------------------------------------- */

/* It is over, with nothing to say about it. The first reason counts. */
static void over(struct client *c, int status)
{
    if (c->stage == CLIENT_OVER)
        return;
    c->status = status;
    c->stage = CLIENT_OVER;
}

/* The same, and `why` is told at the end. */
__attribute__((format(printf, 3, 4))) static void over_because(struct client *c, int status,
                                                               const char *why, ...)
{
    if (c->stage == CLIENT_OVER)
        return;
    over(c, status);
    va_list args;
    va_start(args, why);
    vsnprintf(c->why, sizeof c->why, why, args);
    va_end(args);
}

/* No more is taken from the keyboard. What is in the outbox is still sent. */
static void leave(struct client *c, int status)
{
    if (c->stage != CLIENT_TALKING)
        return;
    c->stage = CLIENT_LEAVING;
    c->status = status;
    netpoll_close(c->np, c->keys);
    if (netpoll_timer_set(c->np, TIMER_PATIENCE, c->options->linger_ms) < 0)
        over_because(c, EX_OSERR, "out of memory");
}

static void leave_in_a_hurry(struct client *c, int status)
{
    leave(c, status);
    c->hurry = true; /* where it is over already, the last words are not waited for */
    if (c->stage == CLIENT_OVER)
        return;
    c->status = status;
    if (netpoll_timer_set(c->np, TIMER_PATIENCE, HURRY_MS) < 0)
        over(c, status);
}

/* True while the hub's machine has not taken all that was typed. */
static bool unsent(const struct client *c)
{
    int queued = 0;
    return c->outbox.size > 0 || (ioctl(c->hub_fd, SIOCOUTQ, &queued) == 0 && queued > 0);
}

/* A hub that takes or sends something is worth the wait. */
static void patience_is_over(struct client *c)
{
    if (c->hurry)
        over(c, c->status);
    else if (!c->heard && !unsent(c))
        over_because(c, c->status,
                     "the hub has nothing more to say, but does not close the connection");
    else if (netpoll_timer_set(c->np, TIMER_PATIENCE, c->options->linger_ms) < 0)
        over_because(c, EX_OSERR, "out of memory");
    c->heard = false;
}

/* The hub closed the connection: `error` is 0, or what broke it. */
static void hub_gone(struct client *c, int error)
{
    if (c->hurry)
        over(c, c->status);
    else if (c->quit_said)
        over(c, EX_OK);
    else if (error)
        over_because(c, EX_UNAVAILABLE, "the connection to the hub was lost: %s", strerror(error));
    else if (c->stage == CLIENT_TALKING)
        over_because(c, EX_UNAVAILABLE, "the hub closed the connection");
    else if (c->outbox.size > 0)
        over_because(c, EX_UNAVAILABLE, "the hub closed the connection before all was sent");
    else
        over(c, c->status);
}

/* ---- the keyboard process ------------------------------------------------------------------ */

void client_wait_for_keyboard(struct client *c, int options)
{
    if (c->keyboard <= 0)
        return;
    int status = 0;
    pid_t pid;
    do
        pid = waitpid(c->keyboard, &status, options);
    while (pid < 0 && errno == EINTR);
    if (pid == 0)
        return;
    c->keyboard = 0;
    if (pid < 0 || !WIFSIGNALED(status)) {
        c->keyboard_status = pid < 0 ? KEYBOARD_FAILED : WEXITSTATUS(status);
        return;
    }
    int number = WTERMSIG(status);
    over_because(c, SIGNAL_BASE + number, "the process that reads the keyboard was ended: %s",
                 strsignal(number));
}

/* The pipe has ended: all that was typed came through it. */
static void keyboard_over(struct client *c)
{
    client_wait_for_keyboard(c, 0);
    if (c->keyboard_status == KEYBOARD_NO_READER)
        leave_in_a_hurry(c, EX_OK);
    else
        leave(c, c->keyboard_status == KEYBOARD_EOF ? EX_OK : EXIT_FAILURE);
}

/* Looks for "/quit" at the start of a line: the hub's end is wanted then. */
static void watch_for_quit(struct client *c, struct str typed)
{
    static const char quit[] = "/quit";
    enum { WHOLE = sizeof quit - 1, NOT_QUIT };
    for (size_t i = 0; i < typed.size; i++) {
        char b = typed.data[i];
        if (c->quit_match == WHOLE && (b == '\n' || b == '\r' || b == ' '))
            c->quit_said = true;
        if (b == '\n')
            c->quit_match = 0;
        else if (c->quit_match < WHOLE && b == quit[c->quit_match])
            c->quit_match++;
        else
            c->quit_match = NOT_QUIT;
    }
}

static void say(struct client *c, struct str text)
{
    if (outbox_append(&c->outbox, text) < 0)
        over_because(c, EX_OSERR, "out of memory");
}

/* Sends the outbox as far as the hub takes it. Once per turn, so that many lines are one send. */
static void send_outbox(struct client *c)
{
    if (c->outbox.size > 0 && !c->hub_full) {
        struct iovec part = {c->outbox.data, c->outbox.size};
        c->left = 0;
        if (netpoll_send(c->np, c->hub, &part, 1) == 0) {
            netpoll_commit(c->np);
            outbox_drop(&c->outbox, part.iov_len - c->left);
        }
    }
    if (c->outbox.size > 0) {
        netpoll_pause(c->np, c->keys);
    } else if (c->stage == CLIENT_TALKING) {
        netpoll_resume(c->np, c->keys);
    } else if (!c->said_goodbye) {
        c->said_goodbye = true;
        netpoll_shutdown(c->np, c->hub);
    }
}

/* ---- signals ------------------------------------------------------------------------------- */

static void take_signal(struct client *c, const struct signalfd_siginfo *info)
{
    int number = (int)info->ssi_signo;
    if (number == SIGCHLD)
        client_wait_for_keyboard(c, WNOHANG);
    else if (c->hurry)
        over(c, SIGNAL_BASE + number);
    else
        leave_in_a_hurry(c, SIGNAL_BASE + number);
}

/* signalfd(2) hands out whole records only. */
static void take_signals(struct client *c, const char *bytes, size_t n)
{
    struct signalfd_siginfo info;
    for (; n >= sizeof info; n -= sizeof info, bytes += sizeof info) {
        memcpy(&info, bytes, sizeof info);
        take_signal(c, &info);
    }
}

/* The last words are waited for, hence the look at what was before. */
bool client_screen_woken(void *owner)
{
    struct client *c = owner;
    bool was_over = c->stage == CLIENT_OVER;
    struct signalfd_siginfo info;
    while (read(c->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        take_signal(c, &info);
    return c->hurry || (c->stage == CLIENT_OVER && !was_over);
}

/* ---- what netpoll tells -------------------------------------------------------------------- */

/* What the screen said to some text or to a flush. */
static void check_screen(struct client *c, int rc)
{
    if (c->hurry)
        return;
    if (rc == -EPIPE)
        leave_in_a_hurry(c, EX_OK);
    else if (rc < 0 && rc != -ECANCELED)
        over_because(c, EXIT_FAILURE, "cannot write to standard output: %s", strerror(-rc));
}

static void on_data(void *owner, netpoll_handle h, const char *bytes, size_t n)
{
    struct client *c = owner;
    if (h == c->signals) {
        take_signals(c, bytes, n);
    } else if (h == c->keys) {
        watch_for_quit(c, str_from(bytes, n));
        say(c, str_from(bytes, n));
    } else {
        c->heard = true;
        if (!c->hurry)
            check_screen(c, screen_text(c->screen, str_from(bytes, n)));
    }
}

static void on_ended(void *owner, netpoll_handle h)
{
    struct client *c = owner;
    if (h == c->keys)
        keyboard_over(c);
    else if (h == c->hub)
        hub_gone(c, 0);
}

static void on_closed(void *owner, netpoll_handle h, int reason)
{
    struct client *c = owner;
    if (h == c->hub)
        hub_gone(c, reason);
}

static void on_fell_short(void *owner, netpoll_handle h, size_t left)
{
    struct client *c = owner;
    (void)h;
    c->left = left;
    c->hub_full = true;
}

static void on_writable(void *owner, netpoll_handle h)
{
    struct client *c = owner;
    (void)h;
    c->hub_full = false;
}

static void on_timer(void *owner, uint64_t id)
{
    (void)id;
    patience_is_over(owner);
}

/* A client neither listens nor wakes itself. */
static void on_accepted(void *owner, netpoll_handle listener, netpoll_handle h,
                        const struct address *peer)
{
    (void)owner, (void)listener, (void)h, (void)peer;
}

static void on_accept_paused(void *owner, netpoll_handle listener, int error)
{
    (void)owner, (void)listener, (void)error;
}

static void on_woken(void *owner)
{
    (void)owner;
}

const struct netpoll_handlers client_handlers = {
    .accepted = on_accepted,
    .accept_paused = on_accept_paused,
    .data = on_data,
    .ended = on_ended,
    .fell_short = on_fell_short,
    .writable = on_writable,
    .closed = on_closed,
    .timer = on_timer,
    .woken = on_woken,
};

/* ---- the whole of it ----------------------------------------------------------------------- */

static void introduce(struct client *c)
{
    if (c->options->nick.size == 0)
        return;
    say(c, STR("/nick "));
    say(c, c->options->nick);
    say(c, STR("\n"));
    send_outbox(c);
}

static void turn(struct client *c)
{
    int rc = netpoll_run_once(c->np, NETPOLL_FOREVER);
    if (rc < 0)
        over_because(c, EX_OSERR, "the poller failed: %s", strerror(-rc));
    if (!c->hurry)
        check_screen(c, screen_flush(c->screen));
    send_outbox(c);
}

/* The last words: of the hub on standard output, then of the client on standard error. */
static void last_words(struct client *c)
{
    int rc = c->hurry ? 0 : screen_finish(c->screen);
    if (rc < 0 && rc != -EPIPE && rc != -ECANCELED && c->status == EX_OK) {
        c->status = EXIT_FAILURE;
        snprintf(c->why, sizeof c->why, "cannot write to standard output: %s", strerror(-rc));
    }
    if (c->why[0] != '\0')
        diag_log(c->status == EX_OK ? DIAG_WARN : DIAG_ERROR, "%s", c->why);
}

int client_talk(struct client *c)
{
    introduce(c);
    while (c->stage != CLIENT_OVER)
        turn(c);
    last_words(c);
    return c->status;
}
