/*
 * What a hub says to a client, from its bytes to what is known of the conversation. The hub may be
 * anybody, so any bytes; a line that is "~" is the loss of the connection, and a new one.
 *
 *   - event_reader.h: what is read is clean; written down as JSON and read again, it is the same
 *   - wire.h: it can be shown as a line
 *   - session.h: rooms are bounded, the current one is one of them, greetings are commands, notes
 *     are clean; after a loss, no message is shown a second time
 */
#include "event_reader.h"
#include "frame.h"
#include "fuzz.h"
#include "outbox.h"
#include "session.h"
#include "wire.h"

#include <errno.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 4096, SEEN_MAX = 64 };

struct heard {
    struct session *session;
    struct event_reader *reader;
    struct event_reader *again;
    bool raw_shown;
};

/* ---- events --------------------------------------------------------------------------------- */

static void check_text(struct str text)
{
    fuzz_check(fuzz_is_clean(text), "read \"" STR_FMT "\"", STR_ARG(text));
}

static void check_clean(const struct event *e)
{
    const struct str texts[] = {e->room, e->from, e->to, e->text, e->nick, e->server, e->token};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_text(texts[i]);
    for (size_t i = 0; i < e->item_count; i++)
        check_text(e->items[i].name);
}

/* In memory of just its bound, which the caller frees; without the newline. */
static struct str encode(const struct wire *wire, const struct event *e)
{
    size_t bound = wire->bound(e);
    char *out = fuzz_must(malloc(bound));
    size_t size = wire->encode(e, out);
    fuzz_check(size > 0 && size <= bound, "%zu bytes, though %zu are enough", size, bound);
    struct str line = str_from(out, size - 1);
    fuzz_check(out[size - 1] == '\n' && fuzz_is_clean(line), "no line: " STR_FMT, STR_ARG(line));
    return line;
}

/* Not all that was read is written: only what belongs to its type. */
static void check_same(const struct event *a, const struct event *b)
{
    fuzz_check(a->type == b->type && a->id == b->id && a->seq == b->seq, "another event");
    fuzz_check(str_equal(a->room, b->room) && str_equal(a->from, b->from), "another room or nick");
    if (a->time_ms > 0)
        fuzz_check(a->time_ms == b->time_ms, "another time");
    if (a->type != EVENT_WELCOME)
        fuzz_check(str_equal(a->text, b->text), "another text");
    if (a->type == EVENT_WHO || a->type == EVENT_ROOMS)
        fuzz_check(a->item_count == b->item_count, "%zu items, not %zu", b->item_count,
                   a->item_count);
}

static void check_event(struct heard *h, const struct event *e)
{
    struct event back;
    check_clean(e);
    free((char *)encode(&wire_line, e).data);
    struct str json = encode(&wire_json, e);
    int rc = event_reader_read(h->again, json, &back);
    fuzz_check(rc == 0, "not read again (%s): " STR_FMT, event_reader_fault(h->again),
               STR_ARG(json));
    check_same(e, &back);
    free((char *)json.data);
}

/* ---- the session ---------------------------------------------------------------------------- */

static void check_rooms(const struct session *s)
{
    size_t count = session_room_count(s);
    struct str current = session_room(s);
    bool found = current.size == 0;
    fuzz_check(count <= SESSION_ROOMS_MAX, "%zu rooms", count);
    for (size_t i = 0; i < count; i++) {
        check_text(session_room_at(s, i));
        found = found || str_equal(session_room_at(s, i), current);
    }
    fuzz_check(found, "the current room is none of ours: " STR_FMT, STR_ARG(current));
}

static void check_greeting(const struct session *s)
{
    struct outbox box = {0};
    fuzz_check(session_greeting(s, &box) == 0, "no memory");
    struct str rest = str_from(box.data, box.size);
    fuzz_check(str_starts_with(rest, STR("/wire json\n")), "no /wire");
    while (rest.size > 0) {
        const char *newline = memchr(rest.data, '\n', rest.size);
        fuzz_check(newline && rest.data[0] == '/', "no command: " STR_FMT, STR_ARG(rest));
        struct str line = str_from(rest.data, (size_t)(newline - rest.data));
        check_text(line);
        rest = str_skip(rest, line.size + 1);
    }
    outbox_fini(&box);
}

static void lose(struct heard *h)
{
    session_lost(h->session);
    session_connected(h->session, h->raw_shown);
    check_greeting(h->session);
}

