/*
 * The face of a pipe: what programs and other people's pipelines read and write.
 *
 * Standard output gets what was said and what was asked for: messages, and the answers to /who,
 * /rooms, /stats, /ping. Everything else, comings and goings, notices, errors, goes to standard
 * error, so that `chatroom_client | while read -r line` reads messages only. --json is the
 * exception: all of the hub's objects go to standard output, as they came.
 *
 * Every event leaves in one of three looks: the hub's own `line` encoding, which the client makes
 * itself from the event; the hub's JSON; or the user's format.
 */
#include "client_options.h"
#include "colour.h"
#include "diag.h"
#include "face.h"
#include "screen.h"
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

struct face_pipe {
    struct face face;
    const struct client_options *o;
    const struct face_host *host;
    struct screen *out;
    struct screen *err;
    struct screen *last;   /* of the two, the one written to last */
    struct screen *raw_to; /* where the line that is not whole yet goes */
    bool raw_line;         /* there is one */
    bool colour_out;
    bool colour_err;
    uint64_t said; /* messages shown, for --count */
    bool over;     /* there were enough of them */
    char *line;    /* the longest line so far fits */
    size_t line_size;
};

static struct face_pipe *self(struct face *f)
{
    return (struct face_pipe *)f;
}

/* ---- what goes where ----------------------------------------------------------------------- */

/* What people said: what --count counts and --format formats. */
static bool is_message(const struct event *e)
{
    return e->type == EVENT_MESSAGE || e->type == EVENT_ACTION || e->type == EVENT_PRIVATE;
}

/* What the hub says only because it was asked to. */
static bool is_answer(const struct event *e)
{
    return e->type == EVENT_WHO || e->type == EVENT_ROOMS || e->type == EVENT_STATS ||
           e->type == EVENT_PONG;
}

/* Both may be the same terminal or file, so one is flushed before the other is written to. */
static struct screen *turn_to(struct face_pipe *p, struct screen *s)
{
    if (p->last != s)
        screen_flush(p->last);
    p->last = s;
    return s;
}

/* ---- looks --------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void end_record(struct face_pipe *p, struct screen *s)
{
    screen_raw(s, p->o->null && s == p->out ? STR("\0") : STR("\n"));
}

static void put_timestamp(struct face_pipe *p, struct screen *s, int64_t ms)
{
    char out[FORMAT_TIME_SIZE];
    if (!p->o->timestamps)
        return;
    screen_raw(s, format_time(ms ? ms : now_ms(), out));
    screen_raw(s, STR(" "));
}

static void put_coloured(struct screen *s, struct str colour, struct str text)
{
    screen_raw(s, STR("\033["));
    screen_raw(s, colour);
    screen_raw(s, STR("m"));
    screen_text(s, text);
    screen_raw(s, STR("\033[m"));
}

/* The event as wire_line has it, without its newline; empty where there is no memory for it. */
static struct str encode(struct face_pipe *p, const struct wire *wire, const struct event *e)
{
    size_t bound = wire->bound(e);
    if (bound > p->line_size) {
        char *line = realloc(p->line, bound);
        if (!line) {
            p->host->stop(p->host->owner, EX_OSERR, STR("out of memory"));
            return STR("");
        }
        p->line = line;
        p->line_size = bound;
    }
    return str_from(p->line, wire->encode(e, p->line) - 1);
}

/* Where the nick stands in the line of a message: behind the room's label, or the '@'. */
static size_t nick_offset(const struct event *e)
{
    if (e->type == EVENT_PRIVATE)
        return 1;
    return str_equal(e->room, STR(WIRE_LOBBY)) ? 0 : e->room.size + 1;
}

static void put_message(struct screen *s, const struct event *e, struct str line)
{
    size_t at = nick_offset(e);
    size_t end = at + e->from.size;
    if (end > line.size) {
        screen_text(s, line);
        return;
    }
    screen_text(s, str_from(line.data, at));
    put_coloured(s, colour_of_nick(e->from), str_from(line.data + at, e->from.size));
    screen_text(s, str_skip(line, end));
}

static void show_line(struct face_pipe *p, const struct event *e)
{
    bool asked = is_message(e) || is_answer(e);
    if (p->o->quiet && !asked && e->type != EVENT_ERROR && e->type != EVENT_GAP)
        return;
    struct screen *s = turn_to(p, asked && !(p->o->format) ? p->out : p->err);
    struct str line = encode(p, &wire_line, e);
    bool colour = s == p->out ? p->colour_out : p->colour_err;
    put_timestamp(p, s, e->time_ms);
    if (!colour)
        screen_text(s, line);
    else if (is_message(e))
        put_message(s, e, line);
    else
        put_coloured(s, e->type == EVENT_ERROR ? STR("31") : STR("2"), line);
    end_record(p, s);
}

/* The count of a history was lowered where --history shows less than there is. */
static void show_json(struct face_pipe *p, const struct event *e, struct str json)
{
    struct screen *s = turn_to(p, p->out);
    screen_text(s, e->type == EVENT_HISTORY ? encode(p, &wire_json, e) : json);
    end_record(p, s);
}

