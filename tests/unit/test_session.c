/*
 * What is said to a hub after connecting, and what of its answers is shown. A hub's side is written
 * down as events; what the session makes of them, as a tape: numbers of the messages shown, "h3"
 * for a history of three, "(text)" for a note.
 */
#include "outbox.h"
#include "session.h"
#include "unit.h"
#include "wire.h"

#include <stdlib.h>

enum { OTHER = 99, TAPE_MAX = 512 };

struct fixture {
    struct session *session;
    char tape[TAPE_MAX];
    size_t used;
};

static struct fixture start(const char *nick, const struct str *rooms, size_t count,
                            uint32_t history)
{
    struct session_wish wish = {str_of(nick), rooms, count, history};
    return (struct fixture){.session = session_new(&wish)};
}

static void end(struct fixture *f)
{
    session_free(f->session);
}

static void assert_greeting(struct fixture *f, bool raw_shown, const char *wanted)
{
    struct outbox box = {0};
    session_connected(f->session, raw_shown);
    assert_int_equal(session_greeting(f->session, &box), 0);
    assert_str(str_from(box.data, box.size), str_of(wanted));
    outbox_fini(&box);
}

__attribute__((format(printf, 2, 3))) static void tape(struct fixture *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(f->tape + f->used, TAPE_MAX - f->used, format, args);
    va_end(args);
    assert_true(size >= 0 && f->used + (size_t)size < TAPE_MAX);
    f->used += (size_t)size;
}

static bool take(struct fixture *f, struct event e)
{
    struct session_verdict verdict = session_take(f->session, &e);
    const char *space = f->used > 0 ? " " : "";
    if (verdict.note.size > 0)
        tape(f, "%s(" STR_FMT ")", space, STR_ARG(verdict.note));
    space = f->used > 0 ? " " : "";
    if (verdict.show && e.type == EVENT_HISTORY)
        tape(f, "%sh%d", space, (int)e.count);
    else if (verdict.show && e.seq > 0)
        tape(f, "%s%d", space, (int)e.seq);
    return verdict.show;
}

/* What was shown since the last time. */
static void assert_tape(struct fixture *f, const char *wanted)
{
    f->tape[f->used] = '\0';
    assert_string_equal(f->tape, wanted);
    f->used = 0;
}

static bool welcome(struct fixture *f, uint64_t id, const char *server)
{
    char nick[32];
    snprintf(nick, sizeof nick, "client-%d", (int)id);
    return take(
        f, (struct event){
               .type = EVENT_WELCOME, .id = id, .nick = str_of(nick), .server = str_of(server)});
}

static void say(struct fixture *f, const char *room, uint64_t id, uint64_t seq)
{
    take(f, (struct event){.type = EVENT_MESSAGE, .room = str_of(room), .id = id, .seq = seq});
}

static void replay(struct fixture *f, const char *room, uint64_t from, uint64_t to)
{
    take(f, (struct event){.type = EVENT_HISTORY, .room = str_of(room), .count = to - from + 1});
    for (uint64_t seq = from; seq <= to; seq++)
        say(f, room, OTHER, seq);
}

static void join(struct fixture *f, const char *room, uint64_t id)
{
    take(f, (struct event){.type = EVENT_JOIN, .room = str_of(room), .id = id});
}

static void part(struct fixture *f, const char *room, const char *current, uint64_t id)
{
    struct event e = {.type = EVENT_PART, .room = str_of(room), .to = str_of(current), .id = id};
    take(f, e);
}

static void nick(struct fixture *f, const char *name, uint64_t id)
{
    take(f, (struct event){.type = EVENT_NICK, .nick = str_of(name), .id = id});
}

static bool settled(struct fixture *f)
{
    return take(f, (struct event){.type = EVENT_PONG, .token = STR("settled")});
}

/* ---- greetings ----------------------------------------------------------------------------- */

