/*
 * The walls of the Lua host: what a script cannot reach, how long it can run, how much memory it
 * can take. Each known way out of a Lua sandbox that the host closes is a case here.
 */
#include "lua_fixture.h"
#include "lua_host_memory.h"
#include "lua_host_pattern.h"

/* ---- what is not there ---- */

static void dangerous_globals_are_not_there(void **state)
{
    static const char *const names[] = {
        "io",     "os",        "debug",          "package", "load",   "loadstring", "loadfile",
        "dofile", "coroutine", "collectgarbage", "rawset",  "rawget", "rawequal",   "rawlen",
        "xpcall", "print",     "warn",           "_G",      "arg",    "_VERSION",
    };
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char body[128];
        char part[128];
        snprintf(body, sizeof body, "return %s", names[i]);
        snprintf(part, sizeof part, "there is no global '%s'", names[i]);
        reload_body(b, body);
        say(b, "hello");
        assert_fault(b, 2, part);
    }
}

/* The whole list, so that nothing joins it unseen. */
static void the_libraries_hold_what_is_listed(void **state)
{
    struct bench *b = *state;
    load_body(b, "local out = {}\n"
                 "for _, t in ipairs({_ENV, string, table, utf8, hub}) do\n"
                 "  local names = {}\n"
                 "  for name in pairs(t) do names[#names + 1] = name end\n"
                 "  table.sort(names)\n"
                 "  out[#out + 1] = table.concat(names, ' ')\n"
                 "end\n"
                 "return hub.reply(table.concat(out, '|'))");
    say(b, "hello");
    assert_result(
        b, FILTER_REPLY,
        "assert error getmetatable hub ipairs math next pairs pcall require select "
        "setmetatable string table tonumber tostring type utf8|"
        "byte char find format gmatch gsub len lower match rep reverse sub upper|"
        "concat insert move pack remove sort unpack|"
        "char charpattern codepoint codes len offset|"
        "accept after cancel config divert drop every fingerprint json kick letters "
        "links log lower members now rate replace reply rooms say shadow shared tally tell "
        "words");
}

static void bytecode_is_refused(void **state)
{
    struct bench *b = *state;
    static const char bytecode[] = "\x1bLua\x54\x00\x19\x93\r\n\x1a\n";
    write_file(b->path, bytecode, sizeof bytecode - 1);
    assert_int_equal(load_file(b, b->path), -EINVAL);
    assert_contains(b->why, b->path);
    assert_contains(b->why, "is compiled Lua");
}

/* ---- breaks: each body must end in this error, at this line ---- */

