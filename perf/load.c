/*
 * The closed loop, see load.h. All lines are of one length, so a receiver's state is one number:
 * how many bytes of the stream it has. What comes at which byte can be computed.
 */
#include "load.h"

#include "dial.h"
#include "say.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX    512
#define DISCARD_MAX   (1u << 30) /* bytes thrown away by one receive: all there are */
#define READ_SIZE     65536
#define LINE_MAX_SIZE (LOAD_SIZE_MAX + 64)
#define LETTERS       26

struct member {
    int fd;
    bool observed;
    uint64_t bytes; /* of the stream, so far */
};

struct load {
    struct target *target;
    int epoll;
    unsigned window;
    size_t size;
    size_t prefix_size; /* of "client-ID: ", which the server puts before the text */
    size_t line_size;   /* of a line as receivers get it, with its newline */

    uint64_t goal; /* messages to send in all */
    uint64_t sent; /* messages put into `out` so far */
    int sender;
    char *out; /* lines on their way, `window` of them at most */
    size_t out_begin;
    size_t out_end;

    unsigned members;
    unsigned behind; /* members that lack some of the goal */
    unsigned observed_count;
    unsigned observed[LOAD_OBSERVED];
    char *in;                 /* READ_SIZE bytes */
    char line[LINE_MAX_SIZE]; /* one as receivers get it */
    char letters[LOAD_SIZE_MAX + LETTERS];
    struct member member[];
};

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Writes the text of a message and its newline: neighbours differ in every byte of the filler. */
static void write_text(const struct load *l, char *text, uint64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%010llu", (unsigned long long)number);
    memcpy(text, digits, LOAD_SIZE_MIN);
    memcpy(text + LOAD_SIZE_MIN, l->letters + number % LETTERS, l->size - LOAD_SIZE_MIN);
    text[l->size] = '\n';
}

static int watch(struct load *l, int fd, uint32_t events, unsigned index)
{
    struct epoll_event e = {.events = events | EPOLLET, .data.u32 = index};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
        return say(EX_OSERR, "epoll_ctl: %s", strerror(errno));
    return 0;
}

static int enter_members(struct load *l)
{
    uint64_t id;
    for (unsigned i = 0; i < l->members; i++) {
        int status = dial_enter(l->target->port, &l->member[i].fd, &id);
        if (status)
            return status;
        target_drain(l->target);
        status = watch(l, l->member[i].fd, EPOLLIN, i);
        if (status)
            return status;
    }
    return 0;
}

/* The sender has the index after the last member's, the server's log the next. */
static int enter_sender(struct load *l)
{
    uint64_t id;
    int status = dial_enter(l->target->port, &l->sender, &id);
    if (status)
        return status;
    int n = snprintf(l->line, sizeof l->line, "client-%llu: ", (unsigned long long)id);
    l->prefix_size = (size_t)n;
    l->line_size = l->prefix_size + l->size + 1;
    status = watch(l, l->sender, EPOLLIN | EPOLLOUT, l->members);
    return status ? status : watch(l, l->target->log_fd, EPOLLIN, l->members + 1);
}

static void choose_observed(struct load *l)
{
    unsigned count = l->members < LOAD_OBSERVED ? l->members : LOAD_OBSERVED;
    for (unsigned i = 0; i < count; i++) {
        l->observed[i] = count == 1 ? 0 : i * (l->members - 1) / (count - 1);
        l->member[l->observed[i]].observed = true;
    }
    l->observed_count = count;
}

int load_open(struct load **out, const struct load_options *options, struct target *t)
{
    struct load *l = calloc(1, sizeof *l + options->members * sizeof l->member[0]);
    if (!l)
        return say(EX_OSERR, "out of memory");
    *out = l;
    l->target = t;
    l->members = options->members;
    l->window = options->window;
    l->size = options->size;
    l->sender = -1;
    for (unsigned i = 0; i < l->members; i++)
        l->member[i].fd = -1;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->out = malloc(l->window * (l->size + 1));
    l->in = malloc(READ_SIZE);
    if (l->epoll < 0 || !l->out || !l->in)
        return say(EX_OSERR, "out of memory or descriptors");
    for (size_t i = 0; i < sizeof l->letters; i++)
        l->letters[i] = (char)('a' + i % LETTERS);
    choose_observed(l);
    int status = enter_members(l);
    return status ? status : enter_sender(l);
}

void load_free(struct load *l)
{
    if (!l)
        return;
    for (unsigned i = 0; i < l->members; i++)
        if (l->member[i].fd >= 0)
            close(l->member[i].fd);
    if (l->sender >= 0)
        close(l->sender);
    if (l->epoll >= 0)
        close(l->epoll);
    free(l->out);
    free(l->in);
    free(l);
}

/* Messages that all the observed have. */
static uint64_t done(const struct load *l)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < l->observed_count; i++) {
        uint64_t bytes = l->member[l->observed[i]].bytes;
        least = bytes < least ? bytes : least;
    }
    return least / l->line_size;
}

