/*
 * ASCII text, 64 bytes at a time: what is in it as bit sets, bit i for byte i. What most texts are
 * is so known without a branch for each character. Pure; inlined, so that only what is asked for is
 * computed.
 */
#ifndef CHATROOM_ASCII_BLOCK_H
#define CHATROOM_ASCII_BLOCK_H

#include "str.h"

#include <endian.h>
#include <stdint.h>

enum { ASCII_BLOCK = 64 };

struct ascii_block {
    uint64_t wide; /* bytes that are not ASCII */
    uint64_t letters;
    uint64_t capitals;
    uint64_t digits;
};

/* Bytes of 0 and 1, as bits. */
static inline uint64_t ascii_block_pack(const unsigned char flags[ASCII_BLOCK])
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < ASCII_BLOCK; i += 8) {
        uint64_t eight;
        memcpy(&eight, flags + i, sizeof eight);
        bits |= (le64toh(eight) * UINT64_C(0x0102040810204080) >> 56) << i;
    }
    return bits;
}

static inline struct ascii_block ascii_block_read(const unsigned char bytes[ASCII_BLOCK])
{
    unsigned char wide[ASCII_BLOCK];
    unsigned char letters[ASCII_BLOCK];
    unsigned char capitals[ASCII_BLOCK];
    unsigned char digits[ASCII_BLOCK];
    for (unsigned i = 0; i < ASCII_BLOCK; i++) {
        wide[i] = bytes[i] >> 7;
        letters[i] = (unsigned char)((bytes[i] | 0x20) - 'a') < 26;
        capitals[i] = (unsigned char)(bytes[i] - 'A') < 26;
        digits[i] = (unsigned char)(bytes[i] - '0') < 10;
    }
    return (struct ascii_block){
        .wide = ascii_block_pack(wide),
        .letters = ascii_block_pack(letters),
        .capitals = ascii_block_pack(capitals),
        .digits = ascii_block_pack(digits),
    };
}

/* The block at `at`; bytes behind the end of the text are none of these. */
static inline struct ascii_block ascii_block_at(struct str text, size_t at)
{
    unsigned char rest[ASCII_BLOCK] = {0};
    if (text.size - at >= ASCII_BLOCK)
        return ascii_block_read((const unsigned char *)text.data + at);
    memcpy(rest, text.data + at, text.size - at);
    return ascii_block_read(rest);
}

#endif
