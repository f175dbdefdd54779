/* A binary min-heap, as in any textbook. */
#include "timer_heap.h"

#include <errno.h>
#include <stdlib.h>

static void swap(struct timer *a, struct timer *b)
{
    struct timer t = *a;
    *a = *b;
    *b = t;
}

static void sift_up(struct timer_heap *heap, size_t i)
{
    struct timer *items = heap->items;
    for (; i > 0 && items[i].due < items[(i - 1) / 2].due; i = (i - 1) / 2)
        swap(&items[i], &items[(i - 1) / 2]);
}

static void sift_down(struct timer_heap *heap, size_t i)
{
    struct timer *items = heap->items;
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap->count; child++) {
            if (items[child].due < items[least].due)
                least = child;
        }
        if (least == i)
            return;
        swap(&items[i], &items[least]);
        i = least;
    }
}

static void remove_at(struct timer_heap *heap, size_t i)
{
    heap->items[i] = heap->items[--heap->count];
    if (i < heap->count) {
        sift_up(heap, i);
        sift_down(heap, i);
    }
}

int timer_heap_reserve(struct timer_heap *heap, size_t size)
{
    if (size <= heap->size)
        return 0;
    struct timer *items = realloc(heap->items, size * sizeof *items);
    if (!items)
        return -ENOMEM;
    heap->items = items;
    heap->size = size;
    return 0;
}

void timer_heap_fini(struct timer_heap *heap)
{
    free(heap->items);
    *heap = (struct timer_heap){0};
}

int timer_heap_set(struct timer_heap *heap, uint64_t id, uint64_t due)
{
    timer_heap_remove(heap, id);
    if (heap->count == heap->size && timer_heap_reserve(heap, heap->size ? heap->size * 2 : 8) < 0)
        return -ENOMEM;
    heap->items[heap->count] = (struct timer){due, id};
    sift_up(heap, heap->count++);
    return 0;
}

void timer_heap_remove(struct timer_heap *heap, uint64_t id)
{
    for (size_t i = 0; i < heap->count; i++) {
        if (heap->items[i].id == id) {
            remove_at(heap, i);
            return;
        }
    }
}

bool timer_heap_pop(struct timer_heap *heap, uint64_t now, struct timer *out)
{
    if (heap->count == 0 || heap->items[0].due > now)
        return false;
    *out = heap->items[0];
    remove_at(heap, 0);
    return true;
}
