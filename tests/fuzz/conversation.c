/*
 * The client and a hub that means it no good: what it sends is read, kept track of and made ready
 * for a terminal, as client_link.c and the faces do it. The input is
 *
 *   byte 0      how it looks: colour, UTF-8, who we are, whether text before JSON is shown
 *   byte 1      the columns of the terminal
 *   then        the hub's bytes; RS (0x1e) is the end of a connection, another one follows, which
 *               the client greets
 *
 * What must hold: events are clean text; what the client keeps is bounded; what it says to the hub
 * are commands of its own, one a line; a terminal is sent nothing but text and colours; and an
 * event that was read reads the same after it was written again.
 */
#include "buffer.h"
#include "colour.h"
#include "completion.h"
#include "event_reader.h"
#include "format.h"
#include "frame.h"
#include "fuzz.h"
#include "outbox.h"
#include "session.h"
#include "view.h"
#include "wire.h"

#include <errno.h>
#include <stdlib.h>

enum { RECORD = 0x1e, LINE_LIMIT = 4096, NOW_MS = 1700000000 };

static struct {
    struct event_reader *reader;
    struct event_reader *second; /* of what was written again */
    struct session *session;
    struct view *view;
    struct completion *completion;
    struct format *format;
    struct buffer shown;
    struct frame frame;
    bool json;
    bool raw_shown;
} game;

/* ---- what must hold ------------------------------------------------------------------------- */

static void check_clean(struct str s, const char *what)
{
    fuzz_check(fuzz_is_clean(s), "%s: \"" STR_FMT "\"", what, STR_ARG(s));
}

static void check_event(const struct event *e)
{
    check_clean(e->room, "room");
    check_clean(e->from, "from");
    check_clean(e->to, "to");
    check_clean(e->text, "text");
    check_clean(e->nick, "nick");
    check_clean(e->server, "server");
    check_clean(e->token, "token");
    for (size_t i = 0; i < e->item_count; i++)
        check_clean(e->items[i].name, "item");
}

/* The end of the colour that `s` begins with, or 0 if it is none: CSI, digits and ';', m. */
static size_t colour_size(struct str s)
{
    size_t at = 2;
    if (!str_starts_with(s, STR("\x1b[")))
        return 0;
    while (at < s.size && ((s.data[at] >= '0' && s.data[at] <= '9') || s.data[at] == ';'))
        at++;
    return at < s.size && s.data[at] == 'm' ? at + 1 : 0;
}

/* Whole lines, each with its CR LF; without colours they are clean. */
static void check_shown(struct str s)
{
    char *plain = fuzz_must(malloc(s.size + 1));
    size_t size = 0;
    fuzz_check(s.size == 0 || (s.size >= 2 && memcmp(s.data + s.size - 2, "\r\n", 2) == 0),
               "half a line: \"" STR_FMT "\"", STR_ARG(s));
    while (s.size > 0) {
        size_t skip = str_starts_with(s, STR("\r\n")) ? 2 : colour_size(s);
        if (skip == 0)
            plain[size++] = s.data[0];
        s = str_skip(s, skip ? skip : 1);
    }
    check_clean(str_from(plain, size), "shown");
    free(plain);
}

/* Nobody but us makes our commands, whatever the hub has called us and our rooms. */
static void check_greeting(const struct outbox *out)
{
    static const char *const commands[] = {"/wire json", "/nick ", "/history", "/join ",
                                           "/part ",     "/ping ", "/part"};
    struct fuzz_input in = {(const uint8_t *)out->data, out->size};
    while (in.left > 0) {
        bool known = false;
        struct str line = fuzz_part(&in, '\n');
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
            known |= str_starts_with(line, str_of(commands[i]));
        fuzz_check(known, "the hub is told \"" STR_FMT "\"", STR_ARG(line));
        check_clean(line, "greeting");
    }
}

static void check_session(void)
{
    const struct session *s = game.session;
    fuzz_check(session_room_count(s) <= SESSION_ROOMS_MAX, "%zu rooms", session_room_count(s));
    for (size_t i = 0; i < session_room_count(s); i++)
        check_clean(session_room_at(s, i), "room");
    check_clean(session_nick(s), "nick");
    check_clean(session_room(s), "current room");
    check_clean(session_server(s), "server");
}

/* ---- once more ------------------------------------------------------------------------------ */

static bool same_items(const struct event *a, const struct event *b)
{
    bool same = a->item_count == b->item_count;
    for (size_t i = 0; same && i < a->item_count; i++)
        same =
            str_equal(a->items[i].name, b->items[i].name) && a->items[i].value == b->items[i].value;
    return same;
}

/* What a type does not have, no hub sends: then it is not written either. */
static void check_again(const struct event *e)
{
    struct event again;
    char *out = fuzz_must(malloc(wire_json.bound(e)));
    size_t size = wire_json.encode(e, out);
    int rc = event_reader_read(game.second, str_from(out, size - 1), &again);
    fuzz_check(rc == 0, "%d, %s: %.*s", rc, event_reader_fault(game.second), (int)size, out);
    fuzz_check(again.type == e->type && str_equal(again.from, e->from) &&
                   str_equal(again.room, e->room) && again.id == e->id && again.seq == e->seq &&
                   again.time_ms == e->time_ms && (e->type == EVENT_STATS || same_items(&again, e)),
               "it became %.*s", (int)size, out);
    free(out);
}

