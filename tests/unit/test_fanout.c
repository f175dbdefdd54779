/* The flush: who hears what, in which order, at every size of a short send, in slices. */
#include "hub_fixture.h"

#include <stdlib.h>
#include <sys/resource.h>

static struct world w;

static void open_world(void)
{
    struct hub_limits limits = world_limits();
    world_open(&w, &limits);
}

/* ---- order ---------------------------------------------------------------------------------- */

static void all_hear_the_same_in_the_same_order_but_not_themselves(void **state)
{
    struct client *c[4];
    (void)state;
    open_world();
    world_clients(&w, c, 4);
    client_say(c[3], "/wire json");
    world_hush(&w);
    client_say(c[0], "one");
    client_say(c[1], "two");
    client_say(c[0], "three");
    client_say(c[2], "four");
    client_say(c[0], "/me five");
    client_say(c[1], "six");
    world_turn(&w);
    assert_heard(c[0], "client-2: two\nclient-3: four\nclient-2: six\n");
    assert_heard(c[1], "client-1: one\nclient-1: three\nclient-3: four\nclient-1 * five\n");
    assert_heard(c[2], "client-1: one\nclient-2: two\nclient-1: three\nclient-1 * five\n"
                       "client-2: six\n");
    const char *at = client_heard(c[3]);
    for (int seq = 1; seq <= 6; seq++) {
        char mark[16];
        snprintf(mark, sizeof mark, "\"seq\":%d,", seq);
        at = strstr(at, mark);
        assert_non_null(at);
    }
    world_close(&w);
}

static void private_lines_keep_their_place_among_room_lines(void **state)
{
    struct client *c[3];
    (void)state;
    open_world();
    world_clients(&w, c, 3);
    client_say(c[1], "b1");
    client_say(c[2], "/msg client-1 p1");
    client_say(c[1], "b2");
    client_say(c[0], "mine");
    client_say(c[0], "/ping x");
    client_say(c[1], "b3");
    client_say(c[0], "mine too");
    client_say(c[1], "b4");
    world_turn(&w);
    assert_heard(c[0], "client-2: b1\n@client-3: p1\nclient-2: b2\n* pong x\nclient-2: b3\n"
                       "client-2: b4\n");
    assert_heard(c[2], "client-2: b1\nclient-2: b2\nclient-1: mine\nclient-2: b3\n"
                       "client-1: mine too\nclient-2: b4\n");
    world_close(&w);
}

static void private_lines_keep_their_place_among_lines_of_several_rooms(void **state)
{
    struct client *c[3];
    (void)state;
    open_world();
    world_clients(&w, c, 3);
    for (int i = 0; i < 3; i++)
        client_say(c[i], "/join #r");
    client_say(c[1], "/join #lobby");
    world_hush(&w);
    client_say(c[2], "r1");
    client_say(c[1], "l1");
    client_say(c[0], "/ping x");
    client_say(c[2], "r2");
    client_say(c[1], "l2");
    client_say(c[1], "/msg client-1 p");
    client_say(c[2], "r3");
    world_turn(&w);
    assert_heard(c[0], "client-2: l1\n#r client-3: r1\n* pong x\n"
                       "client-2: l2\n#r client-3: r2\n@client-2: p\n#r client-3: r3\n");
    world_close(&w);
}

static void a_change_of_nick_is_told_in_every_room_in_its_place(void **state)
{
    struct client *c[2];
    (void)state;
    struct hub_limits limits = world_limits();
    limits.presence_max = 100;
    world_open(&w, &limits);
    world_clients(&w, c, 2);
    for (int i = 0; i < 2; i++)
        client_say(c[i], "/join #r");
    world_hush(&w);
    client_say(c[1], "r1");
    client_say(c[0], "mine");
    client_say(c[0], "/nick ann");
    client_say(c[1], "r2");
    client_say(c[0], "mine too");
    world_turn(&w);
    assert_heard(c[0], "#r client-2: r1\n* You are now known as ann.\n#r client-2: r2\n");
    assert_heard(c[1], "#r client-1: mine\n* client-1 is now known as ann\n"
                       "* client-1 is now known as ann\n#r ann: mine too\n");
    world_close(&w);
}

/* ---- short sends ---------------------------------------------------------------------------- */

struct shape {
    int rooms; /* that the slow reader is in, with the lobby */
    bool json;
};

