/* The heap against a plain list. */
#include "timer_heap.h"
#include "unit.h"

#include <errno.h>

static void timers_come_out_by_due_time(void **state)
{
    struct timer_heap heap = {0};
    struct timer t;
    (void)state;
    assert_false(timer_heap_pop(&heap, UINT64_MAX, &t));
    assert_int_equal(timer_heap_set(&heap, 1, 30), 0);
    assert_int_equal(timer_heap_set(&heap, 2, 10), 0);
    assert_int_equal(timer_heap_set(&heap, 3, 20), 0);
    assert_false(timer_heap_pop(&heap, 9, &t));
    assert_true(timer_heap_pop(&heap, 10, &t));
    assert_int_equal(t.id, 2);
    assert_int_equal(t.due, 10);
    assert_false(timer_heap_pop(&heap, 19, &t));
    assert_true(timer_heap_pop(&heap, UINT64_MAX, &t));
    assert_int_equal(t.id, 3);
    assert_true(timer_heap_pop(&heap, UINT64_MAX, &t));
    assert_int_equal(t.id, 1);
    assert_false(timer_heap_pop(&heap, UINT64_MAX, &t));
    timer_heap_fini(&heap);
}

static void setting_a_timer_again_moves_it(void **state)
{
    struct timer_heap heap = {0};
    struct timer t;
    (void)state;
    assert_int_equal(timer_heap_set(&heap, 1, 10), 0);
    assert_int_equal(timer_heap_set(&heap, 2, 20), 0);
    assert_int_equal(timer_heap_set(&heap, 1, 30), 0);
    assert_int_equal(heap.count, 2);
    assert_true(timer_heap_pop(&heap, 30, &t));
    assert_int_equal(t.id, 2);
    assert_true(timer_heap_pop(&heap, 30, &t));
    assert_int_equal(t.id, 1);
    assert_int_equal(t.due, 30);
    timer_heap_fini(&heap);
}

static void removing_what_is_not_there_does_nothing(void **state)
{
    struct timer_heap heap = {0};
    (void)state;
    timer_heap_remove(&heap, 1);
    assert_int_equal(timer_heap_set(&heap, 1, 10), 0);
    timer_heap_remove(&heap, 2);
    assert_int_equal(heap.count, 1);
    timer_heap_remove(&heap, 1);
    timer_heap_remove(&heap, 1);
    assert_int_equal(heap.count, 0);
    timer_heap_fini(&heap);
    assert_null(heap.items);
}

/* ---- the model: due time by id -------------------------------------------------------------- */

enum { IDS = 40, UNSET = 1000 };

static uint64_t earliest(const uint64_t due[IDS])
{
    uint64_t least = UNSET;
    for (int id = 0; id < IDS; id++)
        least = due[id] < least ? due[id] : least;
    return least;
}

static void assert_pops_as(struct timer_heap *heap, uint64_t due[IDS], uint64_t now)
{
    struct timer t;
    uint64_t expected = earliest(due);
    bool popped = timer_heap_pop(heap, now, &t);
    assert_int_equal(popped, expected != UNSET && expected <= now);
    if (!popped)
        return;
    assert_int_equal(t.due, expected); /* of those due at once, any */
    assert_int_equal(due[t.id], expected);
    due[t.id] = UNSET;
}

static void the_heap_agrees_with_a_list(void **state)
{
    struct unit_random r = {5};
    struct timer_heap heap = {0};
    uint64_t due[IDS];
    (void)state;
    for (int id = 0; id < IDS; id++)
        due[id] = UNSET;
    for (int step = 0; step < 200000; step++) {
        uint64_t id = unit_below(&r, IDS);
        switch (unit_below(&r, 4)) {
        case 0:
        case 1:
            due[id] = unit_below(&r, 100);
            assert_int_equal(timer_heap_set(&heap, id, due[id]), 0);
            break;
        case 2:
            due[id] = UNSET;
            timer_heap_remove(&heap, id);
            break;
        default:
            assert_pops_as(&heap, due, unit_below(&r, 100));
        }
    }
    while (earliest(due) != UNSET)
        assert_pops_as(&heap, due, UNSET);
    assert_int_equal(heap.count, 0);
    timer_heap_fini(&heap);
}

/* A timer that was there is there still: moving needs no memory. */
static void without_memory_nothing_changes(void **state)
{
    struct timer_heap heap = {0};
    struct timer t;
    uint64_t id = 0;
    (void)state;
    for (int round = 0; round < 3; round++) {
        while (heap.count < heap.size || heap.size == 0) {
            assert_int_equal(timer_heap_set(&heap, id, 1000 - id), 0);
            id++;
        }
        unit_alloc_fail_at(0);
        assert_int_equal(timer_heap_set(&heap, id, 1), -ENOMEM);
        assert_true(unit_alloc_failed());
        unit_alloc_fail_at(0);
        assert_int_equal(timer_heap_set(&heap, 0, 1000), 0);
        unit_alloc_fail_at(-1);
        assert_int_equal(timer_heap_set(&heap, id, 1000 - id), 0);
        id++;
    }
    while (id-- > 0) {
        assert_true(timer_heap_pop(&heap, UINT64_MAX, &t));
        assert_int_equal(t.id, id);
    }
    timer_heap_fini(&heap);
}

static void what_was_reserved_needs_no_memory(void **state)
{
    enum { ROOM = 18 };
    struct timer_heap heap = {0};
    (void)state;
    unit_alloc_fail_at(0);
    assert_int_equal(timer_heap_reserve(&heap, ROOM), -ENOMEM);
    unit_alloc_fail_at(-1);
    assert_int_equal(timer_heap_reserve(&heap, ROOM), 0);
    unit_alloc_fail_at(0);
    for (uint64_t id = 0; id < ROOM; id++)
        assert_int_equal(timer_heap_set(&heap, id, 1000 - id), 0);
    assert_int_equal(timer_heap_reserve(&heap, 1), 0);
    assert_false(unit_alloc_failed());
    assert_int_equal(timer_heap_set(&heap, ROOM, 1), -ENOMEM);
    unit_alloc_fail_at(-1);
    timer_heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_come_out_by_due_time),
        cmocka_unit_test(setting_a_timer_again_moves_it),
        cmocka_unit_test(removing_what_is_not_there_does_nothing),
        cmocka_unit_test(the_heap_agrees_with_a_list),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(what_was_reserved_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
