/* The server's life: set-up, the loop, signals, the end. See server.h. */
#include "diag.h"
#include "filter_stats.h"
#include "netpoll.h"
#include "privileges.h"
#include "server_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    RESERVED_DESCRIPTORS = 32, /* standard streams, the poller's own, files being loaded */
    SPARE_SLOTS = 64,          /* for connections that are told that the hub is full */
    STOP_MS = 2000,
    SWEEP_MS = 1000,
};

/* ---- what netpoll says ---------------------------------------------------------------------- */

static void on_accepted(void *owner, netpoll_handle listener, netpoll_handle h,
                        const struct address *peer)
{
    (void)listener;
    session_accepted(owner, h, peer);
}

static void on_accept_paused(void *owner, netpoll_handle listener, int error)
{
    (void)owner;
    (void)listener;
    diag_log(DIAG_WARN,
             "accepting new connections is paused: %s; it goes on when one is closed "
             "(raise the limit: ulimit -n)",
             strerror(error));
}

static void on_signal(struct server *s, const struct signalfd_siginfo *info);

static void on_data(void *owner, netpoll_handle h, const char *bytes, size_t n)
{
    struct server *s = owner;
    if (h == s->signals) {
        struct signalfd_siginfo info;
        for (size_t at = 0; at + sizeof info <= n; at += sizeof info) {
            memcpy(&info, bytes + at, sizeof info);
            on_signal(s, &info);
        }
        return;
    }
    if (h == s->watcher) {
        server_watch_data(s, str_from(bytes, n));
        return;
    }
    if (h == s->checker) {
        s->reload.answer = (enum server_checked)bytes[n - 1];
        return;
    }
    struct conn *c = hub_conn(&s->hub, h);
    if (c)
        session_data(s, c, str_from(bytes, n));
}

static void on_ended(void *owner, netpoll_handle h)
{
    struct server *s = owner;
    if (h == s->checker) {
        server_checker_gone(s);
        return;
    }
    struct conn *c = hub_conn(&s->hub, h);
    if (c)
        session_ended(s, c);
}

static void on_fell_short(void *owner, netpoll_handle h, size_t left)
{
    struct server *s = owner;
    struct conn *c = hub_conn(&s->hub, h);
    if (c)
        fanout_fell_short(&s->fanout, c, left);
}

static void on_writable(void *owner, netpoll_handle h)
{
    struct server *s = owner;
    if (h == s->checker) {
        s->reload.unasked = true; /* what fell short was the question */
        return;
    }
    struct conn *c = hub_conn(&s->hub, h);
    if (c)
        fanout_writable(&s->fanout, c);
}

static void on_closed(void *owner, netpoll_handle h, int reason)
{
    struct server *s = owner;
    if (h == s->checker) {
        server_checker_gone(s);
        return;
    }
    struct conn *c = hub_conn(&s->hub, h);
    if (c)
        session_closed(s, c, reason);
}

static void on_timer(void *owner, uint64_t id)
{
    struct server *s = owner;
    switch (id) {
    case SERVER_TIMER_STOP:
        s->stopped = true;
        break;
    case SERVER_TIMER_LEAVING:
        s->leaving_timer = false;
        session_sweep(s);
        break;
    case SERVER_TIMER_SILENT:
        s->silent_timer = false;
        session_sweep_silent(s);
        break;
    case SERVER_TIMER_RELOAD:
        s->reload.wanted = true;
        break;
    case SERVER_TIMER_PROBATION:
        server_reload_prove(s);
        break;
    default: /* SERVER_TIMER_FILTERS: the turn runs what is due */
        s->filters_due = INT64_MAX;
    }
}

static void on_woken(void *owner)
{
    (void)owner;
}

const struct netpoll_handlers server_handlers = {
    .accepted = on_accepted,
    .accept_paused = on_accept_paused,
    .data = on_data,
    .ended = on_ended,
    .fell_short = on_fell_short,
    .writable = on_writable,
    .closed = on_closed,
    .timer = on_timer,
    .woken = on_woken,
};

/* ---- signals -------------------------------------------------------------------------------- */

static void log_counters(struct server *s)
{
    struct event_item items[STATS_ITEMS_MAX];
    size_t n = stats_items(&s->hub.stats, s->hub.netpoll, items);
    for (size_t i = 0; i < n; i++)
        diag_log(DIAG_INFO, "counter " STR_FMT " %" PRIu64, STR_ARG(items[i].name), items[i].value);
    for (size_t i = 0; i < hub_filters_count(&s->hub); i++)
        filter_stats_log(hub_filters_at(&s->hub, i));
}

