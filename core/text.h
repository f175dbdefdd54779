/*
 * What text may be: clean UTF-8 without control characters, nicks, room names. Pure.
 */
#ifndef CHATROOM_TEXT_H
#define CHATROOM_TEXT_H

#include "str.h"

#define TEXT_NICK_MAX 32 /* bytes, as protocol.md's twin in chatroom_protocol(7) says */
#define TEXT_ROOM_MAX 32 /* bytes, with the '#' */

struct text_repairs {
    size_t controls; /* control characters removed (C0 but TAB, DEL, C1) */
    size_t invalid;  /* ill-formed sequences that became U+FFFD */
};

/* Largest result of text_clean() for `size` bytes. */
#define TEXT_CLEAN_MAX(size) ((size)*3)

/*
 * Cleans `in`: control characters other than TAB go, ill-formed UTF-8 becomes U+FFFD (one for each
 * maximal ill-formed run, Unicode 15 section 3.9). Returns `in` itself where it is clean already;
 * otherwise the result stands in `out`, which has room for TEXT_CLEAN_MAX(in.size) bytes.
 * `repairs` is added to.
 */
struct str text_clean(struct str in, char *out, struct text_repairs *repairs);

/* True if text_clean() would find nothing to do. */
bool text_is_clean(struct str s);

/* The first `max` bytes of `s` at most, cut between characters. */
struct str text_cut(struct str s, size_t max);

/* NULL for a legal nick or room name (clean text given), otherwise what is wrong with it, as the
 * end of a sentence that starts with the name: "may have no spaces". */
const char *text_nick_fault(struct str nick);
const char *text_room_fault(struct str room);

/* An ASCII letter made small, every other byte as it is. */
static inline char text_fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* ASCII letters made equal, everything else byte by byte: how nicks and rooms compare. */
bool text_equal_fold(struct str a, struct str b);

#endif