static void the_greeting_asks_for_what_is_wanted(void **state)
{
    static const struct str rooms[] = {{"#a", 2}, {"#b", 2}};
    static const struct str with_lobby[] = {{"#lobby", 6}, {"#b", 2}};
    (void)state;
    struct fixture f = start("", NULL, 0, SESSION_HISTORY_ALL);
    assert_greeting(&f, true, "/wire json\n");
    assert_greeting(&f, false, "/wire json\n/history\n/ping settled\n");
    end(&f);
    f = start("ann", NULL, 0, SESSION_HISTORY_ALL);
    assert_greeting(&f, true, "/wire json\n/nick ann\n");
    end(&f);
    f = start("", rooms, 2, SESSION_HISTORY_ALL);
    assert_greeting(&f, false, "/wire json\n/join #a\n/join #b\n/part #lobby\n/ping settled\n");
    end(&f);
    f = start("", with_lobby, 2, SESSION_HISTORY_ALL);
    assert_greeting(&f, false, "/wire json\n/history\n/join #b\n/ping settled\n");
    end(&f);
}

static void the_greeting_restores_nick_rooms_and_the_current_one(void **state)
{
    (void)state;
    struct fixture f = start("", NULL, 0, SESSION_HISTORY_ALL);
    session_connected(f.session, false);
    welcome(&f, 7, "s");
    settled(&f);
    nick(&f, "ann", 7);
    join(&f, "#a", 7);
    join(&f, "#b", 7);
    join(&f, "#b", OTHER);
    take(&f, (struct event){.type = EVENT_NOTICE, .to = STR("#lobby")});
    session_lost(f.session);
    assert_greeting(&f, false,
                    "/wire json\n/nick ann\n/history\n/join #a\n/join #b\n/join #lobby\n"
                    "/ping settled\n");
    welcome(&f, 8, "s");
    join(&f, "#a", 8);
    session_lost(f.session); /* in the middle of it: the same is still wanted */
    assert_greeting(&f, false,
                    "/wire json\n/nick ann\n/history\n/join #b\n/join #a\n/join #lobby\n"
                    "/ping settled\n");
    welcome(&f, 9, "s");
    join(&f, "#a", 9);
    join(&f, "#b", 9);
    settled(&f);
    part(&f, "#lobby", "#b", 9);
    nick(&f, "client-9", 9);
    session_lost(f.session);
    assert_greeting(&f, false, "/wire json\n/join #a\n/join #b\n/part #lobby\n/ping settled\n");
    end(&f);
}

static void a_lobby_that_is_left_at_once_is_not_wanted(void **state)
{
    static const struct str rooms[] = {{"#a", 2}};
    (void)state;
    struct fixture f = start("", rooms, 1, SESSION_HISTORY_ALL);
    session_connected(f.session, false);
    welcome(&f, 7, "s");
    assert_str(session_room(f.session), STR("#lobby"));
    session_lost(f.session);
    assert_greeting(&f, false, "/wire json\n/join #a\n/part #lobby\n/ping settled\n");
    end(&f);
}

/* ---- where we are --------------------------------------------------------------------------- */

static void it_knows_who_and_where_we_are(void **state)
{
    (void)state;
    struct fixture f = start("", NULL, 0, SESSION_HISTORY_ALL);
    assert_false(session_is_connected(f.session));
    assert_int_equal(session_room_count(f.session), 0);
    assert_str(session_room(f.session), STR(""));
    session_connected(f.session, true);
    assert_false(welcome(&f, 7, "s")); /* it was shown as a line */
    assert_true(welcome(&f, 7, "s"));  /* the answer to another /wire json */
    assert_true(session_is_connected(f.session));
    assert_int_equal(session_id(f.session), 7);
    assert_str(session_nick(f.session), STR("client-7"));
    assert_str(session_server(f.session), STR("s"));
    assert_str(session_room(f.session), STR("#lobby"));
    join(&f, "#a", 7);
    join(&f, "#b", OTHER);
    assert_str(session_room(f.session), STR("#a"));
    assert_int_equal(session_room_count(f.session), 2);
    assert_str(session_room_at(f.session, 0), STR("#lobby"));
    assert_str(session_room_at(f.session, 1), STR("#a"));
    part(&f, "#a", "", OTHER);
    assert_str(session_room(f.session), STR("#a"));
    part(&f, "#A", "#lobby", 7);
    assert_str(session_room(f.session), STR("#lobby"));
    part(&f, "#lobby", "", 7);
    assert_str(session_room(f.session), STR(""));
    assert_int_equal(session_room_count(f.session), 0);
    end(&f);
}

