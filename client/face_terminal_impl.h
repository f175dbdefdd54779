/*
 * What the files of the terminal's face share. Nobody else includes this.
 *
 *     face_terminal.c         the face: what it is told, what it draws, and when
 *     face_terminal_keys.c    what typing means
 */
#ifndef CHATROOM_FACE_TERMINAL_IMPL_H
#define CHATROOM_FACE_TERMINAL_IMPL_H

#include "buffer.h"
#include "completion.h"
#include "editor.h"
#include "face.h"
#include "history_file.h"
#include "input_line.h"
#include "keys.h"
#include "paste.h"
#include "scroll.h"
#include "terminal.h"
#include "view.h"

#include <sys/types.h>

struct face_terminal {
    struct face face;
    const struct client_options *o;
    const struct face_host *host;
    pid_t pid; /* of the process that keeps the face */
    bool colour;
    enum face_link link;
    unsigned seconds; /* of FACE_WAITING */

    /* what is shown */
    struct terminal *terminal; /* NULL: standard input or output is none */
    struct input_screen screen;
    size_t rows;
    struct view *view;
    struct buffer lines;  /* of the event just told; empty in between */
    struct scroll scroll; /* lines to draw */
    struct input_line input;
    struct buffer out; /* bytes that the terminal has not taken yet */
    struct buffer prompt;
    uint64_t drawn_ms; /* when lines were drawn last */
    uint64_t timer_ms; /* when the timer goes off; 0: it is not set */
    bool started;
    bool stopped; /* the terminal was left, until this process goes on */
    bool resized;
    bool clear; /* the screen is to be emptied */
    bool stale; /* the line at the bottom is to be drawn */
    bool beep;
    bool leaving; /* nobody types any more */

    /* what is typed */
    struct keys keys;
    struct editor *editor; /* NULL until start() */
    struct completion *completion;
    struct history_file *history; /* NULL: nothing is kept */
    struct paste paste;
    bool asking;         /* whether the paste is to be sent */
    bool pasting;        /* its lines are being sent */
    struct buffer after; /* what stood behind the cursor where it was pasted */
    bool focus_told;     /* the terminal tells whether its window has the focus */
    uint64_t key_ms;     /* when a key came last */
};

/* What the view does not know itself, now. */
struct view_scene face_terminal_scene(const struct face_terminal *t);

/* What the view has put into `lines` is drawn at the next occasion. */
void face_terminal_show(struct face_terminal *t);

/* A note of the face's own. */
void face_terminal_note(struct face_terminal *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Bytes from the keyboard process. */
void face_terminal_type(struct face_terminal *t, struct str bytes);

/* Time has passed: a paste is over, somebody is away; more lines of a paste can be sent. */
void face_terminal_go_on(struct face_terminal *t, uint64_t now_ms);

/* In how many milliseconds time matters for what is typed; 0: never. */
unsigned face_terminal_typing_wait(const struct face_terminal *t, uint64_t now_ms);

/* Of what was pasted and not sent: the number of lines. */
size_t face_terminal_unsent(const struct face_terminal *t);

#endif
