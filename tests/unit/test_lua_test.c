/* The offline test runner: what passes, how each thing that is not as expected is reported, and
 * what it says of files it cannot use. */
#include "lua_test.h"
#include "lua_test_impl.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* A filter and its test file in a folder of their own, and what the last run said. */
struct bench {
    char folder[32];
    char filter[64];
    char test[64];
    char *out; /* TAP */
    size_t size;
    char why[512];
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    snprintf(b->folder, sizeof b->folder, "/tmp/chatroom-test-XXXXXX");
    *state = b;
    if (!mkdtemp(b->folder))
        return -1;
    snprintf(b->filter, sizeof b->filter, "%s/t.lua", b->folder);
    snprintf(b->test, sizeof b->test, "%s/t_test.lua", b->folder);
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    unlink(b->filter);
    unlink(b->test);
    rmdir(b->folder);
    free(b->out);
    free(b);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text);
}

static int run_with(struct bench *b, const char *const *settings)
{
    const struct filter_load_options options = {.settings = settings};
    free(b->out);
    b->why[0] = '\0';
    FILE *out = open_memstream(&b->out, &b->size);
    assert_non_null(out);
    int result = lua_test_run_to(b->filter, &options, out, b->why, sizeof b->why);
    assert_int_equal(fclose(out), 0);
    return result;
}

static int run(struct bench *b, const char *filter, const char *test)
{
    write_file(b->filter, filter);
    write_file(b->test, test);
    return run_with(b, NULL);
}

/* A filter that does a little of everything: the first word says what. */
static const char obedient[] =
    "local seen = 0\n"
    "local does = {\n"
    "  drop = function() return hub.drop('too slow') end,\n"
    "  upper = function(msg) msg.text = msg.text:upper() end,\n"
    "  reply = function() return hub.reply('yes') end,\n"
    "  kick = function() return hub.kick('out') end,\n"
    "  divert = function() return hub.divert('#tea') end,\n"
    "  shadow = function() return hub.shadow() end,\n"
    "  accept = function() return hub.accept() end,\n"
    "  fail = function() error('broken here') end,\n"
    "  say = function(msg) hub.say(msg.room, 'hello') hub.tell('ann', 'psst') end,\n"
    "  later = function(msg) hub.after(10, function() hub.say('#lobby', 'later') end) end,\n"
    "  never = function(msg) hub.after(10, function() error('too late') end) end,\n"
    "  log = function(msg) hub.log('info', 'h\\195\\164\\\\ ' .. hub.config.limit) end,\n"
    "  count = function() seen = seen + 1 return hub.reply(tostring(seen)) end,\n"
    "  who = function(msg) return hub.reply(table.concat(hub.members(msg.room), ' ')) end,\n"
    "  id = function(msg) return hub.reply(msg.client .. ' ' .. (#msg.address > 0 and msg.address "
    "or 'none')\n"
    "    .. ' ' .. math.floor(hub.now() - msg.joined_at)) end,\n"
    "  nowhere = function() return hub.reply(tostring(hub.say('#nowhere', 'x'))) end,\n"
    "}\n"
    "return {\n"
    "  name = 't', version = '1', config = { limit = 3, word = 'x', list = { 'a' } },\n"
    "  match = { min_length = 2 },\n"
    "  on_message = function(msg)\n"
    "    local act = does[msg.text:match('^%l+')]\n"
    "    if act then return act(msg) end\n"
    "  end,\n"
    "  on_private = function(msg) return hub.drop(msg.to) end,\n"
    "  on_join = function(msg) return hub.drop(msg.room) end,\n"
    "  on_nick = function(msg) if msg.to == 'root' then return hub.drop('no') end end,\n"
    "  on_connect = function(msg) return hub.kick(msg.address) end,\n"
    "  commands = { roll = function(msg, args) return hub.reply(msg.from .. args) end },\n"
    "  save = function() return { seen = seen } end,\n"
    "  restore = function(state) seen = state.seen end,\n"
    "}\n";