/* `c[0]` hears it; private lines stand between the rooms, so that there is one right order. */
static void converse(struct client **c, int rooms)
{
    client_say(c[1], "one");
    client_say(c[2], "two");
    client_say(c[1], "/msg client-1 secret");
    client_say(c[0], "mine");
    client_say(c[2], "three");
    world_turn(&w);
    for (int r = 1; r < rooms; r += 21) {
        client_say(c[0], "/ping %d", r);
        client_say(c[1], "/join #r%d", r);
        client_say(c[1], "four %d", r);
    }
    client_say(c[0], "/ping end");
    world_turn(&w);
    client_say(c[0], "/history 3");
    client_say(c[2], "five");
    client_say(c[0], "mine too");
    client_say(c[2], "six");
    world_turn(&w);
}

static void open_shape(struct client **c, const struct shape *shape)
{
    struct hub_limits limits = world_limits();
    limits.history = 20;
    world_open(&w, &limits);
    world_clients(&w, c, 3);
    for (int r = 1; r < shape->rooms; r++)
        client_say(c[0], "/join #r%d", r);
    for (int r = 1; r < shape->rooms; r += 21)
        client_say(c[1], "/join #r%d", r);
    client_say(c[0], "/join #lobby");
    client_say(c[1], "/join #lobby");
    if (shape->json)
        client_say(c[0], "/wire json");
    world_hush(&w);
}

/* JSON without the times, which differ. */
static void forget_times(char *text)
{
    static const char key[] = "\"time\":\"";
    for (char *at = text; (at = strstr(at, key)); at += sizeof key)
        memset(at + strlen(key), '0', strlen("2026-11-23T10:15:30.123Z"));
}

static char *heard_copy(struct client *c)
{
    char *copy = strdup(client_heard(c));
    assert_non_null(copy);
    forget_times(copy);
    return copy;
}

/* The socket takes `cut` bytes, and then sips of `sip`. */
static void hear_in_sips(struct client *c, const struct shape *shape, size_t sip)
{
    struct client *others[3] = {c};
    memcpy(others, w.clients, sizeof others);
    converse(others, shape->rooms);
    for (size_t before = SIZE_MAX; c->size != before;) {
        before = c->size;
        client_heard(c);
        client_stall(c, sip);
        world_settle(&w);
        client_heard(c);
    }
}

static void every_cut(const struct shape *shape)
{
    struct client *c[3];
    open_shape(c, shape);
    converse(c, shape->rooms);
    world_settle(&w);
    char *right = heard_copy(c[0]);
    size_t size = strlen(right);
    world_close(&w);
    assert_true(size > 100);
    for (size_t cut = 0; cut <= size; cut++) {
        open_shape(c, shape);
        client_stall(c[0], cut);
        hear_in_sips(c[0], shape, cut % 97 + 1);
        char *heard = heard_copy(c[0]);
        assert_string_equal(heard, right);
        free(heard);
        assert_int_equal(world_stats(&w)->gaps, 0);
        world_close(&w);
    }
    free(right);
}

static void a_send_may_fall_short_at_every_byte_in_one_room(void **state)
{
    (void)state;
    every_cut(&(struct shape){1, false});
    every_cut(&(struct shape){1, true});
}

static void a_send_may_fall_short_at_every_byte_in_two_rooms(void **state)
{
    (void)state;
    every_cut(&(struct shape){2, false});
    every_cut(&(struct shape){2, true});
}

static void a_send_may_fall_short_at_every_byte_in_64_rooms(void **state)
{
    (void)state;
    every_cut(&(struct shape){64, false});
    every_cut(&(struct shape){64, true});
}

/* ---- barriers ------------------------------------------------------------------------------- */

/* The messages "m1" ... of #r: each once, in order, as lines before `wire`, as JSON behind it, none
 * after `part`. Returns the last. */
static int check_barriers(const char *heard, const char *wire, const char *part)
{
    int last = 0;
    for (const char *at = heard; *at; at = strchr(at, '\n') + 1) {
        int n;
        bool json = *at == '{';
        const char *text = json ? strstr(at, ",\"text\":\"m") : at;
        if (!text || text > strchr(at, '\n') ||
            (json ? sscanf(text, ",\"text\":\"m%d", &n) : sscanf(text, "#r client-2: m%d", &n)) !=
                1)
            continue;
        assert_int_equal(n, ++last);
        assert_int_equal(json, at > wire);
        assert_true(at < part);
    }
    return last;
}