static const struct {
    const char *body; /* from line 2 on */
    int line;
    const char *part;
} breaks[] = {
    /* globals */
    {"count = 1", 2, "global 'count' was not there when the script was loaded"},
    {"_ENV.count = 1", 2, "global 'count' was not there when the script was loaded"},
    {"setmetatable(_ENV, nil)", 2, "cannot change a protected metatable"},
    {"getmetatable(_ENV).__newindex = nil", 2, "attempt to index a boolean"},
    {"getmetatable(msg).__index = nil", 2, "attempt to index a boolean"},
    {"getmetatable(hub).__index = nil", 2, "attempt to index a boolean"},
    {"setmetatable(msg, {})", 2, "table expected"},
    /* the string table, shared by all strings */
    {"getmetatable('').__index = nil", 2, "attempt to index a boolean"},
    {"setmetatable('', {})", 2, "table expected"},
    {"return string.dump(function() end)", 2, "attempt to call a nil value (field 'dump')"},
    {"return ('x'):dump()", 2, "attempt to call a nil value (method 'dump')"},
    {"return ('x'):rep(1e9)", 2, "longer than 262144 bytes"},
    {"return ('x'):rep(1 << 62)", 2, "longer than 262144 bytes"},
    {"return ('x'):rep(math.maxinteger)", 2, "longer than 262144 bytes"},
    {"return (''):rep(1e6, 'abc')", 2, "longer than 262144 bytes"},
    {"return ('xy'):rep(131073)", 2, "longer than 262144 bytes"},
    {"return ('%999d'):format(1)", 2, "invalid conversion"},
    {"return ('%.999f'):format(1)", 2, "invalid conversion"},
    {"return (('%99d'):rep(1000)):format(1)", 2, "the format is longer than 1024 bytes"},
    /* finalizers would run outside of every limit */
    {"setmetatable({}, {__gc = function() end})", 2, "__gc is not allowed"},
    {"setmetatable({}, {__gc = true})", 2, "__gc is not allowed"},
    /* loops in C, out of reach of the watch */
    {"table.move({}, 1, 1e15, 2)", 2, "more than 10000 items at once"},
    {"table.move({}, math.mininteger, math.maxinteger, 2)", 2, "more than 10000 items at once"},
    {"table.move({}, 1, 2, 2, setmetatable({}, {__len = 1}))", 2, "a table with __len"},
    {"table.insert(setmetatable({}, {__len = function() return 1e15 // 1 | 0 end}), 1, 1)", 2,
     "a table with __len"},
    {"table.remove(setmetatable({}, {__len = function() return 1 << 50 end}), 1)", 2,
     "a table with __len"},
    {"table.concat(setmetatable({}, {__index = function() return 'x' end}), '', 1, 1e9)", 2,
     "more than 10000 items at once"},
    {"table.unpack({}, 1, 1e7)", 2, "more than 10000 items at once"},
    {"local t = {}\nfor i = 1, 10001 do t[i] = i end\ntable.sort(t)", 4,
     "more than 10000 items at once"},
    {"local t = {}\nfor i = 1, 10001 do t[i] = i end\ntable.insert(t, 1, 0)", 4,
     "more than 10000 items at once"},
    {"local t = {}\nfor i = 1, 10001 do t[i] = i end\ntable.remove(t, 1)", 4,
     "more than 10000 items at once"},
    /* patterns that take for ever */
    {"return ('a'):rep(8000):find('.-.-.-.-b')", 2, "pattern takes too much work"},
    {"return ('a'):rep(8000):match('(.-)(.-)(.-)b')", 2, "pattern takes too much work"},
    {"return ('a'):rep(8000):gsub('a*a*a*b', '')", 2, "pattern takes too much work"},
    {"for w in ('a'):rep(8000):gmatch('a-a-a-b') do return end", 2, "pattern takes too much work"},
    {"return ('('):rep(8000):find(('%b()'):rep(20))", 2, "pattern takes too much work"},
    {"return ('a'):rep(300):find(('a?'):rep(300) .. 'b')", 2, "pattern"},
    {"return ('x'):find(('('):rep(33))", 2, "too many captures"},
};

static void every_break_ends_in_an_error(void **state)
{
    struct bench *b = *state;
    b->limits.call_us = 2000000; /* so that it is the check that stops it, on slow machines too */
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        reload_body(b, breaks[i].body);
        say(b, "hello");
        assert_fault(b, breaks[i].line, breaks[i].part);
    }
}

