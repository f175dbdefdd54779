/*
 * Fan-out: what a delivery costs. The figures are taken around a run of load.c, while the server
 * sleeps, so that all it did for these messages is in them, and nothing else but two /stats.
 */
#include "dial.h"
#include "load.h"
#include "measure.h"
#include "say.h"

#include <stdio.h>
#include <time.h>

struct fanout_result {
    double deliveries;
    uint64_t server_ns;
    uint64_t load_ns;
    uint64_t wall_ns;
    uint64_t sends;
    int sends_known;
    uint64_t rss;
};

static uint64_t own_cpu(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The clocks and counters, taken while the server sleeps: `sign` -1 before, 1 after. */
static int take_figures(struct fanout_result *r, struct target *t, int control, uint64_t sign)
{
    uint64_t sends;
    uint64_t cpu;
    int status = dial_counter(control, "sends", &sends, &r->sends_known);
    if (!status)
        status = target_settle(t);
    if (!status)
        status = target_cpu(t, &cpu);
    if (status)
        return status;
    r->sends += sign * sends;
    r->server_ns += sign * cpu;
    r->load_ns += sign * own_cpu();
    return 0;
}

/* The first messages find cold caches and small socket buffers; they are verified, not measured. */
static uint64_t warm_up(const struct settings *s)
{
    unsigned tenth = s->messages / 10;
    return tenth > 2 * s->window ? tenth : 2 * s->window;
}

static int drive(const struct settings *s, struct target *t, int control, struct load *l,
                 struct fanout_result *r)
{
    uint64_t unused;
    int status = load_run(l, warm_up(s), &unused);
    if (!status)
        status = take_figures(r, t, control, (uint64_t)-1);
    uint64_t before = load_received(l);
    if (!status)
        status = load_run(l, s->messages, &r->wall_ns);
    if (!status)
        status = take_figures(r, t, control, 1);
    if (!status)
        status = load_check(l);
    if (!status)
        status = target_rss(t, &r->rss);
    if (!status && load_received(l) == before)
        status = say(EXIT_WRONG, "nothing was delivered");
    r->deliveries = (double)s->messages * s->members;
    return status;
}

static void print_fanout(const struct settings *s, const struct fanout_result *r)
{
    double seconds = (double)r->wall_ns / 1e9;
    printf("%s: %u members, window %u, %u messages of %u bytes\n", s->backend, s->members,
           s->window, s->messages, s->size);
    printf("  server CPU per delivery  %.1f ns\n", (double)r->server_ns / r->deliveries);
    printf("  deliveries               %.0f in %.2f s, %.0f/s, all verified\n", r->deliveries,
           seconds, r->deliveries / seconds);
    if (r->sends_known && r->sends > 0)
        printf("  sends per delivery       %.4f (%.1f messages a send)\n",
               (double)r->sends / r->deliveries, r->deliveries / (double)r->sends);
    printf("  server RSS               %llu KiB\n", (unsigned long long)r->rss / 1024);
    printf("  busy                     server %.0f %%, load %.0f %%, %s\n",
           (double)r->server_ns * 100 / (double)r->wall_ns,
           (double)r->load_ns * 100 / (double)r->wall_ns,
           s->pinned ? "pinned to a CPU each" : "not pinned: one CPU");
}

static void print_fanout_json(const struct settings *s, const struct fanout_result *r)
{
    printf("{\"backend\":\"%s\",\"members\":%u,\"window\":%u,\"messages\":%u,\"size\":%u,"
           "\"pinned\":%s,\"deliveries\":%.0f,\"server_ns\":%llu,\"load_ns\":%llu,"
           "\"wall_ns\":%llu,\"ns_per_delivery\":%.2f,\"deliveries_per_s\":%.0f,",
           s->backend, s->members, s->window, s->messages, s->size, s->pinned ? "true" : "false",
           r->deliveries, (unsigned long long)r->server_ns, (unsigned long long)r->load_ns,
           (unsigned long long)r->wall_ns, (double)r->server_ns / r->deliveries,
           r->deliveries * 1e9 / (double)r->wall_ns);
    if (r->sends_known)
        printf("\"sends\":%llu,\"sends_per_delivery\":%.5f,", (unsigned long long)r->sends,
               (double)r->sends / r->deliveries);
    printf("\"rss\":%llu}\n", (unsigned long long)r->rss);
}

int measure_fanout(const struct settings *s, struct target *t, int control)
{
    struct load_options options = {.members = s->members, .window = s->window, .size = s->size};
    struct fanout_result r = {0};
    struct load *l = NULL;
    int status = load_open(&l, &options, t);
    if (!status)
        status = drive(s, t, control, l, &r);
    load_free(l);
    if (status || s->tap)
        return status;
    (s->json ? print_fanout_json : print_fanout)(s, &r);
    return 0;
}
