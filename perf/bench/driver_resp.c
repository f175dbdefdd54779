/*
 * Redis pub/sub. A room is a channel; who only talks need not subscribe. Each publish is answered
 * with a number. A connection that subscribes may not publish in version 2 of the protocol, so who
 * does both speaks version 3; the others speak 2, as most clients do.
 */
#include "driver_text.h"

enum {
    DEPTH_MAX = 8,     /* of replies in replies */
    ELEMENTS_MAX = 256 /* of a reply; a longer one is not what we asked for */
};

enum { WAIT_PONG = 1 };

static char *put_bulk(char *out, const char *text, size_t size)
{
    out = put(put_number(put(out, "$"), size), "\r\n");
    return put(put_bytes(out, text, size), "\r\n");
}

static char *put_channel(char *out, uint32_t room)
{
    char name[1 + ROOM_DIGITS];
    put_room(put(name, "r"), room);
    return put_bulk(out, name, sizeof name);
}

static size_t resp_ping(char *out)
{
    return (size_t)(put(out, "*1\r\n$4\r\nPING\r\n") - out);
}

static enum greet_result resp_greet(struct dialogue *d, const struct unit *heard, char *out,
                                    size_t *size)
{
    *size = 0;
    if (d->step == WAIT_PONG)
        return heard && heard->kind == UNIT_PONG ? GREET_DONE : GREET_ON;
    d->step = WAIT_PONG;
    char *end = out;
    if (d->listens && d->talks)
        end = put(end, "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n");
    if (d->listens)
        end = put_channel(put(end, "*2\r\n$9\r\nSUBSCRIBE\r\n"), d->room);
    *size = (size_t)(end - out) + resp_ping(end);
    return GREET_ON;
}

static size_t resp_publish(char *out, uint32_t room, const char *text, size_t size)
{
    char *end = put_channel(put(out, "*3\r\n$7\r\nPUBLISH\r\n"), room);
    return (size_t)(put_bulk(end, text, size) - out);
}

/* The number in a unit's first line: "$5", "*3", ">3", "%7". -1 stands for nothing; -2 is none. */
static long header_number(const struct unit *line)
{
    enum { DIGITS_MAX = 9 };
    const char *at = line->text + 1;
    size_t n = line->text_size - 1;
    long number = 0;
    if (n == 2 && memcmp(at, "-1", 2) == 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (at[i] < '0' || at[i] > '9' || n > DIGITS_MAX)
            return -2;
        number = number * 10 + (at[i] - '0');
    }
    return n > 0 ? number : -2;
}

static size_t take_reply(const char *bytes, size_t size, unsigned depth, struct unit *last);

/* A counted string: `head` bytes, then `number` of them, then CRLF. */
static size_t take_string(const char *bytes, size_t size, size_t head, long number,
                          struct unit *last)
{
    if (number == -1)
        return head;
    if (number < 0 || number > DRIVER_UNIT_MAX)
        return SIZE_MAX;
    *last = (struct unit){.text = bytes + head, .text_size = (size_t)number};
    return size < head + last->text_size + 2 ? 0 : head + last->text_size + 2;
}

static size_t take_elements(const char *bytes, size_t size, size_t at, long count, unsigned depth,
                            struct unit *last)
{
    if (count > ELEMENTS_MAX || count < -1)
        return SIZE_MAX;
    for (long i = 0; i < count; i++) {
        size_t taken = take_reply(bytes + at, size - at, depth + 1, last);
        if (taken == 0 || taken == SIZE_MAX)
            return taken;
        at += taken;
    }
    return at;
}

/* The size of a whole reply, whatever it is; `last` is the last string or line in it. */
static size_t take_reply(const char *bytes, size_t size, unsigned depth, struct unit *last)
{
    struct unit line;
    size_t head = take_line(bytes, size, &line);
    if (head == 0 || head == SIZE_MAX)
        return head;
    if (depth > DEPTH_MAX || line.text_size == 0)
        return SIZE_MAX;
    switch (line.text[0]) {
    case '$':
    case '=':
        return take_string(bytes, size, head, header_number(&line), last);
    case '*':
    case '>':
    case '~':
        return take_elements(bytes, size, head, header_number(&line), depth, last);
    case '%':
        return take_elements(bytes, size, head, 2 * header_number(&line), depth, last);
    default:
        *last = line;
        return head;
    }
}

/* What is looked at are its first bytes: they are the same in every reply of its kind. */
static enum unit_kind resp_kind(const char *bytes, size_t size, const struct unit *last)
{
    static const char message[] = "3\r\n$7\r\nmessage\r\n";
    static const char pong[] = "*2\r\n$4\r\npong\r\n";
    const struct unit whole = {.text = bytes, .text_size = size};
    bool list = bytes[0] == '*' || bytes[0] == '>';
    if (list && size > sizeof message && memcmp(bytes + 1, message, sizeof message - 1) == 0)
        return UNIT_DELIVERY;
    if (begins(&whole, pong) || begins(&whole, "+PONG"))
        return UNIT_PONG;
    return bytes[0] == '-' && last->text_size > 0 ? UNIT_ERROR : UNIT_OTHER;
}

static size_t resp_next(const char *bytes, size_t size, struct unit *unit)
{
    *unit = (struct unit){.text = bytes};
    size_t taken = take_reply(bytes, size, 0, unit);
    if (taken != 0 && taken != SIZE_MAX)
        unit->kind = resp_kind(bytes, taken, unit);
    return taken;
}

/* The server asks nothing. */
static size_t resp_pong(char *out, const struct unit *ping)
{
    (void)out;
    (void)ping;
    return 0;
}

const struct driver driver_resp = {
    .name = "resp",
    .about = "Redis pub/sub, a channel for a room",
    .port = 6379,
    .text_max = DRIVER_TEXT_MAX,
    .echoes = true,
    .answers = true,
    .greet = resp_greet,
    .publish = resp_publish,
    .next = resp_next,
    .ping = resp_ping,
    .pong = resp_pong,
};
