/*
 * chatroom_floor: the least that a fan-out can cost on this machine, to hold the server's figures
 * against: `chatroom_bench --server build/chatroom_floor`. It takes the lines of a turn and sends
 * them to each member with one send(); or, with `--server-arg --per-message`, each line by itself.
 * It has nothing else: no rooms, no names, no commands but the ping that chatroom_bench needs, no
 * care for bad input, and a blocking send, so that one slow member would stop all. Other options
 * are accepted and ignored.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define FDS_MAX    65536
#define READ_SIZE  65536
#define INPUT_SIZE (2 * READ_SIZE) /* what was read, and the beginning of a line before it */
#define BATCH_SIZE (4 * INPUT_SIZE)

struct floor {
    int epoll;
    int listener;
    bool per_message;
    unsigned members;
    int member[FDS_MAX];
    unsigned id[FDS_MAX];   /* by descriptor */
    size_t begun[FDS_MAX];  /* bytes of a line that has no end yet */
    char *partial[FDS_MAX]; /* and where they are, for those that ever had some */
    int talker;             /* who said what is in the batch */
    size_t batched;
    char batch[BATCH_SIZE];
    char input[INPUT_SIZE];
};

static void quit(int number)
{
    (void)number;
    _exit(0);
}

static _Noreturn void die(const char *what)
{
    perror(what);
    _exit(1);
}

static void put(int fd, const char *text, int size)
{
    if (send(fd, text, (size_t)size, MSG_NOSIGNAL) != size)
        fputs("chatroom_floor: a send fell short\n", stderr);
}

static void watch(struct floor *f, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
        die("epoll_ctl");
}

static void enter(struct floor *f)
{
    char text[128];
    static unsigned ids;
    int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 || fd >= FDS_MAX)
        die("accept");
    f->id[fd] = ++ids;
    f->begun[fd] = 0;
    f->member[f->members++] = fd;
    watch(f, fd);
    put(fd, text,
        snprintf(text, sizeof text,
                 "* Welcome to the chat room! Your chat ID is client-%u. %u others are here.\n",
                 f->id[fd], f->members - 1));
}

static void leave(struct floor *f, int fd)
{
    for (unsigned i = 0; i < f->members; i++)
        if (f->member[i] == fd)
            f->member[i--] = f->member[--f->members];
    free(f->partial[fd]);
    f->partial[fd] = NULL;
    close(fd);
}

/* One send per member: all that this is about. */
static void flush(struct floor *f)
{
    for (unsigned i = 0; f->batched && i < f->members; i++)
        if (f->member[i] != f->talker)
            put(f->member[i], f->batch, (int)f->batched);
    f->batched = 0;
}

static void command(int fd, const char *line, size_t size)
{
    static const char refusal[] = "! there are no rooms here, and no commands but /ping\n";
    char text[128];
    if (strncmp(line, "/ping ", 6) == 0 && size < 100)
        put(fd, text, snprintf(text, sizeof text, "* pong %.*s", (int)size - 6, line + 6));
    else
        put(fd, refusal, sizeof refusal - 1);
}

/* Lines are short here; the batch holds what one read can bring, with the names before it. */
static void say_line(struct floor *f, int fd, const char *line, size_t size)
{
    char name[32];
    size_t n = (size_t)snprintf(name, sizeof name, "client-%u: ", f->id[fd]);
    if (f->batched && (f->talker != fd || f->batched + n + size > BATCH_SIZE))
        flush(f);
    f->talker = fd;
    memcpy(f->batch + f->batched, name, n);
    memcpy(f->batch + f->batched + n, line, size);
    f->batched += n + size;
    if (f->per_message)
        flush(f);
}

static void keep(struct floor *f, int fd, const char *rest, size_t size)
{
    if (size > READ_SIZE)
        die("line too long");
    if (size && !f->partial[fd] && !(f->partial[fd] = malloc(READ_SIZE)))
        die("malloc");
    if (size)
        memcpy(f->partial[fd], rest, size);
    f->begun[fd] = size;
}

static void take(struct floor *f, int fd)
{
    char *at = f->input;
    size_t left = f->begun[fd];
    if (left)
        memcpy(at, f->partial[fd], left);
    ssize_t n = recv(fd, at + left, READ_SIZE, 0);
    if (n <= 0) {
        leave(f, fd);
        return;
    }
    left += (size_t)n;
    for (char *end; (end = memchr(at, '\n', left));) {
        size_t size = (size_t)(end - at) + 1;
        if (*at == '/')
            command(fd, at, size);
        else
            say_line(f, fd, at, size);
        at += size;
        left -= size;
    }
    keep(f, fd, at, left);
}

static void open_all(struct floor *f)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    struct rlimit limit;
    int on = 1;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (f->epoll < 0 || f->listener < 0)
        die("socket");
    setsockopt(f->listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(f->listener, (struct sockaddr *)&a, size) < 0 || listen(f->listener, 1024) < 0 ||
        getsockname(f->listener, (struct sockaddr *)&a, &size) < 0)
        die("listen");
    watch(f, f->listener);
    fprintf(stderr, "chatroom_floor: info: listening on 127.0.0.1:%d\n", ntohs(a.sin_port));
}

int main(int argc, char **argv)
{
    static struct floor f;
    struct epoll_event events[EVENTS_MAX];
    signal(SIGTERM, quit);
    for (int i = 1; i < argc; i++)
        f.per_message |= strcmp(argv[i], "--per-message") == 0;
    open_all(&f);
    for (;;) {
        int n = epoll_wait(f.epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++)
            if (events[i].data.fd == f.listener)
                enter(&f);
            else
                take(&f, events[i].data.fd);
        flush(&f);
    }
}
