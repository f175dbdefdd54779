/*
 * MQTT 3.1.1 at QoS 0. A room is a topic; who only talks need not subscribe. Keep-alive is off, so
 * the server asks nothing.
 */
#include "driver_text.h"

enum {
    CONNECT = 0x10,
    CONNACK = 0x20,
    PUBLISH = 0x30,
    SUBSCRIBE = 0x82,
    SUBACK = 0x90,
    PINGREQ = 0xc0,
    PINGRESP = 0xd0,

    TOPIC_SIZE = 1 + ROOM_DIGITS,
    LENGTH_BYTES_MAX = 4,
    SUBACK_REFUSED = 0x80,
};

enum { WAIT_CONNACK = 1, WAIT_SUBACK, WAIT_PONG };

static char *put_byte(char *out, unsigned byte)
{
    *out = (char)(unsigned char)byte;
    return out + 1;
}

static char *put_short(char *out, size_t n)
{
    return put_byte(put_byte(out, (unsigned)(n >> 8) & 0xff), (unsigned)n & 0xff);
}

/* Seven bits a byte, the low ones first. */
static char *put_length(char *out, size_t n)
{
    for (; n >= 0x80; n >>= 7)
        out = put_byte(out, (unsigned)(n & 0x7f) | 0x80);
    return put_byte(out, (unsigned)n);
}

static char *put_topic(char *out, uint32_t room)
{
    return put_room(put(put_short(out, TOPIC_SIZE), "r"), room);
}

static size_t mqtt_ping(char *out)
{
    return (size_t)(put_byte(put_byte(out, PINGREQ), 0) - out);
}

/* Protocol level 4, clean session, keep-alive 0. */
static size_t say_connect(char *out, uint32_t id)
{
    char name[24];
    size_t name_size = (size_t)(put_number(put(name, "bench"), id) - name);
    char *end = put_length(put_byte(out, CONNECT), 12 + name_size);
    end = put(put_short(end, 4), "MQTT");
    end = put_short(put_byte(put_byte(end, 4), 2), 0);
    end = put_bytes(put_short(end, name_size), name, name_size);
    return (size_t)(end - out);
}

static size_t say_subscribe(char *out, uint32_t room)
{
    char *end = put_length(put_byte(out, SUBSCRIBE), 2 + 2 + TOPIC_SIZE + 1);
    end = put_byte(put_topic(put_short(end, 1), room), 0);
    return (size_t)(end - out);
}

static unsigned type_of(const struct unit *unit)
{
    return unit->text_size > 0 ? (unsigned char)unit->text[0] & 0xf0u : 0;
}

static enum greet_result mqtt_greet(struct dialogue *d, const struct unit *heard, char *out,
                                    size_t *size)
{
    *size = 0;
    if (!heard) {
        d->step = WAIT_CONNACK;
        *size = say_connect(out, d->id);
    } else if (d->step == WAIT_CONNACK && type_of(heard) == CONNACK) {
        d->step = d->listens ? WAIT_SUBACK : WAIT_PONG;
        *size = d->listens ? say_subscribe(out, d->room) : mqtt_ping(out);
    } else if (d->step == WAIT_SUBACK && type_of(heard) == SUBACK) {
        d->step = WAIT_PONG;
        *size = mqtt_ping(out);
    } else if (d->step == WAIT_PONG && heard->kind == UNIT_PONG) {
        return GREET_DONE;
    }
    return GREET_ON;
}

static size_t mqtt_publish(char *out, uint32_t room, const char *text, size_t size)
{
    char *end = put_length(put_byte(out, PUBLISH), 2 + TOPIC_SIZE + size);
    end = put_bytes(put_topic(end, room), text, size);
    return (size_t)(end - out);
}

/* The fixed header: type, then the length of the rest. Returns its size, 0 if it is cut short,
 * SIZE_MAX if there is no such length. */
static size_t take_head(const char *bytes, size_t size, size_t *rest)
{
    *rest = 0;
    for (unsigned i = 0; i < LENGTH_BYTES_MAX; i++) {
        if (size < i + 2)
            return 0;
        unsigned byte = (unsigned char)bytes[i + 1];
        *rest |= (size_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80)
            return *rest <= DRIVER_UNIT_MAX ? i + 2 : SIZE_MAX;
    }
    return SIZE_MAX;
}

/* The text behind the topic. */
static bool open_publish(const char *rest, size_t size, struct unit *unit)
{
    size_t topic = size < 2 ? 0 : (size_t)((unsigned char)rest[0] << 8 | (unsigned char)rest[1]);
    if (size < 2 + topic)
        return false;
    *unit = (struct unit){
        .kind = UNIT_DELIVERY, .text = rest + 2 + topic, .text_size = size - 2 - topic};
    return true;
}

/* CONNACK and SUBACK end in a code, and 0 is good. */
static enum unit_kind mqtt_kind(unsigned type, const char *rest, size_t size)
{
    unsigned code = size > 0 ? (unsigned char)rest[size - 1] : 0;
    if (type == PINGRESP)
        return UNIT_PONG;
    if ((type == CONNACK && code != 0) || (type == SUBACK && code == SUBACK_REFUSED))
        return UNIT_ERROR;
    return UNIT_OTHER;
}

static size_t mqtt_next(const char *bytes, size_t size, struct unit *unit)
{
    size_t rest;
    size_t head = take_head(bytes, size, &rest);
    if (head == 0 || head == SIZE_MAX)
        return head;
    if (size < head + rest)
        return 0;
    unsigned type = (unsigned char)bytes[0] & 0xf0u;
    if (type == PUBLISH)
        return open_publish(bytes + head, rest, unit) ? head + rest : SIZE_MAX;
    *unit = (struct unit){
        .kind = mqtt_kind(type, bytes + head, rest), .text = bytes, .text_size = head + rest};
    return head + rest;
}

/* With keep-alive off the server asks nothing. */
static size_t mqtt_pong(char *out, const struct unit *ping)
{
    (void)out;
    (void)ping;
    return 0;
}

const struct driver driver_mqtt = {
    .name = "mqtt",
    .about = "MQTT 3.1.1 at QoS 0, a topic for a room",
    .port = 1883,
    .text_max = DRIVER_TEXT_MAX,
    .echoes = true,
    .greet = mqtt_greet,
    .publish = mqtt_publish,
    .next = mqtt_next,
    .ping = mqtt_ping,
    .pong = mqtt_pong,
};
