/*
 * What drivers of textual protocols share: appending pieces, taking lines, looking at beginnings.
 * All of it is bounded by the caller, who knows the sizes (see driver.h).
 */
#ifndef BENCH_DRIVER_TEXT_H
#define BENCH_DRIVER_TEXT_H

#include "driver.h"

#include <string.h>

/* Appends bytes, a string, a number; return the end. */
static inline char *put_bytes(char *out, const char *bytes, size_t size)
{
    memcpy(out, bytes, size);
    return out + size;
}

static inline char *put(char *out, const char *text)
{
    return put_bytes(out, text, strlen(text));
}

static inline char *put_number(char *out, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    return put_bytes(out, digits + at, sizeof digits - at);
}

/* Exactly five digits, so that the names of rooms are of one length. */
enum { ROOM_DIGITS = 5 };
static inline char *put_room(char *out, uint32_t room)
{
    for (int i = ROOM_DIGITS - 1; i >= 0; i--, room /= 10)
        out[i] = (char)('0' + room % 10);
    return out + ROOM_DIGITS;
}

/* The size of the first line with its newline, 0 if it has no end yet. `unit`'s text is the line
 * without "\n" or "\r\n". */
static inline size_t take_line(const char *bytes, size_t size, struct unit *unit)
{
    const char *end = memchr(bytes, '\n', size);
    if (!end)
        return size < DRIVER_UNIT_MAX ? 0 : SIZE_MAX;
    unit->text = bytes;
    unit->text_size = (size_t)(end - bytes);
    if (unit->text_size > 0 && end[-1] == '\r')
        unit->text_size--;
    return (size_t)(end - bytes) + 1;
}

static inline bool begins(const struct unit *unit, const char *with)
{
    size_t n = strlen(with);
    return unit->text_size >= n && memcmp(unit->text, with, n) == 0;
}

static inline bool contains(const struct unit *unit, const char *mark)
{
    return memmem(unit->text, unit->text_size, mark, strlen(mark)) != NULL;
}

/* Leaves of the text what stands behind `mark`; false if it is not there. */
static inline bool skip_past(struct unit *unit, const char *mark)
{
    size_t n = strlen(mark);
    const char *at = memmem(unit->text, unit->text_size, mark, n);
    if (!at)
        return false;
    unit->text_size -= (size_t)(at - unit->text) + n;
    unit->text = at + n;
    return true;
}

#endif
