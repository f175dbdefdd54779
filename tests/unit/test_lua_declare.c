/* What a script says of itself: the table it returns, and what of it reaches struct filter. */
#include "lua_fixture.h"
#include "unit.h"

#define HANDLER "on_message = function() end"

static void assert_text(struct str actual, const char *expected)
{
    char copy[512];
    snprintf(copy, sizeof copy, STR_FMT, STR_ARG(actual));
    assert_string_equal(copy, expected);
}

/* ---- what is taken -------------------------------------------------------------------------- */

static void every_known_key_is_taken(void **state)
{
    struct bench *b = *state;
    load(b, "local function f() end\n"
            "return { name = 'a-b_9', version = '1.2', description = 'does it', api = 1,\n"
            "  rooms = {'#tea', '#game-*'}, priority = 'first', on_error = 'closed',\n"
            "  match = { prefix = '!', contains = {'a', 'bc'}, min_length = 2, max_length = 9,\n"
            "    kinds = {'message', 'private'}, sample = 0.25 },\n"
            "  config = { limit = 1 },\n"
            "  on_message = f, on_private = f, on_join = f, on_leave = f, on_nick = f,\n"
            "  on_connect = f, on_load = f, on_unload = f, save = f, restore = f,\n"
            "  commands = { roll = f, dice = f } }");
    const struct filter *f = b->filter;
    assert_text(f->name, "a-b_9");
    assert_text(f->version, "1.2");
    assert_text(f->description, "does it");
    assert_int_equal(f->priority, FILTER_FIRST);
    assert_true(f->closed);
    assert_int_equal(f->kinds, (1U << FILTER_KINDS) - 1);
    assert_int_equal(f->command_count, 2);
    assert_text(f->commands[0], "dice");
    assert_text(f->commands[1], "roll");
    assert_int_equal(f->match.room_count, 2);
    assert_text(f->match.rooms[0], "#tea");
    assert_text(f->match.rooms[1], "#game-*");
    assert_text(f->match.prefix, "!");
    assert_int_equal(f->match.contain_count, 2);
    assert_text(f->match.contains[1], "bc");
    assert_int_equal(f->match.min_length, 2);
    assert_int_equal(f->match.max_length, 9);
    assert_int_equal(f->match.kinds, 1U << FILTER_MESSAGE | 1U << FILTER_PRIVATE);
    assert_true(f->match.sample == 0.25);
    assert_true(f->ops->memory(f) > 1000 && f->ops->memory(f) < 200000);
}

static void what_is_not_said_is_zero(void **state)
{
    struct bench *b = *state;
    load(b, "return { name = 't', on_private = function() end }");
    const struct filter *f = b->filter;
    assert_int_equal(f->version.size + f->description.size, 0);
    assert_int_equal(f->priority, FILTER_NORMAL);
    assert_false(f->closed);
    assert_int_equal(f->kinds, 1U << FILTER_PRIVATE);
    assert_int_equal(f->command_count, 0);
    assert_int_equal(f->match.room_count + f->match.contain_count + f->match.prefix.size, 0);
    assert_int_equal(f->match.kinds, 0);
    assert_true(f->match.sample == 0);
}

static void one_string_does_for_a_list(void **state)
{
    struct bench *b = *state;
    load(b, "return { name = 't', rooms = '#tea', priority = -7, on_error = 'open',\n"
            "  match = { contains = 'x', kinds = 'action' }, " HANDLER " }");
    assert_int_equal(b->filter->match.room_count, 1);
    assert_text(b->filter->match.rooms[0], "#tea");
    assert_text(b->filter->match.contains[0], "x");
    assert_int_equal(b->filter->match.kinds, 1U << FILTER_ACTION);
    assert_int_equal(b->filter->priority, -7);
    assert_false(b->filter->closed);
}

/* A metatable adds nothing to what is written. */
static void only_what_the_table_itself_holds_counts(void **state)
{
    struct bench *b = *state;
    assert_refused(b,
                   "return setmetatable({ name = 't' },\n"
                   "  { __index = { on_message = function() end } })",
                   1, "nothing to do");
}

/* ---- what is refused: line and sentence ----------------------------------------------------- */

