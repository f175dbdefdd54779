/*
 * What each option may be, and what it sets. Each value is checked here: what is accepted works
 * later.
 */
#include "option_table.h"

#include "diag.h"
#include "probe.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

enum {
    MS_PER_S = 1000,
    MS_MAX = 24 * 60 * 60 * MS_PER_S,
    SECONDS_MAX = 1000000, /* eleven days; in milliseconds it fits an unsigned */
    PINGS_DEFAULT = 10,
};

const char option_help[] =
    "Usage: chatroom_client [OPTIONS] [HOST[:PORT] | unix:PATH]     (127.0.0.1:8888)\n"
    "Chat in a terminal. In a pipe, lines of standard input are said, what is said\n"
    "comes to standard output, and everything else to standard error.\n"
    "  -N, --nick NAME        be called NAME\n"
    "  -r, --room '#ROOM'     be there instead of in the lobby; repeatable\n"
    "      --history N        show at most N of a room's old messages\n"
    "      --reconnect[=MAX]  when the connection is lost, up to MAX times in a row\n"
    "      --color WHEN       auto, always, never; with NO_COLOR, CLICOLOR_FORCE\n"
    "      --bell             ring when mentioned; --no-remember: keep no typed lines\n"
    "      --interactive      or --batch: what a terminal gets, or what a pipe gets\n"
    "      --json             what the hub says, as JSON: one object a line\n"
    "  -F, --format FORMAT    %t time %n nick %r room %m text %s seq %i id %k kind %j\n"
    "  -t, --timestamps       RFC 3339 times;  -0, --null: records end in NUL\n"
    "  -C, --count N          end after N messages;  -q, --quiet: no notices\n"
    "  -W, --timeout SEC      end after SEC seconds, with status 124\n"
    "      --idle SEC         end after SEC seconds of silence\n"
    "  -n, --stay             do not end at the end of input\n"
    "      --linger MS        at the end, let the hub be silent so long (10000)\n"
    "      --connect-timeout MS  for each address, and an answer to --ping (10000)\n"
    "      --send TEXT        say TEXT and end; repeatable. Input is not read\n"
    "      --ping[=N]         measure N (10) round trips and end\n"
    "      --config FILE      not ~/.config/chatroom/client.conf; --no-config: none\n"
    "  -h, --help;  -V, --version\n"
    "Flags have a --no-FLAG. Keys, settings, exit status: man chatroom_client.\n";

/* ---- values -------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static int refuse(struct option_reading *r,
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->why, sizeof r->why, format, args);
    va_end(args);
    return -EINVAL;
}

/* The same about bytes that may be anything: `what` is the rest of the sentence. */
static int refuse_text(struct option_reading *r, const char *value, const char *what)
{
    char shown[128];
    return refuse(r, "\"%s\" %s", diag_escape(str_of(value), shown, sizeof shown), what);
}

/* Digits only; false also where it is more than `most`. */
static bool digits(const char *text, size_t size, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > most)
            return false;
    }
    *out = value;
    return size > 0;
}

static int number(struct option_reading *r, const char *value, uint64_t least, uint64_t most,
                  uint64_t *out)
{
    uint64_t n;
    if (digits(value, strlen(value), most, &n) && n >= least) {
        *out = n;
        return 0;
    }
    char what[96];
    snprintf(what, sizeof what, "is no number from %" PRIu64 " to %" PRIu64, least, most);
    return refuse_text(r, value, what);
}

static int number32(struct option_reading *r, const char *value, uint32_t least, uint32_t most,
                    uint32_t *out)
{
    uint64_t n = 0;
    int rc = number(r, value, least, most, &n);
    if (rc == 0)
        *out = (uint32_t)n;
    return rc;
}

static int milliseconds(struct option_reading *r, const char *value, unsigned *out)
{
    return number32(r, value, 1, MS_MAX, out);
}

/* "5", "0.25": to the millisecond, not rounded to nothing. */
static int seconds(struct option_reading *r, const char *value, unsigned *out)
{
    size_t whole = strcspn(value, ".");
    const char *rest = value[whole] == '.' ? value + whole + 1 : "0";
    uint64_t s = 0;
    uint64_t ms = 0;
    char thousandths[] = "000";
    for (size_t i = 0; i < 3 && rest[i] != '\0'; i++)
        thousandths[i] = rest[i];
    bool good = digits(value, whole, SECONDS_MAX, &s) && digits(thousandths, 3, 999, &ms) &&
                strlen(rest) <= 3;
    if (!good || s * MS_PER_S + ms == 0) {
        char what[96];
        snprintf(what, sizeof what, "is no number of seconds from 0.001 to %d", SECONDS_MAX);
        return refuse_text(r, value, what);
    }
    *out = (unsigned)(s * MS_PER_S + ms);
    return 0;
}

