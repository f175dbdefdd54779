/*
 * Lines out of bytes: whatever the pieces in which a stream arrives, the lines are the same.
 * The streams are written down as a tape: "[line]" for each line, "!" for one that was too long,
 * "$[line]" for what stood before the end without a newline.
 */
#include "frame.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX = 8, TAPE_SIZE = 8192 };

struct tape {
    char data[TAPE_SIZE];
    size_t size;
};

static void tape_add(struct tape *t, struct str s)
{
    assert_true(t->size + s.size <= sizeof t->data);
    if (s.size > 0)
        memcpy(t->data + t->size, s.data, s.size);
    t->size += s.size;
}

static void tape_line(struct tape *t, const char *open, struct str line)
{
    tape_add(t, str_of(open));
    tape_add(t, line);
    tape_add(t, STR("]"));
}

static void tape_result(struct tape *t, enum frame_result result, struct str line)
{
    assert_int_not_equal(result, FRAME_NOMEM);
    if (result == FRAME_LINE)
        tape_line(t, "[", line);
    else if (result == FRAME_TOO_LONG)
        tape_add(t, STR("!"));
}

/* ---- what it should be, written down as plainly as can be ----------------------------------- */

static struct str without_cr(struct str s)
{
    bool cr = s.size > 0 && s.data[s.size - 1] == '\r';
    return str_from(s.data, s.size - cr);
}

static void tape_expected(struct tape *t, struct str in, size_t max)
{
    const char *newline;
    while (in.size > 0 && (newline = memchr(in.data, '\n', in.size))) {
        size_t size = (size_t)(newline - in.data);
        struct str line = without_cr(str_from(in.data, size));
        tape_result(t, line.size > max ? FRAME_TOO_LONG : FRAME_LINE, line);
        in = str_skip(in, size + 1);
    }
    struct str last = without_cr(in);
    if (last.size > max)
        tape_add(t, STR("!"));
    else if (last.size > 0)
        tape_line(t, "$[", last);
}

/* ---- what it is ----------------------------------------------------------------------------- */

/* An own copy of exactly those bytes: whoever reads beyond them is caught. */
static char *copy_of(struct str s)
{
    char *copy = malloc(s.size + (s.size == 0));
    assert_non_null(copy);
    if (s.size > 0)
        memcpy(copy, s.data, s.size);
    return copy;
}

static void feed(struct frame *f, struct str chunk, size_t max, struct tape *t)
{
    char *copy = copy_of(chunk);
    struct str in = {copy, chunk.size};
    enum frame_result result;
    do {
        struct str line = {0};
        result = frame_next(f, &in, max, &line);
        tape_result(t, result, line);
    } while (result != FRAME_MORE);
    assert_int_equal(in.size, 0);
    frame_trim(f);
    free(copy);
}

static void finish(struct frame *f, struct tape *t)
{
    struct str line;
    if (frame_end(f, &line))
        tape_line(t, "$[", line);
    frame_fini(f);
}

static void assert_tape(const struct tape *actual, const struct tape *expected)
{
    assert_str(str_from(actual->data, actual->size), str_from(expected->data, expected->size));
}

static void assert_split_at(struct str in, size_t a, size_t b, const struct tape *expected)
{
    struct frame f = {0};
    struct tape actual = {0};
    feed(&f, str_from(in.data, a), MAX, &actual);
    feed(&f, str_from(in.data + a, b - a), MAX, &actual);
    feed(&f, str_from(in.data + b, in.size - b), MAX, &actual);
    finish(&f, &actual);
    assert_tape(&actual, expected);
}

