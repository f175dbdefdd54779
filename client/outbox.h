/*
 * What is still to be sent to the hub: bytes in, bytes out, in order. Pure. It grows to what it is
 * given; its owner bounds it by not reading the keyboard while something is left in it.
 */
#ifndef CHATROOM_OUTBOX_H
#define CHATROOM_OUTBOX_H

#include "str.h"

/* Embedded in its owner; all zero is an empty one. */
struct outbox {
    char *data;
    size_t size;     /* bytes to send */
    size_t capacity; /* bytes allocated */
};

void outbox_fini(struct outbox *box);

/* Appends a copy of `bytes`. Returns 0 or -ENOMEM. */
int outbox_append(struct outbox *box, struct str bytes);

/* Forgets the first `n` bytes, n <= box->size: they were sent. */
void outbox_drop(struct outbox *box, size_t n);

#endif