/* NULL where `name` is clean, or what is wrong with it. */
static const char *unclean(struct str name)
{
    char clean[TEXT_CLEAN_MAX(TEXT_NICK_MAX)];
    struct text_repairs repairs = {0};
    text_clean(text_cut(name, TEXT_NICK_MAX), clean, &repairs);
    if (repairs.controls || repairs.invalid)
        return "may have no control characters and must be UTF-8";
    return NULL;
}

/* ---- options ------------------------------------------------------------------------------- */

/* ---- options ------------------------------------------------------------------------------- */

/* The hub has the last word on nicks; this is for what could never be one, such as two lines. */
int option_set_nick(struct option_reading *r, const char *value)
{
    struct str nick = str_of(value);
    const char *fault = text_nick_fault(nick);
    if (!fault)
        fault = unclean(nick);
    if (fault)
        return refuse_text(r, value, fault);
    r->o->nick = nick;
    return 0;
}

static int set_room(struct option_reading *r, const char *value)
{
    struct client_options *o = r->o;
    struct str room = str_of(value);
    const char *fault = text_room_fault(room);
    if (!fault)
        fault = unclean(room);
    if (fault)
        return refuse_text(r, value, fault);
    if (!r->rooms_given)
        o->room_count = 0;
    r->rooms_given = true;
    for (size_t i = 0; i < o->room_count; i++) {
        if (text_equal_fold(o->rooms[i], room))
            return refuse_text(r, value, "is given twice");
    }
    if (o->room_count == CLIENT_ROOMS_MAX)
        return refuse(r, "may be given %d times at most", CLIENT_ROOMS_MAX);
    o->rooms[o->room_count++] = room;
    return 0;
}

int option_set_hub(struct option_reading *r, const char *value)
{
    if (dial_parse(&r->o->target, value, r->why, sizeof r->why) < 0)
        return -EINVAL;
    r->o->hub_name = *value ? str_of(value) : STR(DIAL_DEFAULT_HOST ":" DIAL_DEFAULT_PORT);
    return 0;
}

static int set_history(struct option_reading *r, const char *value)
{
    if (strcmp(value, "all") == 0) {
        r->o->history = CLIENT_HISTORY_ALL;
        return 0;
    }
    return number32(r, value, 0, 1000000, &r->o->history);
}

static int set_reconnect(struct option_reading *r, const char *value)
{
    r->o->reconnect_max = 0;
    r->o->reconnect = !value || strcmp(value, "no") != 0;
    if (!value || !r->o->reconnect || strcmp(value, "yes") == 0)
        return 0;
    return number32(r, value, 1, 1000000, &r->o->reconnect_max);
}

static int set_color(struct option_reading *r, const char *value)
{
    if (colour_when_parse(value, &r->o->color) < 0)
        return refuse_text(r, value, "is not auto, always or never");
    return 0;
}

static int set_interactive(struct option_reading *r, const char *value)
{
    (void)value;
    r->o->mode = CLIENT_MODE_INTERACTIVE;
    return 0;
}

static int set_batch(struct option_reading *r, const char *value)
{
    (void)value;
    r->o->mode = CLIENT_MODE_BATCH;
    return 0;
}

/* The later one of --json and --format counts. */
static int set_json(struct option_reading *r, const char *value)
{
    (void)value;
    r->o->json = true;
    format_free(r->o->format);
    r->o->format = NULL;
    return 0;
}

static int set_format(struct option_reading *r, const char *value)
{
    struct format *format;
    char fault[128];
    if (format_new(&format, value, fault, sizeof fault) < 0)
        return refuse_text(r, value, fault);
    format_free(r->o->format);
    r->o->format = format;
    r->o->json = false;
    return 0;
}

static int set_count(struct option_reading *r, const char *value)
{
    return number(r, value, 1, 1000000000000, &r->o->count);
}

static int set_timeout(struct option_reading *r, const char *value)
{
    return seconds(r, value, &r->o->timeout_ms);
}

static int set_idle(struct option_reading *r, const char *value)
{
    return seconds(r, value, &r->o->idle_ms);
}

static int set_linger(struct option_reading *r, const char *value)
{
    return milliseconds(r, value, &r->o->linger_ms);
}

static int set_connect_timeout(struct option_reading *r, const char *value)
{
    return milliseconds(r, value, &r->o->connect_timeout_ms);
}

