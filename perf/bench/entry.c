/* See entry.h. */
#include "entry.h"

#include "clocks.h"
#include "dial.h"
#include "say.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Lets the driver say something after what it heard. */
static int greet(struct entry *e, const struct unit *heard, bool *done)
{
    size_t size;
    if (sizeof e->out - e->out_end < DRIVER_SAY_MAX)
        return say(EX_PROTOCOL, "the server does not take the hand-shake");
    *done = e->driver->greet(&e->dialogue, heard, e->out + e->out_end, &size) == GREET_DONE;
    e->out_end += size;
    return 0;
}

int entry_begin(struct entry *e, const struct driver *driver, const struct sockaddr_in *server,
                const struct guest *guest)
{
    bool done;
    e->driver = driver;
    e->dialogue = (struct dialogue){
        .id = guest->id, .room = guest->room, .listens = guest->listens, .talks = guest->talks};
    e->connected = false;
    e->have = e->out_begin = e->out_end = 0;
    e->begun = now_ns();
    int status = dial_begin(server, &e->fd);
    return status ? status : greet(e, NULL, &done);
}

static int check_connected(struct entry *e)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (e->connected)
        return 0;
    getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        return say(EXIT_WRONG, "the server takes no more connections: %s", strerror(error));
    e->connected = true;
    return 0;
}

static int send_out(struct entry *e)
{
    while (e->out_begin < e->out_end) {
        ssize_t n = send(e->fd, e->out + e->out_begin, e->out_end - e->out_begin,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0)
            return say(EXIT_WRONG, "the server breaks the hand-shake off: %s", strerror(errno));
        e->out_begin += (size_t)n;
    }
    e->out_begin = e->out_end = 0;
    return 0;
}

static int hear(struct entry *e, const struct unit *unit, bool *done)
{
    if (unit->kind == UNIT_ERROR)
        return say(EX_PROTOCOL, "the server refuses to let connection %u in: %.*s", e->dialogue.id,
                   (int)unit->text_size, unit->text);
    if (unit->kind != UNIT_PING)
        return greet(e, unit, done);
    if (sizeof e->out - e->out_end >= DRIVER_SAY_MAX)
        e->out_end += e->driver->pong(e->out + e->out_end, unit);
    return 0;
}

/* Takes units out of what was read, until one of them says that all is done. */
static int take(struct entry *e, bool *done)
{
    size_t at = 0;
    int status = 0;
    while (!status && !*done) {
        struct unit unit;
        size_t n = e->driver->next(e->in + at, e->have - at, &unit);
        if (n == 0)
            break;
        if (n == SIZE_MAX)
            return say(EX_PROTOCOL, "this is not a server for --protocol %s: it says \"%.*s\"",
                       e->driver->name, e->have - at > 60 ? 60 : (int)(e->have - at), e->in + at);
        status = hear(e, &unit, done);
        at += n;
    }
    memmove(e->in, e->in + at, e->have - at);
    e->have -= at;
    return status;
}

/* Reads until there is no more, or all is done. */
static int receive(struct entry *e, bool *done)
{
    while (!*done) {
        ssize_t n = recv(e->fd, e->in + e->have, sizeof e->in - e->have, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0)
            return say(EXIT_WRONG, "the server ends the connection in the hand-shake%s%s",
                       n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
        e->have += (size_t)n;
        int status = take(e, done);
        if (status)
            return status;
        if (e->have == sizeof e->in)
            return say(EX_PROTOCOL, "the server says more at once than fits in %d bytes",
                       DRIVER_UNIT_MAX);
    }
    return 0;
}

int entry_step(struct entry *e, bool *done)
{
    *done = false;
    int status = check_connected(e);
    if (!status)
        status = send_out(e);
    if (!status)
        status = receive(e, done);
    if (!status)
        status = send_out(e);
    return status;
}
