/*
 * The chain: walks the filters, leaves out those that are out of order, keeps their counters, and
 * sees to it that no text of theirs goes on that a client could not have sent. It trusts the
 * filters' code, not their texts, nor that a verdict suits the event.
 */
#include "filter.h"

#include "clock.h"
#include "diag.h"
#include "filter_match.h"
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Timers of one filter in a tick: one that sets itself again at once must not hold the hub. */
#define TIMERS_PER_TICK 64

/* A filter that rewrites badly does so for every message: one log line for so many. */
#define TIMES_PER_LOG_LINE 1000

struct filter_chain {
    struct filter *filters[FILTER_MATCH_MAX]; /* by priority */
    size_t count;
    size_t max_text;
    size_t first_tick;               /* whose timers the next tick begins with */
    uint64_t spent;                  /* ns in filters */
    uint64_t handlers[FILTER_KINDS]; /* bit i: filter i wants to see this kind */
    struct filter_match_set *match;  /* of the filters; NULL without any */
    /* For cleaned texts. A filter's text may be part of the text it was given, so that one must
     * stay while the next is made: `spare` is the buffer that the message's text is not in. */
    char *cleaned[2];
    unsigned spare;
    char stand_in[192]; /* what is said for a filter that could not */
};

/* One event on its way. */
struct walk {
    struct filter_event now; /* with the text as it is by now */
    uint64_t clock;          /* the time, if it was just read; otherwise 0 */
    uint64_t took;           /* ns of the last call */
};

static const char *const verdict_names[FILTER_VERDICTS] = {
    [FILTER_PASS] = "pass",     [FILTER_ACCEPT] = "accept", [FILTER_REPLACE] = "replace",
    [FILTER_DROP] = "drop",     [FILTER_REPLY] = "reply",   [FILTER_DIVERT] = "divert",
    [FILTER_SHADOW] = "shadow", [FILTER_KICK] = "kick",     [FILTER_FAULT] = "fault",
};

static const char *const kind_names[FILTER_KINDS] = {
    [FILTER_MESSAGE] = "message", [FILTER_ACTION] = "action",   [FILTER_PRIVATE] = "private",
    [FILTER_JOIN] = "join",       [FILTER_LEAVE] = "leave",     [FILTER_NICK] = "nick",
    [FILTER_CONNECT] = "connect", [FILTER_COMMAND] = "command",
};

const char *filter_verdict_name(enum filter_verdict verdict)
{
    return verdict_names[verdict];
}

const char *filter_kind_name(enum filter_kind kind)
{
    return kind_names[kind];
}

/* ---- the chain ------------------------------------------------------------------------------ */

struct filter_chain *filter_chain_new(size_t max_text)
{
    struct filter_chain *chain = calloc(1, sizeof *chain);
    if (!chain)
        return NULL;
    chain->max_text = max_text;
    for (int i = 0; i < 2; i++) {
        chain->cleaned[i] = malloc(TEXT_CLEAN_MAX(max_text) + 1);
        if (!chain->cleaned[i]) {
            filter_chain_free(chain);
            return NULL;
        }
    }
    return chain;
}

void filter_chain_free(struct filter_chain *chain)
{
    if (!chain)
        return;
    filter_match_set_free(chain->match);
    for (size_t i = 0; i < chain->count; i++)
        chain->filters[i]->ops->free(chain->filters[i]);
    free(chain->cleaned[0]);
    free(chain->cleaned[1]);
    free(chain);
}

static struct filter *find_command(const struct filter_chain *chain, struct str name)
{
    for (size_t i = 0; i < chain->count; i++) {
        struct filter *f = chain->filters[i];
        for (size_t c = 0; c < f->command_count; c++) {
            if (text_equal_fold(f->commands[c], name))
                return f;
        }
    }
    return NULL;
}

static bool clashes(const struct filter_chain *chain, const struct filter *f)
{
    if (filter_chain_find(chain, f->name))
        return true;
    for (size_t c = 0; c < f->command_count; c++) {
        if (find_command(chain, f->commands[c]))
            return true;
    }
    return false;
}

/* Commands go to a filter by name, whatever else it handles. */
static void note_handlers(struct filter_chain *chain)
{
    for (unsigned kind = 0; kind < FILTER_KINDS; kind++) {
        chain->handlers[kind] = 0;
        for (size_t i = 0; i < chain->count; i++) {
            const struct filter *f = chain->filters[i];
            uint32_t wanted = f->match.kinds ? f->kinds & f->match.kinds : f->kinds;
            bool handles = kind == FILTER_COMMAND ? f->command_count > 0 : wanted >> kind & 1;
            chain->handlers[kind] |= (uint64_t)handles << i;
        }
    }
}

