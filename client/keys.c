/*
 * A small state machine: `held` is the beginning of a key. ECMA-48 says where an escape sequence
 * ends, so that one that means nothing here is passed over whole, instead of leaving its tail as
 * text.
 */
#include "keys.h"

#include <unistr.h>

enum {
    ESCAPE = 0x1b,
    DELETE = 0x7f,
    REPLACEMENT = 0xfffd,
};

static const struct str mark_begin = {"\x1b[200~", 6};
static const struct str mark_end = {"\x1b[201~", 6};

static struct str held(const struct keys *k)
{
    return str_from(k->held, k->size);
}

/* What is held is a key: it stays where it is until the next call. */
static bool give(struct keys *k, enum key_type type, uint32_t code, struct key *out)
{
    k->whole = true;
    out->type = type;
    out->code = code;
    out->bytes = held(k);
    return true;
}

/* ---- pastes -------------------------------------------------------------------------------- */

/* How many bytes of `in` belong to the paste for sure: up to what may be its end mark. */
static size_t pasted_size(struct str in)
{
    const char *escape = memchr(in.data, ESCAPE, in.size);
    return escape ? (size_t)(escape - in.data) : in.size;
}

static bool give_pasted(struct str bytes, struct key *out)
{
    *out = (struct key){.type = KEY_PASTED, .bytes = bytes};
    return true;
}

/* `held` is the beginning of the end mark, or was taken for it. */
static bool hold_in_paste(struct keys *k, char byte, struct key *out)
{
    k->held[k->size++] = byte;
    if (str_equal(held(k), mark_end)) {
        k->pasting = false;
        return give(k, KEY_PASTE_END, 0, out);
    }
    if (str_starts_with(mark_end, held(k)))
        return false;
    return give(k, KEY_PASTED, 0, out);
}

static bool next_pasted(struct keys *k, struct str *in, uint64_t now_ms, struct key *out)
{
    k->pasted_ms = now_ms;
    size_t plain = k->size == 0 ? pasted_size(*in) : 0;
    if (plain > 0) {
        struct str bytes = str_from(in->data, plain);
        *in = str_skip(*in, plain);
        return give_pasted(bytes, out);
    }
    /* An ESC that is no end mark may be the start of one. */
    if (k->size > 0 && in->data[0] == ESCAPE)
        return give(k, KEY_PASTED, 0, out);
    char byte = in->data[0];
    *in = str_skip(*in, 1);
    return hold_in_paste(k, byte, out);
}

unsigned keys_patience(const struct keys *k, uint64_t now_ms)
{
    if (!k->pasting)
        return 0;
    uint64_t passed = now_ms - k->pasted_ms;
    return passed < KEYS_PASTE_MS ? (unsigned)(KEYS_PASTE_MS - passed) : 1;
}

bool keys_expired(struct keys *k, uint64_t now_ms)
{
    if (!k->pasting || now_ms - k->pasted_ms < KEYS_PASTE_MS)
        return false;
    k->pasting = false;
    k->size = 0;
    k->whole = false;
    return true;
}

/* ---- escape sequences ---------------------------------------------------------------------- */

static bool is_final(char c)
{
    return c >= 0x40 && c <= 0x7e;
}

/* Whether `held`, which starts with ESC, is a whole sequence. Behind ESC [ come parameters and then
 * a letter or the like, behind ESC O one character. ESC [ [ A is F1 on a Linux console. */
static bool is_whole_sequence(const struct keys *k)
{
    if (k->size < 2)
        return false;
    char last = k->held[k->size - 1];
    if (k->held[1] == '[')
        return k->size > 2 && is_final(last) && !(k->size == 3 && last == '[');
    if (k->held[1] == 'O')
        return k->size > 2;
    return true;
}

static bool give_sequence(struct keys *k, uint64_t now_ms, struct key *out)
{
    if (str_equal(held(k), mark_begin)) {
        k->pasting = true;
        k->pasted_ms = now_ms;
        k->size = 0;
        return false;
    }
    if (str_equal(held(k), STR("\x1b[I")))
        return give(k, KEY_FOCUS, 0, out);
    if (str_equal(held(k), STR("\x1b[O")))
        return give(k, KEY_BLUR, 0, out);
    return give(k, KEY_SEQUENCE, (unsigned char)k->held[k->size - 1], out);
}

/* ---- characters ---------------------------------------------------------------------------- */

static bool give_control(struct keys *k, unsigned char c, struct key *out)
{
    return give(k, KEY_CONTROL, c == DELETE ? '?' : (uint32_t)(c + '@'), out);
}

static bool give_character(struct keys *k, struct key *out)
{
    ucs4_t c;
    int size = u8_mbtoucr(&c, (const uint8_t *)k->held, k->size);
    if (size == -2)
        return false;
    return give(k, KEY_TEXT, size > 0 ? c : REPLACEMENT, out);
}

/* True if `byte` cannot go on with what is held: that was ill-formed, or a sequence broken off. */
static bool breaks(const struct keys *k, unsigned char byte)
{
    if (k->size == 0)
        return false;
    if (k->held[0] == ESCAPE)
        return byte < 0x20 || byte >= 0x80;
    return byte < 0x80 || byte >= 0xc0;
}

/* What is held is given up. Half a character is an ill-formed one; half a sequence is nothing. */
static bool give_up(struct keys *k, struct key *out)
{
    if (k->held[0] != ESCAPE)
        return give(k, KEY_TEXT, REPLACEMENT, out);
    k->size = 0;
    return false;
}

static bool take_byte(struct keys *k, char byte, uint64_t now_ms, struct key *out)
{
    if (k->size == KEYS_HELD_MAX) {
        k->held[KEYS_HELD_MAX - 1] = byte; /* too long: only its end still matters */
        if (is_whole_sequence(k))
            k->size = 0;
        return false;
    }
    k->held[k->size++] = byte;
    if (k->held[0] == ESCAPE)
        return is_whole_sequence(k) && give_sequence(k, now_ms, out);
    unsigned char c = (unsigned char)k->held[0];
    if (c < 0x20 || c == DELETE)
        return give_control(k, c, out);
    return give_character(k, out);
}

bool keys_next(struct keys *k, struct str *in, uint64_t now_ms, struct key *out)
{
    if (k->whole) {
        k->whole = false;
        k->size = 0;
    }
    while (in->size > 0) {
        if (k->pasting) {
            if (next_pasted(k, in, now_ms, out))
                return true;
            continue;
        }
        char byte = in->data[0];
        if (breaks(k, (unsigned char)byte) && give_up(k, out))
            return true;
        *in = str_skip(*in, 1);
        if (take_byte(k, byte, now_ms, out))
            return true;
    }
    return false;
}