/* ---- what passes ---- */

static void every_kind_of_step_passes(void **state)
{
    struct bench *b = *state;
    int failed = run(
        b, obedient,
        "return {{\n"
        "  name = 'verdicts', steps = {\n"
        "    { from = 'ann', text = 'hello' },\n"
        "    { from = 'ann', text = 'hello', expect = 'pass', to_text = 'hello' },\n"
        "    { from = 'ann', text = 'drop', expect = 'drop', like = '^too sl.w$' },\n"
        "    { from = 'ann', text = 'upper', expect = 'replace', to_text = 'UPPER' },\n"
        "    { from = 'ann', text = 'reply', expect = 'reply', to_text = 'yes' },\n"
        "    { from = 'ann', text = 'kick', expect = 'kick', to_text = 'out' },\n"
        "    { from = 'ann', text = 'divert', expect = 'divert', to_text = '#tea' },\n"
        "    { from = 'ann', text = 'shadow', expect = 'shadow' },\n"
        "    { from = 'ann', text = 'accept', expect = 'accept', to_text = 'accept' },\n"
        "    { from = 'ann', text = 'fail', expect = 'fault', like = 't.lua:10: broken here' },\n"
        "}}, {\n"
        "  name = 'kinds', steps = {\n"
        "    { kind = 'private', from = 'ann', to = 'bob', text = 'psst', expect = 'drop',\n"
        "      to_text = 'bob' },\n"
        "    { kind = 'join', from = 'ann', room = '#tea', expect = 'drop', to_text = '#tea' },\n"
        "    { kind = 'connect', from = 'ann', address = '10.0.0.1:7', expect = 'kick',\n"
        "      to_text = '10.0.0.1:7' },\n"
        "    { kind = 'leave', from = 'ann', text = 'bye' },\n"
        "    { kind = 'nick', from = 'ann', to = 'root', expect = 'drop' },\n"
        "    { kind = 'nick', from = 'ann', to = 'anna' },\n"
        "    { command = 'roll', from = 'ann', text = '2d6', expect = 'reply', to_text = 'ann2d6' "
        "},\n"
        "}}, {\n"
        "  name = 'what it does', config = { limit = 7, list = { 'b', 'c' } }, steps = {\n"
        "    { from = 'ann', room = '#tea', text = 'say' },\n"
        "    { said = { { to = '#tea', text = 'hello' }, { to = 'ann', like = 's+t' } } },\n"
        "    { said = {} },\n"
        "    { from = 'ann', text = 'later' }, { after = 9.999, said = {} },\n"
        "    { after = 0.001, said = { { to = '#lobby', like = 'later' } } },\n"
        "    { from = 'ann', text = 'never' },\n"
        "    { after = 60, expect = 'fault', like = 'too late' },\n"
        "    { from = 'ann', text = 'log', logged = '^h\\195\\164\\\\ 7$' },\n"
        "}}, {\n"
        "  name = 'what it keeps', steps = {\n"
        "    { from = 'ann', text = 'count', expect = 'reply', to_text = '1' },\n"
        "    { reload = true },\n"
        "    { from = 'ann', text = 'count', expect = 'reply', to_text = '2' },\n"
        "}}, {\n"
        "  name = 'everything is new', budget_ns = 1e9, steps = {\n"
        "    { from = 'ann', text = 'count', expect = 'reply', to_text = '1' },\n"
        "}}}\n");
    assert_string_equal(b->out, "1..5\n"
                                "ok 1 - verdicts\n"
                                "ok 2 - kinds\n"
                                "ok 3 - what it does\n"
                                "ok 4 - what it keeps\n"
                                "ok 5 - everything is new\n");
    assert_int_equal(failed, 0);
    assert_string_equal(b->why, "");
}

