/*
 * Bytes to lines to text to the wire and back: every step against a plain reading of what its
 * header says.
 *
 *   - frame.h: however the bytes are cut, the lines are those of the whole
 *   - text.h: what comes out is clean, and clean text comes out as it is
 *   - wire.h: an event takes no more than its bound, is one line, and in JSON says what it said
 */
#include "wire.h"

#include "frame.h"
#include "fuzz.h"
#include "text.h"

#include <jansson.h>
#include <stdlib.h>

/* ---- frames --------------------------------------------------------------------------------- */

/* What came out of a frame, as bytes: each line with its end, or a mark for one too long. */
struct lines {
    char *bytes;
    size_t size;
};

static void lines_add(struct lines *l, struct str s, char end)
{
    l->bytes = fuzz_must(realloc(l->bytes, l->size + s.size + 1));
    if (s.size > 0)
        memcpy(l->bytes + l->size, s.data, s.size);
    l->bytes[l->size + s.size] = end;
    l->size += s.size + 1;
}

/* The header's words, as code: lines end in \n or \r\n; longer ones than `max` are dropped, and
 * told of once; the last one needs no end, or only half of it. */
static void plain_lines(struct lines *out, struct str in, size_t max)
{
    while (in.size > 0) {
        const char *end = memchr(in.data, '\n', in.size);
        struct str line = str_from(in.data, end ? (size_t)(end - in.data) : in.size);
        in = str_skip(in, end ? line.size + 1 : line.size);
        if (line.size > 0 && line.data[line.size - 1] == '\r')
            line.size--;
        if (line.size > max)
            lines_add(out, STR(""), '!');
        else if (end || line.size > 0)
            lines_add(out, line, '\n');
    }
}

/* The same through a frame, in pieces; now and then what is left is held back for a while. */
static void framed_lines(struct lines *out, struct str bytes, size_t max, struct fuzz_input *cuts)
{
    struct frame f = {0};
    struct str line;
    while (bytes.size > 0) {
        size_t n = 1 + fuzz_byte(cuts);
        char *piece = fuzz_copy(str_from(bytes.data, n < bytes.size ? n : bytes.size));
        struct str in = str_from(piece, n < bytes.size ? n : bytes.size);
        bytes = str_skip(bytes, in.size);
        enum frame_result result;
        while ((result = frame_next(&f, &in, max, &line)) != FRAME_MORE) {
            fuzz_check(result != FRAME_NOMEM, "no memory");
            lines_add(out, result == FRAME_LINE ? line : STR(""),
                      result == FRAME_LINE ? '\n' : '!');
        }
        frame_trim(&f);
        free(piece);
    }
    if (frame_end(&f, &line))
        lines_add(out, line, '\n');
    frame_fini(&f);
}

static void check_frames(struct str bytes, struct fuzz_input cuts, size_t max)
{
    struct lines plain = {0};
    struct lines framed = {0};
    plain_lines(&plain, bytes, max);
    framed_lines(&framed, bytes, max, &cuts);
    fuzz_check(str_equal(str_from(plain.bytes, plain.size), str_from(framed.bytes, framed.size)),
               "the lines are \"" STR_FMT "\", not \"" STR_FMT "\"", (int)framed.size, framed.bytes,
               (int)plain.size, plain.bytes);
    free(plain.bytes);
    free(framed.bytes);
}

/* ---- text ----------------------------------------------------------------------------------- */

/* Cleans into memory of just the size that is promised to be enough; the caller frees *memory. */
static struct str clean(struct str raw, char **memory)
{
    struct text_repairs repairs = {0};
    *memory = fuzz_must(malloc(TEXT_CLEAN_MAX(raw.size) + 1));
    struct str s = text_clean(raw, *memory, &repairs);
    fuzz_check(fuzz_is_clean(s), "cleaned to \"" STR_FMT "\"", STR_ARG(s));
    fuzz_check(text_is_clean(raw) == fuzz_is_clean(raw), "clean, or not: \"" STR_FMT "\"",
               STR_ARG(raw));
    fuzz_check((s.data == raw.data) == (repairs.controls + repairs.invalid == 0),
               "%zu controls, %zu invalid", repairs.controls, repairs.invalid);
    return s;
}

