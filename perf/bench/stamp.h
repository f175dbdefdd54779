/*
 * The text of a message: who said it, which of theirs it is, when it was due, and a filler that
 * differs from one message to the next. Whoever reads it can tell at once whether it is whole, the
 * next one, and how old it is.
 *
 *   3 digits sender | 5 digits number | 8 digits time in ns | filler a..z
 *
 * Digits are of base 64: A-Z a-z 0-9 - _ . So no text needs escaping in any protocol.
 */
#ifndef BENCH_STAMP_H
#define BENCH_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STAMP_SIZE = 16,             /* shortest text */
    STAMP_SENDERS_MAX = 1 << 18, /* senders that can be told apart */
    STAMP_NUMBERS_MAX = 1 << 30, /* messages of one sender */
};

#define STAMP_TIME_MAX ((uint64_t)1 << 48) /* 78 hours, in ns */

struct stamp {
    uint32_t sender;
    uint32_t number;
    uint64_t when; /* ns since whenever the writer likes */
};

/* Writes exactly `size` bytes, STAMP_SIZE at least. */
void stamp_write(char *text, size_t size, const struct stamp *s);

/* False unless the text is as stamp_write() writes it, to its last byte. */
bool stamp_read(const char *text, size_t size, struct stamp *s);

#endif
