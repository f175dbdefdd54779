/*
 * The out-queue against a naive one: a plain array of all the bytes due, each with where it comes
 * from. Two logs, private bytes in between; sent to the byte, and skipped at any time.
 */
#include "outq.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

enum { LOGS = 2, SEGMENT = 64, CELLS_MAX = 20000, RECORDS_MAX = 4096, PRIVATE = LOGS };

struct cell {
    char byte;
    int from;        /* a log's index, or PRIVATE */
    uint64_t offset; /* in that log */
};

struct record {
    uint64_t end;
    uint64_t number;
};

/* A log, as far as its member reads it. */
struct source {
    struct room_log log;
    uint64_t queued; /* up to here, the queue has it or it was sent */
    uint64_t number;
    struct record records[RECORDS_MAX]; /* a ring; the last ones appended */
    size_t appended;
};

struct model {
    struct outq q;
    struct segment_pool pool;
    struct source sources[LOGS];
    struct cell due[CELLS_MAX];
    size_t count;
    uint64_t privates;
};

static char byte_of(int from, uint64_t offset)
{
    return (char)(offset * 31 + (offset >> 8) + (uint64_t)from * 77);
}

static struct model *model_new(void)
{
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    segment_pool_init(&m->pool, SEGMENT, 4);
    for (int i = 0; i < LOGS; i++)
        room_log_init(&m->sources[i].log, &m->pool);
    return m;
}

static void model_free(struct model *m)
{
    outq_fini(&m->q);
    for (int i = 0; i < LOGS; i++) {
        assert_int_equal(m->sources[i].log.readers, 0);
        room_log_fini(&m->sources[i].log);
    }
    segment_pool_fini(&m->pool);
    free(m);
}

static void add_cell(struct model *m, int from, uint64_t offset)
{
    assert_true(m->count < CELLS_MAX);
    m->due[m->count++] = (struct cell){byte_of(from, offset), from, offset};
}

/* ---- what happens to both ------------------------------------------------------------------- */

static void post(struct model *m, int i, size_t size, bool numbered)
{
    struct source *s = &m->sources[i];
    char *out = room_log_reserve(&s->log, size);
    assert_non_null(out);
    for (size_t k = 0; k < size; k++)
        out[k] = byte_of(i, s->log.end + k);
    s->number += numbered;
    room_log_append(&s->log, size, s->number);
    s->records[s->appended++ % RECORDS_MAX] = (struct record){s->log.end, s->number};
}

static void push_private(struct model *m, size_t size, size_t unused)
{
    char *out = outq_push(&m->q, size + unused);
    assert_non_null(out);
    memset(out, '?', size + unused);
    for (size_t i = 0; i < size; i++) {
        out[i] = byte_of(PRIVATE, m->privates);
        add_cell(m, PRIVATE, m->privates++);
    }
    outq_shrink(&m->q, unused);
}

static void push_range(struct model *m, int i)
{
    struct source *s = &m->sources[i];
    uint32_t readers = s->log.readers;
    bool empty = s->queued == s->log.end;
    assert_int_equal(outq_push_range(&m->q, &s->log, s->queued, s->log.end), 0);
    assert_int_equal(s->log.readers, readers + !empty);
    for (; s->queued < s->log.end; s->queued++)
        add_cell(m, i, s->queued);
}

static void consume(struct model *m, size_t size)
{
    size_t taken = size < m->count ? size : m->count;
    assert_int_equal(outq_consume(&m->q, size), taken);
    m->count -= taken;
    memmove(m->due, m->due + taken, m->count * sizeof *m->due);
}

/* The record of source `s` that the byte at `offset` is part of. */
static struct record record_of(const struct source *s, uint64_t offset)
{
    size_t i = s->appended;
    while (i > 0 && i + RECORDS_MAX > s->appended && s->records[(i - 1) % RECORDS_MAX].end > offset)
        i--;
    return s->records[i % RECORDS_MAX];
}

static bool starts_record(const struct source *s, uint64_t offset)
{
    return offset == 0 || record_of(s, offset - 1).end == offset;
}

/* How many of the first cells are the rest of a record that is half sent. */
static size_t half_sent(const struct model *m, int i)
{
    const struct source *s = &m->sources[i];
    if (m->count == 0 || m->due[0].from != i || starts_record(s, m->due[0].offset))
        return 0;
    return (size_t)(record_of(s, m->due[0].offset).end - m->due[0].offset);
}

static void skip_log(struct model *m, int i)
{
    const struct source *s = &m->sources[i];
    size_t kept = half_sent(m, i);
    uint64_t messages = 0;
    for (size_t k = 0; k < kept; k++)
        m->due[k].from = PRIVATE;
    for (size_t k = kept; k < m->count; k++) {
        uint64_t offset = m->due[k].offset;
        if (m->due[k].from != i) {
            m->due[kept++] = m->due[k];
        } else if (starts_record(s, offset)) {
            uint64_t before = offset == 0 ? 0 : record_of(s, offset - 1).number;
            messages += record_of(s, offset).number - before;
        }
    }
    m->count = kept;
    uint64_t skipped = 12345;
    assert_int_equal(outq_skip(&m->q, &m->sources[i].log, &skipped), 0);
    assert_int_equal(skipped, messages);
}

