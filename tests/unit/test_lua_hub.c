/* What scripts may ask of the hub: speaking, who is where, timers, and the tools done in C. */
#include "lua_fixture.h"

/* ---- speaking ------------------------------------------------------------------------------- */

static void a_script_speaks_in_its_own_name(void **state)
{
    struct bench *b = *state;
    load_body(b, "return hub.reply(tostring(hub.say('#tea', 'to all')) ..\n"
                 "  tostring(hub.tell(msg.from, 'to one')))");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "truetrue");
    assert_string_equal(b->said, "t>#tea: to all\nt>ann: to one\n");
}

static void what_cannot_be_said_is_told(void **state)
{
    static const struct {
        int error;
        const char *reply;
    } cases[] = {
        {-ENOENT, "nil|no such room|nil|nobody has that nick"},
        {-EAGAIN, "nil|too much was said at once|nil|too much was said at once"},
        {-ENOMEM, "nil|Cannot allocate memory|nil|Cannot allocate memory"},
    };
    struct bench *b = *state;
    load_body(b, "local a, why = hub.say('#x', 'y')\n"
                 "local c, because = hub.tell('x', 'y')\n"
                 "return hub.reply(table.concat({tostring(a), why, tostring(c), because}, '|'))");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b->say_error = cases[i].error;
        say(b, "x");
        assert_result(b, FILTER_REPLY, cases[i].reply);
    }
}

/* ---- who is where --------------------------------------------------------------------------- */

static void members_are_listed_and_counted(void **state)
{
    struct bench *b = *state;
    load_body(b, "local nicks, count = hub.members(msg.text)\n"
                 "if not nicks then return hub.reply(count) end\n"
                 "return hub.reply(#nicks .. ' ' .. count .. ' ' .. (nicks[1] or '') .. ' ' ..\n"
                 "  (nicks[#nicks] or ''))");
    static const struct {
        int64_t members;
        const char *reply;
    } cases[] = {
        {0, "0 0  "},
        {1, "1 1 n1 n1"},
        {1000, "1000 1000 n1 n1000"},
        {1001, "1000 1001 n1 n1000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b->members = cases[i].members;
        say(b, "#lobby");
        assert_result(b, FILTER_REPLY, cases[i].reply);
    }
    say(b, "#nowhere");
    assert_result(b, FILTER_REPLY, "no such room");
}

static void rooms_are_listed_with_their_sizes(void **state)
{
    struct bench *b = *state;
    b->members = 3;
    load_body(b, "local rooms = hub.rooms()\n"
                 "return hub.reply(rooms['#lobby'] .. ' ' .. rooms['#tea'])");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "3 0");
}

static void the_time_is_that_of_the_hub(void **state)
{
    struct bench *b = *state;
    load_body(b, "return hub.reply(tostring(hub.now()))");
    b->now_ms = 86400250;
    say(b, "x");
    assert_result(b, FILTER_REPLY, "86400.25");
}

/* ---- too early, too late -------------------------------------------------------------------- */

static void the_hub_is_not_there_while_loading(void **state)
{
    static const char *const calls[] = {"say('#x', 'y')", "tell('x', 'y')", "members('#x')",
                                        "rooms()"};
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char script[256];
        snprintf(script, sizeof script, "\nhub.%s", calls[i]);
        assert_refused(b, script, 2, "not while the script is loaded; hub.after(0, function)");
        snprintf(script, sizeof script,
                 "return { name = 't', on_message = function() end,\n"
                 "  on_load = function() hub.%s end }",
                 calls[i]);
        assert_refused(b, script, 2, "not while the script is loaded; hub.after(0, function)");
    }
    assert_refused(b, "\nhub.rate('x', 1, 1)", 2, "hub.rate: the script has no name yet");
    assert_string_equal(b->said, "");
}

static void the_hub_is_gone_while_unloading(void **state)
{
    struct bench *b = *state;
    load(b, "return { name = 't', on_message = function() end, on_unload = function()\n"
            "  hub.say('#x', 'bye') end }");
    log_begin(b);
    unload(b);
    log_end(b);
    assert_contains(b->log, ".lua:2: hub.say: not while the script is unloaded");
    assert_string_equal(b->said, "");
}

