/*
 * The Lua host: loading, the message, verdicts, faults, the log; and the filters that ship. What a
 * script must not be able to do is in test_lua_sandbox.c, what it says of itself in
 * test_lua_declare.c, what it may ask of the hub in test_lua_hub.c, and how one takes the place of
 * another in test_lua_reload.c.
 */
#include "address.h"
#include "lua_fixture.h"

#include <dirent.h>
#include <sys/stat.h>

/* ---- loading ---- */

/* Scripts that do not load; each is refused with the line and the sentence. */
static const struct {
    const char *script;
    int line;
    const char *part;
} broken[] = {
    {"return {\n name = = 1\n}", 2, "unexpected symbol"},
    {"local x = 'open\nreturn {}", 1, "unfinished string"},
    {"", 1, "a filter returns a table, not nothing"},
    {"local x = 1\nlocal y = x\n", 2, "a filter returns a table, not nothing"},
    {"\n\nreturn 7\n", 3, "a filter returns a table, not number"},
    {"return function() end", 1, "a filter returns a table, not function"},
    {"return {}", 1, "'name' is missing"},
    {"\nreturn { name = 'x' }", 2, "'on_message', another handler or 'commands' is missing"},
    {"return {\n name = 'x',\n on_mesage = function() end,\n}", 3, "unknown key 'on_mesage'"},
    {"return {\n name = 7,\n on_message = function() end,\n}", 2,
     "'name' must be a string, not a number"},
    {"return {\n name = 'x',\n on_message = 'me',\n}", 3,
     "'on_message' must be a function, not a string"},
    {"return {\n name = 'x',\n version = 1.0,\n on_message = function() end }", 3,
     "'version' must be a string, not a number"},
    {"return {\n name = 'x',\n description = true,\n on_message = function() end }", 3,
     "'description' must be a string, not a boolean"},
    {"return { name = 'Big', on_message = function() end }", 1, "'name' may have only a-z"},
    {"return { name = 'a b', on_message = function() end }", 1, "'name' may have only a-z"},
    {"return { name = 'a\\0b', on_message = function() end }", 1, "'name' may have only a-z"},
    {"return { name = '', on_message = function() end }", 1, "'name' must have 1 to 32"},
    {"return { name = ('x'):rep(33), on_message = function() end }", 1, "'name' must have 1 to 32"},
    {"return { name = 'x', on_message = function() end,\n 'what' }", 1, "a key that is a number"},
    {"\nerror('own words')", 2, "own words"},
    {"\nerror({})", 2, "the value raised is a table"},
    {"\nlocal t = nil\nt.x = 1", 3, "attempt to index a nil value"},
    {"\nreturn hub.drop('x')", 2, "hub.drop: there is nothing to judge now"},
    {"\nreturn { name = 'x', on_message = hub.dorp }", 2, "there is no hub.dorp"},
    {"\nlocal x = colour", 2, "there is no global 'colour'"},
};

static void broken_scripts_are_refused_with_file_and_line(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_refused(b, broken[i].script, broken[i].line, broken[i].part);
}

static void files_that_are_no_scripts_are_refused(void **state)
{
    struct bench *b = *state;
    assert_int_equal(load_file(b, "/nowhere/at-all.lua"), -ENOENT);
    assert_string_equal(b->why, "/nowhere/at-all.lua: No such file or directory");

    assert_int_equal(load_file(b, "/tmp"), -EISDIR);
    assert_contains(b->why, "/tmp: is a directory");

    assert_int_equal(truncate(b->path, 100 << 20), 0);
    assert_int_equal(load_file(b, b->path), -EFBIG);
    assert_contains(b->why, "has 104857600 bytes; a filter has at most 1048576");

    assert_int_equal(unlink(b->path), 0);
    assert_int_equal(mkfifo(b->path, 0600), 0);
    assert_int_equal(load_file(b, b->path), -EINVAL);
    assert_contains(b->why, "is no regular file");
}

