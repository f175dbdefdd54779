/*
 * Idle: what a silent connection costs the server in user space. A difference of its resident
 * memory over many connections; the kernel's socket memory is not in it.
 */
#include "dial.h"
#include "measure.h"
#include "say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct idle_result {
    uint64_t before;
    uint64_t after;
};

static int rss_at_rest(struct target *t, int control, uint64_t *rss)
{
    int status = dial_ping(control);
    if (!status)
        status = target_settle(t);
    return status ? status : target_rss(t, rss);
}

/* Waits for the server's own count of its clients. */
static int wait_clients(int control, uint64_t wanted)
{
    uint64_t last = UINT64_MAX;
    for (int tries = 0; tries < 1000; tries++) {
        int found;
        int status = dial_counter(control, "clients", &last, &found);
        if (status)
            return status;
        if (!found)
            return say(EXIT_WRONG, "the server's counters tell no \"clients\"");
        if (last == wanted)
            return 0;
    }
    return say(EXIT_WRONG, "the server counts %llu clients, not %llu", (unsigned long long)last,
               (unsigned long long)wanted);
}

/* An idle connection is open and was told nothing after its welcome. */
static int check_idle(const int *fds, unsigned count)
{
    char byte;
    for (unsigned i = 0; i < count; i++)
        if (recv(fds[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK) != -1 || errno != EAGAIN)
            return say(EXIT_WRONG, "idle client %u was told something, or cut off", i);
    return 0;
}

static int enter_idle(const struct settings *s, struct target *t, int *fds, unsigned *count)
{
    uint64_t id;
    int status = 0;
    for (*count = 0; *count < s->idle && !status; *count += !status) {
        status = dial_enter(t->port, &fds[*count], &id);
        target_drain(t);
    }
    return status;
}

static int fill(const struct settings *s, struct target *t, int control, int *fds, unsigned *count,
                struct idle_result *r)
{
    int status = rss_at_rest(t, control, &r->before);
    if (!status)
        status = enter_idle(s, t, fds, count);
    if (!status)
        status = wait_clients(control, s->idle + 1);
    if (!status)
        status = rss_at_rest(t, control, &r->after);
    return status ? status : check_idle(fds, *count);
}

static void print_idle(const struct settings *s, const struct idle_result *r)
{
    double each = ((double)r->after - (double)r->before) / s->idle;
    if (s->json)
        printf("{\"backend\":\"%s\",\"idle\":%u,\"rss_before\":%llu,\"rss_after\":%llu,"
               "\"bytes_per_connection\":%.1f}\n",
               s->backend, s->idle, (unsigned long long)r->before, (unsigned long long)r->after,
               each);
    else
        printf("%s: %u idle connections\n"
               "  server RSS               %llu KiB before, %llu KiB after\n"
               "  per connection           %.1f bytes (user space)\n",
               s->backend, s->idle, (unsigned long long)r->before / 1024,
               (unsigned long long)r->after / 1024, each);
}

int measure_idle(const struct settings *s, struct target *t, int control)
{
    struct idle_result r;
    unsigned count = 0;
    int *fds = calloc(s->idle, sizeof *fds);
    if (!fds)
        return say(EX_OSERR, "out of memory");
    int status = fill(s, t, control, fds, &count, &r);
    while (count > 0)
        close(fds[--count]);
    free(fds);
    if (!status && !s->tap)
        print_idle(s, &r);
    return status;
}