/* ---- timers --------------------------------------------------------------------------------- */

static void a_timer_runs_when_it_is_due(void **state)
{
    struct bench *b = *state;
    load(b, "hub.after(1.5, function() hub.say('#x', 'once') end)\n"
            "hub.every(1, function() hub.say('#x', 'again ' .. hub.now()) end)\n"
            "return { name = 't', on_message = function() end }");
    assert_int_equal(pass_time(b, 0), 2500);
    assert_int_equal(pass_time(b, 999), 2500);
    assert_string_equal(b->said, "");
    assert_int_equal(pass_time(b, 1), 3000);
    assert_int_equal(pass_time(b, 500), 3500);
    assert_int_equal(pass_time(b, 500), 4500);
    assert_string_equal(b->said, "t>#x: again 2.5\nt>#x: once\nt>#x: again 3.5\n");
}

/* What was missed while the hub stood still is missed. */
static void a_late_timer_does_not_catch_up(void **state)
{
    struct bench *b = *state;
    load(b, "hub.every(1, function() hub.say('#x', 'tick') end)\n"
            "return { name = 't', on_message = function() end }");
    assert_int_equal(pass_time(b, 10300), 1500 + 10300 + 1000);
    assert_string_equal(b->said, "t>#x: tick\n");
}

/* One that was late is not followed sooner by the next: rates are kept, not dates. */
static void a_late_timer_keeps_its_distance(void **state)
{
    struct bench *b = *state;
    load(b, "hub.every(1, function() hub.say('#x', 'tick') end)\n"
            "return { name = 't', on_message = function() end }");
    assert_int_equal(pass_time(b, 1400), 1500 + 1400 + 1000);
    assert_int_equal(pass_time(b, 999), 1500 + 1400 + 1000);
    assert_string_equal(b->said, "t>#x: tick\n");
    assert_int_equal(pass_time(b, 1), 1500 + 1400 + 2000);
    assert_string_equal(b->said, "t>#x: tick\nt>#x: tick\n");
}

static void a_clock_set_back_keeps_no_timer_waiting(void **state)
{
    struct bench *b = *state;
    struct filter_result ignored = {.verdict = FILTER_PASS};
    b->now_ms = 10000000;
    load(b, "hub.after(1.5, function() hub.say('#x', 'once') end)\n"
            "hub.every(1, function() hub.say('#x', 'again') end)\n"
            "return { name = 't', on_message = function() end }");
    assert_int_equal(pass_time(b, 400), 10001000);
    b->now_ms = 5000000;
    /* The chain asks before it runs any: what it hears is by the new time. */
    assert_int_equal(b->filter->ops->tick(b->filter, INT64_MIN, &ignored), 5000600);
    assert_int_equal(pass_time(b, 599), 5000600);
    assert_string_equal(b->said, "");
    assert_int_equal(pass_time(b, 1), 5001100);
    assert_int_equal(pass_time(b, 500), 5001600);
    assert_string_equal(b->said, "t>#x: again\nt>#x: once\n");
}

static void one_timer_runs_in_one_turn(void **state)
{
    struct bench *b = *state;
    load(b, "for i = 1, 3 do hub.after(0, function() hub.say('#x', 'y') end) end\n"
            "return { name = 't', on_message = function() end }");
    assert_int_equal(pass_time(b, 10), 1501);
    assert_string_equal(b->said, "t>#x: y\n");
    assert_int_equal(pass_time(b, 0), 1501);
    assert_int_equal(pass_time(b, 0), INT64_MAX);
    assert_string_equal(b->said, "t>#x: y\nt>#x: y\nt>#x: y\n");
}

/* One that sets itself again with 0 is not run for ever in one turn. */
static void a_timer_set_by_a_timer_waits_for_the_next_turn(void **state)
{
    struct bench *b = *state;
    load(b, "local function again() hub.say('#x', 'y') hub.after(0, again) end\n"
            "hub.after(0, again)\n"
            "return { name = 't', on_message = function() end }");
    assert_int_equal(pass_time(b, 10), 1511);
    assert_string_equal(b->said, "t>#x: y\n");
}