static void globals_may_be_made_while_loading(void **state)
{
    struct bench *b = *state;
    load(b, "count = 0\n"
            "return { name = 't', on_message = function(msg)\n"
            "  count = count + 1\n"
            "  return hub.reply(tostring(count)) end }");
    say(b, "x");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "2");
}

/* ---- the message ---- */

static void a_script_reads_every_field(void **state)
{
    struct bench *b = *state;
    struct address_brief peer = {.family = AF_INET, .port = 50312, .bytes = {127, 0, 0, 1}};
    load_body(b, "return hub.reply(table.concat({msg.text, msg.from, msg.room, msg.kind,\n"
                 "  msg.client, msg.time, msg.joined_at, msg.to, msg.address, msg.len,\n"
                 "  tostring(msg)}, '|'))");
    say(b, "h\xc3\xa4");
    assert_result(b, FILTER_REPLY, "h\xc3\xa4|ann|#lobby|message|7|1.5|0.25|||3|message");
    b->event.kind = FILTER_ACTION;
    b->event.from = STR("bob");
    b->event.to = STR("cem");
    b->event.peer = &peer;
    say(b, "");
    assert_result(b, FILTER_REPLY, "|bob|#lobby|action|7|1.5|0.25|cem|127.0.0.1:50312|0|message");
}

/* Each kind of event comes to its own handler, and to no other. */
static void each_kind_has_its_handler(void **state)
{
    struct bench *b = *state;
    load(b, "local function tell(name)\n"
            "  return function(msg) hub.say('#x', name .. ' ' .. msg.kind .. ' ' .. msg.to) end\n"
            "end\n"
            "return { name = 't', on_message = tell('message'), on_private = tell('private'),\n"
            "  on_join = tell('join'), on_leave = tell('leave'), on_nick = tell('nick'),\n"
            "  on_connect = tell('connect'), commands = { go = tell('command') } }");
    assert_int_equal(b->filter->kinds, (1U << FILTER_KINDS) - 1);
    b->event.to = STR("go");
    for (int kind = 0; kind < FILTER_KINDS; kind++) {
        b->event.kind = (enum filter_kind)kind;
        say(b, "");
        assert_result(b, FILTER_PASS, "");
    }
    assert_string_equal(b->said, "t>#x: message message go\n"
                                 "t>#x: message action go\n"
                                 "t>#x: private private go\n"
                                 "t>#x: join join go\n"
                                 "t>#x: leave leave go\n"
                                 "t>#x: nick nick go\n"
                                 "t>#x: connect connect go\n"
                                 "t>#x: command command go\n");
}

static void commands_get_their_arguments(void **state)
{
    struct bench *b = *state;
    load(b,
         "return { name = 't', commands = {\n"
         "  one = function(ctx, args) return hub.reply('1' .. args .. ctx.text .. ctx.from) end,\n"
         "  two = function(ctx, args) return hub.reply('2' .. args .. ctx.len .. ctx.to) end } }");
    b->event.kind = FILTER_COMMAND;
    b->event.to = STR("one");
    say(b, "a b");
    assert_result(b, FILTER_REPLY, "1a ba bann");
    b->event.to = STR("two");
    say(b, "");
    assert_result(b, FILTER_REPLY, "20two");
}

static void strings_are_those_of_the_message_at_hand(void **state)
{
    struct bench *b = *state;
    load_body(b, "return hub.reply(msg.text .. msg.from .. msg.text .. msg.from)");
    for (int i = 0; i < 10; i++) {
        char text[16];
        char expected[64];
        snprintf(text, sizeof text, "t%d", i);
        snprintf(expected, sizeof expected, "t%dannt%dann", i, i);
        say(b, text);
        assert_result(b, FILTER_REPLY, expected);
    }
}

