/*
 * A face: how the conversation looks, and what typing means. One per client, chosen at its start:
 * the terminal's, the pipe's, the probe's.
 *
 *     hub --lines--> event_reader --event--> session --(show it?)--> face --> standard output
 *     keyboard --pipe--> face --(what is said)--> outbox --> hub
 *
 * The client (client_events.c) owns connection, poller, signals and both processes, and calls the
 * face, from one thread, when something happened. The face calls back through struct face_host, at
 * any time: no host function calls the face.
 *
 * To add one: embed `struct face` at the start of your own struct, fill a const table of
 * operations, and let face_new() in client.c choose it.
 */
#ifndef CHATROOM_FACE_H
#define CHATROOM_FACE_H

#include "str.h"

#include <stdint.h>

struct client_options;
struct event;
struct face;
struct session;

/* What a face may ask of the conversation. Valid as long as the face. */
struct face_host {
    void *owner; /* the first argument of each function */

    /* One line for the hub, without newline; copied. Returns 0; -ENOTCONN where there is no
     * connection now, -EAGAIN while the hub does not take what was said before: nothing was taken
     * then, so that it stays a draft; or -ENOMEM. */
    int (*say)(void *owner, struct str line);

    /* Bytes for the hub as they are, newlines included; copied. Always taken: without a connection
     * they wait for the next one. Returns 0 or -ENOMEM, which also ends the conversation. */
    int (*send)(void *owner, struct str bytes);

    /* The user ends it politely: what was said is still sent, what the hub answers is still shown,
     * `status` is the exit status. No more keys come. */
    void (*leave)(void *owner, int status);

    /* The same in a hurry: nothing more is shown, and it takes a second at most. */
    void (*hurry)(void *owner, int status);

    /* Ends with this status in place of 0, if nothing worse happens. */
    void (*fail)(void *owner, int status);

    /* It is over at once with this exit status; `why`, if not empty, goes to standard error. */
    void (*stop)(void *owner, int status, struct str why);

    /* The face's one timer, one-shot, in `ms` milliseconds; 0 cancels it. */
    void (*timer)(void *owner, unsigned ms);

    /* What is known of hub, rooms and self. Read only; the same pointer for the client's life. */
    const struct session *(*session)(void *owner);

    uint64_t (*now_ms)(void *owner); /* monotonic */

    /* For screen_new(): what to watch while a write has to wait, and whom to tell. */
    int wake_fd;
    bool (*woken)(void *owner);
};

enum face_link {
    FACE_CONNECTED, /* the hub speaks JSON to us; nick and rooms are asked for */
    FACE_LOST,      /* the connection is gone */
    FACE_WAITING,   /* `seconds` until the next try; once a second */
    FACE_DIALLING,  /* a try is under way */
};

/*
 * What the client tells the face. `free`, `event`, `note`, `keys`, `keys_ended` and `flush` must be
 * set; the others may be NULL. Everything passed in is borrowed for the call.
 */
struct face_ops {
    void (*free)(struct face *f);

    /* Called once, when the keyboard process runs, in the other one: here the terminal changes its
     * modes. Returns 0 or a negative errno, which ends the client. */
    int (*start)(struct face *f);

    /* An event to show, and its line as the hub sent it, without newline. All text in the event is
     * clean (text_clean()); what is our own is marked `own`. */
    void (*event)(struct face *f, const struct event *e, struct str json);

    /* A line of a type that is not known, for those who pass JSON on. */
    void (*unknown)(struct face *f, struct str json);

    /* What the hub sends and is no JSON, as it comes: any bytes, newlines included; not clean. For
     * FACE_RAW_SHOWN. */
    void (*raw)(struct face *f, struct str bytes);

    /* The client's own words for people: holes, the hub's restart, reconnecting. One sentence,
     * clean text, no newline. */
    void (*note)(struct face *f, struct str text);

    void (*link)(struct face *f, enum face_link state, unsigned seconds);

    /* From the pipe: bytes as typed (struct face's keys_raw), or whole lines with their newlines; a
     * line above 64 KiB comes in parts, and the last one may have no newline. */
    void (*keys)(struct face *f, struct str bytes);
    void (*keys_ended)(struct face *f); /* all of the input was passed; most faces leave() */

    void (*timer)(struct face *f);

    /* SIGINT, SIGWINCH; SIGTSTP just before this process stops, SIGCONT after it goes on. Returns
     * true if it dealt with it. SIGINT: false ends the client; SIGTSTP: false does not stop it.
     * NULL: all but SIGINT do what they do to any program. */
    bool (*signal)(struct face *f, int number);

    /* The end of a turn, or of everything: writes what there is to write. Returns 0 or a negative
     * errno: -EPIPE if nobody reads any more, which ends the client quietly. */
    int (*flush)(struct face *f);

    /* Called in the keyboard process, which has a copy of the face, when the other process is gone:
     * here a terminal is put right. */
    void (*orphaned)(struct face *f);
};

/* What to do with a hub's line that is no JSON. Every hub speaks the `line` encoding at first. */
enum face_raw {
    /* Passed over at first, and a hub that does not get to JSON is given up (EX_PROTOCOL), as is
     * one that goes back: for programs. */
    FACE_RAW_REFUSED,
    /* The same, but one that goes back is shown, in notes: for a terminal. */
    FACE_RAW_NOTED,
    /* Given to raw() as it is, with any hub; but where rooms, history or reconnecting were asked
     * for, only those after the switch: for plain text in pipes. */
    FACE_RAW_SHOWN,
};

/* The start of every face. */
struct face {
    const struct face_ops *ops;
    enum face_raw raw;
    bool keys_raw; /* the keyboard process passes on bytes, not lines */
};

static inline void face_free(struct face *f)
{
    if (f)
        f->ops->free(f);
}

/* Every face has such a constructor. Options and host are borrowed until its end. NULL without
 * memory. */
struct face *face_pipe_new(const struct client_options *options, const struct face_host *host);
struct face *face_probe_new(const struct client_options *options, const struct face_host *host);
struct face *face_terminal_new(const struct client_options *options, const struct face_host *host);

#endif
