/* Every byte at every place of a block, against what <ctype.h> says of it in the C locale. */
#include "ascii_block.h"
#include "unit.h"

#include <ctype.h>

static void every_byte_is_told_wherever_it_stands(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t i = 0; i < ASCII_BLOCK; i++) {
            unsigned char bytes[ASCII_BLOCK] = {0};
            uint64_t bit = UINT64_C(1) << i;
            bytes[i] = (unsigned char)c;
            struct ascii_block b = ascii_block_read(bytes);
            assert_int_equal(b.wide, c > 127 ? bit : 0);
            assert_int_equal(b.words, isalnum(c) ? bit : 0);
        }
    }
}

static void neighbours_do_not_disturb_each_other(void **state)
{
    unsigned char bytes[ASCII_BLOCK];
    (void)state;
    for (size_t i = 0; i < ASCII_BLOCK; i++)
        bytes[i] = (unsigned char)"a.0\xff"[i % 4];
    struct ascii_block b = ascii_block_read(bytes);
    assert_int_equal(b.words, 0x5555555555555555);
    assert_int_equal(b.wide, 0x8888888888888888);
}

static void behind_the_end_of_a_text_is_nothing(void **state)
{
    char text[100];
    (void)state;
    memset(text, 'A', sizeof text);
    for (size_t size = 0; size <= sizeof text; size++) {
        for (size_t at = 0; at <= size; at++) {
            size_t left = size - at;
            struct ascii_block b = ascii_block_at(str_from(text, size), at);
            assert_int_equal(b.words, left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX);
        }
    }
}

static void a_run_ends_at_the_first_bit_that_is_not_set(void **state)
{
    (void)state;
    assert_int_equal(ascii_block_run(0), 0);
    assert_int_equal(ascii_block_run(0x17), 3);
    assert_int_equal(ascii_block_run(UINT64_MAX >> 1), 63);
    assert_int_equal(ascii_block_run(UINT64_MAX), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_told_wherever_it_stands),
        cmocka_unit_test(neighbours_do_not_disturb_each_other),
        cmocka_unit_test(a_run_ends_at_the_first_bit_that_is_not_set),
        cmocka_unit_test(behind_the_end_of_a_text_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
