/*
 * The connection to the hub. Bytes become lines, lines become events, and the session says which
 * of them are for the face. What the user says goes to the outbox, and from there to the hub.
 *
 * When it is lost, and reconnecting was asked for, the next one is dialled after a while, by a
 * process of its own; then the session's greeting makes it what the old one was. Nothing is ever
 * sent twice: of what the old connection had taken nobody knows whether the hub has read it, and
 * that is told; whole lines that were not sent at all wait for the next one.
 */
#include "client_impl.h"
#include "client_options.h"
#include "event_reader.h"
#include "session.h"
#include "text.h"
#include "wire.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 1 << 20, /* longer ones are dropped: no hub sends such */
    TYPED_AHEAD = 1 << 18,    /* what a person may say before the hub takes it */
};

/* ---- what comes: text, before JSON --------------------------------------------------------- */

static void keep_last_word(struct client *c, struct str text)
{
    char *clean = malloc(TEXT_CLEAN_MAX(text.size));
    struct text_repairs ignored = {0};
    if (!clean)
        return;
    text = text_cut(text_clean(text, clean, &ignored), sizeof c->link.last_word - 1);
    snprintf(c->link.last_word, sizeof c->link.last_word, STR_FMT, STR_ARG(text));
    free(clean);
}

static void show_raw(struct client *c, struct str line)
{
    c->face->ops->raw(c->face, line);
    c->face->ops->raw(c->face, STR("\n"));
}

/* A hub that turns us away says why, and nothing else. */
static void hear_text(struct client *c, struct str line)
{
    c->link.dismissed = !c->link.spoken && str_starts_with(line, STR("! "));
    c->link.spoken = true;
    if (c->link.dismissed)
        keep_last_word(c, str_skip(line, 2));
    if (c->link.raw_shown)
        show_raw(c, line);
}

/* ---- what comes: JSON ---------------------------------------------------------------------- */

/* The hub has spoken JSON, and this is none. */
static void hear_garbage(struct client *c, struct str line, const char *fault)
{
    if (c->face->raw == FACE_RAW_REFUSED)
        client_over_because(c, EX_PROTOCOL, "the hub sent a line that %s", fault);
    else if (c->face->raw == FACE_RAW_NOTED)
        client_note(c, "The hub sent a line that %s: " STR_FMT, fault,
                    STR_ARG(text_cut(line, 200)));
    else
        show_raw(c, line);
}

static void hear_welcome(struct client *c)
{
    netpoll_timer_cancel(c->np, CLIENT_TIMER_JSON);
    c->link.failures = 0;
    if (c->face->ops->link)
        c->face->ops->link(c->face, FACE_CONNECTED, 0);
    if (c->link.again)
        client_note(c, "Connected again.");
}

static void hear_event(struct client *c, struct event *e, struct str json)
{
    bool first = !session_is_connected(c->session);
    struct session_verdict verdict = session_take(c->session, e);
    if (first && session_is_connected(c->session))
        hear_welcome(c);
    if (e->type == EVENT_ERROR && e->final) {
        c->link.dismissed = true;
        keep_last_word(c, e->text);
    }
    if (verdict.note.size > 0)
        client_note(c, STR_FMT, STR_ARG(verdict.note));
    if (verdict.show)
        c->face->ops->event(c->face, e, json);
}

static void hear_line(struct client *c, struct str line)
{
    struct client_link *link = &c->link;
    struct event e;
    if (!link->json && !event_reader_starts_json(line)) {
        hear_text(c, line);
        return;
    }
    if (!link->json)
        link->dismissed = false;
    link->json = true;
    int rc = event_reader_read(link->reader, line, &e);
    if (rc == 0)
        hear_event(c, &e, line);
    else if (rc == -EPROTO)
        hear_garbage(c, line, event_reader_fault(link->reader));
    else if (rc == -ENOMEM)
        client_over_because(c, EX_OSERR, "out of memory");
    else if (c->face->ops->unknown)
        c->face->ops->unknown(c->face, line);
}

