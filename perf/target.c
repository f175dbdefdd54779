/*
 * The server as a child process, see target.h. Relies on its log line "listening on ADDR:PORT", on
 * its end at SIGTERM, and on Linux' /proc.
 */
#include "target.h"

#include "say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LISTENING "listening on 127.0.0.1:"

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The child's side of fork. */
static void become_server(const struct target_options *o, int log_fd)
{
    char clients[16];
    snprintf(clients, sizeof clients, "%u", o->clients);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* no orphan, however this program ends */
    if (o->cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)o->cpu, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    dup2(log_fd, STDERR_FILENO);
    dup2(log_fd, STDOUT_FILENO);
    execl(o->path, o->path, "-l", "127.0.0.1:0", "-b", o->backend, "--history", "0",
          "--presence-max", "0", "--max-clients", clients, (char *)NULL);
    fprintf(stderr, "%s: %s\n", o->path, strerror(errno));
    _exit(127);
}

/* Keeps the last of the log. Returns false at its end: the server is gone. */
static int log_read(struct target *t)
{
    char chunk[sizeof t->log / 2];
    ssize_t n;
    while ((n = read(t->log_fd, chunk, sizeof chunk)) > 0) {
        size_t room = sizeof t->log - 1 - t->log_size;
        size_t drop = (size_t)n > room ? (size_t)n - room : 0;
        memmove(t->log, t->log + drop, t->log_size - drop);
        t->log_size -= drop;
        memcpy(t->log + t->log_size, chunk, (size_t)n);
        t->log_size += (size_t)n;
        t->log[t->log_size] = '\0';
    }
    return n != 0;
}

void target_drain(struct target *t)
{
    log_read(t);
}

/* Waits for something in the log; false when there is nothing more to wait for. */
static int log_wait(struct target *t, int64_t deadline)
{
    int64_t left = deadline - now_ms();
    struct pollfd p = {.fd = t->log_fd, .events = POLLIN};
    return left > 0 && poll(&p, 1, (int)left) > 0 && log_read(t);
}

static int listening_port(const struct target *t)
{
    const char *at = strstr(t->log, LISTENING);
    if (!at || !strchr(at, '\n'))
        return 0;
    return (int)strtol(at + strlen(LISTENING), NULL, 10);
}

/* Reaps the server; kills it first if it does not end in time. */
static int reap(struct target *t, int *how)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (log_wait(t, deadline))
        continue;
    int late = now_ms() >= deadline;
    if (late)
        kill(t->pid, SIGKILL);
    waitpid(t->pid, how, 0);
    close(t->log_fd);
    return late;
}

static int tell_end(const struct target *t, int status, const char *what, int number)
{
    return say(status, "the server %s %d; the end of its log:\n%s", what, number, t->log);
}

/* What a server that is asked to stop, or did not start, came to. */
static int judge_end(const struct target *t, int how, int late)
{
    if (late)
        return tell_end(t, EX_SOFTWARE, "was killed, it took longer than ms:", PATIENCE_MS);
    if (WIFSIGNALED(how))
        return tell_end(t, EX_SOFTWARE, "died of signal", WTERMSIG(how));
    if (WEXITSTATUS(how) != 0)
        return tell_end(t, EX_SOFTWARE, "ended with status", WEXITSTATUS(how));
    return 0;
}

static int start_failed(struct target *t)
{
    int how;
    kill(t->pid, SIGTERM);
    int late = reap(t, &how);
    if (WIFEXITED(how) && WEXITSTATUS(how) == EX_UNAVAILABLE)
        return tell_end(t, EX_UNAVAILABLE, "cannot run here, status", EX_UNAVAILABLE);
    int status = judge_end(t, how, late);
    return status ? status : say(EX_SOFTWARE, "the server never said \"%s\"", LISTENING);
}

int target_start(struct target *t, const struct target_options *options)
{
    int ends[2];
    *t = (struct target){.log_fd = -1};
    if (access(options->path, X_OK) < 0)
        return say(EX_NOINPUT, "no server at %s: %s", options->path, strerror(errno));
    if (pipe2(ends, O_CLOEXEC) < 0)
        return say(EX_OSERR, "pipe: %s", strerror(errno));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    t->log_fd = ends[0];
    t->pid = fork();
    if (t->pid < 0)
        return say(EX_OSERR, "fork: %s", strerror(errno));
    if (t->pid == 0)
        become_server(options, ends[1]);
    close(ends[1]);
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (!(t->port = listening_port(t)))
        if (!log_wait(t, deadline))
            return start_failed(t);
    return 0;
}

/* Reads a small file under /proc/PID; a file that is gone is an empty one. */
static void read_proc(const struct target *t, const char *name, char *text, size_t size)
{
    char path[320];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)t->pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

/* Calls `add` with the text of /proc/PID/task/TID/NAME of every thread; returns how many. */
static int each_thread(const struct target *t, const char *name,
                       void (*add)(const char *text, uint64_t *sum), uint64_t *sum)
{
    char path[64];
    char file[300];
    char text[512];
    int threads = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)t->pid);
    DIR *dir = opendir(path);
    *sum = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "task/%s/%s", e->d_name, name);
        read_proc(t, file, text, sizeof text);
        add(text, sum);
        threads++;
    }
    if (dir)
        closedir(dir);
    return threads;
}

/* schedstat: ns on a CPU, ns waiting for one, turns. */
static void add_cpu(const char *text, uint64_t *sum)
{
    *sum += strtoull(text, NULL, 10);
}

/* stat: "tid (name) state ..."; the name may hold anything. */
static void add_awake(const char *text, uint64_t *sum)
{
    const char *paren = strrchr(text, ')');
    if (paren && paren[1] == ' ' && strchr("RD", paren[2]))
        *sum += 1;
}

int target_cpu(struct target *t, uint64_t *ns)
{
    each_thread(t, "schedstat", add_cpu, ns);
    if (*ns == 0)
        return say(EX_OSERR, "no CPU time in /proc/%d/task/*/schedstat", (int)t->pid);
    return 0;
}

/* smaps_rollup walks the pages; VmRSS of status may be off by a few hundred KiB. */
int target_rss(struct target *t, uint64_t *bytes)
{
    char text[1024];
    read_proc(t, "smaps_rollup", text, sizeof text);
    const char *rss = strstr(text, "\nRss:");
    if (!rss)
        return say(EX_OSERR, "no Rss in /proc/%d/smaps_rollup", (int)t->pid);
    *bytes = strtoull(rss + 5, NULL, 10) * 1024;
    return 0;
}

int target_settle(struct target *t)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    uint64_t awake = 0;
    while (now_ms() < deadline) {
        if (each_thread(t, "stat", add_awake, &awake) == 0)
            return say(EXIT_WRONG, "the server is gone");
        if (awake == 0)
            return 0;
        sched_yield();
    }
    return say(EXIT_WRONG, "the server does not come to rest: %d threads run", (int)awake);
}

int target_stop(struct target *t)
{
    int how;
    kill(t->pid, SIGTERM);
    int late = reap(t, &how);
    return judge_end(t, how, late);
}
