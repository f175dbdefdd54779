/* How one script takes the place of another: on_load, on_unload, save and restore; and `require`.
 */
#include "lua_fixture.h"

#include <sys/stat.h>

/* ---- on_load, on_unload --------------------------------------------------------------------- */

static void on_load_and_on_unload_run_once(void **state)
{
    struct bench *b = *state;
    load(b, "local loaded = 0\n"
            "return { name = 't', config = { x = 'set' },\n"
            "  on_load = function() loaded = loaded + 1 hub.log('info', hub.config.x) end,\n"
            "  on_message = function() return hub.reply(tostring(loaded)) end,\n"
            "  on_unload = function() hub.log('info', 'bye') end }");
    assert_contains(b->log, "test: info: filter t: set\n");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "1");
    log_begin(b);
    unload(b);
    log_end(b);
    assert_string_equal(b->log, "test: info: filter t: bye\n");
}

static void a_script_whose_on_load_fails_is_not_loaded(void **state)
{
    struct bench *b = *state;
    assert_refused(b,
                   "return { name = 't', on_message = function() end,\n"
                   "  on_load = function()\n error('no luck') end }",
                   3, "no luck");
}

/* ---- save and restore ----------------------------------------------------------------------- */

static int save(struct bench *b, char **state, size_t *size)
{
    return b->filter->ops->save(b->filter, state, size, b->why, sizeof b->why);
}

static int restore(struct bench *b, const char *state, size_t size)
{
    return b->filter->ops->restore(b->filter, state, size, STR("1.0"), b->why, sizeof b->why);
}

/* A script that saves this expression, and a value restored that `check` must be true of. */
static void assert_kept(struct bench *b, const char *expression, const char *check)
{
    char script[1024];
    char *saved;
    size_t size;
    snprintf(script, sizeof script,
             "local kept\n"
             "return { name = 't', save = function() return %s end,\n"
             "  restore = function(saved, version) kept = saved kept_version = version end,\n"
             "  on_load = function() end,\n"
             "  on_message = function() local v = kept return hub.reply(tostring(%s)) end }",
             expression, check);
    unload(b);
    /* A global made late is an error, so it is there from the start. */
    char whole[1200];
    snprintf(whole, sizeof whole, "kept_version = false\n%s", script);
    load(b, whole);
    if (save(b, &saved, &size) != 0)
        fail_msg("%s: %s", expression, b->why);
    load(b, whole);
    assert_int_equal(restore(b, saved, size), 0);
    free(saved);
    say(b, "x");
    assert_result(b, FILTER_REPLY, "true");
}

static void plain_values_are_kept(void **state)
{
    static const struct {
        const char *expression;
        const char *check;
    } cases[] = {
        {"7", "math.type(v) == 'integer' and v == 7 and kept_version == '1.0'"},
        {"math.mininteger", "v == math.mininteger"},
        {"0.5", "v == 0.5"},
        {"7.0", "math.type(v) == 'float'"},
        {"1/0", "v == math.huge"},
        {"0/0", "v ~= v"},
        {"true", "v == true"},
        {"false", "v == false"},
        {"''", "v == ''"},
        {"'a\\0b\\255'", "v == 'a\\0b\\255'"},
        {"('x'):rep(200000)", "v == ('x'):rep(200000)"},
        {"{}", "type(v) == 'table' and next(v) == nil"},
        {"{1, 'two', {3, {4}}}",
         "v[1] == 1 and v[2] == 'two' and v[3][1] == 3 and v[3][2][1] == 4"},
        {"{a = 1, [7] = 'x', [true] = false, [0.5] = {}}",
         "v.a == 1 and v[7] == 'x' and v[true] == false and next(v[0.5]) == nil"},
        {"setmetatable({x = 1}, {__index = {y = 2}})", "v.x == 1 and v.y == nil"},
    };
    struct bench *b = *state;
    b->limits.call_us = 1000000; /* for slow machines */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_kept(b, cases[i].expression, cases[i].check);
}