/* No one new; everybody is told, and leaves. */
static void stop(struct server *s, const char *why)
{
    if (s->stopping)
        return;
    diag_log(DIAG_INFO, "stopping: %s", why);
    s->stopping = true;
    netpoll_timer_set(s->np, SERVER_TIMER_STOP, STOP_MS);
    for (size_t i = 0; i < s->listener_count; i++)
        netpoll_close(s->np, s->listeners[i].handle);
    s->hub.limits.presence_max = 0; /* everybody leaves: no need to say so */
    for (uint32_t i = 0; i < s->hub.used_slots; i++) {
        struct conn *c = &s->hub.conns[i];
        if (c->state == CONN_CLOSING)
            netpoll_close(s->np, c->handle);
        if (c->state != CONN_OPEN)
            continue;
        hub_notice(&s->hub, c, "The hub is shutting down.");
        hub_leave(&s->hub, c, "the hub is shutting down", STR(""));
    }
}

static void on_signal(struct server *s, const struct signalfd_siginfo *info)
{
    switch (info->ssi_signo) {
    case SIGHUP:
        s->reload.wanted = true;
        break;
    case SIGUSR1:
        log_counters(s);
        break;
    default:
        stop(s, info->ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
    }
}

static int open_signals(struct server *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    int rc = netpoll_adopt(s->np, fd, &s->signals);
    if (rc < 0)
        close(fd);
    return rc;
}

/* ---- set-up --------------------------------------------------------------------------------- */

/* The soft limit becomes the hard one. Returns it. */
static uint64_t raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
            diag_log(DIAG_WARN, "cannot raise the descriptor limit: %s", strerror(errno));
    }
    return limit.rlim_cur;
}

/* Without --max-clients: as many as there can be descriptors. */
static void set_max_clients(struct server *s, struct hub_limits *limits, uint64_t descriptors)
{
    uint64_t usable = descriptors > 2 * RESERVED_DESCRIPTORS ? descriptors - RESERVED_DESCRIPTORS
                                                             : RESERVED_DESCRIPTORS;
    if (usable > 1000000)
        usable = 1000000;
    if (limits->max_clients == 0)
        limits->max_clients = (uint32_t)usable;
    else if (limits->max_clients > usable)
        diag_log(DIAG_WARN,
                 "--max-clients %u is more than the descriptor limit (%" PRIu64 ") allows",
                 limits->max_clients, descriptors);
    s->max_slots = limits->max_clients + OPTIONS_LISTEN_MAX + SPARE_SLOTS;
}

static int open_poller(struct server *s)
{
    char note[512];
    struct netpoll_options options = {
        .backend = s->options->backend,
        .max_handles = s->max_slots,
    };
    int rc = netpoll_open(&s->np, &options, &server_handlers, s, note, sizeof note);
    if (rc < 0) {
        diag_log(DIAG_ERROR, "no poll interface: %s", *note ? note : strerror(-rc));
        return EX_UNAVAILABLE;
    }
    if (*note)
        diag_log(DIAG_WARN, "%s; going on with %s", note, netpoll_name(s->np));
    s->hub.netpoll = netpoll_stats(s->np);
    diag_log(DIAG_INFO, "using %s", netpoll_name(s->np));
    return 0;
}

static int open_hub(struct server *s, uint64_t descriptors)
{
    struct hub_limits limits = s->options->limits;
    set_max_clients(s, &limits, descriptors);
    s->attended.items = calloc(s->max_slots + 1, sizeof *s->attended.items);
    if (hub_init(&s->hub, &limits, s->max_slots + 1) == 0 && s->attended.items)
        return server_filters_open(s);
    diag_log(DIAG_ERROR, "no memory for %u clients", limits.max_clients);
    return EX_OSERR;
}

/* What is still done as root: finding out who to become, and binding. */
static int open_sockets(struct server *s)
{
    char why[256];
    struct privileges_user user;
    const char *name = s->options->user;
    if (name && privileges_find(&user, name, why, sizeof why) < 0) {
        diag_log(DIAG_ERROR, "--user: %s", why);
        return EX_CONFIG;
    }
    int status = server_listen_open(s, name ? &user : NULL);
    if (status != 0 || !name)
        return status;
    if (privileges_become(&user, why, sizeof why) < 0) {
        diag_log(DIAG_ERROR, "--user: %s", why);
        return EX_OSERR;
    }
    diag_log(DIAG_INFO, "going on as user %s", name);
    return 0;
}

