/* The hub and its sessions: input that waits and goes on, coming and going. */
#include "hub_fixture.h"

#include <time.h>

static struct world w;

static void open_world(void)
{
    struct hub_limits limits = world_limits();
    world_open(&w, &limits);
}

/* ---- input that waits ----------------------------------------------------------------------- */

enum { FLOOD = 60000 }; /* bytes: less than is read from one connection in a turn */

/* Lines of two bytes: in the logs, each is a hundred times that. */
static void flood(struct client *c)
{
    char lines[FLOOD];
    for (size_t i = 0; i < sizeof lines; i += 2)
        memcpy(lines + i, "x\n", 2);
    netpoll_fake_write(c->peer, lines, sizeof lines);
}

/* A client that floods is read no faster than what it says can be flushed. */
static void a_flood_is_held_in_the_kernel_not_here(void **state)
{
    struct client *c[2];
    (void)state;
    open_world();
    world_clients(&w, c, 2);
    for (int n = 0; n < 10; n++) {
        flood(c[0]);
        world_turn(&w);
        client_forget(c[1]);
        assert_true(client_conn(c[0])->frame.size <= 128 << 10);
    }
    world_settle(&w);
    assert_int_equal(world_stats(&w)->messages, 10 * FLOOD / 2);
    assert_int_equal(world_stats(&w)->gaps, 0);
    world_close(&w);
}

static void a_full_turn_comes_round_to_everybody(void **state)
{
    struct client *c[4];
    (void)state;
    open_world();
    world_clients(&w, c, 4);
    for (int n = 0; n < 9; n++)
        flood(c[n % 3]);
    for (int n = 0; n < 14; n++)
        world_turn(&w);
    size_t said[3] = {client_count(c[3], "client-1: x\n"), client_count(c[3], "client-2: x\n"),
                      client_count(c[3], "client-3: x\n")};
    for (size_t i = 0; i < 3; i++)
        assert_in_range(said[i], (said[0] + said[1] + said[2]) / 6, SIZE_MAX);
    world_close(&w);
}

/* Who waits for a moment in which all was sent gets it, however much is said meanwhile. */
static void a_barrier_is_not_starved_by_floods(void **state)
{
    struct client *c[4];
    (void)state;
    open_world();
    world_clients(&w, c, 4);
    for (int n = 0; n < 6; n++)
        flood(c[n % 2]);
    world_turn(&w);
    client_say(c[2], "/wire json");
    client_say(c[3], "/part");
    for (int n = 0; n < 4; n++)
        world_turn(&w);
    assert_int_equal(client_count(c[2], "\"type\":\"welcome\""), 1);
    assert_int_equal(client_count(c[3], "* You left #lobby."), 1);
    assert_true(client_conn(c[0])->flags & CONN_ATTEND);
    world_close(&w);
}

/* The answers stay here up to the high-water mark, the questions in the kernel. */
static void questions_wait_while_the_answers_are_not_read(void **state)
{
    struct client *c[1];
    char question[32];
    (void)state;
    open_world();
    world_clients(&w, c, 1);
    client_stall(c[0], 7);
    for (int n = 0; n < 30000; n++) {
        int size = snprintf(question, sizeof question, "/ping %d\n", n);
        netpoll_fake_write(c[0]->peer, question, (size_t)size);
    }
    world_settle(&w);
    assert_false(client_is_read(c[0]));
    assert_in_range(outq_bytes(&client_conn(c[0])->outq), HUB_OUTQ_HIGH, HUB_OUTQ_HIGH + 1000);
    assert_in_range(client_conn(c[0])->frame.size, 1, 128 << 10);
    assert_true(world_stats(&w)->commands < 10000);
    client_heard(c[0]);
    client_resume(c[0]);
    world_settle(&w);
    assert_int_equal(world_stats(&w)->commands, 30000);
    const char *at = client_heard(c[0]);
    for (int n = 0; n < 30000; n++) {
        int size = snprintf(question, sizeof question, "* pong %d\n", n);
        assert_int_equal(strncmp(at, question, (size_t)size), 0);
        at += size;
    }
    assert_int_equal(*at, '\0');
    world_close(&w);
}

/* Control characters go before anybody looks at the line: so they cannot hide what it is. */
static void a_barrier_holds_whatever_stands_in_the_command(void **state)
{
    static const char *const lines[] = {"/wi\x01re json\n", "\x7f/part\n", "/\xc2\x85part\x02\n"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct client *c[2];
        open_world();
        world_clients(&w, c, 2);
        client_stall(c[0], 5);
        client_say(c[1], "hello");
        world_turn(&w);
        client_bytes(c[0], lines[i], strlen(lines[i]));
        world_settle(&w);
        assert_true(client_conn(c[0])->flags & CONN_BARRIER);
        client_resume(c[0]);
        world_settle(&w);
        assert_int_equal(client_count(c[0], "client-2: hello\n"), 1);
        assert_int_equal(client_count(c[0], "welcome") + client_count(c[0], "You left"), 1);
        assert_int_equal(world_stats(&w)->commands, 1);
        world_close(&w);
    }
}

