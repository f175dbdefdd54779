/*
 * Counts the system calls of a process, by the kernel's tracepoint raw_syscalls:sys_enter. That
 * costs the process time while it is on, so it is for a stretch of its own.
 */
#ifndef BENCH_SYSCALLS_H
#define BENCH_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SYSCALLS_THREADS_MAX = 128 };

/* Embed it; only syscalls.c writes to it. */
struct syscalls {
    unsigned count;
    int fds[SYSCALLS_THREADS_MAX]; /* one for each thread there was at the start */
};

/* Begins to count, for all threads of the process and those they start. False if that is not
 * permitted here, or the kernel has no such tracepoint. */
bool syscalls_begin(struct syscalls *s, pid_t pid);

/* Ends counting; returns how many there were. */
uint64_t syscalls_end(struct syscalls *s);

#endif
