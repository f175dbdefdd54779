/* See json_string.h. */
#include "json_string.h"

#include <unistr.h>

enum { LONGEST = 12 }; /* a character: two surrogates */

static size_t write_unit(char *out, unsigned unit)
{
    static const char digits[] = "0123456789abcdef";
    memcpy(out, "\\u", 2);
    for (unsigned i = 0; i < 4; i++)
        out[2 + i] = digits[unit >> (12 - 4 * i) & 15];
    return 6;
}

static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Writes the character at *at, which is moved behind it. */
static size_t write_character(struct str text, size_t *at, char out[LONGEST])
{
    ucs4_t code;
    char c = text.data[*at];
    if (c == '"' || c == '\\') {
        ++*at;
        out[0] = '\\';
        out[1] = c;
        return 2;
    }
    *at += (size_t)u8_mbtouc(&code, (const uint8_t *)text.data + *at, text.size - *at);
    if (code < 0x10000)
        return write_unit(out, code);
    code -= 0x10000;
    return write_unit(out, 0xd800 + (code >> 10)) + write_unit(out + 6, 0xdc00 + (code & 0x3ff));
}

size_t json_string_write(struct str text, size_t most, char *out)
{
    size_t used = 0;
    size_t at = 0;
    out[used++] = '"';
    while (at < text.size) {
        char one[LONGEST];
        size_t next = at + 1;
        size_t size = 1;
        one[0] = text.data[at];
        if (!is_plain(one[0])) {
            next = at;
            size = write_character(text, &next, one);
        }
        if (used - 1 + size > most) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        memcpy(out + used, one, size);
        used += size;
        at = next;
    }
    out[used++] = '"';
    return used;
}
