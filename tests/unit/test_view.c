/*
 * The view: a conversation and the lines it becomes, with every clock in the test's hands.
 */
#include "unit.h"
#include "view.h"
#include "wire.h"

#include <stdlib.h>
#include <time.h>

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define NOON   (INT64_C(1780315200000)) /* 2026-06-01 12:00 UTC, a Monday */

struct world {
    struct view *view;
    struct view_scene scene;
    struct buffer out;
};

static struct world w;

static void start(bool colour, bool utf8)
{
    struct view_options options = {.colour = colour, .utf8 = utf8};
    view_free(w.view);
    w.view = view_new(&options);
    assert_non_null(w.view);
    w.scene = (struct view_scene){.nick = STR("ann"), .room = STR("#lobby"), .time_ms = NOON};
    buffer_clear(&w.out);
}

static int set_up(void **state)
{
    (void)state;
    start(false, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    view_free(w.view);
    w.view = NULL;
    buffer_fini(&w.out);
    return 0;
}

/* What was shown since the last time. */
static void assert_shown(const char *expected)
{
    assert_str(buffer_str(&w.out), str_of(expected));
    buffer_clear(&w.out);
}

static void show(const struct event *e)
{
    view_event(w.view, &w.scene, e, &w.out);
}

static void say_in(const char *room, const char *from, const char *text)
{
    show(&(struct event){.type = EVENT_MESSAGE,
                         .room = str_of(room),
                         .from = str_of(from),
                         .text = str_of(text),
                         .time_ms = w.scene.time_ms});
}

static void say(const char *from, const char *text)
{
    say_in("#lobby", from, text);
}

static void come(enum event_type type, const char *who)
{
    show(&(struct event){.type = type, .room = STR("#lobby"), .from = str_of(who)});
}

static void a_minute_has_one_stamp(void **state)
{
    (void)state;
    say("bob", "one");
    say("bob", "two");
    assert_shown("12:00 bob: one\r\n      bob: two\r\n");
    w.scene.time_ms += MINUTE;
    say("bob", "three");
    assert_shown("12:01 bob: three\r\n");
    view_stamp(w.view);
    say("bob", "four");
    assert_shown("12:01 bob: four\r\n");
}

static void a_new_day_is_announced(void **state)
{
    (void)state;
    say("bob", "good night");
    w.scene.time_ms += 12 * HOUR;
    say("bob", "good morning");
    assert_shown("12:00 bob: good night\r\n"
                 "─────────────────── Tuesday, 2 June 2026 ───────────────────\r\n"
                 "00:00 bob: good morning\r\n");
}

static void what_is_old_says_so(void **state)
{
    (void)state;
    show(&(struct event){.type = EVENT_HISTORY, .room = STR("#lobby"), .count = 1});
    w.scene.time_ms -= 24 * HOUR;
    say("bob", "yesterday");
    w.scene.time_ms += 24 * HOUR;
    say("bob", "today");
    assert_shown("12:00 * last message:\r\n"
                 "─────────────────── Sunday, 31 May 2026 ────────────────────\r\n"
                 "12:00 bob: yesterday\r\n"
                 "─────────────────── Monday, 1 June 2026 ────────────────────\r\n"
                 "12:00 bob: today\r\n");
}

static void rooms_are_named_unless_current(void **state)
{
    (void)state;
    say_in("#Lobby", "bob", "here");
    say_in("#kitchen", "bob", "there");
    w.scene.room = STR("#kitchen");
    say_in("#lobby", "bob", "there");
    assert_shown("12:00 bob: here\r\n      #kitchen bob: there\r\n      #lobby bob: there\r\n");
}

static void actions_and_private_messages(void **state)
{
    (void)state;
    struct event e = {.type = EVENT_ACTION,
                      .room = STR("#lobby"),
                      .from = STR("bob"),
                      .to = STR("ann"),
                      .text = STR("waves"),
                      .time_ms = NOON};
    show(&e);
    e.type = EVENT_PRIVATE;
    e.room = STR("");
    show(&e);
    e.own = true;
    show(&e);
    assert_shown("12:00 bob * waves\r\n     >@bob: waves\r\n      to @ann: waves\r\n");
}

static void everything_else_is_in_the_words_of_the_line_encoding(void **state)
{
    (void)state;
    show(&(struct event){.type = EVENT_WELCOME, .id = 7, .count = 1});
    show(&(struct event){.type = EVENT_ERROR, .text = STR("No.")});
    show(&(struct event){.type = EVENT_NICK, .from = STR("bob"), .nick = STR("rob")});
    show(&(struct event){.type = EVENT_GAP, .room = STR("#lobby"), .count = 3});
    show(&(struct event){.type = EVENT_JOIN, .own = true, .room = STR("#x"), .count = 2});
    view_note(w.view, &w.scene, STR("The hub was restarted."), &w.out);
    view_command(w.view, &w.scene, STR("/who"), &w.out);
    assert_shown("12:00 * Welcome to the chat room! Your chat ID is client-7. 1 other is here.\r\n"
                 "      ! No.\r\n"
                 "      * bob is now known as rob\r\n"
                 "      * 3 messages skipped: this connection reads too slowly.\r\n"
                 "      * You joined #x. 2 others are here.\r\n"
                 "      The hub was restarted.\r\n"
                 "      /who\r\n");
}

static void mentions(void **state)
{
    (void)state;
    static const char *const texts[] = {"ann", "hi Ann!", "@ann: yes", "joann, ann"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        say("bob", texts[i]);
        assert_non_null(memchr(w.out.data, '>', w.out.size));
        assert_true(view_rings(w.view));
        assert_false(view_rings(w.view));
        buffer_clear(&w.out);
    }
}

static void no_mentions(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "an", "anna", "joann", "annä", "äann", "ann1"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        say("bob", texts[i]);
        assert_null(memchr(w.out.data, '>', w.out.size));
        assert_false(view_rings(w.view));
        buffer_clear(&w.out);
    }
    show(&(struct event){
        .type = EVENT_MESSAGE, .own = true, .from = STR("ann"), .text = STR("ann")});
    assert_shown("      ann: ann\r\n");
    w.scene.nick = STR("");
    say("bob", "ann");
    assert_shown("      bob: ann\r\n");
    assert_false(view_rings(w.view));
}

