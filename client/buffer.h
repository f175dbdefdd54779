/*
 * A growing run of bytes, for what is put together piece by piece. Pure. Running out of memory is
 * remembered, not returned: who builds a screen asks once at the end, not after each word.
 */
#ifndef CHATROOM_BUFFER_H
#define CHATROOM_BUFFER_H

#include "str.h"

/* Embedded in its owner; all zero is an empty one. */
struct buffer {
    char *data;
    size_t size;
    size_t capacity;
    bool failed; /* something is missing for want of memory; until buffer_clear() */
};

void buffer_fini(struct buffer *b);

/* Empties it and forgets a failure; keeps the memory. */
void buffer_clear(struct buffer *b);

/* Appends a copy. After a failure nothing is appended any more, so that no line is half. */
void buffer_add(struct buffer *b, struct str bytes);
void buffer_add_char(struct buffer *b, char c);
void buffer_add_times(struct buffer *b, char c, size_t times);

#define buffer_add_literal(b, literal) buffer_add((b), STR(literal))

/* At most 255 bytes; more is cut. */
__attribute__((format(printf, 2, 3))) void buffer_printf(struct buffer *b, const char *format, ...);

/* Removes the first `n` bytes, n <= b->size. */
void buffer_drop(struct buffer *b, size_t n);

/* What is in it; valid until it changes. */
static inline struct str buffer_str(const struct buffer *b)
{
    return str_from(b->data ? b->data : "", b->size);
}

#endif
