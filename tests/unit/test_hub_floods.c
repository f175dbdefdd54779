/* Floods, and how long those wait who have no part in them: what is taken in between two flushes.
 */
#include "hub_fixture.h"

static struct world w;

/* Every share of a turn is over as soon as the clock is looked at. */
static void open_world(struct client **c, size_t n)
{
    struct hub_limits limits = world_limits();
    world_open(&w, &limits);
    world_clients(&w, c, n);
    w.server->hub.taken_max_ns = 0;
}

/* Commands post nothing, but they take their time. */
static void start_storm(const struct client *c, size_t lines)
{
    for (size_t n = 0; n < lines; n++)
        netpoll_fake_write(c->peer, "/ping x\n", 8);
}

static void who_says_one_line_does_not_wait_for_thousands(void **state)
{
    enum { LINES = 3000 };
    struct client *c[4];
    (void)state;
    open_world(c, 4);
    start_storm(c[0], LINES);
    start_storm(c[1], LINES);
    netpoll_fake_write(c[2]->peer, "hello\n", 6);
    for (int turn = 0; turn < 6; turn++)
        world_turn(&w);
    assert_int_equal(client_count(c[3], "client-3: hello\n"), 1);
    assert_in_range(client_count(c[0], "* pong x\n"), 0, 50);
    world_settle(&w);
    assert_int_equal(client_count(c[0], "* pong x\n"), LINES);
    world_close(&w);
}

/* Whatever filled the turn: it is heard with the flush of this one, not with that of the next. */
static void who_says_one_line_need_not_wait_for_a_flush(void **state)
{
    enum { LINES = 3000 };
    struct client *c[4];
    (void)state;
    open_world(c, 4);
    world_hush(&w);
    start_storm(c[0], LINES);
    start_storm(c[1], LINES);
    netpoll_fake_write(c[2]->peer, "hello\n", 6);
    world_turn(&w);
    assert_int_equal(client_count(c[3], "client-3: hello\n"), 1);
    world_close(&w);
}

/* What is kept for them is not without end. */
static void a_crowd_that_says_one_line_each_makes_no_long_turn(void **state)
{
    enum { CROWD = 200, TURN_MAX = 16 };
    static struct client *c[CROWD + 1];
    (void)state;
    open_world(c, CROWD + 1);
    start_storm(c[0], 100);
    for (int i = 1; i <= CROWD; i++)
        start_storm(c[i], 1);
    uint64_t before = world_stats(&w)->commands;
    world_turn(&w);
    assert_in_range(world_stats(&w)->commands - before, 1, TURN_MAX);
    world_settle(&w);
    for (int i = 0; i <= CROWD; i++)
        assert_int_equal(client_count(c[i], "* pong x\n"), i == 0 ? 100 : 1);
    world_close(&w);
}

/* Those who have more to say than a share wait for those who come with a line. */
static void who_comes_new_does_not_wait_for_a_crowd(void **state)
{
    enum { STORMS = 40, LINES = 500 };
    struct client *c[STORMS + 3];
    (void)state;
    open_world(c, STORMS + 3);
    for (int i = 0; i < STORMS; i++)
        start_storm(c[i], LINES);
    for (int turn = 0; turn < 5; turn++)
        world_turn(&w);
    start_storm(c[STORMS], LINES); /* which takes the time that there is before the flush */
    netpoll_fake_write(c[STORMS + 1]->peer, "hello\n", 6);
    for (int turn = 0; turn < 5; turn++)
        world_turn(&w);
    assert_int_equal(client_count(c[STORMS + 2], ": hello\n"), 1);
    for (int turn = 0; turn < 2 * STORMS; turn++)
        world_turn(&w);
    for (int i = 0; i < STORMS; i++)
        assert_in_range(client_count(c[i], "* pong x\n"), 1, LINES);
    world_close(&w);
}

static void open_storms(struct client **c, size_t n, size_t lines)
{
    open_world(c, n);
    for (size_t i = 0; i < n; i++)
        start_storm(c[i], lines);
}

/* However many they are: together they do not make a long turn. */
static void a_crowd_of_storms_makes_no_long_turns(void **state)
{
    enum { STORMS = 40, LINES = 500, TURN_MAX = 16 };
    struct client *c[STORMS];
    (void)state;
    open_storms(c, STORMS, LINES);
    for (int turn = 0; turn < 2 * STORMS; turn++) {
        uint64_t before = world_stats(&w)->commands;
        world_turn(&w);
        assert_in_range(world_stats(&w)->commands - before, 0, TURN_MAX);
    }
    for (int i = 0; i < STORMS; i++)
        assert_in_range(client_count(c[i], "* pong x\n"), 1, LINES);
    world_close(&w);
}

