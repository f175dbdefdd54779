/* See stamp.h. */
#include "stamp.h"

#include <string.h>

enum {
    SENDER_DIGITS = 3,
    NUMBER_DIGITS = 5,
    TIME_DIGITS = 8,
    LETTERS = 26,
    CHUNK = 3 * LETTERS, /* of filler, copied or compared at a time */
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* A chunk can begin at any of the first letters. */
static const char letters[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
                              "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";

static char *put(char *out, uint64_t value, unsigned count)
{
    for (unsigned i = count; i-- > 0; value >>= 6)
        out[i] = digits[value & 63];
    return out + count;
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + LETTERS;
    if (c >= '0' && c <= '9')
        return c - '0' + 2 * LETTERS;
    if (c == '-' || c == '_')
        return c == '-' ? 62 : 63;
    return -1;
}

static bool get(const char *text, unsigned count, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < count; i++) {
        int digit = digit_value(text[i]);
        if (digit < 0)
            return false;
        *value = *value << 6 | (uint64_t)digit;
    }
    return true;
}

void stamp_write(char *text, size_t size, const struct stamp *s)
{
    char *out = put(text, s->sender, SENDER_DIGITS);
    out = put(out, s->number, NUMBER_DIGITS);
    out = put(out, s->when, TIME_DIGITS);
    const char *filler = letters + s->number % LETTERS;
    for (size_t left = size - STAMP_SIZE; left > 0;) {
        size_t n = left < CHUNK ? left : CHUNK;
        memcpy(out, filler, n);
        out += n;
        left -= n;
    }
}

static bool filler_is(const char *text, size_t size, uint32_t number)
{
    const char *filler = letters + number % LETTERS;
    while (size > 0) {
        size_t n = size < CHUNK ? size : CHUNK;
        if (memcmp(text, filler, n) != 0)
            return false;
        text += n;
        size -= n;
    }
    return true;
}

bool stamp_read(const char *text, size_t size, struct stamp *s)
{
    uint64_t sender;
    uint64_t number;
    if (size < STAMP_SIZE || !get(text, SENDER_DIGITS, &sender) ||
        !get(text + SENDER_DIGITS, NUMBER_DIGITS, &number) ||
        !get(text + SENDER_DIGITS + NUMBER_DIGITS, TIME_DIGITS, &s->when))
        return false;
    s->sender = (uint32_t)sender;
    s->number = (uint32_t)number;
    return filler_is(text + STAMP_SIZE, size - STAMP_SIZE, s->number);
}
