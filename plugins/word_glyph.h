/*
 * What a character is to a word set: which part it takes in a word, and what it folds to, so that
 * two spellings of a word that readers take for the same become the same bytes. Pure.
 *
 * Folding is Unicode's compatibility caseless matching (D146 of the standard): full case folding,
 * and compatibility decomposition, so that "STRASSE" is "straße", "ΣΑΣ" is "σας", and full-width,
 * circled and mathematical letters are those they stand for. Accents count: "schon" is not "schön".
 * Besides,
 *
 *   - what is not seen goes (Default_Ignorable_Code_Point: joiners, soft hyphens, variation
 *     selectors), and so do the skin tones of emoji;
 *   - a dot above an i goes, for the i has one: "İ" is "i". Otherwise there is one folding for all
 *     languages, so "I" is "i" in Turkish text too, and "ı" is a letter of its own: "SIK" meets the
 *     word "sik", and never "sık". A list that is to find the capitals of "sıkı" has "siki" as
 *     well; making them one would put harmless words into every list.
 */
#ifndef CHATROOM_WORD_GLYPH_H
#define CHATROOM_WORD_GLYPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum word_glyph_kind {
    WORD_GLYPH_SEPARATOR, /* spaces, punctuation, '_' */
    WORD_GLYPH_LETTER,    /* of a word: letters, digits, Katakana ... */
    WORD_GLYPH_MARK,      /* belongs to the character before it */
    WORD_GLYPH_ALONE,     /* a word by itself: ideographs, Hiragana, Thai ..., emoji */
    WORD_GLYPH_IGNORED,   /* nothing, wherever it stands */
};

/* U+FDFA, the longest, folds to 33 bytes. */
enum { WORD_GLYPH_FOLDED_MAX = 33 };

struct word_glyph {
    uint32_t code; /* the character */
    uint8_t kind;
    bool ordered; /* a mark that Unicode gives a place among the marks of a letter */
    uint8_t size;
    char folded[WORD_GLYPH_FOLDED_MAX]; /* UTF-8, decomposed; nothing for separators and the ignored
                                         */
};

/* Finds out about the character `code`. About a microsecond: keep it. No allocation. */
void word_glyph_make(struct word_glyph *g, uint32_t code);

#endif
