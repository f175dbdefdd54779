/*
 * The two things that can be measured, each on a server that runs already, with a control
 * connection to it: they print their figures, unless a test only wants to know that all went well.
 */
#ifndef PERF_MEASURE_H
#define PERF_MEASURE_H

#include "target.h"

#include <stdbool.h>

/* What the command line says. */
struct settings {
    char server[4096];
    const char *backend; /* "auto", "epoll", "uring" */
    unsigned members;
    unsigned window;
    unsigned messages;
    unsigned size; /* bytes of text */
    unsigned idle; /* connections; 0: measure fan-out */
    bool json;
    bool tap;
    bool pinned; /* server and load have a CPU each */
};

/* CPU of the server per delivery, in a closed loop. */
int measure_fanout(const struct settings *s, struct target *t, int control);

/* Memory of the server per connection that says nothing. */
int measure_idle(const struct settings *s, struct target *t, int control);

#endif