static void what_is_ours_is_marked(void **state)
{
    (void)state;
    struct fixture f = start("", NULL, 0, SESSION_HISTORY_ALL);
    session_connected(f.session, false);
    welcome(&f, 7, "s");
    struct event mine = {.type = EVENT_MESSAGE, .id = 7};
    struct event other = {.type = EVENT_JOIN, .id = OTHER, .own = true};
    session_take(f.session, &mine);
    session_take(f.session, &other);
    assert_true(mine.own);
    assert_false(other.own);
    session_lost(f.session);
    session_connected(f.session, false);
    welcome(&f, 8, "s");
    assert_true(session_is_own(f.session, 7));
    assert_true(session_is_own(f.session, 8));
    session_lost(f.session);
    session_connected(f.session, false);
    welcome(&f, 9, "another"); /* where 7 is somebody else */
    assert_false(session_is_own(f.session, 7));
    assert_false(session_is_own(f.session, 0));
    end(&f);
}

/* ---- the first replay ----------------------------------------------------------------------- */

static void the_first_replay_is_shown_as_far_as_asked_for(void **state)
{
    (void)state;
    struct fixture f = start("", NULL, 0, 2);
    session_connected(f.session, false);
    welcome(&f, 7, "s");
    replay(&f, "#lobby", 11, 15);
    assert_tape(&f, "h2 14 15");
    join(&f, "#a", 7);
    replay(&f, "#a", 3, 4);
    assert_tape(&f, "h2 3 4");
    assert_false(settled(&f));
    say(&f, "#lobby", OTHER, 16);
    say(&f, "#a", OTHER, 9); /* ours came between */
    assert_tape(&f, "16 9");
    replay(&f, "#lobby", 12, 16); /* the answer to a /history that was typed */
    assert_tape(&f, "h5 12 13 14 15 16");
    assert_true(settled(&f)); /* and to a /ping */
    end(&f);
    f = start("", NULL, 0, 0);
    session_connected(f.session, false);
    welcome(&f, 7, "s");
    replay(&f, "#lobby", 11, 15);
    say(&f, "#lobby", OTHER, 16);
    assert_tape(&f, "16");
    end(&f);
}

static void what_is_said_during_the_greeting_is_shown_once(void **state)
{
    (void)state;
    struct fixture f = start("", NULL, 0, SESSION_HISTORY_ALL);
    session_connected(f.session, false);
    welcome(&f, 7, "s");
    say(&f, "#lobby", OTHER, 13);
    replay(&f, "#lobby", 11, 14);
    settled(&f);
    assert_tape(&f, "13 h4 11 12 14");
    end(&f);
}

/* ---- after a loss --------------------------------------------------------------------------- */

/* In the lobby, 1 to 10 seen; lost, and connected again. */
static struct fixture come_back(const char *server)
{
    struct fixture f = start("", NULL, 0, SESSION_HISTORY_ALL);
    session_connected(f.session, false);
    welcome(&f, 7, "s");
    replay(&f, "#lobby", 1, 9);
    settled(&f);
    say(&f, "#lobby", OTHER, 10);
    assert_tape(&f, "h9 1 2 3 4 5 6 7 8 9 10");
    session_lost(f.session);
    assert_false(session_is_connected(f.session));
    session_connected(f.session, false);
    welcome(&f, 8, server);
    return f;
}

static void a_replay_fills_the_gap_and_repeats_nothing(void **state)
{
    (void)state;
    struct fixture f = come_back("s");
    replay(&f, "#lobby", 6, 13);
    settled(&f);
    say(&f, "#lobby", OTHER, 14);
    assert_tape(&f, "11 12 13 14");
    end(&f);
    f = come_back("s");
    settled(&f); /* nothing was said, or nothing is kept */
    say(&f, "#lobby", OTHER, 11);
    assert_tape(&f, "11");
    end(&f);
}

static void what_the_hub_has_dropped_is_announced(void **state)
{
    (void)state;
    struct fixture f = come_back("s");
    replay(&f, "#lobby", 14, 15);
    settled(&f);
    assert_tape(&f, "(Missed: 3 messages of #lobby. The hub does not keep that many.) 14 15");
    end(&f);
    f = come_back("s");
    replay(&f, "#lobby", 12, 12);
    settled(&f);
    assert_tape(&f, "(Missed: 1 message of #lobby. The hub does not keep that many.) 12");
    end(&f);
}

