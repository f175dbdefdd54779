/*
 * The hub's own protocol, chatroom_protocol(7), in both encodings. What is said is the same: a line
 * is a message. Room 0 is the lobby, where everybody is from the start; the others join theirs and
 * leave the lobby. What is heard: lines for people (`line`), or an object a line (`json`), whose
 * message numbers grow.
 */
#include "driver_text.h"

enum { WAIT_WELCOME, WAIT_PONG };

/* Both encodings are welcomed by a line: JSON is what one asks for next. */
static enum greet_result greet(struct dialogue *d, const struct unit *heard, const char *first,
                               char *out, size_t *size)
{
    *size = 0;
    if (!heard)
        return GREET_ON;
    if (d->step == WAIT_PONG)
        return heard->kind == UNIT_PONG ? GREET_DONE : GREET_ON;
    if (!begins(heard, "* Welcome"))
        return GREET_ON;
    d->step = WAIT_PONG;
    char *end = put(out, first);
    if (d->room > 0)
        end = put(put_room(put(end, "/join #r"), d->room), "\n/part #lobby\n");
    end = put(end, "/ping bench\n");
    *size = (size_t)(end - out);
    return GREET_ON;
}

static enum greet_result line_greet(struct dialogue *d, const struct unit *heard, char *out,
                                    size_t *size)
{
    return greet(d, heard, "", out, size);
}

static enum greet_result json_greet(struct dialogue *d, const struct unit *heard, char *out,
                                    size_t *size)
{
    return greet(d, heard, "/wire json\n", out, size);
}

static size_t hub_publish(char *out, uint32_t room, const char *text, size_t size)
{
    (void)room; /* the current one */
    memcpy(out, text, size);
    out[size] = '\n';
    return size + 1;
}

static size_t hub_ping(char *out)
{
    return (size_t)(put(out, "/ping bench\n") - out);
}

/* The hub asks nothing. */
static size_t hub_pong(char *out, const struct unit *ping)
{
    (void)out;
    (void)ping;
    return 0;
}

/* "nick: text" or "#room nick: text"; notices begin with a star, errors with an exclamation mark.
 * A notice of skipped messages is as bad as an error. */
static enum unit_kind line_kind(struct unit *unit)
{
    if (begins(unit, "! "))
        return UNIT_ERROR;
    if (!begins(unit, "* "))
        return skip_past(unit, ": ") ? UNIT_DELIVERY : UNIT_OTHER;
    if (begins(unit, "* pong bench"))
        return UNIT_PONG;
    return contains(unit, " skipped: ") ? UNIT_ERROR : UNIT_OTHER;
}

static size_t line_next(const char *bytes, size_t size, struct unit *unit)
{
    size_t taken = take_line(bytes, size, unit);
    if (taken != 0 && taken != SIZE_MAX)
        unit->kind = line_kind(unit);
    return taken;
}

/* The text is the last key, and has nothing to escape. */
static bool find_text(struct unit *unit)
{
    if (!skip_past(unit, "\"text\":\""))
        return false;
    const char *end = memchr(unit->text, '"', unit->text_size);
    if (!end)
        return false;
    unit->text_size = (size_t)(end - unit->text);
    return true;
}

static enum unit_kind json_kind(struct unit *unit)
{
    if (begins(unit, "{\"type\":\"message\","))
        return find_text(unit) ? UNIT_DELIVERY : UNIT_OTHER;
    if (begins(unit, "{\"type\":\"pong\""))
        return UNIT_PONG;
    if (begins(unit, "{\"type\":\"error\"") || begins(unit, "{\"type\":\"gap\"") ||
        begins(unit, "! "))
        return UNIT_ERROR;
    return UNIT_OTHER;
}

static size_t json_next(const char *bytes, size_t size, struct unit *unit)
{
    size_t taken = take_line(bytes, size, unit);
    if (taken != 0 && taken != SIZE_MAX)
        unit->kind = json_kind(unit);
    return taken;
}

const struct driver driver_line = {
    .name = "line",
    .about = "chatroom_server, lines for people",
    .port = 8888,
    .text_max = DRIVER_TEXT_MAX,
    .must_join = true,
    .announces = true,
    .greet = line_greet,
    .publish = hub_publish,
    .next = line_next,
    .ping = hub_ping,
    .pong = hub_pong,
};

const struct driver driver_json = {
    .name = "json",
    .about = "chatroom_server, JSON for programs",
    .port = 8888,
    .text_max = DRIVER_TEXT_MAX,
    .must_join = true,
    .announces = true,
    .greet = json_greet,
    .publish = hub_publish,
    .next = json_next,
    .ping = hub_ping,
    .pong = hub_pong,
};