/* Each stands in line 2 of a declaration that is right otherwise. */
static const struct {
    const char *line;
    const char *part;
} wrong[] = {
    {"api = 2", "'api' is 2; this hub speaks 1"},
    {"api = '1'", "'api' must be a number, not a string"},
    {"version = ('x'):rep(33)", "'version' is longer than 32 bytes"},
    {"description = ('x'):rep(257)", "'description' is longer than 256 bytes"},
    {"priority = 'high'", "'priority' must be \"first\", \"normal\", \"last\" or an integer"},
    {"priority = 1.5", "'priority' must be"},
    {"priority = 10001", "'priority' must be"},
    {"priority = true", "'priority' must be"},
    {"on_error = 'hold'", "'on_error' must be \"open\""},
    {"on_error = true", "'on_error' must be a string, not a boolean"},
    {"on_join = {}", "'on_join' must be a function, not a table"},
    {"on_unload = 1", "'on_unload' must be a function, not a number"},
    {"save = true", "'save' must be a function, not a boolean"},
    {"on_mesage = 1", "unknown key 'on_mesage' in the table returned"},
    {"rooms = {}", "'rooms' must be a list of 1 to 10000 strings"},
    {"rooms = 7", "'rooms' must be a list of strings, not a number"},
    {"rooms = {'#a', 7}", "'rooms' may hold strings only, and there is a number"},
    {"rooms = {'#a', ''}", "'rooms' has a string of 0 bytes"},
    {"rooms = {'#a', 'tea'}", "'rooms' has 'tea', but names of rooms start with '#'"},
    {"commands = {}", "'commands' is empty"},
    {"commands = { function() end }", "'commands' has a key that is a number"},
    {"commands = { roll = 'x' }", "'commands.roll' must be a function, not a string"},
    {"commands = { Roll = function() end }", "'Roll' may have only a-z"},
    {"commands = (function() local t = {} for i = 1, 33 do t['c' .. i] = print_ or error end "
     "return t end)()",
     "there is no global 'print_'"},
    {"match = 'x'", "'match' must be a table, or a function that returns one, not a string"},
    {"match = function() return 'x' end, config = { limit = 1 }",
     "'match' must be a table, or a function that returns one, not a string"},
    {"match = function() end", "'match' is a function, but there is no 'config' for it"},
    {"match = function(config) return config.x end, config = { limit = 1 }",
     "there is no hub.config.x"},
    {"match = { words = 7 }", "'match.words' must be a list of strings, not a number"},
    {"match = { words = {'a', 7} }", "'match.words' may hold strings only, not a number"},
    {"match = { words = {'a', '...'} }", "'match.words': entry 2, \"...\", does not begin"},
    {"match = { words = {''} }", "'match.words': entry 1, \"\", is empty"},
    {"match = { capitals = 0 }", "'match.capitals' must be an integer from 1"},
    {"match = { capitals = 'x' }", "'match.capitals' must be a number, not a string"},
    {"match = { contain = 'x' }", "unknown key 'match.contain' in 'match'"},
    {"match = { prefix = 7 }", "'match.prefix' must be a string, not a number"},
    {"match = { prefix = '' }", "'prefix' has a string of 0 bytes"},
    {"match = { contains = {} }", "'contains' must be a list of 1 to 10000 strings"},
    {"match = { contains = {1} }", "'contains' may hold strings only"},
    {"match = { min_length = -1 }", "'match.min_length' must be an integer from 0"},
    {"match = { max_length = 0 }", "'match.max_length' must be an integer from 1"},
    {"match = { max_length = 1.5 }", "'match.max_length' must be an integer"},
    {"match = { min_length = 9, max_length = 8 }", "'match.max_length' is less than"},
    {"match = { kinds = 'mesage' }", "'match.kinds' has \"mesage\"; there are message, action"},
    {"match = { kinds = {'private'} }", "'match.kinds' has \"private\", but nothing handles it"},
    {"match = { sample = 0 }", "'match.sample' must be above 0, and 1 at most"},
    {"match = { sample = 1.1 }", "'match.sample' must be above 0, and 1 at most"},
    {"match = { sample = 0/0 }", "'match.sample' must be above 0, and 1 at most"},
    {"config = 7", "'config' must be a table, not a number"},
    {"config = { 'x' }", "'config' has a key that is a number; keys are names"},
    {"config = { Limit = 1 }", "'config.Limit': keys are 1 to 32 of a-z, 0-9 and '_'"},
    {"config = { limit = function() end }", "'config.limit' must be a number, string, boolean"},
    {"config = { limit = { typ = 'number' } }", "unknown key 'config.limit.typ' in 'config.limit'"},
    {"config = { limit = { help = 'x' } }", "or a table with 'type' or 'default'"},
    {"config = { limit = { type = 'int' } }", "'config.limit.type' must be \"number\", \"string\""},
    {"config = { limit = { type = 'number', default = 'x' } }",
     "'config.limit' is a number, and its default a string"},
    {"config = { limit = { default = 3, min = '1' } }",
     "'config.limit.min' must be a number, not a string"},
    {"config = { limit = { default = 3, min = 4 } }", "'config.limit' is 3.0: the least is 4.0"},
    {"config = { limit = { default = 'abc', max = 2 } }", "'config.limit' has a length of 3.0"},
    {"config = { limit = { default = {'a'}, min = 2 } }",
     "'config.limit' has a number of items, 1"},
    {"config = { limit = { default = 'a', choices = {'b'} } }",
     "'config.limit' is 'a', which is none of its choices"},
    {"config = { limit = { default = 1, choices = {'b'} } }",
     "'config.limit' has choices, but is no string"},
    {"config = { limit = {'a', 2} }", "'config.limit' must be a list of strings"},
    {"config = { limit = {'a', nil, 'c', [9] = 'x'} }",
     "'config.limit' must be a list of strings, without holes"},
};

