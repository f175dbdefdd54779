/*
 * The `line` encoding: what people read and nc shows. The first characters of a line tell what it
 * is; chatroom_protocol(7) has the list.
 */
#include "wire.h"
#include "writer.h"

enum { FIXED_MAX = 160 }; /* words of the longest sentence, and three numbers */

static size_t line_bound(const struct event *e)
{
    size_t size = FIXED_MAX + e->room.size + e->from.size + e->to.size + e->text.size +
                  e->nick.size + e->token.size;
    for (size_t i = 0; i < e->item_count; i++)
        size += e->items[i].name.size + WRITER_NUMBER_MAX + 3;
    return size;
}

static bool in_lobby(const struct event *e)
{
    return str_equal(e->room, STR(WIRE_LOBBY));
}

/* "#room " in front of what comes from another room than the lobby. */
static char *write_label(char *out, const struct event *e)
{
    if (in_lobby(e))
        return out;
    return write_literal(write_str(out, e->room), " ");
}

/* " #room" or " of #room" behind what concerns another room than the lobby. */
static char *write_room(char *out, const struct event *e, struct str before)
{
    if (in_lobby(e))
        return out;
    return write_str(write_str(out, before), e->room);
}

static char *write_others(char *out, uint64_t n)
{
    if (n == 0)
        return write_literal(out, "You are the first here.");
    out = write_number(out, n);
    return n == 1 ? write_literal(out, " other is here.") : write_literal(out, " others are here.");
}

static char *write_count(char *out, uint64_t n, struct str one, struct str many)
{
    out = write_literal(write_number(out, n), " ");
    return write_str(out, n == 1 ? one : many);
}

static char *write_welcome(char *out, const struct event *e)
{
    out = write_literal(out, "* Welcome to the chat room! Your chat ID is client-");
    out = write_literal(write_number(out, e->id), ". ");
    return write_others(out, e->count);
}

static char *write_message(char *out, const struct event *e)
{
    out = write_str(write_label(out, e), e->from);
    return write_str(write_literal(out, ": "), e->text);
}

static char *write_action(char *out, const struct event *e)
{
    out = write_str(write_label(out, e), e->from);
    return write_str(write_literal(out, " * "), e->text);
}

static char *write_private(char *out, const struct event *e)
{
    out = write_str(write_literal(out, "@"), e->from);
    return write_str(write_literal(out, ": "), e->text);
}

static char *write_join(char *out, const struct event *e)
{
    if (e->own) {
        out = write_str(write_literal(out, "* You joined "), e->room);
        return write_others(write_literal(out, ". "), e->count);
    }
    out = write_str(write_literal(out, "* "), e->from);
    return write_room(write_literal(out, " joined"), e, STR(" "));
}

static char *write_part(char *out, const struct event *e)
{
    if (e->own) {
        out = write_str(write_literal(out, "* You left "), e->room);
        if (e->to.size == 0)
            return write_literal(out, ". You are in no room now: /join one.");
        out = write_str(write_literal(out, ". Your current room is "), e->to);
        return write_literal(out, ".");
    }
    out = write_str(write_literal(out, "* "), e->from);
    out = write_room(write_literal(out, " left"), e, STR(" "));
    return e->text.size ? write_str(write_literal(out, ": "), e->text) : out;
}

static char *write_nick(char *out, const struct event *e)
{
    if (e->own) {
        out = write_str(write_literal(out, "* You are now known as "), e->nick);
        return write_literal(out, ".");
    }
    out = write_str(write_literal(out, "* "), e->from);
    return write_str(write_literal(out, " is now known as "), e->nick);
}

static char *write_notice(char *out, const struct event *e)
{
    return write_str(write_literal(out, "* "), e->text);
}

static char *write_error(char *out, const struct event *e)
{
    return write_str(write_literal(out, "! "), e->text);
}

static char *write_gap(char *out, const struct event *e)
{
    out = write_literal(out, "* ");
    out = write_count(out, e->count, STR("message"), STR("messages"));
    out = write_room(out, e, STR(" of "));
    return write_literal(out, " skipped: this connection reads too slowly.");
}

static char *write_history(char *out, const struct event *e)
{
    out = write_literal(out, "* last ");
    if (e->count == 1)
        out = write_literal(out, "message");
    else
        out = write_count(out, e->count, STR("message"), STR("messages"));
    return write_literal(write_room(out, e, STR(" of ")), ":");
}

static char *write_pong(char *out, const struct event *e)
{
    out = write_literal(out, "* pong");
    return e->token.size ? write_str(write_literal(out, " "), e->token) : out;
}

static char *write_who(char *out, const struct event *e)
{
    out = write_number(write_literal(out, "* "), e->count);
    out = write_literal(write_str(write_literal(out, " in "), e->room), ": ");
    for (size_t i = 0; i < e->item_count; i++)
        out = write_str(i ? write_literal(out, ", ") : out, e->items[i].name);
    if (e->count > e->item_count) {
        out = write_number(write_literal(out, " and "), e->count - e->item_count);
        out = write_literal(out, " more");
    }
    return out;
}

/* "name value, name value" */
static char *write_items(char *out, const struct event *e)
{
    for (size_t i = 0; i < e->item_count; i++) {
        out = write_str(i ? write_literal(out, ", ") : out, e->items[i].name);
        out = write_number(write_literal(out, " "), e->items[i].value);
    }
    return out;
}

static char *write_rooms(char *out, const struct event *e)
{
    out = write_count(write_literal(out, "* "), e->count, STR("room"), STR("rooms"));
    out = write_items(write_literal(out, ": "), e);
    if (e->count > e->item_count) {
        out = write_number(write_literal(out, " and "), e->count - e->item_count);
        out = write_literal(out, " more");
    }
    return out;
}

static char *write_stats(char *out, const struct event *e)
{
    return write_items(write_literal(out, "* stats: "), e);
}

static char *(*const writers[EVENT_TYPES])(char *out, const struct event *e) = {
    [EVENT_WELCOME] = write_welcome, [EVENT_MESSAGE] = write_message, [EVENT_ACTION] = write_action,
    [EVENT_PRIVATE] = write_private, [EVENT_JOIN] = write_join,       [EVENT_PART] = write_part,
    [EVENT_NICK] = write_nick,       [EVENT_NOTICE] = write_notice,   [EVENT_ERROR] = write_error,
    [EVENT_GAP] = write_gap,         [EVENT_HISTORY] = write_history, [EVENT_PONG] = write_pong,
    [EVENT_WHO] = write_who,         [EVENT_ROOMS] = write_rooms,     [EVENT_STATS] = write_stats,
};

static size_t line_encode(const struct event *e, char *out)
{
    char *end = write_literal(writers[e->type](out, e), "\n");
    return (size_t)(end - out);
}

const struct wire wire_line = {.name = "line", .bound = line_bound, .encode = line_encode};