static void a_replay_rings_no_bell(void **state)
{
    (void)state;
    show(&(struct event){.type = EVENT_HISTORY, .room = STR("#lobby"), .count = 2});
    view_away(w.view, true);
    say("bob", "ann: one");
    say("bob", "ann: two");
    assert_false(view_rings(w.view));
    assert_shown("12:00 * last 2 messages:\r\n     >bob: ann: one\r\n     >bob: ann: two\r\n");
    say("bob", "ann: three");
    assert_true(view_rings(w.view));
    assert_shown("─────────────────────────── new ────────────────────────────\r\n"
                 "     >bob: ann: three\r\n");
}

static void the_first_unread_message_is_marked(void **state)
{
    (void)state;
    say("bob", "one");
    view_away(w.view, true);
    show(
        &(struct event){.type = EVENT_MESSAGE, .own = true, .from = STR("ann"), .text = STR("me")});
    say("bob", "two");
    say("bob", "three");
    view_away(w.view, true);
    say("bob", "four");
    view_away(w.view, false);
    say("bob", "five");
    view_away(w.view, true);
    say("bob", "six");
    assert_shown("12:00 bob: one\r\n      ann: me\r\n"
                 "─────────────────────────── new ────────────────────────────\r\n"
                 "      bob: two\r\n      bob: three\r\n      bob: four\r\n      bob: five\r\n"
                 "─────────────────────────── new ────────────────────────────\r\n"
                 "      bob: six\r\n");
}

static void presence_waits_and_collapses(void **state)
{
    (void)state;
    come(EVENT_JOIN, "bob");
    come(EVENT_JOIN, "cem");
    come(EVENT_PART, "dan");
    show(&(struct event){.type = EVENT_NICK, .from = STR("cem"), .nick = STR("eve")});
    assert_shown("");
    assert_int_equal(view_wait(w.view, 200), 800);
    view_tell(w.view, &w.scene, &w.out);
    assert_shown("12:00 * bob and eve joined; dan left\r\n");
    assert_int_equal(view_wait(w.view, 200), 0);
    view_tell(w.view, &w.scene, &w.out);
    assert_shown("");
}