/* ---- what comes ----------------------------------------------------------------------------- */

static struct view_scene scene(void)
{
    return (struct view_scene){.nick = session_nick(game.session),
                               .room = session_room(game.session),
                               .time_ms = (int64_t)NOW_MS * 1000,
                               .now_ms = NOW_MS};
}

static void remember(const struct event *e)
{
    struct completion_edit edit;
    completion_spoke(game.completion, e->from);
    completion_renamed(game.completion, e->from, e->nick);
    completion_room(game.completion, e->room);
    if (completion_next(game.completion, STR("a"), session_nick(game.session), &edit))
        check_clean(edit.insert, "completion");
    completion_left(game.completion, e->to);
}

static void put(void *owner, struct str piece, bool remote)
{
    (void)owner;
    (void)remote;
    buffer_add(&game.shown, piece);
}

static void show(const struct event *e, struct str json)
{
    struct view_scene now = scene();
    view_event(game.view, &now, e, &game.shown);
    view_tell(game.view, &now, &game.shown);
    view_rings(game.view);
    check_shown(buffer_str(&game.shown));
    buffer_clear(&game.shown);
    format_run(game.format, e, json, (int64_t)NOW_MS * 1000, put, NULL);
    buffer_clear(&game.shown);
}

static void hear_event(struct event *e, struct str json)
{
    check_event(e);
    if (e->type != EVENT_WELCOME) /* whose text is made of the rest */
        check_again(e);
    struct session_verdict verdict = session_take(game.session, e);
    check_clean(verdict.note, "note");
    check_session();
    remember(e);
    if (verdict.show)
        show(e, json);
    for (struct str c = colour_of_nick(e->from); c.size > 0; c = str_skip(c, 1))
        fuzz_check((c.data[0] >= '0' && c.data[0] <= '9') || c.data[0] == ';', "no colour");
}

static void hear_line(struct str line)
{
    struct event e;
    game.json |= event_reader_starts_json(line);
    if (!game.json)
        return;
    int rc = event_reader_read(game.reader, line, &e);
    fuzz_check(rc == 0 || rc == -EPROTO || rc == -ENOMSG, "%d", rc);
    if (rc == -EPROTO)
        check_clean(str_of(event_reader_fault(game.reader)), "fault");
    if (rc == 0)
        hear_event(&e, line);
}

static void hear(struct str bytes)
{
    struct str line;
    enum frame_result result;
    while ((result = frame_next(&game.frame, &bytes, LINE_LIMIT, &line)) != FRAME_MORE) {
        if (result == FRAME_LINE)
            hear_line(line);
    }
}

/* ---- connections ---------------------------------------------------------------------------- */

static void connect_again(void)
{
    struct outbox out = {0};
    session_connected(game.session, game.raw_shown);
    fuzz_check(session_greeting(game.session, &out) == 0, "no greeting");
    check_greeting(&out);
    outbox_fini(&out);
    game.json = false;
}

static void lose(void)
{
    struct str line;
    frame_end(&game.frame, &line);
    session_lost(game.session);
    check_session();
}

/* ---- the game ------------------------------------------------------------------------------- */

static void begin(struct fuzz_input *in)
{
    static const struct str rooms[] = {{"#tea", 4}, {"#lobby", 6}, {"#x", 2}};
    char why[128];
    unsigned look = fuzz_byte(in);
    const struct view_options options = {.colour = look & 1, .utf8 = look & 2};
    const struct session_wish wish = {
        .nick = look & 4 ? STR("ann") : STR(""),
        .rooms = rooms,
        .room_count = look >> 3 & 3,
        .history = look & 32 ? 2 : SESSION_HISTORY_ALL,
    };
    game.raw_shown = look & 64;
    game.reader = fuzz_must(event_reader_new());
    game.second = fuzz_must(event_reader_new());
    game.session = fuzz_must(session_new(&wish));
    game.view = fuzz_must(view_new(&options));
    game.completion = fuzz_must(completion_new());
    fuzz_check(format_new(&game.format, "%t %k %n %s %r %i %m%%%j%{%H}\\n", why, sizeof why) == 0,
               "%s", why);
    view_columns(game.view, 1 + fuzz_byte(in));
}

static void end(void)
{
    event_reader_free(game.reader);
    event_reader_free(game.second);
    session_free(game.session);
    view_free(game.view);
    completion_free(game.completion);
    format_free(game.format);
    frame_fini(&game.frame);
    buffer_fini(&game.shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    memset(&game, 0, sizeof game);
    begin(&in);
    do {
        struct str bytes = fuzz_part(&in, RECORD);
        char *copy = fuzz_copy(bytes);
        connect_again();
        hear(str_from(copy, bytes.size));
        lose();
        free(copy);
    } while (in.left > 0);
    end();
    return 0;
}
