/* The hub and its sessions: input that waits and goes on, coming and going. */
#include "hub_fixture.h"

static struct world w;

static void open_world(void)
{
    struct hub_limits limits = world_limits();
    world_open(&w, &limits);
}

/* ---- input that waits ----------------------------------------------------------------------- */

/* A client that floods is read no faster than what it says can be flushed. */
static void a_flood_is_held_in_the_kernel_not_here(void **state)
{
    struct client *c[2];
    char lines[60000];
    (void)state;
    open_world();
    world_clients(&w, c, 2);
    for (size_t i = 0; i < sizeof lines; i += 2)
        memcpy(lines + i, "x\n", 2);
    for (int n = 0; n < 50; n++) {
        netpoll_fake_write(c[0]->peer, lines, sizeof lines);
        world_turn(&w);
        client_forget(c[1]);
        assert_true(client_conn(c[0])->frame.size <= 128 << 10);
    }
    world_settle(&w);
    assert_int_equal(world_stats(&w)->messages, 50 * sizeof lines / 2);
    assert_int_equal(world_stats(&w)->gaps, 0);
    world_close(&w);
}

static void a_full_turn_comes_round_to_everybody(void **state)
{
    struct client *c[4];
    char lines[60000];
    (void)state;
    open_world();
    world_clients(&w, c, 4);
    for (size_t i = 0; i < sizeof lines; i += 2)
        memcpy(lines + i, "x\n", 2);
    for (size_t i = 0; i < 3; i++) {
        for (int n = 0; n < 5; n++)
            netpoll_fake_write(c[i]->peer, lines, sizeof lines);
    }
    world_turn(&w);
    for (int n = 0; n < 40; n++) {
        world_turn(&w);
        for (size_t i = 0; i < 4; i++)
            client_heard(c[i]);
    }
    size_t said[3] = {client_count(c[3], "client-1: x\n"), client_count(c[3], "client-2: x\n"),
                      client_count(c[3], "client-3: x\n")};
    for (size_t i = 0; i < 3; i++)
        assert_in_range(said[i], (said[0] + said[1] + said[2]) / 6, SIZE_MAX);
    world_close(&w);
}

/* ---- dead connections ----------------------------------------------------------------------- */

/* The send fails, but much of its input is still to be read: it is, and then it is closed. */
static void a_dead_connection_with_much_input_is_heard_and_closed(void **state)
{
    struct client *c[2];
    (void)state;
    open_world();
    world_clients(&w, c, 2);
    for (int n = 0; n < 70000; n++) /* more than is read in a turn */
        netpoll_fake_write(c[0]->peer, "\n", 1);
    for (int n = 0; n < 9000; n++)
        netpoll_fake_write(c[0]->peer, "/nick\n", 6);
    netpoll_fake_write(c[0]->peer, "last\n", 5);
    client_say(c[1], "hello");
    netpoll_fake_reset(c[0]->peer);
    world_settle(&w);
    assert_heard(c[1], "client-1: last\n");
    assert_null(client_conn(c[0]));
    world_close(&w);
}

/* ---- logs ----------------------------------------------------------------------------------- */

static void a_laggard_that_catches_up_frees_the_log_of_an_idle_room(void **state)
{
    struct client *c[3];
    (void)state;
    open_world();
    world_clients(&w, c, 3);
    client_stall(c[1], 3);
    for (int n = 0; n < 1000; n++)
        client_say(c[0], "message %d", n);
    world_settle(&w);
    assert_true(world_log_bytes(&w) > 0);
    client_resume(c[1]);
    world_settle(&w);
    assert_int_equal(client_count(c[1], "message "), 1000);
    assert_int_equal(world_log_bytes(&w), 0);
    world_close(&w);
}

static void a_laggard_that_goes_frees_the_log_of_an_idle_room(void **state)
{
    struct client *c[3];
    (void)state;
    open_world();
    world_clients(&w, c, 3);
    client_stall(c[1], 3);
    client_say(c[0], "hello");
    world_settle(&w);
    assert_true(world_log_bytes(&w) > 0);
    client_reset(c[1]);
    world_settle(&w);
    assert_int_equal(world_log_bytes(&w), 0);
    world_close(&w);
}

/* ---- rooms ---------------------------------------------------------------------------------- */

static void who_may_not_enter_is_not_announced(void **state)
{
    struct client *c[2];
    struct hub_limits limits = world_limits();
    (void)state;
    limits.presence_max = 100;
    world_open(&w, &limits);
    world_clients(&w, c, 2);
    for (int r = 1; r < 64; r++)
        client_say(c[0], "/join #r%d", r);
    client_say(c[1], "/join #x");
    world_hush(&w);
    client_say(c[0], "/join #x");
    world_settle(&w);
    assert_heard(c[0], "! You are in 64 rooms: /part one first.\n");
    assert_heard(c[1], "");
    world_close(&w);
}

static void a_burst_of_private_lines_reaches_who_reads(void **state)
{
    struct client *c[2];
    (void)state;
    open_world();
    world_clients(&w, c, 2);
    for (int n = 0; n < 5000; n++)
        client_say(c[0], "/msg client-2 number %d", n);
    world_settle(&w);
    assert_heard(c[0], "");
    assert_int_equal(client_count(c[1], "@client-1: number "), 5000);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_is_held_in_the_kernel_not_here),
        cmocka_unit_test(a_full_turn_comes_round_to_everybody),
        cmocka_unit_test(a_dead_connection_with_much_input_is_heard_and_closed),
        cmocka_unit_test(a_laggard_that_catches_up_frees_the_log_of_an_idle_room),
        cmocka_unit_test(a_laggard_that_goes_frees_the_log_of_an_idle_room),
        cmocka_unit_test(who_may_not_enter_is_not_announced),
        cmocka_unit_test(a_burst_of_private_lines_reaches_who_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