/* The same functions do their work below the bounds. */
static void what_is_bounded_works_within_its_bounds(void **state)
{
    static const char *const truths[] = {
        "('ab'):rep(3, '-') == 'ab-ab-ab'",
        "#('x'):rep(262144) == 262144",
        "('x'):rep(-1) == ''",
        "('%5.2f|%s|%q'):format(1.5, 'x', 'y') == ' 1.50|x|\"y\"'",
        "('hello'):find('l') == 3",
        "select(2, ('hello'):find('l+')) == 4",
        "('a.b'):find('.', 1, true) == 2",
        "('a.b'):find('%.', -2) == 2",
        "('hello'):find('x') == nil",
        "('hello'):find('', 10) == nil",
        "('key = value'):match('^(%w+)%s*=%s*(%w+)$') == 'key'",
        "('  trim  '):match('^%s*(.-)%s*$') == 'trim'",
        "('f(a(b)c)d'):match('%b()') == '(a(b)c)'",
        "('THE (quick) fox'):find('%f[%a]%a+%f[%A]') == 1",
        "('abab'):match('(a)(b)%1%2') == 'a'",
        "select(2, ('x'):match('()x()')) == 2",
        "('hello world'):gsub('o', '0') == 'hell0 w0rld'",
        "('hello'):gsub('', '-') == '-h-e-l-l-o-'",
        "('hello'):gsub('l', '%0%0', 1) == 'helllo'",
        "('abc'):gsub('%w', '%0%0') == 'aabbcc'",
        "('$name'):gsub('%$(%w+)', {name = 'lua'}) == 'lua'",
        "('abc'):gsub('b', function() return nil end) == 'abc'",
        "('abc'):gsub('^a', 'x') == 'xbc'",
        "select(2, ('abc abc'):gsub('abc', '')) == 2",
        "table.concat({1, 2, 3}, ',', 2) == '2,3'",
        "select('#', table.unpack({1, 2, 3})) == 3",
        "table.move({1, 2, 3}, 1, 3, 2)[3] == 2",
        "table.remove({1, 2, 3}) == 3",
        "table.remove({1, 2, 3}, 1) == 1",
        "table.remove({}) == nil",
        "table.pack(1, nil).n == 2",
        "utf8.len('h\\xc3\\xa4') == 2",
        "getmetatable('') == false",
        "pcall(error) == false",
        "setmetatable({}, {__index = function() return 7 end}).x == 7",
    };
    struct bench *b = *state;
    b->limits.call_us = 1000000;
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++) {
        char body[512];
        snprintf(body, sizeof body, "if not (%s) then return hub.drop('untrue') end", truths[i]);
        reload_body(b, body);
        say(b, "hello");
        if (b->result.verdict != FILTER_PASS)
            fail_msg("%s: " STR_FMT, truths[i], STR_ARG(b->result.text));
    }
}

static void lists_grow_and_sort(void **state)
{
    struct bench *b = *state;
    load_body(b, "local t = {}\n"
                 "for i = 1, 20000 do table.insert(t, i) end\n"
                 "for i = 1, 15000 do table.remove(t) end\n"
                 "table.sort(t, function(a, c) return a > c end)\n"
                 "return hub.reply(#t .. ' ' .. t[1])");
    b->limits.call_us = 1000000;
    unload(b);
    assert_int_equal(load_file(b, b->path), 0);
    say(b, "hello");
    assert_result(b, FILTER_REPLY, "5000 5000");
}

/* A state is a script's own: what one does to its libraries, no other sees. */
static void scripts_share_nothing(void **state)
{
    struct bench *b = *state;
    load_body(b, "string.upper = function() return 'mine' end\nmsg.text = ('x'):upper()");
    say(b, "hello");
    assert_result(b, FILTER_REPLACE, "mine");
    load_body(b, "msg.text = ('x'):upper()");
    say(b, "hello");
    assert_result(b, FILTER_REPLACE, "X");
}

/* ---- time ---- */

static const char *const loops[] = {
    "while true do end",
    "for i = 1, math.huge do end",
    "repeat until false",
    "::again:: goto again",
    "local function f() return f() end\nf()",
    "while true do pcall(function() while true do end end) end",
    "while true do pcall(error) end",
    "while true do pcall(pcall, error) end",
    "local function f() while true do pcall(f) end end\nf()",
    "while true do pcall(string.rep) end",
    "local t = setmetatable({}, {__index = function() while true do end end})\nreturn t.x",
    "local t <close> = setmetatable({}, {__close = function() while true do end end})",
    "local t <close> = setmetatable({}, {__close = function() while true do end end})\nerror('x')",
    "error(setmetatable({}, {__tostring = function() while true do end end}))",
    "table.sort({3, 2, 1}, function() while true do end end)",
    "return ('x'):gsub('x', function() while true do end end)",
    "for w in setmetatable({}, {__call = function() while true do end end}) do end",
    "while true do local s = ('x'):rep(100000) end",
    "while true do local s = ('a'):rep(40):find('a-a-b') end",
    "while true do msg.text = msg.text end",
    "while true do hub.drop('x') end",
    "while true do hub.fingerprint(('a '):rep(32000)) end",
    "while true do hub.json(('\\0'):rep(65536)) end",
    "while true do hub.lower(('\xc3\x84'):rep(32000)) end",
    "while true do hub.letters(('\xc3\x84'):rep(32000)) end",
    "while true do for _ in hub.links(('://a '):rep(13000)) do end end",
    "while true do hub.links(('www.a'):rep(13000))(('www.a'):rep(13000), 1) end",
    "while true do hub.tally(1):count(1) end",
};

