/*
 * Addresses as text, and listening sockets. inet_pton(3) and inet_ntop(3) do the real work.
 */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44 /* newer than the headers of some distributions */
#endif

/* A long text is cut, so that it does not crowd out what is wrong with it. */
static int fault(char *why, size_t why_size, const char *text, const char *what)
{
    enum { SHOWN = 64 };
    const char *dots = strlen(text) > SHOWN ? "..." : "";
    snprintf(why, why_size, "\"%.*s%s\" %s", SHOWN, text, dots, what);
    return -EINVAL;
}

static int parse_unix(struct address *out, const char *text, char *why, size_t why_size)
{
    const char *path = text + strlen("unix:");
    size_t size = strlen(path);
    if (size == 0)
        return fault(why, why_size, text, "has no path after unix:");
    if (size >= sizeof out->u.local.sun_path)
        return fault(why, why_size, text, "is longer than a unix socket's path may be (107 bytes)");
    out->u.local.sun_family = AF_UNIX;
    memcpy(out->u.local.sun_path, path, size + 1);
    out->length = (socklen_t)sizeof out->u.local;
    return 0;
}

/* -1 unless `text` is a whole number from 0 to 65535. */
static int parse_port(const char *text)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    unsigned long port = strtoul(text, &end, 10);
    return *end != '\0' || port > 65535 ? -1 : (int)port;
}

static int parse_host(struct address *out, const char *host, bool brackets, uint16_t port)
{
    if (!brackets && strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (!brackets && inet_pton(AF_INET, host, &out->u.v4.sin_addr) == 1) {
        out->u.v4.sin_family = AF_INET;
        out->u.v4.sin_port = htons(port);
        out->length = (socklen_t)sizeof out->u.v4;
        return 0;
    }
    if (brackets && inet_pton(AF_INET6, host, &out->u.v6.sin6_addr) == 1) {
        out->u.v6.sin6_family = AF_INET6;
        out->u.v6.sin6_port = htons(port);
        out->length = (socklen_t)sizeof out->u.v6;
        return 0;
    }
    return -EINVAL;
}

int address_parse(struct address *out, const char *text, char *why, size_t why_size)
{
    *out = (struct address){0};
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(out, text, why, why_size);

    const char *colon = strrchr(text, ':');
    int port = colon ? parse_port(colon + 1) : -1;
    if (port < 0)
        return fault(why, why_size, text, "does not end in :PORT, a number from 0 to 65535");

    size_t size = (size_t)(colon - text);
    bool brackets = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    if (memchr(text, ':', size) && !brackets)
        return fault(why, why_size, text, "needs brackets around an IPv6 address: [::1]:8888");
    char host[INET6_ADDRSTRLEN + 1];
    size_t from = brackets ? 1 : 0;
    size -= 2 * from;
    if (size >= sizeof host)
        return fault(why, why_size, text, "has no numeric address before its port");
    memcpy(host, text + from, size);
    host[size] = '\0';
    if (parse_host(out, host, brackets, (uint16_t)port) < 0)
        return fault(why, why_size, text, "has no numeric address before its port");
    return 0;
}

struct address_brief address_shorten(const struct address *a)
{
    struct address_brief b = {.family = a->length ? a->u.any.sa_family : AF_UNSPEC};
    if (b.family == AF_INET) {
        b.port = ntohs(a->u.v4.sin_port);
        memcpy(b.bytes, &a->u.v4.sin_addr, 4);
    } else if (b.family == AF_INET6) {
        b.port = ntohs(a->u.v6.sin6_port);
        memcpy(b.bytes, &a->u.v6.sin6_addr, 16);
    }
    return b;
}

const char *address_brief_format(const struct address_brief *b, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    switch (b->family) {
    case AF_INET:
        inet_ntop(AF_INET, b->bytes, host, sizeof host);
        snprintf(out, size, "%s:%u", host, b->port);
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, b->bytes, host, sizeof host);
        snprintf(out, size, "[%s]:%u", host, b->port);
        break;
    case AF_UNIX:
        snprintf(out, size, "unix");
        break;
    default:
        snprintf(out, size, "unknown");
    }
    return out;
}