static void who_is_there_stands_in_the_test(void **state)
{
    struct bench *b = *state;
    int failed = run(
        b, obedient,
        "return {{\n"
        "  name = 'a', members = { ['#lobby'] = { 'bob', 'ann' }, ['#tea'] = { 'eve' } }, steps = "
        "{\n"
        "    { from = 'ann', text = 'who', expect = 'reply', to_text = 'bob ann' },\n"
        "    { from = 'ann', text = 'who', room = '#tea', expect = 'reply', to_text = 'eve' },\n"
        "    { from = 'ann', text = 'nowhere', expect = 'reply', to_text = 'nil' },\n"
        "    { from = 'bob', text = 'id', expect = 'reply', to_text = '1 none 0' },\n"
        "    { after = 5 },\n"
        "    { from = 'ann', address = '10.0.0.1:7', text = 'id', expect = 'reply',\n"
        "      to_text = '2 10.0.0.1:7 5' },\n"
        "    { kind = 'nick', from = 'ann', to = 'anna' },\n"
        "    { from = 'anna', text = 'id', expect = 'reply', to_text = '2 10.0.0.1:7 5' },\n"
        "    { from = 'zoe', text = 'id', expect = 'reply', to_text = '4 none 0' },\n"
        "}}, {\n"
        "  name = 'b', steps = {\n"
        "    { from = 'ann', text = 'who', expect = 'reply', to_text = '' },\n"
        "    { from = 'ann', text = 'nowhere', expect = 'reply', to_text = 'true' },\n"
        "}}}\n");
    assert_string_equal(b->out, "1..2\nok 1 - a\nok 2 - b\n");
    assert_int_equal(failed, 0);
}

static void a_closed_filter_drops_and_the_breaker_counts(void **state)
{
    struct bench *b = *state;
    int failed =
        run(b,
            "return { name = 't', on_error = 'closed',\n"
            "  on_message = function() error('no') end }",
            "local fails = { from = 'ann', text = 'x', expect = 'fault', like = 't.lua:2' }\n"
            "return {{ name = 'a', steps = { fails, fails, fails,\n"
            "  { from = 'ann', text = 'x', expect = 'drop', like = 'out of order' },\n"
            "}}, { name = 'b', steps = {\n"
            "  { from = 'ann', text = 'x', expect = 'drop', like = 'failed' },\n"
            "}}}\n");
    assert_string_equal(b->out, "1..2\nok 1 - a\nok 2 - b\n");
    assert_int_equal(failed, 0);
}

static void the_config_of_a_test_wins(void **state)
{
    struct bench *b = *state;
    const char *const settings[] = {"t.limit=5", NULL};
    write_file(b->filter, obedient);
    write_file(b->test, "return {\n"
                        "{ name = 'a', steps = {{ from = 'ann', text = 'log', logged = ' 5$' }}},\n"
                        "{ name = 'b', config = { limit = 6 },\n"
                        "  steps = {{ from = 'ann', text = 'log', logged = ' 6$' }}},\n"
                        "}");
    assert_int_equal(run_with(b, settings), 0);
    assert_string_equal(b->out, "1..2\nok 1 - a\nok 2 - b\n");
}

static void test_files_may_require_what_is_beside_them(void **state)
{
    struct bench *b = *state;
    char helper[64];
    snprintf(helper, sizeof helper, "%s/helper.lua", b->folder);
    write_file(helper, "return function(text) return { from = 'ann', text = text } end");
    int failed = run(b, obedient,
                     "local line = require('helper')\n"
                     "return {{ name = 'a', steps = { line('hello') } }}");
    unlink(helper);
    assert_string_equal(b->why, "");
    assert_string_equal(b->out, "1..1\nok 1 - a\n");
    assert_int_equal(failed, 0);
}

/* ---- what fails ---- */

