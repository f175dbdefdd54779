/* Members that do not read: what they miss, what they are told of it, and what they cost. */
#include "hub_fixture.h"

#include <inttypes.h>

enum {
    LAG = 128 << 10, /* two segments of a live log */
    SEGMENT = 64 << 10,
};

static struct world w;

static void open_world(size_t lag, uint32_t history, enum slow_policy slow)
{
    struct hub_limits limits = world_limits();
    limits.lag_limit = lag;
    limits.history = history;
    limits.slow = slow;
    world_open(&w, &limits);
}

/* Messages from `from` on, each with its number, `turn` of them in a turn. */
static void say_numbers(struct client *c, int from, int to, int turn)
{
    for (int n = from; n < to; n++) {
        client_say(c, "%d %060d", n, n);
        if (n % turn == turn - 1)
            world_turn(&w);
    }
    world_turn(&w);
}

/* ---- accounts ------------------------------------------------------------------------------- */

/* Where a reader of numbers stands. */
struct account {
    int next; /* the number that is due */
    int gaps;
    int skipped;
    int others; /* lines that are neither */
};

static bool is_message(const char *line, int *n)
{
    uint64_t id;
    const char *text = strstr(line, ",\"text\":\"");
    if (*line == '{')
        return text && sscanf(text, ",\"text\":\"%d ", n) == 1;
    return sscanf(line, "client-%" SCNu64 ": %d ", &id, n) == 2;
}

static bool is_gap(const char *line, int *n)
{
    if (sscanf(line, "{\"type\":\"gap\",\"room\":\"#lobby\",\"skipped\":%d}", n) == 1)
        return true;
    return sscanf(line, "* %d message", n) == 1 && strstr(line, " skipped: this connection reads");
}

/* Whole lines only, no number twice, none missing that was not announced just before. */
static void account_line(struct account *a, const char *line)
{
    int n;
    if (is_gap(line, &n)) {
        a->gaps++;
        a->skipped += n;
        a->next += n;
        assert_true(n > 0);
    } else if (is_message(line, &n)) {
        char padded[64];
        snprintf(padded, sizeof padded, "%060d", n);
        assert_non_null(strstr(line, padded));
        assert_int_equal(n, a->next);
        a->next++;
    } else {
        a->others++;
    }
}

static void account_all(struct account *a, struct client *c)
{
    const char *at = client_heard(c);
    const char *end;
    while ((end = strchr(at, '\n'))) {
        char line[512];
        assert_true((size_t)(end - at) < sizeof line);
        memcpy(line, at, (size_t)(end - at));
        line[end - at] = '\0';
        account_line(a, line);
        at = end + 1;
    }
    assert_int_equal(*at, '\0');
    client_forget(c);
}

/* ---- skipping ------------------------------------------------------------------------------- */

/* Whatever part of a record had gone: its rest comes first, then the gap, then what is new. */
static void a_laggard_is_told_how_many_it_missed(bool json)
{
    for (size_t cut = 0; cut < (json ? 180 : 90); cut++) {
        struct client *c[3];
        struct account a = {0};
        open_world(LAG / 8, 0, SLOW_SKIP);
        world_clients(&w, c, 3);
        if (json)
            client_say(c[1], "/wire json");
        world_hush(&w);
        client_stall(c[1], cut);
        say_numbers(c[0], 0, json ? 120 : 200, 20);
        client_resume(c[1]);
        world_settle(&w);
        say_numbers(c[0], json ? 120 : 200, 250, 20);
        world_settle(&w);
        account_all(&a, c[1]);
        assert_int_equal(a.next, 250);
        assert_int_equal(a.gaps, 1);
        assert_int_equal(a.skipped, world_stats(&w)->skipped);
        assert_int_equal(a.others, 0);
        assert_int_equal(client_count(c[2], "client-1: "), 250);
        assert_int_equal(world_log_bytes(&w), 0);
        world_close(&w);
    }
}

static void a_laggard_is_told_how_many_it_missed_in_lines(void **state)
{
    (void)state;
    a_laggard_is_told_how_many_it_missed(false);
}

static void a_laggard_is_told_how_many_it_missed_in_json(void **state)
{
    (void)state;
    a_laggard_is_told_how_many_it_missed(true);
}

