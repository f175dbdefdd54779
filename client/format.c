/*
 * A format is compiled to parts: a run of literal bytes, or one thing to put. Literal bytes and
 * strftime formats stand in one block behind the parts.
 */
#include "format.h"

#include "writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum part_kind {
    PART_LITERAL,
    PART_TIME,
    PART_STRFTIME, /* `text` is NUL-terminated */
    PART_NICK,
    PART_ROOM,
    PART_TEXT,
    PART_SEQ,
    PART_ID,
    PART_KIND,
    PART_JSON,
};

struct part {
    enum part_kind kind;
    struct str text;
};

struct format {
    char *bytes;
    size_t used; /* of bytes */
    size_t count;
    struct part parts[];
};

enum { STRFTIME_MAX = 256 }; /* longest result; a longer one is left out */

/* What a format is read from, and where a fault is told. */
struct reader {
    const char *at;
    char *why;
    size_t why_size;
};

static const struct {
    char letter;
    enum part_kind kind;
} letters[] = {
    {'t', PART_TIME}, {'n', PART_NICK}, {'r', PART_ROOM}, {'m', PART_TEXT},
    {'s', PART_SEQ},  {'i', PART_ID},   {'k', PART_KIND}, {'j', PART_JSON},
};

static const struct {
    char letter;
    char byte;
} escapes[] = {
    {'n', '\n'}, {'t', '\t'}, {'\\', '\\'}, {'0', '\0'}, {'a', '\a'}, {'e', '\033'},
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* ---- compiling ----------------------------------------------------------------------------- */

static int fault(const struct reader *r, const char *what, char byte)
{
    snprintf(r->why, r->why_size, "%s: %c%c", what, *r->at, byte);
    return -EINVAL;
}

static struct part *add_part(struct format *f, enum part_kind kind)
{
    struct part *part = &f->parts[f->count++];
    *part = (struct part){.kind = kind, .text = str_from(f->bytes + f->used, 0)};
    return part;
}

/* To the literal part at the end, which is made if need be. */
static void add_byte(struct format *f, char byte)
{
    struct part *last = f->count > 0 ? &f->parts[f->count - 1] : NULL;
    if (!last || last->kind != PART_LITERAL)
        last = add_part(f, PART_LITERAL);
    f->bytes[f->used++] = byte;
    last->text.size++;
}

static int take_escape(struct format *f, struct reader *r)
{
    for (size_t i = 0; i < COUNT_OF(escapes); i++) {
        if (r->at[1] != escapes[i].letter)
            continue;
        add_byte(f, escapes[i].byte);
        r->at += 2;
        return 0;
    }
    if (r->at[1] != '\0')
        return fault(r, "has an unknown escape", r->at[1]);
    snprintf(r->why, r->why_size, "ends in a single backslash");
    return -EINVAL;
}

/* "%{...}" */
static int take_strftime(struct format *f, struct reader *r)
{
    const char *start = r->at + 2;
    const char *end = strchr(start, '}');
    if (!end) {
        snprintf(r->why, r->why_size, "has a %%{ without its }");
        return -EINVAL;
    }
    size_t size = (size_t)(end - start);
    struct part *part = add_part(f, PART_STRFTIME);
    memcpy(f->bytes + f->used, start, size);
    f->bytes[f->used + size] = '\0';
    f->used += size + 1;
    part->text.size = size;
    r->at = end + 1;
    return 0;
}

static int take_percent(struct format *f, struct reader *r)
{
    char letter = r->at[1];
    if (letter == '{')
        return take_strftime(f, r);
    if (letter == '\0') {
        snprintf(r->why, r->why_size, "ends in a single %%");
        return -EINVAL;
    }
    if (letter == '%') {
        add_byte(f, '%');
        r->at += 2;
        return 0;
    }
    for (size_t i = 0; i < COUNT_OF(letters); i++) {
        if (letter != letters[i].letter)
            continue;
        add_part(f, letters[i].kind);
        r->at += 2;
        return 0;
    }
    return fault(r, "has an unknown letter", letter);
}

static int compile(struct format *f, struct reader *r)
{
    int rc = 0;
    while (rc == 0 && *r->at != '\0') {
        if (*r->at == '%')
            rc = take_percent(f, r);
        else if (*r->at == '\\')
            rc = take_escape(f, r);
        else
            add_byte(f, *r->at++);
    }
    return rc;
}

int format_new(struct format **out, const char *text, char *why, size_t why_size)
{
    /* A part takes a byte of text at least, and so does a byte of `bytes`. */
    size_t most = strlen(text) + 1;
    struct format *f = calloc(1, sizeof *f + most * sizeof *f->parts + most);
    if (!f) {
        snprintf(why, why_size, "out of memory");
        return -ENOMEM;
    }
    f->bytes = (char *)(f->parts + most);
    struct reader r = {.at = text, .why = why, .why_size = why_size};
    int rc = compile(f, &r);
    if (rc < 0)
        format_free(f);
    else
        *out = f;
    return rc;
}

void format_free(struct format *f)
{
    free(f);
}

bool format_ends_line(const struct format *f)
{
    if (f->count == 0)
        return false;
    const struct part *last = &f->parts[f->count - 1];
    return last->kind == PART_LITERAL && last->text.data[last->text.size - 1] == '\n';
}

/* ---- running ------------------------------------------------------------------------------- */

struct str format_time(int64_t ms, char out[static FORMAT_TIME_SIZE])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (ms < 0 || !gmtime_r(&seconds, &tm) || tm.tm_year + 1900 > 9999)
        return STR("0000-00-00T00:00:00.000Z");
    char *end = write_padded(out, (uint64_t)tm.tm_year + 1900, 4);
    end = write_padded(write_literal(end, "-"), (uint64_t)tm.tm_mon + 1, 2);
    end = write_padded(write_literal(end, "-"), (uint64_t)tm.tm_mday, 2);
    end = write_padded(write_literal(end, "T"), (uint64_t)tm.tm_hour, 2);
    end = write_padded(write_literal(end, ":"), (uint64_t)tm.tm_min, 2);
    end = write_padded(write_literal(end, ":"), (uint64_t)tm.tm_sec, 2);
    end = write_padded(write_literal(end, "."), (uint64_t)(ms % 1000), 3);
    return str_from(out, (size_t)(write_literal(end, "Z") - out));
}

