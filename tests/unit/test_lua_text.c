/*
 * What the host does with texts for scripts: letters, fingerprints, links, tallies; the message in
 * the place of its text; what `match` looks for before Lua is entered; and that the filters that
 * ship need no memory for a message they let pass.
 */
#include "lua_fixture.h"
#include "unit.h"

/* ---- what hub is asked of a text ------------------------------------------------------------ */

static void letters_and_capitals_are_counted(void **state)
{
    struct bench *b = *state;
    load_body(b, "local n, c = hub.letters(msg) local m, d = hub.letters(msg.text)\n"
                 "return hub.reply(table.concat({n, c, m, d}, ' '))");
    say(b, "Hello, WORLD 42");
    assert_result(b, FILTER_REPLY, "10 6 10 6");
    say(b, "\xc3\x9c"
           "BER \xe6\xbc\xa2");
    assert_result(b, FILTER_REPLY, "4 4 4 4");
    say(b, "");
    assert_result(b, FILTER_REPLY, "0 0 0 0");
}

static void letters_of_all_alphabets_are_made_small(void **state)
{
    struct bench *b = *state;
    load_body(b,
              "return hub.reply(hub.lower(msg) .. '|' .. hub.lower('\xd0\x93\xd0\x94\xd0\x95'))");
    say(b, "\xc3\x9c"
           "BER Alles");
    assert_result(b, FILTER_REPLY,
                  "\xc3\xbc"
                  "ber alles|\xd0\xb3\xd0\xb4\xd0\xb5");
}

static void a_fingerprint_is_of_what_is_said_and_by_whom(void **state)
{
    struct bench *b = *state;
    load_body(b, "local f = hub.fingerprint\n"
                 "local function same(a, b) return a == b and '=' or '/' end\n"
                 "return hub.reply(table.concat({same(f(msg), f('buy MY book')),\n"
                 "  same(f(msg, 7), f('buymybook', 7)), same(f(msg, 7), f(msg, 8)),\n"
                 "  same(f(msg, 'ann'), f(msg, 'bob')), same(f(msg, 'ann'), f(msg.text, 'ann')),\n"
                 "  same(f(msg), f(msg, 7)), same(f(msg, 7), f(msg, '7')),\n"
                 "  math.type(f(msg)), tostring(f('?!'))}, ' '))");
    say(b, "Buy my book!");
    assert_result(b, FILTER_REPLY, "= = / / = / / integer nil");
}

static void links_are_gone_through(void **state)
{
    struct bench *b = *state;
    load_body(b, "local all = {}\n"
                 "for at, host, fault in hub.links(msg) do\n"
                 "  all[#all + 1] = at .. ':' .. tostring(host) .. ':' .. tostring(fault) end\n"
                 "return hub.reply(table.concat(all, ' '))");
    say(b, "https://Example.ORG/x www.b.c. x://u@v x://[");
    assert_result(b, FILTER_REPLY,
                  "21:example.org:nil 31:www.b.c:nil 37:nil:hidden 44:nil:nameless");
    say(b, "no link");
    assert_result(b, FILTER_REPLY, "");
    say(b, "");
    assert_result(b, FILTER_REPLY, "");
}

static void links_of_a_string_are_gone_through_too(void **state)
{
    struct bench *b = *state;
    load_body(b, "for _, host in hub.links('see www.\xc3\x9c.de') do return hub.reply(host) end");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "www.\xc3\xbc.de");
}

static void texts_are_quoted_for_json(void **state)
{
    struct bench *b = *state;
    load_body(b, "return hub.reply(hub.json(msg) .. hub.json(msg.text, 4))");
    say(b, "\xc3\xa4 \"x\"");
    assert_result(b, FILTER_REPLY, "\"\\u00e4 \\\"x\\\"\"\"...\"");
}

/* ---- the message in the place of its text --------------------------------------------------- */

