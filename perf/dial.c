/*
 * Connections to the server, see dial.h. Relies on the texts of chatroom_protocol(7): the welcome
 * in lines, the counters in JSON.
 */
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
#include <sys/time.h>
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

static struct sockaddr_in loopback(unsigned host, int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl((INADDR_LOOPBACK & 0xffffff00u) | host),
    };
}

static int prepare(int fd)
{
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int on = 1;
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0)
        return -errno;
    return 0;
}

/* Connects from 127.0.0.`host`. The port is left for connect() to choose (prepare() says so): only
 * then may one serve once per destination. Returns 0 or a negative errno. */
static int connect_from(int fd, unsigned host, int port)
{
    struct sockaddr_in from = loopback(host, 0);
    struct sockaddr_in to = loopback(1, port);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        return -errno;
    return 0;
}

/* A socket that could not connect keeps its address, so every try has a new one. The search for a
 * free port grows with those in use, so every few thousand descriptors begin at the next address.
 */
int dial_open(int port, int *fd)
{
    int error = -EADDRNOTAVAIL;
    for (unsigned k = 0; k < SOURCES_MAX && error == -EADDRNOTAVAIL; k++) {
        *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (*fd < 0)
            return say(EX_OSERR, "socket: %s", strerror(errno));
        error = prepare(*fd);
        if (!error)
            error = connect_from(*fd, 1 + ((unsigned)*fd / PER_SOURCE + k) % SOURCES_MAX, port);
        if (!error)
            return 0;
        close(*fd);
    }
    *fd = -1;
    return say(EX_OSERR, "connect to 127.0.0.1:%d: %s", port, strerror(-error));
}

int dial_send(int fd, const char *text)
{
    size_t size = strlen(text);
    if (send(fd, text, size, MSG_NOSIGNAL) != (ssize_t)size)
        return say(EXIT_WRONG, "cannot send to the server: %s", strerror(errno));
    return 0;
}

static int lost(ssize_t n)
{
    if (n == 0)
        return say(EXIT_WRONG, "the server closed a connection");
    if (errno == EAGAIN)
        return say(EXIT_WRONG, "no answer from the server for %d s", PATIENCE_MS / 1000);
    return say(EXIT_WRONG, "cannot read from the server: %s", strerror(errno));
}

/* Peeks first: what stands behind the newline is not this function's to take. */
int dial_line(int fd, char *line, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t n = recv(fd, line + have, size - have, MSG_PEEK);
        if (n <= 0)
            return lost(n);
        char *end = memchr(line + have, '\n', (size_t)n);
        size_t take = end ? (size_t)(end - (line + have)) + 1 : (size_t)n;
        n = recv(fd, line + have, take, 0);
        if (n <= 0)
            return lost(n);
        if (end) {
            *end = '\0';
            return 0;
        }
        have += (size_t)n;
    }
    return say(EXIT_WRONG, "the server sent a line of more than %zu bytes", size);
}

int dial_enter(int port, int *fd, uint64_t *id)
{
    static const char before[] = "Your chat ID is client-";
    char line[512];
    int status = dial_open(port, fd);
    if (status)
        return status;
    status = dial_line(*fd, line, sizeof line);
    const char *at = status ? NULL : strstr(line, before);
    char *end = NULL;
    if (at)
        *id = strtoull(at + sizeof before - 1, &end, 10);
    if (!status && (!end || *end != '.'))
        status = say(EXIT_WRONG, "not a welcome: \"%s\"", line);
    if (status)
        close(*fd);
    return status;
}

/* Reads on until a line with `needle`. */
static int line_with(int fd, const char *needle, char *line, size_t size)
{
    int status;
    do
        status = dial_line(fd, line, size);
    while (!status && !strstr(line, needle));
    return status;
}

int dial_control(int port, int *fd)
{
    char line[DIAL_LINE_MAX];
    uint64_t id;
    int status = dial_enter(port, fd, &id);
    if (status)
        return status;
    status = dial_send(*fd, "/part #lobby\n/wire json\n");
    if (!status)
        status = line_with(*fd, "\"type\":\"welcome\"", line, sizeof line);
    if (status)
        close(*fd);
    return status;
}

int dial_counter(int control, const char *name, uint64_t *value, int *found)
{
    char line[DIAL_LINE_MAX];
    char key[64];
    int status = dial_send(control, "/stats\n");
    if (!status)
        status = line_with(control, "\"type\":\"stats\"", line, sizeof line);
    if (status)
        return status;
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(line, key);
    *found = at != NULL;
    *value = at ? strtoull(at + strlen(key), NULL, 10) : 0;
    return 0;
}

int dial_ping(int control)
{
    char line[DIAL_LINE_MAX];
    int status = dial_send(control, "/ping\n");
    if (!status)
        status = line_with(control, "\"type\":\"pong\"", line, sizeof line);
    return status;
}
