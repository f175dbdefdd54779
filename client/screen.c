/*
 * Bytes gather in `line` up to a newline or to a full piece, are cleaned, and gather again in `out`
 * to leave in few writes.
 *
 * A write to a pipe or terminal must not block for long, or signals would wait behind it. Setting
 * O_NONBLOCK would set it for everyone who shares the descriptor (the shell, usually), so the
 * screen opens a description of its own where the system lets it; elsewhere it writes in pieces
 * that poll(2) promises room for.
 */
#include "screen.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECE_MAX = 4096,
    OUT_MAX = 64 << 10,
};

struct screen {
    int fd;
    bool own_fd; /* `fd` is non-blocking, and ours to close */
    bool terminal;
    bool mid_line; /* a piece was shown whose newline is still to come */
    int error;     /* sticky; 0 or negative */
    int wake_fd;
    bool (*woken)(void *owner);
    void *owner;
    size_t held; /* bytes in `line` */
    size_t used; /* bytes in `out` */
    char line[PIECE_MAX];
    char clean[TEXT_CLEAN_MAX(PIECE_MAX)];
    char out[OUT_MAX];
};

/* A non-blocking description of the same pipe or terminal, or -1. */
static int reopen(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || isatty(fd)))
        return -1;
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

struct screen *screen_new(int fd, int wake_fd, bool (*woken)(void *owner), void *owner)
{
    struct screen *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    int own = reopen(fd);
    s->fd = own >= 0 ? own : fd;
    s->own_fd = own >= 0;
    s->terminal = isatty(fd);
    s->mid_line = false;
    s->error = 0;
    s->wake_fd = wake_fd;
    s->woken = woken;
    s->owner = owner;
    s->held = 0;
    s->used = 0;
    return s;
}

void screen_free(struct screen *s)
{
    if (s && s->own_fd)
        close(s->fd);
    free(s);
}

/* ---- writing ------------------------------------------------------------------------------- */

static int wait_for_room(struct screen *s)
{
    struct pollfd fds[] = {{.fd = s->fd, .events = POLLOUT}, {.fd = s->wake_fd, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0) {
            if (errno != EINTR)
                return -errno;
            continue;
        }
        if (fds[1].revents && s->woken(s->owner))
            return -ECANCELED;
        if (fds[0].revents)
            return 0;
    }
}

/* Returns how much was written, 0 if it has to be tried again, or a negative errno. */
static ssize_t write_some(struct screen *s, const char *bytes, size_t n)
{
    if (!s->own_fd && n > PIPE_BUF)
        n = PIPE_BUF;
    ssize_t done = write(s->fd, bytes, n);
    if (done < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -errno;
    return done;
}

int screen_flush(struct screen *s)
{
    for (size_t done = 0; done < s->used && s->error == 0;) {
        s->error = wait_for_room(s);
        if (s->error < 0)
            break;
        ssize_t n = write_some(s, s->out + done, s->used - done);
        if (n < 0)
            s->error = (int)n;
        else
            done += (size_t)n;
    }
    s->used = 0;
    return s->error;
}

/* ---- cleaning ------------------------------------------------------------------------------ */

/* The size of the bidirectional control at `p`, or 0. */
static size_t bidi_control(const unsigned char *p, size_t left)
{
    if (left >= 2 && p[0] == 0xd8 && p[1] == 0x9c)
        return 2;
    if (left < 3 || p[0] != 0xe2)
        return 0;
    bool general = p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae));
    bool isolate = p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
    return general || isolate ? 3 : 0;
}

struct str screen_strip_bidi(struct str in, char *out)
{
    size_t used = 0;
    for (size_t at = 0; at < in.size;) {
        size_t skip = bidi_control((const unsigned char *)in.data + at, in.size - at);
        if (skip == 0)
            out[used++] = in.data[at++];
        at += skip;
    }
    return str_from(out, used);
}

static void put(struct screen *s, struct str text)
{
    if (s->used + text.size > sizeof s->out)
        screen_flush(s);
    memcpy(s->out + s->used, text.data, text.size);
    s->used += text.size;
}

/* Shows the first `size` bytes of `line`, cleaned. */
static void show_piece(struct screen *s, size_t size)
{
    struct text_repairs ignored = {0};
    struct str text = text_clean(str_from(s->line, size), s->clean, &ignored);
    /* In place: the result is never ahead of what is read. */
    if (s->terminal)
        text = screen_strip_bidi(text, s->clean);
    put(s, text);
    s->held -= size;
    memmove(s->line, s->line + size, s->held);
}

/* How much of a full `line` to show: not the beginning of a character whose rest is to come. */
static size_t piece_size(const struct screen *s)
{
    size_t size = s->held;
    for (size_t back = 1; back <= 3; back++) {
        unsigned char c = (unsigned char)s->line[size - back];
        size_t needs = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
        if (needs > back)
            return size - back;
        if (c < 0x80 || c >= 0xc0)
            break;
    }
    return size;
}

static void end_line(struct screen *s)
{
    show_piece(s, s->held);
    put(s, STR("\n"));
    s->mid_line = false;
}

int screen_text(struct screen *s, struct str text)
{
    while (text.size > 0 && s->error == 0) {
        size_t room = sizeof s->line - s->held;
        size_t n = text.size < room ? text.size : room;
        const char *newline = memchr(text.data, '\n', n);
        if (newline)
            n = (size_t)(newline - text.data);
        memcpy(s->line + s->held, text.data, n);
        s->held += n;
        text = str_skip(text, newline ? n + 1 : n);
        if (newline) {
            end_line(s);
        } else if (s->held == sizeof s->line) {
            show_piece(s, piece_size(s));
            s->mid_line = true;
        }
    }
    return s->error;
}

int screen_raw(struct screen *s, struct str bytes)
{
    if (s->held > 0)
        show_piece(s, s->held);
    while (bytes.size > 0 && s->error == 0) {
        size_t n = bytes.size < sizeof s->out ? bytes.size : sizeof s->out;
        char last = bytes.data[n - 1];
        s->mid_line = last != '\n' && last != '\0';
        put(s, str_from(bytes.data, n));
        bytes = str_skip(bytes, n);
    }
    return s->error;
}

int screen_finish(struct screen *s)
{
    if (s->held > 0 || s->mid_line)
        end_line(s);
    return screen_flush(s);
}
