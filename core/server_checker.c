/*
 * The checker: a process that tries filters out before a reload takes them into the hub.
 *
 * Why a process. Loading a script may take a second before it is stopped, and the tests beside it
 * as long as they like; meanwhile nobody could say a word if that ran in the loop. Why one that is
 * started with the hub: once the hub serves, it may neither start a program nor open a file for
 * writing (privileges.h), as tests need; and while it is young there is nothing to copy.
 *
 * The two talk by a socket. A byte from the hub asks for a check; a byte comes back, enum
 * server_checked. Each check is done by a child of the checker, with everything made anew, so that
 * what one leaves behind is gone with it, and one that takes too long is killed. The checker ends
 * when the hub's end of the socket closes; no signal but KILL ends it before.
 */
#include "clock.h"
#include "diag.h"
#include "server_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NICE = 5 }; /* serving comes first, even on one processor */

/* ---- in the checker ------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    return (int64_t)(clock_monotonic_ns() / 1000000);
}

/* Waits for the end of the child, which holds the other end of `alive`: true if it came in time.
 * There is nothing left to do if the hub is gone. */
static bool wait_for(pid_t child, int alive, int hub)
{
    const int64_t until = now_ms() + SERVER_CHECK_MS;
    struct pollfd fds[] = {{.fd = alive, .events = POLLIN}, {.fd = hub, .events = POLLRDHUP}};
    for (int64_t left; (left = until - now_ms()) > 0;) {
        int n = poll(fds, 2, (int)left);
        if (n > 0 && fds[1].revents) {
            kill(child, SIGKILL);
            _exit(0);
        }
        if (n > 0)
            return true;
    }
    return false;
}

static int reap(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static enum server_checked result_of(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return SERVER_CHECKED_FINE;
    if (WIFSIGNALED(status))
        diag_log(DIAG_ERROR, "filters: trying them out ended with signal %d", WTERMSIG(status));
    return SERVER_CHECKED_WRONG;
}

/* Ends with the checker, and does not hold the hub's socket, by which others see its end. */
static _Noreturn void check_in_child(const struct server *s, int hub, pid_t checker)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != checker)
        _exit(EXIT_FAILURE);
    close(hub);
    _exit(server_check(s->options, s->host));
}

static enum server_checked check(const struct server *s, int hub)
{
    int alive[2];
    if (pipe2(alive, O_CLOEXEC) < 0) {
        diag_log(DIAG_ERROR, "filters cannot be tried out: %s", strerror(errno));
        return SERVER_CHECKED_WRONG;
    }
    pid_t checker = getpid();
    pid_t child = fork();
    if (child == 0)
        check_in_child(s, hub, checker);
    close(alive[1]);
    enum server_checked checked = SERVER_CHECKED_WRONG;
    if (child < 0) {
        diag_log(DIAG_ERROR, "filters cannot be tried out: %s", strerror(errno));
    } else if (wait_for(child, alive[0], hub)) {
        checked = result_of(reap(child));
    } else {
        kill(child, SIGKILL);
        reap(child);
        checked = SERVER_CHECKED_LATE;
    }
    close(alive[0]);
    return checked;
}

/* `hub` becomes descriptor 3, and the only one but the standard streams. */
static int keep_only(int hub)
{
    if (hub != 3 && dup3(hub, 3, O_CLOEXEC) < 0)
        return -1;
    close_range(4, ~0U, 0);
    return 3;
}

static _Noreturn void run(const struct server *s, int hub)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    enum diag_level level = s->options->log_level;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    prctl(PR_SET_NAME, "filter_checker");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setpriority(PRIO_PROCESS, 0, NICE);
    diag_init("chatroom_server check", level < DIAG_WARN ? level : DIAG_WARN);
    hub = keep_only(hub);
    for (char byte; hub >= 0;) {
        ssize_t n = read(hub, &byte, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        byte = (char)check(s, hub);
        if (send(hub, &byte, 1, MSG_NOSIGNAL) < 0)
            break;
    }
    _exit(0);
}

/* ---- in the hub ----------------------------------------------------------------------------- */

int server_checker_start(struct server *s)
{
    int ends[2];
    if (!server_has_filters(s->options))
        return 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return -error;
    }
    if (pid == 0)
        run(s, ends[1]);
    close(ends[1]);
    s->checker_fd = ends[0];
    return 0;
}

int server_checker_poll(struct server *s)
{
    if (s->checker_fd < 0)
        return 0;
    int rc = netpoll_adopt(s->np, s->checker_fd, &s->checker);
    if (rc == 0)
        s->checker_fd = -1; /* the poller's now */
    return rc;
}

int server_checker_ask(struct server *s)
{
    static const char question = '?';
    struct iovec part = {.iov_base = (void *)&question, .iov_len = 1};
    if (s->checker == 0)
        return -ENOTCONN;
    int rc = netpoll_send(s->np, s->checker, &part, 1);
    netpoll_commit(s->np);
    return rc;
}

void server_checker_gone(struct server *s)
{
    netpoll_close(s->np, s->checker);
    s->checker = 0;
    if (s->reload.checking)
        s->reload.answer = SERVER_CHECKED_WRONG;
    if (!s->stopping)
        diag_log(DIAG_WARN, "the process that tries filters out is gone");
}

void server_checker_close(struct server *s)
{
    if (s->checker_fd >= 0)
        close(s->checker_fd);
}
