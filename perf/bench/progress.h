/*
 * A line on the terminal that says how far things are; nothing where standard error is none.
 */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Embed it; only progress.c writes to it. */
struct progress {
    bool on;
    uint64_t shown; /* when, in ns */
};

/* `wanted` false: be silent even on a terminal. */
void progress_init(struct progress *p, bool wanted);

/* Shows "what done of total" a few times a second, however often it is called; `total` 0: unknown.
 */
void progress_show(struct progress *p, const char *what, uint64_t done, uint64_t total);

/* Takes the line away. */
void progress_clear(struct progress *p);

#endif
