/*
 * What happens between client_start() and its end, event by event: netpoll tells of the hub, the
 * pipe, the signals and the timers; the face says what the user wants.
 */
#include "client_impl.h"
#include "client_options.h"
#include "diag.h"
#include "session.h"
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { SIGNAL_BASE = 128 };

uint64_t client_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void client_timer(struct client *c, enum client_timer timer, uint64_t ms)
{
    if (netpoll_timer_set(c->np, timer, ms) < 0)
        client_over_because(c, EX_OSERR, "out of memory");
}

void client_note(struct client *c, const char *format, ...)
{
    char text[512];
    char clean[TEXT_CLEAN_MAX(sizeof text)];
    struct text_repairs ignored = {0};
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t used = size < 0 ? 0 : (size_t)size;
    struct str note = {text, used < sizeof text ? used : sizeof text - 1};
    c->face->ops->note(c->face, text_clean(text_cut(note, note.size), clean, &ignored));
}

/* ---- what the face asks for ---------------------------------------------------------------- */

static int host_say(void *owner, struct str line)
{
    struct client *c = owner;
    if (c->link.handle == 0)
        return -ENOTCONN;
    if (client_link_is_full(c))
        return -EAGAIN;
    int rc = client_link_say(c, line);
    return rc < 0 ? rc : client_link_say(c, STR("\n"));
}

static int host_send(void *owner, struct str bytes)
{
    return client_link_say(owner, bytes);
}

static void host_leave(void *owner, int status)
{
    client_leave(owner, status);
}

static void host_hurry(void *owner, int status)
{
    client_leave_in_a_hurry(owner, status);
}

static void host_fail(void *owner, int status)
{
    struct client *c = owner;
    c->failure = status;
}

static void host_stop(void *owner, int status, struct str why)
{
    client_over_because(owner, status, STR_FMT, STR_ARG(why));
}

static void host_timer(void *owner, unsigned ms)
{
    struct client *c = owner;
    if (ms > 0)
        client_timer(c, CLIENT_TIMER_FACE, ms);
    else
        netpoll_timer_cancel(c->np, CLIENT_TIMER_FACE);
}

static const struct session *host_session(void *owner)
{
    struct client *c = owner;
    return c->session;
}

static uint64_t host_now_ms(void *owner)
{
    (void)owner;
    return client_now_ms();
}

/* ---- signals ------------------------------------------------------------------------------- */

/* True if the face has dealt with it. */
static bool face_signal(struct client *c, int number)
{
    return c->face->ops->signal && c->face->ops->signal(c->face, number);
}

/* What woke this process does not wake the other one in every case: it may have come to this one
 * only. */
static void go_on(struct client *c)
{
    if (c->keyboard > 0)
        kill(c->keyboard, SIGCONT);
    face_signal(c, SIGCONT);
}

/* Stops this process as the signal would have, had it not been an event, until it is told to go on.
 * In an orphaned group it goes on at once, because nobody could wake it, and no SIGCONT comes. */
static void stop_here(struct client *c)
{
    static const struct timespec now;
    sigset_t stop;
    sigset_t cont;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    sigemptyset(&cont);
    sigaddset(&cont, SIGCONT);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    sigtimedwait(&cont, NULL, &now); /* or it would be told twice */
    go_on(c);
}

/* What may call the face. */
static void take_signal(struct client *c, int number)
{
    if (number == SIGCHLD) {
        client_link_dialled(c);
    } else if (number == SIGTSTP) {
        if (face_signal(c, number))
            stop_here(c);
    } else if (number == SIGCONT) {
        go_on(c);
    } else if (!face_signal(c, number) && number == SIGINT) {
        client_leave_in_a_hurry(c, SIGNAL_BASE + number);
    }
}

/* -W */
static void time_is_over(struct client *c)
{
    if (!c->hurry)
        client_leave_in_a_hurry(c, CLIENT_TIMED_OUT);
}

/* Does at once what may be done in the middle of a write, and leaves the rest to the end of the
 * turn. A second Ctrl-C before that means that the face is stuck. */
static void note_signal(struct client *c, int number)
{
    uint64_t bit = UINT64_C(1) << number;
    bool end = number == SIGTERM || number == SIGHUP || (number == SIGINT && !c->face->ops->signal);
    if (number == SIGCHLD)
        client_wait_for_keyboard(c, WNOHANG);
    if (number == SIGALRM)
        time_is_over(c);
    else if (!end && !(number == SIGINT && (c->hurry || c->signals_due & bit)))
        c->signals_due |= bit;
    else if (c->hurry)
        client_over(c, SIGNAL_BASE + number);
    else
        client_leave_in_a_hurry(c, SIGNAL_BASE + number);
}

