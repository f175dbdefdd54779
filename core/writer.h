/*
 * Small helpers for encoders: they append to memory that is known to be large enough (wire's bound)
 * and return the new end.
 */
#ifndef CHATROOM_WRITER_H
#define CHATROOM_WRITER_H

#include "str.h"

#include <stdint.h>

/* Digits of the longest uint64_t. */
#define WRITER_NUMBER_MAX 20

static inline char *write_str(char *out, struct str s)
{
    if (s.size > 0)
        memcpy(out, s.data, s.size);
    return out + s.size;
}

#define write_literal(out, literal) write_str((out), STR(literal))

static inline char *write_number(char *out, uint64_t n)
{
    char digits[WRITER_NUMBER_MAX];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    while (count > 0)
        *out++ = digits[--count];
    return out;
}

/* `digits` decimal digits, with leading zeros. */
static inline char *write_padded(char *out, uint64_t n, int digits)
{
    for (int i = digits - 1; i >= 0; i--, n /= 10)
        out[i] = (char)('0' + n % 10);
    return out + digits;
}

#endif
