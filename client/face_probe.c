/*
 * The face of --ping: it shows nothing of the conversation. One ping at a time goes out, the next
 * one a moment after its answer; at the end there is one line of sums on standard output.
 */
#include "client_options.h"
#include "diag.h"
#include "face.h"
#include "probe.h"
#include "screen.h"
#include "wire.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
    PAUSE_MS = 10, /* between an answer and the next ping: to measure a hub, not to load it */
    TOKEN_MAX = 32,
};

struct face_probe {
    struct face face;
    const struct client_options *o;
    const struct face_host *host;
    struct screen *out;
    struct probe probe;
    bool waiting;          /* for an answer */
    char token[TOKEN_MAX]; /* of the ping that is under way */
};

static struct face_probe *self(struct face *f)
{
    return (struct face_probe *)f;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void send_ping(struct face_probe *p)
{
    char line[TOKEN_MAX + 8];
    snprintf(p->token, sizeof p->token, "probe-%u", p->probe.sent + 1);
    snprintf(line, sizeof line, "/ping %s", p->token);
    int rc = p->host->say(p->host->owner, str_of(line));
    if (rc == -ENOTCONN)
        return; /* it was lost just now, and comes back, or it is over */
    if (rc < 0) {
        p->host->timer(p->host->owner, PAUSE_MS); /* the hub takes no more at the moment */
        return;
    }
    p->waiting = true;
    probe_send(&p->probe, now_ns());
    p->host->timer(p->host->owner, p->o->connect_timeout_ms);
}

/* What does not get out is told by probe_flush(): the screen's errors stay. */
static void report(struct face_probe *p)
{
    char line[PROBE_REPORT_MAX];
    screen_text(p->out, probe_report(&p->probe, p->o->hub_name, p->o->json, line));
    screen_flush(p->out);
}

static void take_answer(struct face_probe *p, const struct event *e)
{
    if (!p->waiting || !str_equal(e->token, str_of(p->token)))
        return;
    probe_answer(&p->probe, now_ns());
    p->waiting = false;
    if (!probe_is_complete(&p->probe)) {
        p->host->timer(p->host->owner, PAUSE_MS);
        return;
    }
    p->host->timer(p->host->owner, 0);
    report(p);
    p->host->leave(p->host->owner, EX_OK);
}

static void probe_event(struct face *f, const struct event *e, struct str json)
{
    (void)json;
    if (e->type == EVENT_PONG)
        take_answer(self(f), e);
    else if (e->type == EVENT_ERROR)
        diag_log(DIAG_WARN, "the hub says: " STR_FMT, STR_ARG(e->text));
}

static void probe_timer(struct face *f)
{
    struct face_probe *p = self(f);
    char why[64];
    if (!p->waiting) {
        send_ping(p);
        return;
    }
    report(p);
    snprintf(why, sizeof why, "no answer to ping %u within %u ms", p->probe.sent,
             p->o->connect_timeout_ms);
    p->host->stop(p->host->owner, EX_UNAVAILABLE, str_of(why));
}

/* A ping that was lost with its connection is sent again when there is a new one. */
static void probe_link(struct face *f, enum face_link state, unsigned seconds)
{
    struct face_probe *p = self(f);
    (void)seconds;
    if (state == FACE_CONNECTED) {
        send_ping(p);
    } else if (p->waiting) {
        p->waiting = false;
        probe_take_back(&p->probe);
        p->host->timer(p->host->owner, 0);
    }
}

static void probe_note(struct face *f, struct str text)
{
    (void)f;
    diag_log(DIAG_INFO, STR_FMT, STR_ARG(text));
}

/* Nothing is typed. */
static void probe_keys(struct face *f, struct str bytes)
{
    (void)f;
    (void)bytes;
}

static void probe_keys_ended(struct face *f)
{
    (void)f;
}

/* Ctrl-C: what was found so far, as ping(8) does. */
static bool probe_signal(struct face *f, int number)
{
    if (number == SIGINT)
        report(self(f));
    return false;
}

static int probe_flush(struct face *f)
{
    return screen_flush(self(f)->out);
}

static void probe_free(struct face *f)
{
    struct face_probe *p = self(f);
    screen_free(p->out);
    probe_fini(&p->probe);
    free(p);
}

static const struct face_ops probe_ops = {
    .free = probe_free,
    .event = probe_event,
    .note = probe_note,
    .link = probe_link,
    .keys = probe_keys,
    .keys_ended = probe_keys_ended,
    .timer = probe_timer,
    .signal = probe_signal,
    .flush = probe_flush,
};

struct face *face_probe_new(const struct client_options *options, const struct face_host *host)
{
    struct face_probe *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->face = (struct face){&probe_ops, FACE_RAW_REFUSED, false};
    p->o = options;
    p->host = host;
    p->out = screen_new(STDOUT_FILENO, host->wake_fd, host->woken, host->owner);
    if (p->out && probe_init(&p->probe, options->pings) == 0)
        return &p->face;
    probe_free(&p->face);
    return NULL;
}