#define BUDGET_MS 5

/* Stopped after the budget and before twice of it; the rest is for slow machines. */
static void an_endless_loop_is_stopped_in_time(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        reload_body(b, loops[i]);
        for (int times = 0; times < 2; times++) {
            double start = thread_ms();
            say(b, "hello");
            double took = thread_ms() - start;
            char why[512];
            snprintf(why, sizeof why, STR_FMT, STR_ARG(b->result.text));
            assert_string_equal(filter_verdict_name(b->result.verdict), "fault");
            assert_contains(why, "stopped: it took longer than 5000 us");
            assert_contains(why, ".lua:");
            if (took < BUDGET_MS - 1 || took > 10 * BUDGET_MS)
                fail_msg("%s: stopped after %.1f ms", loops[i], took);
        }
    }
}

/* A stopped call leaves no hook: the next one runs to its end. */
static void a_script_that_was_stopped_goes_on_working(void **state)
{
    struct bench *b = *state;
    load_body(b, "if msg.text == 'loop' then while true do end end\n"
                 "local n = 0\n"
                 "for i = 1, 1000 do n = n + i end\n"
                 "return hub.reply(tostring(n))");
    for (int i = 0; i < 3; i++) {
        say(b, "loop");
        assert_int_equal(b->result.verdict, FILTER_FAULT);
        say(b, "count");
        assert_result(b, FILTER_REPLY, "500500");
    }
}

/* Many short calls use up far more than the budget together: no single one is late. */
static void short_calls_are_never_stopped(void **state)
{
    struct bench *b = *state;
    load_body(b, "local n = 0\nfor i = 1, 1000 do n = n + i end");
    b->event.text = STR("hello");
    b->result = (struct filter_result){.verdict = FILTER_PASS};
    int calls = 0;
    double start = thread_ms();
    for (; thread_ms() - start < 20 * BUDGET_MS; calls++)
        b->filter->ops->on_event(b->filter, &b->event, &b->result);
    assert_int_equal(b->result.verdict, FILTER_PASS);
    assert_true(calls > 100);
}

/* Each of two scripts has its own watch, and they are called in turns. */
static void one_script_is_stopped_and_the_other_is_not(void **state)
{
    struct bench *b = *state;
    load_body(b, "if msg.text == 'loop' then while true do end end");
    struct filter *looper = b->filter;
    load_body(b, "return hub.reply('well')");
    struct filter *replier = b->filter;
    for (int i = 0; i < 3; i++) {
        b->filter = looper;
        say(b, "loop");
        assert_int_equal(b->result.verdict, FILTER_FAULT);
        b->filter = replier;
        say(b, "loop");
        assert_result(b, FILTER_REPLY, "well");
    }
}

/* ---- time on the wall ---- */

/* In each `hub.members`, for longer than any limit. The budget is a large one: a virtual machine
 * that is not run for some milliseconds takes them for processor time of whoever it was in, and
 * that must not come to a quarter of it. */
static void let_the_machine_be_away(struct bench *b)
{
    b->limits.call_us = 100000;
    b->limits.patience = 2;
    b->members_ms = 250;
}

/* The machine did something else in the middle of the call, for longer than any limit. */
static void a_call_that_only_had_to_wait_goes_on(void **state)
{
    struct bench *b = *state;
    let_the_machine_be_away(b);
    load_body(b, "hub.members('#lobby')\nreturn hub.reply('well')");
    for (int i = 0; i < 3; i++) {
        say(b, "hello");
        assert_result(b, FILTER_REPLY, "well");
    }
}