/* A new encoding, and a room that is left, at every byte of what is due before. */
static void barriers_hold_at_every_cut(void **state)
{
    struct client *c[2];
    (void)state;
    for (size_t cut = 0; cut < 420; cut++) {
        open_world();
        world_clients(&w, c, 2);
        client_say(c[0], "/join #r");
        client_say(c[1], "/join #r");
        world_hush(&w);
        client_stall(c[0], cut);
        for (int n = 1; n <= 9; n++) {
            client_say(c[1], "m%d", n);
            if (n == 3)
                client_say(c[0], "/wire json");
            if (n == 6)
                client_say(c[0], "/part #r");
            if (n % 2)
                world_turn(&w);
        }
        client_say(c[0], "/ping end");
        client_resume(c[0]);
        world_settle(&w);
        const char *heard = client_heard(c[0]);
        const char *wire = strstr(heard, "{\"type\":\"welcome\"");
        const char *part = strstr(heard, "{\"type\":\"part\"");
        assert_true(wire && part && wire < part && strstr(part, "\"token\":\"end\""));
        assert_in_range(check_barriers(heard, wire, part), 6, 9);
        assert_int_equal(client_conn(c[0])->link_count, 1);
        world_close(&w);
    }
}

/* ---- slices --------------------------------------------------------------------------------- */

/* Out of the lobby: afterwards they are in one room, as before. */
static void move_to_b(struct client **c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        client_say(c[i], "/join #b");
        world_settle(&w);
        client_say(c[i], "/part #lobby");
    }
    world_hush(&w);
}

static void two_rooms_that_are_both_cut_off_are_both_served_to_the_end(void **state)
{
    struct client *c[8];
    (void)state;
    open_world();
    world_clients(&w, c, COUNT_OF(c));
    move_to_b(&c[4], 4);
    w.server->fanout.slice = 2;
    for (int n = 0; n < 5; n++) {
        client_say(c[0], "a%d", n);
        world_turn(&w);
        client_say(c[4], "b%d", n);
    }
    world_settle(&w);
    for (size_t i = 1; i < 4; i++)
        assert_heard(c[i],
                     "client-1: a0\nclient-1: a1\nclient-1: a2\nclient-1: a3\nclient-1: a4\n");
    for (size_t i = 5; i < 8; i++)
        assert_heard(c[i], "#b client-5: b0\n#b client-5: b1\n#b client-5: b2\n#b client-5: b3\n"
                           "#b client-5: b4\n");
    world_close(&w);
}

/* Slow members at the front had their turn in an earlier slice; then something new was said. */
static void who_was_flushed_in_an_earlier_slice_hears_what_was_said_between(void **state)
{
    struct client *c[8];
    (void)state;
    open_world();
    world_clients(&w, c, COUNT_OF(c));
    for (int i = 0; i < 2; i++)
        client_say(c[i], "/join #b"); /* in two rooms: flushed by themselves */
    world_hush(&w);
    w.server->fanout.slice = 2;
    client_say(c[7], "one");
    world_turn(&w);
    client_say(c[7], "two");
    world_settle(&w);
    for (size_t i = 0; i < 7; i++)
        assert_heard(c[i], "client-8: one\nclient-8: two\n");
    assert_int_equal(world_log_bytes(&w), 0);
    world_close(&w);
}

enum { CROWD = 60 };

/* Members go while the flush of their room is under way: others take their places in the array. */
static void members_may_go_and_come_between_slices(void **state)
{
    struct client *c[CROWD];
    (void)state;
    for (int gone = 1; gone < CROWD; gone++) {
        open_world();
        world_clients(&w, c, CROWD);
        w.server->fanout.slice = 7;
        client_say(c[0], "one");
        world_turn(&w);
        int broken = gone % (CROWD - 1) + 1;
        client_go(c[gone]);
        client_reset(c[broken]);
        world_turn(&w);
        if (gone % 2 == 0) /* nothing more is said before the last slice */
            world_settle(&w);
        client_say(c[0], "two");
        struct client *late = world_client(&w);
        client_say(c[0], "three");
        world_settle(&w);
        for (int i = 1; i < CROWD; i++) {
            if (i != gone && i != broken)
                assert_heard(c[i], "client-1: one\nclient-1: two\nclient-1: three\n");
        }
        assert_int_equal(client_count(late, "client-1: three\n"), 1);
        assert_int_equal(client_count(late, "client-1: one\n"), 0);
        world_close(&w);
    }
}

static void allow_descriptors(rlim_t n)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < n)
        limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur >= n);
}

/* What was just said in a small room is sent before the rest of what a large one is due; which gets
 * its share all the same. */