int filter_chain_add(struct filter_chain *chain, struct filter *f)
{
    if (clashes(chain, f))
        return -EEXIST;
    if (chain->count == FILTER_MATCH_MAX)
        return -E2BIG;
    struct filter *order[FILTER_MATCH_MAX];
    size_t at = 0;
    while (at < chain->count && chain->filters[at]->priority <= f->priority)
        at++;
    memcpy(order, chain->filters, at * sizeof(struct filter *));
    order[at] = f;
    memcpy(order + at + 1, chain->filters + at, (chain->count - at) * sizeof(struct filter *));

    struct filter_match_set *match;
    int rc = filter_match_set_new(&match, order, chain->count + 1);
    if (rc < 0)
        return rc;
    filter_match_set_free(chain->match);
    chain->match = match;
    chain->count++;
    memcpy(chain->filters, order, chain->count * sizeof(struct filter *));
    note_handlers(chain);
    return 0;
}

size_t filter_chain_size(const struct filter_chain *chain)
{
    return chain->count;
}

uint64_t filter_chain_spent(const struct filter_chain *chain)
{
    return chain->spent;
}

struct filter *filter_chain_at(const struct filter_chain *chain, size_t i)
{
    return chain->filters[i];
}

struct filter *filter_chain_find(const struct filter_chain *chain, struct str name)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (str_equal(chain->filters[i]->name, name))
            return chain->filters[i];
    }
    return NULL;
}

bool filter_chain_wants(const struct filter_chain *chain, enum filter_kind kind)
{
    return chain->handlers[kind] != 0;
}

/* ---- what the log says ---------------------------------------------------------------------- */

#define NAME_SIZE 64 /* of a nick or a room in a log line */

const char *filter_label(const struct filter *f, char *out, size_t size)
{
    int head = snprintf(out, size, f->candidate ? "candidate " : "filter ");
    diag_escape(f->name, out + head, size - (size_t)head);
    return out;
}

/* True if the log should have a line about what happens for the `n`-th time, counted from 0: the
 * first time, the second, when the filter tells where, and then now and then. */
static bool is_news(struct filter *f, uint64_t n)
{
    f->tell_places = true;
    return n == 1 || n % TIMES_PER_LOG_LINE == 0;
}

/* A rewriting that could not go on as it was: `what` became of it, for the `n`-th time. */
static void log_rewriting(struct filter *f, const struct filter_result *said, uint64_t n,
                          const char *what)
{
    char label[FILTER_LABEL];
    char at[FAULT_LINE_SIZE];
    if (is_news(f, n))
        diag_log(DIAG_WARN, "%s: %s%sa rewriting of %zu bytes %s (%" PRIu64 " so far)",
                 filter_label(f, label, sizeof label), diag_escape(said->at, at, sizeof at),
                 said->at.size > 0 ? ": " : "", said->text.size, what, n + 1);
}

/* `left` bytes of it were left when it was cleaned. */
static void log_refusal(const struct filter_chain *chain, struct filter *f,
                        const struct filter_result *said, size_t left)
{
    char what[128] = "leaves nothing: the text before it stands";
    if (left > 0)
        snprintf(what, sizeof what, "is more than the %zu of a line: the text before it stands",
                 chain->max_text);
    log_rewriting(f, said, f->refused - 1, what);
}

static void log_unsuitable(const struct filter *f, const struct walk *w,
                           const struct filter_result *said, const char *fault)
{
    char label[FILTER_LABEL];
    char text[NAME_SIZE];
    diag_log(DIAG_WARN, "%s: \"%s\" as the verdict on a %s: %s (its text: \"%s\")",
             filter_label(f, label, sizeof label), filter_verdict_name(said->verdict),
             filter_kind_name(w->now.kind), fault, diag_escape(said->text, text, sizeof text));
}

/* What the filter says of a fault of its own: file and line, as a rule. The breaker sees to it that
 * these are few. */
static void log_fault(const struct filter *f, struct str text)
{
    char label[FILTER_LABEL];
    char reason[512];
    if (text.size > 0)
        diag_log(DIAG_WARN, "%s: %s", filter_label(f, label, sizeof label),
                 diag_escape(text, reason, sizeof reason));
}