static void assigning_text_rewrites(void **state)
{
    struct bench *b = *state;
    load_body(b, "msg.text = '<' .. msg.text .. '>'\n"
                 "msg.text = msg.text .. msg.len");
    say(b, "abc");
    assert_result(b, FILTER_REPLACE, "<abc>5");
    say(b, "");
    assert_result(b, FILTER_REPLACE, "<>2");
}

/* In a chain, the text that one script made is borrowed by the next. */
static void scripts_hear_each_others_rewritings(void **state)
{
    struct bench *b = *state;
    struct filter_chain *chain = filter_chain_new(MAX_TEXT);
    load(b, "return { name = 'one', on_message = function(msg) msg.text = msg.text .. '1' end }");
    load(b, "return { name = 'two', on_message = function(msg)\n"
            "  msg.text = msg.text .. '2' .. msg.len end }");
    for (size_t i = 0; i < b->count; i++)
        assert_int_equal(filter_chain_add(chain, b->filters[i]), 0);
    b->count = 0; /* they are the chain's */
    b->event.text = STR("x");
    filter_chain_run(chain, &b->event, &b->result);
    assert_result(b, FILTER_REPLACE, "x122");
    filter_chain_free(chain);
}

/* ---- verdicts ---- */

static const struct {
    const char *body;
    enum filter_verdict verdict;
    const char *text;
} verdicts[] = {
    {"", FILTER_PASS, ""},
    {"return", FILTER_PASS, ""},
    {"return nil", FILTER_PASS, ""},
    {"hub.drop('not returned')", FILTER_PASS, ""},
    {"return hub.accept()", FILTER_ACCEPT, ""},
    {"msg.text = 'new' return hub.accept()", FILTER_ACCEPT, "new"},
    {"return hub.shadow()", FILTER_SHADOW, ""},
    {"return hub.divert('#tea')", FILTER_DIVERT, "#tea"},
    {"return hub.drop('why')", FILTER_DROP, "why"},
    {"return hub.drop()", FILTER_DROP, ""},
    {"return hub.drop(nil)", FILTER_DROP, ""},
    {"return hub.reply('answer')", FILTER_REPLY, "answer"},
    {"return hub.kick('out')", FILTER_KICK, "out"},
    {"return hub.kick()", FILTER_KICK, ""},
    {"return hub.replace('new')", FILTER_REPLACE, "new"},
    {"msg.text = 'one' return hub.replace('two')", FILTER_REPLACE, "two"},
    {"msg.text = 'one' return hub.drop('why')", FILTER_DROP, "why"},
    {"local d = hub.drop('one') hub.reply('two') return d", FILTER_DROP, "one"},
    {"hub.drop('one') return hub.drop('two')", FILTER_DROP, "two"},
};

static void what_is_returned_is_the_verdict(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        reload_body(b, verdicts[i].body);
        for (int times = 0; times < 3; times++) {
            say(b, "hello");
            assert_result(b, verdicts[i].verdict, verdicts[i].text);
        }
    }
}

/* Where a verdict was made: the line of its last word. */
static const struct {
    const char *body; /* from line 2 on */
    int line;         /* 0: nothing was changed */
} places[] = {
    {"", 0},
    {"\nreturn hub.drop('x')", 3},
    {"local d = hub.drop('x')\n\nreturn d", 2},
    {"local d = hub.drop('x')\nhub.reply('y')\nreturn d", 2},
    {"hub.drop('x')\nreturn hub.drop('y')", 3},
    {"msg.text = 'x'\nmsg.text = 'y'\nmsg.text = 'z'", 4},
    {"msg.text = 'x'\nreturn hub.replace('y')", 3},
    {"msg.text = 'x'\nreturn hub.accept()", 3},
    {"local function f()\n return hub.kick('x')\nend\nreturn f()", 3},
    {"return ('x'):gsub('x', function()\n msg.text = 'y' end) and nil", 3},
    {"return select(2, pcall(hub.reply, 'x'))", 2},
    {"hub.drop('x')", 0},
};

