/*
 * Messages are put together here; for everything else the words are those of the `line` encoding
 * (wire_line.c), which people know from pipes and from nc.
 */
#include "view.h"

#include "colour.h"
#include "glyph.h"
#include "presence.h"
#include "text.h"
#include "wire.h"
#include "wrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unictype.h>

enum {
    STAMP_COLUMNS = 6, /* "12:04 " */
    RULE_COLUMNS_MAX = 60,
    TEXT_SHOWN_MAX = 16 << 10, /* bytes of one text; hubs hold people to less */
    MINUTE_MS = 60 * 1000,
};

struct view {
    struct view_options options;
    size_t columns;
    struct presence presence;
    struct buffer scratch;

    int64_t minute; /* of the last stamp, since 1970; -1: none */
    int64_t day;    /* local, year * 366 + day of the year; -1: none */
    char stamp[sizeof "12:04"];

    uint64_t replays; /* messages of a replay that are still to come */
    bool away;
    bool marked; /* the mark for this absence is there */
    bool rings;
};

struct view *view_new(const struct view_options *options)
{
    struct view *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    v->options = *options;
    v->columns = 80;
    v->minute = -1;
    v->day = -1;
    return v;
}

void view_free(struct view *v)
{
    if (v)
        buffer_fini(&v->scratch);
    free(v);
}

void view_columns(struct view *v, size_t columns)
{
    v->columns = columns > 0 ? columns : 1;
}

void view_away(struct view *v, bool away)
{
    v->away = away;
    v->marked = v->marked && away;
}

bool view_rings(struct view *v)
{
    bool rings = v->rings;
    v->rings = false;
    return rings;
}

void view_stamp(struct view *v)
{
    v->minute = -1;
}

/* ---- lines --------------------------------------------------------------------------------- */

/* A line in the making: where it is wrapped, and the colour that is on. */
struct line {
    const struct view *view;
    struct wrap wrap;
};

static void colour_on(struct line *l, struct str colour)
{
    if (!l->view->options.colour)
        return;
    wrap_mark(&l->wrap, STR("\x1b["));
    wrap_mark(&l->wrap, colour);
    wrap_mark(&l->wrap, STR("m"));
}

static void colour_off(struct line *l)
{
    if (l->view->options.colour)
        wrap_mark(&l->wrap, STR("\x1b[0m"));
}

static void put(struct line *l, struct str colour, struct str text)
{
    if (colour.size > 0)
        colour_on(l, colour);
    wrap_text(&l->wrap, text_cut(text, TEXT_SHOWN_MAX));
    if (text.size > TEXT_SHOWN_MAX)
        wrap_text(&l->wrap, STR(" ..."));
    if (colour.size > 0)
        colour_off(l);
}

/* Opens a line without a stamp. */
static struct line begin(const struct view *v, struct buffer *out)
{
    return (struct line){
        .view = v,
        .wrap = {.out = out,
                 .columns = v->columns,
                 .indent = v->columns < WRAP_COLUMNS_MIN ? 0 : STAMP_COLUMNS,
                 .utf8 = v->options.utf8},
    };
}

/* ---- time ---------------------------------------------------------------------------------- */

/* "--------- new ---------" */
static void add_rule(struct view *v, struct str colour, struct str text, struct buffer *out)
{
    struct line l = begin(v, out);
    size_t columns = v->columns < RULE_COLUMNS_MAX ? v->columns - 1 : RULE_COLUMNS_MAX;
    size_t taken = glyph_columns(text) + 2;
    size_t before = columns > taken ? (columns - taken) / 2 : 0;
    size_t behind = columns > taken + before ? columns - taken - before : 0;
    struct str dash = v->options.utf8 ? STR("\xe2\x94\x80") : STR("-");
    colour_on(&l, colour);
    for (size_t i = 0; i < before; i++)
        buffer_add(out, dash);
    buffer_add_char(out, ' ');
    glyph_add(out, text, v->options.utf8);
    buffer_add_char(out, ' ');
    for (size_t i = 0; i < behind; i++)
        buffer_add(out, dash);
    colour_off(&l);
    wrap_end(&l.wrap);
}

