/*
 * Timers by due time: a binary min-heap. Pure. Finding a timer by its id is linear: this is for a
 * few dozen of them.
 */
#ifndef CHATROOM_TIMER_HEAP_H
#define CHATROOM_TIMER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    uint64_t due; /* in the caller's unit */
    uint64_t id;
};

/* Zeroed is empty. */
struct timer_heap {
    struct timer *items;
    size_t count;
    size_t size;
};

void timer_heap_fini(struct timer_heap *heap);

/* Makes room for `size` timers, at least 1. Returns 0 or -ENOMEM. */
int timer_heap_reserve(struct timer_heap *heap, size_t size);

/* Adds `id`, or moves it if it is there. Returns 0, or -ENOMEM if there was no room for it. */
int timer_heap_set(struct timer_heap *heap, uint64_t id, uint64_t due);

/* Removes `id` if it is there. */
void timer_heap_remove(struct timer_heap *heap, uint64_t id);

/* Removes the earliest timer that is due by `now` into *out; false if none is. */
bool timer_heap_pop(struct timer_heap *heap, uint64_t now, struct timer *out);

#endif
