/*
 * The seed's client: connect, start, close. See client.h for the picture, and client_events.c for
 * the conversation in between.
 *
 * The poller is epoll, whatever the hub uses: for three descriptors io_uring has nothing to win,
 * and epoll works everywhere, also where io_uring is forbidden.
 */
#include "client_impl.h"
#include "client_options.h"
#include "diag.h"
#include "keyboard.h"
#include "screen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- connect ------------------------------------------------------------------------------- */

/* Signals become an event source. Those that were ignored when the client was started, as nohup
 * does, stay ignored. */
static int signals_open(struct client *c)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&set, numbers[i]);
    }
    signal(SIGCHLD, SIG_DFL); /* inherited as ignored, it would make waitpid() useless */
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &c->mask_before);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Hands `fd` to the poller, or closes it. Takes a negative errno for `fd` and returns it. */
static int adopt(struct client *c, int fd, netpoll_handle *out)
{
    if (fd < 0)
        return fd;
    int rc = netpoll_adopt(c->np, fd, out);
    if (rc < 0)
        close(fd);
    return rc;
}

/* pipe(). The read end; the write end is kept for the keyboard. */
static int pipe_open(struct client *c)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    c->keys_in = ends[1];
    return ends[0];
}

static int poller_open(struct client *c)
{
    char note[256];
    struct netpoll_options options = {.backend = NETPOLL_EPOLL, .max_handles = 3};
    int rc = netpoll_open(&c->np, &options, &client_handlers, c, note, sizeof note);
    if (rc < 0)
        close(c->hub_fd);
    return rc;
}

/* The poller with the socket, the pipe's read end and the signals in it; and the screen. */
static int sources_open(struct client *c)
{
    int rc = poller_open(c);
    if (rc == 0)
        rc = adopt(c, c->hub_fd, &c->hub);
    if (rc == 0)
        rc = adopt(c, pipe_open(c), &c->keys);
    if (rc == 0) {
        c->signal_fd = signals_open(c);
        rc = adopt(c, c->signal_fd, &c->signals);
    }
    if (rc < 0)
        return rc;
    c->screen = screen_new(STDOUT_FILENO, c->signal_fd, client_screen_woken, c);
    return c->screen ? 0 : -ENOMEM;
}

/* socket() and connect(). Returns 0 or an exit status. */
static int hub_dial(struct client *c)
{
    char why[512];
    int fd = dial(&c->options->target, c->options->connect_timeout_ms, why, sizeof why);
    if (fd < 0) {
        diag_log(DIAG_ERROR, "cannot connect to %s", why);
        return fd == -ENXIO ? EX_NOHOST : EX_UNAVAILABLE;
    }
    c->hub_fd = fd;
    return EX_OK;
}

int client_connect(struct client **out, const struct client_options *options)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return EX_OSERR;
    c->options = options;
    c->keys_in = -1;
    int status = hub_dial(c);
    if (status == EX_OK) {
        int rc = sources_open(c);
        if (rc < 0) {
            diag_log(DIAG_ERROR, "cannot set up the client: %s", strerror(-rc));
            status = EX_OSERR;
        }
    }
    if (status != EX_OK) {
        client_close(c);
        return status;
    }
    *out = c;
    return EX_OK;
}

/* ---- start --------------------------------------------------------------------------------- */

/* What the terminal sends to both processes is for the other one to answer. */
static void keyboard_signals(const struct client *c)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigprocmask(SIG_SETMASK, &c->mask_before, NULL);
}

/* The child: never returns. It dies with its parent, also if that died before prctl(2). */
static _Noreturn void be_the_keyboard(struct client *c, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(KEYBOARD_UNHEARD);
    c->role = CLIENT_KEYBOARD;
    c->keyboard = 0;
    keyboard_signals(c);
    netpoll_free(c->np); /* its copies of the socket, the read end, the signals and the poller */
    c->np = NULL;
    enum keyboard_end end = keyboard_run(STDIN_FILENO, c->keys_in, STDOUT_FILENO);
    client_close(c);
    _exit((int)end);
}

/* fork(). Returns 0 in the parent, or a negative errno. */
static int keyboard_start(struct client *c)
{
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        be_the_keyboard(c, self);
    c->keyboard = pid;
    close(c->keys_in);
    c->keys_in = -1;
    return 0;
}

int client_start(struct client *c)
{
    int rc = keyboard_start(c);
    if (rc < 0) {
        diag_log(DIAG_ERROR, "cannot start the process that reads the keyboard: %s", strerror(-rc));
        return EX_OSERR;
    }
    return client_talk(c);
}

/* ---- close --------------------------------------------------------------------------------- */

void client_close(struct client *c)
{
    if (!c)
        return;
    if (c->keys_in >= 0)
        close(c->keys_in);
    if (c->role == CLIENT_SCREEN) {
        netpoll_free(c->np);
        if (c->keyboard > 0)
            kill(c->keyboard, SIGKILL);
        client_wait_for_keyboard(c, 0);
    }
    screen_free(c->screen);
    outbox_fini(&c->outbox);
    free(c);
}
