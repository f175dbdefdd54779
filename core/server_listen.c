/*
 * Listening sockets: those that the options name, and those that a service manager hands over
 * (sd_listen_fds(3): LISTEN_PID and LISTEN_FDS, descriptors from 3 on). Opened early, while the
 * hub may still be root; polled late, once everything else stands.
 */
#include "diag.h"
#include "privileges.h"
#include "server_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_LISTEN "127.0.0.1:8888"

enum { FIRST_INHERITED = 3 };

static int cannot_listen(const struct address *a, int error)
{
    char text[ADDRESS_TEXT_MAX];
    diag_log(DIAG_ERROR, "cannot listen on %s: %s", address_format(a, text, sizeof text),
             strerror(error));
    return EX_UNAVAILABLE;
}

static int add_listener(struct server *s, const struct address *a, int fd, bool inherited)
{
    if (s->listener_count == OPTIONS_LISTEN_MAX) {
        close(fd);
        return cannot_listen(a, EMFILE);
    }
    s->listeners[s->listener_count++] =
        (struct listener){.address = *a, .fd = fd, .inherited = inherited};
    return 0;
}

/* socket(), bind(), listen() */
static int open_listener(struct server *s, const struct address *wanted,
                         const struct privileges_user *user)
{
    struct address a = *wanted;
    int fd = address_listen(&a);
    if (fd < 0)
        return cannot_listen(wanted, -fd);
    if (user && address_give(&a, user->uid, user->gid) < 0)
        diag_log(DIAG_WARN, "cannot give the socket to user %s: %s", user->name, strerror(errno));
    return add_listener(s, &a, fd, false);
}

/* How many descriptors the service manager hands to this process. A child must not take them. */
static int count_inherited(void)
{
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    bool ours = pid && count && strtol(pid, NULL, 10) == (long)getpid();
    long n = ours ? strtol(count, NULL, 10) : 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return n > 0 && n <= OPTIONS_LISTEN_MAX ? (int)n : 0;
}

static int inherit_listener(struct server *s, int fd)
{
    struct address a;
    int rc = address_inherit(fd, &a);
    if (rc == 0)
        return add_listener(s, &a, fd, true);
    diag_log(DIAG_ERROR, "descriptor %d from the service manager is no listening stream socket: %s",
             fd, strerror(-rc));
    return EX_UNAVAILABLE;
}

int server_listen_open(struct server *s, const struct privileges_user *user)
{
    const struct options *o = s->options;
    int inherited = count_inherited();
    int status = 0;
    for (int i = 0; i < inherited && status == 0; i++)
        status = inherit_listener(s, FIRST_INHERITED + i);
    for (size_t i = 0; i < o->listen_count && status == 0; i++)
        status = open_listener(s, &o->listen[i], user);
    if (status != 0 || s->listener_count > 0)
        return status;
    char why[128];
    struct address fallback;
    address_parse(&fallback, DEFAULT_LISTEN, why, sizeof why);
    return open_listener(s, &fallback, user);
}

int server_listen_start(struct server *s)
{
    char text[ADDRESS_TEXT_MAX];
    for (size_t i = 0; i < s->listener_count; i++) {
        struct listener *l = &s->listeners[i];
        int rc = netpoll_listen(s->np, l->fd, &l->handle);
        if (rc < 0)
            return cannot_listen(&l->address, -rc);
        l->fd = -1; /* the poller's now */
        diag_log(DIAG_INFO, "listening on %s", address_format(&l->address, text, sizeof text));
    }
    return 0;
}

void server_listen_close(struct server *s)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        struct listener *l = &s->listeners[i];
        if (l->fd >= 0)
            close(l->fd);
        if (!l->inherited)
            address_unlink(&l->address);
    }
}