/* After that it would have gone on for ever: it is stopped, and told from one that is to blame. But
 * what it uses adds up, so that an endless loop is to blame at last on the busiest machine. */
static void a_starved_call_is_stopped_and_excused_for_a_time(void **state)
{
    struct bench *b = *state;
    int excused = 0;
    let_the_machine_be_away(b);
    load_body(b, "hub.members('#lobby') while true do end"); /* in one line: it may end anywhere */
    for (say(b, "hello"); b->result.excused; say(b, "hello")) {
        assert_fault(b, 2, "stopped: the machine is busy: it got ");
        assert_in_range(++excused, 1, 4); /* each used a quarter of its budget at least */
    }
    assert_fault(b, 2, "stopped: it took longer than 100000 us");
    assert_true(excused > 0);
}

/* It gets little of the processor, all the time: by the wall it ends soon, by the processor it
 * would go on for seconds. */
static void a_call_ends_in_time_on_a_machine_that_has_none(void **state)
{
    struct bench *b = *state;
    b->limits.call_us = 50000;
    b->limits.patience = 4;
    b->members_ms = 2;
    load_body(b, "while true do hub.members('#lobby') for i = 1, 2000 do end end");
    double cpu = thread_ms();
    double wall = wall_ms();
    say(b, "hello");
    cpu = thread_ms() - cpu;
    wall = wall_ms() - wall;
    assert_fault(b, 2, "stopped: the machine is busy: it got ");
    assert_true(b->result.excused);
    assert_true(wall >= 150 && wall < 2000);
    assert_true(cpu < 50);
}

static void a_starved_timer_is_excused_too(void **state)
{
    struct bench *b = *state;
    let_the_machine_be_away(b);
    load(b, "hub.after(0, function()\n hub.members('#lobby')\n while true do end end)\n"
            "return { name = 't', on_message = function() end }");
    pass_time(b, 1000);
    assert_fault(b, 3, "stopped: the machine is busy");
    assert_true(b->result.excused);
}

/* A timer, a command, on_load and the rest are held to their time as well. */
static void nothing_a_script_does_is_without_an_end(void **state)
{
    struct bench *b = *state;
    b->limits.load_us = 20000;
    load(b, "hub.after(0, function()\n while true do end end)\n"
            "return { name = 't', commands = { c = function()\n while true do end end } }");
    pass_time(b, 1000);
    assert_fault(b, 2, "stopped: it took longer than 5000 us");
    b->event.kind = FILTER_COMMAND;
    b->event.to = STR("c");
    say(b, "");
    assert_fault(b, 4, "stopped: it took longer than 5000 us");
    assert_refused(b,
                   "return { name = 't', on_message = function() end,\n"
                   " on_load = function()\n while true do end end }",
                   3, "stopped: it took longer than 20000 us");
    load(b, "return { name = 't', on_message = function() end, on_unload = function()\n"
            " while true do end end }");
    log_begin(b);
    unload(b);
    log_end(b);
    assert_contains(b->log, "filter t: ");
    assert_contains(b->log, ".lua:2: stopped: it took longer than 20000 us");
}

static void an_endless_loop_while_loading_is_stopped(void **state)
{
    struct bench *b = *state;
    b->limits.load_us = 20000;
    assert_int_equal(try_load(b, "local n = 0\nwhile true do n = n + 1 end"), -EINVAL);
    assert_contains(b->why, ".lua:2: stopped: it took longer than 20000 us");
}

/* ---- memory ---- */

static const char *const eaters[] = {
    "local t = {}\nwhile true do t[#t + 1] = ('x'):rep(1000) .. #t end",
    "local s = 'x'\nwhile true do s = s .. s end",
    "local function f() return 1 + f() end\nreturn f()",
    "local function f(...) return f(1, ...) end\nreturn f()",
    "local t = {}\nwhile true do t = {t} end",
    "local t = {}\nfor i = 1, 1e9 do t[i] = i end",
    "local t = {}\nfor i = 1, 1e9 do t['k' .. i] = i end",
    "local s = ('x'):rep(200000)\nreturn s:gsub('x', ('y'):rep(1000))",
    "local s, t = ('x'):rep(200000), {}\nfor i = 1, 9999 do t[i] = s end return table.concat(t)",
    "local s = ('x'):rep(262144)\nreturn ('%s'):rep(9):format(s, s, s, s, s, s, s, s, s)",
};

