/* See buffer.h. */
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CAPACITY_MIN = 256,
    PRINTED_MAX = 256,
};

void buffer_fini(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}

void buffer_clear(struct buffer *b)
{
    b->size = 0;
    b->failed = false;
}

/* Makes room for `n` more bytes. False, and a failure, where there is none. */
static bool reserve(struct buffer *b, size_t n)
{
    if (b->failed || n <= b->capacity - b->size)
        return !b->failed;
    size_t capacity = b->capacity ? b->capacity : CAPACITY_MIN;
    while (capacity - b->size < n)
        capacity *= 2;
    char *data = realloc(b->data, capacity);
    b->failed = !data;
    if (data) {
        b->data = data;
        b->capacity = capacity;
    }
    return data != NULL;
}

void buffer_add(struct buffer *b, struct str bytes)
{
    if (bytes.size == 0 || !reserve(b, bytes.size))
        return;
    memcpy(b->data + b->size, bytes.data, bytes.size);
    b->size += bytes.size;
}

void buffer_add_char(struct buffer *b, char c)
{
    buffer_add(b, str_from(&c, 1));
}

void buffer_add_times(struct buffer *b, char c, size_t times)
{
    if (times == 0 || !reserve(b, times))
        return;
    memset(b->data + b->size, c, times);
    b->size += times;
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    char text[PRINTED_MAX];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (size > 0)
        buffer_add(b, str_from(text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1));
}

void buffer_drop(struct buffer *b, size_t n)
{
    b->size -= n;
    if (n > 0 && b->size > 0)
        memmove(b->data, b->data + n, b->size);
}
