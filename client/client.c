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
#include "event_reader.h"
#include "keyboard.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

enum { HANDLES_MAX = 4 }; /* pipe, signals, the connection and its predecessor */

/* ---- connect ------------------------------------------------------------------------------- */

/* Adds a signal to those that become events, unless it was ignored when the client was started, as
 * nohup does. */
static void add_unless_ignored(sigset_t *set, int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset(set, number);
}

static void signals_of_all(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGALRM); /* -W, see start_clock() */
    add_unless_ignored(set, SIGINT);
    add_unless_ignored(set, SIGTERM);
    add_unless_ignored(set, SIGHUP);
    signal(SIGCHLD, SIG_DFL); /* inherited as ignored, it would make waitpid() useless */
    sigaddset(set, SIGCHLD);
}

static int signals_open(struct client *c)
{
    sigset_t set;
    signals_of_all(&set);
    sigprocmask(SIG_BLOCK, &set, &c->mask_before);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* The face wants to know more. */
static int signals_of_face(struct client *c)
{
    sigset_t set;
    if (!c->face->ops->signal)
        return 0;
    signals_of_all(&set);
    add_unless_ignored(&set, SIGTSTP);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGCONT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(c->signal_fd, &set, 0) < 0 ? -errno : 0;
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
    struct netpoll_options options = {.backend = NETPOLL_EPOLL, .max_handles = HANDLES_MAX};
    return netpoll_open(&c->np, &options, &client_handlers, c, note, sizeof note);
}

/* The poller with the pipe's read end and the signals in it. */
static int sources_open(struct client *c)
{
    int rc = poller_open(c);
    if (rc == 0)
        rc = adopt(c, pipe_open(c), &c->keys);
    if (rc < 0)
        return rc;
    c->signal_fd = signals_open(c);
    return adopt(c, c->signal_fd, &c->signals);
}

static struct face *face_new(const struct client_options *o, const struct face_host *host)
{
    if (o->pings > 0)
        return face_probe_new(o, host);
    return client_options_interactive(o) ? face_terminal_new(o, host) : face_pipe_new(o, host);
}

/* What is known of the conversation, and how it looks. */
static int state_open(struct client *c)
{
    const struct client_options *o = c->options;
    struct session_wish wish = {o->nick, o->rooms, o->room_count, o->history};
    c->session = session_new(&wish);
    c->link.reader = event_reader_new();
    client_host_init(c);
    c->face = face_new(o, &c->host);
    return c->session && c->link.reader && c->face ? signals_of_face(c) : -ENOMEM;
}

/* Ends the program. */
static void too_late(int number)
{
    static const char text[] = "chatroom_client: error: cannot connect in time\n";
    (void)number;
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(CLIENT_TIMED_OUT);
}

/* -W is a signal's, because it counts also while dial() waits, and while a write does. */
static void start_clock(unsigned ms)
{
    struct itimerval limit = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};
    signal(SIGALRM, too_late);
    setitimer(ITIMER_REAL, &limit, NULL);
}

/* socket() and connect(). Returns 0 or an exit status. */
static int hub_dial(const struct client_options *options, int *fd)
{
    char why[512];
    start_clock(options->timeout_ms);
    *fd = dial(&options->target, options->connect_timeout_ms, why, sizeof why);
    if (*fd >= 0)
        return EX_OK;
    diag_log(DIAG_ERROR, "cannot connect to %s", why);
    return *fd == -ENXIO ? EX_NOHOST : EX_UNAVAILABLE;
}

/* Everything around the connected descriptor, which it takes. */
static int set_up(struct client *c, int fd)
{
    int rc = sources_open(c);
    if (rc == 0)
        rc = state_open(c);
    if (rc == 0)
        return client_link_open(c, fd);
    close(fd);
    return rc;
}

int client_connect(struct client **out, const struct client_options *options)
{
    int fd;
    int status = hub_dial(options, &fd);
    if (status != EX_OK)
        return status;
    struct client *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return EX_OSERR;
    }
    c->options = options;
    c->keys_in = -1;
    int rc = set_up(c, fd);
    if (rc < 0) {
        diag_log(DIAG_ERROR, "cannot set up the client: %s", strerror(-rc));
        client_close(c);
        return EX_OSERR;
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

/* The texts of --send, in place of standard input. */
static int typed_in_advance(const struct client_options *o)
{
    int fd = memfd_create("send", MFD_CLOEXEC);
    int rc = fd;
    for (size_t i = 0; rc >= 0 && i < o->send_count; i++)
        rc = dprintf(fd, STR_FMT "\n", STR_ARG(o->sends[i]));
    if (rc >= 0 && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    rc = -errno;
    if (fd >= 0)
        close(fd);
    return rc;
}

/* What the keyboard process reads; or a negative errno. */
static int input_open(const struct client_options *o)
{
    if (client_options_reads_input(o))
        return STDIN_FILENO;
    if (o->send_count > 0)
        return typed_in_advance(o);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Also if that died before prctl(2). */
static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(KEYBOARD_UNHEARD);
}

/* The child: never returns. It dies with its parent; but one that has to put a terminal right first
 * ends by itself, since nobody reads its pipe any more. */
static _Noreturn void be_the_keyboard(struct client *c, pid_t parent, int in)
{
    if (!c->face->ops->orphaned)
        die_with(parent);
    c->role = CLIENT_KEYBOARD;
    c->keyboard = 0;
    keyboard_signals(c);
    netpoll_free(c->np); /* its copies of the socket, the read end, the signals and the poller */
    c->np = NULL;
    struct keyboard_task task = {
        .in = in,
        .out = c->keys_in,
        .shown = STDOUT_FILENO,
        .bytes = c->face->keys_raw,
        .stay = c->options->stay || c->options->pings > 0,
    };
    enum keyboard_end end = keyboard_run(&task);
    if (end == KEYBOARD_UNHEARD && c->face->ops->orphaned)
        c->face->ops->orphaned(c->face);
    client_close(c);
    _exit((int)end);
}

/* fork(). Returns 0 in the parent, or a negative errno. */
static int keyboard_start(struct client *c)
{
    int in = input_open(c->options);
    if (in < 0)
        return in;
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0)
        be_the_keyboard(c, self, in);
    int rc = pid < 0 ? -errno : 0;
    c->keyboard = pid;
    if (in != STDIN_FILENO)
        close(in);
    close(c->keys_in);
    c->keys_in = -1;
    return rc;
}

int client_start(struct client *c)
{
    int rc = keyboard_start(c);
    if (rc < 0) {
        diag_log(DIAG_ERROR, "cannot start the process that reads the keyboard: %s", strerror(-rc));
        return EX_OSERR;
    }
    rc = c->face->ops->start ? c->face->ops->start(c->face) : 0;
    if (rc < 0) {
        diag_log(DIAG_ERROR, "cannot set up the terminal: %s", strerror(-rc));
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
        face_free(c->face);
        netpoll_free(c->np);
        if (c->keyboard > 0)
            kill(c->keyboard, SIGKILL);
        client_wait_for_keyboard(c, 0);
    }
    client_link_fini(c);
    session_free(c->session);
    free(c);
}
