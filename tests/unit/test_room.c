/* A room: its members as positions, and what a post leaves in the live logs and in the history. */
#include "room.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

struct fixture {
    struct room_pools pools;
    struct room *room;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    room_pools_init(&f->pools);
    f->room = room_new(STR("#cats"), 3, &f->pools);
    *state = f;
    return f->room ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    room_free(f->room);
    room_pools_fini(&f->pools);
    free(f);
    return 0;
}

/* Somebody hears every encoding. */
static void listen_in_all(struct room *room)
{
    for (int w = 0; w < WIRE_COUNT; w++)
        assert_int_equal(room_add(room, 900 + (uint64_t)w, (enum wire_id)w), w);
}

static struct event message(const char *text)
{
    return (struct event){
        .type = EVENT_MESSAGE, .room = STR("#cats"), .from = STR("ann"), .text = str_of(text)};
}

static int post(struct room *room, const char *text, uint32_t history)
{
    uint64_t before[WIRE_COUNT];
    struct event e = message(text);
    return room_post(room, &e, true, history, before);
}

/* All that a log keeps, as one text. */
static struct str contents(const struct room_log *log)
{
    static char text[256 << 10];
    struct iovec parts[256];
    size_t covered;
    size_t used = 0;
    int n = room_log_gather(log, log->start, log->end, parts, 256, &covered);
    assert_int_equal(covered, log->end - log->start);
    assert_true(covered <= sizeof text);
    for (int i = 0; i < n; i++) {
        memcpy(text + used, parts[i].iov_base, parts[i].iov_len);
        used += parts[i].iov_len;
    }
    return str_from(text, used);
}

static size_t lines(const struct room_log *log)
{
    struct str s = contents(log);
    size_t n = 0;
    for (size_t i = 0; i < s.size; i++)
        n += s.data[i] == '\n';
    return n;
}

/* ---- posting -------------------------------------------------------------------------------- */

static void a_new_room_is_empty(void **state)
{
    struct fixture *f = *state;
    assert_str(room_name(f->room), STR("#cats"));
    assert_int_equal(f->room->id, 3);
    assert_int_equal(room_present(f->room), 0);
    assert_int_equal(f->room->number, 0);
}

static void a_message_stands_in_every_log_in_its_encoding(void **state)
{
    struct fixture *f = *state;
    uint64_t before[WIRE_COUNT] = {99, 99};
    struct event e = message("hi");
    listen_in_all(f->room);
    e.seq = 77;
    assert_int_equal(room_post(f->room, &e, true, 5, before), 0);
    assert_int_equal(e.seq, 1);
    assert_int_equal(before[WIRE_LINE], 0);
    assert_int_equal(before[WIRE_JSON], 0);
    struct room_log *logs[] = {f->room->live, f->room->history};
    for (size_t i = 0; i < COUNT_OF(logs); i++) {
        assert_str(contents(&logs[i][WIRE_LINE]), STR("#cats ann: hi\n"));
        assert_str(contents(&logs[i][WIRE_JSON]),
                   STR("{\"type\":\"message\",\"room\":\"#cats\",\"from\":\"ann\",\"seq\":1,"
                       "\"text\":\"hi\"}\n"));
    }
    assert_int_equal(room_post(f->room, &e, true, 5, before), 0);
    assert_int_equal(e.seq, 2);
    assert_int_equal(before[WIRE_LINE], 14);
}

static void what_is_no_message_has_no_number_and_no_history(void **state)
{
    struct fixture *f = *state;
    uint64_t before[WIRE_COUNT];
    struct event e = {.type = EVENT_JOIN, .room = STR("#cats"), .from = STR("bob"), .seq = 9};
    listen_in_all(f->room);
    assert_int_equal(post(f->room, "one", 5), 0);
    assert_int_equal(room_post(f->room, &e, false, 5, before), 0);
    assert_int_equal(e.seq, 0);
    assert_int_equal(f->room->number, 1);
    assert_int_equal(lines(&f->room->live[WIRE_LINE]), 2);
    assert_int_equal(lines(&f->room->history[WIRE_LINE]), 1);
    const struct room_log *live = &f->room->live[WIRE_LINE];
    assert_int_equal(room_log_count(live, live->start, live->end), 1);
    assert_int_equal(room_log_count(live, before[WIRE_LINE], live->end), 0);
}

static void the_history_keeps_the_last_messages(void **state)
{
    struct fixture *f = *state;
    char text[8];
    for (int i = 1; i <= 50; i++) {
        snprintf(text, sizeof text, "m%d", i);
        assert_int_equal(post(f->room, text, 3), 0);
        for (int w = 0; w < WIRE_COUNT; w++) {
            const struct room_log *log = &f->room->history[w];
            assert_int_equal(lines(log), i < 3 ? i : 3);
            assert_int_equal(room_log_count(log, log->start, log->end), i < 3 ? i : 3);
        }
    }
    assert_str(contents(&f->room->history[WIRE_LINE]),
               STR("#cats ann: m48\n#cats ann: m49\n#cats ann: m50\n"));
}