static void what_waits_is_heard_when_the_connection_resets(void **state)
{
    struct client *c[2];
    (void)state;
    open_world();
    world_clients(&w, c, 2);
    client_stall(c[0], 0);
    client_say(c[1], "hello");
    world_turn(&w);
    client_bytes(c[0], "/wire json\nlast words\n/me waves\nnot sa", 38);
    world_settle(&w);
    assert_true(client_conn(c[0])->flags & CONN_BARRIER);
    assert_heard(c[1], "");
    client_reset(c[0]);
    world_settle(&w);
    assert_heard(c[1], "client-1: last words\nclient-1 * waves\n");
    assert_null(client_conn(c[0]));
    world_close(&w);
}

static void what_waits_is_answered_before_the_end_of_input_counts(void **state)
{
    struct client *c[2];
    (void)state;
    open_world();
    world_clients(&w, c, 2);
    client_stall(c[0], 0);
    for (int n = 0; n < 9000; n++)
        netpoll_fake_write(c[0]->peer, "/ping\n", 6);
    netpoll_fake_write(c[0]->peer, "/wire json\n/ping end\nbye", 24);
    client_end(c[0]);
    world_settle(&w);
    assert_heard(c[1], "");
    client_resume(c[0]);
    world_settle(&w);
    assert_heard(c[1], "client-1: bye\n");
    assert_int_equal(client_count(c[0], "* pong\n"), 9000);
    assert_int_equal(client_count(c[0], "\"token\":\"end\""), 1);
    assert_true(netpoll_fake_at_end(c[0]->peer));
    assert_null(client_conn(c[0]));
    world_close(&w);
}

/* Many that flood and break off in one turn do not make laggards of those who read. */
static void floods_that_break_off_hurt_nobody(void **state)
{
    struct client *c[9];
    (void)state;
    struct hub_limits limits = world_limits();
    limits.lag_limit = 256 << 10;
    world_open(&w, &limits);
    world_clients(&w, c, 9);
    client_stall(c[8], 0); /* somebody has to lag: else nothing would be cut */
    for (size_t i = 0; i < 7; i++)
        flood(c[i]);
    world_turn(&w);
    for (size_t i = 0; i < 7; i++)
        client_reset(c[i]);
    uint64_t before = world_stats(&w)->messages;
    world_turn(&w);
    assert_in_range(world_stats(&w)->messages - before, 1, 2000); /* of 200,000 */
    assert_in_range(world_log_bytes(&w), 0, WIRE_COUNT * (256 << 10));
    world_settle(&w);
    assert_int_equal(client_count(c[7], "skipped"), 0);
    assert_int_equal(client_count(c[7], ": x\n"), world_stats(&w)->messages);
    world_close(&w);
}

/* What the kernel had handed over before the pause still comes: it queues up, and so does the end.
 */
static void what_comes_after_the_pause_waits_its_turn(void **state)
{
    struct client *c[2];
    (void)state;
    open_world();
    world_clients(&w, c, 2);
    flood(c[0]);
    world_turn(&w);
    assert_true(client_conn(c[0])->flags & CONN_ATTEND);
    netpoll_fake_inject(w.server->np, c[0]->handle, NETPOLL_FAKE_DATA);
    netpoll_fake_inject(w.server->np, c[0]->handle, NETPOLL_FAKE_END);
    world_settle(&w);
    assert_int_equal(client_count(c[1], "client-1: x\n"), FLOOD / 2);
    size_t size = strlen("client-1: injected\n");
    assert_string_equal(client_heard(c[1]) + c[1]->size - size, "client-1: injected\n");
    assert_true(netpoll_fake_at_end(c[0]->peer));
    world_close(&w);
}

/* ---- packets -------------------------------------------------------------------------------- */

static void packets_may_end_anywhere(void **state)
{
    static const char said[] = "one\n/ping x\r\n\ntwo\n/me waves\n//three\n/quit\nfour\n";
    (void)state;
    for (size_t cut = 0; cut < sizeof said; cut++) {
        struct client *c[2];
        open_world();
        world_clients(&w, c, 2);
        client_bytes(c[0], said, cut);
        if (cut % 2)
            world_turn(&w);
        client_bytes(c[0], said + cut, sizeof said - 1 - cut);
        world_settle(&w);
        assert_heard(c[0], "* pong x\n");
        assert_heard(c[1], "client-1: one\nclient-1: two\nclient-1 * waves\nclient-1: /three\n");
        assert_true(netpoll_fake_at_end(c[0]->peer));
        world_close(&w);
    }
}