/* A step in line 3, behind one that passes, and what is said of it. */
static const struct {
    const char *step;
    const char *complaint;
} wrong[] = {
    {"{ from = 'ann', text = 'hello', expect = 'drop' }", "expected drop, got pass"},
    {"{ from = 'ann', text = 'drop' }", "expected pass, got drop: \"too slow\""},
    {"{ from = 'ann', text = 'shadow', expect = 'kick' }", "expected kick, got shadow"},
    {"{ from = 'ann', text = 'upper', expect = 'replace', to_text = 'upper' }",
     "expected the text \"upper\", got \"UPPER\""},
    {"{ from = 'ann', text = 'drop', expect = 'drop', like = '^slow' }",
     "\"too slow\" is not like \"^slow\""},
    {"{ from = 'ann', text = 'drop', expect = 'drop', like = '[' }", "the pattern \"[\": "},
    {"{ from = 'ann', text = 'x', expect = 'drop' }",
     "expected drop, got pass (its match did not want it)"},
    {"{ kind = 'action', from = 'ann', text = 'drop', expect = 'reply' }", "expected reply, got "},
    {"{ kind = 'leave', from = 'ann', expect = 'drop' }",
     "expected drop, got pass (it has no handler for this kind)"},
    {"{ command = 'rool', from = 'ann', expect = 'reply' }", "the filter has no command 'rool'"},
    {"{ from = 'ann', text = 'fail' }", "expected pass, got fault: \""},
    {"{ from = 'ann', text = 'fail', expect = 'fault', like = 'whole' }",
     "broken here\" is not like"},
    {"{ from = 'ann', text = 'hello', expect = 'fault' }", "expected fault, got pass"},
    {"{ after = 1, expect = 'fault' }", "expected fault, got pass"},
    {"{ said = { { to = '#lobby' } } }",
     "said 1: expected one to #lobby, but nothing more was said"},
    {"{ from = 'ann', text = 'say', said = {} }",
     "said 1: nothing more was expected, got one to #lobby: \"hello\""},
    {"{ from = 'ann', text = 'say', said = { { to = '#lobby' } } }",
     "said 2: nothing more was expected, got one to ann: \"psst\""},
    {"{ from = 'ann', text = 'say', said = { { to = '#tea' }, { to = 'ann' } } }",
     "said 1: expected it to go to #tea, got one to #lobby: \"hello\""},
    {"{ from = 'ann', text = 'say', said = { { to = '#lobby', text = 'h' }, { to = 'ann' } } }",
     "said 1: expected the text \"h\", got \"hello\""},
    {"{ from = 'ann', text = 'say', said = { { to = '#lobby', like = 'z' }, { to = 'ann' } } }",
     "\"hello\" is not like \"z\""},
    {"{ logged = 'x' }", "nothing was logged: expected a line like \"x\""},
    {"{ from = 'ann', text = 'log', logged = 'z' }", "no line logged is like \"z\""},
};

static void each_step_that_is_wrong_is_named(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char test[1024];
        snprintf(test, sizeof test,
                 "return {{ name = 'good', steps = {{ from = 'ann', text = 'hello' }}},\n"
                 "  { name = 'bad', steps = { { from = 'ann', text = 'hello' },\n%s,\n"
                 "  { from = 'ann', text = 'drop', expect = 'pass' } }},\n"
                 "  { name = 'good', steps = {{ from = 'ann', text = 'hello' }}}}\n",
                 wrong[i].step);
        assert_int_equal(run(b, obedient, test), 1);
        assert_contains(b->out, "1..3\nok 1 - good\n");
        assert_contains(b->out, "\nnot ok 2 - bad\n# step 2 (t_test.lua:3): ");
        assert_contains(b->out, wrong[i].complaint);
        assert_contains(b->out, "\nok 3 - good\n");
    }
}

static void timers_that_fail_are_seen(void **state)
{
    struct bench *b = *state;
    assert_int_equal(run(b, obedient,
                         "return {{ name = 'a', steps = {\n"
                         "  { from = 'ann', text = 'never' },\n"
                         "  { after = 10 } }}}"),
                     1);
    assert_contains(b->out, "# step 2 (t_test.lua:3): expected pass, got fault: \"");
    assert_contains(b->out, "too late\"\n");
}