/* Nor do the copies of what is posted to a room with many members. */
static void what_is_due_to_many_fills_a_turn(void **state)
{
    enum { MEMBERS = 100, LINES = 2000 };
    static struct client *c[MEMBERS];
    static char text[1 << 20];
    size_t size = 0;
    (void)state;
    open_world(c, MEMBERS);
    w.server->hub.taken_max_ns = UINT64_MAX;
    for (int n = 0; n < LINES; n++)
        size += (size_t)sprintf(text + size, "%0200d\n", n);
    netpoll_fake_write(c[0]->peer, text, size);
    while (world_stats(&w)->messages < LINES) {
        uint64_t before = world_stats(&w)->messages;
        world_turn(&w);
        assert_in_range((world_stats(&w)->messages - before) * 211 * (MEMBERS - 1), 0,
                        2 * HUB_DUE_MAX + 2 * 211 * MEMBERS);
    }
    world_close(&w);
}

/* There is nobody to answer any more; those who are still there need not wait for it. */
static void storms_that_break_off_make_no_long_turns(void **state)
{
    enum { STORMS = 40, LINES = 500, TURN_MAX = 16 };
    struct client *c[STORMS];
    (void)state;
    open_storms(c, STORMS, LINES);
    world_turn(&w);
    uint64_t before = world_stats(&w)->commands;
    for (int i = 0; i < STORMS; i++)
        client_reset(c[i]);
    world_turn(&w);
    assert_in_range(world_stats(&w)->commands - before, 1, TURN_MAX);
    world_settle(&w);
    assert_int_equal(world_stats(&w)->clients, 0);
    world_close(&w);
}

/* What a dead connection has said is heard as far as a turn has room. */
static void the_dead_do_not_keep_the_living_waiting(void **state)
{
    enum { LINES = 8000 };
    struct client *c[2];
    (void)state;
    open_world(c, 2);
    start_storm(c[0], LINES);
    world_turn(&w);
    netpoll_fake_reset(c[0]->peer);
    uint64_t before = world_stats(&w)->commands;
    unsigned turns = world_settle(&w);
    assert_in_range(turns, 1, 20);
    assert_in_range(world_stats(&w)->commands - before, 1, LINES / 10);
    assert_null(client_conn(c[0]));
    assert_int_equal(world_stats(&w)->broken, 1);
    world_close(&w);
}

/* A member of all of them is flushed once, not once for each. */
static void a_talk_does_not_wait_for_many_rooms_with_one_member(void **state)
{
    enum { ROOMS = 60, SLICE = 8 };
    struct client *c[ROOMS + 3];
    struct client **pair = c + ROOMS + 1;
    (void)state;
    open_world(c, ROOMS + 3);
    w.server->hub.taken_max_ns = UINT64_MAX;
    for (int i = 0; i <= ROOMS; i++) {
        client_say(i < ROOMS ? c[i] : pair[0], "/join #r%d", i);
        client_say(i < ROOMS ? c[ROOMS] : pair[1], "/join #r%d", i);
        client_say(i < ROOMS ? c[i] : pair[0], "/part #lobby");
    }
    client_say(pair[1], "/part #lobby");
    world_hush(&w);
    w.server->fanout.slice = SLICE;
    for (int i = 0; i < ROOMS; i++)
        client_say(c[i], "hello");
    client_say(pair[0], "are you there?");
    world_turn(&w);
    assert_int_equal(client_count(pair[1], "are you there?\n"), 1);
    world_settle(&w);
    assert_int_equal(client_count(c[ROOMS], ": hello\n"), ROOMS);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_says_one_line_does_not_wait_for_thousands),
        cmocka_unit_test(who_says_one_line_need_not_wait_for_a_flush),
        cmocka_unit_test(a_crowd_that_says_one_line_each_makes_no_long_turn),
        cmocka_unit_test(who_comes_new_does_not_wait_for_a_crowd),
        cmocka_unit_test(a_crowd_of_storms_makes_no_long_turns),
        cmocka_unit_test(what_is_due_to_many_fills_a_turn),
        cmocka_unit_test(storms_that_break_off_make_no_long_turns),
        cmocka_unit_test(a_talk_does_not_wait_for_many_rooms_with_one_member),
        cmocka_unit_test(the_dead_do_not_keep_the_living_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