/* ---- what comes: lines --------------------------------------------------------------------- */

/* Text that is shown as it is need not wait for the end of its line, which may be far, unless its
 * beginning may be the hub's own. Takes it out of `in`; true if it did. */
static bool pass_raw(struct client *c, struct str *in)
{
    struct client_link *link = &c->link;
    if (!link->raw_line) {
        bool fresh = link->raw_shown && !link->json && link->frame.used == 0;
        link->raw_line = fresh && !memchr("{!*", in->data[0], 3);
    }
    if (!link->raw_line)
        return false;
    const char *newline = memchr(in->data, '\n', in->size);
    size_t size = newline ? (size_t)(newline - in->data) + 1 : in->size;
    c->face->ops->raw(c->face, str_from(in->data, size));
    link->spoken = true;
    *in = str_skip(*in, size);
    link->raw_line = !newline;
    return true;
}

/* False once all of `in` is taken. */
static bool next_line(struct client *c, struct str *in)
{
    struct str line;
    if (in->size > 0 && pass_raw(c, in))
        return true;
    switch (frame_next(&c->link.frame, in, LINE_MAX_BYTES, &line)) {
    case FRAME_LINE:
        hear_line(c, line);
        return true;
    case FRAME_TOO_LONG:
        client_note(c, "The hub sent a line of more than %d bytes: it is left out.",
                    LINE_MAX_BYTES);
        return true;
    case FRAME_NOMEM:
        client_over_because(c, EX_OSERR, "out of memory");
        return false;
    default:
        return false;
    }
}

void client_link_data(struct client *c, struct str bytes)
{
    c->heard = true;
    c->heard_ms = client_now_ms();
    c->link.unheard = false;
    while (!c->hurry && c->stage != CLIENT_OVER && next_line(c, &bytes))
        ;
    frame_trim(&c->link.frame);
}

/* What came without a newline before the end. Half a line of JSON is nothing. */
static void hear_rest(struct client *c)
{
    struct str line;
    if (c->hurry)
        return;
    if (frame_end(&c->link.frame, &line) && !c->link.json)
        hear_text(c, line);
    else if (c->link.raw_line)
        c->face->ops->raw(c->face, STR("\n"));
}

void client_link_mute(struct client *c)
{
    client_over_because(c, EX_PROTOCOL, "the hub does not speak JSON: is it a chatroom_server?");
}

/* ---- what goes ----------------------------------------------------------------------------- */

/* Looks for "/quit" at the start of a line: the hub's end is wanted then. */
static void watch_for_quit(struct client_link *link, struct str said)
{
    static const char quit[] = "/quit";
    enum { WHOLE = sizeof quit - 1, NOT_QUIT };
    for (size_t i = 0; i < said.size; i++) {
        char b = said.data[i];
        if (link->quit_match == WHOLE && (b == '\n' || b == '\r' || b == ' '))
            link->quit_said = true;
        if (b == '\n')
            link->quit_match = 0;
        else if (link->quit_match < WHOLE && b == quit[link->quit_match])
            link->quit_match++;
        else
            link->quit_match = NOT_QUIT;
    }
}

/* What stands behind the end of the line that `bytes` begins with. */
static struct str behind_line(struct str bytes)
{
    const char *newline = bytes.size > 0 ? memchr(bytes.data, '\n', bytes.size) : NULL;
    return newline ? str_skip(bytes, (size_t)(newline - bytes.data) + 1)
                   : str_skip(bytes, bytes.size);
}

int client_link_say(struct client *c, struct str bytes)
{
    struct client_link *link = &c->link;
    watch_for_quit(link, bytes);
    if (link->skip_line && bytes.size > 0) {
        struct str rest = behind_line(bytes);
        link->skip_line = rest.data[-1] != '\n';
        bytes = rest;
    }
    int rc = outbox_append(&link->outbox, bytes);
    if (rc < 0)
        client_over_because(c, EX_OSERR, "out of memory");
    return rc;
}