static void kick(struct filter *f, const struct filter_event *e, struct filter_result *result)
{
    (void)f;
    if (!str_equal(e->text, STR("two")))
        return;
    result->verdict = FILTER_KICK;
    result->text = STR("enough");
}

static void keep(struct filter *f)
{
    (void)f;
}

static void who_is_kicked_says_nothing_more(void **state)
{
    static const struct filter_ops ops = {.on_event = kick, .free = keep};
    struct filter f = {.ops = &ops, .name = STR("kicker"), .kinds = 1 << FILTER_MESSAGE};
    struct hub_limits limits = world_limits();
    struct filter_chain *chain = filter_chain_new(limits.max_line);
    struct client *c[2];
    (void)state;
    assert_true(chain && filter_chain_add(chain, &f) == 0);
    limits.presence_max = 10;
    world_open_filtered(&w, &limits, chain);
    world_clients(&w, c, 2);
    client_say(c[1], "to you");
    client_bytes(c[0], "one\ntwo\nthree\n/ping x\n", 23);
    world_settle(&w);
    assert_heard(c[0], "client-2: to you\n! You were disconnected: enough\n");
    assert_heard(c[1], "client-1: one\n* client-1 left: kicked\n");
    assert_true(netpoll_fake_at_end(c[0]->peer));
    assert_int_equal(world_stats(&w)->clients, 1);
    world_close(&w);
}

/* Takes two milliseconds for each message. */
static void dawdle(struct filter *f, const struct filter_event *e, struct filter_result *result)
{
    struct timespec start;
    struct timespec now;
    int64_t took = 0;
    (void)f;
    (void)e;
    (void)result;
    for (clock_gettime(CLOCK_MONOTONIC, &start); took < 2000000;) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        took = (now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec;
    }
}

static const struct filter_ops dawdle_ops = {.on_event = dawdle, .free = keep};

static struct filter_chain *chain_of(struct filter *f)
{
    struct filter_chain *chain = filter_chain_new(world_limits().max_line);
    assert_true(chain && filter_chain_add(chain, f) == 0);
    return chain;
}

/* A turn ends when filters have had their time in it, at work or on probation: what was said so far
 * is sent, and who else waits has a turn. */