static void what_cannot_be_kept_is_refused(void **state)
{
    static const struct {
        const char *expression;
        const char *part;
    } cases[] = {
        {"error", "save may return strings, numbers, booleans and tables of them, not a function"},
        {"{a = {b = function() end}}", "and tables of them, not a function"},
        {"{[{}] = hub.shared('x')}", "and tables of them, not a userdata"},
        {"(function() local t = {} t.t = t return t end)()", "one that holds itself"},
        {"(function() local t = {} for i = 1, 20 do t = {t} end return t end)()",
         "tables more than 16 deep"},
        {"(function() local t = {} for i = 1, 6 do t[i] = ('x'):rep(200000) end return t end)()",
         "save returned more than 1048576 bytes"},
        {"error('own words')", "own words"},
        {"hub.say('#x', 'y')", "hub.say: not while the script is unloaded"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char script[512];
        char *saved;
        size_t size;
        snprintf(script, sizeof script,
                 "return { name = 't', on_message = function() return hub.reply('well') end,\n"
                 "  save = function() return %s end }",
                 cases[i].expression);
        unload(b);
        load(b, script);
        assert_int_equal(save(b, &saved, &size), -EINVAL);
        assert_contains(b->why, cases[i].part);
        assert_contains(b->why, ".lua:");
        say(b, "x");
        assert_result(b, FILTER_REPLY, "well");
    }
}

static void who_keeps_nothing_says_so(void **state)
{
    struct bench *b = *state;
    char *saved;
    size_t size;
    load(b, "return { name = 't', on_message = function() end }");
    assert_int_equal(save(b, &saved, &size), -ENOENT);
    assert_int_equal(restore(b, "i", 1), 0);
    load(b, "return { name = 't', on_message = function() end, save = function() end }");
    assert_int_equal(save(b, &saved, &size), -ENOENT);
}

static void a_restore_that_fails_is_told(void **state)
{
    struct bench *b = *state;
    load(b, "return { name = 't', on_message = function() end, restore = function(saved)\n"
            "  error('cannot use ' .. saved) end }");
    assert_int_equal(restore(b, "s\2\0\0\0ab", 7), -EINVAL);
    assert_contains(b->why, ".lua:2: cannot use ab");
    /* Cut off anywhere, it is an error and nothing worse. */
    static const char whole[] = "{s\1\0\0\0ai\7\0\0\0\0\0\0\0s\1\0\0\0b{tf}}";
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        char *cut = malloc(size + 1); /* of its very size, so that reading behind it is found */
        memcpy(cut, whole, size);
        assert_int_equal(restore(b, cut, size), -EINVAL);
        free(cut);
    }
    assert_int_equal(restore(b, "}", 1), -EINVAL);
    assert_contains(b->why, "the saved state is damaged");
}

/* ---- require -------------------------------------------------------------------------------- */

/* Writes NAME.lua beside the script; returns its name without .lua. */
static const char *write_beside(struct bench *b, char *path, size_t size, const char *text)
{
    snprintf(path, size, "%.*s_beside.lua", (int)(strlen(b->path) - 4), b->path);
    write_file(path, text, strlen(text));
    static char name[64];
    const char *slash = strrchr(path, '/');
    snprintf(name, sizeof name, "%.*s", (int)(strlen(slash + 1) - 4), slash + 1);
    return name;
}

static void a_file_beside_the_script_is_required(void **state)
{
    struct bench *b = *state;
    char path[128];
    char script[512];
    const char *name = write_beside(b, path, sizeof path,
                                    "runs = (runs_ or 0) + 1\n"
                                    "return { double = function(s) return s .. s end }");
    snprintf(script, sizeof script,
             "runs_ = 0\n"
             "local one = require '%s'\nlocal two = require '%s'\n"
             "return { name = 't', on_message = function(msg)\n"
             "  return hub.reply(one.double(msg.text) .. tostring(one == two) .. runs ..\n"
             "    tostring(require '%s' == one)) end }",
             name, name, name);
    load(b, script);
    say(b, "ab");
    assert_result(b, FILTER_REPLY, "ababtrue1true");
    unlink(path);
}