static void without_history_nothing_is_kept(void **state)
{
    struct fixture *f = *state;
    listen_in_all(f->room);
    assert_int_equal(post(f->room, "one", 0), 0);
    assert_int_equal(lines(&f->room->history[WIRE_LINE]), 0);
    assert_int_equal(lines(&f->room->live[WIRE_LINE]), 1);
}

static void a_replay_under_way_keeps_what_it_reads(void **state)
{
    struct fixture *f = *state;
    struct room_log *log = &f->room->history[WIRE_LINE];
    for (int i = 0; i < 3; i++)
        assert_int_equal(post(f->room, "old", 3), 0);
    log->readers++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(post(f->room, "new", 3), 0);
    assert_int_equal(log->start, 0);
    assert_int_equal(lines(log), 13);
    assert_int_equal(lines(&f->room->history[WIRE_JSON]), 3);
    log->readers--;
    assert_int_equal(post(f->room, "last", 3), 0);
    assert_int_equal(lines(log), 3);
}

static void a_room_that_keeps_up_needs_no_new_memory(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(post(f->room, "warm", 20), 0);
    size_t allocated = unit_alloc_count();
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(post(f->room, "steady", 20), 0);
        for (int w = 0; w < WIRE_COUNT; w++)
            room_log_drop(&f->room->live[w], f->room->live[w].end);
    }
    assert_true(unit_alloc_count() - allocated <= 4);
}

/* ---- no memory ------------------------------------------------------------------------------ */

static void assert_unchanged(const struct room *room, const struct room *before)
{
    assert_int_equal(room->number, before->number);
    for (int w = 0; w < WIRE_COUNT; w++) {
        assert_int_equal(room->live[w].end, before->live[w].end);
        assert_int_equal(room->history[w].start, before->history[w].start);
        assert_int_equal(room->history[w].end, before->history[w].end);
    }
}

/* What the history says it holds is what it holds: a replay announces that many messages. */
static void assert_history_has_no_holes(const struct room *room, size_t most)
{
    for (int w = 0; w < WIRE_COUNT; w++) {
        const struct room_log *log = &room->history[w];
        size_t n = lines(log);
        assert_true(n <= most);
        assert_int_equal(room_log_count(log, log->start, log->end), n);
        assert_int_equal(n, lines(&room->history[0]));
    }
}

/* Nor is there memory left over from what did not happen. */
static void assert_empty_logs_are_bare(const struct room *room)
{
    for (int w = 0; w < WIRE_COUNT; w++) {
        assert_true(room->live[w].start != room->live[w].end || !room->live[w].first);
        assert_true(room->history[w].start != room->history[w].end || !room->history[w].first);
    }
}

/* Records large enough that every post takes segments for each of its four logs. */
static void without_memory_a_post_never_happened(void **state)
{
    enum { HISTORY = 4 };
    struct fixture *f = *state;
    char text[5000];
    int failures = 0;
    listen_in_all(f->room);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int round = 0; round < 40; round++) {
        struct room before = *f->room;
        unit_alloc_fail_at(round % 8);
        int rc = post(f->room, text, HISTORY);
        bool failed = unit_alloc_failed();
        unit_alloc_fail_at(-1);
        assert_int_equal(rc, failed ? -ENOMEM : 0);
        if (failed)
            assert_unchanged(f->room, &before);
        assert_empty_logs_are_bare(f->room);
        failures += failed;
        assert_history_has_no_holes(f->room, HISTORY);
        if (round % 5 == 0)
            room_log_drop(&f->room->live[WIRE_LINE], f->room->live[WIRE_LINE].end);
    }
    assert_true(failures > 10);
    assert_int_equal(post(f->room, "after", HISTORY), 0);
    assert_int_equal(lines(&f->room->live[WIRE_JSON]), f->room->number);
}

static void without_memory_there_is_no_room(void **state)
{
    struct fixture *f = *state;
    unit_alloc_fail_at(0);
    assert_null(room_new(STR("#dogs"), 4, &f->pools));
    unit_alloc_fail_at(-1);
}

static void without_memory_nobody_is_added(void **state)
{
    struct fixture *f = *state;
    for (uint64_t handle = 0; handle < 100; handle++) {
        unit_alloc_fail_at(0);
        int index = room_add(f->room, handle, WIRE_LINE);
        bool failed = unit_alloc_failed();
        unit_alloc_fail_at(-1);
        assert_int_equal(index, failed ? -ENOMEM : (int)handle);
        if (failed)
            assert_int_equal(room_add(f->room, handle, WIRE_LINE), handle);
        assert_int_equal(f->room->members[0].handle, 0);
    }
}

/* ---- members -------------------------------------------------------------------------------- */

