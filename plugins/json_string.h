/*
 * A text as a JSON string (RFC 8259) in plain ASCII, for places that take no more, as logs do.
 * Pure; no allocation.
 */
#ifndef CHATROOM_JSON_STRING_H
#define CHATROOM_JSON_STRING_H

#include "str.h"

/* Room for what json_string_write() makes of `size` bytes: each may become "\u0001", and quotes and
 * dots are around them. */
#define JSON_STRING_MAX(size) (6 * (size) + 5)

/*
 * Writes `text`, UTF-8, in its quotes; returns how many bytes. Where it would take more than `most`
 * bytes between the quotes, it is cut between characters and ends in "..." besides. What is not
 * ASCII becomes \uXXXX, beyond U+FFFF two of them; what is no UTF-8 becomes U+FFFD.
 */
size_t json_string_write(struct str text, size_t most, char *out);

#endif
