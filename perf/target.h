/*
 * The server under test: a child process, its log, its clock and its memory.
 *
 * Life: target_start -> (target_drain, target_cpu, target_rss, target_settle)* -> target_stop
 */
#ifndef PERF_TARGET_H
#define PERF_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct target_options {
    const char *path;
    const char *backend; /* "auto", "epoll", "uring" */
    unsigned clients;    /* connections that it must be able to hold */
    int cpu;             /* the one it may run on; negative: any */
};

/* Embed it; only target.c writes to it. */
struct target {
    int port; /* on 127.0.0.1 */
    pid_t pid;
    int log_fd; /* its standard error; when it can be read, target_drain() is due */
    size_t log_size;
    char log[1536]; /* the last of what it wrote there, NUL-terminated */
};

/* Starts the server and waits until it listens. Fails with EX_UNAVAILABLE exactly if the server
 * itself ends with that status: it cannot run in this place. */
int target_start(struct target *t, const struct target_options *options);

/* Reads what the server has logged. It must be called often while it may log, as it does for every
 * connection: a server whose log is not read blocks. */
void target_drain(struct target *t);

/* CPU time of all the server's threads since it started, in ns. Exact while they sleep. */
int target_cpu(struct target *t, uint64_t *ns);

/* Bytes of memory resident for the server. */
int target_rss(struct target *t, uint64_t *bytes);

/* Waits until all threads of the server sleep. */
int target_settle(struct target *t);

/* Asks the server to end, and waits. Anything but a clean end is a failure: EX_SOFTWARE. Showing
 * the log's end is part of it. */
int target_stop(struct target *t);

#endif