static void assert_place(const struct bench *b, int line)
{
    char at[128] = "";
    char expected[128] = "";
    snprintf(at, sizeof at, STR_FMT, STR_ARG(b->result.at));
    if (line > 0)
        snprintf(expected, sizeof expected, "%s:%d", b->path, line);
    assert_string_equal(at, expected);
}

static void a_verdict_knows_its_line_where_the_log_wants_it(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        reload_body(b, places[i].body);
        say(b, "hello");
        assert_place(b, places[i].line);
        diag_init("test", DIAG_INFO);
        reload_body(b, places[i].body);
        say(b, "hello");
        assert_place(b, 0);
        diag_init("test", DIAG_DEBUG);
    }
}

/* The chain asks for it where a rewriting was wrong. */
static void a_verdict_knows_its_line_where_the_chain_wants_it(void **state)
{
    struct bench *b = *state;
    diag_init("test", DIAG_INFO);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        reload_body(b, places[i].body);
        b->filter->tell_places = true;
        say(b, "hello");
        assert_place(b, places[i].line);
    }
}

static void a_room_that_is_none_is_an_error_of_divert(void **state)
{
    struct bench *b = *state;
    load_body(b, "local where = msg.text\nreturn hub.divert(where)");
    say(b, "jail");
    assert_fault(b, 3, "hub.divert: 'jail' is no room: rooms are written #name");
    assert_place(b, 3);
    say(b, "");
    assert_fault(b, 3, "hub.divert: ''");
    say(b, "#jail");
    assert_result(b, FILTER_DIVERT, "#jail");
}

/* What makes no sense for an event says so. */
static void verdicts_know_what_they_are_for(void **state)
{
    static const struct {
        enum filter_kind kind;
        const char *verdict;
        const char *part; /* NULL: it is taken */
    } cases[] = {
        {FILTER_PRIVATE, "shadow()", NULL},
        {FILTER_PRIVATE, "replace('x')", NULL},
        {FILTER_PRIVATE, "divert('#x')", "hub.divert: makes no sense for a private"},
        {FILTER_JOIN, "drop()", NULL},
        {FILTER_JOIN, "shadow()", "hub.shadow: makes no sense for a join"},
        {FILTER_JOIN, "replace('x')", "hub.replace: makes no sense for a join"},
        {FILTER_NICK, "reply('x')", NULL},
        {FILTER_CONNECT, "kick('x')", NULL},
        {FILTER_LEAVE, "drop()", "hub.drop: makes no sense for a leave"},
        {FILTER_LEAVE, "accept()", "hub.accept: makes no sense for a leave"},
        {FILTER_COMMAND, "reply('x')", NULL},
        {FILTER_COMMAND, "divert('#x')", "hub.divert: makes no sense for a command"},
    };
    struct bench *b = *state;
    b->event.to = STR("c");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char script[512];
        snprintf(script, sizeof script,
                 "local function f()\n return hub.%s\nend\n"
                 "return { name = 't', on_private = f, on_join = f, on_leave = f, on_nick = f,\n"
                 "  on_connect = f, commands = { c = f } }",
                 cases[i].verdict);
        unload(b);
        load(b, script);
        b->event.kind = cases[i].kind;
        say(b, "hello");
        if (cases[i].part)
            assert_fault(b, 2, cases[i].part);
        else
            assert_true(b->result.verdict != FILTER_FAULT && b->result.verdict != FILTER_PASS);
    }
}

static void the_text_of_a_join_cannot_be_assigned(void **state)
{
    struct bench *b = *state;
    load(b, "return { name = 't', on_join = function(msg)\n msg.text = 'x' end }");
    b->event.kind = FILTER_JOIN;
    say(b, "");
    assert_fault(b, 2, "msg.text cannot be changed: this is a join");
}

/* ---- faults: file and line ---- */