/* ---- comparing ------------------------------------------------------------------------------ */

static uint64_t needed(const struct model *m, int i)
{
    for (size_t k = 0; k < m->count; k++) {
        if (m->due[k].from == i)
            return m->due[k].offset;
    }
    return UINT64_MAX;
}

static void assert_gathers(const struct model *m, int max)
{
    struct iovec parts[64];
    size_t bytes = 1000;
    bool all;
    int n = outq_gather(&m->q, parts, max, &bytes, &all);
    assert_in_range(n, 0, max);
    size_t at = 0;
    for (int p = 0; p < n; p++) {
        const char *data = parts[p].iov_base;
        for (size_t k = 0; k < parts[p].iov_len; k++, at++) {
            if (at >= m->count || data[k] != m->due[at].byte)
                fail_msg("byte %zu of part %d, the %zuth of %zu, is wrong", k, p, at, m->count);
        }
    }
    assert_int_equal(bytes, 1000 + at);
    assert_int_equal(all, at == m->count);
    assert_true(all || n == max);
}

static void assert_same(const struct model *m, struct unit_random *r)
{
    assert_gathers(m, 1 + (int)unit_below(r, 64));
    assert_int_equal(outq_empty(&m->q), m->count == 0);
    assert_int_equal(outq_bytes(&m->q) == 0, m->count == 0);
    for (int i = 0; i < LOGS; i++) {
        const struct room_log *log = &m->sources[i].log;
        assert_int_equal(outq_need(&m->q, log), needed(m, i));
        assert_int_equal(log->readers > 0, needed(m, i) != UINT64_MAX);
    }
}

/* What the queue does not need goes: whatever it still points at would be noticed. */
static void forget(struct model *m, int i)
{
    struct source *s = &m->sources[i];
    uint64_t need = outq_need(&m->q, &s->log);
    room_log_drop(&s->log, need < s->queued ? need : s->queued);
}

static void random_step(struct model *m, struct unit_random *r)
{
    int i = (int)unit_below(r, LOGS);
    switch (unit_below(r, 8)) {
    case 0:
    case 1:
        post(m, i, 1 + unit_below(r, 50), unit_below(r, 4));
        break;
    case 2:
    case 3:
        push_range(m, i);
        break;
    case 4:
        push_private(m, 1 + unit_below(r, 60), unit_below(r, 200));
        break;
    case 5:
        consume(m, unit_below(r, 60));
        break;
    case 6:
        consume(m, unit_below(r, 4) ? 1 + unit_below(r, 5) : m->count + unit_below(r, 2));
        break;
    default:
        if (unit_below(r, 4) == 0)
            skip_log(m, i);
        forget(m, i);
    }
    if (m->count > 3000)
        consume(m, m->count - unit_below(r, 100));
}

static void the_queue_agrees_with_an_array_of_bytes(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct unit_random r = {seed};
        struct model *m = model_new();
        for (int step = 0; step < 12000; step++) {
            random_step(m, &r);
            assert_same(m, &r);
        }
        model_free(m);
    }
}

/* ---- by hand -------------------------------------------------------------------------------- */

/* "pp", three records of log 0 and two of log 1, "pppp", one record of log 0. */
static struct model *mixed_queue(void)
{
    struct model *m = model_new();
    for (int k = 0; k < 3; k++)
        post(m, 0, 30, true);
    post(m, 1, 5, true);
    post(m, 1, 5, false);
    push_private(m, 2, 300);
    push_range(m, 0);
    push_range(m, 1);
    push_private(m, 4, 0);
    post(m, 0, 9, true);
    push_range(m, 0);
    return m;
}

enum { MIXED = 2 + 90 + 10 + 4 + 9 };

static void an_empty_queue_owns_nothing(void **state)
{
    struct model *m = model_new();
    struct unit_random r = {1};
    (void)state;
    assert_same(m, &r);
    assert_int_equal(outq_consume(&m->q, 100), 0);
    push_range(m, 0);
    assert_null(m->q.block);
    skip_log(m, 0);
    assert_null(m->q.block);
    model_free(m);
}

static void sending_may_stop_at_every_byte(void **state)
{
    struct unit_random r = {2};
    (void)state;
    for (size_t first = 0; first <= MIXED; first++) {
        struct model *m = mixed_queue();
        assert_int_equal(m->count, MIXED);
        consume(m, first);
        assert_same(m, &r);
        for (int i = 0; i < LOGS; i++)
            forget(m, i);
        assert_same(m, &r);
        push_private(m, 3, 0);
        consume(m, m->count - 1);
        consume(m, 10);
        assert_null(m->q.block);
        model_free(m);
    }
}

