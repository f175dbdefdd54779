/*
 * Text, 64 bytes at a time: where words of ASCII are in it, and where it is not ASCII, as bit sets,
 * bit i for byte i. So it is known without a branch for each character. Pure; inlined.
 */
#ifndef CHATROOM_ASCII_BLOCK_H
#define CHATROOM_ASCII_BLOCK_H

#include "str.h"

#include <endian.h>
#include <stdint.h>

enum { ASCII_BLOCK = 64 };

struct ascii_block {
    uint64_t words; /* letters and digits */
    uint64_t wide;  /* bytes that are not ASCII */
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
    unsigned char words[ASCII_BLOCK];
    unsigned char wide[ASCII_BLOCK];
    for (unsigned i = 0; i < ASCII_BLOCK; i++) {
        bool letter = (unsigned char)((bytes[i] | 0x20) - 'a') < 26;
        bool digit = (unsigned char)(bytes[i] - '0') < 10;
        words[i] = letter | digit;
        wide[i] = bytes[i] >> 7;
    }
    return (struct ascii_block){.words = ascii_block_pack(words), .wide = ascii_block_pack(wide)};
}

/* The block at `at`; bytes behind the end of the text are neither. */
static inline struct ascii_block ascii_block_at(struct str text, size_t at)
{
    unsigned char rest[ASCII_BLOCK] = {0};
    if (text.size - at >= ASCII_BLOCK)
        return ascii_block_read((const unsigned char *)text.data + at);
    memcpy(rest, text.data + at, text.size - at);
    return ascii_block_read(rest);
}

/* How many bits from the lowest on are set. */
static inline size_t ascii_block_run(uint64_t bits)
{
    return ~bits ? (size_t)__builtin_ctzll(~bits) : ASCII_BLOCK;
}

#endif
