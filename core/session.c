/*
 * One connection, as netpoll sees it: it comes, its bytes become lines, lines become commands and
 * messages; it is held while it does not take its answers; it leaves, is sent what it is due, and
 * is closed.
 */
#include "command.h"
#include "diag.h"
#include "netpoll.h"
#include "server_impl.h"

enum {
    LEAVE_SECONDS = 10, /* for the bytes that a leaving client is due */
    LINGER_SECONDS = 2, /* for the end of its input, after ours */
    BRIEF = 1024,       /* bytes that wait: a line or two */
    LABEL_MAX = 64 + 4 * TEXT_NICK_MAX,
};

static uint32_t now_s(const struct server *s)
{
    return (uint32_t)(netpoll_now(s->np) / 1000000000);
}

void session_accepted(struct server *s, netpoll_handle h, const struct address *peer)
{
    char text[ADDRESS_TEXT_MAX];
    char label[LABEL_MAX];
    struct address_brief brief = address_shorten(peer);
    const struct conn *c = hub_connect(&s->hub, h, &brief);
    address_brief_format(&brief, text, sizeof text);
    if (c)
        diag_log(DIAG_INFO, "%s connected from %s", conn_label(c, label, sizeof label), text);
    else
        diag_log(DIAG_WARN, "connection from %s turned away: %s", text,
                 hub_conn(&s->hub, h)->farewell);
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* A line as it is run, and what was wrong with it. In the hub's scratch: until the next one. */
struct clean_line {
    struct str text;
    struct text_repairs repairs;
};

static struct clean_line clean(struct server *s, struct str raw)
{
    struct clean_line line = {.repairs = {0}};
    line.text = text_clean(raw, s->hub.scratch, &line.repairs);
    return line;
}

static void run_line(struct server *s, struct conn *c, const struct clean_line *l)
{
    struct str line = l->text;
    s->hub.stats.controls_removed += l->repairs.controls;
    s->hub.stats.invalid_utf8 += l->repairs.invalid;
    if (line.size == 0)
        return;
    if (command_is(line))
        command_run(&s->hub, c, line);
    else
        server_broadcast(s, c->handle, str_starts_with(line, STR("//")) ? str_skip(line, 1) : line);
    hub_filters_speak(&s->hub);
}

/* Its input waits until fanout.c finds that it may go on. */
static void hold(struct server *s, struct conn *c, uint16_t flags)
{
    c->flags |= (uint16_t)(CONN_HELD | flags);
    s->hub.stats.held++;
    netpoll_pause(s->np, c->handle);
    hub_mark_slow(&s->hub, c);
}

/* Not read either: what comes in must not pile up here faster than it is flushed. */
static void wait_for_flush(struct server *s, struct conn *c)
{
    netpoll_pause(s->np, c->handle);
    hub_attend(&s->hub, c);
}

/* No room for another line before the flush: in its share of the turn or, if it has but a line or
 * two to say, in what is kept for such. */
static bool no_room(struct hub *hub, bool brief)
{
    return (hub_full(hub) || hub_late(hub)) && (!brief || hub_crowded(hub));
}

/* True if the next line must wait: for the connection to take its answers, for everything to be
 * sent before a change of how, for a flush. */
static bool must_wait(struct server *s, struct conn *c, bool brief)
{
    if (c->flags & (CONN_HELD | CONN_DOOMED) || c->state != CONN_OPEN)
        return true;
    if (outq_bytes(&c->outq) > HUB_OUTQ_HIGH)
        hold(s, c, 0);
    else if (no_room(&s->hub, brief))
        wait_for_flush(s, c);
    else
        return false;
    return true;
}

/* The line just taken out of *in, which it is put back into if it must wait. Cleaned first: whether
 * it is a command that waits is a matter of what will be run. */
static void run_or_wait(struct server *s, struct conn *c, struct str raw, struct str *in)
{
    struct clean_line line = clean(s, raw);
    if (!command_waits(line.text) || hub_drained(&s->hub, c)) {
        run_line(s, c, &line);
        return;
    }
    if (frame_unget(&c->frame, in, raw) < 0)
        hub_lose(&s->hub, c);
    hold(s, c, CONN_BARRIER);
}

/* Lines out of `in` until it is used up or must wait. Returns what waits. */
static struct str feed(struct server *s, struct conn *c, struct str in, bool brief)
{
    while (!must_wait(s, c, brief)) {
        struct str line;
        switch (frame_next(&c->frame, &in, s->hub.limits.max_line, &line)) {
        case FRAME_MORE:
            frame_trim(&c->frame);
            return in;
        case FRAME_LINE:
            run_or_wait(s, c, line, &in);
            break;
        case FRAME_TOO_LONG:
            s->hub.stats.long_lines++;
            hub_error(&s->hub, c, "Your line was dropped: it is longer than %u bytes.",
                      s->hub.limits.max_line);
            break;
        case FRAME_NOMEM:
            hub_lose(&s->hub, c);
        }
    }
    return c->state == CONN_OPEN && !(c->flags & CONN_DOOMED) ? in : STR("");
}

void session_data(struct server *s, struct conn *c, struct str bytes)
{
    if (c->state != CONN_OPEN || c->flags & CONN_DOOMED)
        return; /* it said goodbye already */
    /* Behind what waits, nothing may overtake. */
    if (!(c->flags & (CONN_HELD | CONN_ATTEND)))
        bytes = feed(s, c, bytes, c->frame.used + bytes.size <= BRIEF);
    if (frame_hold(&c->frame, bytes) < 0)
        hub_lose(&s->hub, c);
}

static void log_lost(const struct conn *c, size_t size)
{
    char label[LABEL_MAX];
    diag_log(DIAG_WARN, "%s: the last %zu bytes of its input are lost: too much is being said",
             conn_label(c, label, sizeof label), size);
}

/* It is dead, and had its share of a full turn: the next belong to the living. */
static void give_up(struct server *s, struct conn *c, size_t lost)
{
    log_lost(c, lost);
    s->hub.stats.broken++;
    hub_doom(&s->hub, c, "connection lost");
}

/* What was kept is input again. */
static void resume(struct server *s, struct conn *c)
{
    struct frame_loan loan;
    c->flags &= (uint16_t) ~(CONN_HELD | CONN_BARRIER);
    struct str rest = feed(s, c, frame_lend(&c->frame, &loan), false);
    if (rest.size > 0 && c->flags & CONN_BROKEN && c->flags & CONN_ATTEND) {
        give_up(s, c, rest.size);
        rest = STR("");
    }
    if (frame_return(&c->frame, &loan, rest) < 0)
        hub_lose(&s->hub, c);
    if (!(c->flags & (CONN_HELD | CONN_ATTEND)))
        netpoll_resume(s->np, c->handle);
}

/* ---- leaving -------------------------------------------------------------------------------- */

/* End of input and nothing that waits: the last line, if it has no newline, and then it leaves. */
static void end_input(struct server *s, struct conn *c)
{
    struct str line;
    struct str none = STR("");
    bool waits = c->flags & (CONN_HELD | CONN_ATTEND);
    if (c->state != CONN_OPEN || waits)
        return;
    if (frame_end(&c->frame, &line)) {
        run_or_wait(s, c, line, &none);
        if (c->flags & CONN_HELD)
            return;
    }
    hub_leave(&s->hub, c, "end of input", STR(""));
}

void session_ended(struct server *s, struct conn *c)
{
    c->flags |= CONN_ENDED;
    end_input(s, c);
    if (c->state == CONN_CLOSING)
        netpoll_close(s->np, c->handle);
}

/* All that it is due was handed over. Closing while it still sends would make the kernel reset the
 * connection, and what is on its way would be lost: so FIN first, then its end of input. */
static void part_ways(struct server *s, struct conn *c)
{
    c->state = CONN_CLOSING;
    c->deadline = now_s(s) + LINGER_SECONDS;
    netpoll_shutdown(s->np, c->handle);
    if (c->flags & CONN_ENDED || s->stopping)
        netpoll_close(s->np, c->handle);
}

static void attend(struct server *s, uint32_t slot)
{
    struct conn *c = &s->hub.conns[slot];
    c->flags &= (uint16_t)~CONN_ATTEND;
    if (c->flags & CONN_DOOMED) {
        netpoll_close(s->np, c->handle);
    } else if (c->state == CONN_LEAVING) {
        if (hub_drained(&s->hub, c))
            part_ways(s, c);
    } else if (c->state == CONN_OPEN) {
        resume(s, c);
        if (c->flags & CONN_ENDED)
            end_input(s, c);
    }
}

/* Puts `n` items into the list, from `at` on. */
static void list_insert(struct slot_list *list, uint32_t at, const uint32_t *items, uint32_t n)
{
    memmove(list->items + at + n, list->items + at, (list->count - at) * sizeof *items);
    memcpy(list->items + at, items, n * sizeof *items);
    list->count += n;
}

/* It has but a line or two to say, or goes. */
static bool is_brief(const struct conn *c)
{
    return c->state != CONN_OPEN || c->flags & CONN_DOOMED || c->frame.used <= BRIEF;
}

/* Of those in the list since this turn, the ones with much to say join those who wait since an
 * earlier one. Returns where these end. */
static uint32_t part_by_patience(struct server *s, struct slot_list *list)
{
    uint32_t middle = s->waiting < list->count ? s->waiting : list->count;
    for (uint32_t i = middle; i < list->count; i++) {
        uint32_t slot = list->items[i];
        if (is_brief(&s->hub.conns[slot]))
            continue;
        list->items[i] = list->items[middle];
        list->items[middle++] = slot;
    }
    return middle;
}

/* Who comes with little goes first, and need not wait for however many who never stop. But in every
 * second turn that is who has waited longest, when all was just sent: everybody comes to be that,
 * and a barrier cannot wait for ever. */
bool session_attend(struct server *s)
{
    struct hub *hub = &s->hub;
    struct slot_list list = hub->attend;
    uint32_t end = list.count;
    uint32_t old = 0; /* the next of those who have patience; they end at `middle` */
    uint32_t middle = part_by_patience(s, &list);
    uint32_t brief = middle; /* the next of the others */
    hub->attend = s->attended;
    hub->attend.count = 0;
    s->attended = list;
    s->oldest_first = !s->oldest_first;
    while ((old < middle || brief < end) && hub_share(hub, end)) {
        bool now_old = old < middle && (brief == end || (old == 0 && s->oldest_first));
        attend(s, list.items[now_old ? old++ : brief++]);
    }
    list_insert(&hub->attend, 0, list.items + old, middle - old);
    s->waiting = hub->attend.count;
    list_insert(&hub->attend, s->waiting, list.items + brief, end - brief);
    return hub->attend.count > 0;
}

void session_sweep(struct server *s)
{
    for (uint32_t i = 0; i < s->hub.used_slots; i++) {
        struct conn *c = &s->hub.conns[i];
        if (c->state != CONN_LEAVING && c->state != CONN_CLOSING)
            continue;
        if (c->deadline == 0)
            c->deadline = now_s(s) + LEAVE_SECONDS;
        else if (now_s(s) >= c->deadline)
            netpoll_close(s->np, c->handle);
    }
}

void session_sweep_silent(struct server *s)
{
    struct hub *hub = &s->hub;
    for (uint32_t n = hub->used_slots / SERVER_LISTEN_TURNS + 1; n > 0; n--) {
        s->listened = s->listened + 1 < hub->used_slots ? s->listened + 1 : 0;
        struct conn *c = &hub->conns[s->listened];
        if (c->state != CONN_OPEN || c->flags & CONN_DOOMED ||
            netpoll_silence(s->np, c->handle) < SERVER_SILENT_MS)
            continue;
        hub->stats.broken++;
        hub_doom(hub, c, "gone without a word");
    }
}

/* The connection is gone, but whole lines of it still waited: they were said, and are heard, as far
 * as the turn has room for them. There is nobody to answer any more. */
static void hear_last_lines(struct server *s, struct conn *c)
{
    struct str line;
    struct frame_loan loan;
    enum frame_result result = FRAME_LINE;
    hub_doom(&s->hub, c, c->farewell);
    struct str in = frame_lend(&c->frame, &loan);
    while (c->state == CONN_OPEN && result != FRAME_MORE && result != FRAME_NOMEM &&
           !hub_full(&s->hub) && !hub_late(&s->hub)) {
        result = frame_next(&c->frame, &in, s->hub.limits.max_line, &line);
        if (result == FRAME_LINE) {
            struct clean_line cleaned = clean(s, line);
            run_line(s, c, &cleaned);
        }
    }
    s->hub.stats.no_memory += result == FRAME_NOMEM;
    if (c->state == CONN_OPEN && in.size > 0)
        log_lost(c, in.size);
    frame_return(&c->frame, &loan, STR(""));
}

void session_closed(struct server *s, struct conn *c, int reason)
{
    char label[LABEL_MAX];
    if (!c->farewell)
        c->farewell = reason > 0 ? strerrordesc_np(reason) : "connection closed";
    s->hub.stats.broken += reason > 0;
    if (c->state == CONN_OPEN && c->frame.used > 0 && !(c->flags & CONN_DOOMED))
        hear_last_lines(s, c);
    const char *why = c->farewell;
    if (c->id > 0)
        diag_log(DIAG_INFO, "%s left: %s", conn_label(c, label, sizeof label), why);
    hub_disconnect(&s->hub, c, why);
}
