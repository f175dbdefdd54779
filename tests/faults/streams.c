/*
 * Calls that move bytes or connections, under an epoll set with edges. A call may fail, or take
 * less than there is. If the kernel says EAGAIN, or takes a part, it owes the caller an edge as
 * soon as there is more to be had; so does the one who says it in its place, and there is more at
 * once: the descriptor is registered anew, which makes epoll look. ENOBUFS and the like owe
 * nothing.
 */
#include "board.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The linker chooses these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __real_epoll_ctl(int set, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int op, int fd, struct epoll_event *event);
int __real_accept4(int fd, struct sockaddr *peer, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *n, int flags);
ssize_t __real_recv(int fd, void *out, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *out, size_t size, int flags);
ssize_t __real_read(int fd, void *out, size_t size);
ssize_t __wrap_read(int fd, void *out, size_t size);
ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __real_fstat(int fd, struct stat *out);

/* ---- who is owed an edge -------------------------------------------------------------------- */

enum { DESCRIPTORS = 1024 };

static struct {
    int set; /* 0: in none */
    struct epoll_event event;
} registered[DESCRIPTORS];

int __wrap_epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
    if (faults_strike(FAULTS_epoll_ctl))
        return -1;
    int rc = __real_epoll_ctl(set, op, fd, event);
    if (fd < DESCRIPTORS && rc == 0) {
        registered[fd].set = op == EPOLL_CTL_DEL ? 0 : set;
        if (event)
            registered[fd].event = *event;
    }
    return rc;
}

static void pay_edge(int fd)
{
    int error = errno;
    if (fd < DESCRIPTORS && registered[fd].set > 0)
        __real_epoll_ctl(registered[fd].set, EPOLL_CTL_MOD, fd, &registered[fd].event);
    errno = error;
}

/* -1 for the call if it is to fail; 0 if it is to take at most one byte; 1 to leave it alone. */
static int judge(enum faults_id id, int fd)
{
    int fault = faults_strike_at(id, fd);
    if (fault == EAGAIN || fault == FAULTS_SHORT)
        pay_edge(fd);
    return fault > 0 ? -1 : fault == 0;
}

/* ---- the calls ------------------------------------------------------------------------------ */

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *n, int flags)
{
    return judge(FAULTS_accept4, fd) < 0 ? -1 : __real_accept4(fd, peer, n, flags);
}

ssize_t __wrap_recv(int fd, void *out, size_t size, int flags)
{
    int verdict = judge(FAULTS_recv, fd);
    return verdict < 0 ? -1 : __real_recv(fd, out, verdict ? size : 1, flags);
}

/* Two rows: what may go wrong with a file never does with the descriptor of signals. */
ssize_t __wrap_read(int fd, void *out, size_t size)
{
    struct stat info;
    bool is_file = __real_fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    return judge(is_file ? FAULTS_read_file : FAULTS_read, fd) < 0 ? -1
                                                                   : __real_read(fd, out, size);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    int verdict = judge(FAULTS_send, fd);
    return verdict < 0 ? -1 : __real_send(fd, bytes, verdict ? size : (size + 1) / 2, flags);
}

/* Half of the first part. */
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    int verdict = judge(FAULTS_sendmsg, fd);
    if (verdict < 0)
        return -1;
    if (verdict > 0)
        return __real_sendmsg(fd, message, flags);
    return __real_send(fd, message->msg_iov->iov_base, (message->msg_iov->iov_len + 1) / 2, flags);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    int verdict = judge(FAULTS_write, fd);
    return verdict < 0 ? -1 : __real_write(fd, bytes, verdict ? size : (size + 1) / 2);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