static const struct {
    struct str in;
    const char *tape;
} streams[] = {
    {{"", 0}, ""},
    {{"\n", 1}, "[]"},
    {{"\r\n", 2}, "[]"},
    {{"hi\n", 3}, "[hi]"},
    {{"hi\r\n", 4}, "[hi]"},
    {{"hi", 2}, "$[hi]"},
    {{"hi\r", 3}, "$[hi]"},
    {{"\r", 1}, ""},
    {{"a\nb\r\nc\n\nd", 9}, "[a][b][c][]$[d]"},
    {{"a\rb\n", 4}, "[a\rb]"},
    {{"a\r\r\n", 4}, "[a\r]"},
    {{"\0\x1b\x07\n", 4}, NULL}, /* nothing but the newline means anything here */
    {{"\xff\xfe\x80\n", 4}, "[\xff\xfe\x80]"},
    {{"12345678\n", 9}, "[12345678]"},
    {{"12345678\r\n", 10}, "[12345678]"},
    {{"12345678", 8}, "$[12345678]"},
    {{"12345678\r", 9}, "$[12345678]"},
    {{"123456789\n", 10}, "!"},
    {{"123456789\r\n", 11}, "!"},
    {{"123456789", 9}, "!"},
    {{"123456789\r", 10}, "!"},
    {{"12345678\r9\n", 11}, "!"},
    {{"12345678\rx", 10}, "!"},
    {{"1234567890123456789012345\nok\n", 29}, "![ok]"},
    {{"123456789\n123456789\na\n123456789", 31}, "!![a]!"},
};

static void every_split_of_a_stream_gives_the_same_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        struct str in = streams[i].in;
        struct tape expected = {0};
        tape_expected(&expected, in, MAX);
        if (streams[i].tape)
            assert_str(str_from(expected.data, expected.size), str_of(streams[i].tape));
        for (size_t a = 0; a <= in.size; a++) {
            for (size_t b = a; b <= in.size; b++)
                assert_split_at(in, a, b, &expected);
        }
    }
}

static void bytes_may_come_one_at_a_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        struct frame f = {0};
        struct tape expected = {0};
        struct tape actual = {0};
        tape_expected(&expected, streams[i].in, MAX);
        for (size_t at = 0; at < streams[i].in.size; at++)
            feed(&f, str_from(streams[i].in.data + at, 1), MAX, &actual);
        finish(&f, &actual);
        assert_tape(&actual, &expected);
    }
}

/* Lines out of `in`, which was lent, until it is used up; now and then one is put back, all the
 * rest is kept, and it goes on with that. */
static void feed_pausing(struct frame *f, struct frame_loan loan, struct str in,
                         struct unit_random *r, struct tape *t)
{
    enum frame_result result;
    do {
        struct str line = {0};
        result = frame_next(f, &in, MAX, &line);
        if (result != FRAME_LINE || unit_below(r, 3) > 0) {
            tape_result(t, result, line);
            continue;
        }
        assert_int_equal(frame_unget(f, &in, line), 0);
        assert_int_equal(frame_return(f, &loan, in), 0);
        in = frame_lend(f, &loan);
        assert_null(f->kept);
    } while (result != FRAME_MORE);
    assert_int_equal(frame_return(f, &loan, in), 0);
}

static void feed_piece(struct frame *f, struct str piece, struct unit_random *r, struct tape *t)
{
    struct frame_loan loan = {copy_of(piece), (uint32_t)piece.size};
    feed_pausing(f, loan, str_from(loan.memory, piece.size), r, t);
}

/* Sometimes only a line of it for now. True if nothing waits any more. */
static bool resume(struct frame *f, struct unit_random *r, struct tape *t)
{
    struct frame_loan loan;
    struct str held = frame_lend(f, &loan);
    struct str line = {0};
    if (unit_below(r, 2) > 0) {
        feed_pausing(f, loan, held, r, t);
        return true;
    }
    tape_result(t, frame_next(f, &held, MAX, &line), line);
    assert_int_equal(frame_return(f, &loan, held), 0);
    return held.size == 0;
}

/* A stream in pieces; while the connection waits, they are held behind each other. */
static void feed_waiting(struct frame *f, struct str in, struct unit_random *r, struct tape *t)
{
    bool waits = false;
    while (in.size > 0) {
        size_t size = 1 + unit_below(r, 20);
        struct str piece = str_from(in.data, size < in.size ? size : in.size);
        in = str_skip(in, piece.size);
        waits = waits || unit_below(r, 4) == 0;
        if (waits)
            assert_int_equal(frame_hold(f, piece), 0);
        else
            feed_piece(f, piece, r, t);
        if (waits && unit_below(r, 3) == 0)
            waits = !resume(f, r, t);
    }
    while (!resume(f, r, t))
        ;
}

static void random_stream(struct unit_random *r, char *out, size_t size)
{
    static const char letters[] = "\n\n\r\rabcd\0x";
    for (size_t i = 0; i < size; i++)
        out[i] = letters[unit_below(r, sizeof letters - 1)];
}