static void enter_day(struct view *v, const struct tm *at, struct buffer *out)
{
    int64_t day = at->tm_year * INT64_C(366) + at->tm_yday;
    if (v->day >= 0 && v->day != day) {
        char weekday[16];
        char month[16];
        char text[64];
        strftime(weekday, sizeof weekday, "%A", at);
        strftime(month, sizeof month, "%B", at);
        snprintf(text, sizeof text, "%s, %d %s %d", weekday, at->tm_mday, month,
                 at->tm_year + 1900);
        add_rule(v, STR("2"), str_of(text), out);
    }
    v->day = day;
}

/* Makes `stamp` that of `time_ms`. Returns true if it is another minute than before. */
static bool enter_minute(struct view *v, int64_t time_ms, struct buffer *out)
{
    int64_t minute = time_ms / MINUTE_MS;
    if (minute == v->minute)
        return false;
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm at;
    if (!localtime_r(&seconds, &at))
        return false;
    enter_day(v, &at, out);
    v->minute = minute;
    strftime(v->stamp, sizeof v->stamp, "%H:%M", &at);
    return true;
}

/* The beginning of the first line: the stamp, if it is news, and what sets a line apart: a blank or
 * '>'. In a narrow terminal there is no room for either. */
static struct line begin_stamped(struct view *v, const struct view_scene *scene, int64_t time_ms,
                                 bool mention, struct buffer *out)
{
    if (v->day < 0) {
        enter_minute(v, scene->time_ms, out);
        v->minute = -1;
    }
    bool news = enter_minute(v, time_ms > 0 ? time_ms : scene->time_ms, out);
    struct line l = begin(v, out);
    if (v->columns < WRAP_COLUMNS_MIN)
        return l;
    if (news)
        put(&l, STR("2"), str_of(v->stamp));
    else
        buffer_add_times(out, ' ', STAMP_COLUMNS - 1);
    if (mention)
        put(&l, STR("1;31"), STR(">"));
    else
        buffer_add_char(out, ' ');
    l.wrap.at = STAMP_COLUMNS;
    return l;
}

/* ---- what is said -------------------------------------------------------------------------- */

static bool is_word_end(struct str text)
{
    struct glyph g;
    return !glyph_take(&text, &g) || !uc_is_alnum(g.code);
}

static bool begins_with_fold(struct str text, struct str word)
{
    return text.size >= word.size && text_equal_fold(str_from(text.data, word.size), word);
}

/* True if `nick` stands in `text` as a word of its own. */
static bool is_mentioned(struct str text, struct str nick)
{
    bool at_start = true;
    struct glyph g;
    if (nick.size == 0)
        return false;
    for (; text.size >= nick.size; at_start = !uc_is_alnum(g.code)) {
        if (at_start && begins_with_fold(text, nick) && is_word_end(str_skip(text, nick.size)))
            return true;
        glyph_take(&text, &g);
    }
    return false;
}

/* A message of a replay is old: it rings no bell. */
static bool is_old(struct view *v, const struct event *e)
{
    if (e->type == EVENT_PRIVATE || v->replays == 0)
        return false;
    v->replays--;
    return true;
}

static void mark_absence(struct view *v, struct buffer *out)
{
    if (!v->away || v->marked)
        return;
    v->marked = true;
    add_rule(v, STR("31"), STR("new"), out);
}