static void words_take_the_message_itself(void **state)
{
    struct bench *b = *state;
    load(b, "local w = hub.words({'spam', 'ham'})\n"
            "return { name = 't', on_message = function(msg)\n"
            "  local word, first, last = w:find(msg)\n"
            "  local masked, hits = w:mask(msg)\n"
            "  return hub.reply(table.concat({tostring(word), tostring(first), tostring(last),\n"
            "    tostring(w:find(msg, (last or 0) + 1)), masked, hits}, '|')) end }");
    say(b, "ham and spam");
    assert_result(b, FILTER_REPLY, "ham|1|3|spam|*** and ****|2");
    say(b, "jam");
    assert_result(b, FILTER_REPLY, "nil|nil|nil|nil|jam|0");
}

/* It is the text by now, and in a command what stands behind its name. */
static void the_text_is_that_of_the_moment(void **state)
{
    struct bench *b = *state;
    load(b, "return { name = 't', commands = { x = function(ctx)\n"
            "    return hub.reply(hub.lower(ctx)) end },\n"
            "  on_message = function(msg)\n"
            "    msg.text = msg.text .. ' WORLD'\n"
            "    return hub.reply(hub.lower(msg)) end }");
    say(b, "HELLO");
    assert_result(b, FILTER_REPLY, "hello world");
    b->event.kind = FILTER_COMMAND;
    b->event.to = STR("x");
    say(b, "ARGS");
    assert_result(b, FILTER_REPLY, "args");
}

/* Each is a fault, in line 2. */
static const struct {
    const char *body;
    const char *part;
} misuse[] = {
    {"hub.letters()", "bad argument #1 to 'letters'"},
    {"hub.letters({})", "bad argument #1 to 'letters'"},
    {"hub.lower(nil)", "bad argument #1 to 'lower'"},
    {"hub.lower(hub.shared('m'))", "bad argument #1 to 'lower'"},
    {"hub.lower(('x'):rep(65537))", "the text is too long"},
    {"hub.links(('x'):rep(65537))", "the text is too long"},
    {"hub.links(msg)(msg, 0)", "counts from 1"},
    {"hub.links(msg)({}, 1)", "string expected, got table"},
    {"hub.fingerprint(msg, {})", "string or integer expected, got table"},
    {"hub.fingerprint(msg, 0.5)", "string or integer expected, got number"},
    {"hub.json({})", "bad argument #1 to 'json'"},
    {"hub.json('x', -1)", "bad argument #2 to 'json' (at least 0)"},
    {"hub.tally(0)", "bad argument #1 to 'tally' (from 0.1 on)"},
    {"hub.tally(0/0)", "bad argument #1 to 'tally' (from 0.1 on)"},
    {"hub.tally('x')", "bad argument #1 to 'tally'"},
    {"hub.tally(1):count()", "string or integer expected, got no value"},
    {"hub.tally(1):count(0.5)", "string or integer expected, got number"},
    {"hub.tally(1).count(hub.shared('m'), 1)", "Tally expected, got Shared"},
    {"hub.tally(1).count(1, 1)", "Tally expected, got number"},
    {"hub.tally(1).x = 1", "attempt to index a Tally value"},
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
}

static void a_message_that_was_kept_is_none_any_more(void **state)
{
    static const char *const uses[] = {
        "hub.letters(kept)", "hub.lower(kept)",  "hub.links(kept)", "hub.fingerprint(kept)",
        "words:find(kept)",  "words:mask(kept)", "step(kept, 1)"};
    struct bench *b = *state;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        char script[512];
        snprintf(script, sizeof script,
                 "local kept local words = hub.words({'x'}) local step = hub.links('')\n"
                 "return { name = 't', on_message = function(msg)\n"
                 "  if kept then\n"
                 "    %s\n"
                 "  end kept = msg end }",
                 uses[i]);
        load(b, script);
        say(b, "x");
        assert_result(b, FILTER_PASS, "");
        say(b, "x");
        assert_fault(b, 4, "this message handle was kept after its callback");
        unload(b);
    }
}

/* ---- tallies -------------------------------------------------------------------------------- */