static void hear(struct heard *h, struct str line)
{
    struct event e;
    if (str_equal(line, STR("~"))) {
        lose(h);
        return;
    }
    int rc = event_reader_read(h->reader, line, &e);
    fuzz_check(rc == 0 || rc == -EPROTO || rc == -ENOMSG, "%d", rc);
    if (rc == -EPROTO)
        check_text(str_of(event_reader_fault(h->reader)));
    if (rc < 0)
        return;
    check_event(h, &e);
    check_text(session_take(h->session, &e).note);
    check_rooms(h->session);
}

/* ---- nothing twice -------------------------------------------------------------------------- */

static struct session_verdict take_message(struct heard *h, uint64_t seq)
{
    struct event e = {
        .type = EVENT_MESSAGE, .room = STR(WIRE_LOBBY), .from = STR("bob"), .id = 99, .seq = seq};
    return session_take(h->session, &e);
}

static void welcome(struct heard *h, uint64_t id)
{
    struct event e = {.type = EVENT_WELCOME, .id = id, .nick = STR("client-1"), .server = STR("s")};
    session_connected(h->session, false);
    session_take(h->session, &e);
}

/* A hub of 64 messages: some are heard before the loss, some between the lines of the greeting, the
 * newest are replayed. Each is shown once, or it is missing and there is a note. */
static void check_nothing_twice(struct heard *h, struct fuzz_input *in)
{
    unsigned shown[SEEN_MAX + 1] = {0};
    unsigned known = 1 + fuzz_below(in, SEEN_MAX);
    unsigned end = known + fuzz_below(in, SEEN_MAX + 1 - known);
    unsigned first = 1 + fuzz_below(in, end);
    unsigned late = end + fuzz_below(in, SEEN_MAX + 1 - end); /* said during the greeting */
    bool noted = false;
    welcome(h, 1);
    struct event pong = {.type = EVENT_PONG, .token = STR("settled")};
    session_take(h->session, &pong);
    for (unsigned seq = 1; seq <= known; seq++)
        shown[seq] += take_message(h, seq).show;
    session_lost(h->session);
    welcome(h, 2);
    unsigned early = fuzz_below(in, 2) && end > known ? end : 0;
    if (early)
        shown[early] += take_message(h, early).show;
    struct event history = {
        .type = EVENT_HISTORY, .room = STR(WIRE_LOBBY), .count = end - first + 1};
    session_take(h->session, &history);
    for (unsigned seq = first; seq <= end; seq++) {
        struct session_verdict verdict = take_message(h, seq);
        noted = noted || verdict.note.size > 0;
        shown[seq] += verdict.show;
    }
    for (unsigned seq = end + 1; seq <= late; seq++)
        shown[seq] += take_message(h, seq).show;
    noted = session_take(h->session, &pong).note.size > 0 || noted;
    bool missing = false;
    for (unsigned seq = 1; seq <= late; seq++) {
        fuzz_check(shown[seq] <= 1, "%u was shown %u times", seq, shown[seq]);
        missing = missing || shown[seq] == 0;
    }
    fuzz_check(missing == (first > known + 1 && !(early == known + 1)), "of %u to %u", first, end);
    fuzz_check(missing == noted, missing ? "a hole without a note" : "a note without a hole");
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void start(struct heard *h, unsigned flags)
{
    static const struct str rooms[] = {{"#a", 2}, {"#b", 2}};
    struct session_wish wish = {
        .nick = flags & 1 ? STR("ann") : STR(""),
        .rooms = rooms,
        .room_count = flags & 2 ? 2 : 0,
        .history = flags & 4 ? 2 : SESSION_HISTORY_ALL,
    };
    h->raw_shown = flags & 8;
    h->session = fuzz_must(session_new(&wish));
}

static void hear_all(struct heard *h, struct str bytes)
{
    struct frame f = {0};
    struct str line;
    enum frame_result result;
    session_connected(h->session, h->raw_shown);
    while ((result = frame_next(&f, &bytes, LINE_MAX_BYTES, &line)) != FRAME_MORE) {
        if (result == FRAME_LINE)
            hear(h, line);
    }
    frame_fini(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct fuzz_input numbers = in;
    struct heard h = {.reader = fuzz_must(event_reader_new()),
                      .again = fuzz_must(event_reader_new())};
    start(&h, 0);
    check_nothing_twice(&h, &numbers);
    session_free(h.session);
    start(&h, fuzz_byte(&in));
    char *copy = fuzz_copy(fuzz_rest(&in));
    hear_all(&h, str_from(copy, size > 0 ? size - 1 : 0));
    lose(&h);
    free(copy);
    session_free(h.session);
    event_reader_free(h.reader);
    event_reader_free(h.again);
    return 0;
}