/* Who it is from, and for whom. */
static void put_head(struct line *l, const struct view_scene *scene, const struct event *e)
{
    struct str colour = e->own ? STR("") : colour_of_nick(e->from);
    if (e->type == EVENT_PRIVATE) {
        put(l, STR(""), e->own ? STR("to @") : STR("@"));
        put(l, colour, e->own ? e->to : e->from);
    } else {
        if (e->room.size > 0 && !text_equal_fold(e->room, scene->room)) {
            put(l, e->own ? STR("") : STR("2"), e->room);
            put(l, STR(""), STR(" "));
        }
        put(l, colour, e->from);
    }
    put(l, STR(""), e->type == EVENT_ACTION ? STR(" * ") : STR(": "));
}

static void show_message(struct view *v, const struct view_scene *scene, const struct event *e,
                         struct buffer *out)
{
    bool news = !is_old(v, e) && !e->own;
    bool mention = !e->own && (e->type == EVENT_PRIVATE || is_mentioned(e->text, scene->nick));
    if (news)
        mark_absence(v, out);
    v->rings = v->rings || (news && mention);
    struct line l = begin_stamped(v, scene, e->time_ms, mention, out);
    if (e->own)
        colour_on(&l, STR("2"));
    put_head(&l, scene, e);
    put(&l, mention ? STR("1") : STR(""), e->text);
    if (e->own)
        colour_off(&l);
    wrap_end(&l.wrap);
}

/* ---- everything else ----------------------------------------------------------------------- */

static void show_text(struct view *v, const struct view_scene *scene, int64_t time_ms,
                      struct str colour, struct str text, struct buffer *out)
{
    struct line l = begin_stamped(v, scene, time_ms, false, out);
    put(&l, colour, text);
    wrap_end(&l.wrap);
}

/* The event in the words of the `line` encoding, without its newline. */
static void show_line(struct view *v, const struct view_scene *scene, const struct event *e,
                      struct buffer *out)
{
    size_t bound = wire_line.bound(e);
    char *text = malloc(bound);
    if (!text) {
        out->failed = true;
        return;
    }
    size_t size = wire_line.encode(e, text);
    struct str colour = e->type == EVENT_ERROR ? STR("31") : STR("2");
    show_text(v, scene, e->time_ms, colour, str_from(text, size - 1), out);
    free(text);
}

void view_tell(struct view *v, const struct view_scene *scene, struct buffer *out)
{
    if (presence_is_empty(&v->presence))
        return;
    buffer_clear(&v->scratch);
    buffer_add_literal(&v->scratch, "* ");
    presence_tell(&v->presence, scene->room, &v->scratch);
    out->failed = out->failed || v->scratch.failed;
    show_text(v, scene, 0, STR("2"), buffer_str(&v->scratch), out);
}

unsigned view_wait(const struct view *v, uint64_t now_ms)
{
    return presence_wait(&v->presence, now_ms);
}

static bool is_presence(const struct event *e)
{
    return (e->type == EVENT_JOIN || e->type == EVENT_PART) && !e->own;
}

static bool is_message(const struct event *e)
{
    return e->type == EVENT_MESSAGE || e->type == EVENT_ACTION || e->type == EVENT_PRIVATE;
}

void view_event(struct view *v, const struct view_scene *scene, const struct event *e,
                struct buffer *out)
{
    if (is_presence(e) && presence_take(&v->presence, e, scene->now_ms))
        return;
    if (e->type == EVENT_NICK && !e->own && presence_rename(&v->presence, e))
        return;
    view_tell(v, scene, out);
    if (is_presence(e))
        presence_take(&v->presence, e, scene->now_ms);
    else if (is_message(e))
        show_message(v, scene, e, out);
    else
        show_line(v, scene, e, out);
    if (e->type == EVENT_HISTORY)
        v->replays = e->count;
}

void view_note(struct view *v, const struct view_scene *scene, struct str text, struct buffer *out)
{
    view_tell(v, scene, out);
    show_text(v, scene, 0, STR("33"), text, out);
}

void view_command(struct view *v, const struct view_scene *scene, struct str line,
                  struct buffer *out)
{
    view_tell(v, scene, out);
    show_text(v, scene, 0, STR("2"), line, out);
}