static void what_is_wrong_is_refused_with_its_line(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char script[512];
        snprintf(script, sizeof script, "return { name = 't', " HANDLER ",\n %s,\n}",
                 wrong[i].line);
        assert_refused(b, script, 2, wrong[i].part);
    }
}

static void too_many_commands_are_refused(void **state)
{
    struct bench *b = *state;
    assert_refused(b,
                   "local t = {}\nfor i = 1, 33 do t['c' .. i] = error end\n"
                   "return { name = 't',\n commands = t }",
                   4, "'commands' has more than 32");
}

/* ---- configuration -------------------------------------------------------------------------- */

static const char show_config[] =
    "local function show(v) return type(v) == 'table' and table.concat(v, '+') .. #v\n"
    "  or math.type(v) == 'integer' and 'i' .. v or tostring(v) end\n"
    "return { name = 't', on_message = function()\n"
    "    local c = hub.config\n"
    "    return hub.reply(table.concat({show(c.limit), show(c.share), show(c.greeting),\n"
    "      show(c.loud), show(c.words), show(c.mode), show(c.unset)}, '|')) end,\n"
    "  config = { limit = { type = 'number', default = 5, min = 1, max = 10, help = 'most' },\n"
    "    share = 0.5, greeting = 'hello', loud = false, words = {'a', 'b'},\n"
    "    mode = { default = 'drop', choices = {'drop', 'mask'} },\n"
    "    unset = { type = 'string' } } }";

static void config_has_its_defaults(void **state)
{
    struct bench *b = *state;
    load(b, show_config);
    say(b, "x");
    assert_result(b, FILTER_REPLY, "i5|0.5|hello|false|a+b2|drop|nil");
}

