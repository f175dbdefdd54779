/*
 * Bytes put together, and what is left of them when memory runs out.
 */
#include "buffer.h"
#include "unit.h"

static void it_grows(void **state)
{
    (void)state;
    struct buffer b = {0};
    assert_str(buffer_str(&b), STR(""));
    for (int i = 0; i < 1000; i++)
        buffer_add_literal(&b, "0123456789");
    assert_int_equal(b.size, 10000);
    assert_memory_equal(b.data + 9990, "0123456789", 10);
    buffer_clear(&b);
    assert_str(buffer_str(&b), STR(""));
    buffer_fini(&b);
    assert_null(b.data);
}

static void it_takes_what_comes(void **state)
{
    (void)state;
    struct buffer b = {0};
    buffer_add(&b, (struct str){NULL, 0});
    buffer_add_char(&b, 'a');
    buffer_add_times(&b, 'b', 3);
    buffer_add_times(&b, 'c', 0);
    buffer_printf(&b, "<%d>", 42);
    assert_str(buffer_str(&b), STR("abbb<42>"));
    buffer_drop(&b, 4);
    assert_str(buffer_str(&b), STR("<42>"));
    buffer_drop(&b, 4);
    assert_str(buffer_str(&b), STR(""));
    buffer_printf(&b, "%0300d", 1);
    assert_int_equal(b.size, 255);
    buffer_fini(&b);
}

static void without_memory_it_stops(void **state)
{
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct buffer b = {0};
        for (int i = 0; i < 100; i++)
            buffer_add_literal(&b, "a line\n");
        assert_int_equal(b.failed, unit_alloc_failed());
        assert_true(b.failed ? b.size < 700 && b.size % 7 == 0 : b.size == 700);
        unit_alloc_fail_at(-1);
        buffer_add_literal(&b, "more\n");
        assert_true(!b.failed || b.size % 7 == 0);
        buffer_clear(&b);
        buffer_add_literal(&b, "anew");
        assert_str(buffer_str(&b), STR("anew"));
        buffer_fini(&b);
    }
    unit_alloc_fail_at(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows),
        cmocka_unit_test(it_takes_what_comes),
        cmocka_unit_test(without_memory_it_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