/* It sips, but far too slowly: skipped again and again. */
static void skips_in_a_row_add_up(void **state)
{
    struct client *c[2];
    struct account a = {0};
    (void)state;
    open_world(LAG, 0, SLOW_SKIP);
    world_clients(&w, c, 2);
    for (int round = 0; round < 10; round++) {
        client_stall(c[1], 501);
        say_numbers(c[0], round * 3000, round * 3000 + 3000, 100);
        client_heard(c[1]);
    }
    assert_true(world_stats(&w)->gaps > 10);
    client_resume(c[1]);
    world_settle(&w);
    account_all(&a, c[1]);
    assert_int_equal(a.next, 30000);
    assert_true(a.gaps >= 9);
    assert_int_equal(a.skipped, world_stats(&w)->skipped);
    assert_int_equal(world_log_bytes(&w), 0);
    world_close(&w);
}

/* The notice stands before anything newer of the room, whatever is said to it meanwhile. */
static void private_lines_and_own_words_do_not_disturb_the_account(void **state)
{
    struct client *c[2];
    struct account a = {0};
    (void)state;
    open_world(LAG, 0, SLOW_SKIP);
    world_clients(&w, c, 2);
    client_stall(c[1], 30);
    for (int n = 0; n < 9000; n++) {
        client_say(c[0], "%d %060d", n, n);
        if (n % 700 == 350)
            client_say(c[1], "my own");
        if (n % 700 == 500)
            client_say(c[0], "/msg client-2 psst");
        if (n % 100 == 0)
            world_turn(&w);
    }
    client_resume(c[1]);
    world_settle(&w);
    account_all(&a, c[1]);
    assert_int_equal(a.next, 9000);
    assert_int_equal(a.others, 13); /* the private lines: all of them */
    assert_int_equal(a.skipped, world_stats(&w)->skipped);
    assert_true(a.gaps > 2);
    world_close(&w);
}

/* Those who read are never skipped, however small the limit and large the turn. */
static void who_reads_misses_nothing(void **state)
{
    struct client *c[12];
    (void)state;
    open_world(4096, 0, SLOW_SKIP);
    world_clients(&w, c, COUNT_OF(c));
    client_say(c[3], "/wire json");
    client_say(c[4], "/join #r");
    world_hush(&w);
    client_stall(c[1], 10);
    w.server->fanout.slice = 3;
    for (int n = 0; n < 400; n++)
        client_say(c[0], "%d %0*d", n, n % 5 ? 40 : 4000, n);
    world_settle(&w);
    for (size_t i = 2; i < COUNT_OF(c); i++) {
        assert_int_equal(client_count(c[i], i == 3 ? "\"type\":\"message\"" : "client-1: "), 400);
        assert_int_equal(client_count(c[i], i == 3 ? "\"type\":\"gap\"" : "skipped"), 0);
    }
    assert_true(world_stats(&w)->gaps > 0);
    client_resume(c[1]);
    world_settle(&w);
    world_close(&w);
}

/* ---- memory --------------------------------------------------------------------------------- */

static size_t live_segments(const struct world *world)
{
    const struct room *lobby = world->server->hub.rooms[0];
    size_t bytes = 0;
    for (int k = 0; k < WIRE_COUNT; k++)
        bytes += (lobby->live[k].end - lobby->live[k].start + 2 * SEGMENT) / SEGMENT * SEGMENT;
    return bytes;
}

static void laggards_at_many_places_cost_no_more_than_the_limit(void **state)
{
    struct client *c[12];
    (void)state;
    open_world(4 * LAG, 0, SLOW_SKIP);
    world_clients(&w, c, COUNT_OF(c));
    for (size_t i = 6; i < COUNT_OF(c); i++)
        client_say(c[i], "/wire json");
    world_hush(&w);
    for (int n = 0; n < 20000; n++) {
        client_say(c[0], "%d %060d", n, n);
        if (n % 300 == 0)
            client_stall(c[n / 300 % 10 + 1], (size_t)n % 1000);
        if (n % 1000 == 999)
            client_heard(c[n / 1000 % 10 + 1]);
        if (n % 50 == 0) {
            world_turn(&w);
            assert_in_range(live_segments(&w), 0, WIRE_COUNT * (4 * LAG + 3 * SEGMENT));
        }
    }
    assert_true(world_stats(&w)->gaps > 10);
    for (size_t i = 1; i < COUNT_OF(c); i++)
        client_resume(c[i]);
    world_settle(&w);
    assert_int_equal(world_log_bytes(&w), 0);
    assert_int_equal(world_readers(&w), 0);
    for (size_t i = 1; i < COUNT_OF(c) - 1; i++) {
        struct account a = {0};
        account_all(&a, c[i]);
        assert_int_equal(a.next, 20000);
    }
    world_close(&w);
}

/* ---- replays -------------------------------------------------------------------------------- */

