/*
 * The log against a naive model: a list of records. The byte at each offset is a function of the
 * offset, so the model needs no bytes.
 */
#include "room_log.h"
#include "unit.h"

#include <stdlib.h>

enum { SEGMENT = 64, SPARES = 3, RECORDS_MAX = 400 };

static char byte_at(uint64_t offset)
{
    return (char)(offset * 167 + (offset >> 8) * 13);
}

/* ---- the model ------------------------------------------------------------------------------ */

struct record {
    uint64_t start;
    uint64_t end;
    uint64_t number;
};

struct model {
    struct segment_pool pool;
    struct room_log log;
    struct record records[RECORDS_MAX];
    size_t count;
    uint64_t start;
    uint64_t end;
    uint64_t number;  /* of the last message */
    uint64_t dropped; /* the number of the last record dropped */
};

static void model_init(struct model *m)
{
    *m = (struct model){0};
    segment_pool_init(&m->pool, SEGMENT, SPARES);
    room_log_init(&m->log, &m->pool);
}

static void model_fini(struct model *m)
{
    room_log_fini(&m->log);
    segment_pool_fini(&m->pool);
}

/* A record of `size` bytes in a place for `reserved`. */
static void append(struct model *m, size_t size, size_t reserved, bool numbered)
{
    char *out = room_log_reserve(&m->log, reserved);
    assert_non_null(out);
    memset(out, '?', reserved);
    for (size_t i = 0; i < size; i++)
        out[i] = byte_at(m->end + i);
    m->number += numbered;
    room_log_append(&m->log, size, m->number);
    m->records[m->count++] = (struct record){m->end, m->end + size, m->number};
    m->end += size;
}

static void drop_until(struct model *m, uint64_t offset)
{
    size_t n = 0;
    for (; n < m->count && m->records[n].end <= offset; n++) {
        m->dropped = m->records[n].number;
        m->start = m->records[n].end;
    }
    m->count -= n;
    memmove(m->records, m->records + n, m->count * sizeof *m->records);
    room_log_drop(&m->log, offset);
}

static void drop(struct model *m, size_t records)
{
    if (records > 0)
        drop_until(m, m->records[records - 1].end);
}

static uint64_t border_of(const struct model *m, uint64_t offset)
{
    uint64_t border = m->start;
    for (size_t i = 0; i < m->count && border < offset; i++)
        border = m->records[i].end;
    return border;
}

static uint64_t count_between(const struct model *m, uint64_t from, uint64_t to)
{
    uint64_t messages = 0;
    uint64_t before = m->dropped;
    for (size_t i = 0; i < m->count; before = m->records[i].number, i++) {
        if (m->records[i].start >= from && m->records[i].end <= to)
            messages += m->records[i].number != before;
    }
    return messages;
}

static uint64_t after(const struct model *m, uint64_t number)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->records[i].number > number)
            return m->records[i].start;
    }
    return m->end;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static void assert_gathers(const struct model *m, uint64_t from, uint64_t to, int max)
{
    struct iovec parts[8];
    size_t covered = 12345;
    int n = room_log_gather(&m->log, from, to, parts, max, &covered);
    assert_in_range(n, 0, max);
    uint64_t at = from;
    for (int i = 0; i < n; i++) {
        assert_true(parts[i].iov_len > 0);
        for (size_t k = 0; k < parts[i].iov_len; k++, at++) {
            if (((char *)parts[i].iov_base)[k] != byte_at(at))
                fail_msg("byte %zu of part %d is not that of offset %llu", k, i,
                         (unsigned long long)at);
        }
    }
    assert_int_equal(at, from + covered);
    if (n < max)
        assert_int_equal(at, to);
    assert_true(at <= to);
    if (at < to && max > 0)
        assert_int_equal(at, border_of(m, at)); /* it breaks between records only */
}

static uint64_t random_border(const struct model *m, struct unit_random *r)
{
    size_t i = unit_below(r, m->count + 1);
    return i < m->count ? m->records[i].start : m->end;
}

static uint64_t random_offset(const struct model *m, struct unit_random *r)
{
    return m->start + unit_below(r, m->end - m->start + 1);
}

static void assert_same(const struct model *m, struct unit_random *r)
{
    uint64_t a = random_offset(m, r);
    uint64_t b = random_offset(m, r);
    assert_int_equal(m->log.start, m->start);
    assert_int_equal(m->log.end, m->end);
    assert_gathers(m, a < b ? a : b, a < b ? b : a, (int)unit_below(r, 9));
    assert_int_equal(room_log_border(&m->log, a), border_of(m, a));
    a = random_border(m, r);
    b = random_border(m, r);
    assert_int_equal(room_log_count(&m->log, a < b ? a : b, a < b ? b : a),
                     count_between(m, a < b ? a : b, a < b ? b : a));
    uint64_t number = unit_below(r, m->number + 2);
    assert_int_equal(room_log_after(&m->log, number), after(m, number));
    number = m->dropped + unit_below(r, m->number - m->dropped + 1);
    assert_int_equal(room_log_after(&m->log, number), after(m, number));
    uint64_t second = room_log_second_segment(&m->log);
    assert_int_equal(second, border_of(m, second));
    assert_true(second > m->start || m->start == m->end);
    assert_true(m->pool.count <= SPARES);
}

