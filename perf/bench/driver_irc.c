/*
 * IRC, RFC 2812: a room is a channel. A delivery begins with who says it, ":nick!user@host", which
 * is the server's choice. Lines are at most 512 bytes, which bounds the text. Servers ping idle
 * clients: set that interval longer than the run.
 */
#include "driver_text.h"

enum { TEXT_MAX = 400 };

enum { WAIT_MOTD, WAIT_NAMES, WAIT_PONG };

static char *put_nick(char *out, uint32_t id)
{
    return put_number(put(out, "b"), id);
}

static size_t register_client(const struct dialogue *d, char *out)
{
    char *end = put(put_nick(put(out, "NICK "), d->id), "\r\n");
    end = put(put_nick(put(end, "USER "), d->id), " 0 * :bench\r\n");
    return (size_t)(end - out);
}

/* The reply's number, 0 if this is none: ":server 001 nick ...". */
static unsigned numeric(const struct unit *unit)
{
    const char *at = memchr(unit->text, ' ', unit->text_size);
    const char *end = unit->text + unit->text_size;
    if (unit->text_size == 0 || unit->text[0] != ':' || !at || end - at < 5 || at[4] != ' ')
        return 0;
    unsigned number = 0;
    for (int i = 1; i <= 3; i++) {
        if (at[i] < '0' || at[i] > '9')
            return 0;
        number = number * 10 + (unsigned)(at[i] - '0');
    }
    return number;
}

/* 376: end of the message of the day, 422: there is none, 366: end of the names in the channel. */
static enum greet_result irc_greet(struct dialogue *d, const struct unit *heard, char *out,
                                   size_t *size)
{
    *size = 0;
    if (!heard) {
        *size = register_client(d, out);
        return GREET_ON;
    }
    if (d->step == WAIT_PONG)
        return heard->kind == UNIT_PONG ? GREET_DONE : GREET_ON;
    unsigned number = numeric(heard);
    if (d->step == WAIT_MOTD && (number == 376 || number == 422)) {
        d->step = WAIT_NAMES;
        *size = (size_t)(put(put_room(put(out, "JOIN #r"), d->room), "\r\n") - out);
    } else if (d->step == WAIT_NAMES && number == 366) {
        d->step = WAIT_PONG;
        *size = (size_t)(put(out, "PING bench\r\n") - out);
    }
    return GREET_ON;
}

static size_t irc_publish(char *out, uint32_t room, const char *text, size_t size)
{
    char *end = put(put_room(put(out, "PRIVMSG #r"), room), " :");
    end = put(put_bytes(end, text, size), "\r\n");
    return (size_t)(end - out);
}

/* The command of a line, without who says it. */
static struct unit command_of(const struct unit *line)
{
    struct unit command = *line;
    if (begins(line, ":") && !skip_past(&command, " "))
        command.text_size = 0;
    return command;
}

/* From 400 on, replies tell what is wrong; but that a server has no message of the day is fine. */
static enum unit_kind irc_kind(struct unit *unit)
{
    struct unit command = command_of(unit);
    unsigned number = numeric(unit);
    if (begins(&command, "PRIVMSG #") && skip_past(&command, " :")) {
        *unit = command;
        return UNIT_DELIVERY;
    }
    if (begins(&command, "PING "))
        return UNIT_PING;
    if (begins(&command, "PONG "))
        return UNIT_PONG;
    if (begins(&command, "ERROR ") || (number >= 400 && number < 600 && number != 422))
        return UNIT_ERROR;
    return UNIT_OTHER;
}

static size_t irc_next(const char *bytes, size_t size, struct unit *unit)
{
    size_t taken = take_line(bytes, size, unit);
    if (taken != 0 && taken != SIZE_MAX)
        unit->kind = irc_kind(unit);
    return taken;
}

static size_t irc_ping(char *out)
{
    return (size_t)(put(out, "PING bench\r\n") - out);
}

/* Gives back what stands behind the word PING. */
static size_t irc_pong(char *out, const struct unit *ping)
{
    struct unit token = *ping;
    char *end = put(out, "PONG ");
    if (skip_past(&token, "PING ") && token.text_size < DRIVER_SAY_MAX / 2)
        end = put_bytes(end, token.text, token.text_size);
    return (size_t)(put(end, "\r\n") - out);
}

const struct driver driver_irc = {
    .name = "irc",
    .about = "IRC, a channel for a room",
    .port = 6667,
    .text_max = TEXT_MAX,
    .must_join = true,
    .announces = true,
    .greet = irc_greet,
    .publish = irc_publish,
    .next = irc_next,
    .ping = irc_ping,
    .pong = irc_pong,
};
