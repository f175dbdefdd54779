/*
 * The view: how an event looks on a terminal. Pure: the clocks are passed in, and what comes out
 * are bytes.
 *
 *     12:04 ann: hello             the first message of a minute has a stamp
 *           bob: hi ann            names have a colour of their own, always the same
 *     12:05>cem: ann, are you ...  one's own nick was mentioned
 *           * dan, eve and fay joined
 *     ------------- new -------------   nobody was looking when the next one came
 *
 * Every line ends in CR LF, and with the terminal's attributes as they were. All text is made safe
 * (glyph.h), whoever sent it.
 */
#ifndef CHATROOM_VIEW_H
#define CHATROOM_VIEW_H

#include "buffer.h"

#include <stdint.h>

struct event;
struct view;

struct view_options {
    bool colour;
    bool utf8; /* the terminal shows more than ASCII */
};

/* What the view does not know itself. */
struct view_scene {
    struct str nick; /* one's own */
    struct str room; /* the current one: it is not named in front of what is said there */
    int64_t time_ms; /* UNIX time, for events that have none, and to know what day it is */
    uint64_t now_ms; /* monotonic */
};

/* NULL without memory. */
struct view *view_new(const struct view_options *options);
void view_free(struct view *v);

/* The terminal's width from now on, at least 1. */
void view_columns(struct view *v, size_t columns);

/* Appends an event. Comings and goings are gathered and come later, see view_wait(). */
void view_event(struct view *v, const struct view_scene *scene, const struct event *e,
                struct buffer *out);

/* The client's own words; clean text. */
void view_note(struct view *v, const struct view_scene *scene, struct str text, struct buffer *out);

/* What was typed and is no message: a command. */
void view_command(struct view *v, const struct view_scene *scene, struct str line,
                  struct buffer *out);

/* In how many milliseconds to call view_tell(), which shows what was gathered; 0: nothing was. */
unsigned view_wait(const struct view *v, uint64_t now_ms);
void view_tell(struct view *v, const struct view_scene *scene, struct buffer *out);

/* Whether somebody is looking. The first message that comes while nobody is gets a mark before it.
 */
void view_away(struct view *v, bool away);

/* True, once, if one's attention was asked for: one's nick was said, or a private message came.
 * Nothing old that is replayed, nor anything one said oneself, does. */
bool view_rings(struct view *v);

/* The next line has a stamp, even if the minute is the same: lines were left out. */
void view_stamp(struct view *v);

#endif
