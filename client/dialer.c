/* A socketpair carries one message: what dial() returned, its reason, and the descriptor. */
#include "dialer.h"

#include "dial.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct report {
    int result; /* of dial(): 0 for a descriptor, or a negative errno */
    char why[512];
};

/* Room for one descriptor, aligned as CMSG_DATA() wants it. */
union control {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
};

/* ---- the process that dials ---------------------------------------------------------------- */

static void send_report(int out, struct report *report, int fd)
{
    union control control = {0};
    struct iovec part = {report, sizeof *report};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    while (sendmsg(out, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

/* Never returns. Of its parent's descriptors it keeps the standard ones and `out`: others would
 * hide from whoever is at their other end that the parent has closed them. */
static _Noreturn void be_the_dialer(int out, pid_t parent, const struct dial_target *target,
                                    unsigned timeout_ms)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    if (out > STDERR_FILENO + 1)
        close_range(STDERR_FILENO + 1, (unsigned)out - 1, 0);
    close_range((unsigned)out + 1, ~0U, 0);
    struct report report = {0};
    int fd = dial(target, timeout_ms, report.why, sizeof report.why);
    report.result = fd < 0 ? fd : 0;
    send_report(out, &report, fd);
    _exit(EXIT_SUCCESS);
}

/* ---- its parent ---------------------------------------------------------------------------- */

int dialer_start(struct dialer *d, const struct dial_target *target, unsigned timeout_ms)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0)
        be_the_dialer(ends[1], self, target, timeout_ms);
    int error = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return -error;
    }
    *d = (struct dialer){.pid = pid, .fd = ends[0]};
    return 0;
}

/* What stands in the socketpair: a descriptor, or a negative errno. */
static int receive(const struct dialer *d, struct report *report)
{
    union control control = {0};
    struct iovec part = {report, sizeof *report};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n = recvmsg(d->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n != (ssize_t)sizeof *report) {
        snprintf(report->why, sizeof report->why, "the process that dials was ended");
        return -EIO;
    }
    if (report->result < 0)
        return report->result;
    int fd = -EIO;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static void become_idle(struct dialer *d)
{
    close(d->fd);
    *d = (struct dialer){0};
}

int dialer_take(struct dialer *d, char *why, size_t why_size)
{
    if (d->pid == 0)
        return -EAGAIN;
    pid_t pid;
    do
        pid = waitpid(d->pid, NULL, WNOHANG);
    while (pid < 0 && errno == EINTR);
    if (pid == 0)
        return -EAGAIN;
    struct report report = {0};
    int fd = receive(d, &report);
    snprintf(why, why_size, "%s", report.why);
    become_idle(d);
    return fd;
}

void dialer_stop(struct dialer *d)
{
    if (d->pid == 0)
        return;
    struct report report;
    kill(d->pid, SIGKILL);
    while (waitpid(d->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    int fd = receive(d, &report);
    if (fd >= 0)
        close(fd);
    become_idle(d);
}
