/* The tests beside a filter, run in silence before it is taken into a hub. */
#include "diag.h"
#include "lua_test_impl.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct bench {
    char folder[32];
    char filter[64];
    char test[64];
    char why[512];
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    snprintf(b->folder, sizeof b->folder, "/tmp/chatroom-check-XXXXXX");
    *state = b;
    if (!mkdtemp(b->folder))
        return -1;
    snprintf(b->filter, sizeof b->filter, "%s/t.lua", b->folder);
    snprintf(b->test, sizeof b->test, "%s/t_test.lua", b->folder);
    diag_init("test", DIAG_ERROR);
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    unlink(b->filter);
    unlink(b->test);
    rmdir(b->folder);
    free(b);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Drops what is its setting, and logs everything. */
static const char dropper[] =
    "return { name = 't', config = { word = 'bad' }, on_message = function(msg)\n"
    "  hub.log('info', 'saw ' .. msg.text)\n"
    "  while msg.text == 'long' do end\n"
    "  if msg.text == hub.config.word then return hub.drop('no') end end }";

/* What the check returns; it must say nothing by itself. */
static int check(struct bench *b, const char *test, const char *const *settings)
{
    const struct filter_load_options options = {.settings = settings};
    char said[256];
    write_file(b->filter, dropper);
    if (test)
        write_file(b->test, test);
    b->why[0] = '\0';
    unit_capture(STDOUT_FILENO);
    int result = lua_test_check(b->filter, &options, b->why, sizeof b->why);
    assert_int_equal(unit_captured(said, sizeof said), 0);
    return result;
}

static void assert_why(const struct bench *b, int line, const char *text)
{
    char expected[512];
    snprintf(expected, sizeof expected, "%s:%d: %s", b->test, line, text);
    assert_string_equal(b->why, expected);
}

static void a_filter_without_tests_is_fine(void **state)
{
    assert_int_equal(check(*state, NULL, NULL), 0);
}

static void tests_that_pass_are_silent(void **state)
{
    assert_int_equal(check(*state,
                           "return {{ name = 'a', steps = {\n"
                           "  { from = 'ann', text = 'bad', expect = 'drop' },\n"
                           "  { logged = '^saw bad$' } } }}",
                           NULL),
                     0);
}

/* At whatever level the hub logs. */
static void the_first_failure_is_told_with_file_and_line(void **state)
{
    struct bench *b = *state;
    static const char test[] = "return {\n"
                               "  { name = 'fine', steps = { { from = 'ann', text = 'x' } } },\n"
                               "  { name = 'one', steps = {\n"
                               "    { from = 'ann', text = 'x' },\n"
                               "    { from = 'ann', text = 'bad' } } },\n"
                               "  { name = 'two', steps = { { logged = 'nothing' } } } }";
    assert_int_equal(check(b, test, NULL), 2);
    assert_why(b, 5, "test \"one\", step 2: expected pass, got drop: \"no\" (2 of 3 tests failed)");
    assert_false(diag_enabled(DIAG_WARN));
}

static void a_test_file_that_is_broken_is_an_error(void **state)
{
    struct bench *b = *state;
    assert_int_equal(check(b, "return {{ name = 'a', step = {} }}", NULL), -EINVAL);
    assert_why(b, 1, "test 1: unknown key 'step'");
    assert_int_equal(check(b, "local x = require 'nothing'", NULL), -EINVAL);
    write_file(b->filter, "return {}");
    assert_true(lua_test_check(b->filter, &(struct filter_load_options){0}, b->why, sizeof b->why) <
                0);
    assert_non_null(strstr(b->why, "t.lua:1: 'name' is missing"));
}

/* They are about the filter, not about how somebody has set it; but to load, it may need that. */
static void settings_do_not_reach_the_tests(void **state)
{
    static const char *const settings[] = {"t.word=other", NULL};
    static const char *const wrong[] = {"t.words=other", NULL};
    static const char test[] = "return {{ name = 'a', steps = {\n"
                               "  { from = 'ann', text = 'bad', expect = 'drop' } } }}";
    assert_int_equal(check(*state, test, settings), 0);
    assert_int_equal(check(*state, test, wrong), -EINVAL);
}

static void a_budget_is_not_judged(void **state)
{
    assert_int_equal(check(*state,
                           "return {{ name = 'a', budget_ns = 1, steps = {\n"
                           "  { from = 'ann', text = 'x' } } }}",
                           NULL),
                     0);
}

/* A slow machine is no reason to do without a filter; one without an end is. */
static void a_call_may_take_longer_than_in_the_hub(void **state)
{
    struct bench *b = *state;
    assert_int_equal(check(b,
                           "return {{ name = 'a', steps = {\n"
                           "  { from = 'ann', text = 'long' } } }}",
                           NULL),
                     1);
    int limit_us = 5000 * (LUA_TEST_SLOW_BUILD ? LUA_TEST_SLOW_TIMES : LUA_TEST_CHECK_TIMES);
    char expected[64];
    snprintf(expected, sizeof expected, "stopped: it took longer than %d us", limit_us);
    assert_non_null(strstr(b->why, expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_filter_without_tests_is_fine),
        TEST(tests_that_pass_are_silent),
        TEST(the_first_failure_is_told_with_file_and_line),
        TEST(a_test_file_that_is_broken_is_an_error),
        TEST(settings_do_not_reach_the_tests),
        TEST(a_budget_is_not_judged),
        TEST(a_call_may_take_longer_than_in_the_hub),
    };
    return cmocka_run_group_tests_name("lua_check", tests, NULL, NULL);
}
