/*
 * Calls that either do what they do or fail with an errno. Those that move bytes, and so have more
 * ways to go wrong, are in streams.c.
 */
#include "board.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef int filter_fn(const struct dirent *);
typedef int order_fn(const struct dirent **, const struct dirent **);

/* type, what says that it failed, name, parameters, arguments */
#define CALLS(X)                                                                                   \
    X(int, -1, socket, (int domain, int kind, int protocol), (domain, kind, protocol))             \
    X(int, -1, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))                  \
    X(int, -1, listen, (int fd, int backlog), (fd, backlog))                                       \
    X(int, -1, socketpair, (int domain, int kind, int protocol, int out[2]),                       \
      (domain, kind, protocol, out))                                                               \
    X(int, -1, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))                \
    X(int, -1, getpeername, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))                \
    X(int, -1, setsockopt, (int fd, int level, int name, const void *value, socklen_t n),          \
      (fd, level, name, value, n))                                                                 \
    X(int, -1, shutdown, (int fd, int how), (fd, how))                                             \
    X(int, -1, fstat, (int fd, struct stat *out), (fd, out))                                       \
    X(int, -1, scandir,                                                                            \
      (const char *dir, struct dirent ***out, filter_fn *filter, order_fn *order),                 \
      (dir, out, filter, order))                                                                   \
    X(int, -1, eventfd, (unsigned count, int flags), (count, flags))                               \
    X(int, -1, signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags))               \
    X(int, -1, inotify_init1, (int flags), (flags))                                                \
    X(int, -1, inotify_add_watch, (int fd, const char *path, uint32_t mask), (fd, path, mask))     \
    X(int, -1, timer_create, (clockid_t clock, struct sigevent * event, timer_t * out),            \
      (clock, event, out))                                                                         \
    X(int, -1, timer_settime,                                                                      \
      (timer_t timer, int flags, const struct itimerspec *when, struct itimerspec *old),           \
      (timer, flags, when, old))                                                                   \
    X(int, -1, sigaction, (int number, const struct sigaction *to, struct sigaction *old),         \
      (number, to, old))                                                                           \
    X(ssize_t, -1, getrandom, (void *out, size_t size, unsigned flags), (out, size, flags))        \
    X(void *, MAP_FAILED, mmap,                                                                    \
      (void *at, size_t size, int prot, int flags, int fd, off_t offset),                          \
      (at, size, prot, flags, fd, offset))                                                         \
    X(scmp_filter_ctx, NULL, seccomp_init, (uint32_t action), (action))                            \
    X(int, -errno, seccomp_load, (scmp_filter_ctx filter), (filter))                               \
    X(int, -1, epoll_create1, (int flags), (flags))                                                \
    X(int, -1, epoll_wait, (int fd, struct epoll_event *out, int max, int timeout),                \
      (fd, out, max, timeout))

/* The linker chooses these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,bugprone-macro-parentheses)
 */
#define WRAP(type, failed, name, parameters, arguments)                                            \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return faults_strike(FAULTS_##name) ? failed : __real_##name arguments;                    \
    }
CALLS(WRAP)

/* ---- with arguments that depend ------------------------------------------------------------- */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __real_prctl(int what, ...);
int __wrap_prctl(int what, ...);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* The hub only opens for reading. */
int __wrap_open(const char *path, int flags, ...)
{
    return faults_strike(FAULTS_open) ? -1 : __real_open(path, flags);
}

/* It uses no command but those with a number, or nothing. */
int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    int value = va_arg(arguments, int);
    va_end(arguments);
    return faults_strike(FAULTS_fcntl) ? -1 : __real_fcntl(fd, command, value);
}

int __wrap_prctl(int what, ...)
{
    unsigned long a[4];
    va_list arguments;
    va_start(arguments, what);
    for (size_t i = 0; i < 4; i++)
        a[i] = va_arg(arguments, unsigned long);
    va_end(arguments);
    return faults_strike(FAULTS_prctl) ? -1 : __real_prctl(what, a[0], a[1], a[2], a[3]);
}

/* io_uring_register(2), with its four. */
long __wrap_syscall(long number, ...)
{
    long a[4];
    va_list arguments;
    va_start(arguments, number);
    for (size_t i = 0; i < 4; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    return faults_strike(FAULTS_syscall) ? -1 : __real_syscall(number, a[0], a[1], a[2], a[3]);
}

/* ---- closing, and the clock ----------------------------------------------------------------- */

int __real_close(int fd);
int __wrap_close(int fd);
int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

/* Whatever it says, the descriptor is gone: close(2). */
int __wrap_close(int fd)
{
    int rc = __real_close(fd);
    return faults_strike(FAULTS_close) ? -1 : rc;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    int rc = __real_clock_gettime(clock, out);
    if (clock == CLOCK_REALTIME)
        out->tv_sec += faults_board()->wall_ms / 1000;
    return rc;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,bugprone-macro-parentheses) */
