/*
 * Text as a terminal shows it: character by character, with the columns each one takes. Pure: the
 * widths are Unicode's (libunistring), not the locale's.
 */
#ifndef CHATROOM_GLYPH_H
#define CHATROOM_GLYPH_H

#include "buffer.h"

#include <stdint.h>

struct glyph {
    struct str bytes; /* of the text it was taken from */
    uint32_t code;    /* U+FFFD for what is not well-formed */
    unsigned columns; /* 0 (combining), 1 or 2; 2 for a control character, shown as ^X */
};

/* Takes the first character off *text. False at the end. */
bool glyph_take(struct str *text, struct glyph *out);

/* The columns of a text. */
size_t glyph_columns(struct str text);

/* The size of the longest start of `text` of at most `columns` columns, and how many those are.
 * What combines with the last character goes with it. */
size_t glyph_fit(struct str text, size_t columns, size_t *used);

/*
 * Appends `text` so that it does nothing to a terminal but take glyph_columns() columns: control
 * characters become ^X, ill-formed bytes U+FFFD, and what turns the direction of text or breaks the
 * line is left out.
 * Without `utf8` whatever is not ASCII becomes one or two '?', or nothing, as wide as it was.
 */
void glyph_add(struct buffer *out, struct str text, bool utf8);

#endif
