/*
 * What was measured, for people and for programs. README.md describes the values.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench_options.h"
#include "command.h"
#include "shape.h"

#include <stdio.h>

/* A run; all is borrowed. */
struct run {
    const struct options *options;
    const struct command *command; /* NULL: the server was running */
    pid_t pid;                     /* of the server; 0: unknown */
    int server_cpu;                /* negative: not pinned */
    int load_cpu;
    int status; /* 0, or why it failed: then there are no figures */
    union {
        struct load_result load;
        struct idle_result idle;
        struct storm_result storm;
    } result;
};

/* As the options say: a table, JSON, CSV or TAP. A run that failed has no table. */
void report(const struct run *run, FILE *to);

/* The table alone. */
void report_table(const struct run *run, FILE *to);

/* One line of the Test Anything Protocol. */
void report_tap(const struct run *run, FILE *to);

/* True if the server cannot be had here: for a test that is a reason to skip. */
bool report_is_skip(const struct run *run);

#endif
