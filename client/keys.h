/*
 * Keys out of the bytes that a terminal sends: characters, control characters, escape sequences,
 * pastes, the window getting and losing the focus. Pure: the clock is passed in.
 *
 * Bytes come in any portions. A key is reported once it is whole: half a character, half an escape
 * sequence and a single ESC wait for what follows. (So ESC, then B is Alt-B at any speed.)
 *
 *     struct str in = ...;
 *     while (keys_next(&k, &in, now_ms, &key))
 *         ...
 *
 * A paste is what stands between the marks of a terminal's bracketed paste mode. Where the end mark
 * does not come, as when a connection breaks in between, it ends by itself: see keys_patience().
 */
#ifndef CHATROOM_KEYS_H
#define CHATROOM_KEYS_H

#include "str.h"

#include <stdint.h>

enum {
    KEYS_HELD_MAX = 32,  /* longest escape sequence; a longer one is passed over */
    KEYS_PASTE_MS = 500, /* a paste is over when nothing more of it came for so long */
};

enum key_type {
    KEY_TEXT,     /* a character, U+FFFD for ill-formed bytes */
    KEY_CONTROL,  /* a control character: `code` is 'C' for Ctrl-C, '?' for DEL, 'I' for Tab */
    KEY_SEQUENCE, /* ESC and what belongs to it; `code` is its last character */
    KEY_PASTED,   /* a part of a paste: `bytes` as they came */
    KEY_PASTE_END,
    KEY_FOCUS, /* the window has the focus, or ... */
    KEY_BLUR,  /* ... has lost it */
};

struct key {
    enum key_type type;
    uint32_t code;
    struct str bytes; /* valid until the next call */
};

/* Embedded in its owner; all zero is the start. */
struct keys {
    size_t size; /* bytes in `held`: the beginning of a key, or of a paste's end mark */
    bool whole;  /* `held` was given out and goes with the next call */
    bool pasting;
    uint64_t pasted_ms; /* when a part of the paste came last */
    char held[KEYS_HELD_MAX];
};

/* Takes the next whole key off *in. False when *in is used up. */
bool keys_next(struct keys *k, struct str *in, uint64_t now_ms, struct key *out);

/* In how many milliseconds to call keys_expired(), while a paste is under way; 0: not needed. */
unsigned keys_patience(const struct keys *k, uint64_t now_ms);

/* True, once, if a paste was under way and nothing more of it came: it is over. */
bool keys_expired(struct keys *k, uint64_t now_ms);

#endif