static void log_breaker(const struct filter *f)
{
    char label[FILTER_LABEL];
    const struct breaker *b = &f->breaker;
    filter_label(f, label, sizeof label);
    if (b->state == BREAKER_OPEN)
        diag_log(DIAG_WARN, "%s: out of order: too many faults; %s for %d seconds", label,
                 f->closed ? "what it would judge is dropped" : "it is left out",
                 (int)(b->delay / 1000));
    else if (b->state == BREAKER_HALF_OPEN)
        diag_log(DIAG_INFO, "%s: out of order: on trial with one event", label);
    else
        diag_log(DIAG_INFO, "%s: in order again", label);
}

/* Why an event did not go the way it came: for who looks for the reason. `text` is what came of
 * what the filter said. */
static void log_why(const struct filter *f, const struct walk *w, const struct filter_result *said,
                    struct str text)
{
    char at[FAULT_LINE_SIZE];
    char label[FILTER_LABEL];
    char from[NAME_SIZE];
    char room[NAME_SIZE];
    char reason[256];
    if (!diag_enabled(DIAG_DEBUG))
        return;
    bool in_room = w->now.room.size > 0;
    diag_log(DIAG_DEBUG, "%s: %s%s%s: %s of client-%" PRIu64 " (%s)%s%s, %" PRIu64 " ns: \"%s\"",
             filter_label(f, label, sizeof label), filter_verdict_name(said->verdict),
             said->at.size > 0 ? " at " : "", diag_escape(said->at, at, sizeof at),
             filter_kind_name(w->now.kind), w->now.client,
             diag_escape(w->now.from, from, sizeof from), in_room ? " in " : "",
             diag_escape(w->now.room, room, sizeof room), w->took,
             diag_escape(text, reason, sizeof reason));
}

/* ---- one filter ----------------------------------------------------------------------------- */

/* What is wrong with a room to divert to, or NULL. */
static const char *divert_fault(struct str room)
{
    char cleaned[TEXT_CLEAN_MAX(TEXT_ROOM_MAX)];
    struct text_repairs repairs = {0};
    const char *fault = text_room_fault(room);
    if (fault)
        return fault;
    text_clean(room, cleaned, &repairs);
    return repairs.controls + repairs.invalid > 0 ? "is no clean text" : NULL;
}

/* What is wrong with a verdict on this kind of event, or NULL. */
static const char *verdict_fault(enum filter_kind kind, const struct filter_result *said)
{
    enum {
        ANY = 1 << FILTER_PASS | 1 << FILTER_ACCEPT | 1 << FILTER_DROP | 1 << FILTER_REPLY |
              1 << FILTER_KICK | 1 << FILTER_FAULT,
        TEXT = ANY | 1 << FILTER_REPLACE | 1 << FILTER_SHADOW,
        ROOM = TEXT | 1 << FILTER_DIVERT,
    };
    static const unsigned suitable[FILTER_KINDS] = {
        [FILTER_MESSAGE] = ROOM, [FILTER_ACTION] = ROOM, [FILTER_PRIVATE] = TEXT,
        [FILTER_JOIN] = ANY,     [FILTER_LEAVE] = ROOM,  [FILTER_NICK] = ANY,
        [FILTER_CONNECT] = ANY,  [FILTER_COMMAND] = ANY,
    };
    if (!(suitable[kind] >> said->verdict & 1))
        return "does not go with it";
    return said->verdict == FILTER_DIVERT ? divert_fault(said->text) : NULL;
}

static void count(struct filter *f, const struct filter_result *said)
{
    if (said->verdict == FILTER_FAULT && said->excused) {
        f->starved++;
        return;
    }
    f->verdicts[said->verdict]++;
    if (said->verdict == FILTER_FAULT)
        fault_lines_count(&f->fault_lines, said->at);
}

/* Has the filter judge; an unsuitable verdict is a fault. Counts and times it. */
static void call(struct filter *f, struct walk *w, struct filter_result *said)
{
    uint64_t start = w->clock ? w->clock : clock_monotonic_ns();
    f->calls++;
    f->ops->on_event(f, &w->now, said);
    w->clock = clock_monotonic_ns();
    w->took = w->clock - start;
    histogram_record(&f->ns, w->took);
    f->slow += w->took > FILTER_SOFT_NS;

    const char *fault = verdict_fault(w->now.kind, said);
    if (fault) {
        log_unsuitable(f, w, said, fault);
        *said = (struct filter_result){.verdict = FILTER_FAULT, .at = said->at};
    } else if (said->verdict == FILTER_FAULT) {
        log_fault(f, said->text);
    }
    count(f, said);
}

