/*
 * CPU and memory that a stretch of load took: usage_begin() before, usage_end() after it.
 */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include "shape.h"

/* Both wait until the server sleeps. */
int usage_begin(struct usage *u, const struct target *t);
int usage_end(struct usage *u, const struct target *t);

#endif
