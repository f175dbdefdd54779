/* All times are kept, so that a percentile is a time that was measured. */
#include "probe.h"

#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { HUB_MAX = 256, NS_PER_US = 1000 };

int probe_init(struct probe *p, uint32_t wanted)
{
    *p = (struct probe){.times = calloc(wanted, sizeof *p->times), .wanted = wanted};
    return p->times ? 0 : -ENOMEM;
}

void probe_fini(struct probe *p)
{
    free(p->times);
    *p = (struct probe){0};
}

void probe_send(struct probe *p, uint64_t now_ns)
{
    if (p->sent == p->wanted)
        return;
    p->sent++;
    p->sent_ns = now_ns;
}

void probe_answer(struct probe *p, uint64_t now_ns)
{
    if (p->answered < p->sent)
        p->times[p->answered++] = now_ns - p->sent_ns;
}

void probe_take_back(struct probe *p)
{
    if (p->sent > p->answered)
        p->sent--;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Nearest rank: the smallest time that `percent` of all do not exceed. */
static uint64_t percentile(const struct probe *p, uint32_t percent)
{
    uint64_t rank = ((uint64_t)p->answered * percent + 99) / 100;
    return p->times[rank > 0 ? rank - 1 : 0];
}

struct probe_summary probe_summarize(struct probe *p)
{
    if (p->answered == 0)
        return (struct probe_summary){0};
    qsort(p->times, p->answered, sizeof *p->times, compare);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < p->answered; i++)
        sum += p->times[i];
    return (struct probe_summary){
        .min = p->times[0],
        .avg = sum / p->answered,
        .p50 = percentile(p, 50),
        .p99 = percentile(p, 99),
        .max = p->times[p->answered - 1],
    };
}

/* ---- the report ---------------------------------------------------------------------------- */

struct line {
    char *out;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(l->out + l->used, PROBE_REPORT_MAX - l->used, format, args);
    va_end(args);
    l->used += (size_t)n;
}

/* Milliseconds, to the microsecond: the clock knows more, a machine with neighbours does not. */
static void add_time(struct line *l, const char *before, uint64_t ns, const char *behind)
{
    uint64_t us = (ns + NS_PER_US / 2) / NS_PER_US;
    add(l, "%s%" PRIu64 ".%03" PRIu64 "%s", before, us / 1000, us % 1000, behind);
}

static void add_for_people(struct line *l, const struct probe *p, const struct probe_summary *s,
                           struct str hub)
{
    add(l, STR_FMT ": %" PRIu32 " of %" PRIu32 " pings answered", STR_ARG(hub), p->answered,
        p->sent);
    if (p->answered > 0) {
        add_time(l, ", min ", s->min, " ms");
        add_time(l, ", avg ", s->avg, " ms");
        add_time(l, ", p50 ", s->p50, " ms");
        add_time(l, ", p99 ", s->p99, " ms");
        add_time(l, ", max ", s->max, " ms");
    }
    add(l, "\n");
}

static void add_quoted(struct line *l, struct str s)
{
    add(l, "\"");
    for (size_t i = 0; i < s.size; i++)
        add(l, s.data[i] == '"' || s.data[i] == '\\' ? "\\%c" : "%c", s.data[i]);
    add(l, "\"");
}

static void add_json(struct line *l, const struct probe *p, const struct probe_summary *s,
                     struct str hub)
{
    add(l, "{\"type\":\"ping\",\"hub\":");
    add_quoted(l, hub);
    add(l, ",\"sent\":%" PRIu32 ",\"answered\":%" PRIu32, p->sent, p->answered);
    if (p->answered > 0) {
        add_time(l, ",\"min_ms\":", s->min, "");
        add_time(l, ",\"avg_ms\":", s->avg, "");
        add_time(l, ",\"p50_ms\":", s->p50, "");
        add_time(l, ",\"p99_ms\":", s->p99, "");
        add_time(l, ",\"max_ms\":", s->max, "");
    }
    add(l, "}\n");
}

struct str probe_report(struct probe *p, struct str hub, bool json, char *out)
{
    struct probe_summary s = probe_summarize(p);
    struct line l = {.out = out};
    char clean[TEXT_CLEAN_MAX(HUB_MAX)];
    struct text_repairs ignored = {0};
    /* Cut again: ill-formed bytes grow when they are cleaned. */
    hub = text_cut(text_clean(text_cut(hub, HUB_MAX), clean, &ignored), HUB_MAX);
    if (json)
        add_json(&l, p, &s, hub);
    else
        add_for_people(&l, p, &s, hub);
    return str_from(out, l.used);
}
