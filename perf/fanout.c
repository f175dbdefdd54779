/*
 * chatroom_fanout: what a delivery costs the server, and what an idle connection costs it.
 * Starts a server of its own, drives it, and fails unless every receiver got every byte.
 * README.md says how to read the figures. Here: the command line, the CPUs, the verdict.
 */
#include "dial.h"
#include "load.h"
#include "measure.h"
#include "say.h"
#include "target.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPARE_DESCRIPTORS 16 /* of this program, beside its connections */
#define SPARE_CLIENTS     4  /* sender and control */
#define EXIT_SKIPPED      77 /* to ctest, as in automake */

struct cpus {
    int server; /* negative: not pinned */
    int load;
};

int say(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("chatroom_fanout: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return status;
}

/* Two CPUs, if there are two: the server on the first, this program on the second. */
static struct cpus pin(void)
{
    cpu_set_t allowed;
    cpu_set_t mine;
    struct cpus c = {-1, -1};
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        return c;
    for (int i = 0; i < CPU_SETSIZE && c.load < 0; i++) {
        if (!CPU_ISSET((size_t)i, &allowed))
            continue;
        *(c.server < 0 ? &c.server : &c.load) = i;
    }
    if (c.load < 0)
        return (struct cpus){-1, -1};
    CPU_ZERO(&mine);
    CPU_SET((size_t)c.load, &mine);
    sched_setaffinity(0, sizeof mine, &mine);
    return c;
}

static void usage(FILE *to)
{
    fputs("usage: chatroom_fanout [--server PATH] [--backend auto|epoll|uring] [--members N]\n"
          "         [--window W] [--messages M] [--size BYTES] [--json | --tap]\n"
          "       chatroom_fanout --idle N [--server PATH] [--backend ...] [--json | --tap]\n"
          "Starts a chatroom_server and measures what a delivery, or with --idle what a silent\n"
          "connection, costs it. Defaults: the server beside this program, auto, 1000 members,\n"
          "window 64, 20000 messages of 64 bytes.\n",
          to);
}

static int parse_count(const char *option, const char *text, unsigned low, unsigned high,
                       unsigned *out)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || text[0] < '0' || text[0] > '9' || value < low || value > high)
        return say(EX_USAGE, "--%s takes a number from %u to %u, not \"%s\"", option, low, high,
                   text);
    *out = (unsigned)value;
    return 0;
}

static int parse_backend(struct settings *s, const char *word)
{
    if (strcmp(word, "auto") != 0 && strcmp(word, "epoll") != 0 && strcmp(word, "uring") != 0)
        return say(EX_USAGE, "--backend takes auto, epoll or uring, not \"%s\"", word);
    s->backend = word;
    return 0;
}

static int parse_server(struct settings *s, const char *path)
{
    int n = snprintf(s->server, sizeof s->server, "%s", path);
    return (size_t)n < sizeof s->server ? 0 : say(EX_USAGE, "the server's path is too long");
}

/* chatroom_server in the folder that this program stands in. */
static void default_server(struct settings *s)
{
    static const char name[] = "chatroom_server";
    ssize_t n = readlink("/proc/self/exe", s->server, sizeof s->server - sizeof name);
    size_t end = n > 0 ? (size_t)n : 0;
    while (end > 0 && s->server[end - 1] != '/')
        end--;
    memcpy(s->server + end, name, sizeof name);
}

static int parse_option(struct settings *s, int option, const char *value)
{
    switch (option) {
    case 's':
        return parse_server(s, value);
    case 'b':
        return parse_backend(s, value);
    case 'n':
        return parse_count("members", value, 1, 1000000, &s->members);
    case 'w':
        return parse_count("window", value, 1, 100000, &s->window);
    case 'm':
        return parse_count("messages", value, 1, 1000000000, &s->messages);
    case 'z':
        return parse_count("size", value, LOAD_SIZE_MIN, LOAD_SIZE_MAX, &s->size);
    case 'i':
        return parse_count("idle", value, 1, 1000000, &s->idle);
    case 'j':
        s->json = true;
        return 0;
    case 't':
        s->tap = true;
        return 0;
    case 'h':
        usage(stdout);
        exit(0);
    default:
        usage(stderr);
        return EX_USAGE;
    }
}

static int parse(struct settings *s, int argc, char **argv)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, 's'},
        {"backend", required_argument, NULL, 'b'},
        {"members", required_argument, NULL, 'n'},
        {"window", required_argument, NULL, 'w'},
        {"messages", required_argument, NULL, 'm'},
        {"size", required_argument, NULL, 'z'},
        {"idle", required_argument, NULL, 'i'},
        {"json", no_argument, NULL, 'j'},
        {"tap", no_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int status = 0;
    int option;
    while (!status && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
        status = parse_option(s, option, optarg);
    if (!status && optind < argc)
        status = say(EX_USAGE, "unexpected argument \"%s\"", argv[optind]);
    return status;
}

static int run(struct settings *s)
{
    unsigned clients = (s->idle ? s->idle : s->members) + SPARE_CLIENTS;
    struct cpus cpus = pin();
    struct target_options options = {
        .path = s->server, .backend = s->backend, .clients = clients, .cpu = cpus.server};
    struct target t;
    int control;
    s->pinned = cpus.server >= 0;
    int status = dial_limit(clients + SPARE_DESCRIPTORS);
    if (!status)
        status = target_start(&t, &options);
    if (status)
        return status;
    status = dial_control(t.port, &control);
    if (!status) {
        status = s->idle ? measure_idle(s, &t, control) : measure_fanout(s, &t, control);
        close(control);
    }
    int end = target_stop(&t);
    return end ? end : status;
}

/* Test Anything Protocol: a backend that this machine does not have is a skipped test. */
static int report_tap(const struct settings *s, int status)
{
    bool skip = status == EX_UNAVAILABLE && strcmp(s->backend, "uring") == 0;
    printf("1..1\n%s 1 - ", status && !skip ? "not ok" : "ok");
    if (s->idle)
        printf("%s: %u idle clients stay", s->backend, s->idle);
    else
        printf("%s: %u messages reach %u members, every byte", s->backend, s->messages, s->members);
    puts(skip ? " # SKIP the server cannot use io_uring here" : "");
    return skip ? EXIT_SKIPPED : status;
}

int main(int argc, char **argv)
{
    struct settings s = {
        .backend = "auto", .members = 1000, .window = 64, .messages = 20000, .size = 64};
    default_server(&s);
    int status = parse(&s, argc, argv);
    if (status)
        return status;
    status = run(&s);
    return s.tap ? report_tap(&s, status) : status;
}
