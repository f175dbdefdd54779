/*
 * How it ends. `stage` goes one way: TALKING, LEAVING, OVER.
 *   The user ends it (end of input): what was said is sent, then the socket's sending side is shut
 *   down, then what the hub still answers is shown until the hub closes.
 *   A signal, a time limit, or an output that nobody reads, ends it in a hurry: the same, but
 *   nothing is shown any more and it takes a second at most.
 *   The hub ends it for good, or the keyboard process is killed: it is over at once.
 */
#include "client_impl.h"
#include "client_options.h"
#include "keyboard.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

enum {
    HURRY_MS = 1000, /* longest polite end when somebody wants it to be over */
    SIGNAL_BASE = 128,
};

void client_over(struct client *c, int status)
{
    if (c->stage == CLIENT_OVER)
        return;
    c->status = status;
    c->stage = CLIENT_OVER;
}

void client_over_because(struct client *c, int status, const char *why, ...)
{
    if (c->stage == CLIENT_OVER)
        return;
    client_over(c, status);
    va_list args;
    va_start(args, why);
    vsnprintf(c->why, sizeof c->why, why, args);
    va_end(args);
}

void client_leave(struct client *c, int status)
{
    if (c->stage != CLIENT_TALKING)
        return;
    c->stage = CLIENT_LEAVING;
    c->status = status;
    netpoll_close(c->np, c->keys);
    if (c->link.handle == 0 && c->link.outbox.size == 0)
        client_over(c, status);
    else
        client_timer(c, CLIENT_TIMER_PATIENCE, c->options->linger_ms);
}

void client_leave_in_a_hurry(struct client *c, int status)
{
    client_leave(c, status);
    c->hurry = true; /* where it is over already, the last words are not waited for */
    if (c->stage == CLIENT_OVER)
        return;
    c->status = status;
    if (c->link.handle == 0)
        client_over(c, status);
    else
        client_timer(c, CLIENT_TIMER_PATIENCE, HURRY_MS);
}

/* ---- time limits --------------------------------------------------------------------------- */

/* A hub that takes or sends something is worth the wait. */
void client_patience_is_over(struct client *c)
{
    if (c->hurry)
        client_over(c, c->status);
    else if (!c->heard && !client_link_unsent(c))
        client_over_because(c, c->status,
                            "the hub has nothing more to say, but does not close the connection");
    else
        client_timer(c, CLIENT_TIMER_PATIENCE, c->options->linger_ms);
    c->heard = false;
}

/* Moved only when it goes off: setting it with every line would cost more than the line. When the
 * user has ended it already, --linger decides. */
void client_idle(struct client *c)
{
    uint64_t silent = client_now_ms() - c->heard_ms;
    unsigned limit = c->options->idle_ms;
    if (limit == 0 || c->stage != CLIENT_TALKING)
        return;
    if (silent >= limit)
        client_leave_in_a_hurry(c, c->options->count > 0 ? CLIENT_TIMED_OUT : EX_OK);
    else
        client_timer(c, CLIENT_TIMER_IDLE, limit - silent);
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
    client_over_because(c, SIGNAL_BASE + number,
                        "the process that reads the keyboard was ended: %s", strsignal(number));
}

void client_keyboard_over(struct client *c)
{
    client_wait_for_keyboard(c, 0);
    if (c->stage != CLIENT_TALKING)
        return;
    if (c->keyboard_status == KEYBOARD_NO_READER)
        client_leave_in_a_hurry(c, EX_OK);
    else if (c->keyboard_status == KEYBOARD_EOF)
        c->face->ops->keys_ended(c->face);
    else
        client_leave(c, EXIT_FAILURE);
}