static void what_was_logged_is_shown(void **state)
{
    struct bench *b = *state;
    char err[256];
    unit_capture(STDERR_FILENO);
    int failed = run(b, obedient,
                     "return {{ name = 'good', steps = {{ from = 'ann', text = 'log' }}},\n"
                     "{ name = 'bad', config = { limit = 9 }, steps = {\n"
                     "  { from = 'ann', text = 'log' }, { from = 'ann', text = 'drop' } }}}");
    fprintf(stderr, "back again\n");
    unit_captured(err, sizeof err);
    assert_int_equal(failed, 1);
    assert_contains(b->out, "# step 2 (t_test.lua:3): expected pass, got drop: \"too slow\"\n"
                            "# log: h\xc3\xa4\\ 9\n");
    assert_null(strstr(b->out, "\\ 3"));
    assert_string_equal(err, "back again\n");
}

static void a_reload_that_fails_is_a_failure(void **state)
{
    struct bench *b = *state;
    static const char test[] = "return {{ name = 'a', steps = {\n{ reload = true } }}}";
    assert_int_equal(run(b,
                         "return { name = 't', on_message = function() end,\n"
                         "save = function() error('lost') end, restore = function() end }",
                         test),
                     1);
    assert_contains(b->out, "# step 1 (t_test.lua:2): save: ");
    assert_contains(b->out, "lost");
    assert_int_equal(run(b,
                         "return { name = 't', on_message = function() end,\n"
                         "save = function() return 7 end, restore = function() error('torn') end }",
                         test),
                     1);
    assert_contains(b->out, "# step 1 (t_test.lua:2): restore: ");
    assert_contains(b->out, "torn");
}

static void a_setting_that_does_not_fit_fails_its_test(void **state)
{
    struct bench *b = *state;
    assert_int_equal(run(b, obedient,
                         "return {{ name = 'a', config = { limit = 'many' },\n"
                         "  steps = {{ from = 'ann', text = 'hello' }}}}"),
                     1);
    assert_contains(b->out, "not ok 1 - a\n# (t_test.lua:1): cannot be loaded: ");
    assert_contains(b->out, "limit");
}

static void a_budget_is_held(void **state)
{
    struct bench *b = *state;
    int expected = LUA_TEST_SLOW_BUILD ? 0 : 1;
    int failed = run(b,
                     "return { name = 't', on_message = function()\n"
                     "  for i = 1, 2000 do end end }",
                     "return {{ name = 'a', budget_ns = 100, steps = {\n"
                     "  { from = 'ann', text = 'x' } }}}");
    assert_int_equal(failed, expected);
    assert_contains(b->out,
                    expected ? "# (t_test.lua:1): budget_ns: the median call took " : "ok 1 - a\n");
    assert_int_equal(
        run(b, obedient, "return {{ name = 'a', budget_ns = 1e9, steps = {{ after = 1 }} }}"), 1);
    assert_contains(b->out, "# (t_test.lua:1): budget_ns: the filter is never called\n");
}

static void names_stay_in_their_line(void **state)
{
    struct bench *b = *state;
    assert_int_equal(
        run(b, obedient, "return {{ name = 'a # SKIP\\nb', steps = {{ from = 'a', text = 'x' }}}}"),
        0);
    assert_string_equal(b->out, "1..1\nok 1 - a \\# SKIP\\x0ab\n");
}

/* ---- files that cannot be used ---- */

