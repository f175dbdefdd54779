/*
 * NATS client protocol. A room is a subject; who only talks need not subscribe. The server pings
 * two seconds after the connect, and then every `ping_interval`: raise that for long runs.
 */
#include "driver_text.h"

enum { WAIT_INFO, WAIT_PONG };

enum { PING_SIZE = 6 }; /* "PING\r\n" */

static enum greet_result nats_greet(struct dialogue *d, const struct unit *heard, char *out,
                                    size_t *size)
{
    static const char connect[] = "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,"
                                  "\"lang\":\"c\",\"name\":\"chatroom_bench\"}\r\n";
    *size = 0;
    if (!heard)
        return GREET_ON;
    if (d->step == WAIT_PONG)
        return heard->kind == UNIT_PONG ? GREET_DONE : GREET_ON;
    if (!begins(heard, "INFO "))
        return GREET_ON;
    d->step = WAIT_PONG;
    char *end = put(out, connect);
    if (d->listens)
        end = put(put_room(put(end, "SUB r"), d->room), " 1\r\n");
    end = put(end, "PING\r\n");
    *size = (size_t)(end - out);
    return GREET_ON;
}

static size_t nats_publish(char *out, uint32_t room, const char *text, size_t size)
{
    char *end = put(put_room(put(out, "PUB r"), room), " ");
    end = put(put_number(end, size), "\r\n");
    end = put(put_bytes(end, text, size), "\r\n");
    return (size_t)(end - out);
}

/* Its last word, as a number. */
static size_t payload_size(const struct unit *unit)
{
    size_t size = 0;
    const char *at = memrchr(unit->text, ' ', unit->text_size);
    const char *end = unit->text + unit->text_size;
    for (at = at ? at + 1 : end; at < end && *at >= '0' && *at <= '9'; at++)
        size = size * 10 + (size_t)(*at - '0');
    return size;
}

/* MSG subject sid size CRLF payload CRLF */
static size_t take_message(const char *bytes, size_t size, size_t head, struct unit *unit)
{
    size_t payload = payload_size(unit);
    if (payload > DRIVER_TEXT_MAX)
        return SIZE_MAX;
    if (size < head + payload + 2)
        return 0;
    *unit = (struct unit){.kind = UNIT_DELIVERY, .text = bytes + head, .text_size = payload};
    return head + payload + 2;
}

static size_t nats_next(const char *bytes, size_t size, struct unit *unit)
{
    size_t head = take_line(bytes, size, unit);
    if (head == 0 || head == SIZE_MAX)
        return head;
    if (begins(unit, "MSG "))
        return take_message(bytes, size, head, unit);
    unit->kind = begins(unit, "PING")    ? UNIT_PING
                 : begins(unit, "PONG")  ? UNIT_PONG
                 : begins(unit, "-ERR ") ? UNIT_ERROR
                                         : UNIT_OTHER;
    return head;
}

static size_t nats_ping(char *out)
{
    return (size_t)(put(out, "PING\r\n") - out);
}

static size_t nats_pong(char *out, const struct unit *ping)
{
    (void)ping;
    return (size_t)(put(out, "PONG\r\n") - out);
}

const struct driver driver_nats = {
    .name = "nats",
    .about = "NATS, a subject for a room",
    .port = 4222,
    .text_max = DRIVER_TEXT_MAX,
    .keepalive = PING_SIZE,
    .greet = nats_greet,
    .publish = nats_publish,
    .next = nats_next,
    .ping = nats_ping,
    .pong = nats_pong,
};