static void a_member_hears_what_comes_after_it(void **state)
{
    struct fixture *f = *state;
    listen_in_all(f->room);
    assert_int_equal(post(f->room, "before", 0), 0);
    int a = room_add(f->room, 70, WIRE_LINE);
    int b = room_add(f->room, 71, WIRE_JSON);
    assert_int_equal(a, 2);
    assert_int_equal(b, 3);
    const struct member *m = f->room->members;
    assert_int_equal(m[a].cursor, f->room->live[WIRE_LINE].end);
    assert_int_equal(m[b].cursor, f->room->live[WIRE_JSON].end);
    assert_int_not_equal(m[a].cursor, m[b].cursor);
    assert_int_equal(m[b].handle, 71);
    assert_int_equal(m[b].flags, 0);
    assert_int_equal(m[b].skipped, 0);
    assert_int_equal(sizeof *m, 24);
}

static void what_nobody_hears_is_not_encoded(void **state)
{
    struct fixture *f = *state;
    const struct room_log *json = &f->room->live[WIRE_JSON];
    assert_int_equal(room_add(f->room, 70, WIRE_LINE), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(post(f->room, "in lines", 2), 0);
    assert_int_equal(lines(&f->room->live[WIRE_LINE]), 3);
    assert_int_equal(lines(json), 0);
    assert_int_equal(lines(&f->room->history[WIRE_JSON]), 2); /* for those to come */

    room_set_wire(f->room, 0, WIRE_JSON);
    uint64_t from = f->room->members[0].cursor;
    assert_int_equal(from, json->end);
    assert_int_equal(post(f->room, "in JSON", 2), 0);
    assert_int_equal(lines(json), 1);
    assert_int_equal(room_log_count(json, from, json->end), 1); /* what was missed is no gap */
    assert_int_equal(lines(&f->room->live[WIRE_LINE]), 4);      /* it is not empty yet */

    room_log_drop(&f->room->live[WIRE_LINE], f->room->live[WIRE_LINE].end);
    assert_int_equal(post(f->room, "more", 2), 0);
    assert_int_equal(lines(&f->room->live[WIRE_LINE]), 0);
    room_remove(f->room, 0);
    room_log_drop(&f->room->live[WIRE_JSON], json->end);
    assert_int_equal(post(f->room, "to nobody", 0), 0);
    assert_int_equal(lines(json), 0);
}

static void the_last_member_takes_the_place_of_one_that_goes(void **state)
{
    struct fixture *f = *state;
    for (uint64_t handle = 10; handle < 14; handle++)
        room_add(f->room, handle, WIRE_LINE);
    room_remove(f->room, 1);
    assert_int_equal(f->room->count, 3);
    assert_int_equal(f->room->members[1].handle, 13);
    room_remove(f->room, 2);
    room_remove(f->room, 1);
    assert_int_equal(f->room->members[0].handle, 10);
    room_remove(f->room, 0);
    assert_int_equal(room_present(f->room), 0);
}

static void ghosts_are_not_present(void **state)
{
    struct fixture *f = *state;
    for (uint64_t handle = 0; handle < 3; handle++)
        room_add(f->room, handle, WIRE_LINE);
    f->room->members[2].flags |= MEMBER_GHOST;
    f->room->ghosts++;
    assert_int_equal(room_present(f->room), 2);
    room_remove(f->room, 0); /* the ghost takes its place */
    assert_int_equal(room_present(f->room), 1);
    room_remove(f->room, 0);
    assert_int_equal(f->room->ghosts, 0);
    assert_int_equal(room_present(f->room), 1);
}

static void the_longest_name_fits(void **state)
{
    struct fixture *f = *state;
    struct room *room = room_new(STR("#1234567890123456789012345678901"), 1, &f->pools);
    assert_non_null(room);
    assert_str(room_name(room), STR("#1234567890123456789012345678901"));
    room_free(room);
}

#define ROOM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOM_TEST(a_new_room_is_empty),
        ROOM_TEST(a_message_stands_in_every_log_in_its_encoding),
        ROOM_TEST(what_is_no_message_has_no_number_and_no_history),
        ROOM_TEST(the_history_keeps_the_last_messages),
        ROOM_TEST(without_history_nothing_is_kept),
        ROOM_TEST(a_replay_under_way_keeps_what_it_reads),
        ROOM_TEST(a_room_that_keeps_up_needs_no_new_memory),
        ROOM_TEST(without_memory_a_post_never_happened),
        ROOM_TEST(without_memory_there_is_no_room),
        ROOM_TEST(without_memory_nobody_is_added),
        ROOM_TEST(what_nobody_hears_is_not_encoded),
        ROOM_TEST(a_member_hears_what_comes_after_it),
        ROOM_TEST(the_last_member_takes_the_place_of_one_that_goes),
        ROOM_TEST(ghosts_are_not_present),
        ROOM_TEST(the_longest_name_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
