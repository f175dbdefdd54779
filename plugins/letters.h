/*
 * The letters of a text, of all alphabets: how many there are, how many are capitals, the text in
 * small ones, and what is left of it when people would say that it is the same. Pure; no
 * allocation.
 *
 * Glossary
 *   letter    here only those of alphabets that have capitals and small letters: no ideographs
 *   gist      letters, digits, ideographs, emoji, marks; large and small ones alike. Spaces,
 *             punctuation and what is not seen are no part of it
 *
 * Text that is no UTF-8 is taken as if U+FFFD stood there.
 */
#ifndef CHATROOM_LETTERS_H
#define CHATROOM_LETTERS_H

#include "str.h"

#include <stdint.h>

struct letters_count {
    size_t letters;
    size_t capitals; /* of them */
};

struct letters_count letters_count(struct str text);

/* Room for what letters_lower() makes of `size` bytes: a few capitals have two bytes, and their
 * small letters three. */
#define LETTERS_LOWER_MAX(size) ((size) + (size) / 2)

/* Writes `text` in small letters to `out`; returns how many bytes. Character by character: "ẞ" is
 * "ß", and a sigma at the end of a word is as the others. */
size_t letters_lower(struct str text, char *out);

/* A number for the gist of `text`, the same for the same `seed`: false if there is none, as in
 * "?!". */
bool letters_gist(struct str text, uint64_t seed, uint64_t *gist);

#endif