static void check_cut(struct str text, size_t max)
{
    struct str cut = text_cut(text, max);
    fuzz_check(fuzz_is_clean(cut) && cut.size <= max && str_starts_with(text, cut),
               "cut to \"" STR_FMT "\"", STR_ARG(cut));
    fuzz_check(cut.size == text.size || cut.size + 4 > max, "%zu is little for %zu", cut.size, max);
}

/* A nick that is legal is one that the lines of the protocol can be read with. */
static void check_names(struct str text)
{
    if (!text_nick_fault(text))
        fuzz_check(text.size > 0 && text.size <= TEXT_NICK_MAX &&
                       !memchr(text.data, ' ', text.size) && !memchr(text.data, ':', text.size) &&
                       text.data[0] != '#',
                   "a nick \"" STR_FMT "\"", STR_ARG(text));
    if (!text_room_fault(text))
        fuzz_check(text.size > 1 && text.size <= TEXT_ROOM_MAX && text.data[0] == '#' &&
                       !memchr(text.data, ' ', text.size),
                   "a room \"" STR_FMT "\"", STR_ARG(text));
}

/* ---- the wire ------------------------------------------------------------------------------- */

static void check_string(const json_t *object, const char *key, struct str expected)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return;
    fuzz_check(
        json_is_string(value) &&
            str_equal(str_from(json_string_value(value), json_string_length(value)), expected),
        "\"%s\" is not \"" STR_FMT "\"", key, STR_ARG(expected));
}

static void check_json(const struct event *e, struct str line)
{
    json_error_t error;
    json_t *object = json_loadb(line.data, line.size, JSON_REJECT_DUPLICATES, &error);
    fuzz_check(json_is_object(object), "%s: " STR_FMT, error.text, STR_ARG(line));
    check_string(object, "type", str_of(event_type_name(e->type)));
    check_string(object, "room", e->room);
    check_string(object, "from", e->from);
    if (e->text.size > 0)
        check_string(object, "text", e->text);
    check_string(object, "token", e->token);
    json_decref(object);
}

static void check_encoding(enum wire_id id, const struct event *e)
{
    const struct wire *wire = wire_get(id);
    size_t bound = wire->bound(e);
    char *out = fuzz_must(malloc(bound));
    size_t size = wire->encode(e, out);
    fuzz_check(size > 0 && size <= bound, "%zu bytes, though %zu are enough", size, bound);
    struct str line = str_from(out, size - 1);
    fuzz_check(out[size - 1] == '\n' && fuzz_is_clean(line), "no line: " STR_FMT, STR_ARG(line));
    if (id == WIRE_JSON)
        check_json(e, line);
    free(out);
}

static void check_event(struct fuzz_input *in, struct str text)
{
    const struct str other = text.size > 0 ? STR("") : STR("two");
    const struct event_item items[] = {{text, fuzz_byte(in)}, {other, INT64_MAX}};
    struct str name = text_cut(text, TEXT_NICK_MAX);
    struct event e = {
        .type = (enum event_type)fuzz_below(in, EVENT_TYPES),
        .own = fuzz_below(in, 2),
        .room = fuzz_below(in, 2) ? name : STR(WIRE_LOBBY),
        .from = name,
        .to = fuzz_below(in, 2) ? name : STR(""),
        .text = text,
        .nick = name,
        .server = STR("0123456789abcdef"),
        .token = text,
        .id = (uint64_t)1 << fuzz_below(in, 63),
        .seq = INT64_MAX - fuzz_byte(in),
        .count = fuzz_byte(in),
        .time_ms = (int64_t)fuzz_byte(in) << fuzz_below(in, 36), /* the year 2500 */
        .items = items,
        .item_count = fuzz_below(in, 3),
    };
    if (e.type == EVENT_WELCOME)
        e.text = STR(""); /* it has its own */
    for (int id = 0; id < WIRE_COUNT; id++)
        check_encoding((enum wire_id)id, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct fuzz_input head = {data, size < 24 ? size : 24};
    size_t max = fuzz_byte(&in);
    char *memory;
    char *copy = fuzz_copy(fuzz_rest(&in));
    struct str raw = str_from(copy, size > 0 ? size - 1 : 0);
    check_frames(raw, head, max);
    struct str text = clean(raw, &memory);
    check_cut(text, max);
    check_names(text);
    check_event(&head, text);
    free(memory);
    free(copy);
    return 0;
}
