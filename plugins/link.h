/*
 * Links in a text: what programs make one of, and the host it leads to. Pure; no allocation.
 *
 * Glossary
 *   link        SCHEME://..., www.... where a word begins, and name.domain/... there
 *   authority   what stands in front of the path: "ann@example.org:8080"
 *   host        the name in it, without what is put behind names: "example.org"
 */
#ifndef CHATROOM_LINK_H
#define CHATROOM_LINK_H

#include "str.h"

enum {
    LINK_HOST_MAX = 253,       /* bytes; no name is longer */
    LINK_AUTHORITY_MAX = 1024, /* bytes; an honest one has its host and a port */
};

enum link_fault {
    LINK_PLAIN,
    LINK_HIDDEN,   /* the host is behind a user name, in %-codes, or in too much */
    LINK_NAMELESS, /* there is no name, or it is too long */
};

struct link {
    enum link_fault fault;
    struct str host; /* as written; empty unless it is plain */
    size_t behind;   /* from where to look for the next one */
};

/*
 * The first link in `text` at or behind `from`; false if there is none. All of them together take a
 * time that is linear in the text, but for the LINK_AUTHORITY_MAX bytes looked at for each. A byte
 * that is not ASCII counts as a letter.
 */
bool link_next(struct str text, size_t from, struct link *link);

#endif