static void a_tally_counts_and_forgets(void **state)
{
    struct bench *b = *state;
    load(b, "local seen\n"
            "return { name = 't', on_load = function() seen = hub.tally(10) end,\n"
            "  on_message = function(msg)\n"
            "    return hub.reply(seen:count(msg.text) .. ' ' .. seen:count(msg.client)) end }");
    say(b, "a");
    assert_result(b, FILTER_REPLY, "1 1");
    say(b, "a");
    assert_result(b, FILTER_REPLY, "2 2");
    say(b, "7"); /* the client's id, but a string */
    assert_result(b, FILTER_REPLY, "1 3");
    b->event.time_ms += 9999;
    say(b, "b");
    assert_result(b, FILTER_REPLY, "1 4");
    b->event.time_ms += 9999;
    say(b, "a");
    assert_result(b, FILTER_REPLY, "3 5");
    b->event.time_ms += 20000;
    say(b, "a");
    assert_result(b, FILTER_REPLY, "1 1");
}

/* A tally is the script's memory, and given back with it. */
static void tallies_count_as_memory(void **state)
{
    struct bench *b = *state;
    b->limits.memory = 2 << 20;
    load_body(b, "local t = {} for i = 1, 9 do t[i] = hub.tally(1) end");
    say(b, "x");
    assert_fault(b, 1, "needed more memory than its 2097152 bytes");
    say(b, "x");
    assert_fault(b, 1, "needed more memory than its 2097152 bytes");
}

/* ---- numbers as keys ------------------------------------------------------------------------ */

static void a_number_is_the_same_key_as_its_digits(void **state)
{
    struct bench *b = *state;
    load_body(b,
              "local all = {}\n"
              "for _, n in ipairs{0, 7, -7, 1234567890123, math.maxinteger, math.mininteger} do\n"
              "  all[#all + 1] = tostring(hub.rate(n, 1, 1)) .. tostring(hub.rate('' .. n, 1, 1))"
              " end\nreturn hub.reply(table.concat(all, ' '))");
    say(b, "x");
    assert_result(b, FILTER_REPLY, "truefalse truefalse truefalse truefalse truefalse truefalse");
}

/* ---- what is looked for before the script is entered ---------------------------------------- */

static bool matches(const struct bench *b, const char *text)
{
    const struct filter_match *m = &b->filter->match;
    return m->fits(m->rule, str_of(text));
}

static void match_looks_for_words_and_capitals(void **state)
{
    struct bench *b = *state;
    load(b, "return { name = 't', match = { words = {'spam', 'buy now'}, capitals = 2 },\n"
            "  on_message = function() end }");
    assert_true(matches(b, "SPAM"));
    assert_true(matches(b, "BUY, now"));
    assert_false(matches(b, "spam"));
    assert_false(matches(b, "SPAMALOT"));
    assert_str(b->filter->match.rule_means, STR("at least 2 capitals, one of 2 words"));
    load(b, "return { name = 't', match = { words = 'spam' }, on_message = function() end }");
    assert_true(matches(b, "spam!"));
    assert_false(matches(b, "SCAM"));
    assert_str(b->filter->match.rule_means, STR("one of 1 words"));
    load(b, "return { name = 't', match = { capitals = 3 }, on_message = function() end }");
    assert_true(matches(b, "\xc3\x9c"
                           "BE"));
    assert_false(matches(b, "\xc3\x9c"
                            "be"));
    assert_str(b->filter->match.rule_means, STR("at least 3 capitals"));
}

static void an_empty_list_of_words_matches_nothing(void **state)
{
    struct bench *b = *state;
    load(b, "return { name = 't', match = { words = {} }, on_message = function() end }");
    assert_false(matches(b, ""));
    assert_false(matches(b, "anything"));
}

static void match_may_go_by_what_is_configured(void **state)
{
    struct bench *b = *state;
    b->settings[0] = "t.list=ham,jam";
    b->settings[1] = "t.most=5";
    load(b, "return { name = 't', on_message = function() end,\n"
            "  config = { list = {'spam'}, most = 9 },\n"
            "  match = function(config)\n"
            "    return { words = config.list, max_length = config.most } end }");
    assert_true(matches(b, "ham"));
    assert_false(matches(b, "spam"));
    assert_int_equal(b->filter->match.max_length, 5);
}

