/*
 * WebSocket, RFC 6455, for a server that passes a text message on to all others on the same path,
 * as it is, and not back to whom it came from: "GET /r00000" enters room 0. The key and the masks
 * are the same each time: here nobody has to be protected from a proxy.
 */
#include "driver_text.h"

enum {
    FINAL = 0x80,
    TEXT = 0x1,
    CLOSE = 0x8,
    PING = 0x9,
    PONG = 0xa,
    MASKED = 0x80,

    SHORT_MAX = 125, /* sizes up to here stand in the second byte, 126 says: in the next two */
    LONG = 126,
    CONTROL_MAX = 125,
};

enum { WAIT_SWITCH = 1, WAIT_PONG };

static const unsigned char mask[4] = {0x5a, 0xc3, 0x17, 0x8e};

static char *put_byte(char *out, size_t byte)
{
    *out = (char)(unsigned char)byte;
    return out + 1;
}

/* A frame of a client: masked. */
static size_t put_frame(char *out, unsigned type, const char *text, size_t size)
{
    char *end = put_byte(out, FINAL | type);
    if (size <= SHORT_MAX)
        end = put_byte(end, MASKED | size);
    else
        end = put_byte(put_byte(put_byte(end, MASKED | LONG), size >> 8 & 0xff), size & 0xff);
    end = put_bytes(end, (const char *)mask, sizeof mask);
    for (size_t i = 0; i < size; i++)
        end[i] = (char)(text[i] ^ mask[i % sizeof mask]);
    return (size_t)(end - out) + size;
}

static size_t ws_ping(char *out)
{
    return put_frame(out, PING, "bench", 5);
}

static size_t ask_switch(char *out, uint32_t room)
{
    char *end = put_room(put(out, "GET /r"), room);
    end = put(end, " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Key: Y2hhdHJvb21fYmVuY2ghIQ==\r\n"
                   "Sec-WebSocket-Version: 13\r\n\r\n");
    return (size_t)(end - out);
}

/* Done when the server has answered a ping, and so has dealt with the rest. */
static enum greet_result ws_greet(struct dialogue *d, const struct unit *heard, char *out,
                                  size_t *size)
{
    *size = 0;
    if (!heard) {
        d->step = WAIT_SWITCH;
        *size = ask_switch(out, d->room);
    } else if (d->step == WAIT_SWITCH && begins(heard, "HTTP/1.1 101")) {
        d->step = WAIT_PONG;
        *size = ws_ping(out);
    } else if (d->step == WAIT_PONG && heard->kind == UNIT_PONG) {
        return GREET_DONE;
    }
    return GREET_ON;
}

static size_t ws_publish(char *out, uint32_t room, const char *text, size_t size)
{
    (void)room; /* the path says it */
    return put_frame(out, TEXT, text, size);
}

/* The answer to the request: to its empty line. A frame never begins with an H: bit 6 is 0. */
static size_t take_response(const char *bytes, size_t size, struct unit *unit)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (!end)
        return size < DRIVER_UNIT_MAX ? 0 : SIZE_MAX;
    *unit = (struct unit){.kind = UNIT_OTHER, .text = bytes, .text_size = (size_t)(end - bytes)};
    if (!begins(unit, "HTTP/1.1 101"))
        unit->kind = UNIT_ERROR;
    return unit->text_size + 4;
}

static enum unit_kind frame_kind(unsigned type)
{
    switch (type) {
    case TEXT:
        return UNIT_DELIVERY;
    case PING:
        return UNIT_PING;
    case PONG:
        return UNIT_PONG;
    case CLOSE:
        return UNIT_ERROR;
    default:
        return UNIT_OTHER;
    }
}

/* A frame of a server: not masked, not in pieces, and of no more than 64 KiB. */
static size_t take_frame(const char *bytes, size_t size, struct unit *unit)
{
    if (size < 2)
        return 0;
    size_t head = 2;
    size_t n = (unsigned char)bytes[1];
    if (n == LONG) {
        if (size < 4)
            return 0;
        head = 4;
        n = (size_t)((unsigned char)bytes[2] << 8 | (unsigned char)bytes[3]);
    }
    if (n > DRIVER_UNIT_MAX || (head == 2 && n > SHORT_MAX) || !(bytes[0] & FINAL))
        return SIZE_MAX;
    if (size < head + n)
        return 0;
    *unit = (struct unit){
        .kind = frame_kind((unsigned char)bytes[0] & 0xf), .text = bytes + head, .text_size = n};
    return head + n;
}

static size_t ws_next(const char *bytes, size_t size, struct unit *unit)
{
    if (size > 0 && bytes[0] == 'H')
        return take_response(bytes, size, unit);
    return take_frame(bytes, size, unit);
}

static size_t ws_pong(char *out, const struct unit *ping)
{
    size_t size = ping->text_size <= CONTROL_MAX ? ping->text_size : CONTROL_MAX;
    return put_frame(out, PONG, ping->text, size);
}

const struct driver driver_ws = {
    .name = "ws",
    .about = "WebSocket, a path for a room",
    .port = 8080,
    .text_max = DRIVER_TEXT_MAX,
    .must_join = true,
    .greet = ws_greet,
    .publish = ws_publish,
    .next = ws_next,
    .ping = ws_ping,
    .pong = ws_pong,
};