bool client_link_is_full(const struct client *c)
{
    return c->link.outbox.size > TYPED_AHEAD;
}

/* True if all of it is gone. */
static bool send_box(struct client *c, struct outbox *box)
{
    struct client_link *link = &c->link;
    if (box->size == 0 || link->full)
        return box->size == 0;
    struct iovec part = {box->data, box->size};
    link->left = 0;
    if (netpoll_send(c->np, link->handle, &part, 1) < 0)
        return false;
    netpoll_commit(c->np);
    size_t sent = part.iov_len - link->left;
    if (box == &link->outbox && sent > 0) {
        link->line_cut = box->data[sent - 1] != '\n';
        link->unheard = true;
    }
    outbox_drop(box, sent);
    return box->size == 0;
}

void client_link_send(struct client *c)
{
    struct client_link *link = &c->link;
    bool up = link->handle != 0;
    bool sent = up && send_box(c, &link->greeting) && send_box(c, &link->outbox);
    if (c->stage == CLIENT_TALKING) {
        if (c->face->keys_raw || (up && link->outbox.size == 0)) /* keys do more than say */
            netpoll_resume(c->np, c->keys);
        else
            netpoll_pause(c->np, c->keys);
    } else if (sent && !link->said_goodbye) {
        link->said_goodbye = true;
        netpoll_shutdown(c->np, link->handle);
    }
}

static bool in_flight(const struct client_link *link)
{
    int queued = 0;
    return link->handle && ioctl(link->fd, SIOCOUTQ, &queued) == 0 && queued > 0;
}

bool client_link_unsent(const struct client *c)
{
    return c->link.outbox.size > 0 || in_flight(&c->link);
}

/* ---- connecting ---------------------------------------------------------------------------- */

int client_link_open(struct client *c, int fd)
{
    struct client_link *link = &c->link;
    const struct client_options *o = c->options;
    int rc = netpoll_adopt(c->np, fd, &link->handle);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    bool json_only = o->reconnect || o->room_count > 0 || o->history != SESSION_HISTORY_ALL;
    link->fd = fd;
    link->since_ms = client_now_ms();
    link->raw_shown = c->face->raw == FACE_RAW_SHOWN && !json_only;
    link->raw_line = link->spoken = link->json = link->dismissed = false;
    link->full = link->unheard = link->said_goodbye = false;
    session_connected(c->session, link->raw_shown);
    if (!link->raw_shown)
        client_timer(c, CLIENT_TIMER_JSON, o->connect_timeout_ms);
    return session_greeting(c->session, &link->greeting);
}

void client_link_fini(struct client *c)
{
    dialer_stop(&c->link.dialer);
    frame_fini(&c->link.frame);
    event_reader_free(c->link.reader);
    outbox_fini(&c->link.outbox);
    outbox_fini(&c->link.greeting);
}

/* ---- connecting again ---------------------------------------------------------------------- */

static void tell_link(struct client *c, enum face_link state, unsigned seconds)
{
    if (c->face->ops->link)
        c->face->ops->link(c->face, state, seconds);
}

static uint64_t random_bits(void)
{
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits)
        bits = client_now_ms() * 6364136223846793005u ^ (uint64_t)getpid() << 32;
    return bits;
}

static void wait_to_retry(struct client *c)
{
    c->link.retry_ms = client_now_ms() + backoff_next(&c->link.backoff, random_bits());
    client_link_retry(c);
}

/* Once a second, and when it is time. */
void client_link_retry(struct client *c)
{
    struct client_link *link = &c->link;
    uint64_t now = client_now_ms();
    if (now < link->retry_ms) {
        uint64_t left = link->retry_ms - now;
        tell_link(c, FACE_WAITING, (unsigned)((left + 999) / 1000));
        client_timer(c, CLIENT_TIMER_RETRY, (left - 1) % 1000 + 1);
        return;
    }
    link->retry_ms = 0;
    tell_link(c, FACE_DIALLING, 0);
    int rc = dialer_start(&link->dialer, &c->options->target, c->options->connect_timeout_ms);
    if (rc < 0)
        client_over_because(c, EX_OSERR, "cannot start the process that dials: %s", strerror(-rc));
}

