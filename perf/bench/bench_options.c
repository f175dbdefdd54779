/* See bench_options.h; README.md has the table of options. */
#include "bench_options.h"

#include "dial.h"
#include "driver.h"
#include "say.h"
#include "stamp.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_code {
    OPT_PROTOCOL = 256,
    OPT_ROOMS,
    OPT_MEMBERS,
    OPT_SENDERS,
    OPT_SIZE,
    OPT_WINDOW,
    OPT_RATE,
    OPT_MESSAGES,
    OPT_SECONDS,
    OPT_WARMUP,
    OPT_SLOW,
    OPT_CHURN,
    OPT_QUIET_ROOM,
    OPT_IDLE,
    OPT_STORM,
    OPT_PATIENCE,
    OPT_PARALLEL,
    OPT_BACKEND,
    OPT_FILTER,
    OPT_SERVER,
    OPT_SERVER_ARG,
    OPT_CONNECT,
    OPT_PID,
    OPT_PIN,
    OPT_NO_SYSCALLS,
    OPT_JSON,
    OPT_CSV,
    OPT_TAP,
    OPT_NO_PROGRESS,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"protocol", required_argument, NULL, OPT_PROTOCOL},
    {"rooms", required_argument, NULL, OPT_ROOMS},
    {"members", required_argument, NULL, OPT_MEMBERS},
    {"senders", required_argument, NULL, OPT_SENDERS},
    {"size", required_argument, NULL, OPT_SIZE},
    {"window", required_argument, NULL, OPT_WINDOW},
    {"rate", required_argument, NULL, OPT_RATE},
    {"messages", required_argument, NULL, OPT_MESSAGES},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"warmup", required_argument, NULL, OPT_WARMUP},
    {"slow", required_argument, NULL, OPT_SLOW},
    {"churn", required_argument, NULL, OPT_CHURN},
    {"quiet-room", optional_argument, NULL, OPT_QUIET_ROOM},
    {"idle", required_argument, NULL, OPT_IDLE},
    {"storm", required_argument, NULL, OPT_STORM},
    {"patience", required_argument, NULL, OPT_PATIENCE},
    {"parallel", required_argument, NULL, OPT_PARALLEL},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"filter", required_argument, NULL, OPT_FILTER},
    {"server", required_argument, NULL, OPT_SERVER},
    {"server-arg", required_argument, NULL, OPT_SERVER_ARG},
    {"connect", required_argument, NULL, OPT_CONNECT},
    {"pid", required_argument, NULL, OPT_PID},
    {"pin", required_argument, NULL, OPT_PIN},
    {"no-syscalls", no_argument, NULL, OPT_NO_SYSCALLS},
    {"json", no_argument, NULL, OPT_JSON},
    {"csv", no_argument, NULL, OPT_CSV},
    {"tap", no_argument, NULL, OPT_TAP},
    {"no-progress", no_argument, NULL, OPT_NO_PROGRESS},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static void usage(FILE *to)
{
    fputs("usage: chatroom_bench [OPTION...]                               a chatroom_server\n"
          "       chatroom_bench [OPTION...] -- COMMAND [ARG...]           another server\n"
          "       chatroom_bench [OPTION...] --connect ADDR:PORT [--pid P] one that runs\n"
          "load:   --rooms R --members M --senders S|all --size BYTES\n"
          "        --window W | --rate PER_SECOND, --messages N | --seconds T, --warmup N\n"
          "        --slow PERCENT --churn PER_SECOND --quiet-room[=PER_SECOND]\n"
          "        --idle N | --storm N, --parallel P, --patience MS\n"
          "server: --backend auto|epoll|uring --filter FILE --server PATH --server-arg ARG\n"
          "        --pin SERVER,LOAD|none --no-syscalls\n"
          "output: --json | --csv | --tap, --no-progress\n"
          "Protocols, --protocol NAME:\n",
          to);
    const struct driver *d;
    for (size_t i = 0; (d = driver_at(i)); i++)
        fprintf(to, "  %-5s %s\n", d->name, d->about);
    fputs("perf/README.md says what each of them means, and how to read the figures.\n", to);
}

