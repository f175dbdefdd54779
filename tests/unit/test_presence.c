/*
 * Comings and goings in one sentence.
 */
#include "presence.h"
#include "unit.h"
#include "wire.h"

static bool take(struct presence *p, enum event_type type, const char *nick, const char *room,
                 const char *why, uint64_t now_ms)
{
    struct event e = {
        .type = type, .from = str_of(nick), .room = str_of(room), .text = str_of(why)};
    return presence_take(p, &e, now_ms);
}

static void join(struct presence *p, const char *nick)
{
    assert_true(take(p, EVENT_JOIN, nick, "#lobby", "", 0));
}

static void part(struct presence *p, const char *nick, const char *why)
{
    assert_true(take(p, EVENT_PART, nick, "#lobby", why, 0));
}

static void assert_told(struct presence *p, const char *current, const char *expected)
{
    struct buffer out = {0};
    presence_tell(p, str_of(current), &out);
    assert_str(buffer_str(&out), str_of(expected));
    assert_true(presence_is_empty(p));
    buffer_fini(&out);
}

static void one_comes_or_goes(void **state)
{
    (void)state;
    struct presence p = {0};
    assert_true(presence_is_empty(&p));
    join(&p, "bob");
    assert_false(presence_is_empty(&p));
    assert_told(&p, "#Lobby", "bob joined");
    join(&p, "bob");
    assert_told(&p, "#kitchen", "bob joined #lobby");
    part(&p, "bob", "");
    assert_told(&p, "#lobby", "bob left");
    part(&p, "bob", "lunch");
    assert_told(&p, "", "bob left #lobby: lunch");
}

static void several(void **state)
{
    (void)state;
    struct presence p = {0};
    join(&p, "bob");
    join(&p, "cem");
    assert_told(&p, "#lobby", "bob and cem joined");
    join(&p, "bob");
    join(&p, "cem");
    join(&p, "dan");
    part(&p, "eve", "lunch");
    assert_told(&p, "#lobby", "bob, cem and dan joined; eve left: lunch");
    part(&p, "bob", "one reason");
    part(&p, "cem", "another");
    assert_told(&p, "#lobby", "bob and cem left");
}

static void a_crowd_is_counted(void **state)
{
    (void)state;
    struct presence p = {0};
    for (const char *const *nick = (const char *const[]){"a", "b", "c", "d", "e", NULL}; *nick;
         nick++)
        join(&p, *nick);
    assert_told(&p, "#lobby", "a, b, c, d and 1 other joined");
    for (int i = 0; i < 10000; i++)
        part(&p, "x", "");
    assert_told(&p, "#lobby", "x, x, x, x and 9996 others left");
}

static void another_room_waits_its_turn(void **state)
{
    (void)state;
    struct presence p = {0};
    join(&p, "bob");
    assert_false(take(&p, EVENT_JOIN, "cem", "#kitchen", "", 0));
    assert_told(&p, "#lobby", "bob joined");
    assert_true(take(&p, EVENT_JOIN, "cem", "#kitchen", "", 0));
    assert_told(&p, "#lobby", "cem joined #kitchen");
}

static void who_comes_and_says_who_it_is(void **state)
{
    (void)state;
    struct presence p = {0};
    struct event e = {.type = EVENT_NICK, .from = STR("client-7"), .nick = STR("bob")};
    assert_false(presence_rename(&p, &e));
    join(&p, "client-7");
    part(&p, "client-8", "");
    assert_true(presence_rename(&p, &e));
    assert_false(presence_rename(&p, &e));
    e.from = STR("client-8");
    assert_false(presence_rename(&p, &e));
    assert_told(&p, "#lobby", "bob joined; client-8 left");
}

static void who_is_only_counted_may_change_too(void **state)
{
    (void)state;
    struct presence p = {0};
    for (int i = 0; i < PRESENCE_NAMES_MAX + 1; i++) {
        char nick[16];
        snprintf(nick, sizeof nick, "client-%d", i);
        join(&p, nick);
    }
    struct event e = {.type = EVENT_NICK, .from = STR("client-63"), .nick = STR("bob")};
    assert_true(presence_rename(&p, &e));
    e.from = STR("client-64");
    assert_false(presence_rename(&p, &e));
    assert_told(&p, "#lobby", "client-0, client-1, client-2, client-3 and 61 others joined");
}

static void it_waits_a_second(void **state)
{
    (void)state;
    struct presence p = {0};
    assert_int_equal(presence_wait(&p, 5000), 0);
    assert_true(take(&p, EVENT_JOIN, "bob", "#lobby", "", 5000));
    assert_true(take(&p, EVENT_JOIN, "cem", "#lobby", "", 5600));
    assert_int_equal(presence_wait(&p, 5600), PRESENCE_MS - 600);
    assert_int_equal(presence_wait(&p, 7000), 1);
    assert_told(&p, "#lobby", "bob and cem joined");
    assert_int_equal(presence_wait(&p, 7000), 0);
}

static void names_are_cut_between_characters(void **state)
{
    (void)state;
    struct presence p = {0};
    join(&p, "0123456789012345678901234567890\xe4\xbd\xa0");
    assert_told(&p, "#lobby", "0123456789012345678901234567890 joined");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_comes_or_goes),
        cmocka_unit_test(several),
        cmocka_unit_test(a_crowd_is_counted),
        cmocka_unit_test(another_room_waits_its_turn),
        cmocka_unit_test(who_comes_and_says_who_it_is),
        cmocka_unit_test(who_is_only_counted_may_change_too),
        cmocka_unit_test(it_waits_a_second),
        cmocka_unit_test(names_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