static void lines_put_back_and_held_lose_nothing(void **state)
{
    struct unit_random r = {1};
    (void)state;
    for (int round = 0; round < 10000; round++) {
        char stream[100];
        struct frame f = {0};
        struct tape expected = {0};
        struct tape actual = {0};
        random_stream(&r, stream, sizeof stream);
        tape_expected(&expected, str_from(stream, sizeof stream), MAX);
        feed_waiting(&f, str_from(stream, sizeof stream), &r, &actual);
        finish(&f, &actual);
        assert_tape(&actual, &expected);
    }
}

static void a_line_that_came_whole_is_not_copied(void **state)
{
    struct frame f = {0};
    struct str in = STR("one\ntwo\r\nthree\n");
    const char *bytes = in.data;
    struct str line;
    size_t allocated = unit_alloc_count();
    (void)state;
    assert_int_equal(frame_next(&f, &in, MAX, &line), FRAME_LINE);
    assert_ptr_equal(line.data, bytes);
    assert_int_equal(frame_next(&f, &in, MAX, &line), FRAME_LINE);
    assert_ptr_equal(line.data, bytes + 4);
    assert_int_equal(frame_next(&f, &in, MAX, &line), FRAME_LINE);
    assert_int_equal(frame_next(&f, &in, MAX, &line), FRAME_MORE);
    assert_int_equal(unit_alloc_count(), allocated);
    assert_null(f.kept);
}

static void a_line_of_100_megabytes_keeps_memory_flat(void **state)
{
    enum { CHUNK = 64 << 10, CHUNKS = 1600, LONGEST = 8192 };
    char *chunk = malloc(CHUNK);
    struct frame f = {0};
    int too_long = 0;
    (void)state;
    assert_non_null(chunk);
    memset(chunk, 'a', CHUNK);
    for (int i = 0; i < CHUNKS; i++) {
        /* Small pieces first: that is how a buffer would grow. */
        struct str in = {chunk, i < 10 ? 1000 : CHUNK};
        struct str line;
        enum frame_result result;
        while ((result = frame_next(&f, &in, LONGEST, &line)) == FRAME_TOO_LONG)
            too_long++;
        assert_int_equal(result, FRAME_MORE);
        frame_trim(&f);
        assert_true(f.size <= (uint32_t)2 * LONGEST);
    }
    free(chunk);
    assert_int_equal(too_long, 1);
    assert_null(f.kept);

    struct tape t = {0};
    feed(&f, STR("aaa\nok\n"), LONGEST, &t);
    assert_str(str_from(t.data, t.size), STR("[ok]"));
    finish(&f, &t);
}

/* Whoever cleans it has a buffer for `max` bytes and not one more. */
static void what_stands_before_the_end_is_never_longer_than_a_line(void **state)
{
    (void)state;
    for (size_t size = 0; size < (size_t)3 * MAX; size++) {
        struct frame f = {0};
        struct str line;
        for (size_t i = 0; i < size; i++) {
            struct str in = STR("a");
            assert_int_not_equal(frame_next(&f, &in, MAX, &line), FRAME_LINE);
        }
        bool left = frame_end(&f, &line);
        assert_int_equal(left, size > 0 && size <= MAX);
        assert_true(!left || line.size == size);
        frame_fini(&f);
    }
}

static void the_rest_of_a_dropped_line_is_no_last_line(void **state)
{
    struct frame f = {0};
    struct tape t = {0};
    (void)state;
    feed(&f, STR("0123456789"), MAX, &t);
    feed(&f, STR("rest"), MAX, &t);
    finish(&f, &t);
    assert_str(str_from(t.data, t.size), STR("!"));
}

static void trimming_frees_an_empty_buffer_only(void **state)
{
    struct frame f = {0};
    struct tape t = {0};
    (void)state;
    frame_trim(&f);
    feed(&f, STR("par"), MAX, &t);
    assert_non_null(f.kept);
    feed(&f, STR("tial\n"), MAX, &t);
    assert_null(f.kept);
    assert_int_equal(f.size, 0);
    assert_str(str_from(t.data, t.size), STR("[partial]"));
}