/* A replay that is asked for and not read: the history moves on, and does not grow for its sake. */
static void a_replay_that_is_not_read_does_not_hold_the_history(void **state)
{
    struct client *c[3];
    struct account a = {0};
    (void)state;
    open_world(LAG, 500, SLOW_SKIP);
    world_clients(&w, c, 2);
    say_numbers(c[0], 0, 500, 100);
    world_hush(&w);
    client_stall(c[1], 100);
    client_say(c[1], "/history");
    client_say(c[1], "/part");
    world_settle(&w);
    say_numbers(c[0], 500, 9000, 100);
    const struct room_log *history = &w.server->hub.rooms[0]->history[WIRE_LINE];
    assert_in_range(history->end - history->start, 0, LAG + 2 * SEGMENT);
    client_resume(c[1]);
    world_settle(&w);
    assert_int_equal(strncmp(client_heard(c[1]), "* last 500 messages:\n", 21), 0);
    a.next = 0;
    account_all(&a, c[1]);
    assert_int_equal(a.skipped, world_stats(&w)->skipped);
    assert_int_equal(a.others, 2); /* the head of the replay, and the answer to /part */
    assert_int_equal(world_readers(&w), 0);
    struct account late = {.next = 8500};
    c[2] = world_client(&w);
    world_settle(&w);
    account_all(&late, c[2]);
    assert_int_equal(late.next, 9000);
    world_close(&w);
}

/* The history is as long as it was made to be, also while it is read and where that is more than
 * laggards may cost. */
static void a_history_longer_than_the_lag_limit_stays_whole(void **state)
{
    struct client *c[3];
    (void)state;
    open_world(16 << 10, 2000, SLOW_SKIP);
    world_clients(&w, c, 2);
    say_numbers(c[0], 0, 2000, 10);
    client_forget(c[1]);
    client_stall(c[1], 5000);
    client_say(c[1], "/history");
    world_settle(&w);
    say_numbers(c[0], 2000, 2010, 1);
    struct account a = {.next = 10};
    c[2] = world_client(&w);
    world_settle(&w);
    account_all(&a, c[2]);
    assert_int_equal(a.next, 2010);
    client_resume(c[1]);
    world_settle(&w);
    struct account b = {.next = 0};
    account_all(&b, c[1]);
    assert_int_equal(b.next, 2010);
    assert_int_equal(world_stats(&w)->gaps, 0);
    world_close(&w);
}

/* ---- closing -------------------------------------------------------------------------------- */

static void the_policy_may_be_to_close(void **state)
{
    struct client *c[3];
    (void)state;
    open_world(LAG, 0, SLOW_CLOSE);
    world_clients(&w, c, 3);
    client_stall(c[1], 100);
    say_numbers(c[0], 0, 3000, 50);
    world_settle(&w);
    assert_null(client_conn(c[1]));
    assert_int_equal(world_stats(&w)->closed_slow, 1);
    assert_int_equal(world_stats(&w)->clients, 2);
    assert_int_equal(world_stats(&w)->gaps, 0);
    assert_int_equal(client_count(c[2], "client-1: "), 3000);
    assert_int_equal(world_log_bytes(&w), 0);
    world_close(&w);
}

/* ---- leaving -------------------------------------------------------------------------------- */

static void who_leaves_is_sent_what_it_was_due_and_no_more(void **state)
{
    struct client *c[2];
    (void)state;
    for (size_t cut = 0; cut < 60; cut++) {
        open_world(LAG, 0, SLOW_SKIP);
        world_clients(&w, c, 2);
        client_stall(c[1], cut);
        client_say(c[0], "before");
        client_say(c[0], "/msg client-2 psst");
        world_turn(&w);
        client_say(c[0], "just before");
        client_say(c[1], "/quit");
        client_say(c[0], "after");
        world_settle(&w);
        assert_int_equal(client_conn(c[1])->state, cut < 55 ? CONN_LEAVING : CONN_CLOSING);
        client_resume(c[1]);
        world_settle(&w);
        assert_heard(c[1], "client-1: before\n@client-1: psst\nclient-1: just before\n");
        assert_true(netpoll_fake_at_end(c[1]->peer));
        client_end(c[1]);
        world_settle(&w);
        assert_null(client_conn(c[1]));
        assert_int_equal(world_log_bytes(&w), 0);
        world_close(&w);
    }
}

