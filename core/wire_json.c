/*
 * The `json` encoding: one object a line, keys in a fixed order (chatroom_protocol(7)). Text is
 * clean UTF-8 without control characters but TAB when it comes here, so RFC 8259 asks for three
 * escapes only.
 */
#include "wire.h"
#include "writer.h"

#include <time.h>

/* Keys, punctuation, five numbers, a time. */
enum { FIXED_MAX = 320 };

static size_t json_bound(const struct event *e)
{
    size_t text = e->room.size + e->from.size + e->to.size + e->text.size + e->nick.size +
                  e->server.size + e->token.size;
    for (size_t i = 0; i < e->item_count; i++)
        text += e->items[i].name.size + WRITER_NUMBER_MAX + 14;
    return FIXED_MAX + 2 * text;
}

static bool is_special(char c)
{
    return c == '"' || c == '\\' || c == '\t';
}

/* Most text has nothing special in it and is copied whole. */
static char *write_escaped(char *out, struct str s)
{
    size_t from = 0;
    if (s.size == 0)
        return out; /* it may have no bytes at all, NULL */
    for (size_t i = 0; i < s.size; i++) {
        if (!is_special(s.data[i]))
            continue;
        out = write_str(out, str_from(s.data + from, i - from));
        *out++ = '\\';
        *out++ = s.data[i] == '\t' ? 't' : s.data[i];
        from = i + 1;
    }
    return write_str(out, str_from(s.data + from, s.size - from));
}

static char *write_quoted(char *out, struct str s)
{
    return write_literal(write_escaped(write_literal(out, "\""), s), "\"");
}

static char *write_key(char *out, struct str key)
{
    out = write_str(write_literal(out, ",\""), key);
    return write_literal(out, "\":");
}

static char *text_member(char *out, struct str key, struct str value)
{
    return write_quoted(write_key(out, key), value);
}

/* Left out where there is none. */
static char *text_if(char *out, struct str key, struct str value)
{
    return value.size ? text_member(out, key, value) : out;
}

static char *number_member(char *out, struct str key, uint64_t value)
{
    return write_number(write_key(out, key), value);
}

static char *number_if(char *out, struct str key, uint64_t value)
{
    return value ? number_member(out, key, value) : out;
}

/* "2026-11-23T10:15:30.123Z" */
static char *write_time(char *out, int64_t ms)
{
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &tm);
    out = write_padded(out, (uint64_t)tm.tm_year + 1900, 4);
    out = write_padded(write_literal(out, "-"), (uint64_t)tm.tm_mon + 1, 2);
    out = write_padded(write_literal(out, "-"), (uint64_t)tm.tm_mday, 2);
    out = write_padded(write_literal(out, "T"), (uint64_t)tm.tm_hour, 2);
    out = write_padded(write_literal(out, ":"), (uint64_t)tm.tm_min, 2);
    out = write_padded(write_literal(out, ":"), (uint64_t)tm.tm_sec, 2);
    out = write_padded(write_literal(out, "."), (uint64_t)(ms % 1000), 3);
    return write_literal(out, "Z");
}

static char *time_if(char *out, int64_t ms)
{
    if (ms == 0)
        return out;
    out = write_literal(write_key(out, STR("time")), "\"");
    return write_literal(write_time(out, ms), "\"");
}

static char *names_member(char *out, struct str key, const struct event *e)
{
    out = write_literal(write_key(out, key), "[");
    for (size_t i = 0; i < e->item_count; i++)
        out = write_quoted(i ? write_literal(out, ",") : out, e->items[i].name);
    return write_literal(out, "]");
}

static char *rooms_member(char *out, const struct event *e)
{
    out = write_literal(write_key(out, STR("rooms")), "[");
    for (size_t i = 0; i < e->item_count; i++) {
        out = write_literal(i ? write_literal(out, ",") : out, "{\"room\":");
        out = write_quoted(out, e->items[i].name);
        out = number_member(out, STR("members"), e->items[i].value);
        out = write_literal(out, "}");
    }
    return write_literal(out, "]");
}

static char *stats_member(char *out, const struct event *e)
{
    out = write_literal(write_key(out, STR("stats")), "{");
    for (size_t i = 0; i < e->item_count; i++) {
        out = write_quoted(i ? write_literal(out, ",") : out, e->items[i].name);
        out = write_number(write_literal(out, ":"), e->items[i].value);
    }
    return write_literal(out, "}");
}

static char *write_welcome_text(char *out, const struct event *e)
{
    out = write_key(out, STR("text"));
    out = write_literal(out, "\"Welcome to the chat room! Your chat ID is client-");
    return write_literal(write_number(out, e->id), ".\"");
}

/* What one type has beyond the common members. */
static char *write_specific(char *out, const struct event *e)
{
    switch (e->type) {
    case EVENT_WELCOME:
        out = text_member(write_welcome_text(out, e), STR("nick"), e->nick);
        out = text_member(out, STR("server"), e->server);
        return number_member(out, STR("count"), e->count);
    case EVENT_JOIN:
        return e->own ? number_member(out, STR("count"), e->count) : out;
    case EVENT_NICK:
        return text_member(out, STR("nick"), e->nick);
    case EVENT_ERROR:
        return e->final ? write_literal(write_key(out, STR("final")), "true") : out;
    case EVENT_GAP:
        return number_member(out, STR("skipped"), e->count);
    case EVENT_HISTORY:
        return number_member(out, STR("count"), e->count);
    case EVENT_PONG:
        return text_if(out, STR("token"), e->token);
    case EVENT_WHO:
        out = number_member(out, STR("count"), e->count);
        return names_member(out, STR("members"), e);
    case EVENT_ROOMS:
        return rooms_member(number_member(out, STR("count"), e->count), e);
    case EVENT_STATS:
        return stats_member(out, e);
    default:
        return out;
    }
}

static char *write_common(char *out, const struct event *e)
{
    out = text_if(out, STR("room"), e->room);
    out = text_if(out, STR("from"), e->from);
    bool always_to = e->type == EVENT_PRIVATE;
    out = always_to ? text_member(out, STR("to"), e->to) : text_if(out, STR("to"), e->to);
    out = number_if(out, STR("id"), e->id);
    out = number_if(out, STR("seq"), e->seq);
    out = time_if(out, e->time_ms);
    bool always = e->type == EVENT_MESSAGE || e->type == EVENT_ACTION || e->type == EVENT_PRIVATE;
    return always ? text_member(out, STR("text"), e->text) : text_if(out, STR("text"), e->text);
}

static size_t json_encode(const struct event *e, char *out)
{
    char *end = write_literal(out, "{\"type\":\"");
    end = write_literal(write_str(end, str_of(event_type_name(e->type))), "\"");
    end = write_specific(write_common(end, e), e);
    end = write_literal(end, "}\n");
    return (size_t)(end - out);
}

const struct wire wire_json = {.name = "json", .bound = json_bound, .encode = json_encode};