static const struct {
    const char *body; /* from line 2 on */
    int line;
    const char *part;
} faults[] = {
    {"local x = nil\nreturn x.y", 3, "attempt to index a nil value"},
    {"error('own words')", 2, "own words"},
    {"error('bare', 0)", 2, "bare"},
    {"error()", 2, "the value raised is a nil"},
    {"error({})", 2, "the value raised is a table"},
    {"error(setmetatable({}, {__tostring = function() return 'told' end}))", 2, "told"},
    {"error(setmetatable({}, {__tostring = function() return {} end}))", 2, "__tostring"},
    {"assert(false, 'asserted')", 2, "asserted"},
    {"assert(nil)", 2, "assertion failed"},
    {"return true", 1, "returned a boolean, which says nothing"},
    {"return false", 1, "returned a boolean, which says nothing"},
    {"return 'drop'", 1, "returned a string, which says nothing"},
    {"return hub.drop", 1, "returned a function, which says nothing"},
    {"return msg", 1, "returned a userdata, which says nothing"},
    {"msg.text = 'lost' return true", 1, "returned a boolean, which says nothing"},
    {"msg.text = 'lost'\nerror('x')", 3, "x"},
    {"return hub.shadow('x')", 2, "hub.shadow: takes nothing"},
    {"return hub.dorp('x')", 2, "there is no hub.dorp"},
    {"hub.mine = 1", 2, "there is no hub.mine"},
    {"return hub.drop(7)", 2, "hub.drop: the text must be a string, not number"},
    {"return hub.reply()", 2, "hub.reply: the text must be a string, not nothing"},
    {"return hub.replace(nil)", 2, "hub.replace: the text must be a string, not nothing"},
    {"return hub.kick({})", 2, "hub.kick: the text must be a string, not table"},
    {"hub.log('loud', 'x')", 2, "hub.log: level 'loud' is none of error, warn, info, debug"},
    {"hub.log('info')", 2, "string expected"},
    {"msg.text = 7", 2, "msg.text must be a string, not number"},
    {"msg.text = nil", 2, "msg.text must be a string, not nil"},
    {"msg.from = 'eve'", 2, "msg.from cannot be changed, only msg.text can"},
    {"msg.len = 1", 2, "msg.len cannot be changed, only msg.text can"},
    {"msg.txt = 'x'", 2, "there is no msg.txt"},
    {"return msg.txt", 2, "there is no msg.txt"},
    {"return msg[1]", 2, "there is no msg.1"},
    {"return #msg", 2, "attempt to get length"},
};

static void a_fault_names_its_line(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        reload_body(b, faults[i].body);
        for (int times = 0; times < 2; times++) {
            say(b, "hello");
            assert_fault(b, faults[i].line, faults[i].part);
            assert_place(b, faults[i].line);
        }
    }
}

static void a_fault_leaves_the_filter_at_work(void **state)
{
    struct bench *b = *state;
    load_body(b, "if msg.text == 'bad' then error('x') end\nmsg.text = 'good'");
    say(b, "bad");
    assert_fault(b, 2, "x");
    say(b, "fine");
    assert_result(b, FILTER_REPLACE, "good");
}

static void any_number_of_faults_in_a_row_is_survived(void **state)
{
    struct bench *b = *state;
    load_body(b, "if msg.text == 'bad' then error('x') end\nmsg.text = 'good'");
    b->event.text = STR("bad");
    for (int i = 0; i < 20000; i++)
        b->filter->ops->on_event(b->filter, &b->event, &b->result);
    assert_fault(b, 2, "x");
    say(b, "fine");
    assert_result(b, FILTER_REPLACE, "good");
}

/* Where the line is not that of an error, it is that of the function; of a command, too. */
static void a_fault_of_a_command_names_its_line(void **state)
{
    struct bench *b = *state;
    load(b, "return { name = 't', commands = {\n"
            "  one = function() end,\n"
            "  two = function() return true end } }");
    b->event.kind = FILTER_COMMAND;
    b->event.to = STR("two");
    say(b, "");
    assert_fault(b, 3, "the command returned a boolean");
}