static void random_step(struct model *m, struct unit_random *r)
{
    size_t size = 1 + unit_below(r, unit_below(r, 10) ? 30 : 150);
    switch (unit_below(r, 10)) {
    case 0:
        drop(m, unit_below(r, m->count + 1));
        break;
    case 1:
        drop(m, unit_below(r, m->count / 8 + 1));
        break;
    case 2: /* somebody is in the middle of a record */
        drop_until(m, m->start + unit_below(r, m->end - m->start + 1));
        break;
    case 3: /* asked for and never used, as when another log has no memory */
        assert_non_null(room_log_reserve(&m->log, size));
        if (unit_below(r, 2)) {
            room_log_cancel(&m->log);
            assert_true(m->start != m->end || !m->log.first);
        }
        break;
    default:
        append(m, size, size + unit_below(r, 40), unit_below(r, 4));
    }
    if (m->count == RECORDS_MAX)
        drop(m, RECORDS_MAX / 2);
}

static void the_log_agrees_with_a_list_of_records(void **state)
{
    struct model *m = malloc(sizeof *m);
    (void)state;
    assert_non_null(m);
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct unit_random r = {seed};
        model_init(m);
        for (int step = 0; step < 20000; step++) {
            random_step(m, &r);
            assert_same(m, &r);
        }
        model_fini(m);
    }
    free(m);
}

/* ---- by hand -------------------------------------------------------------------------------- */

static void an_empty_log_has_nothing(void **state)
{
    struct model m;
    (void)state;
    model_init(&m);
    assert_gathers(&m, 0, 0, 1);
    assert_int_equal(room_log_border(&m.log, 0), 0);
    assert_int_equal(room_log_count(&m.log, 0, 0), 0);
    assert_int_equal(room_log_after(&m.log, 0), 0);
    assert_int_equal(room_log_second_segment(&m.log), 0);
    room_log_drop(&m.log, 0);
    model_fini(&m);
}

static void a_record_is_in_one_piece(void **state)
{
    struct model m;
    (void)state;
    model_init(&m);
    append(&m, 40, 40, true);
    append(&m, 40, 40, true);   /* does not fit behind the first */
    append(&m, 200, 200, true); /* fits in no segment */
    struct iovec parts[4];
    size_t covered;
    assert_int_equal(room_log_gather(&m.log, 0, 280, parts, 4, &covered), 3);
    assert_int_equal(covered, 280);
    assert_int_equal(parts[0].iov_len, 40);
    assert_int_equal(parts[1].iov_len, 40);
    assert_int_equal(parts[2].iov_len, 200);
    assert_int_equal(room_log_second_segment(&m.log), 40);
    assert_gathers(&m, 39, 81, 2);
    model_fini(&m);
}

/* Otherwise a log whose first segment was never used could not be cut at its limit. */
static void dropping_up_to_the_second_segment_frees_memory(void **state)
{
    struct model m;
    (void)state;
    model_init(&m);
    assert_non_null(room_log_reserve(&m.log, 10)); /* its record never came */
    append(&m, 80, 80, true);
    append(&m, 60, 60, true);
    assert_int_equal(room_log_second_segment(&m.log), 80);
    drop_until(&m, room_log_second_segment(&m.log));
    assert_int_equal(m.log.start, 80);
    assert_int_equal(m.pool.count, 1);
    model_fini(&m);
}

static void what_somebody_is_in_the_middle_of_stays_whole(void **state)
{
    struct model m;
    (void)state;
    model_init(&m);
    append(&m, 10, 10, true);
    append(&m, 10, 10, true);
    drop_until(&m, 9);
    assert_int_equal(m.log.start, 0);
    drop_until(&m, 19);
    assert_int_equal(m.log.start, 10);
    assert_gathers(&m, 10, 20, 1);
    model_fini(&m);
}

static void numbers_of_what_was_dropped_are_not_counted(void **state)
{
    struct model m;
    (void)state;
    model_init(&m);
    for (int i = 0; i < 10; i++)
        append(&m, 10, 10, true);
    append(&m, 10, 10, false);
    drop(&m, 4);
    assert_int_equal(room_log_count(&m.log, 40, 110), 6);
    assert_int_equal(room_log_count(&m.log, 100, 110), 0);
    assert_int_equal(room_log_after(&m.log, 2), 40);
    assert_int_equal(room_log_after(&m.log, 4), 40);
    assert_int_equal(room_log_after(&m.log, 5), 50);
    assert_int_equal(room_log_after(&m.log, 9), 90);
    assert_int_equal(room_log_after(&m.log, 10), 110);
    assert_int_equal(room_log_border(&m.log, 5), 40);
    model_fini(&m);
}