/* What strftime(3) makes of the user's format; empty where that is longer than `out`. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* it is the user's, and can do no harm */
static struct str local_time(int64_t ms, const char *format, char *out, size_t size)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm))
        return STR("");
    return str_from(out, strftime(out, size, format, &tm));
}
#pragma GCC diagnostic pop

static void put_number(uint64_t n, format_put_fn *put, void *owner)
{
    char digits[WRITER_NUMBER_MAX];
    put(owner, str_from(digits, (size_t)(write_number(digits, n) - digits)), false);
}

static void put_time(const struct part *part, int64_t ms, format_put_fn *put, void *owner)
{
    char out[STRFTIME_MAX];
    if (part->kind == PART_TIME)
        put(owner, format_time(ms, out), false);
    else
        put(owner, local_time(ms, part->text.data, out, sizeof out), false);
}

static void put_part(const struct part *part, const struct event *e, struct str json,
                     format_put_fn *put, void *owner)
{
    switch (part->kind) {
    case PART_NICK:
        put(owner, e->from, true);
        break;
    case PART_ROOM:
        put(owner, e->room, true);
        break;
    case PART_TEXT:
        put(owner, e->text, true);
        break;
    case PART_SEQ:
        put_number(e->seq, put, owner);
        break;
    case PART_ID:
        put_number(e->id, put, owner);
        break;
    case PART_KIND:
        put(owner, str_of(event_type_name(e->type)), false);
        break;
    case PART_JSON:
        put(owner, json, true);
        break;
    default:
        put(owner, part->text, false);
        break;
    }
}

void format_run(const struct format *f, const struct event *e, struct str json, int64_t now_ms,
                format_put_fn *put, void *owner)
{
    int64_t ms = e->time_ms ? e->time_ms : now_ms;
    for (size_t i = 0; i < f->count; i++) {
        const struct part *part = &f->parts[i];
        if (part->kind == PART_TIME || part->kind == PART_STRFTIME)
            put_time(part, ms, put, owner);
        else
            put_part(part, e, json, put, owner);
    }
}
