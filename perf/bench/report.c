/* The result for programs, see report.h. */
#include "report.h"

#include "driver.h"
#include "fields.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FORMAT 1

/* Texts that the fields borrow. */
struct texts {
    struct utsname system;
    char cpu_model[128];
    char command[COMMAND_TEXT_MAX];
};

static const char *shape_name(enum shape shape)
{
    static const char *const names[] = {
        [SHAPE_LOAD] = "load", [SHAPE_IDLE] = "idle", [SHAPE_STORM] = "storm"};
    return names[shape];
}

/* Its arguments with a blank between. */
static const char *command_text(const struct command *c, char *text, size_t size)
{
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < c->argc && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%s", i ? " " : "", c->argv[i]);
    return text;
}

static const char *cpu_model(char *text, size_t size)
{
    char line[256];
    const char *model = NULL;
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && !model && fgets(line, sizeof line, file))
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':'))
            model = strchr(line, ':') + 2;
    if (file)
        fclose(file);
    if (!model)
        return NULL;
    snprintf(text, size, "%.*s", (int)strcspn(model, "\n"), model);
    return text;
}

static void add_server(struct fields *f, const struct run *run, struct texts *texts)
{
    const struct command *c = run->command;
    f->object = "server";
    fields_text(f, "command", c ? command_text(c, texts->command, sizeof texts->command) : NULL);
    fields_text(f, "backend", c && !run->options->command ? run->options->backend : NULL);
    fields_count(f, "pid", run->pid != 0, (uint64_t)run->pid);
    fields_count(f, "cpu", run->server_cpu >= 0, (uint64_t)run->server_cpu);
}