static void presence_comes_before_what_came_later(void **state)
{
    (void)state;
    come(EVENT_JOIN, "bob");
    say("bob", "hello");
    come(EVENT_JOIN, "cem");
    show(&(struct event){.type = EVENT_JOIN, .room = STR("#x"), .from = STR("cem")});
    view_note(w.view, &w.scene, STR("note"), &w.out);
    assert_shown("12:00 * bob joined\r\n      bob: hello\r\n      * cem joined\r\n"
                 "      * cem joined #x\r\n      note\r\n");
}

static void long_messages_are_wrapped(void **state)
{
    (void)state;
    view_columns(w.view, 30);
    say("bob", "a message that is longer than a row");
    assert_shown("12:00 bob: a message that is\r\n      longer than a row\r\n");
    view_columns(w.view, 10);
    say("bob", "a message that is longer than a row");
    assert_shown("bob: a message that is longer than a row\r\n");
    view_columns(w.view, 0);
    say("bob", "x");
    assert_shown("bob: x\r\n");
}

static void rules_in_any_width(void **state)
{
    (void)state;
    static const size_t widths[] = {1, 2, 4, 5, 8, 24};
    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        start(false, false);
        view_columns(w.view, widths[i]);
        view_away(w.view, true);
        say("bob", "x");
        assert_true(
            memcmp(w.out.data, widths[i] == 24 ? "--------- new ---------\r\n" : " new ", 5) == 0 ||
            widths[i] == 8);
        buffer_clear(&w.out);
    }
}

static void colours(void **state)
{
    (void)state;
    start(true, true);
    say("bob", "hello");
    assert_memory_equal(w.out.data, "\x1b[2m12:00\x1b[0m \x1b[", 16);
    buffer_clear(&w.out);
    show(
        &(struct event){.type = EVENT_MESSAGE, .own = true, .from = STR("ann"), .text = STR("me")});
    assert_shown("      \x1b[2mann: me\x1b[0m\r\n");
    show(&(struct event){.type = EVENT_ERROR, .text = STR("No.")});
    assert_shown("      \x1b[31m! No.\x1b[0m\r\n");
    say("bob", "ann?");
    assert_non_null(memmem(w.out.data, w.out.size, "\x1b[1m ann?\x1b[0m\r\n", 15));
    buffer_clear(&w.out);
}

static void nothing_in_a_text_reaches_the_terminal(void **state)
{
    (void)state;
    start(false, false);
    view_columns(w.view, 400);
    say("b\x1b[1mob", "\x1b]0;x\a\r\nbob: \xe4\xbd\xa0 \xff\xc2\x9b\t.");
    assert_shown("12:00 b^[[1mob: ^[]0;x^G^M^Jbob: ?? ?^[ .\r\n");
}

static void an_endless_text_is_cut(void **state)
{
    (void)state;
    struct buffer text = {0};
    buffer_add_times(&text, 'x', 1 << 20);
    buffer_add_char(&text, '\0');
    say("bob", text.data);
    assert_in_range(w.out.size, 16 << 10, 17 << 10);
    assert_memory_equal(w.out.data + w.out.size - 6, " ...\r\n", 6);
    buffer_fini(&text);
}

static void without_memory_it_fails_in_the_buffer(void **state)
{
    (void)state;
    struct view_options options = {.colour = true};
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct view *v = view_new(&options);
        struct buffer out = {0};
        if (v) {
            view_event(v, &w.scene, &(struct event){.type = EVENT_ERROR, .text = STR("No.")}, &out);
            view_event(v, &w.scene, &(struct event){.type = EVENT_JOIN, .from = STR("bob")}, &out);
            view_tell(v, &w.scene, &out);
            view_note(v, &w.scene, STR("note"), &out);
        }
        assert_true(out.failed == unit_alloc_failed() || !v);
        buffer_fini(&out);
        view_free(v);
    }
    unit_alloc_fail_at(-1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        test(a_minute_has_one_stamp),
        test(a_new_day_is_announced),
        test(what_is_old_says_so),
        test(rooms_are_named_unless_current),
        test(actions_and_private_messages),
        test(everything_else_is_in_the_words_of_the_line_encoding),
        test(mentions),
        test(no_mentions),
        test(a_replay_rings_no_bell),
        test(the_first_unread_message_is_marked),
        test(presence_waits_and_collapses),
        test(presence_comes_before_what_came_later),
        test(long_messages_are_wrapped),
        test(rules_in_any_width),
        test(colours),
        test(nothing_in_a_text_reaches_the_terminal),
        test(an_endless_text_is_cut),
        test(without_memory_it_fails_in_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