static void take_due_signals(struct client *c)
{
    for (int number = 1; c->signals_due != 0 && c->stage != CLIENT_OVER; number++) {
        uint64_t bit = UINT64_C(1) << number;
        if (c->signals_due & bit)
            take_signal(c, number);
        c->signals_due &= ~bit;
    }
}

/* signalfd(2) hands out whole records only. */
static void note_signals(struct client *c, const char *bytes, size_t n)
{
    struct signalfd_siginfo info;
    for (; n >= sizeof info; n -= sizeof info, bytes += sizeof info) {
        memcpy(&info, bytes, sizeof info);
        note_signal(c, (int)info.ssi_signo);
    }
}

/* The screen waits for a slow reader. True: give up, something has just ended the conversation. The
 * last words are waited for, hence the look at what was before. */
static bool host_woken(void *owner)
{
    struct client *c = owner;
    bool was_over = c->stage == CLIENT_OVER;
    struct signalfd_siginfo info;
    while (read(c->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        note_signal(c, (int)info.ssi_signo);
    return c->hurry || (c->stage == CLIENT_OVER && !was_over);
}

void client_host_init(struct client *c)
{
    c->host = (struct face_host){
        .owner = c,
        .say = host_say,
        .send = host_send,
        .leave = host_leave,
        .hurry = host_hurry,
        .fail = host_fail,
        .stop = host_stop,
        .timer = host_timer,
        .session = host_session,
        .now_ms = host_now_ms,
        .wake_fd = c->signal_fd,
        .woken = host_woken,
    };
}

/* ---- what netpoll tells -------------------------------------------------------------------- */

static void on_data(void *owner, netpoll_handle h, const char *bytes, size_t n)
{
    struct client *c = owner;
    if (h == c->signals)
        note_signals(c, bytes, n);
    else if (h == c->link.handle)
        client_link_data(c, str_from(bytes, n));
    else if (h == c->keys && c->stage == CLIENT_TALKING)
        c->face->ops->keys(c->face, str_from(bytes, n));
}

static void on_ended(void *owner, netpoll_handle h)
{
    struct client *c = owner;
    if (h == c->keys)
        client_keyboard_over(c);
    else if (h == c->link.handle)
        client_link_lost(c, 0);
}

static void on_closed(void *owner, netpoll_handle h, int reason)
{
    struct client *c = owner;
    if (h == c->link.handle)
        client_link_lost(c, reason);
}

static void on_fell_short(void *owner, netpoll_handle h, size_t left)
{
    struct client *c = owner;
    (void)h;
    c->link.left = left;
    c->link.full = true;
}

static void on_writable(void *owner, netpoll_handle h)
{
    struct client *c = owner;
    if (h == c->link.handle)
        c->link.full = false;
}

static void on_timer(void *owner, uint64_t id)
{
    struct client *c = owner;
    if (id == CLIENT_TIMER_FACE && c->face->ops->timer)
        c->face->ops->timer(c->face);
    else if (id == CLIENT_TIMER_JSON)
        client_link_mute(c);
    else if (id == CLIENT_TIMER_RETRY)
        client_link_retry(c);
    else if (id == CLIENT_TIMER_IDLE)
        client_idle(c);
    else if (id == CLIENT_TIMER_PATIENCE)
        client_patience_is_over(c);
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

/* What the face said to a flush. */
static void check_face(struct client *c, int rc)
{
    if (c->hurry)
        return;
    if (rc == -EPIPE)
        client_leave_in_a_hurry(c, EX_OK);
    else if (rc < 0 && rc != -ECANCELED)
        client_over_because(c, EXIT_FAILURE, "cannot write to standard output: %s", strerror(-rc));
}

static void turn(struct client *c)
{
    int rc = netpoll_run_once(c->np, NETPOLL_FOREVER);
    if (rc < 0)
        client_over_because(c, EX_OSERR, "the poller failed: %s", strerror(-rc));
    take_due_signals(c);
    if (!c->hurry)
        check_face(c, c->face->ops->flush(c->face));
    client_link_send(c);
}

/* The last words: of the hub on standard output, then of the client on standard error. */
static void last_words(struct client *c)
{
    int rc = c->hurry ? 0 : c->face->ops->flush(c->face);
    if (rc < 0 && rc != -EPIPE && rc != -ECANCELED && c->status == EX_OK) {
        c->status = EXIT_FAILURE;
        snprintf(c->why, sizeof c->why, "cannot write to standard output: %s", strerror(-rc));
    }
    face_free(c->face); /* a terminal is its old self before something is said on it */
    c->face = NULL;
    if (c->why[0] != '\0')
        diag_log(c->status == EX_OK ? DIAG_WARN : DIAG_ERROR, "%s", c->why);
}

int client_talk(struct client *c)
{
    c->heard_ms = client_now_ms();
    client_idle(c);
    client_link_send(c);
    while (c->stage != CLIENT_OVER)
        turn(c);
    last_words(c);
    return c->status == EX_OK ? c->failure : c->status;
}