static void add_machine(struct fields *f, const struct run *run, struct texts *texts)
{
    bool known = uname(&texts->system) == 0;
    f->object = "machine";
    fields_text(f, "kernel", known ? texts->system.release : NULL);
    fields_text(f, "cpu_model", cpu_model(texts->cpu_model, sizeof texts->cpu_model));
    fields_count(f, "cpus", true, (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
    fields_count(f, "load_cpu", run->load_cpu >= 0, (uint64_t)run->load_cpu);
}

static void add_workload(struct fields *f, const struct workload *w)
{
    bool load = w->shape == SHAPE_LOAD;
    f->object = "workload";
    fields_count(f, "rooms", true, w->rooms);
    fields_count(f, "members", load, w->members);
    fields_count(f, "senders", load, w->senders);
    fields_bool(f, "all_talk", w->all_talk);
    fields_text(f, "loop", !load ? NULL : w->rate > 0 ? "open" : "closed");
    fields_count(f, "window", load && w->window > 0, w->window);
    fields_real(f, "rate", load && w->rate > 0, w->rate);
    fields_count(f, "size", load, w->size);
    fields_count(f, "messages", load && w->messages > 0, w->messages);
    fields_real(f, "seconds", load && w->seconds > 0, w->seconds);
    fields_count(f, "warmup", load, w->warmup);
    fields_count(f, "slow_percent", load, w->slow);
    fields_real(f, "churn_per_s", load, w->churn);
    fields_real(f, "quiet_per_s", load, w->quiet_rate);
    fields_count(f, "connections", !load, w->connections);
    fields_count(f, "parallel", true, w->parallel);
}

static void add_latency(struct fields *f, const char *object, const char *from,
                        const struct latency *l)
{
    bool known = l->count > 0;
    f->object = object;
    fields_text(f, "from", from);
    fields_count(f, "count", true, l->count);
    fields_count(f, "p50", known, latency_percentile(l, 50));
    fields_count(f, "p90", known, latency_percentile(l, 90));
    fields_count(f, "p99", known, latency_percentile(l, 99));
    fields_count(f, "p999", known, latency_percentile(l, 99.9));
    fields_count(f, "max", known, l->max);
}

/* How busy both sides were in `ns`, and the memory in the end. */
static void add_usage(struct fields *f, const struct usage *u, uint64_t ns)
{
    fields_count(f, "load_cpu_ns", true, u->load_cpu_ns);
    fields_real(f, "server_busy", u->known, (double)u->cpu_ns / (double)ns);
    fields_real(f, "load_busy", true, (double)u->load_cpu_ns / (double)ns);
    fields_count(f, "rss", u->known, u->rss);
    fields_count(f, "rss_peak", u->known, u->rss_peak);
}

static void add_load(struct fields *f, const struct workload *w, const struct load_result *r)
{
    const struct stretch *s = &r->stretch;
    const struct usage *u = &r->usage;
    double seconds = (double)s->ns / 1e9;
    f->object = "result";
    fields_count(f, "messages", true, s->sent);
    fields_count(f, "deliveries", true, s->deliveries);
    fields_count(f, "read", true, s->read);
    fields_count(f, "receivers", true, r->receivers);
    fields_count(f, "slow_members", true, r->slow);
    fields_count(f, "wall_ns", true, s->ns);
    fields_real(f, "messages_per_s", true, (double)s->sent / seconds);
    fields_real(f, "deliveries_per_s", true, (double)s->deliveries / seconds);
    fields_count(f, "cpu_ns", u->known, u->cpu_ns);
    fields_real(f, "cpu_ns_per_delivery", u->known, (double)u->cpu_ns / (double)s->deliveries);
    fields_real(f, "cpu_ns_per_message", u->known, (double)u->cpu_ns / (double)s->sent);
    add_usage(f, u, s->ns);
    fields_real(f, "syscalls_per_delivery", r->syscalls_known, r->syscalls_per_delivery);
    fields_real(f, "syscalls_per_message", r->syscalls_known, r->syscalls_per_message);
    fields_count(f, "visits", w->churn > 0, s->visits);
    fields_count(f, "visits_late", w->churn > 0, s->visits_late);
    add_latency(f, "latency", w->rate > 0 ? "intended" : "send", &s->latency);
    add_latency(f, "quiet", w->quiet_rate > 0 ? "intended" : NULL, &s->quiet);
}

static void add_idle(struct fields *f, const struct workload *w, const struct idle_result *r)
{
    bool kernel = r->kernel_source != NULL;
    double count = w->connections;
    f->object = "result";
    fields_count(f, "connections", true, w->connections);
    fields_count(f, "rss_before", r->known, r->rss_before);
    fields_count(f, "rss_after", r->known, r->rss_after);
    fields_real(f, "rss_per_connection", r->known,
                ((double)r->rss_after - (double)r->rss_before) / count);
    fields_count(f, "kernel_before", kernel, r->kernel_before);
    fields_count(f, "kernel_after", kernel, r->kernel_after);
    fields_real(f, "kernel_per_connection", kernel,
                ((double)r->kernel_after - (double)r->kernel_before) / count);
    fields_text(f, "kernel_source", r->kernel_source);
}

static void add_storm(struct fields *f, const struct workload *w, const struct storm_result *r)
{
    const struct usage *u = &r->usage;
    f->object = "result";
    fields_count(f, "connections", true, w->connections);
    fields_count(f, "wall_ns", true, r->ns);
    fields_real(f, "connections_per_s", true, w->connections * 1e9 / (double)r->ns);
    fields_count(f, "cpu_ns", u->known, u->cpu_ns);
    fields_real(f, "cpu_ns_per_connection", u->known, (double)u->cpu_ns / w->connections);
    add_usage(f, u, r->ns);
    add_latency(f, "latency", "connect", &r->latency);
}

static void collect(struct fields *f, const struct run *run, struct texts *texts)
{
    const struct workload *w = &run->options->load;
    fields_count(f, "format", true, FORMAT);
    fields_text(f, "shape", shape_name(w->shape));
    fields_text(f, "protocol", w->driver->name);
    fields_bool(f, "ok", run->status == 0);
    add_server(f, run, texts);
    add_machine(f, run, texts);
    add_workload(f, w);
    if (run->status)
        return;
    if (w->shape == SHAPE_LOAD)
        add_load(f, w, &run->result.load);
    else if (w->shape == SHAPE_IDLE)
        add_idle(f, w, &run->result.idle);
    else
        add_storm(f, w, &run->result.storm);
}

static void report_fields(const struct run *run, FILE *to)
{
    struct fields *f = calloc(1, sizeof *f);
    struct texts *texts = calloc(1, sizeof *texts);
    if (f && texts) {
        collect(f, run, texts);
        if (run->options->output == OUTPUT_JSON)
            fields_print_json(f, to);
        else
            fields_print_csv(f, to);
    }
    free(f);
    free(texts);
}

void report(const struct run *run, FILE *to)
{
    switch (run->options->output) {
    case OUTPUT_TABLE:
        if (run->status == 0)
            report_table(run, to);
        break;
    case OUTPUT_TAP:
        report_tap(run, to);
        break;
    case OUTPUT_JSON:
    case OUTPUT_CSV:
        report_fields(run, to);
        break;
    }
}