/* The verdict of a filter that has none. Nobody else does what a command asks for. */
static void stand_in(struct filter_chain *chain, const struct filter *f, const struct walk *w,
                     const char *what, struct filter_result *said)
{
    *said = (struct filter_result){.verdict = FILTER_PASS, .at = said->at};
    if (!f->closed && w->now.kind != FILTER_COMMAND)
        return;
    int size =
        snprintf(chain->stand_in, sizeof chain->stand_in, "the filter %.*s %s; try again later",
                 (int)text_cut(f->name, 64).size, f->name.data, what);
    said->verdict = FILTER_DROP;
    said->text = str_from(chain->stand_in, (size_t)size);
}

/* True if the filter may be entered: it is in order, or on trial. */
static bool admit(struct filter *f, int64_t now_ms)
{
    bool was_open = f->breaker.state != BREAKER_CLOSED;
    bool admitted = breaker_allows(&f->breaker, now_ms);
    if (admitted && was_open)
        log_breaker(f);
    return admitted;
}

static void settle(struct filter *f, const struct filter_result *said, int64_t now_ms)
{
    struct breaker *b = &f->breaker;
    bool faulty = said->verdict == FILTER_FAULT;
    if (faulty && said->excused)
        breaker_excuse(b);
    else if (faulty ? breaker_fault(b, now_ms) : breaker_success(b, now_ms))
        log_breaker(f);
}

/* The filter's verdict, or what stands for it while it is out of order; never a fault. The breaker
 * goes by the event's clock, as everything does that a script can see. */
static void judge(struct filter_chain *chain, struct filter *f, struct walk *w,
                  struct filter_result *said)
{
    *said = (struct filter_result){.verdict = FILTER_PASS};
    bool on_trial = f->breaker.state != BREAKER_CLOSED;
    if (on_trial)
        w->clock = 0; /* it is logged, which is no filter's time */
    if (!admit(f, w->now.time_ms)) {
        f->bypassed++;
        w->took = 0;
        stand_in(chain, f, w, "is out of order", said);
        return;
    }
    call(f, w, said);
    chain->spent += w->took;
    bool faulty = said->verdict == FILTER_FAULT;
    settle(f, said, w->now.time_ms);
    if (faulty)
        stand_in(chain, f, w, "failed", said);
    if (faulty || on_trial)
        w->clock = 0;
}

/* Runs one timer that is due, and times it. Returns when the next one is. */
static int64_t run_timer(struct filter_chain *chain, struct filter *f, int64_t now_ms)
{
    struct filter_result said = {.verdict = FILTER_PASS};
    uint64_t start = clock_monotonic_ns();
    int64_t due = f->ops->tick(f, now_ms, &said);
    uint64_t took = clock_monotonic_ns() - start;
    chain->spent += took;
    f->slow += took > FILTER_SOFT_NS;
    if (said.verdict == FILTER_FAULT) {
        count(f, &said);
        log_fault(f, said.text);
    }
    settle(f, &said, now_ms);
    return due;
}

/* Runs the timers of one filter, until the chain has spent so much. Asking for those due at
 * INT64_MIN only tells when the first is: a breaker must not take a tick without a timer for a
 * success. */
static int64_t tick(struct filter_chain *chain, struct filter *f, int64_t now_ms, uint64_t until)
{
    struct filter_result ignored = {.verdict = FILTER_PASS};
    int64_t due = f->ops->tick(f, INT64_MIN, &ignored);
    for (int i = 0; i < TIMERS_PER_TICK && due <= now_ms && chain->spent < until; i++) {
        if (!admit(f, now_ms))
            return f->breaker.since + f->breaker.delay;
        due = run_timer(chain, f, now_ms);
    }
    return due;
}

