/*
 * A face without a client: what it asks of its host is written down, and what it writes to standard
 * output and standard error is kept.
 *
 *   struct face_fixture fx;
 *   face_fixture_init(&fx, face_pipe_new, &options);
 *   fx.ops->event(...) only by way of the functions here, which catch what is written;
 *   assert_str(face_out(&fx), STR("ann: hello\n"));
 *   face_fixture_fini(&fx);
 */
#ifndef CHATROOM_FACE_FIXTURE_H
#define CHATROOM_FACE_FIXTURE_H

#include "client_options.h"
#include "face.h"
#include "unit.h"
#include "wire.h"

enum { FACE_OUT_MAX = 1 << 16, FACE_NOBODY = -1 };

struct face_fixture {
    struct face_host host;
    struct face *face;
    int files[2];  /* of descriptor 1 and 2, in memory */
    int before[2]; /* what they were */
    char read[FACE_OUT_MAX];

    /* what the host was asked for */
    char sent[FACE_OUT_MAX]; /* said lines get a newline */
    size_t sent_size;
    int left;    /* the status of leave(), or FACE_NOBODY */
    int hurried; /* of hurry() */
    int failure; /* of fail(); 0: not called */
    int stopped; /* of stop() */
    char why[256];
    unsigned timer_ms; /* what the timer was set to; 0: cancelled, or never set */
    int say_result;    /* what say() returns; it takes nothing unless that is 0 */
};

typedef struct face *face_new_fn(const struct client_options *, const struct face_host *);

/* `new` may return NULL for want of memory; the face is NULL then. */
void face_fixture_init(struct face_fixture *fx, face_new_fn *new, const struct client_options *o);
void face_fixture_fini(struct face_fixture *fx);

/* From here on writing to `fd`, 1 or 2, goes to this file. */
void face_replace(struct face_fixture *fx, int fd, int file);

/* The face's operations. The event comes as the hub would send it; see face_event_json() for
 * another line. */
void face_event(struct face_fixture *fx, const struct event *e);
void face_event_json(struct face_fixture *fx, const struct event *e, struct str json);
void face_raw_line(struct face_fixture *fx, struct str line);
void face_unknown(struct face_fixture *fx, struct str json);
void face_note(struct face_fixture *fx, struct str text);
void face_linked(struct face_fixture *fx, enum face_link state);
void face_keys(struct face_fixture *fx, struct str bytes);
void face_keys_ended(struct face_fixture *fx);
void face_time(struct face_fixture *fx);
bool face_signalled(struct face_fixture *fx, int number);
int face_flush(struct face_fixture *fx);

/* All that was written so far, after a flush; valid until the next of these. */
struct str face_out(struct face_fixture *fx);
struct str face_err(struct face_fixture *fx);

#endif