static void a_script_gets_no_more_than_its_memory(void **state)
{
    struct bench *b = *state;
    b->limits.call_us = 60000000;
    for (size_t i = 0; i < sizeof eaters / sizeof *eaters; i++) {
        reload_body(b, eaters[i]);
        for (int times = 0; times < 2; times++) {
            say(b, "hello");
            assert_fault(b, 1, "on_message needed more memory than its 16777216 bytes");
        }
    }
}

/* pcall may catch it, as in any Lua; the limit stands. */
static void refused_memory_may_be_caught(void **state)
{
    struct bench *b = *state;
    b->limits.call_us = 2000000;
    load_body(b,
              "local ok, why = pcall(function() local s = 'x' while true do s = s .. s end end)\n"
              "return hub.reply(tostring(ok) .. ' ' .. why)");
    say(b, "hello");
    assert_result(b, FILTER_REPLY, "false not enough memory");
}

static void a_script_that_keeps_too_much_is_started_anew(void **state)
{
    struct bench *b = *state;
    b->limits.memory = 1 << 20;
    b->limits.call_us = 1000000;
    load(b, "local kept, calls = {}, 0\n"
            "return { name = 'hoarder', on_message = function(msg)\n"
            "  calls = calls + 1\n"
            "  while msg.text == 'hoard' do kept[#kept + 1] = ('x'):rep(1000) .. #kept end\n"
            "  return hub.reply(tostring(calls))\n"
            "end }");
    struct str name = b->filter->name;
    say(b, "count");
    say(b, "count");
    assert_result(b, FILTER_REPLY, "2");
    say(b, "hoard");
    assert_fault(b, 2, "on_message needed more memory than its 1048576 bytes");
    assert_contains(b->log, "filter hoarder: kept too much memory and was started anew");
    say(b, "count");
    assert_result(b, FILTER_REPLY, "1");
    assert_ptr_equal(b->filter->name.data, name.data);
}

/* Memory refused at any point of loading is an error with a reason, and leaks nothing. */
static void too_little_memory_to_load_is_refused(void **state)
{
    struct bench *b = *state;
    int refused = 0;
    for (size_t memory = 0; memory < 64 << 10; memory += 509) {
        b->limits.memory = memory;
        int error = try_load(b, "return { name = 't', on_message = function(msg) end }");
        if (error == 0)
            break;
        assert_int_equal(error, -ENOMEM);
        assert_contains(b->why, "not enough memory");
        refused++;
    }
    assert_true(refused > 10);
    say(b, "hello");
    assert_result(b, FILTER_PASS, "");
}

static void the_allocator_refuses_one_byte_over(void **state)
{
    struct lua_memory m = {.limit = 100};
    (void)state;
    /* What stands for the old size of a new block is a type tag, and no number of bytes. */
    assert_null(lua_memory_alloc(&m, NULL, 5, 101));
    void *a = lua_memory_alloc(&m, NULL, 5, 60);
    assert_non_null(a);
    assert_int_equal(m.used, 60);
    assert_null(lua_memory_alloc(&m, NULL, 8, 41));
    void *c = lua_memory_alloc(&m, NULL, 1000, 40);
    assert_non_null(c);
    assert_int_equal(m.used, 100);
    assert_null(lua_memory_alloc(&m, a, 60, 61));
    a = lua_memory_alloc(&m, a, 60, 10);
    assert_non_null(a);
    assert_int_equal(m.used, 50);
    assert_null(lua_memory_alloc(&m, a, 10, 0));
    assert_null(lua_memory_alloc(&m, c, 40, 0));
    assert_null(lua_memory_alloc(&m, NULL, 6, 0));
    assert_int_equal(m.used, 0);
}