static void skipping_may_come_at_every_byte(void **state)
{
    struct unit_random r = {3};
    (void)state;
    for (size_t first = 0; first <= MIXED; first++) {
        for (int i = 0; i < LOGS; i++) {
            struct model *m = mixed_queue();
            consume(m, first);
            skip_log(m, i);
            room_log_drop(&m->sources[i].log, m->sources[i].log.end);
            assert_same(m, &r);
            push_private(m, 3, 0);
            assert_same(m, &r);
            consume(m, m->count);
            model_free(m);
        }
    }
}

static void few_parts_bring_the_first_bytes(void **state)
{
    struct model *m = mixed_queue();
    (void)state;
    for (int max = 1; max < 12; max++)
        assert_gathers(m, max);
    model_free(m);
}

/* Otherwise a replay of a megabyte would count as a megabyte of answers not taken. */
static void a_range_counts_as_an_item_not_as_its_bytes(void **state)
{
    struct model *m = model_new();
    (void)state;
    for (int k = 0; k < 300; k++)
        post(m, 0, 60, true);
    push_range(m, 0);
    assert_true(outq_bytes(&m->q) <= 64);
    push_private(m, 1000, 5000);
    assert_true(outq_bytes(&m->q) >= 1000 && outq_bytes(&m->q) <= 1100);
    consume(m, m->count);
    assert_int_equal(outq_bytes(&m->q), 0);
    model_free(m);
}

/* A queue that is never quite empty does not creep through memory. */
static void a_queue_in_steady_use_stays_small(void **state)
{
    struct model *m = model_new();
    (void)state;
    push_private(m, 100, 0);
    size_t allocated = unit_alloc_count();
    for (int k = 0; k < 10000; k++) {
        push_private(m, 50, 0);
        consume(m, 50);
        assert_true(outq_bytes(&m->q) <= 200);
    }
    assert_true(unit_alloc_count() - allocated < 10000);
    model_free(m);
}

static void without_memory_a_push_changes_nothing(void **state)
{
    struct unit_random r = {4};
    struct model *m = mixed_queue();
    (void)state;
    post(m, 1, 7, true);
    for (int k = 0; k < 50; k++) {
        unit_alloc_fail_at(0);
        assert_null(outq_push(&m->q, 100000));
        assert_true(unit_alloc_failed());
        unit_alloc_fail_at(-1);
        assert_same(m, &r);
        push_private(m, 300, 0);
        consume(m, 5);
    }
    model_free(m);
}

static void without_memory_a_range_is_not_pinned(void **state)
{
    struct model *m = model_new();
    struct room_log *log = &m->sources[0].log;
    (void)state;
    post(m, 0, 10, true);
    unit_alloc_fail_at(0);
    assert_int_equal(outq_push_range(&m->q, log, 0, 10), -ENOMEM);
    unit_alloc_fail_at(-1);
    assert_int_equal(log->readers, 0);
    assert_true(outq_empty(&m->q));
    model_free(m);
}

/* Skipping builds a second queue; it may fail at every allocation of that. */
static void without_memory_skipping_changes_nothing(void **state)
{
    struct unit_random r = {5};
    int failures = 0;
    (void)state;
    for (size_t first = 0; first < MIXED; first += 7) {
        struct model *m = mixed_queue();
        uint64_t skipped;
        int rc = -ENOMEM;
        push_private(m, 400, 0);
        consume(m, first);
        uint32_t readers = m->sources[1].log.readers;
        for (int n = 0; rc < 0; n++) {
            unit_alloc_fail_at(n);
            rc = outq_skip(&m->q, &m->sources[0].log, &skipped);
            assert_int_equal(rc, unit_alloc_failed() ? -ENOMEM : 0);
            failures += rc < 0;
            assert_int_equal(m->sources[1].log.readers, readers);
            if (rc < 0)
                assert_same(m, &r);
        }
        unit_alloc_fail_at(-1);
        model_free(m);
    }
    assert_true(failures > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_queue_owns_nothing),
        cmocka_unit_test(sending_may_stop_at_every_byte),
        cmocka_unit_test(skipping_may_come_at_every_byte),
        cmocka_unit_test(few_parts_bring_the_first_bytes),
        cmocka_unit_test(a_range_counts_as_an_item_not_as_its_bytes),
        cmocka_unit_test(a_queue_in_steady_use_stays_small),
        cmocka_unit_test(without_memory_a_push_changes_nothing),
        cmocka_unit_test(without_memory_a_range_is_not_pinned),
        cmocka_unit_test(without_memory_skipping_changes_nothing),
        cmocka_unit_test(the_queue_agrees_with_an_array_of_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