const char *address_format(const struct address *a, char *out, size_t size)
{
    if (a->length && a->u.any.sa_family == AF_UNIX && a->u.local.sun_path[0] != '\0') {
        snprintf(out, size, "unix:%.*s", (int)sizeof a->u.local.sun_path, a->u.local.sun_path);
        return out;
    }
    struct address_brief b = address_shorten(a);
    return address_brief_format(&b, out, size);
}

int address_of_peer(int fd, struct address *out)
{
    *out = (struct address){0};
    socklen_t length = (socklen_t)sizeof out->u;
    if (getpeername(fd, &out->u.any, &length) < 0)
        return -errno;
    out->length = length;
    return 0;
}

/* True if nobody listens on the path any more: its owner died without removing it. */
static bool path_is_stale(const struct address *a)
{
    struct stat st;
    if (lstat(a->u.local.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool stale = connect(fd, &a->u.any, a->length) < 0 && errno == ECONNREFUSED;
    close(fd);
    return stale;
}

/* bind(). There is no moment in which others could connect to a path: the umask is set before. */
static int bind_once(int fd, const struct address *a)
{
    enum { OWNER_AND_GROUP = 0117 };
    mode_t before = umask(OWNER_AND_GROUP);
    int rc = bind(fd, &a->u.any, a->length) < 0 ? -errno : 0;
    umask(before);
    return rc;
}

static int bind_address(int fd, const struct address *a)
{
    int rc = bind_once(fd, a);
    if (rc != -EADDRINUSE || a->u.any.sa_family != AF_UNIX || !path_is_stale(a))
        return rc;
    address_unlink(a);
    return bind_once(fd, a);
}

/* What accepted sockets inherit: no Nagle (the hub batches by itself); an idle peer that is gone
 * without a word is noticed within a few minutes, by keepalive; for one that is owed something see
 * netpoll_silence(). One that comes back is sent the rest within 20 s, not two minutes
 * (Linux 6.15), or it would be taken for gone after half of that time. TCP_USER_TIMEOUT (RFC 5482)
 * would be for that, but also ends a peer that reads, only slowly: Linux counts from the first time
 * its window was full until the window takes the whole of what is next to be sent, and that may be
 * 64 KiB. And what a peer does not take stays with the hub, which has a bound for it, and not by
 * the megabyte with the kernel, where a thousand such peers use up what all of TCP may have. */
static void set_options(int fd, sa_family_t family)
{
    int on = 1;
    if (family == AF_UNIX)
        return;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    int idle_s = 60;
    int interval_s = 20;
    int probes = 4;
    int again_ms = 20000;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_RTO_MAX_MS, &again_ms, sizeof again_ms);
    int unsent_max = 128 << 10;
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max, sizeof unsent_max);
}

/* Where a socket was bound: the kernel may have chosen the port. */
static int read_back(int fd, struct address *a)
{
    a->length = (socklen_t)sizeof a->u;
    return getsockname(fd, &a->u.any, &a->length) < 0 ? -errno : 0;
}

int address_listen(struct address *a)
{
    sa_family_t family = a->u.any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_options(fd, family);
    if (family == AF_INET6) { /* IPv4 is left to others */
        int on = 1;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    int rc = bind_address(fd, a);
    if (rc == 0 && listen(fd, SOMAXCONN) < 0)
        rc = -errno;
    if (rc == 0)
        rc = read_back(fd, a);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return fd;
}

static int int_option(int fd, int name)
{
    int value = 0;
    socklen_t size = (socklen_t)sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -errno : value;
}

int address_inherit(int fd, struct address *a)
{
    *a = (struct address){.length = 0};
    int rc = read_back(fd, a);
    if (rc < 0)
        return rc;
    if (int_option(fd, SO_TYPE) != SOCK_STREAM || int_option(fd, SO_ACCEPTCONN) != 1)
        return -EINVAL;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        return -errno;
    set_options(fd, a->u.any.sa_family);
    return 0;
}

int address_give(const struct address *a, uid_t uid, gid_t gid)
{
    if (a->u.any.sa_family != AF_UNIX)
        return 0;
    return lchown(a->u.local.sun_path, uid, gid) < 0 ? -errno : 0;
}

void address_unlink(const struct address *a)
{
    if (a->length && a->u.any.sa_family == AF_UNIX)
        unlink(a->u.local.sun_path);
}