static void the_allocator_refuses_a_huge_block(void **state)
{
    struct lua_memory m = {.limit = SIZE_MAX};
    (void)state;
    assert_null(lua_memory_alloc(&m, NULL, 0, LUA_MEMORY_BLOCK_MAX + 1));
    void *a = lua_memory_alloc(&m, NULL, 0, LUA_MEMORY_BLOCK_MAX);
    assert_non_null(a);
    lua_memory_alloc(&m, a, LUA_MEMORY_BLOCK_MAX, 0);
    assert_int_equal(m.used, 0);
}

/* ---- patterns, without Lua ---- */

static void a_pattern_counts_its_steps(void **state)
{
    struct pattern p;
    (void)state;
    pattern_init(&p, STR("key = value"), STR("^(%w+)%s*=%s*(%w+)$"));
    assert_true(p.anchored);
    const char *end = pattern_match(&p, p.text.data);
    assert_ptr_equal(end, p.text.data + p.text.size);
    assert_int_equal(p.captures, 2);
    assert_int_equal(p.capture[1].size, 5);
    assert_in_range(PATTERN_STEPS_MAX - p.steps, 11, 50);

    p.steps = 3;
    assert_null(pattern_match(&p, p.text.data));
    assert_string_equal(p.fault, "pattern takes too much work on this text");
}

static void malformed_patterns_are_faults(void **state)
{
    static const struct {
        struct str pattern;
        const char *fault;
    } cases[] = {
        {{"%", 1}, "malformed pattern (ends with '%')"},
        {{"[a", 2}, "malformed pattern (missing ']')"},
        {{"[^]", 3}, "malformed pattern (missing ']')"},
        {{"[a%", 3}, "malformed pattern (missing ']')"},
        {{"%b(", 3}, "malformed pattern (missing arguments to '%b')"},
        {{"%fa", 3}, "missing '[' after '%f' in pattern"},
        {{"%f", 2}, "missing '[' after '%f' in pattern"},
        {{"%1", 2}, "invalid capture index in pattern"},
        {{"(%1)", 4}, "invalid capture index in pattern"},
        {{"%0", 2}, "invalid capture index in pattern"},
        {{")", 1}, "invalid pattern capture"},
        {{"(a", 2}, "unfinished capture"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pattern p;
        pattern_init(&p, STR("a"), cases[i].pattern);
        assert_null(pattern_match(&p, p.text.data));
        assert_non_null(p.fault);
        assert_string_equal(p.fault, cases[i].fault);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dangerous_globals_are_not_there),
        TEST(the_libraries_hold_what_is_listed),
        TEST(bytecode_is_refused),
        TEST(every_break_ends_in_an_error),
        TEST(what_is_bounded_works_within_its_bounds),
        TEST(lists_grow_and_sort),
        TEST(scripts_share_nothing),
        TEST(an_endless_loop_is_stopped_in_time),
        TEST(a_script_that_was_stopped_goes_on_working),
        TEST(short_calls_are_never_stopped),
        TEST(one_script_is_stopped_and_the_other_is_not),
        TEST(a_call_that_only_had_to_wait_goes_on),
        TEST(a_starved_call_is_stopped_and_excused_for_a_time),
        TEST(a_call_ends_in_time_on_a_machine_that_has_none),
        TEST(a_starved_timer_is_excused_too),
        TEST(nothing_a_script_does_is_without_an_end),
        TEST(an_endless_loop_while_loading_is_stopped),
        TEST(a_script_gets_no_more_than_its_memory),
        TEST(refused_memory_may_be_caught),
        TEST(a_script_that_keeps_too_much_is_started_anew),
        TEST(too_little_memory_to_load_is_refused),
        cmocka_unit_test(the_allocator_refuses_one_byte_over),
        cmocka_unit_test(the_allocator_refuses_a_huge_block),
        cmocka_unit_test(a_pattern_counts_its_steps),
        cmocka_unit_test(malformed_patterns_are_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
