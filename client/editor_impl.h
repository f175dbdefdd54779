/*
 * What editor.c (the line) and editor_search.c (Ctrl-R) share. Nobody else includes this.
 */
#ifndef CHATROOM_EDITOR_IMPL_H
#define CHATROOM_EDITOR_IMPL_H

#include "buffer.h"
#include "editor.h"

#include <histedit.h>
#include <stdio.h>

struct search {
    bool active;
    bool failed;
    struct buffer word;
    size_t at;            /* the line of the history that is shown, 1 is the last; 0: none yet */
    struct buffer before; /* the line when the search began */
    size_t before_cursor;
};

struct editor {
    EditLine *el;
    HistoryW *history;
    FILE *nowhere; /* where libedit draws */

    const struct key *key; /* for libedit to read, or NULL; `key_at` bytes of it are read */
    size_t key_at;
    bool starved; /* libedit wanted more than the key */

    struct buffer text; /* the line in UTF-8, if `text_valid` */
    size_t cursor;
    bool text_valid;
    struct search search;
};

/* The line becomes `text`, with the cursor at its byte `cursor`. */
void editor_set(struct editor *e, struct str text, size_t cursor);

/* Appends wide characters as UTF-8. */
void editor_add_wide(struct buffer *out, const wchar_t *text, size_t size);

void search_fini(struct search *s);

/* Ctrl-R or Ctrl-S while no search is on. */
void search_begin(struct editor *e);

/* A key during a search. True if the search has dealt with it; otherwise it is over, and the key is
 * for the line that was found. */
bool search_key(struct editor *e, const struct key *key);

/* It is over; what was found is the line. */
void search_accept(struct editor *e);

#endif