static void a_handle_kept_after_its_callback_is_refused(void **state)
{
    struct bench *b = *state;
    load(b, "local kept\n"
            "return { name = 't', on_message = function(msg)\n"
            "  if not kept then kept = msg return end\n"
            "  return hub.reply(kept.text)\n"
            "end }");
    say(b, "first");
    assert_result(b, FILTER_PASS, "");
    for (int i = 1; i <= 3; i++) {
        say(b, "second");
        assert_fault(b, 4, "this message handle was kept after its callback");
    }
}

static void writing_a_kept_handle_is_refused_too(void **state)
{
    struct bench *b = *state;
    load(b, "local kept\n"
            "return { name = 't', on_message = function(msg)\n"
            "  if kept then kept.text = 'x' end\n"
            "  kept = msg\n"
            "end }");
    say(b, "first");
    say(b, "second");
    assert_fault(b, 3, "this message handle was kept after its callback");
}

static void a_verdict_kept_from_another_message_is_refused(void **state)
{
    struct bench *b = *state;
    load(b, "local kept\n"
            "return { name = 't', on_message = function(msg)\n"
            "  kept = kept or hub.drop('once')\n"
            "  return kept\n"
            "end }");
    say(b, "first");
    assert_result(b, FILTER_DROP, "once");
    say(b, "second");
    assert_fault(b, 2, "returned a verdict kept from another event");
}

/* ---- the log ---- */

static void a_script_writes_to_the_log(void **state)
{
    struct bench *b = *state;
    load(b, "hub.log('warn', 'loading')\n"
            "return { name = 't', on_message = function(msg)\n"
            "  hub.log('info', 'saw ' .. msg.text) end }");
    assert_contains(b->log, "test: warn: filter ");
    assert_contains(b->log, ".lua: loading\n");
    say(b, "a\x1b[1m\nb");
    assert_string_equal(b->log, "test: info: filter t: saw a\\x1b[1m\\x0ab\n");
}

/* It has the name of the one at work. */
static void what_a_candidate_writes_is_told_from_the_others(void **state)
{
    struct bench *b = *state;
    b->candidate = true;
    load(b, "hub.log('info', 'loading')\n"
            "return { name = 't', on_message = function(msg)\n"
            "  if msg.text == 'hoard' then local t = {} while true do t[#t + 1] = {t} end end\n"
            "  hub.log('info', 'saw it') end,\n"
            "  on_unload = function() error('too late') end }");
    assert_contains(b->log, "test: info: candidate /tmp/");
    say(b, "x");
    assert_string_equal(b->log, "test: info: candidate t: saw it\n");
    assert_true(b->filter->candidate);
    log_begin(b);
    unload(b);
    log_end(b);
    assert_contains(b->log, "test: warn: candidate t: /tmp/");
}

