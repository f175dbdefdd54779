/*
 * A growing array whose content moves to the front when a part was sent. Parts are sent in large
 * pieces (a send falls short only where the socket is full), so moving is rare.
 */
#include "outbox.h"

#include <errno.h>
#include <stdlib.h>

enum {
    CAPACITY_MIN = 4096,
};

void outbox_fini(struct outbox *box)
{
    free(box->data);
    *box = (struct outbox){0};
}

int outbox_append(struct outbox *box, struct str bytes)
{
    size_t capacity = box->capacity ? box->capacity : CAPACITY_MIN;
    while (capacity - box->size < bytes.size)
        capacity *= 2;
    if (capacity > box->capacity) {
        char *data = realloc(box->data, capacity);
        if (!data)
            return -ENOMEM;
        box->data = data;
        box->capacity = capacity;
    }
    memcpy(box->data + box->size, bytes.data, bytes.size);
    box->size += bytes.size;
    return 0;
}

void outbox_drop(struct outbox *box, size_t n)
{
    box->size -= n;
    if (n > 0 && box->size > 0)
        memmove(box->data, box->data + n, box->size);
}
