/*
 * A borrowed run of bytes: who passes one on keeps the bytes alive. Not NUL-terminated. Printed
 * with STR_FMT and STR_ARG.
 */
#ifndef CHATROOM_STR_H
#define CHATROOM_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *data;
    size_t size;
};

#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)(s).size, (s).data

/* Of a literal, a C string, a pointer and a size. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
static inline struct str str_of(const char *text)
{
    return (struct str){text, strlen(text)};
}
static inline struct str str_from(const char *data, size_t size)
{
    return (struct str){data, size};
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool str_starts_with(struct str s, struct str prefix)
{
    return s.size >= prefix.size &&
           (prefix.size == 0 || memcmp(s.data, prefix.data, prefix.size) == 0);
}

/* `s` without its first `n` bytes; n <= s.size. */
static inline struct str str_skip(struct str s, size_t n)
{
    return (struct str){s.data + n, s.size - n};
}

/* Splits off the first word: leading spaces are skipped, *s is left at what follows the spaces
 * behind the word. Empty when there is none. */
static inline struct str str_word(struct str *s)
{
    size_t start = 0;
    while (start < s->size && s->data[start] == ' ')
        start++;
    size_t end = start;
    while (end < s->size && s->data[end] != ' ')
        end++;
    struct str word = {s->data + start, end - start};
    while (end < s->size && s->data[end] == ' ')
        end++;
    *s = str_skip(*s, end);
    return word;
}

#endif
