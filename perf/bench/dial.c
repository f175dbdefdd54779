/* See dial.h. */
#include "dial.h"

#include "say.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Last of the loopback addresses 127.0.0.1, 127.0.0.2 ... that connections come from. */
#define SOURCES_MAX 250
#define PER_SOURCE  4096

int dial_limit(unsigned wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return say(EX_OSERR, "getrlimit: %s", strerror(errno));
    if (limit.rlim_max < wanted)
        return say(EX_OSERR,
                   "needs %u descriptors, the hard limit is %llu: raise it (ulimit -Hn as root, "
                   "LimitNOFILE= in a unit) or ask for fewer connections",
                   wanted, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return say(EX_OSERR, "setrlimit: %s", strerror(errno));
    return 0;
}

static bool is_loopback(const struct sockaddr_in *a)
{
    return ntohl(a->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* From 127.0.0.`host`. The port is left for connect() to choose (prepare() says so): only then may
 * one serve once per destination. */
static int bind_source(int fd, unsigned host)
{
    struct sockaddr_in from = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl((INADDR_LOOPBACK & 0xffffff00u) | host),
    };
    return bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ? -errno : 0;
}

static int prepare(int fd)
{
    int on = 1;
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        return -errno;
    return 0;
}

static int connect_from(int fd, unsigned host, const struct sockaddr_in *server)
{
    int error = prepare(fd);
    if (!error && is_loopback(server))
        error = bind_source(fd, host);
    if (!error && connect(fd, (const struct sockaddr *)server, sizeof *server) < 0 &&
        errno != EINPROGRESS)
        error = -errno;
    return error;
}

/* A socket that could not connect keeps its address, so every try has a new one. The search for a
 * free port grows with those in use, so every few thousand descriptors begin at the next address.
 */
int dial_begin(const struct sockaddr_in *server, int *fd)
{
    int error = -EADDRNOTAVAIL;
    for (unsigned k = 0; k < SOURCES_MAX && error == -EADDRNOTAVAIL; k++) {
        *fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (*fd < 0)
            return say(EX_OSERR, "socket: %s", strerror(errno));
        error = connect_from(*fd, 1 + ((unsigned)*fd / PER_SOURCE + k) % SOURCES_MAX, server);
        if (!error)
            return 0;
        close(*fd);
    }
    *fd = -1;
    return say(EX_OSERR, "cannot connect to port %d: %s", ntohs(server->sin_port),
               strerror(-error));
}

bool dial_parse(const char *text, struct sockaddr_in *address)
{
    char host[INET_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    char *end;
    if (!colon || (size_t)(colon - text) >= sizeof host)
        return false;
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    unsigned long port = strtoul(colon + 1, &end, 10);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, host, &address->sin_addr) == 1 && !*end && colon[1] >= '0' &&
           colon[1] <= '9' && port > 0 && port <= UINT16_MAX;
}