static int read_count(const char *name, const char *text, uint64_t low, uint64_t high,
                      uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (errno || *end || text[0] < '0' || text[0] > '9' || *out < low || *out > high)
        return say(EX_USAGE, "%s takes a number from %llu to %llu, not \"%s\"", name,
                   (unsigned long long)low, (unsigned long long)high, text);
    return 0;
}

static int read_small(const char *name, const char *text, unsigned low, unsigned high,
                      unsigned *out)
{
    uint64_t value = low;
    int status = read_count(name, text, low, high, &value);
    *out = (unsigned)value;
    return status;
}

static int read_real(const char *name, const char *text, double low, double high, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (*end || text[0] < '0' || text[0] > '9' || !isfinite(*out) || *out < low || *out > high)
        return say(EX_USAGE, "%s takes a number from %g to %g, not \"%s\"", name, low, high, text);
    return 0;
}

static int read_protocol(struct options *o, const char *name)
{
    o->load.driver = driver_find(name);
    return o->load.driver ? 0 : say(EX_USAGE, "no protocol \"%s\"; --help lists them", name);
}

static int read_senders(struct workload *w, const char *text)
{
    w->all_talk = strcmp(text, "all") == 0;
    return w->all_talk ? 0 : read_small("--senders", text, 1, STAMP_SENDERS_MAX, &w->senders);
}

static int read_backend(struct options *o, const char *word)
{
    if (strcmp(word, "auto") != 0 && strcmp(word, "epoll") != 0 && strcmp(word, "uring") != 0)
        return say(EX_USAGE, "--backend takes auto, epoll or uring, not \"%s\"", word);
    o->backend = word;
    return 0;
}

static int read_server(struct options *o, const char *path)
{
    int n = snprintf(o->server, sizeof o->server, "%s", path);
    return (size_t)n < sizeof o->server ? 0 : say(EX_USAGE, "the server's path is too long");
}

static int append(const char *name, const char **list, size_t *count, const char *text)
{
    if (*count == OPTIONS_LIST_MAX)
        return say(EX_USAGE, "more than %d of %s", OPTIONS_LIST_MAX, name);
    list[(*count)++] = text;
    return 0;
}

static int read_connect(struct options *o, const char *text)
{
    if (!dial_parse(text, &o->connect))
        return say(EX_USAGE,
                   "--connect takes an IPv4 address and a port, 127.0.0.1:8888, not "
                   "\"%s\"",
                   text);
    return 0;
}

/* "SERVER,LOAD", two numbers of CPUs, or "none". */
static int read_pin(struct options *o, const char *text)
{
    char *comma;
    char *end = "";
    o->pin_given = true;
    o->pin = strcmp(text, "none") != 0;
    if (!o->pin)
        return 0;
    unsigned long server = strtoul(text, &comma, 10);
    unsigned long load = *comma == ',' ? strtoul(comma + 1, &end, 10) : CPU_SETSIZE;
    if (comma == text || end == comma + 1 || *end || server >= CPU_SETSIZE || load >= CPU_SETSIZE)
        return say(EX_USAGE, "--pin takes two numbers of CPUs, 0,1, or none, not \"%s\"", text);
    o->server_cpu = (int)server;
    o->load_cpu = (int)load;
    return 0;
}

static int read_shape(struct workload *w, enum shape shape, const char *name, const char *text)
{
    if (w->shape != SHAPE_LOAD)
        return say(EX_USAGE, "one of --idle and --storm at a time");
    w->shape = shape;
    return read_small(name, text, 1, 1000000, &w->connections);
}