static const struct {
    const char *test;
    int line;
    const char *complaint;
} broken[] = {
    {"return {\n name = = 1\n}", 2, "unexpected symbol"},
    {"\nlocal x = hub.drop", 2, "there is no global 'hub'"},
    {"\nerror('own words')", 2, "own words"},
    {"", 1, "a test file returns a list of tests, not nothing"},
    {"return 7", 1, "a test file returns a list of tests, not number"},
    {"return {}", 1, "holds no tests"},
    {"return {\n7 }", 2, "test 1: must be a table, not a number"},
    {"return {{\n}}", 1, "test 1: 'name' is missing"},
    {"return {{ name = 'a' },\n}", 1, "test 1: 'steps' is missing or empty"},
    {"return {{ name = 'a', steps = {} }}", 1, "test 1: 'steps' is missing or empty"},
    {"return {{ name = 'a', steps = {{ from = 'a', text = 'x' }} },\n"
     "{ name = 'b',\n step = {} }}",
     3, "test 2: unknown key 'step'"},
    {"return {{\n name = 7 }}", 2, "test 1: 'name' must be a string, not a number"},
    {"return {{\n budget_ns = 0 }}", 2, "test 1: 'budget_ns' must be from 1"},
    {"return {{\n config = { 'x' } }}", 2, "test 1: 'config' has names as keys"},
    {"return {{\n config = {\n x = print } }}", 3, "there is no global 'print'"},
    {"return {{\n config = {\n x = error } }}", 3, "must be a string, number, boolean or list"},
    {"return {{\n config = {\n x = { 'a,b' } } }}", 3, "an item of 'x' has a comma"},
    {"return {{\n members = { 'ann' } }}", 2, "test 1: 'members' is { [\"#room\"]"},
    {"return {{\n members = { ['#a'] = { 'a b' } } }}", 2, "'a b' is no nick"},
    {"return {{ steps = { 7 } }}", 1, "test 1, step 1: 'steps' must hold a table each"},
    {"return {{ steps = { a = 1 } }}", 1, "'steps' must be a list"},
    {"return {{ steps = {\n{ form = 'ann' } } }}", 2, "test 1, step 1: unknown key 'form'"},
    {"return {{ steps = {\n{ 'ann' } } }}", 2, "a step has names as keys"},
    {"return {{ steps = {\n{ from = 7 } } }}", 2, "'from' must be a string, not a number"},
    {"return {{ steps = {\n{ from = 'a b', text = 'x' } } }}", 2, "'from' is no nick"},
    {"return {{ steps = {\n{ from = 'a', room = 'tea', text = 'x' } } }}", 2, "'room' is no room"},
    {"return {{ steps = {\n{ from = 'a' } } }}", 2, "a message has a 'text'"},
    {"return {{ steps = {\n{ from = 'a', text = 'x', to = 'b' } } }}", 2, "a message has no 'to'"},
    {"return {{ steps = {\n{ kind = 'private', from = 'a', text = 'x' } } }}", 2,
     "a private has a 'to'"},
    {"return {{ steps = {\n{ kind = 'nick', from = 'a', to = 'b', room = '#a' } } }}", 2,
     "a nick is in no 'room'"},
    {"return {{ steps = {\n{ kind = 'join', from = 'a', text = 'x' } } }}", 2,
     "a join has no 'text'"},
    {"return {{ steps = {\n{ kind = 'part', from = 'a' } } }}", 2, "not 'part'"},
    {"return {{ steps = {\n{ kind = 'command', from = 'a' } } }}", 2, "not 'command'"},
    {"return {{ steps = {\n{ command = 'x', from = 'a', to = 'b' } } }}", 2,
     "a command has no 'kind' and no 'to'"},
    {"return {{ steps = {\n{ from = 'a', text = 'x\\n' } } }}", 2,
     "'text' is nothing a client can send"},
    {"return {{ steps = {\n{ from = 'a', text = ('x'):rep(9000) } } }}", 2,
     "'text' is longer than the 8192 bytes of a line"},
    {"return {{ steps = {\n{ from = 'a', text = 'x', address = 'home' } } }}", 2, "'address': "},
    {"return {{ steps = {\n{ from = 'a', text = 'x', expect = 'block' } } }}", 2, "not 'block'"},
    {"return {{ steps = {\n{ text = 'x' } } }}", 2, "'text': an event has a 'from', too"},
    {"return {{ steps = {\n{ after = -1 } } }}", 2, "'after' must be from 0"},
    {"return {{ steps = {\n{ after = 1, from = 'a', text = 'x' } } }}", 2, "steps of their own"},
    {"return {{ steps = {\n{ after = 1, expect = 'drop' } } }}", 2, "a timer gives no verdict"},
    {"return {{ steps = {\n{ reload = false } } }}", 2, "'reload' can only be true"},
    {"return {{ steps = {\n{ reload = true, expect = 'drop' } } }}", 2, "there is no event here"},
    {"return {{ steps = {\n{} } }}", 2, "nothing happens here"},
    {"return {{ steps = {\n{ said = { {} } } } }}", 2, "'to' is missing"},
    {"return {{ steps = {\n{ said = { 'x' } } } }}", 2, "'said' must hold a table each"},
    {"return {{ steps = {\n{ said = { {\nwho = 'x' } } } } }}", 3, "unknown key 'who'"},
    {"\nwhile true do end", 2, "stopped: it took longer than"},
};