static void words_of_a_match_count_as_memory(void **state)
{
    static const char script[] = "local list = {}\n"
                                 "for i = 1, 2000 do list[i] = i .. (' x'):rep(20) end\n"
                                 "return { name = 't', on_message = function() end,\n"
                                 "  match = { %s = list } }";
    struct bench *b = *state;
    char text[512];
    snprintf(text, sizeof text, script, "contains");
    load(b, text);
    size_t without = b->filter->ops->memory(b->filter);
    snprintf(text, sizeof text, script, "words");
    load(b, text);
    size_t words = b->filter->ops->memory(b->filter) - without;
    assert_true(words > 2000 * 100);
    b->limits.memory = words - 1;
    assert_refused(b, text, 4, "'match.words' needs more memory than a filter may have");
}

/* What was compiled first stays in use; what a new start compiles is given back. */
static void a_match_outlives_a_new_start(void **state)
{
    struct bench *b = *state;
    b->limits.memory = 2 << 20;
    b->limits.call_us = 1000000;
    load(b, "local kept, words, seen = {}, hub.words({'spam'}), hub.tally(1)\n"
            "return { name = 't', config = { list = {'spam', 'ham'} },\n"
            "  match = function(config) return { words = config.list } end,\n"
            "  on_message = function(msg)\n"
            "    while msg.text == 'hoard' do kept[#kept + 1] = ('x'):rep(1000) .. #kept end\n"
            "    return hub.reply(words:find(msg) .. seen:count('x')) end }");
    for (int i = 0; i < 3; i++) {
        say(b, "hoard");
        assert_contains(b->log, "was started anew");
        assert_true(matches(b, "ham"));
        assert_false(matches(b, "jam"));
        say(b, "SPAM");
        assert_result(b, FILTER_REPLY, "spam1");
    }
}

/* ---- memory --------------------------------------------------------------------------------- */

static void add_shipped(struct bench *b, struct filter_chain *chain, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, CHATROOM_FILTERS "/%s.lua", name);
    if (load_file(b, path) != 0)
        fail_msg("%s", b->why);
    assert_int_equal(filter_chain_add(chain, b->filter), 0);
    b->count--; /* it is the chain's */
}

/* Neither C nor Lua takes memory for a message that no filter objects to. */
static void a_message_that_passes_takes_no_memory(void **state)
{
    static const char *const names[] = {"flood", "words", "links", "repeats", "caps", "jail"};
    static const char *const texts[] = {
        "Has anybody here been looking at the notes of",
        "I think that this has t\xc3\xb6 be \xc3\x9cnicode, count",
    };
    struct bench *b = *state;
    struct filter_chain *chain = filter_chain_new(MAX_TEXT);
    size_t before = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_shipped(b, chain, names[i]);
    for (int i = 0; i < 3000; i++) {
        char text[100];
        snprintf(text, sizeof text, "%s %d", texts[i % 2], i);
        b->event.text = str_of(text);
        b->event.client = 1 + (uint64_t)i % 10;
        b->event.time_ms += 500;
        if (i == 1000)
            before = unit_alloc_count();
        filter_chain_run(chain, &b->event, &b->result);
        assert_result(b, FILTER_PASS, text);
    }
    assert_int_equal(unit_alloc_count(), before);
    filter_chain_free(chain);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(letters_and_capitals_are_counted),
        TEST(letters_of_all_alphabets_are_made_small),
        TEST(a_fingerprint_is_of_what_is_said_and_by_whom),
        TEST(links_are_gone_through),
        TEST(links_of_a_string_are_gone_through_too),
        TEST(texts_are_quoted_for_json),
        TEST(words_take_the_message_itself),
        TEST(the_text_is_that_of_the_moment),
        TEST(misuse_explains_itself),
        TEST(a_message_that_was_kept_is_none_any_more),
        TEST(a_tally_counts_and_forgets),
        TEST(tallies_count_as_memory),
        TEST(a_number_is_the_same_key_as_its_digits),
        TEST(match_looks_for_words_and_capitals),
        TEST(an_empty_list_of_words_matches_nothing),
        TEST(match_may_go_by_what_is_configured),
        TEST(words_of_a_match_count_as_memory),
        TEST(a_match_outlives_a_new_start),
        TEST(a_message_that_passes_takes_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