static void slow_filters_do_not_hold_up_what_is_due(void **state)
{
    enum { MOST = HUB_JUDGED_MAX_NS / 2000000 + 1, LINES = 10 * MOST };
    (void)state;
    for (int shadow = 0; shadow <= 1; shadow++) {
        struct filter f = {.ops = &dawdle_ops, .name = STR("slow"), .kinds = 1 << FILTER_MESSAGE};
        struct hub_limits limits = world_limits();
        struct client *c[3];
        world_open_filtered(&w, &limits, shadow ? filter_chain_new(limits.max_line) : chain_of(&f));
        if (shadow)
            w.server->hub.shadow = chain_of(&f);
        world_clients(&w, c, 3);
        for (int n = 0; n < LINES; n++)
            netpoll_fake_write(c[0]->peer, "one\n", 4);
        netpoll_fake_write(c[1]->peer, "two\n", 4);
        for (int n = 0; n < 3; n++) {
            size_t before = client_count(c[2], "one\n");
            world_turn(&w);
            assert_in_range(client_count(c[2], "one\n") - before, 0, 2 * MOST);
        }
        assert_int_equal(client_count(c[2], "client-2: two\n"), 1);
        world_settle(&w);
        assert_int_equal(client_count(c[2], "one\n"), LINES);
        world_close(&w);
    }
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

/* Its last owner was to be flushed when it went. */
static void a_slot_in_new_hands_stands_in_the_list_once(void **state)
{
    struct client *c[1];
    (void)state;
    open_world();
    world_clients(&w, c, 1);
    const struct slot_list *pending = &w.server->hub.pending;
    client_say(c[0], "/ping x");
    assert_int_equal(pending->count, 1);
    netpoll_close(w.server->np, c[0]->handle);
    struct client *next = world_connect(&w);
    assert_int_equal(netpoll_run_once(w.server->np, 0), 0); /* and no flush */
    assert_int_equal(pending->count, 1);
    assert_int_equal(pending->items[0], netpoll_slot(c[0]->handle));
    world_settle(&w);
    assert_heard(next, "* Welcome to the chat room! Your chat ID is client-2. You are the first "
                       "here.\n");
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

static void a_full_hub_says_so(void **state)
{
    struct client *c[2];
    struct hub_limits limits = world_limits();
    (void)state;
    limits.max_clients = 2;
    world_open(&w, &limits);
    world_clients(&w, c, 2);
    struct client *third = world_connect(&w);
    netpoll_fake_write(third->peer, "hello\n", 6);
    world_settle(&w);
    assert_heard(third, "! The hub is full. Try again later.\n");
    assert_heard(c[0], "");
    assert_true(netpoll_fake_at_end(third->peer));
    client_go(c[1]);
    client_go(third);
    world_settle(&w);
    assert_int_equal(world_stats(&w)->refused, 1);
    assert_int_equal(world_client(&w)->id, 3);
    world_close(&w);
}

/* ---- private lines -------------------------------------------------------------------------- */

static void who_does_not_read_gets_private_lines_up_to_a_limit(void **state)
{
    struct client *c[3];
    (void)state;
    open_world();
    world_clients(&w, c, 3);
    client_stall(c[1], 0);
    client_say(c[0], "/msg client-2 first");
    world_turn(&w);
    for (int n = 0; n < 5000; n++)
        client_say(c[0], "/msg client-2 number %d", n);
    client_say(c[0], "/msg client-3 hello");
    world_settle(&w);
    size_t refused =
        client_count(c[0], "! client-2 does not read: your message was not delivered.\n");
    assert_in_range(refused, 2500, 4500);
    assert_int_equal(world_stats(&w)->undelivered, refused);
    assert_in_range(outq_bytes(&client_conn(c[1])->outq), HUB_OUTQ_HIGH, HUB_OUTQ_HIGH + 1000);
    assert_heard(c[2], "@client-1: hello\n");
    client_resume(c[1]);
    world_settle(&w);
    assert_int_equal(client_count(c[1], "@client-1: "), 5001 - refused);
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

static void wait_for(struct world *world, unsigned seconds)
{
    for (unsigned n = 0; n < seconds; n++) {
        world->clock += 1000000000;
        world_turn(world);
    }
}

/* The search comes to everybody within twenty seconds; who was heard just in time is left alone. */
static void who_owes_an_acknowledgement_for_too_long_is_closed(void **state)
{
    enum { CROWD = 50, GONE = 33, HEARD = 44 };
    struct client *c[CROWD];
    (void)state;
    open_world();
    world_clients(&w, c, CROWD);
    netpoll_fake_silence(c[HEARD]->peer, SERVER_SILENT_MS - 1);
    netpoll_fake_silence(c[GONE]->peer, SERVER_SILENT_MS);
    wait_for(&w, SERVER_LISTEN_TURNS + 2);
    assert_null(client_conn(c[GONE]));
    assert_int_equal(world_stats(&w)->clients, CROWD - 1);
    assert_int_equal(world_stats(&w)->broken, 1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_is_held_in_the_kernel_not_here),
        cmocka_unit_test(a_full_turn_comes_round_to_everybody),
        cmocka_unit_test(a_barrier_is_not_starved_by_floods),
        cmocka_unit_test(a_barrier_holds_whatever_stands_in_the_command),
        cmocka_unit_test(questions_wait_while_the_answers_are_not_read),
        cmocka_unit_test(what_waits_is_heard_when_the_connection_resets),
        cmocka_unit_test(what_waits_is_answered_before_the_end_of_input_counts),
        cmocka_unit_test(floods_that_break_off_hurt_nobody),
        cmocka_unit_test(what_comes_after_the_pause_waits_its_turn),
        cmocka_unit_test(packets_may_end_anywhere),
        cmocka_unit_test(who_is_kicked_says_nothing_more),
        cmocka_unit_test(slow_filters_do_not_hold_up_what_is_due),
        cmocka_unit_test(who_owes_an_acknowledgement_for_too_long_is_closed),
        cmocka_unit_test(a_dead_connection_with_much_input_is_heard_and_closed),
        cmocka_unit_test(a_slot_in_new_hands_stands_in_the_list_once),
        cmocka_unit_test(a_laggard_that_catches_up_frees_the_log_of_an_idle_room),
        cmocka_unit_test(a_laggard_that_goes_frees_the_log_of_an_idle_room),
        cmocka_unit_test(who_may_not_enter_is_not_announced),
        cmocka_unit_test(a_full_hub_says_so),
        cmocka_unit_test(who_does_not_read_gets_private_lines_up_to_a_limit),
        cmocka_unit_test(a_burst_of_private_lines_reaches_who_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