static void holding_nothing_is_fine(void **state)
{
    struct frame f = {0};
    struct frame_loan loan;
    (void)state;
    assert_int_equal(frame_hold(&f, (struct str){0}), 0);
    assert_null(f.kept);
    struct str held = frame_lend(&f, &loan);
    assert_int_equal(held.size, 0);
    assert_int_equal(frame_return(&f, &loan, held), 0);
    assert_null(f.kept);
    struct tape t = {0};
    feed(&f, held, MAX, &t);
    finish(&f, &t);
    assert_int_equal(t.size, 0);
}

/* Or many lines that wait, taken one at a time, would take a time that grows with their square. */
static void what_is_lent_and_returned_is_not_copied(void **state)
{
    enum { SIZE = 60000, DONE = SIZE / 6 * 2 / 3 };
    static char lines[SIZE];
    struct frame f = {0};
    struct frame_loan loan;
    struct str line;
    (void)state;
    for (size_t i = 0; i < sizeof lines; i++)
        lines[i] = "abcde\n"[i % 6];
    assert_int_equal(frame_hold(&f, str_from(lines, sizeof lines)), 0);
    const char *memory = f.kept;
    unit_alloc_fail_at(0);
    for (size_t n = 0; n < DONE; n++) {
        struct str held = frame_lend(&f, &loan);
        assert_int_equal(frame_next(&f, &held, MAX, &line), FRAME_LINE);
        assert_ptr_equal(line.data, memory + 6 * n);
        if (n % 2 == 0) { /* as if it had to wait */
            assert_int_equal(frame_unget(&f, &held, line), 0);
            assert_int_equal(frame_next(&f, &held, MAX, &line), FRAME_LINE);
        }
        assert_int_equal(frame_return(&f, &loan, held), 0);
        assert_ptr_equal(f.kept, memory);
    }
    assert_int_equal(frame_hold(&f, str_from(lines, DONE * 6)), 0); /* in the room before */
    unit_alloc_fail_at(-1);
    struct str held = frame_lend(&f, &loan);
    assert_int_equal(held.size, sizeof lines);
    assert_memory_equal(held.data, lines, sizeof lines);
    assert_int_equal(frame_return(&f, &loan, STR("")), 0);
    frame_fini(&f);
}

/* Its memory goes as it dwindles, with fewer bytes copied than there were. */
static void what_waits_takes_no_more_memory_than_it_needs(void **state)
{
    static char lines[60000];
    struct frame f = {0};
    struct frame_loan loan;
    struct str line;
    size_t copied = 0;
    (void)state;
    for (size_t i = 0; i < sizeof lines; i++)
        lines[i] = "abcde\n"[i % 6];
    assert_int_equal(frame_hold(&f, str_from(lines, sizeof lines)), 0);
    for (size_t left = sizeof lines - 6; left > 0; left -= 6) {
        uint32_t size = f.size;
        struct str held = frame_lend(&f, &loan);
        assert_int_equal(frame_next(&f, &held, MAX, &line), FRAME_LINE);
        assert_str(line, STR("abcde"));
        assert_int_equal(frame_return(&f, &loan, held), 0);
        assert_int_equal(f.used, left);
        assert_true(f.size <= 4 * left || f.size <= 8192);
        copied += f.size < size ? left : 0;
    }
    assert_in_range(copied, 1, sizeof lines);
    frame_fini(&f);
}

static void more_than_a_buffer_can_hold_is_refused(void **state)
{
    struct frame f = {0};
    struct frame_loan loan;
    (void)state;
    assert_int_equal(frame_hold(&f, STR("kept")), 0);
    assert_int_equal(frame_hold(&f, str_from("x", (size_t)5 << 30)), -ENOMEM);
    assert_str(frame_lend(&f, &loan), STR("kept"));
    assert_int_equal(frame_return(&f, &loan, STR("")), 0);
}

static void without_memory_a_line_is_lost_and_the_next_is_not(void **state)
{
    struct frame f = {0};
    struct str line;
    struct str in = STR("lost ");
    (void)state;
    unit_alloc_fail_at(0);
    assert_int_equal(frame_next(&f, &in, MAX, &line), FRAME_NOMEM);
    unit_alloc_fail_at(-1);
    assert_int_equal(in.size, 0);
    struct tape t = {0};
    feed(&f, STR("too\nnext\n"), MAX, &t);
    assert_str(str_from(t.data, t.size), STR("[next]"));
    finish(&f, &t);
}