static void seal(const struct server *s)
{
    char why[256];
    if (s->options->seccomp && privileges_seal(why, sizeof why) < 0)
        diag_log(DIAG_WARN, "%s; going on without", why);
}

static int cannot(const char *what, int error)
{
    diag_log(DIAG_ERROR, "cannot %s: %s", what, strerror(-error));
    return EX_OSERR;
}

static int start_checker(struct server *s)
{
    int rc = server_checker_start(s);
    return rc < 0 ? cannot("start the process that tries filters out", rc) : 0;
}

/* What the loop needs beside a poller. */
static int open_loop(struct server *s)
{
    int rc = fanout_init(&s->fanout, &s->hub, s->np, s->max_slots + 1);
    if (rc < 0)
        return cannot("set up the flush", rc);
    rc = open_signals(s);
    if (rc < 0)
        return cannot("take signals", rc);
    rc = server_checker_poll(s);
    if (rc < 0)
        return cannot("listen to the process that tries filters out", rc);
    return server_watch_open(s) < 0 ? EX_OSERR : 0;
}

static int open_all(struct server *s)
{
    uint64_t descriptors = raise_descriptor_limit();
    int status = open_sockets(s);
    if (status == 0)
        status = start_checker(s);
    if (status == 0)
        status = open_hub(s, descriptors);
    if (status == 0)
        status = open_poller(s);
    if (status == 0)
        status = open_loop(s);
    if (status == 0) {
        seal(s);
        status = server_listen_start(s); /* last: who reads that it listens may send signals */
    }
    return status;
}

int server_init(struct server **out, const struct options *options, struct filter_host host)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        return cannot("start", -ENOMEM);
    s->options = options;
    s->host = host;
    s->checker_fd = -1;
    int status = open_all(s);
    if (status != 0) {
        server_close(s);
        return status;
    }
    *out = s;
    return 0;
}

/* ---- the loop ------------------------------------------------------------------------------- */

/* Timers for as long as there is anybody to look at. */
static void watch_connections(struct server *s)
{
    if (!s->leaving_timer && s->hub.leaving > 0)
        s->leaving_timer = netpoll_timer_set(s->np, SERVER_TIMER_LEAVING, SWEEP_MS) == 0;
    if (!s->silent_timer && s->hub.stats.clients > 0)
        s->silent_timer = netpoll_timer_set(s->np, SERVER_TIMER_SILENT, SWEEP_MS) == 0;
}

/* Wait and take in; flush; let those go on who waited for the flush. */
int server_turn(struct server *s, int timeout_ms)
{
    hub_turn(&s->hub);
    int rc = netpoll_run_once(s->np, s->work_left ? 0 : timeout_ms);
    if (rc < 0)
        return rc;
    server_filters_tick(s);
    if (server_reload_turn(s))
        server_filters_tick(s); /* timers of other filters */
    s->work_left = fanout_flush(&s->fanout);
    hub_flushed(&s->hub);
    if (s->hub.attend.count > 0 && session_attend(s))
        s->work_left = true;
    if (s->hub.dirty.count + s->hub.pending.count > 0)
        s->work_left = true;
    watch_connections(s);
    if (s->stopping && s->hub.leaving + s->hub.stats.clients == 0)
        s->stopped = true;
    return 0;
}

int server_start(struct server *s)
{
    diag_never_wait();
    while (!s->stopped) {
        int rc = server_turn(s, NETPOLL_FOREVER);
        if (rc < 0) {
            diag_log(DIAG_ERROR, "the poll interface failed: %s", strerror(-rc));
            return EX_OSERR;
        }
    }
    diag_log(DIAG_INFO, "stopped");
    return 0;
}

int server_broadcast(struct server *s, uint64_t client, struct str text)
{
    struct conn *c = hub_conn(&s->hub, client);
    if (!c || c->state != CONN_OPEN)
        return -ENOENT;
    uint64_t before = s->hub.stats.messages;
    hub_say(&s->hub, c, FILTER_MESSAGE, text);
    if (s->hub.stats.messages == before)
        return 0;
    return (int)room_present(hub_room_at(&s->hub, conn_room(c))) - 1;
}

void server_close(struct server *s)
{
    if (!s)
        return;
    netpoll_free(s->np);
    server_listen_close(s);
    server_checker_close(s);
    server_reload_close(s);
    fanout_fini(&s->fanout);
    hub_fini(&s->hub);
    free(s->attended.items);
    free(s);
}