static void a_log_that_keeps_up_needs_no_new_memory(void **state)
{
    struct model m;
    (void)state;
    model_init(&m);
    append(&m, 30, 60, true);
    drop(&m, 1);
    size_t allocated = unit_alloc_count();
    for (int i = 0; i < 1000; i++) {
        append(&m, 30, 60, true);
        append(&m, 20, 20, false);
        drop(&m, 2);
        assert_null(m.log.first);
    }
    assert_int_equal(unit_alloc_count(), allocated);
    assert_int_equal(m.pool.count, 1);
    model_fini(&m);
}

static void append_to(struct room_log *log, size_t size, uint64_t number)
{
    char *out = room_log_reserve(log, size);
    assert_non_null(out);
    memset(out, 'x', size);
    room_log_append(log, size, number);
}

static void spares_are_shared_and_few(void **state)
{
    struct model m;
    struct room_log other;
    (void)state;
    model_init(&m);
    room_log_init(&other, &m.pool);
    for (int i = 0; i < 10; i++)
        append(&m, 60, 60, true);
    append(&m, 100, 100, true); /* too large to be a spare */
    drop(&m, 11);
    assert_int_equal(m.pool.count, SPARES);
    size_t allocated = unit_alloc_count();
    for (int i = 0; i < SPARES; i++)
        append_to(&other, 60, 1);
    assert_int_equal(unit_alloc_count(), allocated + 1); /* its marks */
    assert_int_equal(m.pool.count, 0);
    room_log_fini(&other);
    model_fini(&m);
}

static void without_memory_nothing_changes(void **state)
{
    struct unit_random r = {1};
    struct model *m = malloc(sizeof *m);
    (void)state;
    assert_non_null(m);
    model_init(m);
    for (int i = 0; i < 3000; i++) {
        size_t size = 1 + unit_below(&r, 90);
        for (int n = 0; n < 2; n++) {
            unit_alloc_fail_at(n);
            char *out = room_log_reserve(&m->log, size);
            assert_int_equal(out == NULL, unit_alloc_failed());
            unit_alloc_fail_at(-1);
            assert_same(m, &r);
        }
        append(m, size, size, true);
        if (m->count == RECORDS_MAX)
            drop(m, m->count - unit_below(&r, 20));
    }
    model_fini(m);
    free(m);
}

/* A burst is over: a room that was busy once must not keep the marks of it for ever. */
static void the_marks_of_a_burst_are_given_back(void **state)
{
    struct segment_pool pool;
    struct room_log log;
    (void)state;
    segment_pool_init(&pool, SEGMENT, SPARES);
    room_log_init(&log, &pool);
    for (uint64_t i = 0; i < 100000; i++) {
        append_to(&log, 1, i);
    }
    room_log_drop(&log, log.end);
    assert_true(log.mark_size <= 1024);
    assert_int_equal(room_log_count(&log, log.start, log.end), 0);
    assert_int_equal(room_log_after(&log, 99999), log.end);
    append_to(&log, 1, 100000);
    assert_int_equal(room_log_count(&log, log.start, log.end), 1);
    room_log_fini(&log);
    segment_pool_fini(&pool);
}

/* Ten thousand rooms in which one line was said take little; one in which much is said, no longer
 * in small pieces. */
static void logs_beyond_the_spares_begin_small(void **state)
{
    enum { FULL = 4096, KEEP = 2, LOGS = 10 };
    struct segment_pool pool;
    struct room_log logs[LOGS];
    struct iovec parts[16];
    size_t covered;
    (void)state;
    segment_pool_init(&pool, FULL, KEEP);
    for (size_t i = 0; i < LOGS; i++) {
        room_log_init(&logs[i], &pool);
        append_to(&logs[i], 1, 1);
    }
    assert_int_equal(pool.made, KEEP);
    struct room_log *log = &logs[LOGS - 1];
    for (uint64_t n = 2; n <= 3 * FULL; n++)
        append_to(log, 1, n);
    /* 256, 512, 1024, 2048, and then 4096 each */
    assert_int_equal(room_log_gather(log, 0, log->end, parts, 16, &covered), 7);
    assert_int_equal(covered, 3 * FULL);
    assert_int_equal(parts[0].iov_len, SEGMENT_FIRST);
    assert_int_equal(parts[3].iov_len, FULL / 2);
    assert_int_equal(parts[5].iov_len, FULL);
    assert_int_equal(pool.made, KEEP + 3);
    for (size_t i = 0; i < LOGS; i++)
        room_log_fini(&logs[i]);
    assert_int_equal(pool.made, KEEP);
    assert_int_equal(pool.count, KEEP);
    segment_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_log_has_nothing),
        cmocka_unit_test(a_record_is_in_one_piece),
        cmocka_unit_test(dropping_up_to_the_second_segment_frees_memory),
        cmocka_unit_test(what_somebody_is_in_the_middle_of_stays_whole),
        cmocka_unit_test(numbers_of_what_was_dropped_are_not_counted),
        cmocka_unit_test(a_log_that_keeps_up_needs_no_new_memory),
        cmocka_unit_test(spares_are_shared_and_few),
        cmocka_unit_test(logs_beyond_the_spares_begin_small),
        cmocka_unit_test(the_marks_of_a_burst_are_given_back),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(the_log_agrees_with_a_list_of_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