static int read_load_option(struct workload *w, int code, const char *value)
{
    switch (code) {
    case OPT_ROOMS:
        return read_small("--rooms", value, 1, DRIVER_ROOMS_MAX - 1, &w->rooms);
    case OPT_MEMBERS:
        return read_small("--members", value, 1, 1000000, &w->members);
    case OPT_SENDERS:
        return read_senders(w, value);
    case OPT_SIZE:
        return read_small("--size", value, STAMP_SIZE, DRIVER_TEXT_MAX, &w->size);
    case OPT_WINDOW:
        return read_small("--window", value, 1, 100000, &w->window);
    case OPT_RATE:
        return read_real("--rate", value, 0.1, 1e8, &w->rate);
    case OPT_MESSAGES:
        return read_count("--messages", value, 1, STAMP_NUMBERS_MAX / 4, &w->messages);
    case OPT_SECONDS:
        return read_real("--seconds", value, 0.01, 3600, &w->seconds);
    case OPT_WARMUP:
        return read_count("--warmup", value, 1, STAMP_NUMBERS_MAX / 4, &w->warmup);
    case OPT_SLOW:
        return read_small("--slow", value, 0, 90, &w->slow);
    case OPT_CHURN:
        return read_real("--churn", value, 0.1, 1e5, &w->churn);
    case OPT_QUIET_ROOM:
        w->quiet_rate = 100;
        return value ? read_real("--quiet-room", value, 0.1, 1e5, &w->quiet_rate) : 0;
    case OPT_IDLE:
        return read_shape(w, SHAPE_IDLE, "--idle", value);
    case OPT_STORM:
        return read_shape(w, SHAPE_STORM, "--storm", value);
    case OPT_PATIENCE:
        return read_small("--patience", value, 1, 3600000, &w->patience_ms);
    default:
        return read_small("--parallel", value, 1, 10000, &w->parallel);
    }
}

static int read_server_option(struct options *o, int code, const char *value)
{
    unsigned pid = 0;
    int status;
    switch (code) {
    case OPT_BACKEND:
        return read_backend(o, value);
    case OPT_FILTER:
        return append("--filter", o->filters, &o->filter_count, value);
    case OPT_SERVER:
        return read_server(o, value);
    case OPT_SERVER_ARG:
        return append("--server-arg", o->args, &o->arg_count, value);
    case OPT_CONNECT:
        return read_connect(o, value);
    case OPT_PID:
        status = read_small("--pid", value, 1, INT32_MAX, &pid);
        o->pid = (pid_t)pid;
        return status;
    default:
        return read_pin(o, value);
    }
}

static int read_option(struct options *o, int code, const char *value, bool *exit_now)
{
    switch (code) {
    case OPT_PROTOCOL:
        return read_protocol(o, value);
    case OPT_NO_SYSCALLS:
        o->syscalls = false;
        return 0;
    case OPT_JSON:
        o->output = OUTPUT_JSON;
        return 0;
    case OPT_CSV:
        o->output = OUTPUT_CSV;
        return 0;
    case OPT_TAP:
        o->output = OUTPUT_TAP;
        return 0;
    case OPT_NO_PROGRESS:
        o->progress = false;
        return 0;
    case OPT_HELP:
        usage(stdout);
        *exit_now = true;
        return 0;
    default:
        if (code < OPT_PROTOCOL) { /* getopt has said what is wrong */
            usage(stderr);
            return EX_USAGE;
        }
        return code <= OPT_PARALLEL ? read_load_option(&o->load, code, value)
                                    : read_server_option(o, code, value);
    }
}

/* chatroom_server in the folder that this program stands in. */
static void default_server(struct options *o)
{
    static const char name[] = "chatroom_server";
    ssize_t n = readlink("/proc/self/exe", o->server, sizeof o->server - sizeof name);
    size_t end = n > 0 ? (size_t)n : 0;
    while (end > 0 && o->server[end - 1] != '/')
        end--;
    memcpy(o->server + end, name, sizeof name);
}