static int lines_of(const char *text)
{
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void a_script_does_not_flood_the_log(void **state)
{
    struct bench *b = *state;
    load_body(b, "for i = 1, 100 do hub.log('info', 'line') end");
    say(b, "hello");
    assert_int_equal(lines_of(b->log), 10);
    say(b, "hello");
    assert_int_equal(lines_of(b->log), 0);
    b->event.time_ms += 1000;
    say(b, "hello");
    assert_contains(b->log, "(190 lines withheld)");
}

/* ---- the filters that ship ---- */

static const char *shipped(char *out, size_t size, const char *file)
{
    static const char here[] = __FILE__;
    int folder = (int)(strrchr(here, '/') - here);
    snprintf(out, size, "%.*s/../../plugins/filters/%s", folder, here, file);
    return out;
}

static void load_shipped(struct bench *b, const char *file)
{
    char path[512];
    if (load_file(b, shipped(path, sizeof path, file)) != 0)
        fail_msg("%s", b->why);
}

static int is_filter(const struct dirent *entry)
{
    return strstr(entry->d_name, ".lua") && !strstr(entry->d_name, "_test.lua");
}

static void every_filter_that_ships_loads_as_it_is(void **state)
{
    struct bench *b = *state;
    char path[512];
    struct dirent **entries;
    int n = scandir(shipped(path, sizeof path, ""), &entries, is_filter, alphasort);
    assert_true(n >= 2);
    for (int i = 0; i < n; i++) {
        unload(b);
        load_shipped(b, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void shout_calms_down(void **state)
{
    static const struct {
        const char *said;
        const char *becomes;
    } cases[] = {
        {"IS ANYBODY THERE?", "is anybody there?"},
        {"ABCDEFGH", "abcdefgh"},
        {"ABCDEFG", "ABCDEFG"},
        {"A B C D E F G !!!", "A B C D E F G !!!"},
        {"NOT ALL OF IT iS LOUD", "NOT ALL OF IT iS LOUD"},
        {"\xc3\x84RGERLICH, WIRKLICH", "\xc3\x84rgerlich, wirklich"},
        {"12345678", "12345678"},
        {"", ""},
    };
    struct bench *b = *state;
    load_shipped(b, "shout.lua");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool same = strcmp(cases[i].said, cases[i].becomes) == 0;
        say(b, cases[i].said);
        assert_result(b, same ? FILTER_PASS : FILTER_REPLACE, same ? "" : cases[i].becomes);
    }
}

static void words_drops_whole_words(void **state)
{
    static const struct {
        const char *said;
        const char *word; /* NULL: passes */
    } cases[] = {
        {"buy spam now", "spam"}, {"SPAM", "spam"},   {"a scam!", "scam"}, {"(Viagra)", "viagra"},
        {"spam", "spam"},         {"spamalot", NULL}, {"antispam", NULL},  {"spam\xc3\xa4", NULL},
        {"\xc3\xa4spam", NULL},   {"s p a m", NULL},  {"", NULL},          {"spam2", NULL},
    };
    struct bench *b = *state;
    load_shipped(b, "words.lua");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char reason[128];
        snprintf(reason, sizeof reason, "the word '%s' is not welcome here", cases[i].word);
        say(b, cases[i].said);
        if (cases[i].word)
            assert_result(b, FILTER_DROP, reason);
        else
            assert_result(b, FILTER_PASS, "");
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(broken_scripts_are_refused_with_file_and_line),
        TEST(files_that_are_no_scripts_are_refused),
        TEST(globals_may_be_made_while_loading),
        TEST(a_script_reads_every_field),
        TEST(each_kind_has_its_handler),
        TEST(commands_get_their_arguments),
        TEST(strings_are_those_of_the_message_at_hand),
        TEST(assigning_text_rewrites),
        TEST(scripts_hear_each_others_rewritings),
        TEST(what_is_returned_is_the_verdict),
        TEST(a_verdict_knows_its_line_where_the_log_wants_it),
        TEST(a_verdict_knows_its_line_where_the_chain_wants_it),
        TEST(a_room_that_is_none_is_an_error_of_divert),
        TEST(verdicts_know_what_they_are_for),
        TEST(the_text_of_a_join_cannot_be_assigned),
        TEST(a_fault_names_its_line),
        TEST(a_fault_leaves_the_filter_at_work),
        TEST(any_number_of_faults_in_a_row_is_survived),
        TEST(a_fault_of_a_command_names_its_line),
        TEST(a_handle_kept_after_its_callback_is_refused),
        TEST(writing_a_kept_handle_is_refused_too),
        TEST(a_verdict_kept_from_another_message_is_refused),
        TEST(a_script_writes_to_the_log),
        TEST(what_a_candidate_writes_is_told_from_the_others),
        TEST(a_script_does_not_flood_the_log),
        TEST(every_filter_that_ships_loads_as_it_is),
        TEST(shout_calms_down),
        TEST(words_drops_whole_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
