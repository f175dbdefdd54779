/*
 * termios(3), and the private modes 1004 (focus) and 2004 (bracketed paste) of xterm, which others
 * know or ignore.
 *
 * Setting O_NONBLOCK would set it for everybody who shares the terminal's description, the shell
 * for one; so the terminal is opened once more where the system allows that. Elsewhere it is
 * written in pieces that poll(2) has promised room for.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
    MODES_MS = 200, /* for the sequences that change modes, where the terminal is busy */
};

static const struct str modes_on = {"\x1b[?2004h\x1b[?1004h", 16};
static const struct str modes_off = {"\x1b[?1004l\x1b[?2004l", 16};

struct terminal {
    int in;
    int out;
    bool own; /* `out` is ours to close, and does not block */
    bool dumb;
    bool entered;
    bool left; /* and so somebody else may have changed the modes */
    struct termios before;
};

/* Another, non-blocking description of it, or -1. */
static int reopen(int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

int terminal_new(struct terminal **out, int in, int output)
{
    if (!isatty(in) || !isatty(output))
        return -ENOTTY;
    struct terminal *t = calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    if (tcgetattr(in, &t->before) < 0) {
        int error = errno;
        free(t);
        return -error;
    }
    int own = reopen(output);
    const char *term = getenv("TERM");
    t->in = in;
    t->out = own >= 0 ? own : output;
    t->own = own >= 0;
    t->dumb = !term || *term == '\0' || strcmp(term, "dumb") == 0;
    *out = t;
    return 0;
}

void terminal_free(struct terminal *t)
{
    if (t && t->own)
        close(t->out);
    free(t);
}

bool terminal_is_dumb(const struct terminal *t)
{
    return t->dumb;
}

void terminal_size(const struct terminal *t, size_t *columns, size_t *rows)
{
    struct winsize size;
    bool known = ioctl(t->out, TIOCGWINSZ, &size) == 0;
    *columns = known && size.ws_col > 0 ? size.ws_col : 80;
    *rows = known && size.ws_row > 0 ? size.ws_row : 24;
}

/* ---- modes --------------------------------------------------------------------------------- */

/* Output stays as it is: newlines of a process that shares the terminal still become CR LF. */
static struct termios raw_modes(const struct termios *before)
{
    struct termios raw = *before;
    raw.c_iflag &= ~(tcflag_t)(ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | ISIG | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return raw;
}

/* A shell that edits its line looks similar, but leaves it to the terminal to make signals. */
static bool are_raw(const struct termios *modes)
{
    return !(modes->c_lflag & (tcflag_t)(ICANON | ECHO | ISIG));
}

static int set_modes(int fd, const struct termios *modes)
{
    while (tcsetattr(fd, TCSADRAIN, modes) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

static void switch_modes(struct terminal *t, struct str sequence)
{
    struct buffer out = {0};
    if (!t->dumb)
        buffer_add(&out, sequence);
    terminal_write_all(t, &out, MODES_MS);
    buffer_fini(&out);
}

int terminal_enter(struct terminal *t)
{
    if (t->left && tcgetattr(t->in, &t->before) < 0)
        return -errno;
    t->left = false;
    struct termios raw = raw_modes(&t->before);
    int rc = set_modes(t->in, &raw);
    if (rc == 0) {
        t->entered = true;
        switch_modes(t, modes_on);
    }
    return rc;
}

void terminal_leave(struct terminal *t)
{
    if (!t->entered)
        return;
    t->entered = false;
    t->left = true;
    switch_modes(t, modes_off);
    set_modes(t->in, &t->before);
}

void terminal_rescue(const struct terminal *t)
{
    struct termios now;
    signal(SIGTTOU, SIG_IGN); /* the shell may have taken the foreground */
    if (tcgetattr(t->in, &now) < 0 || !are_raw(&now) || are_raw(&t->before))
        return;
    struct terminal copy = *t;
    copy.entered = true;
    terminal_leave(&copy);
}

/* ---- writing ------------------------------------------------------------------------------- */

/* Returns how much was written, 0 if it takes nothing now, or a negative errno. */
static ssize_t write_some(const struct terminal *t, struct str bytes)
{
    struct pollfd room = {.fd = t->out, .events = POLLOUT};
    if (!t->own && poll(&room, 1, 0) <= 0)
        return 0;
    size_t size = !t->own && bytes.size > PIPE_BUF ? PIPE_BUF : bytes.size;
    ssize_t n = write(t->out, bytes.data, size);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -errno;
    return n;
}

int terminal_write(struct terminal *t, struct buffer *out)
{
    size_t done = 0;
    ssize_t n = 1;
    while (n > 0 && done < out->size) {
        n = write_some(t, str_skip(buffer_str(out), done));
        if (n > 0)
            done += (size_t)n;
    }
    buffer_drop(out, done);
    return n < 0 ? (int)n : 0;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

int terminal_write_all(struct terminal *t, struct buffer *out, int ms)
{
    int64_t end = now_ms() + ms;
    for (;;) {
        int rc = terminal_write(t, out);
        int64_t left = end - now_ms();
        if (rc < 0 || out->size == 0 || left <= 0)
            return rc;
        struct pollfd room = {.fd = t->out, .events = POLLOUT};
        poll(&room, 1, (int)left);
    }
}
