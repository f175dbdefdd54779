/*
 * The server as a child process: start, log, end. See target.h. What it does meanwhile is in
 * target_proc.c.
 */
#include "target.h"

#include "clocks.h"
#include "dial.h"
#include "say.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTENING "listening on 127.0.0.1:"

enum {
    LOG_TAIL = 1500,     /* of the log, shown if something went wrong */
    LOOK_MS = 5,         /* between two looks whether it listens */
    PATIENCE_MS = 10000, /* for a start, and for an end */
};

/* The child's side of fork. */
static void become_server(const struct target_options *o, int log_fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* no orphan, however this program ends */
    if (o->cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)o->cpu, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    dup2(log_fd, STDERR_FILENO);
    dup2(log_fd, STDOUT_FILENO);
    execvp(o->command[0], o->command);
    fprintf(stderr, "%s: %s\n", o->command[0], strerror(errno));
    _exit(127);
}

/* The port in a log of so many bytes; 0 if it is not there, or its line has no end yet. */
static int port_in(const char *log, size_t size)
{
    const char *at = memmem(log, size, LISTENING, strlen(LISTENING));
    if (!at)
        return 0;
    at += strlen(LISTENING);
    bool whole = memchr(at, '\n', size - (size_t)(at - log));
    return whole ? (int)strtol(at, NULL, 10) : 0;
}

/* The port that the log tells, 0 if it does not yet. All of the log: a server may say a line for
 * each of its filters first. */
static int logged_port(const struct target *t)
{
    struct stat log;
    if (fstat(t->log_fd, &log) < 0 || log.st_size == 0)
        return 0;
    size_t size = (size_t)log.st_size;
    char *text = mmap(NULL, size, PROT_READ, MAP_SHARED, t->log_fd, 0);
    if (text == MAP_FAILED)
        return 0;
    int port = port_in(text, size);
    munmap(text, size);
    return port;
}

static bool takes_connections(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool takes = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    if (fd >= 0)
        close(fd);
    return takes;
}

/* If the log is to say where, that it says so is enough. */
static bool is_up(struct target *t)
{
    if (t->address.sin_port != 0)
        return takes_connections(&t->address);
    int port = logged_port(t);
    t->address.sin_port = htons((uint16_t)port);
    return port > 0;
}

/* Waits for the child's end; true if it came in time. */
static bool wait_end(const struct target *t, int ms)
{
    int fd = pidfd_open(t->pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool ended = fd >= 0 && poll(&p, 1, ms) == 1;
    if (fd >= 0)
        close(fd);
    return ended;
}

static int tell_end(const struct target *t, int status, const char *what, int number)
{
    char tail[LOG_TAIL + 1];
    off_t size = lseek(t->log_fd, 0, SEEK_END);
    ssize_t n = pread(t->log_fd, tail, LOG_TAIL, size > LOG_TAIL ? size - LOG_TAIL : 0);
    tail[n > 0 ? n : 0] = '\0';
    return say(status, "the server %s %d; the end of its log:\n%s", what, number, tail);
}

/* What a server that is asked to stop, or did not start, came to. */
static int judge_end(const struct target *t, int how, bool late)
{
    if (late)
        return tell_end(t, EX_SOFTWARE, "was killed, it took longer than ms:", PATIENCE_MS);
    if (WIFSIGNALED(how) && (t->strict || WTERMSIG(how) != SIGTERM))
        return tell_end(t, EX_SOFTWARE, "died of signal", WTERMSIG(how));
    if (WIFEXITED(how) && t->strict && WEXITSTATUS(how) != 0)
        return tell_end(t, EX_SOFTWARE, "ended with status", WEXITSTATUS(how));
    return 0;
}

/* Reaps the child; kills it first if it does not end in time. */
static bool reap(const struct target *t, int *how)
{
    bool late = !wait_end(t, PATIENCE_MS);
    if (late)
        kill(t->pid, SIGKILL);
    waitpid(t->pid, how, 0);
    return late;
}

static int start_failed(struct target *t, bool ended)
{
    int how;
    if (!ended)
        kill(t->pid, SIGTERM);
    bool late = reap(t, &how);
    int status = ended && WIFEXITED(how) ? WEXITSTATUS(how) : EX_SOFTWARE;
    if (status == EX_UNAVAILABLE)
        tell_end(t, status, "cannot run here, status", status);
    else if (ended)
        status = tell_end(t, EX_SOFTWARE, "ended at once, status", status);
    else
        status = tell_end(t, EX_SOFTWARE, "takes no connections after ms:", PATIENCE_MS);
    if (late)
        say(status, "and it had to be killed");
    close(t->log_fd);
    return status;
}

int target_start(struct target *t, const struct target_options *options)
{
    *t = (struct target){.address = options->listen, .child = true, .strict = options->strict};
    if (strchr(options->command[0], '/') && access(options->command[0], X_OK) < 0)
        return say(EX_NOINPUT, "no server at %s: %s", options->command[0], strerror(errno));
    if (t->address.sin_port == 0)
        dial_parse("127.0.0.1:1", &t->address);
    t->address.sin_port = options->listen.sin_port;
    t->log_fd = memfd_create("server log", MFD_CLOEXEC);
    t->pid = t->log_fd < 0 ? -1 : fork();
    if (t->pid < 0)
        return say(EX_OSERR, "cannot start a process: %s", strerror(errno));
    if (t->pid == 0)
        become_server(options, t->log_fd);
    uint64_t deadline = now_ns() + PATIENCE_MS * UINT64_C(1000000);
    while (!is_up(t)) {
        bool ended = wait_end(t, LOOK_MS);
        if (ended || now_ns() > deadline)
            return start_failed(t, ended);
    }
    return 0;
}

int target_attach(struct target *t, const struct sockaddr_in *address, pid_t pid)
{
    *t = (struct target){.address = *address, .pid = pid, .log_fd = -1};
    if (!takes_connections(address))
        return say(EX_NOINPUT, "nobody listens on port %d", ntohs(address->sin_port));
    if (pid && kill(pid, 0) < 0)
        return say(EX_NOINPUT, "no process %d: %s", (int)pid, strerror(errno));
    return 0;
}

int target_stop(struct target *t)
{
    int how;
    if (!t->child)
        return 0;
    kill(t->pid, SIGTERM);
    bool late = reap(t, &how);
    int status = judge_end(t, how, late);
    close(t->log_fd);
    return status;
}
