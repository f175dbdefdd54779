/* A connection made by another process: taken, refused, given up; no process and no descriptor is
 * left. */
#include "dial.h"
#include "dialer.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_S = 60, TIMEOUT_MS = 10000 };

/* The lowest descriptor that is free: the same before and after, if none is left. */
static int next_descriptor(void)
{
    int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

static int listen_somewhere(struct dial_target *target)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    char text[32];
    char why[128];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(a.sin_port));
    assert_int_equal(dial_parse(target, text, why, sizeof why), 0);
    return fd;
}

/* Waits for the process's end, as SIGCHLD does for a client, and leaves it for the dialer. */
static int take(struct dialer *d, char *why, size_t why_size)
{
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)d->pid, &info, WEXITED | WNOWAIT), 0);
    return dialer_take(d, why, why_size);
}

static void a_connection_is_handed_over(void **state)
{
    char why[128] = "?";
    struct dial_target target;
    struct dialer d = {0};
    (void)state;
    int before = next_descriptor();
    int listener = listen_somewhere(&target);
    assert_int_equal(dialer_take(&d, why, sizeof why), -EAGAIN);
    assert_int_equal(dialer_start(&d, &target, TIMEOUT_MS), 0);
    int there = accept(listener, NULL, NULL);
    int here = take(&d, why, sizeof why);
    assert_true(here >= 0);
    assert_int_equal(d.pid, 0);
    char got[5] = "";
    assert_int_equal(write(here, "ping", 4), 4);
    assert_int_equal(read(there, got, 4), 4);
    assert_string_equal(got, "ping");
    close(here);
    assert_int_equal(read(there, got, 4), 0); /* nobody else has it */
    close(there);
    close(listener);
    assert_int_equal(next_descriptor(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_failure_comes_with_its_reason(void **state)
{
    char why[128];
    char wanted[64];
    struct dial_target target;
    struct dialer d = {0};
    (void)state;
    int before = next_descriptor();
    close(listen_somewhere(&target));
    assert_int_equal(dialer_start(&d, &target, TIMEOUT_MS), 0);
    assert_int_equal(take(&d, why, sizeof why), -ECONNREFUSED);
    snprintf(wanted, sizeof wanted, "127.0.0.1:%s: Connection refused", target.port);
    assert_string_equal(why, wanted);
    assert_int_equal(next_descriptor(), before);
}

static void a_dialer_that_is_killed_is_no_connection(void **state)
{
    char why[128];
    struct dial_target target;
    struct dialer d = {0};
    (void)state;
    int before = next_descriptor();
    int listener = listen_somewhere(&target);
    assert_int_equal(dialer_start(&d, &target, TIMEOUT_MS), 0);
    kill(d.pid, SIGKILL);
    int fd = take(&d, why, sizeof why);
    if (fd >= 0) /* it was faster */
        close(fd);
    else
        assert_string_equal(why, "the process that dials was ended");
    close(listener);
    assert_int_equal(next_descriptor(), before);
}

static void stopping_leaves_nothing(void **state)
{
    struct dial_target target;
    struct dialer d = {0};
    (void)state;
    int before = next_descriptor();
    int listener = listen_somewhere(&target);
    dialer_stop(&d); /* idle */
    for (int i = 0; i < 20; i++) {
        assert_int_equal(dialer_start(&d, &target, TIMEOUT_MS), 0);
        if (i % 2 == 0) /* in half of them the descriptor has come already */
            close(accept(listener, NULL, NULL));
        dialer_stop(&d);
        assert_int_equal(d.pid, 0);
    }
    close(listener);
    assert_int_equal(next_descriptor(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void without_descriptors_it_does_not_start(void **state)
{
    struct rlimit before;
    struct dial_target target;
    struct dialer d = {0};
    (void)state;
    int listener = listen_somewhere(&target);
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit none = {.rlim_cur = (rlim_t)next_descriptor(), .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    int rc = dialer_start(&d, &target, TIMEOUT_MS);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(rc, -EMFILE);
    assert_int_equal(d.pid, 0);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_handed_over),
        cmocka_unit_test(a_failure_comes_with_its_reason),
        cmocka_unit_test(a_dialer_that_is_killed_is_no_connection),
        cmocka_unit_test(stopping_leaves_nothing),
        cmocka_unit_test(without_descriptors_it_does_not_start),
    };
    alarm(DEADLINE_S); /* where something hangs */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
