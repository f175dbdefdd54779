/* Connections that only come, see shape.h: what memory they take, and how fast they are in. */
#include "clocks.h"
#include "crowd.h"
#include "say.h"
#include "shape.h"
#include "slab.h"
#include "usage.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* A crowd spread over the rooms, and the one who came first, which makes the server touch what it
 * touches only once. */
struct company {
    struct crowd crowd;
    unsigned count;
    struct guest *guests; /* count + 1 */
    int *fds;             /* count + 1 */
};

static int company_open(struct company *c, const struct workload *w, const struct target *t)
{
    *c = (struct company){.count = w->connections};
    c->crowd = (struct crowd){.driver = w->driver,
                              .server = &t->address,
                              .parallel = w->parallel,
                              .patience_ms = w->patience_ms,
                              .progress = w->progress};
    c->guests = calloc(c->count + 1, sizeof *c->guests);
    c->fds = calloc(c->count + 1, sizeof *c->fds);
    if (!c->guests || !c->fds)
        return say(EX_OSERR, "out of memory");
    for (unsigned i = 0; i <= c->count; i++) {
        c->fds[i] = -1;
        c->guests[i] = (struct guest){.id = i, .room = i % w->rooms, .listens = true};
    }
    int status = crowd_enter(&c->crowd, &c->guests[c->count], &c->fds[c->count], 1);
    return status ? status : crowd_settle(&c->crowd, &c->fds[c->count], 1);
}

static void company_close(struct company *c)
{
    if (c->fds)
        crowd_close(c->fds, c->count + 1);
    free(c->guests);
    free(c->fds);
}

/* There is nothing to read, or a ping that the server may send. */
static bool is_silent(const struct driver *driver, int fd)
{
    char bytes[64];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK);
    return n < 0 ? errno == EAGAIN : n > 0 && (size_t)n == driver->keepalive;
}

/* All are there, and have heard everything. */
static int company_check(const struct company *c)
{
    int status = crowd_settle(&c->crowd, c->fds, c->count + 1);
    for (unsigned i = 0; i < c->count && !status; i++)
        if (!is_silent(c->crowd.driver, c->fds[i]))
            status = say(EXIT_WRONG, "connection %u was told something, or cut off", i);
    return status;
}

static int memory_at_rest(const struct target *t, uint64_t *rss, uint64_t *kernel,
                          const char **source)
{
    int status = 0;
    if (t->pid)
        status = target_settle(t);
    if (t->pid && !status)
        status = target_rss(t, rss);
    *source = slab_bytes(kernel);
    return status;
}

static int measure_idle(struct company *c, const struct target *t, struct idle_result *r)
{
    r->known = t->pid != 0;
    int status = memory_at_rest(t, &r->rss_before, &r->kernel_before, &r->kernel_source);
    if (!status)
        status = crowd_enter(&c->crowd, c->guests, c->fds, c->count);
    if (!status)
        status = company_check(c);
    if (!status)
        status = memory_at_rest(t, &r->rss_after, &r->kernel_after, &r->kernel_source);
    return status;
}

int shape_idle(const struct workload *w, const struct target *t, struct idle_result *r)
{
    struct company c;
    int status = company_open(&c, w, t);
    if (!status)
        status = measure_idle(&c, t, r);
    company_close(&c);
    return status;
}

static int measure_storm(struct company *c, const struct target *t, struct storm_result *r)
{
    c->crowd.latency = &r->latency;
    int status = usage_begin(&r->usage, t);
    uint64_t start = now_ns();
    if (!status)
        status = crowd_enter(&c->crowd, c->guests, c->fds, c->count);
    r->ns = now_ns() - start;
    if (!status)
        status = usage_end(&r->usage, t);
    return status ? status : company_check(c);
}

int shape_storm(const struct workload *w, const struct target *t, struct storm_result *r)
{
    struct company c;
    int status = company_open(&c, w, t);
    if (!status)
        status = measure_storm(&c, t, r);
    company_close(&c);
    return status;
}