/* It was read once, as the script was: the file may be another, or gone, by the time of a new
 * start.
 */
static void a_new_start_does_not_read_files_again(void **state)
{
    struct bench *b = *state;
    char path[128];
    char script[512];
    b->limits.memory = 1 << 20;
    b->limits.call_us = 1000000;
    const char *name = write_beside(b, path, sizeof path, "return 'value'");
    snprintf(script, sizeof script,
             "local value, kept = require '%s', {}\n"
             "return { name = 't', on_message = function(msg)\n"
             "  while msg.text == 'hoard' do kept[#kept + 1] = ('x'):rep(1000) .. #kept end\n"
             "  return hub.reply(value) end }",
             name);
    load(b, script);
    unlink(path);
    say(b, "hoard");
    assert_contains(b->log, "was started anew");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "value");
}

static void what_is_wrong_with_a_file_beside_is_told(void **state)
{
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"\nlocal x = = 1", "_beside.lua:2: unexpected symbol"},
        {"\nerror('own words')", "_beside.lua:2: own words"},
        {"\nlocal x = io", "_beside.lua:2: there is no global 'io'"},
        {"\x1bLua", "is compiled Lua"},
    };
    struct bench *b = *state;
    char path[128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char script[256];
        const char *name = write_beside(b, path, sizeof path, cases[i].text);
        snprintf(script, sizeof script, "local m = require '%s'", name);
        assert_int_equal(try_load(b, script), -EINVAL);
        assert_contains(b->why, cases[i].part);
    }
    assert_int_equal(truncate(path, (off_t)LUA_HOST_SCRIPT_MAX + 1), 0);
    assert_int_equal(load_file(b, b->path), -EINVAL);
    assert_contains(b->why, "has 1048577 bytes; a filter has at most 1048576");
    unlink(path);
}

static void a_circle_of_files_is_an_error(void **state)
{
    struct bench *b = *state;
    char path[128];
    char text[128];
    char script[128];
    char name[64];
    snprintf(name, sizeof name, "%s", write_beside(b, path, sizeof path, ""));
    snprintf(text, sizeof text, "return require '%s'", name);
    write_beside(b, path, sizeof path, text);
    snprintf(script, sizeof script, "local m = require '%s'", name);
    assert_int_equal(try_load(b, script), -EINVAL);
    assert_contains(b->why, "requires itself");
    unlink(path);
}

static void nothing_but_files_beside_the_script_is_required(void **state)
{
    static const char *const names[] = {
        "../secret",
        "/etc/passwd",
        "a/b",
        "..",
        ".",
        "",
        "a.b",
        "a\\0b",
        "a b",
        "string\\n",
        "chatroom.lua",
        "aaaaaaaaaabbbbbbbbbbccccccccccddd",
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char script[128];
        snprintf(script, sizeof script, "\nlocal m = require '%s'", names[i]);
        assert_refused(b, script, 2, "names no file beside the script");
    }
    assert_refused(b, "\nlocal m = require 'chatroom-not-there'", 2, "No such file or directory");
    assert_refused(b, "\nlocal m = require 'os'", 2, "No such file or directory");
    load_body(b, "return hub.reply(require 'chatroom-not-there')");
    say(b, "x");
    assert_fault(b, 2, "require: only while the script is loaded; do it at its top");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(on_load_and_on_unload_run_once),
        TEST(a_script_whose_on_load_fails_is_not_loaded),
        TEST(plain_values_are_kept),
        TEST(what_cannot_be_kept_is_refused),
        TEST(who_keeps_nothing_says_so),
        TEST(a_restore_that_fails_is_told),
        TEST(a_file_beside_the_script_is_required),
        TEST(a_new_start_does_not_read_files_again),
        TEST(what_is_wrong_with_a_file_beside_is_told),
        TEST(a_circle_of_files_is_an_error),
        TEST(nothing_but_files_beside_the_script_is_required),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