static void a_cancelled_timer_does_not_run(void **state)
{
    struct bench *b = *state;
    load(b, "local id = hub.every(1, function() hub.say('#x', 'y') end)\n"
            "local other\n"
            "other = hub.every(1, function() hub.say('#x', tostring(hub.cancel(other))) end)\n"
            "return { name = 't', on_message = function()\n"
            "  local first = hub.cancel(id)\n"
            "  return hub.reply(tostring(first) .. tostring(hub.cancel(id)) ..\n"
            "    tostring(hub.cancel(-1)) .. tostring(hub.cancel(99))) end }");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "truefalsefalsefalse");
    assert_int_equal(pass_time(b, 5000), INT64_MAX);
    assert_string_equal(b->said, "t>#x: true\n");
}

static void timers_are_bounded(void **state)
{
    struct bench *b = *state;
    load_body(b, "if msg.text == 'free' then return hub.reply(tostring(hub.cancel(1))) end\n"
                 "local n = 0\n"
                 "while pcall(hub.after, 9, error) do n = n + 1 end\n"
                 "return hub.reply(tostring(n))");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "64");
    say(b, "free");
    assert_result(b, FILTER_REPLY, "true");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "1");
}

static void a_fault_in_a_timer_is_told(void **state)
{
    struct bench *b = *state;
    b->limits.call_us = 60000000;
    load(b, "hub.every(1, function()\n error('oops')\n end)\n"
            "hub.after(1.5, function() local t = {} while true do t = {t} end end)\n"
            "return { name = 't', on_message = function() return hub.reply('well') end }");
    for (int i = 0; i < 3; i++) {
        pass_time(b, 1000);
        assert_fault(b, i == 1 ? 4 : 2, i == 1 ? "the function of a timer needed more" : "oops");
        say(b, "x");
        assert_result(b, FILTER_REPLY, "well");
    }
}

/* Somebody wants to know when the next is due, and no more. */
static void asked_at_no_time_no_timer_runs(void **state)
{
    struct bench *b = *state;
    load(b, "hub.after(0, function() hub.say('#x', 'y') end)\n"
            "return { name = 't', on_message = function() end }");
    assert_int_equal(b->filter->ops->tick(b->filter, INT64_MIN, &b->result), 1501);
    assert_string_equal(b->said, "");
}

/* A script that is started anew sets its timers anew: the old ones are gone. */
static void a_new_start_has_timers_of_its_own(void **state)
{
    struct bench *b = *state;
    b->limits.memory = 1 << 20;
    b->limits.call_us = 1000000;
    load(b, "local kept = {}\n"
            "hub.every(1, function()\n"
            "  hub.say('#x', 'y')\n"
            "  while true do kept[#kept + 1] = ('x'):rep(1000) .. #kept end end)\n"
            "return { name = 't', on_message = function() end }");
    assert_int_equal(pass_time(b, 1000), 3500);
    assert_fault(b, 2, "the function of a timer needed more memory");
    assert_contains(b->log, "was started anew");
    assert_int_equal(pass_time(b, 999), 3500);
    pass_time(b, 1);
    assert_string_equal(b->said, "t>#x: y\nt>#x: y\n");
}

/* ---- rate, shared, words -------------------------------------------------------------------- */