static void a_small_room_does_not_wait_for_what_was_left_over(void **state)
{
    struct client *c[20];
    (void)state;
    open_world();
    world_clients(&w, c, COUNT_OF(c));
    move_to_b(c, 2);
    w.server->fanout.slice = 4;
    client_say(c[2], "to all");
    world_turn(&w);
    for (int n = 0; n < 8; n++) {
        char heard[64];
        client_say(c[0], "b%d", n);
        world_turn(&w);
        snprintf(heard, sizeof heard, "#b client-1: b%d\n", n);
        assert_heard(c[1], heard);
    }
    assert_false(w.server->work_left);
    for (size_t i = 3; i < COUNT_OF(c); i++)
        assert_heard(c[i], "client-3: to all\n");
    world_close(&w);
}

static void a_slice_has_as_many_sends_as_its_time_allows(void **state)
{
    struct client *c[100];
    (void)state;
    open_world();
    world_clients(&w, c, COUNT_OF(c));
    world_hush(&w);
    struct fanout *f = &w.server->fanout;
    for (int n = 0; n < 20; n++) { /* as if each send took longer than a slice */
        f->slice_ns = 1;
        client_say(c[0], "slow");
        world_settle(&w);
    }
    assert_int_equal(f->slice, 64);
    for (int n = 0; n < 40; n++) { /* or next to nothing */
        f->slice_ns = UINT32_MAX;
        client_say(c[0], "fast");
        world_settle(&w);
    }
    assert_in_range(f->slice, 1000, 1024);
    world_close(&w);
}

/* With the slice that the server uses. */
static void two_people_do_not_wait_for_a_large_room(void **state)
{
    struct client *c[2500];
    (void)state;
    allow_descriptors(2 * COUNT_OF(c) + 100);
    open_world();
    world_clients(&w, c, COUNT_OF(c));
    for (size_t i = 0; i < 2; i++)
        client_say(c[i], "/join #two");
    world_hush(&w);
    client_say(c[2], "to all");
    client_say(c[0], "hello");
    world_turn(&w);
    assert_true(w.server->work_left);
    assert_heard(c[1], "client-3: to all\n#two client-1: hello\n");
    client_say(c[1], "hello yourself");
    world_turn(&w);
    assert_true(w.server->work_left);
    assert_heard(c[0], "client-3: to all\n#two client-2: hello yourself\n");
    world_settle(&w);
    for (size_t i = 3; i < COUNT_OF(c); i++)
        assert_heard(c[i], "client-3: to all\n");
    world_close(&w);
}

/* ---- what it costs -------------------------------------------------------------------------- */

/* One netpoll_send() per member, no allocation, and nobody is touched but the room. */
static void a_delivery_is_one_send_and_nothing_else(void **state)
{
    struct client *c[200];
    (void)state;
    open_world();
    world_clients(&w, c, COUNT_OF(c));
    for (int round = 0; round < 2; round++) { /* the first warms up the pools and the fake */
        uint64_t sends = netpoll_stats(w.server->np)->sends;
        size_t allocations = unit_alloc_count();
        client_bytes(c[0], "hello\n", 6);
        client_bytes(c[0], "world\n", 6);
        world_turn(&w);
        assert_int_equal(netpoll_stats(w.server->np)->sends - sends, COUNT_OF(c) - 1);
        /* One for the bytes that the test itself delivers, each time. */
        if (round > 0)
            assert_int_equal(unit_alloc_count() - allocations, 2);
        assert_int_equal(w.server->fanout.flight.count, 0);
        assert_int_equal(w.server->fanout.conns.count, 0);
        assert_false(w.server->work_left);
        for (size_t i = 1; i < COUNT_OF(c); i++)
            assert_heard(c[i], "client-1: hello\nclient-1: world\n");
    }
    world_close(&w);
}

/* In rooms with two encodings, members of both take turns. */
static void mixed_encodings_cost_a_send_each(void **state)
{
    struct client *c[40];
    (void)state;
    open_world();
    world_clients(&w, c, COUNT_OF(c));
    for (size_t i = 1; i < COUNT_OF(c); i += 2)
        client_say(c[i], "/wire json");
    world_hush(&w);
    uint64_t sends = netpoll_stats(w.server->np)->sends;
    client_say(c[0], "hello");
    world_turn(&w);
    assert_int_equal(netpoll_stats(w.server->np)->sends - sends, COUNT_OF(c) - 1);
    for (size_t i = 1; i < COUNT_OF(c); i++)
        assert_int_equal(client_count(c[i], i % 2 ? "\"text\":\"hello\"" : "client-1: hello"), 1);
    world_close(&w);
}

