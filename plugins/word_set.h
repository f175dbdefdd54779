/*
 * A compiled set of words to find in text, and to mask there. Pure: no Lua.
 *
 * Glossary
 *   word    letters, digits and their marks, as long as they last; whole words only are found:
 *           with "ham" in the set, "Ham!" is a hit and "hamster" is none. A character of a script
 *           written without spaces (ideographs, Hiragana, Thai ...) is a word by itself, and so is
 *           an emoji, with all that makes it up.
 *   entry   what is in the list: a word, or a phrase of several. What stands between the words of
 *           a phrase, in the entry and in the text, makes no difference: "buy now" finds
 *           "Buy, now", "don't" finds "don t". In scripts without spaces, so, an entry is found
 *           wherever its characters follow one another. An entry starts and ends with a word.
 *   fold    how words are compared: see word_glyph.h. "straße" finds "STRASSE", "ＳＴＲＡßＥ" ...
 *
 * Finding looks each word of the text up in a hash table, so that its time does not depend on how
 * many entries there are; it allocates nothing. A set keeps what it learned about characters: one
 * thread at a time may use it.
 */
#ifndef CHATROOM_WORD_SET_H
#define CHATROOM_WORD_SET_H

#include "str.h"

enum {
    WORD_SET_ENTRIES_MAX = 100000,
    WORD_SET_ENTRY_MAX = 256,      /* bytes of an entry, as written and folded */
    WORD_SET_PHRASE_MAX = 32,      /* words of an entry */
    WORD_SET_BYTES_MAX = 32 << 20, /* all entries, folded, and their beginnings */
};

struct word_set;

struct word_hit {
    size_t offset; /* bytes */
    size_t size;
    size_t index;     /* of the entry in the list; of equal ones, the first */
    struct str entry; /* as written in the list; valid as long as the set */
};

/*
 * Compiles `count` entries, in UTF-8; they are copied. 0 and *out; -ENOMEM; -EINVAL, with a
 * sentence in `why` that names the entry and says what is wrong with it. An empty list is a set
 * that finds nothing.
 */
int word_set_new(struct word_set **out, const struct str *entries, size_t count, char *why,
                 size_t why_size);
void word_set_free(struct word_set *set);

/* Bytes of memory it uses. */
size_t word_set_memory(const struct word_set *set);

/*
 * The first hit in `text`, the longest of those that begin there; false if there is none. To find
 * the next, go on with the text behind it: a hit ends where a word does. Text that is no UTF-8 is
 * taken as if U+FFFD stood there.
 */
bool word_set_find(struct word_set *set, struct str text, struct word_hit *hit);

/*
 * `text` with all hits masked: one '*' for each character that readers see as one (a grapheme
 * cluster) of the words; what stands between the words of a phrase is left, and what is not seen
 * goes. Returns `text` itself if there are no hits; otherwise the result stands in `out`, which has
 * room for text.size bytes. *hits is how many there were; `hits` may be NULL.
 */
struct str word_set_mask(struct word_set *set, struct str text, char *out, size_t *hits);

#endif