static void rate_limits_by_key(void **state)
{
    struct bench *b = *state;
    load_body(b, "local ok, wait = hub.rate(msg.client, 1, 2)\n"
                 "return hub.reply(tostring(ok) .. ' ' .. tostring(wait))");
    static const struct {
        uint64_t client;
        int64_t later;
        const char *reply;
    } cases[] = {
        {1, 0, "true nil"},    {1, 0, "true nil"},   {1, 0, "false 1.0"}, {2, 0, "true nil"},
        {1, 500, "false 0.5"}, {1, 500, "true nil"}, {1, 0, "false 1.0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b->event.client = cases[i].client;
        b->event.time_ms += cases[i].later;
        say(b, "x");
        assert_result(b, FILTER_REPLY, cases[i].reply);
    }
}

static void buckets_are_a_scripts_own_and_outlive_it(void **state)
{
    static const char script[] = "return { name = '%s', on_message = function(msg)\n"
                                 "  return hub.reply(tostring(hub.rate('k', 1, 1))) end }";
    struct bench *b = *state;
    char text[256];
    static const struct {
        const char *name;
        const char *reply;
    } cases[] = {{"one", "true"}, {"two", "true"}, {"one", "false"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unload(b);
        snprintf(text, sizeof text, script, cases[i].name);
        load(b, text);
        say(b, "x");
        assert_result(b, FILTER_REPLY, cases[i].reply);
    }
}

static void maps_are_shared(void **state)
{
    struct bench *b = *state;
    load_body(b, "local m = hub.shared('m')\n"
                 "m:set('text', 'a\\0b') m:set('int', 7) m:set('float', 0.5, 10)\n"
                 "return hub.reply(tostring(m:add('int', 1)) .. tostring(m:add('new', 1)) ..\n"
                 "  m:set('int', 8))");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "falsetrue0");
    reload_body(b, "local m = hub.shared('m')\n"
                   "return hub.reply(table.concat({#m:get('text'), m:get('int'),\n"
                   "  tostring(m:get('float')), tostring(m:get('none')), m:incr('int'),\n"
                   "  m:incr('int', -3), m:incr('sum', 0.5), tostring(m:delete('int')),\n"
                   "  tostring(m:delete('int')),\n"
                   "  tostring(hub.shared('other'):get('text'))}, '|'))");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "3|8|0.5|nil|9|6|0.5|true|false|nil");
}

static void entries_of_maps_have_their_time(void **state)
{
    struct bench *b = *state;
    load_body(b, "local m = hub.shared('m')\n"
                 "if msg.text == 'set' then m:set('k', 'v', 2) end\n"
                 "return hub.reply(tostring(m:get('k')) .. m:incr('n', 1, 2))");
    say(b, "set");
    assert_result(b, FILTER_REPLY, "v1");
    b->event.time_ms += 1999;
    say(b, "x");
    assert_result(b, FILTER_REPLY, "v2");
    b->event.time_ms += 1;
    say(b, "x");
    assert_result(b, FILTER_REPLY, "nil1");
}