static void who_does_not_read_makes_nobody_spin(void **state)
{
    struct client *c[20];
    (void)state;
    open_world();
    world_clients(&w, c, COUNT_OF(c));
    client_say(c[2], "/join #r");
    world_hush(&w);
    for (size_t i = 1; i < 10; i++)
        client_stall(c[i], i);
    for (int n = 0; n < 50; n++) {
        client_say(c[0], "message");
        client_say(c[1], "/ping x");
        client_say(c[3], "/wire json");
        /* Two turns: the flush, and a look at those that fell short in it. */
        assert_in_range(world_settle(&w), 0, 4);
        uint64_t sends = netpoll_stats(w.server->np)->sends;
        for (int k = 0; k < 10; k++) {
            world_turn(&w);
            assert_false(w.server->work_left);
        }
        assert_int_equal(netpoll_stats(w.server->np)->sends, sends);
    }
    world_close(&w);
}

/* ---- many rooms ----------------------------------------------------------------------------- */

static void a_member_of_many_busy_rooms_keeps_up_in_all(void **state)
{
    struct client *c[2];
    (void)state;
    open_world();
    world_clients(&w, c, 2);
    for (int r = 1; r < 64; r++) {
        client_say(c[0], "/join #r%d", r);
        client_say(c[1], "/join #r%d", r);
    }
    world_hush(&w);
    for (int n = 0; n < 20; n++) {
        for (int r = 1; r < 64; r++) {
            client_say(c[0], "/join #r%d", r);
            client_say(c[0], "m%d.", n);
        }
        world_turn(&w);
        char last[16];
        snprintf(last, sizeof last, "m%d.", n);
        assert_int_equal(client_count(c[1], last), 63);
    }
    world_close(&w);
}

/* More is due than goes into a send, turn after turn: what was said first still comes first. */
static void busy_rooms_do_not_starve_a_quiet_one(void **state)
{
    struct client *c[2];
    (void)state;
    open_world();
    world_clients(&w, c, 2);
    for (int r = 1; r < 64; r++) {
        client_say(c[0], "/join #r%d", r);
        client_say(c[1], "/join #r%d", r);
    }
    world_hush(&w);
    w.server->fanout.slice = 1; /* one send a turn */
    client_say(c[0], "quiet");
    for (int n = 0; n < 60; n++) {
        for (int r = 1; r <= NETPOLL_IOV_MAX; r++) {
            client_say(c[0], "/join #r%d", r);
            client_say(c[0], "busy");
        }
        world_turn(&w);
        client_heard(c[1]);
    }
    assert_int_equal(client_count(c[1], "#r63 client-1: quiet\n"), 1);
    world_settle(&w);
    assert_int_equal(client_count(c[1], "busy\n"), 60 * NETPOLL_IOV_MAX);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_hear_the_same_in_the_same_order_but_not_themselves),
        cmocka_unit_test(private_lines_keep_their_place_among_room_lines),
        cmocka_unit_test(private_lines_keep_their_place_among_lines_of_several_rooms),
        cmocka_unit_test(a_change_of_nick_is_told_in_every_room_in_its_place),
        cmocka_unit_test(a_send_may_fall_short_at_every_byte_in_one_room),
        cmocka_unit_test(a_send_may_fall_short_at_every_byte_in_two_rooms),
        cmocka_unit_test(a_send_may_fall_short_at_every_byte_in_64_rooms),
        cmocka_unit_test(barriers_hold_at_every_cut),
        cmocka_unit_test(two_rooms_that_are_both_cut_off_are_both_served_to_the_end),
        cmocka_unit_test(who_was_flushed_in_an_earlier_slice_hears_what_was_said_between),
        cmocka_unit_test(members_may_go_and_come_between_slices),
        cmocka_unit_test(a_small_room_does_not_wait_for_what_was_left_over),
        cmocka_unit_test(a_slice_has_as_many_sends_as_its_time_allows),
        cmocka_unit_test(two_people_do_not_wait_for_a_large_room),
        cmocka_unit_test(a_delivery_is_one_send_and_nothing_else),
        cmocka_unit_test(mixed_encodings_cost_a_send_each),
        cmocka_unit_test(who_does_not_read_makes_nobody_spin),
        cmocka_unit_test(a_member_of_many_busy_rooms_keeps_up_in_all),
        cmocka_unit_test(busy_rooms_do_not_starve_a_quiet_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