static int set_send(struct option_reading *r, const char *value)
{
    if (r->o->send_count == CLIENT_SENDS_MAX)
        return refuse(r, "may be given %d times at most", CLIENT_SENDS_MAX);
    r->o->sends[r->o->send_count++] = str_of(value);
    return 0;
}

static int set_ping(struct option_reading *r, const char *value)
{
    bool no = value && strcmp(value, "no") == 0;
    r->o->pings = no ? 0 : PINGS_DEFAULT;
    return value && !no ? number32(r, value, 1, PROBE_PINGS_MAX, &r->o->pings) : 0;
}

static int set_config(struct option_reading *r, const char *value)
{
    r->config = value;
    r->no_config = false;
    return 0;
}

static int set_no_config(struct option_reading *r, const char *value)
{
    (void)value;
    r->no_config = true;
    return 0;
}

static int set_help(struct option_reading *r, const char *value)
{
    (void)value;
    r->wish = OPTION_HELP;
    return 0;
}

static int set_version(struct option_reading *r, const char *value)
{
    (void)value;
    r->wish = OPTION_VERSION;
    return 0;
}

#define FLAG(member) offsetof(struct client_options, member)

const struct option_row option_rows[OPTION_ROWS] = {
    {'N', "nick", OPTION_VALUE, OPTION_IN_BOTH, 0, option_set_nick},
    {'r', "room", OPTION_VALUE, OPTION_IN_BOTH, 0, set_room},
    {0, "hub", OPTION_VALUE, OPTION_IN_FILE, 0, option_set_hub},
    {0, "history", OPTION_VALUE, OPTION_IN_BOTH, 0, set_history},
    {0, "reconnect", OPTION_OPTIONAL, OPTION_IN_BOTH, 0, set_reconnect},
    {0, "color", OPTION_VALUE, OPTION_IN_BOTH, 0, set_color},
    {0, "bell", OPTION_FLAG, OPTION_IN_BOTH, FLAG(bell), NULL},
    {0, "remember", OPTION_FLAG, OPTION_IN_BOTH, FLAG(remember), NULL},
    {0, "interactive", OPTION_BARE, OPTION_IN_COMMAND, 0, set_interactive},
    {0, "batch", OPTION_BARE, OPTION_IN_COMMAND, 0, set_batch},
    {0, "json", OPTION_BARE, OPTION_IN_COMMAND, 0, set_json},
    {'F', "format", OPTION_VALUE, OPTION_IN_BOTH, 0, set_format},
    {'t', "timestamps", OPTION_FLAG, OPTION_IN_BOTH, FLAG(timestamps), NULL},
    {'0', "null", OPTION_FLAG, OPTION_IN_COMMAND, FLAG(null), NULL},
    {'q', "quiet", OPTION_FLAG, OPTION_IN_BOTH, FLAG(quiet), NULL},
    {'C', "count", OPTION_VALUE, OPTION_IN_COMMAND, 0, set_count},
    {'W', "timeout", OPTION_VALUE, OPTION_IN_COMMAND, 0, set_timeout},
    {0, "idle", OPTION_VALUE, OPTION_IN_COMMAND, 0, set_idle},
    {0, "linger", OPTION_VALUE, OPTION_IN_BOTH, 0, set_linger},
    {0, "connect-timeout", OPTION_VALUE, OPTION_IN_BOTH, 0, set_connect_timeout},
    {'n', "stay", OPTION_FLAG, OPTION_IN_COMMAND, FLAG(stay), NULL},
    {0, "send", OPTION_VALUE, OPTION_IN_COMMAND, 0, set_send},
    {0, "ping", OPTION_OPTIONAL, OPTION_IN_COMMAND, 0, set_ping},
    {0, "config", OPTION_VALUE, OPTION_IN_ADVANCE, 0, set_config},
    {0, "no-config", OPTION_BARE, OPTION_IN_ADVANCE, 0, set_no_config},
    {'h', "help", OPTION_BARE, OPTION_IN_ADVANCE, 0, set_help},
    {'V', "version", OPTION_BARE, OPTION_IN_ADVANCE, 0, set_version},
};

static int set_flag(struct option_reading *r, const struct option_row *row, const char *value)
{
    bool yes = !value || strcmp(value, "yes") == 0;
    if (!yes && strcmp(value, "no") != 0)
        return refuse_text(r, value, "is not yes or no");
    *(bool *)((char *)r->o + row->flag) = yes;
    return 0;
}

int option_set(const struct option_row *row, struct option_reading *r, const char *value)
{
    return row->set ? row->set(r, value) : set_flag(r, row, value);
}
