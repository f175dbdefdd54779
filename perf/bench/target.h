/*
 * The server under test: a child process, or one that runs already; its log, its clock, its memory.
 *
 * Life: target_start or target_attach -> (the others)* -> target_stop
 */
#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct target_options {
    char *const *command;      /* path and arguments, NULL at the end */
    struct sockaddr_in listen; /* where it will listen; port 0: where its log says */
    int cpu;                   /* the one it may run on; negative: any */
    bool strict;               /* it must come to rest, and end with status 0 */
};

/* Embed it; only target.c writes to it. */
struct target {
    struct sockaddr_in address;
    pid_t pid; /* 0: unknown, so there is nothing to be watched */
    bool child;
    bool strict;
    int log_fd; /* its standard output and error, a file in memory */
};

/* Starts the server and waits until it takes connections. Fails with EX_UNAVAILABLE exactly if the
 * server itself ends with that status: it cannot run in this place. */
int target_start(struct target *t, const struct target_options *options);

/* Watches a server that somebody else has started; `pid` may be 0. */
int target_attach(struct target *t, const struct sockaddr_in *address, pid_t pid);

/* CPU time of all the server's threads since it started, in ns. Exact while they sleep. */
int target_cpu(const struct target *t, uint64_t *ns);

/* Bytes of memory resident for the server: now, and the most there were. */
int target_rss(const struct target *t, uint64_t *bytes);
int target_rss_peak(const struct target *t, uint64_t *bytes);

/* Waits until all threads of the server sleep. One that is not strict need not: after a second that
 * is given up. */
int target_settle(const struct target *t);

/* Asks a child to end, and waits; leaves another server alone. Anything but a clean end is a
 * failure: EX_SOFTWARE, and the end of its log is shown. */
int target_stop(struct target *t);

#endif