static void what_is_new_may_overtake_the_replay(void **state)
{
    (void)state;
    struct fixture f = come_back("s");
    say(&f, "#lobby", OTHER, 13);
    replay(&f, "#lobby", 6, 14);
    settled(&f);
    assert_tape(&f, "13 11 12 14");
    end(&f);
    f = come_back("s");
    say(&f, "#lobby", OTHER, 15);
    replay(&f, "#lobby", 13, 15);
    settled(&f);
    assert_tape(&f, "15 13 14 (Missed: 2 messages. The hub does not keep that many.)");
    end(&f);
    f = come_back("s");
    say(&f, "#lobby", OTHER, 13);
    settled(&f); /* a hub without history */
    assert_tape(&f, "13 (Missed: 2 messages. The hub does not keep that many.)");
    end(&f);
}

static void our_own_are_not_shown_again(void **state)
{
    (void)state;
    struct fixture f = come_back("s");
    take(&f, (struct event){.type = EVENT_HISTORY, .room = STR("#lobby"), .count = 3});
    say(&f, "#lobby", OTHER, 10);
    say(&f, "#lobby", 7, 11);
    say(&f, "#lobby", OTHER, 12);
    settled(&f);
    assert_tape(&f, "12");
    end(&f);
}

static void a_hub_that_has_restarted_starts_anew(void **state)
{
    (void)state;
    struct fixture f = come_back("another");
    replay(&f, "#lobby", 1, 2);
    settled(&f);
    say(&f, "#lobby", OTHER, 3);
    assert_tape(&f, "(The hub was restarted: what was said in between is not known.) h2 1 2 3");
    end(&f);
}

static void a_gap_cuts_a_replay_short(void **state)
{
    (void)state;
    struct fixture f = start("", NULL, 0, 1);
    session_connected(f.session, false);
    welcome(&f, 7, "s");
    take(&f, (struct event){.type = EVENT_HISTORY, .room = STR("#lobby"), .count = 5});
    take(&f, (struct event){.type = EVENT_GAP, .room = STR("#lobby"), .count = 5});
    say(&f, "#lobby", OTHER, 6);
    assert_tape(&f, "h1 6");
    end(&f);
}

/* ---- limits --------------------------------------------------------------------------------- */

/* A hub that puts us into more rooms than any hub may, with names longer than any. */
static void more_than_fits_does_no_harm(void **state)
{
    char name[200];
    (void)state;
    struct fixture f = start("", NULL, 0, SESSION_HISTORY_ALL);
    session_connected(f.session, false);
    welcome(&f, 7, "s");
    for (int i = 0; i < 3 * SESSION_ROOMS_MAX; i++) {
        snprintf(name, sizeof name, "#%d%0150d", i, 0);
        join(&f, name, 7);
        say(&f, name, OTHER, 1);
        assert_tape(&f, "1");
    }
    nick(&f, name, 7);
    assert_int_equal(session_room_count(f.session), SESSION_ROOMS_MAX);
    assert_true(session_nick(f.session).size <= 64);
    part(&f, "#nowhere", "#nowhere", 7);
    assert_str(session_room(f.session), STR(""));
    session_lost(f.session);
    end(&f);
}

static void without_memory_it_says_so(void **state)
{
    struct fixture f = start("ann", NULL, 0, SESSION_HISTORY_ALL);
    struct outbox box = {0};
    (void)state;
    unit_alloc_fail_at(0);
    assert_true(session_greeting(f.session, &box) < 0);
    unit_alloc_fail_at(0);
    assert_null(session_new(&(struct session_wish){0}));
    unit_alloc_fail_at(-1);
    outbox_fini(&box);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_greeting_asks_for_what_is_wanted),
        cmocka_unit_test(the_greeting_restores_nick_rooms_and_the_current_one),
        cmocka_unit_test(a_lobby_that_is_left_at_once_is_not_wanted),
        cmocka_unit_test(it_knows_who_and_where_we_are),
        cmocka_unit_test(what_is_ours_is_marked),
        cmocka_unit_test(the_first_replay_is_shown_as_far_as_asked_for),
        cmocka_unit_test(what_is_said_during_the_greeting_is_shown_once),
        cmocka_unit_test(a_replay_fills_the_gap_and_repeats_nothing),
        cmocka_unit_test(what_the_hub_has_dropped_is_announced),
        cmocka_unit_test(what_is_new_may_overtake_the_replay),
        cmocka_unit_test(our_own_are_not_shown_again),
        cmocka_unit_test(a_hub_that_has_restarted_starts_anew),
        cmocka_unit_test(a_gap_cuts_a_replay_short),
        cmocka_unit_test(more_than_fits_does_no_harm),
        cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