static void who_leaves_and_lags_is_told_of_the_gap(void **state)
{
    struct client *c[2];
    struct account a = {0};
    (void)state;
    open_world(LAG, 0, SLOW_SKIP);
    world_clients(&w, c, 2);
    client_stall(c[1], 100);
    say_numbers(c[0], 0, 1000, 100);
    client_say(c[1], "/quit");
    say_numbers(c[0], 1000, 5000, 100);
    client_resume(c[1]);
    world_settle(&w);
    account_all(&a, c[1]);
    assert_int_equal(a.next, 1000);
    assert_int_equal(a.gaps, 1);
    assert_true(netpoll_fake_at_end(c[1]->peer));
    world_close(&w);
}

static void who_leaves_and_does_not_read_is_closed_in_the_end(void **state)
{
    struct client *c[2];
    (void)state;
    open_world(LAG, 0, SLOW_SKIP);
    world_clients(&w, c, 2);
    client_stall(c[1], 5);
    client_say(c[0], "hello");
    world_turn(&w);
    client_say(c[1], "/quit");
    world_settle(&w);
    session_sweep(w.server);
    world_settle(&w);
    assert_int_equal(client_conn(c[1])->state, CONN_LEAVING);
    client_conn(c[1])->deadline = 1; /* long ago */
    session_sweep(w.server);
    world_settle(&w);
    assert_null(client_conn(c[1]));
    assert_int_equal(world_log_bytes(&w), 0);
    world_close(&w);
}

/* ---- rooms ---------------------------------------------------------------------------------- */

/* A room lives on while somebody who has left it by leaving altogether is still due its lines. */
static void a_room_outlives_its_last_member_until_that_is_served(void **state)
{
    struct client *c[3];
    (void)state;
    open_world(LAG, 10, SLOW_SKIP);
    world_clients(&w, c, 3);
    client_say(c[0], "/join #r");
    client_say(c[1], "/join #r");
    world_hush(&w);
    client_stall(c[1], 4);
    client_say(c[0], "hello");
    world_settle(&w);
    client_say(c[1], "/quit");
    client_say(c[0], "/part #r");
    world_settle(&w);
    assert_int_equal(world_stats(&w)->rooms, 2);
    client_say(c[2], "/join #r");
    world_settle(&w);
    assert_heard(c[2], "* You joined #r. You are the first here.\n* last message of #r:\n"
                       "#r client-1: hello\n");
    client_say(c[2], "/part #r");
    client_resume(c[1]);
    world_settle(&w);
    assert_heard(c[1], "#r client-1: hello\n");
    client_end(c[1]);
    world_settle(&w);
    assert_int_equal(world_stats(&w)->rooms, 1);
    world_close(&w);
}

static void a_room_that_comes_again_starts_anew(void **state)
{
    struct client *c[2];
    (void)state;
    open_world(LAG, 10, SLOW_SKIP);
    world_clients(&w, c, 2);
    client_say(c[1], "/join #r");
    world_settle(&w);
    client_say(c[1], "/wire json");
    world_hush(&w);
    for (int round = 0; round < 3; round++) {
        client_say(c[0], "/join #r");
        client_say(c[0], "hello");
        world_settle(&w);
        assert_int_equal(client_count(c[1], "\"seq\":1,"), 1);
        client_say(c[0], "/part #r");
        world_settle(&w);
        client_say(c[1], "/part #r");
        world_settle(&w);
        assert_int_equal(world_stats(&w)->rooms, 1);
        client_say(c[1], "/join #r");
        world_hush(&w);
        assert_int_equal(world_stats(&w)->rooms, 2);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_laggard_is_told_how_many_it_missed_in_lines),
        cmocka_unit_test(a_laggard_is_told_how_many_it_missed_in_json),
        cmocka_unit_test(skips_in_a_row_add_up),
        cmocka_unit_test(private_lines_and_own_words_do_not_disturb_the_account),
        cmocka_unit_test(who_reads_misses_nothing),
        cmocka_unit_test(laggards_at_many_places_cost_no_more_than_the_limit),
        cmocka_unit_test(a_replay_that_is_not_read_does_not_hold_the_history),
        cmocka_unit_test(a_history_longer_than_the_lag_limit_stays_whole),
        cmocka_unit_test(the_policy_may_be_to_close),
        cmocka_unit_test(who_leaves_is_sent_what_it_was_due_and_no_more),
        cmocka_unit_test(who_leaves_and_lags_is_told_of_the_gap),
        cmocka_unit_test(who_leaves_and_does_not_read_is_closed_in_the_end),
        cmocka_unit_test(a_room_outlives_its_last_member_until_that_is_served),
        cmocka_unit_test(a_room_that_comes_again_starts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