/* What was not said follows from what was: how long to measure, how much to warm up. */
static void complete(struct workload *w)
{
    if (w->all_talk)
        w->senders = w->members;
    if (w->window == 0 && w->rate == 0)
        w->window = 64;
    if (w->messages == 0 && w->seconds == 0 && w->rate > 0)
        w->seconds = 5;
    if (w->messages == 0 && w->seconds == 0)
        w->messages = 20000;
    if (w->warmup > 0)
        return;
    w->warmup = (w->messages ? w->messages : (uint64_t)(w->rate * w->seconds)) / 10;
    uint64_t windows = (uint64_t)2 * w->window * w->senders * w->rooms;
    if (w->warmup < windows)
        w->warmup = windows;
    if (w->warmup == 0)
        w->warmup = 1;
}

static int check_load(const struct workload *w)
{
    if (w->window > 0 && w->rate > 0)
        return say(EX_USAGE, "--window makes a closed loop, --rate an open one: take one");
    if (w->messages > 0 && w->seconds > 0)
        return say(EX_USAGE, "take one of --messages and --seconds");
    if (w->size > w->driver->text_max)
        return say(EX_USAGE, "%s takes texts of up to %u bytes", w->driver->name,
                   w->driver->text_max);
    if (w->all_talk && w->members < 2)
        return say(EX_USAGE, "with --senders all a room needs two members, to hear each other");
    if ((uint64_t)w->rooms * w->senders >= STAMP_SENDERS_MAX)
        return say(EX_USAGE, "more than %d senders", STAMP_SENDERS_MAX - 1);
    if ((uint64_t)w->rooms * (w->members + (uint64_t)w->senders) > 10000000)
        return say(EX_USAGE, "more than ten million connections");
    return 0;
}

static int check_server(const struct options *o)
{
    if (o->attach && o->connect.sin_port == 0)
        return say(EX_USAGE, "--pid needs --connect");
    if (o->pid && o->command)
        return say(EX_USAGE, "--pid is for a server that runs; this one is started");
    if (o->command && (o->filter_count || o->arg_count))
        return say(EX_USAGE, "--filter and --server-arg are for a chatroom_server; a COMMAND has "
                             "arguments of its own");
    return 0;
}

int options_read(struct options *o, int argc, char **argv, bool *exit_now)
{
    *o = (struct options){.backend = "auto", .pin = true, .syscalls = true, .progress = true};
    o->load = (struct workload){.driver = driver_find("line"),
                                .parallel = 64,
                                .patience_ms = 10000,
                                .rooms = 1,
                                .members = 1000,
                                .senders = 1,
                                .size = 64};
    *exit_now = false;
    default_server(o);
    int status = 0;
    int code;
    while (!status && !*exit_now && (code = getopt_long(argc, argv, "+", long_options, NULL)) != -1)
        status = read_option(o, code, optarg, exit_now);
    if (status || *exit_now)
        return status;
    if (optind < argc && strcmp(argv[optind - 1], "--") != 0)
        return say(EX_USAGE, "unexpected argument \"%s\"; a command stands behind --",
                   argv[optind]);
    o->command = optind < argc ? argv + optind : NULL;
    o->attach = !o->command && (o->connect.sin_port != 0 || o->pid != 0);
    complete(&o->load);
    status = check_load(&o->load);
    return status ? status : check_server(o);
}

unsigned options_connections(const struct options *o)
{
    const struct workload *w = &o->load;
    enum { SPARE = 64, QUIET = 2, VISITORS = 1000 };
    if (w->shape != SHAPE_LOAD)
        return w->connections + SPARE;
    unsigned members = w->rooms * (w->members + (w->all_talk ? 0 : w->senders));
    return members + SPARE + (w->quiet_rate > 0 ? QUIET : 0) + (w->churn > 0 ? VISITORS : 0);
}
