/*
 * Text rules. Decoding is libunistring's (u8_mbtoucr): it accepts exactly what RFC 3629 allows, and
 * tells what is ill-formed from what only has no end yet.
 */
#include "text.h"

#include <stdint.h>
#include <unistr.h>

/* Printable ASCII and TAB, eight bytes at a time where it goes: nearly every line is just that.
 * Returns how many bytes from the start are plain.
 *
 * A byte of eight is not plain if it has its high bit, or gets it by adding 1 (DEL) or taking away
 * 0x20 (controls). What is carried or borrowed comes from such a byte only. */
static size_t plain_prefix(const char *data, size_t size)
{
    const uint64_t ones = 0x0101010101010101ULL;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t w;
        memcpy(&w, data + i, 8);
        if ((w | (w + ones) | (w - ones * 0x20)) & ones * 0x80)
            break;
    }
    for (; i < size; i++) {
        unsigned char c = (unsigned char)data[i];
        if ((c < 0x20 && c != '\t') || c >= 0x7f)
            break;
    }
    return i;
}

static bool is_control(ucs4_t c)
{
    return (c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0);
}

/* Size of the ill-formed run at `p`: the longest start of it that could have become a character, or
 * one byte. (u8_mbtouc() takes more than that off at once.) */
static int ill_formed_run(const uint8_t *p, size_t size)
{
    ucs4_t ignored;
    size_t n = 1;
    while (n < size && u8_mbtoucr(&ignored, p, n + 1) == -2)
        n++;
    return (int)n;
}

/* One character of `in` at `at`, cleaned, to `out`; returns its size in `in`, *made in `out`. */
static size_t clean_one(struct str in, size_t at, char *out, size_t *made,
                        struct text_repairs *repairs)
{
    static const char replacement[] = "\xef\xbf\xbd";
    const uint8_t *p = (const uint8_t *)in.data + at;
    ucs4_t c;
    int size = u8_mbtoucr(&c, p, in.size - at);
    *made = 0;
    if (size < 0) {
        size = ill_formed_run(p, in.size - at);
        repairs->invalid++;
        memcpy(out, replacement, 3);
        *made = 3;
    } else if (is_control(c)) {
        repairs->controls++;
    } else {
        memcpy(out, p, (size_t)size);
        *made = (size_t)size;
    }
    return (size_t)size;
}

struct str text_clean(struct str in, char *out, struct text_repairs *repairs)
{
    size_t plain = plain_prefix(in.data, in.size);
    if (plain == in.size)
        return in;
    memcpy(out, in.data, plain);
    size_t used = plain;
    struct text_repairs before = *repairs;
    for (size_t at = plain; at < in.size;) {
        size_t made;
        at += clean_one(in, at, out + used, &made, repairs);
        used += made;
    }
    if (before.controls == repairs->controls && before.invalid == repairs->invalid)
        return in;
    return str_from(out, used);
}

bool text_is_clean(struct str s)
{
    struct text_repairs repairs = {0};
    for (size_t at = plain_prefix(s.data, s.size); at < s.size;) {
        char made[4]; /* a character */
        size_t size;
        at += clean_one(s, at, made, &size, &repairs);
        if (repairs.controls + repairs.invalid > 0)
            return false;
    }
    return true;
}

struct str text_cut(struct str s, size_t max)
{
    if (s.size <= max)
        return s;
    while (max > 0 && ((unsigned char)s.data[max] & 0xc0) == 0x80)
        max--;
    return str_from(s.data, max);
}

static const char *name_fault(struct str name)
{
    static const char forbidden[] = " :#@*!/\t";
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (c == ' ' || c == '\t')
            return "may have no spaces";
        if (c != '\0' && strchr(forbidden, c))
            return "may have none of : # @ * ! /";
    }
    return NULL;
}

const char *text_nick_fault(struct str nick)
{
    if (nick.size == 0)
        return "is empty";
    if (nick.size > TEXT_NICK_MAX)
        return "is longer than 32 bytes";
    return name_fault(nick);
}

const char *text_room_fault(struct str room)
{
    if (room.size < 2 || room.data[0] != '#')
        return "is no room: rooms are written #name";
    if (room.size > TEXT_ROOM_MAX)
        return "is longer than 32 bytes";
    return name_fault(str_skip(room, 1));
}

bool text_equal_fold(struct str a, struct str b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++) {
        if (text_fold(a.data[i]) != text_fold(b.data[i]))
            return false;
    }
    return true;
}