static int send_out(struct load *l)
{
    while (l->out_begin < l->out_end) {
        ssize_t n = send(l->sender, l->out + l->out_begin, l->out_end - l->out_begin,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return 0; /* epoll tells when there is room */
        if (n < 0)
            return say(EXIT_WRONG, "cannot send a message: %s", strerror(errno));
        l->out_begin += (size_t)n;
    }
    return 0;
}

/* Fills the window up, as soon as the lines before are with the kernel. */
static int offer(struct load *l)
{
    if (l->out_begin == l->out_end) {
        uint64_t limit = done(l) + l->window;
        if (limit > l->goal)
            limit = l->goal;
        l->out_begin = l->out_end = 0;
        for (; l->sent < limit; l->sent++) {
            write_text(l, l->out + l->out_end, l->sent);
            l->out_end += l->size + 1;
        }
    }
    return send_out(l);
}

/* Compares `n` bytes with what the stream has at the member's position. */
static int verify(struct load *l, unsigned index, const char *bytes, size_t n)
{
    uint64_t at = l->member[index].bytes;
    while (n > 0) {
        uint64_t number = at / l->line_size;
        size_t offset = (size_t)(at % l->line_size);
        size_t part = l->line_size - offset < n ? l->line_size - offset : n;
        write_text(l, l->line + l->prefix_size, number);
        if (memcmp(bytes, l->line + offset, part) != 0)
            return say(EXIT_WRONG,
                       "member %u: wrong bytes in message %llu\n  expected: %.*s  got:      %.*s",
                       index, (unsigned long long)number, (int)part, l->line + offset, (int)part,
                       bytes);
        at += part;
        bytes += part;
        n -= part;
    }
    return 0;
}

/* Adds `n` bytes to what the member has; on the way out of arrears it is counted once. */
static int count(struct load *l, unsigned index, size_t n)
{
    uint64_t due = l->goal * l->line_size;
    uint64_t *bytes = &l->member[index].bytes;
    *bytes += n;
    if (*bytes > due)
        return say(EXIT_WRONG, "member %u has %llu bytes, %llu were due", index,
                   (unsigned long long)*bytes, (unsigned long long)due);
    if (*bytes == due)
        l->behind--;
    return 0;
}

static int lost(unsigned index, ssize_t n)
{
    return say(EXIT_WRONG, "the server ended the connection of member %u%s%s", index,
               n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
}

static int read_observed(struct load *l, unsigned index)
{
    for (;;) {
        ssize_t n = recv(l->member[index].fd, l->in, READ_SIZE, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0)
            return lost(index, n);
        int status = verify(l, index, l->in, (size_t)n);
        if (!status)
            status = count(l, index, (size_t)n);
        if (status || n < READ_SIZE) /* less than asked: there is no more, or it rings again */
            return status;
    }
}

static int discard(struct load *l, unsigned index)
{
    ssize_t n = recv(l->member[index].fd, NULL, DISCARD_MAX, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && errno == EAGAIN)
        return 0;
    return n > 0 ? count(l, index, (size_t)n) : lost(index, n);
}

/* Nothing is due to the sender: its messages are the others'. */
static int read_sender(struct load *l)
{
    ssize_t n = recv(l->sender, l->in, READ_SIZE - 1, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        return say(EXIT_WRONG, "the server ended the connection of the sender");
    l->in[n] = '\0';
    return say(EXIT_WRONG, "the server told the sender: %s", l->in);
}

static int handle(struct load *l, const struct epoll_event *e)
{
    unsigned index = e->data.u32;
    if (index > l->members) {
        target_drain(l->target);
        return 0;
    }
    if (index == l->members)
        return e->events & ~(uint32_t)EPOLLOUT ? read_sender(l) : 0;
    return l->member[index].observed ? read_observed(l, index) : discard(l, index);
}

static int collect(struct load *l, int wait_ms, int *count_out)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(l->epoll, events, EVENTS_MAX, wait_ms);
    int status = n < 0 ? say(EX_OSERR, "epoll_wait: %s", strerror(errno)) : 0;
    for (int i = 0; i < n && !status; i++)
        status = handle(l, &events[i]);
    *count_out = n;
    return status;
}

static int stuck(const struct load *l)
{
    return say(EXIT_WRONG,
               "nothing came for %d s: %llu of %llu messages sent, the observed have %llu, "
               "%u members lack some",
               PATIENCE_MS / 1000, (unsigned long long)l->sent, (unsigned long long)l->goal,
               (unsigned long long)done(l), l->behind);
}

int load_run(struct load *l, uint64_t messages, uint64_t *ns)
{
    uint64_t start = now_ns();
    int status = 0;
    l->goal += messages;
    l->behind = l->members;
    while (l->behind > 0 && !status) {
        int events;
        status = offer(l);
        if (!status)
            status = collect(l, PATIENCE_MS, &events);
        if (!status && events == 0)
            status = stuck(l);
    }
    *ns = now_ns() - start;
    return status;
}

int load_check(struct load *l)
{
    int events;
    int status;
    do
        status = collect(l, 0, &events);
    while (!status && events > 0);
    return status;
}

uint64_t load_received(const struct load *l)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < l->members; i++)
        sum += l->member[i].bytes;
    return sum;
}
