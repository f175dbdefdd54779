/* See filter_stats.h. */
#include "filter_stats.h"

#include "diag.h"

#include <inttypes.h>
#include <stdio.h>

enum { COUNTERS = FILTER_STATS_ITEMS - FAULT_LINES - 1 };

struct counter {
    const char *name;
    uint64_t value;
};

static void read_counters(const struct filter *f, struct counter out[COUNTERS])
{
    const struct counter counters[COUNTERS] = {
        {"calls", f->calls},
        {"skips", f->skips},
        {"passes", f->verdicts[FILTER_PASS]},
        {"accepts", f->verdicts[FILTER_ACCEPT]},
        {"rewrites", f->verdicts[FILTER_REPLACE]},
        {"drops", f->verdicts[FILTER_DROP]},
        {"replies", f->verdicts[FILTER_REPLY]},
        {"diverts", f->verdicts[FILTER_DIVERT]},
        {"shadows", f->verdicts[FILTER_SHADOW]},
        {"kicks", f->verdicts[FILTER_KICK]},
        {"faults", f->verdicts[FILTER_FAULT]},
        {"starved", f->starved},
        {"refused", f->refused},
        {"repaired", f->repaired},
        {"bypassed", f->bypassed},
        {"slow", f->slow},
        {"p50_ns", histogram_percentile(&f->ns, 50)},
        {"p99_ns", histogram_percentile(&f->ns, 99)},
        {"max_ns", f->ns.max},
        {"memory", f->ops->memory ? f->ops->memory(f) : 0},
        {"breaker", f->breaker.state}, /* 0 closed, 1 open, 2 half-open */
        {"breaker_opened", f->breaker.opened},
    };
    memcpy(out, counters, sizeof counters);
}

static const char *file_of(const char *at)
{
    const char *slash = strrchr(at, '/');
    return slash ? slash + 1 : at;
}

size_t filter_stats_items(const struct filter *f, struct event_item items[FILTER_STATS_ITEMS],
                          char names[FILTER_STATS_ITEMS][FILTER_STATS_NAME])
{
    struct counter counters[FILTER_STATS_ITEMS];
    char fault_names[FAULT_LINES][FAULT_LINE_SIZE + 8];
    size_t n = COUNTERS;
    read_counters(f, counters);
    for (size_t i = 0; i < f->fault_lines.used; i++) {
        const struct fault_line *line = &f->fault_lines.lines[i];
        snprintf(fault_names[i], sizeof fault_names[i], "faults.%s", file_of(line->at));
        counters[n++] = (struct counter){fault_names[i], line->count};
    }
    if (f->fault_lines.elsewhere > 0)
        counters[n++] = (struct counter){"faults.elsewhere", f->fault_lines.elsewhere};
    for (size_t i = 0; i < n; i++) {
        snprintf(names[i], FILTER_STATS_NAME, "%s." STR_FMT ".%s",
                 f->candidate ? "candidate" : "filter", STR_ARG(f->name), counters[i].name);
        items[i] = (struct event_item){str_of(names[i]), counters[i].value};
    }
    return n;
}

void filter_stats_log(const struct filter *f)
{
    char label[FILTER_LABEL];
    char at[4 * FAULT_LINE_SIZE];
    char line[768];
    struct counter counters[COUNTERS];
    int used = 0;
    filter_label(f, label, sizeof label);
    read_counters(f, counters);
    for (size_t i = 0; i < COUNTERS; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, " %s %" PRIu64, counters[i].name,
                         counters[i].value);
    diag_log(DIAG_INFO, "counter %s:%s (breaker %s)", label, line,
             breaker_state_name(f->breaker.state));
    for (size_t i = 0; i < f->fault_lines.used; i++)
        diag_log(DIAG_INFO, "counter %s: faults at %s: %" PRIu64, label,
                 diag_escape(str_of(f->fault_lines.lines[i].at), at, sizeof at),
                 f->fault_lines.lines[i].count);
    if (f->fault_lines.elsewhere > 0)
        diag_log(DIAG_INFO, "counter %s: faults elsewhere: %" PRIu64, label,
                 f->fault_lines.elsewhere);
}
