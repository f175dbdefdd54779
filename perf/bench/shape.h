/*
 * What can be measured, each on a server that runs: figures taken around a load, while the server
 * sleeps, so that all it did is in them.
 */
#ifndef BENCH_SHAPE_H
#define BENCH_SHAPE_H

#include "engine.h"
#include "latency.h"
#include "target.h"
#include "workload.h"

/* What the server, if it can be watched, and this program used meanwhile. */
struct usage {
    bool known; /* of the server */
    uint64_t cpu_ns;
    uint64_t load_cpu_ns;
    uint64_t rss; /* bytes, at the end */
    uint64_t rss_peak;
};

struct load_result {
    struct stretch stretch;
    struct usage usage;
    unsigned receivers;
    unsigned slow;
    bool syscalls_known;
    double syscalls_per_delivery;
    double syscalls_per_message;
};

struct idle_result {
    bool known; /* the server can be watched */
    uint64_t rss_before;
    uint64_t rss_after;
    const char *kernel_source; /* NULL: unknown */
    uint64_t kernel_before;
    uint64_t kernel_after;
};

struct storm_result {
    struct usage usage;
    uint64_t ns;
    struct latency latency;
};

/* Fan-out: rooms, members, senders. Counts system calls, if `syscalls`, in a stretch of its own. */
int shape_load(const struct workload *w, const struct target *t, bool syscalls,
               struct load_result *r);

/* Memory of connections that say nothing. */
int shape_idle(const struct workload *w, const struct target *t, struct idle_result *r);

/* Connect, welcome, join, of everybody at once. */
int shape_storm(const struct workload *w, const struct target *t, struct storm_result *r);

#endif
