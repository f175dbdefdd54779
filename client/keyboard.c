/*
 * read(2), a buffer, write(2). While the pipe is full, write() blocks, and so whoever feeds
 * standard input is slowed down in turn.
 */
#include "keyboard.h"

#include "diag.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 64 << 10,
};

struct keyboard {
    const struct keyboard_task *task;
    size_t held;   /* bytes of a line whose end is still to come */
    bool mid_line; /* what was passed on last does not end a line */
    char buffer[LINE_MAX_BYTES];
};

/* False once nobody reads the pipe. */
static bool pass_on(struct keyboard *k, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(k->task->out, k->buffer + done, size - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            return false;
    }
    if (size > 0)
        k->mid_line = k->buffer[size - 1] != '\n';
    k->held -= size;
    memmove(k->buffer, k->buffer + size, k->held);
    return true;
}

/* Waits for input. KEYBOARD_EOF if there is some, or the reason to end: nobody reads the pipe, or
 * what is shown. */
static enum keyboard_end wait_for_input(const struct keyboard *k)
{
    struct pollfd fds[] = {
        {.fd = k->task->in, .events = POLLIN}, {.fd = k->task->out}, {.fd = k->task->shown}};
    while (poll(fds, 3, -1) < 0 && errno == EINTR)
        ;
    if (fds[1].revents & POLLERR)
        return KEYBOARD_UNHEARD;
    return fds[2].revents & POLLERR ? KEYBOARD_NO_READER : KEYBOARD_EOF;
}

/* How much of the buffer can be passed on: whole lines, or all of it if it is full or keys are
 * wanted. */
static size_t ready(const struct keyboard *k)
{
    if (k->task->bytes || k->held == sizeof k->buffer)
        return k->held;
    const char *newline = memrchr(k->buffer, '\n', k->held);
    return newline ? (size_t)(newline - k->buffer) + 1 : 0;
}

/* A terminal whose other side is gone reads as EIO: that is its end of input. */
static enum keyboard_end read_failed(const struct keyboard *k, int error)
{
    if (error == EIO && isatty(k->task->in))
        return KEYBOARD_EOF;
    diag_log(DIAG_ERROR, "cannot read standard input: %s", strerror(error));
    return KEYBOARD_FAILED;
}

/* Until nobody reads the pipe, or what is shown, any more. */
static enum keyboard_end stay(const struct keyboard *k)
{
    struct pollfd fds[] = {{.fd = k->task->out}, {.fd = k->task->shown}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    return fds[0].revents ? KEYBOARD_UNHEARD : KEYBOARD_NO_READER;
}

/* The end of input ends the last line, too. Where the connection ends with it, the hub sees that by
 * itself. */
static enum keyboard_end finish(struct keyboard *k)
{
    if (!pass_on(k, k->held))
        return KEYBOARD_UNHEARD;
    if (!k->task->stay)
        return KEYBOARD_EOF;
    if (k->mid_line) {
        k->buffer[k->held++] = '\n';
        pass_on(k, k->held);
    }
    return stay(k);
}

static enum keyboard_end pump(struct keyboard *k)
{
    for (;;) {
        enum keyboard_end end = wait_for_input(k);
        if (end != KEYBOARD_EOF)
            return end;
        ssize_t n = read(k->task->in, k->buffer + k->held, sizeof k->buffer - k->held);
        if (n == 0)
            return finish(k);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return read_failed(k, errno);
        if (n > 0)
            k->held += (size_t)n;
        if (!pass_on(k, ready(k)))
            return KEYBOARD_UNHEARD;
    }
}

enum keyboard_end keyboard_run(const struct keyboard_task *task)
{
    struct keyboard k;
    k.task = task;
    k.held = 0;
    k.mid_line = false;
    return pump(&k);
}
