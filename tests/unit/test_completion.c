/*
 * Tab, as a person presses it: a line, a cursor at its end, and what becomes of it.
 */
#include "buffer.h"
#include "completion.h"
#include "unit.h"

struct world {
    struct completion *c;
    struct buffer line;
};

static int set_up(void **state)
{
    static struct world w;
    w = (struct world){.c = completion_new()};
    assert_non_null(w.c);
    completion_spoke(w.c, STR("bob"));
    completion_spoke(w.c, STR("Bert"));
    completion_is_here(w.c, STR("bill"));
    completion_spoke(w.c, STR("ann"));
    completion_spoke(w.c, STR("cem"));
    completion_room(w.c, STR("#lobby"));
    completion_room(w.c, STR("#load"));
    completion_room(w.c, STR("#kitchen"));
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    completion_free(w->c);
    buffer_fini(&w->line);
    return 0;
}

/* Tab; false if there was nothing to complete. One's own nick is ann. */
static bool tab(struct world *w)
{
    struct completion_edit edit;
    if (!completion_next(w->c, buffer_str(&w->line), STR("ann"), &edit))
        return false;
    assert_true(edit.remove <= w->line.size);
    w->line.size -= edit.remove;
    buffer_add(&w->line, edit.insert);
    return true;
}

static void type(struct world *w, const char *text)
{
    completion_done(w->c);
    buffer_clear(&w->line);
    buffer_add(&w->line, str_of(text));
}

static void assert_tab(struct world *w, const char *expected)
{
    assert_true(tab(w));
    assert_str(buffer_str(&w->line), str_of(expected));
}

static void nicks_last_speaker_first(void **state)
{
    struct world *w = *state;
    type(w, "b");
    assert_tab(w, "Bert: ");
    assert_tab(w, "bob: ");
    assert_tab(w, "bill: ");
    assert_tab(w, "b");
    assert_tab(w, "Bert: ");
    completion_spoke(w->c, STR("BOB"));
    assert_tab(w, "bob: "); /* the round goes on as it began */
    type(w, "b");
    assert_tab(w, "BOB: ");
}

static void nicks_in_a_sentence(void **state)
{
    struct world *w = *state;
    type(w, "I think bi");
    assert_tab(w, "I think bill ");
    assert_tab(w, "I think bill ");
    type(w, "/msg be");
    assert_tab(w, "/msg Bert ");
}

static void nothing_typed_is_the_last_speaker(void **state)
{
    struct world *w = *state;
    type(w, "");
    assert_tab(w, "cem: ");
    assert_tab(w, "Bert: ");
}

static void ones_own_nick_is_not_offered(void **state)
{
    struct world *w = *state;
    type(w, "an");
    assert_false(tab(w));
    assert_str(buffer_str(&w->line), STR("an"));
}

static void commands(void **state)
{
    struct world *w = *state;
    type(w, "/j");
    assert_tab(w, "/join ");
    type(w, "/M");
    assert_tab(w, "/me ");
    assert_tab(w, "/msg ");
    assert_tab(w, "/M");
    type(w, "/wire");
    assert_false(tab(w));
    type(w, "//j");
    assert_false(tab(w));
}

static void rooms(void **state)
{
    struct world *w = *state;
    type(w, "see #LO");
    assert_tab(w, "see #lobby ");
    assert_tab(w, "see #load ");
    assert_tab(w, "see #LO");
    type(w, "/join ki");
    assert_tab(w, "/join #kitchen ");
    type(w, "/part ");
    assert_tab(w, "/part #lobby ");
    type(w, "/join #kitchen b");
    assert_tab(w, "/join #kitchen Bert ");
}

static void another_line_is_another_round(void **state)
{
    struct world *w = *state;
    type(w, "b");
    assert_tab(w, "Bert: ");
    buffer_add_literal(&w->line, "b");
    assert_tab(w, "Bert: Bert ");
    assert_tab(w, "Bert: bob ");
    type(w, "zz");
    assert_false(tab(w));
    type(w, "ki");
    assert_false(tab(w));
}

static void people_come_and_go(void **state)
{
    struct world *w = *state;
    completion_left(w->c, STR("bert"));
    completion_left(w->c, STR("nobody"));
    completion_renamed(w->c, STR("bob"), STR("bea"));
    type(w, "b");
    assert_tab(w, "bea: ");
    assert_tab(w, "bill: ");
    assert_tab(w, "b");
    completion_renamed(w->c, STR("bea"), STR("BEA"));
    completion_renamed(w->c, STR("stranger"), STR("bruno"));
    completion_renamed(w->c, STR("bill"), STR("bea"));
    type(w, "b");
    assert_tab(w, "bea: ");
    assert_tab(w, "bruno: ");
    assert_tab(w, "b");
}

static void who_was_silent_longest_is_forgotten(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < COMPLETION_NICKS_MAX; i++) {
        char nick[16];
        snprintf(nick, sizeof nick, "user%d", i);
        completion_spoke(w->c, str_of(nick));
    }
    type(w, "b");
    assert_false(tab(w));
    completion_is_here(w->c, STR("too-late"));
    type(w, "too");
    assert_false(tab(w));
    type(w, "user0");
    assert_tab(w, "user0: ");
    completion_spoke(w->c, STR("one-more"));
    type(w, "user0");
    assert_false(tab(w));
}

static void names_that_cannot_be(void **state)
{
    struct world *w = *state;
    completion_spoke(w->c, STR("zoe-0123456789012345678901234567890"));
    completion_spoke(w->c, STR(""));
    completion_is_here(w->c, STR(""));
    completion_room(w->c, STR("#zoo-0123456789012345678901234567890"));
    type(w, "z");
    assert_false(tab(w));
    type(w, "/join 0123456789012345678901234567890123456789");
    assert_false(tab(w));
}

static void without_memory_nothing_is_completed(void **state)
{
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct completion *c = completion_new();
        struct completion_edit edit;
        if (c) {
            completion_spoke(c, STR("bob"));
            bool done = completion_next(c, STR("b"), STR("ann"), &edit);
            assert_true(!done || (edit.remove == 1 && str_equal(edit.insert, STR("bob: "))));
            assert_true(done || unit_alloc_failed());
        }
        completion_free(c);
    }
    unit_alloc_fail_at(-1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(nicks_last_speaker_first),
        test(nicks_in_a_sentence),
        test(nothing_typed_is_the_last_speaker),
        test(ones_own_nick_is_not_offered),
        test(commands),
        test(rooms),
        test(another_line_is_another_round),
        test(people_come_and_go),
        test(who_was_silent_longest_is_forgotten),
        test(names_that_cannot_be),
        cmocka_unit_test(without_memory_nothing_is_completed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
