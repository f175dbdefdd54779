/* When to write colour, and that nicks keep theirs. */
#include "colour.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

static bool wanted(enum colour_when when, const char *no, const char *force, const char *term,
                   bool terminal)
{
    struct colour_environment env = {.no_color = no, .clicolor_force = force, .term = term};
    return colour_wanted(when, &env, terminal);
}

static void auto_asks_the_terminal(void **state)
{
    (void)state;
    assert_true(wanted(COLOUR_AUTO, NULL, NULL, "xterm", true));
    assert_false(wanted(COLOUR_AUTO, NULL, NULL, "xterm", false));
    assert_false(wanted(COLOUR_AUTO, NULL, NULL, "dumb", true));
    assert_false(wanted(COLOUR_AUTO, NULL, NULL, "", true));
    assert_false(wanted(COLOUR_AUTO, NULL, NULL, NULL, true));
}

static void no_color_says_no(void **state)
{
    (void)state;
    assert_false(wanted(COLOUR_AUTO, "1", NULL, "xterm", true));
    assert_false(wanted(COLOUR_AUTO, "0", NULL, "xterm", true)); /* any value that is not empty */
    assert_true(wanted(COLOUR_AUTO, "", NULL, "xterm", true));
}

static void clicolor_force_says_yes(void **state)
{
    (void)state;
    assert_true(wanted(COLOUR_AUTO, NULL, "1", NULL, false));
    assert_true(wanted(COLOUR_AUTO, "", "yes", "dumb", false));
    assert_false(wanted(COLOUR_AUTO, NULL, "0", "xterm", false));
    assert_false(wanted(COLOUR_AUTO, NULL, "", "xterm", false));
    assert_false(wanted(COLOUR_AUTO, "1", "1", "xterm", true)); /* NO_COLOR wins */
}

static void always_and_never_mean_it(void **state)
{
    (void)state;
    assert_true(wanted(COLOUR_ALWAYS, "1", NULL, "dumb", false));
    assert_false(wanted(COLOUR_NEVER, NULL, "1", "xterm", true));
}

static void the_environment_is_read(void **state)
{
    (void)state;
    setenv("NO_COLOR", "x", 1);
    setenv("CLICOLOR_FORCE", "y", 1);
    setenv("TERM", "z", 1);
    struct colour_environment env = colour_environment();
    assert_string_equal(env.no_color, "x");
    assert_string_equal(env.clicolor_force, "y");
    assert_string_equal(env.term, "z");
    assert_true(colour_is_asked_for(&env));
    unsetenv("NO_COLOR");
    unsetenv("CLICOLOR_FORCE");
    env = colour_environment();
    assert_false(colour_is_asked_for(&env));
    env.clicolor_force = "1";
    assert_true(colour_is_asked_for(&env));
}

static void names_and_back(void **state)
{
    (void)state;
    enum colour_when when;
    for (int i = COLOUR_AUTO; i <= COLOUR_NEVER; i++) {
        assert_int_equal(colour_when_parse(colour_when_name((enum colour_when)i), &when), 0);
        assert_int_equal(when, i);
    }
    assert_int_equal(colour_when_parse("ALWAYS", &when), -EINVAL);
    assert_int_equal(colour_when_parse("", &when), -EINVAL);
}

/* Parameters of SGR: digits and semicolons. */
static void assert_parameters(struct str colour)
{
    assert_true(colour.size > 0);
    for (size_t i = 0; i < colour.size; i++)
        assert_true((colour.data[i] >= '0' && colour.data[i] <= '9') || colour.data[i] == ';');
}

static void nicks_keep_their_colours(void **state)
{
    (void)state;
    size_t others = 0;
    struct str ann = colour_of_nick(STR("ann"));
    assert_str(colour_of_nick(STR("ANN")), ann);
    for (int i = 0; i < 1000; i++) {
        char nick[32];
        snprintf(nick, sizeof nick, "client-%d", i);
        struct str colour = colour_of_nick(str_of(nick));
        assert_parameters(colour);
        others += !str_equal(colour, ann);
    }
    assert_in_range(others, 850, 970); /* twelve colours: 917 were expected */
    assert_parameters(colour_of_nick(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_asks_the_terminal),   cmocka_unit_test(no_color_says_no),
        cmocka_unit_test(clicolor_force_says_yes),  cmocka_unit_test(always_and_never_mean_it),
        cmocka_unit_test(the_environment_is_read),  cmocka_unit_test(names_and_back),
        cmocka_unit_test(nicks_keep_their_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