static void words_are_found_and_masked(void **state)
{
    struct bench *b = *state;
    load(b, "local words = hub.words({'spam', 'buy now', 'stra\xc3\x9f"
            "e'})\n"
            "return { name = 't', on_message = function(msg)\n"
            "  local word, first, last = words:find(msg.text)\n"
            "  local second = word and words:find(msg.text, last + 1)\n"
            "  local masked, hits = words:mask(msg.text)\n"
            "  return hub.reply(table.concat({tostring(word), tostring(first), tostring(last),\n"
            "    tostring(second), masked, hits}, '|')) end }");
    static const struct {
        const char *text;
        const char *reply;
    } cases[] = {
        {"hello", "nil|nil|nil|nil|hello|0"},
        {"", "nil|nil|nil|nil||0"},
        {"no SPAM!", "spam|4|7|nil|no ****!|1"},
        {"spamalot", "nil|nil|nil|nil|spamalot|0"},
        {"Buy, now; STRASSE", "buy now|1|8|stra\xc3\x9f"
                              "e|***, ***; *******|2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        say(b, cases[i].text);
        assert_result(b, FILTER_REPLY, cases[i].reply);
    }
}

/* Compiled words are the script's memory, though Lua does not know of it. */
static void words_count_as_memory(void **state)
{
    static const char script[] = "local list = {}\n"
                                 "for i = 1, 5000 do list[i] = 'word' .. i end\n"
                                 "local words = %s(list)\n"
                                 "return { name = 't', on_message = function() return words end }";
    struct bench *b = *state;
    char text[512];
    snprintf(text, sizeof text, script, "type");
    load(b, text);
    size_t without = b->filter->ops->memory(b->filter);
    snprintf(text, sizeof text, script, "hub.words");
    load(b, text);
    size_t words = b->filter->ops->memory(b->filter) - without;
    assert_true(words > 5000 * 10);
    b->limits.memory = without + words / 2;
    assert_int_equal(try_load(b, text), -EINVAL);
    assert_contains(b->why, ".lua:3: hub.words: they need more memory than the script has left");
}

/* Each is a fault, in line 2. */
static const struct {
    const char *body;
    const char *part;
} misuse[] = {
    {"hub.say('#x')", "bad argument #2 to 'say'"},
    {"hub.say({}, 'x')", "bad argument #1 to 'say'"},
    {"hub.tell('x')", "bad argument #2 to 'tell'"},
    {"hub.members()", "bad argument #1 to 'members'"},
    {"hub.every(0, error)", "hub.every: 0.0 seconds are not between 0.1 and"},
    {"hub.every(0/0, error)", "seconds are not between"},
    {"hub.after(-1, error)", "hub.after: -1.0 seconds are not between"},
    {"hub.after(1e10, error)", "hub.after: 10000000000.0 seconds are not between"},
    {"hub.after(1)", "bad argument #2 to 'after'"},
    {"hub.after('soon', error)", "bad argument #1 to 'after'"},
    {"hub.cancel('x')", "bad argument #1 to 'cancel'"},
    {"hub.rate('k', 0, 1)", "hub.rate: a key has at most 128 bytes, per_second is above 0"},
    {"hub.rate('k', 1, 0)", "hub.rate: a key"},
    {"hub.rate(('k'):rep(129), 1, 1)", "hub.rate: a key"},
    {"hub.rate({}, 1, 1)", "bad argument #1 to 'rate'"},
    {"hub.shared('')", "hub.shared: a name has 1 to 64 bytes"},
    {"hub.shared('m').get('k')", "bad argument #1 to 'get' (Shared expected, got string)"},
    {"hub.shared('m'):set('', 1)", "a key of a shared map has 1 to 256 bytes"},
    {"hub.shared('m'):set('k', true)", "string or number expected, got boolean"},
    {"hub.shared('m'):set('k')", "string or number expected, got no value"},
    {"hub.shared('m'):set('k', 1, 0)", "a time to live is above 0"},
    {"hub.shared('m'):set('k', 1, -1)", "a time to live is above 0"},
    {"local m = hub.shared('m') m:set('k', 'x') m:incr('k')", "only numbers can be added to"},
    {"local m = hub.shared('m') m:set('i', math.maxinteger) m:incr('i')", "the sum is too large"},
    {"hub.shared('m'):incr('k', 'x')", "number expected, got string"},
    {"hub.shared('m').k = 1", "attempt to index a Shared value"},
    {"hub.words({'x'})", "hub.words: make it once, while the script is loaded"},
    {"for i = 1, 99 do hub.shared('m' .. i) end", "hub.shared: there are too many maps already"},
};

static void misuse_explains_itself(void **state)
{
    struct bench *b = *state;
    b->limits.call_us = 1000000; /* for slow machines */
    for (size_t i = 0; i < sizeof misuse / sizeof *misuse; i++) {
        reload_body(b, misuse[i].body);
        say(b, "x");
        assert_fault(b, 2, misuse[i].part);
    }
    assert_refused(b, "\nhub.words({'a', 7})", 2, "item 2 of the list is a number, not a string");
    assert_refused(b, "\nhub.words({'...'})", 2, "hub.words: ");
    assert_refused(b, "\nhub.words('x')", 2, "table expected, got string");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_script_speaks_in_its_own_name),
        TEST(what_cannot_be_said_is_told),
        TEST(members_are_listed_and_counted),
        TEST(rooms_are_listed_with_their_sizes),
        TEST(the_time_is_that_of_the_hub),
        TEST(the_hub_is_not_there_while_loading),
        TEST(the_hub_is_gone_while_unloading),
        TEST(a_timer_runs_when_it_is_due),
        TEST(a_late_timer_does_not_catch_up),
        TEST(a_late_timer_keeps_its_distance),
        TEST(a_clock_set_back_keeps_no_timer_waiting),
        TEST(one_timer_runs_in_one_turn),
        TEST(a_timer_set_by_a_timer_waits_for_the_next_turn),
        TEST(a_cancelled_timer_does_not_run),
        TEST(timers_are_bounded),
        TEST(a_fault_in_a_timer_is_told),
        TEST(asked_at_no_time_no_timer_runs),
        TEST(a_new_start_has_timers_of_its_own),
        TEST(rate_limits_by_key),
        TEST(buckets_are_a_scripts_own_and_outlive_it),
        TEST(maps_are_shared),
        TEST(entries_of_maps_have_their_time),
        TEST(words_are_found_and_masked),
        TEST(words_count_as_memory),
        TEST(misuse_explains_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