/* Whoever comes when the time is used up is the first of the next tick. */
int64_t filter_chain_tick(struct filter_chain *chain, int64_t now_ms)
{
    const uint64_t until = chain->spent + FILTER_TICK_NS;
    size_t first = chain->first_tick;
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < chain->count; i++) {
        size_t k = (first + i) % chain->count;
        struct filter *f = chain->filters[k];
        bool in_time = chain->spent < until;
        int64_t due = f->ops->tick ? tick(chain, f, now_ms, until) : INT64_MAX;
        if (in_time && chain->spent >= until)
            chain->first_tick = k + 1;
        if (due < next)
            next = due;
    }
    return next;
}

/* ---- the walk ------------------------------------------------------------------------------- */

/* `text`, which must fit max_text, cleaned: itself, or in the spare buffer. */
static struct str clean(struct filter_chain *chain, struct str text)
{
    struct text_repairs ignored = {0};
    return text_clean(text, chain->cleaned[chain->spare], &ignored);
}

/* Takes the filter's text as the message's, if it can be sent. */
static bool rewrite(struct filter_chain *chain, struct filter *f, const struct filter_result *said,
                    struct walk *w, struct filter_result *result)
{
    const struct filter_result rewriting = {.verdict = FILTER_REPLACE, .at = said->at};
    struct str cleaned = said->text;
    if (cleaned.size <= chain->max_text)
        cleaned = clean(chain, cleaned);
    if (cleaned.size == 0 || cleaned.size > chain->max_text) {
        f->refused++;
        log_refusal(chain, f, said, cleaned.size);
        return false;
    }
    if (cleaned.data == chain->cleaned[chain->spare]) {
        chain->spare ^= 1;
        log_rewriting(f, said, f->repaired++, "had to be cleaned");
    }
    w->now.text = cleaned;
    *result = (struct filter_result){.verdict = FILTER_REPLACE, .by = f->name};
    log_why(f, w, &rewriting, cleaned);
    return true;
}

/* The filter has the last word on the event. */
static void finish(struct filter_chain *chain, const struct filter *f, const struct walk *w,
                   const struct filter_result *said, struct filter_result *result)
{
    if (said->verdict == FILTER_ACCEPT) {
        if (result->verdict == FILTER_PASS)
            *result = (struct filter_result){.verdict = FILTER_ACCEPT, .by = f->name};
        result->text = w->now.text;
    } else {
        struct str text = clean(chain, text_cut(said->text, chain->max_text));
        *result = (struct filter_result){
            .verdict = said->verdict, .text = text_cut(text, chain->max_text), .by = f->name};
        if (said->verdict == FILTER_DIVERT)
            result->message = w->now.text;
    }
    log_why(f, w, said, result->text);
}

/* What is left of a walk: filters from the lowest bit of `left` on. */
static void run(struct filter_chain *chain, uint64_t left, struct walk *w,
                struct filter_result *result)
{
    uint64_t matched = filter_match_run(chain->match, &w->now);
    for (; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        struct filter *f = chain->filters[i];
        if (!(matched >> i & 1)) {
            f->skips++;
            continue;
        }
        struct filter_result said;
        judge(chain, f, w, &said);
        if (said.verdict == FILTER_PASS || w->now.kind == FILTER_LEAVE)
            continue;
        if (said.verdict != FILTER_REPLACE) {
            if (said.verdict == FILTER_ACCEPT && said.text.size > 0)
                rewrite(chain, f, &said, w, result);
            finish(chain, f, w, &said, result);
            return;
        }
        if (rewrite(chain, f, &said, w, result))
            matched = filter_match_again(chain->match, &w->now, left & (left - 1));
        w->clock = 0; /* what the chain does is not the next filter's time */
    }
    result->text = w->now.text;
}

void filter_chain_run(struct filter_chain *chain, const struct filter_event *e,
                      struct filter_result *result)
{
    assert(e->kind != FILTER_COMMAND);
    *result = (struct filter_result){.verdict = FILTER_PASS, .text = e->text};
    if (chain->handlers[e->kind] == 0)
        return;
    struct walk w = {.now = *e};
    run(chain, chain->handlers[e->kind], &w, result);
}

bool filter_chain_command(struct filter_chain *chain, const struct filter_event *e,
                          struct filter_result *result)
{
    assert(e->kind == FILTER_COMMAND);
    struct filter *f = find_command(chain, e->to);
    if (!f)
        return false;
    struct walk w = {.now = *e};
    struct filter_result said;
    judge(chain, f, &w, &said);
    *result = (struct filter_result){.verdict = FILTER_PASS, .text = e->text};
    if (said.verdict != FILTER_PASS)
        finish(chain, f, &w, &said, result);
    return true;
}
