/*
 * chatroom_bench: loads a chat hub, or any server that has rooms and speaks one of the protocols,
 * and says what that cost it. Fails unless every receiver got every message. README.md says how to
 * read the figures. Here: the CPUs, the server, the verdict.
 */
#include "bench_options.h"
#include "command.h"
#include "dial.h"
#include "progress.h"
#include "report.h"
#include "say.h"
#include "shape.h"
#include "target.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define EXIT_SKIPPED 77 /* to ctest, as in automake */

/* Two CPUs, if there are two and none were named: the server on the first, the load on the second.
 */
static void choose_cpus(struct options *o)
{
    cpu_set_t allowed;
    int found[2] = {-1, -1};
    if (!o->pin || o->pin_given)
        return;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        CPU_ZERO(&allowed);
    for (int i = 0; i < CPU_SETSIZE && found[1] < 0; i++)
        if (CPU_ISSET((size_t)i, &allowed))
            found[found[0] < 0 ? 0 : 1] = i;
    o->pin = found[1] >= 0;
    o->server_cpu = found[0];
    o->load_cpu = found[1];
}

static int pin_to(pid_t pid, int cpu, const char *what)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(pid, sizeof set, &set) < 0)
        return say(EX_USAGE, "cannot run the %s on CPU %d", what, cpu);
    return 0;
}

static int measure(const struct options *o, const struct target *t, struct run *run)
{
    switch (o->load.shape) {
    case SHAPE_LOAD:
        return shape_load(&o->load, t, o->syscalls, &run->result.load);
    case SHAPE_IDLE:
        return shape_idle(&o->load, t, &run->result.idle);
    case SHAPE_STORM:
        return shape_storm(&o->load, t, &run->result.storm);
    }
    return EX_USAGE;
}

/* A server that runs already stays where it is, unless the CPUs were named. */
static int attach(const struct options *o, struct target *t, struct run *run)
{
    int status = target_attach(t, &o->connect, o->pid);
    if (!status && o->pin && o->pin_given && o->pid)
        status = pin_to(o->pid, o->server_cpu, "server");
    else
        run->server_cpu = -1;
    return status;
}

/* The command's {port} says where it will listen, or --connect; of our own server, its log. */
static int start(const struct options *o, struct target *t, struct run *run,
                 struct command *command)
{
    int status = command_make(command, o);
    if (status)
        return status;
    struct target_options options = {.command = command->argv,
                                     .listen = o->connect,
                                     .cpu = run->server_cpu,
                                     .strict = o->command == NULL};
    if (command->port) {
        options.listen = (struct sockaddr_in){.sin_family = AF_INET,
                                              .sin_port = htons(command->port),
                                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    }
    run->command = command;
    return target_start(t, &options);
}

static int run_all(struct options *o, struct run *run, struct command *command)
{
    struct target t;
    struct progress progress;
    choose_cpus(o);
    run->server_cpu = o->pin ? o->server_cpu : -1;
    run->load_cpu = o->pin ? o->load_cpu : -1;
    int status = dial_limit(options_connections(o));
    if (!status && o->pin)
        status = pin_to(0, o->load_cpu, "load");
    if (!status)
        status = o->attach ? attach(o, &t, run) : start(o, &t, run, command);
    if (status)
        return status;
    run->pid = t.pid;
    progress_init(&progress, o->progress);
    o->load.progress = &progress;
    status = measure(o, &t, run);
    progress_clear(&progress);
    o->load.progress = NULL;
    int end = target_stop(&t);
    return end ? end : status;
}

int main(int argc, char **argv)
{
    struct options o;
    bool exit_now;
    int status = options_read(&o, argc, argv, &exit_now);
    if (status || exit_now)
        return status;
    struct run *run = calloc(1, sizeof *run);
    struct command *command = calloc(1, sizeof *command);
    if (!run || !command) {
        free(run);
        free(command);
        return say(EX_OSERR, "out of memory");
    }
    prctl(PR_SET_TIMERSLACK, 1UL); /* an open loop wakes when it says */
    run->options = &o;
    run->status = status = run_all(&o, run, command);
    report(run, stdout);
    if (o.output == OUTPUT_TAP && report_is_skip(run))
        status = EXIT_SKIPPED;
    free(run);
    free(command);
    return status;
}
