/*
 * Name resolution is getaddrinfo(3)'s. The time-out of connect(2) is the socket's own, SO_SNDTIMEO,
 * which Linux honours for TCP (EINPROGRESS when it is over) and unix sockets (EAGAIN) alike.
 */
#include "dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/* ---- reading ------------------------------------------------------------------------------- */

static int fault(char *why, size_t why_size, const char *text, const char *what)
{
    snprintf(why, why_size, "\"%s\" %s", text, what);
    return -EINVAL;
}

/* Writes `port` to the target if it is a number from 1 to 65535. */
static bool set_port(struct dial_target *out, const char *port)
{
    size_t size = strlen(port);
    if (size == 0 || size > 5 || strspn(port, "0123456789") != size)
        return false;
    unsigned long number = strtoul(port, NULL, 10);
    if (number < 1 || number > 65535)
        return false;
    memcpy(out->port, port, size + 1);
    return true;
}

/* Splits text into host and, behind the colon, port; *port is NULL where there is none. Returns
 * the host's size, or -1 where brackets do not match. */
static ssize_t split(const char *text, const char **host, const char **port)
{
    const char *colon = strrchr(text, ':');
    *host = text;
    *port = NULL;
    if (*text == '[') {
        const char *end = strchr(text, ']');
        if (!end || (end[1] != '\0' && end[1] != ':'))
            return -1;
        *host = text + 1;
        *port = end[1] == ':' ? end + 2 : NULL;
        return end - *host;
    }
    /* More than one colon and no brackets: an IPv6 address without a port. */
    if (!colon || strchr(text, ':') != colon)
        return (ssize_t)strlen(text);
    *port = colon + 1;
    return colon - text;
}

int dial_parse(struct dial_target *out, const char *text, char *why, size_t why_size)
{
    *out = (struct dial_target){.port = DIAL_DEFAULT_PORT};
    if (strncmp(text, "unix:", 5) == 0)
        return address_parse(&out->local, text, why, why_size);

    const char *host;
    const char *port;
    ssize_t size = split(text, &host, &port);
    if (size < 0 || size >= (ssize_t)sizeof out->host)
        return fault(why, why_size, text, "is no HOST[:PORT], [IPV6]:PORT or unix:PATH");
    if (port && !set_port(out, port))
        return fault(why, why_size, text, "does not end in a port number from 1 to 65535");
    if (size == 0) {
        host = DIAL_DEFAULT_HOST;
        size = (ssize_t)strlen(host);
    }
    memcpy(out->host, host, (size_t)size);
    return 0;
}

/* ---- connecting ---------------------------------------------------------------------------- */

/* What is typed goes out at once; a dead hub is noticed within a few minutes. */
static void set_options(int fd, sa_family_t family, unsigned timeout_ms)
{
    struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (family == AF_UNIX)
        return;
    int on = 1;
    int idle_s = 60;
    int interval_s = 20;
    int probes = 4;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

/* A connected socket or a negative errno. A connect() that was interrupted (stopped and continued,
 * say) goes on in the kernel; the next one waits for it. */
static int connect_one(const struct sockaddr *a, socklen_t length, unsigned timeout_ms)
{
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_options(fd, a->sa_family, timeout_ms);
    int rc;
    do
        rc = connect(fd, a, length);
    while (rc < 0 && errno == EINTR);
    if (rc == 0)
        return fd;
    rc = errno == EINPROGRESS || errno == EAGAIN ? -ETIMEDOUT : -errno;
    close(fd);
    return rc;
}

/* Appends "ADDRESS: reason" to the causes in `why`. */
static void add_cause(char *why, size_t why_size, const struct addrinfo *info, int error)
{
    struct address a = {.length = info->ai_addrlen};
    if (a.length <= sizeof a.u)
        memcpy(&a.u, info->ai_addr, a.length);
    char text[ADDRESS_TEXT_MAX];
    size_t used = strlen(why);
    snprintf(why + used, why_size - used, "%s%s: %s", used > 0 ? "; " : "",
             address_format(&a, text, sizeof text), strerror(error));
}

static int dial_each(const struct addrinfo *list, unsigned timeout_ms, char *why, size_t why_size)
{
    int fd = -ENXIO;
    for (const struct addrinfo *info = list; info && fd < 0; info = info->ai_next) {
        fd = connect_one(info->ai_addr, info->ai_addrlen, timeout_ms);
        if (fd < 0)
            add_cause(why, why_size, info, -fd);
    }
    return fd;
}

int dial(const struct dial_target *target, unsigned timeout_ms, char *why, size_t why_size)
{
    why[0] = '\0';
    if (target->local.length > 0) {
        struct address a = target->local;
        struct addrinfo only = {.ai_addr = &a.u.any, .ai_addrlen = a.length};
        return dial_each(&only, timeout_ms, why, why_size);
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list;
    int rc = getaddrinfo(target->host, target->port, &hints, &list);
    if (rc != 0) {
        const char *cause = rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc);
        snprintf(why, why_size, "%s: %s", target->host, cause);
        return -ENXIO;
    }
    int fd = dial_each(list, timeout_ms, why, why_size);
    freeaddrinfo(list);
    return fd;
}