static void without_memory_for_its_middle_a_line_is_lost_and_the_next_is_not(void **state)
{
    char middle[200];
    struct frame f = {0};
    struct str line;
    struct str in = STR("start");
    (void)state;
    memset(middle, 'm', sizeof middle);
    assert_int_equal(frame_next(&f, &in, 1000, &line), FRAME_MORE);
    in = str_from(middle, sizeof middle);
    unit_alloc_fail_at(0);
    assert_int_equal(frame_next(&f, &in, 1000, &line), FRAME_NOMEM);
    unit_alloc_fail_at(-1);
    in = STR("end\nnext\n");
    assert_int_equal(frame_next(&f, &in, 1000, &line), FRAME_LINE);
    assert_str(line, STR("next"));
    frame_fini(&f);
}

static void without_memory_for_its_end_a_line_is_lost_and_the_next_is_not(void **state)
{
    char start[120];
    char end[60];
    struct frame f = {0};
    struct str line;
    struct str in = {start, sizeof start};
    (void)state;
    memset(start, 'a', sizeof start);
    memset(end, 'b', sizeof end);
    memcpy(end + sizeof end - 6, "\nnext\n", 6);
    assert_int_equal(frame_next(&f, &in, 1000, &line), FRAME_MORE);
    in = str_from(end, sizeof end);
    unit_alloc_fail_at(0);
    assert_int_equal(frame_next(&f, &in, 1000, &line), FRAME_NOMEM);
    unit_alloc_fail_at(-1);
    assert_int_equal(frame_next(&f, &in, 1000, &line), FRAME_LINE);
    assert_str(line, STR("next"));
    frame_fini(&f);
}

static void without_memory_what_is_held_stays(void **state)
{
    struct frame f = {0};
    char big[1000] = "";
    struct frame_loan loan;
    (void)state;
    assert_int_equal(frame_hold(&f, STR("kept")), 0);
    unit_alloc_fail_at(0);
    assert_int_equal(frame_hold(&f, str_from(big, sizeof big)), -ENOMEM);
    unit_alloc_fail_at(-1);
    assert_str(frame_lend(&f, &loan), STR("kept"));
    assert_int_equal(frame_return(&f, &loan, STR("")), 0);
}

/* What was lent is lost if something else is kept by then, and there is no room behind that. */
static void without_memory_a_loan_ends_all_the_same(void **state)
{
    struct frame f = {0};
    char big[1000] = "";
    struct frame_loan loan;
    (void)state;
    assert_int_equal(frame_hold(&f, str_from(big, sizeof big)), 0);
    struct str rest = frame_lend(&f, &loan);
    assert_int_equal(frame_hold(&f, STR("new")), 0);
    unit_alloc_fail_at(0);
    assert_int_equal(frame_return(&f, &loan, rest), -ENOMEM);
    unit_alloc_fail_at(-1);
    assert_str(frame_lend(&f, &loan), STR("new"));
    assert_int_equal(frame_return(&f, &loan, STR("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_of_a_stream_gives_the_same_lines),
        cmocka_unit_test(bytes_may_come_one_at_a_time),
        cmocka_unit_test(lines_put_back_and_held_lose_nothing),
        cmocka_unit_test(a_line_that_came_whole_is_not_copied),
        cmocka_unit_test(a_line_of_100_megabytes_keeps_memory_flat),
        cmocka_unit_test(what_stands_before_the_end_is_never_longer_than_a_line),
        cmocka_unit_test(the_rest_of_a_dropped_line_is_no_last_line),
        cmocka_unit_test(trimming_frees_an_empty_buffer_only),
        cmocka_unit_test(holding_nothing_is_fine),
        cmocka_unit_test(what_is_lent_and_returned_is_not_copied),
        cmocka_unit_test(what_waits_takes_no_more_memory_than_it_needs),
        cmocka_unit_test(more_than_a_buffer_can_hold_is_refused),
        cmocka_unit_test(without_memory_a_line_is_lost_and_the_next_is_not),
        cmocka_unit_test(without_memory_for_its_middle_a_line_is_lost_and_the_next_is_not),
        cmocka_unit_test(without_memory_for_its_end_a_line_is_lost_and_the_next_is_not),
        cmocka_unit_test(without_memory_what_is_held_stays),
        cmocka_unit_test(without_memory_a_loan_ends_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
