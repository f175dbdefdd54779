/*
 * For the tests of the chain: filters that say what they are told to (parrots), and events of ann.
 *
 *   add(chain, "p", FILTER_DROP, STR("because"));
 *   assert_result(run(chain, "hello"), FILTER_DROP, "because", "p");
 */
#ifndef CHATROOM_FILTER_FIXTURE_H
#define CHATROOM_FILTER_FIXTURE_H

#include "diag.h"
#include "filter.h"
#include "unit.h"

#include <stdlib.h>
#include <time.h>

#define MAX_TEXT 16
#define SECOND   INT64_C(1000)

/* A filter that always says the same, and notes what it was asked. */
struct parrot {
    struct filter base;
    enum filter_verdict verdict;
    struct str text;
    struct str at;
    bool excused;
    uint64_t slow_ns; /* it takes at least so long for an event, or a timer */
    char heard[64];
    int64_t next_tick;
    int64_t period;
    int ticks; /* timers that it ran */
    int *freed;
};

static inline uint64_t wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline void take_time(uint64_t ns)
{
    for (uint64_t start = wall_ns(); ns > 0 && wall_ns() - start < ns;)
        ;
}

static inline void parrot_on_event(struct filter *f, const struct filter_event *e,
                                   struct filter_result *result)
{
    struct parrot *p = (struct parrot *)f;
    assert_int_equal(result->verdict, FILTER_PASS);
    assert_int_equal(result->text.size, 0);
    snprintf(p->heard, sizeof p->heard, STR_FMT, STR_ARG(e->text));
    result->verdict = p->verdict;
    result->text = p->text;
    result->at = p->at;
    result->excused = p->excused;
    take_time(p->slow_ns);
}

static inline void parrot_free(struct filter *f)
{
    struct parrot *p = (struct parrot *)f;
    if (p->freed)
        ++*p->freed;
    free(p);
}

static const struct filter_ops parrot_ops = {.on_event = parrot_on_event, .free = parrot_free};

/* Handles all kinds; not in a chain yet. */
static inline struct parrot *make(const char *name, enum filter_verdict verdict, struct str text)
{
    struct parrot *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->base.ops = &parrot_ops;
    p->base.name = str_of(name);
    p->base.kinds = (1U << FILTER_KINDS) - 1;
    p->verdict = verdict;
    p->text = text;
    return p;
}

static inline struct parrot *join(struct filter_chain *chain, struct parrot *p)
{
    assert_int_equal(filter_chain_add(chain, &p->base), 0);
    return p;
}

static inline struct parrot *add(struct filter_chain *chain, const char *name,
                                 enum filter_verdict verdict, struct str text)
{
    return join(chain, make(name, verdict, text));
}

static inline struct parrot *add_command(struct filter_chain *chain, const char *name,
                                         const struct str *command, enum filter_verdict verdict,
                                         struct str text)
{
    struct parrot *p = make(name, verdict, text);
    p->base.commands = command;
    p->base.command_count = 1;
    return join(chain, p);
}

/* What a result holds before the chain fills it in. */
static const struct filter_result left_over = {
    .verdict = FILTER_KICK,
    .text = {"left over", 9},
    .by = {"left over", 9},
    .message = {"left over", 9},
    .at = {"left over", 9},
    .excused = true,
};

static inline struct filter_event event_of(enum filter_kind kind, const char *text, int64_t now)
{
    return (struct filter_event){.kind = kind,
                                 .client = 7,
                                 .time_ms = now,
                                 .from = STR("ann"),
                                 .room = STR("#lobby"),
                                 .text = str_of(text)};
}

static inline struct filter_result run_at(struct filter_chain *chain, enum filter_kind kind,
                                          const char *text, int64_t now)
{
    struct filter_event e = event_of(kind, text, now);
    struct filter_result result = left_over;
    filter_chain_run(chain, &e, &result);
    return result;
}

static inline struct filter_result run_kind(struct filter_chain *chain, enum filter_kind kind)
{
    return run_at(chain, kind, "zero", 0);
}

static inline struct filter_result run(struct filter_chain *chain, const char *text)
{
    return run_at(chain, FILTER_MESSAGE, text, 0);
}

static inline struct filter_result command_at(struct filter_chain *chain, const char *name,
                                              int64_t now)
{
    struct filter_event e = event_of(FILTER_COMMAND, "2d6", now);
    struct filter_result result = left_over;
    e.to = str_of(name);
    assert_true(filter_chain_command(chain, &e, &result));
    return result;
}

static inline void assert_result(struct filter_result r, enum filter_verdict verdict,
                                 const char *text, const char *by)
{
    assert_string_equal(filter_verdict_name(r.verdict), filter_verdict_name(verdict));
    assert_str(r.text, str_of(text));
    assert_str(r.by, str_of(by));
}

/* How often `part` is in `text`. */
static inline int occurrences(const char *text, const char *part)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

static inline int setup(void **state)
{
    diag_init("test_filter", DIAG_ERROR);
    *state = filter_chain_new(MAX_TEXT);
    return *state ? 0 : -1;
}

static inline int teardown(void **state)
{
    filter_chain_free(*state);
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