void client_link_dialled(struct client *c)
{
    char why[512];
    struct client_link *link = &c->link;
    int fd = dialer_take(&link->dialer, why, sizeof why);
    if (fd == -EAGAIN)
        return;
    if (fd >= 0) {
        int rc = client_link_open(c, fd);
        if (rc < 0)
            client_over_because(c, EX_OSERR, "cannot use the connection: %s", strerror(-rc));
        return;
    }
    link->failures++;
    if (c->options->reconnect_max > 0 && link->failures >= c->options->reconnect_max)
        client_over_because(c, EX_UNAVAILABLE, "cannot connect to %s", why);
    else
        wait_to_retry(c);
}

/* ---- its loss ------------------------------------------------------------------------------ */

/* Of the outbox, what belongs to a line whose beginning was sent. True if there was such a line. */
static bool drop_cut_line(struct client_link *link)
{
    if (!link->line_cut)
        return false;
    struct str rest = behind_line(str_from(link->outbox.data, link->outbox.size));
    size_t dropped = link->outbox.size - rest.size;
    link->skip_line = dropped == 0 || link->outbox.data[dropped - 1] != '\n';
    outbox_drop(&link->outbox, dropped);
    link->line_cut = false;
    return true;
}

/* A hub that was sent something after its last word, and then broke off, may not have read it. */
static void tell_doubt(struct client *c, int error)
{
    struct client_link *link = &c->link;
    bool doubt = link->unheard && (error != 0 || in_flight(link));
    if (drop_cut_line(link) || doubt)
        client_note(c, "What was said last may not have arrived.");
    size_t lines = 0;
    for (size_t i = 0; i < link->outbox.size; i++)
        lines += link->outbox.data[i] == '\n';
    if (lines > 0)
        client_note(c, "%zu %s to be sent when it is back.", lines, lines == 1 ? "line" : "lines");
}

static void begin_again(struct client *c, int error)
{
    struct client_link *link = &c->link;
    client_note(c, "The connection to the hub was lost%s%s. Connecting again.", error ? ": " : "",
                error ? strerror(error) : "");
    tell_doubt(c, error);
    netpoll_close(c->np, link->handle);
    netpoll_timer_cancel(c->np, CLIENT_TIMER_JSON);
    link->handle = 0;
    link->again = true;
    outbox_drop(&link->greeting, link->greeting.size);
    frame_fini(&link->frame);
    session_lost(c->session);
    backoff_lasted(&link->backoff, client_now_ms() - link->since_ms);
    tell_link(c, FACE_LOST, 0);
    wait_to_retry(c);
}

/* True if a line that nothing was sent of waits in the outbox. */
static bool whole_line_left(const struct client_link *link)
{
    struct str rest = str_from(link->outbox.data, link->outbox.size);
    return (link->line_cut ? behind_line(rest) : rest).size > 0;
}

void client_link_lost(struct client *c, int error)
{
    struct client_link *link = &c->link;
    hear_rest(c);
    bool wanted = c->stage == CLIENT_TALKING || whole_line_left(link);
    if (c->hurry)
        client_over(c, c->status);
    else if (link->quit_said)
        client_over(c, EX_OK);
    else if (link->dismissed)
        client_over_because(c, EX_TEMPFAIL, "the hub closed the connection: %s", link->last_word);
    else if (c->options->reconnect && wanted)
        begin_again(c, error);
    else if (error)
        client_over_because(c, EX_UNAVAILABLE, "the connection to the hub was lost: %s",
                            strerror(error));
    else if (c->stage == CLIENT_TALKING)
        client_over_because(c, EX_UNAVAILABLE, "the hub closed the connection");
    else if (link->outbox.size > 0)
        client_over_because(c, EX_UNAVAILABLE, "the hub closed the connection before all was sent");
    else
        client_over(c, c->status);
}