static void broken_test_files_are_refused_with_file_and_line(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        char place[96];
        snprintf(place, sizeof place, "%s:%d: ", b->test, broken[i].line);
        assert_int_equal(run(b, obedient, broken[i].test), -EINVAL);
        assert_contains(b->why, place);
        assert_contains(b->why, broken[i].complaint);
        assert_string_equal(b->out, "");
    }
}

static void a_test_file_has_a_memory_limit(void **state)
{
    struct bench *b = *state;
    assert_int_equal(
        run(b, obedient, "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1e5) .. i end"), -ENOMEM);
    assert_contains(b->why, "t_test.lua: not enough memory to load it");
}

static void files_that_are_missing_or_broken_are_named(void **state)
{
    struct bench *b = *state;
    write_file(b->filter, obedient);
    assert_int_equal(run_with(b, NULL), -ENOENT);
    assert_contains(b->why, "t_test.lua: No such file or directory");

    write_file(b->test, "return {{ name = 'a', steps = {{ from = 'a', text = 'x' }}}}");
    write_file(b->filter, "return {\n name = 7 }");
    assert_int_equal(run_with(b, NULL), -EINVAL);
    assert_contains(b->why, "t.lua:2: ");
    assert_string_equal(b->out, "");

    unlink(b->filter);
    assert_int_equal(run_with(b, NULL), -ENOENT);
    assert_contains(b->why, "t.lua: No such file or directory");
}

/* Whatever allocation fails, the run ends, with all of it given back (the sanitizers look). Most
 * are Lua's, of which a sample will do. */
static void no_memory_is_no_end(void **state)
{
    struct bench *b = *state;
    size_t failures = 0;
    for (int n = 0;; n += 1 + n / 50) {
        unit_alloc_fail_at(n);
        int result = run(b, obedient,
                         "return {{ name = 'a', config = { limit = 4 }, steps = {\n"
                         "  { from = 'ann', text = 'say', said = {} }, { reload = true } }}}");
        bool failed = unit_alloc_failed();
        unit_alloc_fail_at(-1);
        assert_true(result <= 1);
        failures += result < 0;
        if (!failed)
            break;
    }
    assert_true(failures > 10);
}

/* ---- lines ---- */

static int line_of(const char *source, size_t test, size_t step)
{
    const struct lua_test_place place = {.tests = 2, .test = test, .steps = 2, .step = step};
    return lua_test_line(source, &place);
}