static void settings_take_the_place_of_defaults(void **state)
{
    static const struct {
        const char *setting;
        const char *reply;
    } cases[] = {
        {"t.limit=7", "i7|0.5|hello|false|a+b2|drop|nil"},
        {"t.limit=1", "i1|0.5|hello|false|a+b2|drop|nil"},
        {"t.limit= 2.5 ", "2.5|0.5|hello|false|a+b2|drop|nil"},
        {"t.share=1e3", "i5|1000.0|hello|false|a+b2|drop|nil"},
        {"t.greeting=a=b, c", "i5|0.5|a=b, c|false|a+b2|drop|nil"},
        {"t.greeting=", "i5|0.5||false|a+b2|drop|nil"},
        {"t.loud=true", "i5|0.5|hello|true|a+b2|drop|nil"},
        {"t.words=x, y z ,,w", "i5|0.5|hello|false|x+y z+w3|drop|nil"},
        {"t.words=", "i5|0.5|hello|false|0|drop|nil"},
        {"t.mode=mask", "i5|0.5|hello|false|a+b2|mask|nil"},
        {"t.unset=here", "i5|0.5|hello|false|a+b2|drop|here"},
        {"tt.limit=9", "i5|0.5|hello|false|a+b2|drop|nil"},
        {"other.key=9", "i5|0.5|hello|false|a+b2|drop|nil"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b->settings[0] = cases[i].setting;
        unload(b);
        load(b, show_config);
        say(b, "x");
        assert_result(b, FILTER_REPLY, cases[i].reply);
    }
    b->settings[0] = "t.limit=6";
    b->settings[1] = "t.limit=8";
    load(b, show_config);
    say(b, "x");
    assert_result(b, FILTER_REPLY, "i8|0.5|hello|false|a+b2|drop|nil");
}

static void wrong_settings_are_refused(void **state)
{
    static const struct {
        const char *setting;
        int line;
        const char *part;
    } cases[] = {
        {"t.limit=11", 7, "'config.limit' is 11.0: the most is 10.0"},
        {"t.limit=nan", 7, "--set: 'config.limit' is a number, 'nan' is none"},
        {"t.limit=5x", 7, "--set: 'config.limit' is a number, '5x' is none"},
        {"t.loud=yes", 8, "--set: 'config.loud' is true or false, not 'yes'"},
        {"t.mode=pass", 9, "'config.mode' is 'pass', which is none of its choices"},
        {"t.lmit=5", 7, "--set t.lmit=5: filter t has no such key in its config"},
        {"t.limit", 7, "--set t.limit: there is no '=' in it"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b->settings[0] = cases[i].setting;
        assert_refused(b, show_config, cases[i].line, cases[i].part);
    }
    b->settings[0] = "t.limit=5";
    assert_refused(b, "return { name = 't', " HANDLER " }", 1, "filter t has no such key");
}

static void config_is_closed(void **state)
{
    struct bench *b = *state;
    load(b, "return { name = 't', config = { limit = 5 }, on_message = function(msg)\n"
            "  if msg.text == 'read' then return hub.reply(hub.config.lmit) end\n"
            "  hub.config.more = 1 end }");
    say(b, "read");
    assert_fault(b, 2, "there is no hub.config.lmit");
    say(b, "write");
    assert_fault(b, 3, "hub.config cannot be changed");
    load(b, "return { name = 't', on_message = function(msg)\n return hub.config.x end }");
    say(b, "");
    assert_fault(b, 2, "there is no hub.config.x");
    assert_refused(b, "\nlocal x = hub.config.limit", 2,
                   "hub.config is there once the script has returned its table");
}

/* A list that is set replaces the default, and a script started anew is told the same again. */
static void settings_outlive_a_new_start(void **state)
{
    struct bench *b = *state;
    char setting[] = "t.limit=7";
    b->settings[0] = setting;
    b->limits.memory = 1 << 20;
    b->limits.call_us = 1000000;
    load(b, "local kept = {}\n"
            "return { name = 't', config = { limit = 5 }, on_message = function(msg)\n"
            "  while msg.text == 'hoard' do kept[#kept + 1] = ('x'):rep(1000) .. #kept end\n"
            "  return hub.reply(hub.config.limit .. '') end }");
    memset(setting, 'x', sizeof setting - 1);
    say(b, "hoard");
    assert_contains(b->log, "was started anew");
    say(b, "");
    assert_result(b, FILTER_REPLY, "7");
}

/* Each allocation fails once in turn: the script loads, or it does not and says why; nothing leaks.
 */
static void a_lack_of_memory_is_survived(void **state)
{
    static const char script[] =
        "hub.every(1, function() end)\n"
        "local words, map = hub.words({'spam', 'buy now'}), hub.shared('m')\n"
        "return { name = 't', description = 'd', rooms = {'#lobby', '#tea'},\n"
        "  match = function() return { contains = {'a', 'b'}, kinds = 'message', capitals = 1,\n"
        "    words = {'spam', 'ham and eggs'} } end,\n"
        "  config = { limit = { default = 5, help = 'h' }, list = {'a', 'b'} },\n"
        "  commands = { roll = error, dice = error },\n"
        "  on_load = function() hub.rate('k', 1, 1) map:set('k', 1) end,\n"
        "  on_message = function(msg) return hub.reply(words:mask(msg.text)) end }";
    struct bench *b = *state;
    int failed = 0;
    b->settings[0] = "t.limit=7";
    write_file(b->path, script, sizeof script - 1);
    for (int n = 0; unit_alloc_sweep(n); n++) {
        b->why[0] = '\0';
        if (load_file(b, b->path) != 0) {
            failed++;
            assert_true(b->why[0] != '\0');
            continue;
        }
        say(b, "spam");
        assert_true(b->result.verdict == FILTER_REPLY || b->result.verdict == FILTER_FAULT);
        unload(b);
    }
    assert_true(failed > 10);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_known_key_is_taken),
        TEST(what_is_not_said_is_zero),
        TEST(one_string_does_for_a_list),
        TEST(only_what_the_table_itself_holds_counts),
        TEST(what_is_wrong_is_refused_with_its_line),
        TEST(too_many_commands_are_refused),
        TEST(config_has_its_defaults),
        TEST(settings_take_the_place_of_defaults),
        TEST(wrong_settings_are_refused),
        TEST(config_is_closed),
        TEST(settings_outlive_a_new_start),
        TEST(a_lack_of_memory_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
