/* The result for people, and for test harnesses. See report.h. */
#include "driver.h"
#include "report.h"

#include <string.h>
#include <sysexits.h>

#define ROW "  %-24s "

/* A duration in the unit that suits it. */
static const char *duration(uint64_t ns, char text[32])
{
    if (ns < 10000)
        snprintf(text, 32, "%llu ns", (unsigned long long)ns);
    else if (ns < 10000000)
        snprintf(text, 32, "%.1f us", (double)ns / 1e3);
    else
        snprintf(text, 32, "%.1f ms", (double)ns / 1e6);
    return text;
}

static void print_latency(FILE *to, const char *what, const char *from, const struct latency *l)
{
    static const struct {
        const char *name;
        double percent;
    } points[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}};
    char text[32];
    if (l->count == 0)
        return;
    fprintf(to, ROW, what);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        fprintf(to, "%s%s %s", i ? ", " : "", points[i].name,
                duration(latency_percentile(l, points[i].percent), text));
    fprintf(to, " (%s, %llu)\n", from, (unsigned long long)l->count);
}

static void print_usage(FILE *to, const struct run *run, const struct usage *u, uint64_t ns)
{
    if (u->known)
        fprintf(to, ROW "%llu KiB, at most %llu KiB\n", "server RSS",
                (unsigned long long)u->rss / 1024, (unsigned long long)u->rss_peak / 1024);
    fprintf(to, ROW, "busy");
    if (u->known)
        fprintf(to, "server %.0f %%, ", (double)u->cpu_ns * 100 / (double)ns);
    fprintf(to, "load %.0f %%", (double)u->load_cpu_ns * 100 / (double)ns);
    if (run->server_cpu >= 0)
        fprintf(to, ", pinned to CPU %d and %d\n", run->server_cpu, run->load_cpu);
    else
        fprintf(to, ", not pinned\n");
}

static void print_loop(FILE *to, const struct workload *w)
{
    if (w->rate > 0)
        fprintf(to, "%g messages/s", w->rate);
    else
        fprintf(to, "window %u", w->window);
}

static void print_load_head(FILE *to, const struct run *run)
{
    const struct workload *w = &run->options->load;
    const struct load_result *r = &run->result.load;
    fprintf(to, "%s: %u room%s of %u members, ", w->driver->name, w->rooms, w->rooms > 1 ? "s" : "",
            w->members);
    if (w->all_talk)
        fprintf(to, "all of them talking, ");
    else
        fprintf(to, "%u sender%s each, ", w->senders, w->senders > 1 ? "s" : "");
    print_loop(to, w);
    fprintf(to, ", %llu messages of %u bytes\n", (unsigned long long)r->stretch.sent, w->size);
}

static void print_load(FILE *to, const struct run *run)
{
    const struct workload *w = &run->options->load;
    const struct load_result *r = &run->result.load;
    const struct stretch *s = &r->stretch;
    double seconds = (double)s->ns / 1e9;
    print_load_head(to, run);
    if (r->usage.known)
        fprintf(to, ROW "%.1f ns\n", "server CPU per delivery",
                (double)r->usage.cpu_ns / (double)s->deliveries);
    fprintf(to, ROW "%llu in %.2f s, %.0f/s, all verified, %llu of them in full\n", "deliveries",
            (unsigned long long)s->deliveries, seconds, (double)s->deliveries / seconds,
            (unsigned long long)s->read);
    print_latency(to, "latency", w->rate > 0 ? "from when it was due" : "from its send",
                  &s->latency);
    print_latency(to, "in the quiet room", "from when it was due", &s->quiet);
    if (r->syscalls_known)
        fprintf(to, ROW "%.4f (%.1f a message)\n", "system calls a delivery",
                r->syscalls_per_delivery, r->syscalls_per_message);
    else
        fprintf(to, ROW "not counted\n", "system calls a delivery");
    if (r->slow)
        fprintf(to, ROW "%u, beside %u receivers\n", "members that do not read", r->slow,
                r->receivers);
    if (w->churn > 0)
        fprintf(to, ROW "%llu, %llu late\n", "visits", (unsigned long long)s->visits,
                (unsigned long long)s->visits_late);
    print_usage(to, run, &r->usage, s->ns);
}

static void print_idle(FILE *to, const struct run *run)
{
    const struct workload *w = &run->options->load;
    const struct idle_result *r = &run->result.idle;
    double count = w->connections;
    fprintf(to, "%s: %u idle connections\n", w->driver->name, w->connections);
    if (r->known)
        fprintf(to, ROW "%llu KiB before, %llu KiB after: %.1f bytes a connection\n", "server RSS",
                (unsigned long long)r->rss_before / 1024, (unsigned long long)r->rss_after / 1024,
                ((double)r->rss_after - (double)r->rss_before) / count);
    if (r->kernel_source)
        fprintf(to, ROW "%.0f bytes a connection, both ends (%s)\n", "kernel slab",
                ((double)r->kernel_after - (double)r->kernel_before) / count, r->kernel_source);
}

static void print_storm(FILE *to, const struct run *run)
{
    const struct workload *w = &run->options->load;
    const struct storm_result *r = &run->result.storm;
    fprintf(to, "%s: %u connections, %u at a time\n", w->driver->name, w->connections, w->parallel);
    fprintf(to, ROW "%.2f s, %.0f/s\n", "all in after", (double)r->ns / 1e9,
            w->connections * 1e9 / (double)r->ns);
    if (r->usage.known)
        fprintf(to, ROW "%.1f us\n", "server CPU for one",
                (double)r->usage.cpu_ns / 1e3 / w->connections);
    print_latency(to, "latency", "from connect", &r->latency);
    print_usage(to, run, &r->usage, r->ns);
}

void report_table(const struct run *run, FILE *to)
{
    switch (run->options->load.shape) {
    case SHAPE_LOAD:
        print_load(to, run);
        break;
    case SHAPE_IDLE:
        print_idle(to, run);
        break;
    case SHAPE_STORM:
        print_storm(to, run);
        break;
    }
}

bool report_is_skip(const struct run *run)
{
    const struct options *o = run->options;
    return run->status == EX_UNAVAILABLE && !o->command && strcmp(o->backend, "uring") == 0;
}

void report_tap(const struct run *run, FILE *to)
{
    const struct workload *w = &run->options->load;
    bool skip = report_is_skip(run);
    fprintf(to, "1..1\n%s 1 - %s: ", run->status && !skip ? "not ok" : "ok", w->driver->name);
    if (w->shape == SHAPE_LOAD)
        fprintf(to, "every message reaches every receiver, in order and whole");
    else
        fprintf(to, "%u connections come and stay", w->connections);
    fputs(skip ? " # SKIP the server cannot use io_uring here\n" : "\n", to);
}