static void lines_are_found_whatever_stands_between(void **state)
{
    (void)state;
    static const char source[] = "-- { a comment, {\n"
                                 "--[==[ {{{ ]]\n"
                                 "]==]\n"
                                 "local function f(x) if x then return { 1, 2 } end end\n"
                                 "local s = \"{ \\\" {\" .. [[\n{{]]\n"
                                 "return {\n"
                                 "  { name = '}', steps = {\n"
                                 "    f(1, 2),\n"
                                 "    -- },\n"
                                 "    { 1, { 2, 3 }, 'x,' }, },\n"
                                 "  };\n"
                                 "  {\n"
                                 "    steps =\n"
                                 "    { { 1 },\n"
                                 "\n"
                                 "      { 2 } } },\n"
                                 "}\n";
    assert_int_equal(line_of(source, 0, 0), 9);
    assert_int_equal(line_of(source, 0, 1), 11);
    assert_int_equal(line_of(source, 1, 0), 15);
    assert_int_equal(line_of(source, 1, 1), 17);
    assert_int_equal(lua_test_line_of_word(source, 1, "steps"), 8);
    assert_int_equal(lua_test_line_of_word(source, 9, "steps"), 14);
    assert_int_equal(lua_test_line_of_word(source, 9, "name"), 9);
}

static void lines_that_cannot_be_told_are_not_guessed(void **state)
{
    (void)state;
    assert_int_equal(line_of("return make()", 0, 0), 0);
    assert_int_equal(line_of("return { { steps = { 1, 2 } } }", 0, 0), 0); /* two tests ran */
    assert_int_equal(line_of("return {\n { steps = { 1 } }, 2 }", 0, 1), 2);
    assert_int_equal(line_of("return {\n f(1), 2 }", 0, 1), 2);
    assert_int_equal(line_of("local list = {\n 1, 2 } return list", 0, 0), 2);
    assert_int_equal(line_of("local list = {\n 1, 2 } return other", 0, 0), 0);
    assert_int_equal(line_of("list[1] = {\n 1, 2 } return list", 0, 0), 0);
    static const char *const torn[] = {"return {",    "return { {", "return { 'x", "return [==[ {",
                                       "return { [[", "}}}",        "--[[ {",      "'\\"};
    for (size_t i = 0; i < COUNT_OF(torn); i++)
        assert_int_equal(line_of(torn[i], 0, 0), 0);
}

static void a_step_without_a_line_is_named_by_its_number(void **state)
{
    struct bench *b = *state;
    assert_int_equal(run(b, obedient,
                         "local list = {}\n"
                         "for i = 1, 3 do list[i] = { from = 'ann', text = 'drop' } end\n"
                         "return {\n{ name = 'a', steps = list }}"),
                     1);
    assert_contains(b->out, "# step 1 (t_test.lua:4): expected pass, got drop");
    assert_int_equal(run(b, obedient,
                         "local list = {}\n"
                         "list[1] = { name = 'a', steps = {{ from = 'ann', text = 'drop' }} }\n"
                         "list[2] = list[1]\nreturn list"),
                     2);
    assert_contains(b->out, "# step 1 (t_test.lua): expected pass, got drop");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(every_kind_of_step_passes),
        TEST(who_is_there_stands_in_the_test),
        TEST(a_closed_filter_drops_and_the_breaker_counts),
        TEST(the_config_of_a_test_wins),
        TEST(test_files_may_require_what_is_beside_them),
        TEST(each_step_that_is_wrong_is_named),
        TEST(timers_that_fail_are_seen),
        TEST(what_was_logged_is_shown),
        TEST(a_reload_that_fails_is_a_failure),
        TEST(a_setting_that_does_not_fit_fails_its_test),
        TEST(a_budget_is_held),
        TEST(names_stay_in_their_line),
        TEST(broken_test_files_are_refused_with_file_and_line),
        TEST(a_test_file_has_a_memory_limit),
        TEST(files_that_are_missing_or_broken_are_named),
        TEST(no_memory_is_no_end),
        TEST(lines_are_found_whatever_stands_between),
        TEST(lines_that_cannot_be_told_are_not_guessed),
        TEST(a_step_without_a_line_is_named_by_its_number),
    };
    return cmocka_run_group_tests_name("lua_test", tests, NULL, NULL);
}