static void put_piece(void *owner, struct str piece, bool remote)
{
    struct face_pipe *p = owner;
    if (remote)
        screen_text(p->out, piece);
    else
        screen_raw(p->out, piece);
}

static void show_formatted(struct face_pipe *p, const struct event *e, struct str json)
{
    turn_to(p, p->out);
    format_run(p->o->format, e, json, now_ms(), put_piece, p);
    if (p->o->null || !format_ends_line(p->o->format))
        end_record(p, p->out);
}

/* ---- what the client tells ----------------------------------------------------------------- */

/* There were as many messages as were asked for. Where they cannot be written, flush() says so. */
static void count_message(struct face_pipe *p)
{
    if (++p->said < p->o->count || p->o->count == 0)
        return;
    p->over = true;
    int rc = screen_flush(p->out);
    if (rc == 0 || rc == -EPIPE)
        p->host->hurry(p->host->owner, EX_OK);
}

static void pipe_event(struct face *f, const struct event *e, struct str json)
{
    struct face_pipe *p = self(f);
    if (p->over)
        return;
    bool message = is_message(e);
    if (p->o->json) {
        if (message || p->o->count == 0)
            show_json(p, e, json);
    } else if (p->o->format && message) {
        show_formatted(p, e, json);
    } else {
        show_line(p, e);
    }
    if (message)
        count_message(p);
    else if (e->type == EVENT_ERROR && p->o->send_count > 0)
        p->host->fail(p->host->owner, EXIT_FAILURE); /* what was to be sent was refused */
}

static void pipe_unknown(struct face *f, struct str json)
{
    struct face_pipe *p = self(f);
    if (p->over || !p->o->json || p->o->count > 0)
        return;
    screen_text(turn_to(p, p->out), json);
    end_record(p, p->out);
}

/* A line of the `line` encoding: its first characters tell what it is. A long one comes in parts.
 */
static void pipe_raw(struct face *f, struct str bytes)
{
    struct face_pipe *p = self(f);
    while (bytes.size > 0) {
        bool notice = str_starts_with(bytes, STR("* ")) || str_starts_with(bytes, STR("! "));
        const char *newline = memchr(bytes.data, '\n', bytes.size);
        size_t size = newline ? (size_t)(newline - bytes.data) : bytes.size;
        if (!p->raw_line)
            p->raw_to = notice ? p->err : p->out;
        screen_text(turn_to(p, p->raw_to), str_from(bytes.data, size));
        if (newline)
            end_record(p, p->raw_to);
        p->raw_line = !newline;
        bytes = str_skip(bytes, newline ? size + 1 : size);
    }
}

static void pipe_note(struct face *f, struct str text)
{
    struct face_pipe *p = self(f);
    struct screen *s = turn_to(p, p->err);
    screen_text(s, STR("chatroom_client: "));
    screen_text(s, text);
    screen_text(s, STR("\n"));
}

static void pipe_keys(struct face *f, struct str bytes)
{
    struct face_pipe *p = self(f);
    p->host->send(p->host->owner, bytes);
}

static void pipe_keys_ended(struct face *f)
{
    struct face_pipe *p = self(f);
    p->host->leave(p->host->owner, EX_OK);
}

/* What cannot be said on standard error is not said. */
static int pipe_flush(struct face *f)
{
    struct face_pipe *p = self(f);
    screen_flush(turn_to(p, p->err));
    return screen_flush(turn_to(p, p->out));
}

/* ---- its life ------------------------------------------------------------------------------ */

static void pipe_free(struct face *f)
{
    struct face_pipe *p = self(f);
    screen_free(p->out);
    screen_free(p->err);
    free(p->line);
    free(p);
}

static const struct face_ops pipe_ops = {
    .free = pipe_free,
    .event = pipe_event,
    .unknown = pipe_unknown,
    .raw = pipe_raw,
    .note = pipe_note,
    .keys = pipe_keys,
    .keys_ended = pipe_keys_ended,
    .flush = pipe_flush,
};

struct face *face_pipe_new(const struct client_options *options, const struct face_host *host)
{
    struct face_pipe *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    struct colour_environment env = colour_environment();
    bool plain = !options->json && !options->format && !options->timestamps && !options->null &&
                 !options->quiet && options->count == 0;
    p->face = (struct face){&pipe_ops, plain ? FACE_RAW_SHOWN : FACE_RAW_REFUSED, false};
    p->o = options;
    p->host = host;
    p->colour_out = colour_wanted(options->color, &env, isatty(STDOUT_FILENO));
    p->colour_err = colour_wanted(options->color, &env, isatty(STDERR_FILENO));
    p->out = screen_new(STDOUT_FILENO, host->wake_fd, host->woken, host->owner);
    p->err = screen_new(STDERR_FILENO, host->wake_fd, host->woken, host->owner);
    p->last = p->out;
    if (p->out && p->err)
        return &p->face;
    pipe_free(&p->face);
    return NULL;
}
