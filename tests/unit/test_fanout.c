/* The flush: who hears what, in which order, at every size of a short send, in slices. */
#include "hub_fixture.h"

static struct world w;

static void open_world(void)
{
    struct hub_limits limits = world_limits();
    world_open(&w, &limits);
}

/* ---- slices --------------------------------------------------------------------------------- */

static void two_rooms_that_are_both_cut_off_are_both_served_to_the_end(void **state)
{
    struct client *c[8];
    (void)state;
    open_world();
    world_clients(&w, c, COUNT_OF(c));
    for (size_t i = 4; i < 8; i++)
        client_say(c[i], "/join #b");
    for (size_t i = 4; i < 8; i++)
        client_say(c[i], "/part #lobby");
    world_hush(&w);
    for (size_t i = 4; i < 8; i++) {
        client_say(c[i], "/part #lobby");
        world_hush(&w);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_rooms_that_are_both_cut_off_are_both_served_to_the_end),
        cmocka_unit_test(a_member_of_many_busy_rooms_keeps_up_in_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
