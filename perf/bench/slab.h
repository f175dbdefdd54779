/*
 * Memory of the kernel that sockets are made of: what its slab caches hold, on the whole machine.
 */
#ifndef BENCH_SLAB_H
#define BENCH_SLAB_H

#include <stdint.h>

/* Bytes in slabs now; returns where that is from, "slabinfo" (root only) or "meminfo" (in KiB), or
 * NULL if it cannot be had. */
const char *slab_bytes(uint64_t *bytes);

#endif
