/*
 * What the unit tests share: cmocka behind the headers it wants, strings, reproducible random
 * numbers, standard output and error as text, and an allocator that can be told to fail.
 *
 * malloc(), calloc() and realloc() of everything linked into a test go through unit.c (the linker's
 * --wrap), so that every allocation of a module can fail once in turn:
 *
 *   for (int n = 0; unit_alloc_sweep(n); n++)
 *       try_it();                    // the allocation number n of this round fails
 *   unit_alloc_fail_at(-1);          // none fails any more
 */
#ifndef CHATROOM_UNIT_H
#define CHATROOM_UNIT_H

#include "str.h"

/* cmocka.h wants the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
/* clang-format on */

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* The same bytes, NUL bytes included. */
#define assert_str(actual, expected) unit_assert_str((actual), (expected), __FILE__, __LINE__)
void unit_assert_str(struct str actual, struct str expected, const char *file, int line);

/* ---- random numbers: the same for the same seed, everywhere --------------------------------- */

struct unit_random {
    uint64_t state;
};

uint64_t unit_random(struct unit_random *r);

/* From 0 to n - 1. */
uint64_t unit_below(struct unit_random *r, uint64_t n);

/* ---- memory --------------------------------------------------------------------------------- */

/* The allocation number `n` from now on fails, and only that; -1: none. */
void unit_alloc_fail_at(int n);

/* True if the one that was to fail has come. */
bool unit_alloc_failed(void);

/* For a loop over n: arms the n-th allocation as long as the round before reached the one it was to
 * lose; false, and disarmed, once everything went well. */
bool unit_alloc_sweep(int n);

/* Allocations since the start of the program. */
size_t unit_alloc_count(void);

/* ---- output --------------------------------------------------------------------------------- */

/* What is written to descriptor `fd` (1 or 2) between the two calls, NUL-terminated and cut to
 * `size`; returns how many bytes there were. Not nested. */
void unit_capture(int fd);
size_t unit_captured(char *out, size_t size);

#endif
