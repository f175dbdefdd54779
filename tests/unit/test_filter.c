/* The chain: order, verdicts, counters, and what it does with texts no client could have sent. */
#include "filter_fixture.h"

#include <errno.h>

/* Gives back what it heard, without its first byte. */
static void biter_on_event(struct filter *f, const struct filter_event *e,
                           struct filter_result *result)
{
    (void)f;
    result->verdict = FILTER_REPLACE;
    result->text = str_skip(e->text, 1);
}

static int64_t parrot_tick(struct filter *f, int64_t now_ms, struct filter_result *result)
{
    assert_int_equal(result->verdict, FILTER_PASS);
    assert_true(now_ms == INT64_MIN);
    return ((struct parrot *)f)->next_tick;
}

static const struct filter_ops biter_ops = {.on_event = biter_on_event, .free = parrot_free};
static const struct filter_ops ticking_ops = {
    .on_event = parrot_on_event, .tick = parrot_tick, .free = parrot_free};

/* ---- the chain ------------------------------------------------------------------------------ */

static void an_empty_chain_passes(void **state)
{
    struct filter_event e = event_of(FILTER_COMMAND, "2d6", 0);
    struct filter_result untouched;
    assert_int_equal(filter_chain_size(*state), 0);
    assert_result(run(*state, "hello"), FILTER_PASS, "hello", "");
    assert_null(filter_chain_find(*state, STR("any")));
    assert_false(filter_chain_wants(*state, FILTER_MESSAGE));
    assert_false(filter_chain_wants(*state, FILTER_COMMAND));
    assert_false(filter_chain_command(*state, &e, &untouched));
    assert_true(filter_chain_tick(*state, 0) == INT64_MAX);
}

static void low_priorities_are_first_and_equals_keep_their_order(void **state)
{
    static const struct {
        const char *name;
        int priority;
    } added[] = {{"d", 5},
                 {"f", FILTER_LAST},
                 {"b", FILTER_NORMAL},
                 {"a", FILTER_FIRST},
                 {"c", FILTER_NORMAL},
                 {"e", 5}};
    struct filter_chain *chain = *state;
    for (size_t i = 0; i < COUNT_OF(added); i++) {
        struct parrot *p = make(added[i].name, FILTER_PASS, STR(""));
        p->base.priority = added[i].priority;
        join(chain, p);
    }
    assert_int_equal(filter_chain_size(chain), 6);
    for (size_t i = 0; i < 6; i++) {
        char name[] = {(char)('a' + i), '\0'};
        assert_str(filter_chain_at(chain, i)->name, str_of(name));
        assert_ptr_equal(filter_chain_find(chain, str_of(name)), filter_chain_at(chain, i));
    }
}

static void a_name_or_a_command_is_there_once(void **state)
{
    static const struct str roll = {"roll", 4};
    static const struct str shout = {"ROLL", 4};
    struct parrot *dice = add_command(*state, "dice", &roll, FILTER_PASS, STR(""));
    struct parrot *same_name = make("dice", FILTER_PASS, STR(""));
    struct parrot *same_command = make("other", FILTER_PASS, STR(""));
    same_command->base.commands = &shout;
    same_command->base.command_count = 1;
    assert_int_equal(filter_chain_add(*state, &same_name->base), -EEXIST);
    assert_int_equal(filter_chain_add(*state, &same_command->base), -EEXIST);
    assert_int_equal(filter_chain_size(*state), 1);
    assert_ptr_equal(filter_chain_at(*state, 0), &dice->base);
    free(same_name);
    free(same_command);
}

static void there_is_room_for_64(void **state)
{
    char names[65][4];
    for (int i = 0; i < 64; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        add(*state, names[i], FILTER_REPLACE, str_of(names[i]));
    }
    struct parrot *last = make("64", FILTER_PASS, STR(""));
    assert_int_equal(filter_chain_add(*state, &last->base), -E2BIG);
    free(last);
    assert_int_equal(filter_chain_size(*state), 64);
    assert_result(run(*state, "zero"), FILTER_REPLACE, "63", "63");
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(filter_chain_at(*state, i)->calls, 1);
}

static void not_freed(struct filter *f)
{
    (void)f;
}

static void a_chain_without_memory_stays_as_it_was(void **state)
{
    static const struct filter_ops ops = {.on_event = parrot_on_event, .free = not_freed};
    struct parrot p = {.verdict = FILTER_REPLACE, .text = STR("one")};
    p.base.ops = &ops;
    p.base.name = STR("p");
    p.base.kinds = 1U << FILTER_MESSAGE;
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct filter_chain *chain = filter_chain_new(MAX_TEXT);
        if (!chain)
            continue;
        bool added = filter_chain_add(chain, &p.base) == 0;
        assert_int_not_equal(added, unit_alloc_failed());
        assert_int_equal(filter_chain_size(chain), added);
        assert_int_equal(filter_chain_wants(chain, FILTER_MESSAGE), added);
        assert_str(run(chain, "zero").text, added ? STR("one") : STR("zero"));
        filter_chain_free(chain);
    }
}

static void a_failed_addition_leaves_the_others(void **state)
{
    struct parrot *p = make("second", FILTER_REPLACE, STR("two"));
    add(*state, "first", FILTER_REPLACE, STR("one"));
    unit_alloc_fail_at(0);
    assert_int_equal(filter_chain_add(*state, &p->base), -ENOMEM);
    unit_alloc_fail_at(-1);
    assert_result(run(*state, "zero"), FILTER_REPLACE, "one", "first");
    join(*state, p);
    assert_result(run(*state, "zero"), FILTER_REPLACE, "two", "second");
}

static void freeing_the_chain_frees_its_filters(void **state)
{
    char names[20][4];
    int freed = 0;
    struct filter_chain *chain = filter_chain_new(MAX_TEXT);
    (void)state;
    for (int i = 0; i < 20; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        add(chain, names[i], FILTER_PASS, STR(""))->freed = &freed;
    }
    assert_int_equal(filter_chain_size(chain), 20);
    filter_chain_free(chain);
    assert_int_equal(freed, 20);
    filter_chain_free(NULL);
}

static void the_next_tick_is_the_earliest_of_all(void **state)
{
    static const int64_t due[] = {1500, 1001, 8000};
    static const char *const names[] = {"a", "b", "c"};
    add(*state, "none", FILTER_PASS, STR(""));
    assert_true(filter_chain_tick(*state, 1000) == INT64_MAX);
    for (int i = 0; i < 3; i++) {
        struct parrot *p = add(*state, names[i], FILTER_PASS, STR(""));
        p->base.ops = &ticking_ops;
        p->next_tick = due[i];
    }
    assert_int_equal(filter_chain_tick(*state, 1000), 1001);
}

/* ---- verdicts ------------------------------------------------------------------------------- */

static void a_rewriting_is_what_the_next_filter_sees(void **state)
{
    struct filter_chain *chain = *state;
    struct parrot *first = add(chain, "first", FILTER_REPLACE, STR("one"));
    struct parrot *second = add(chain, "second", FILTER_PASS, STR("ignored"));
    struct parrot *third = add(chain, "third", FILTER_REPLACE, STR("two"));
    assert_result(run(chain, "zero"), FILTER_REPLACE, "two", "third");
    assert_string_equal(first->heard, "zero");
    assert_string_equal(second->heard, "one");
    assert_string_equal(third->heard, "one");
}

static void a_pass_behind_a_rewriting_keeps_it(void **state)
{
    add(*state, "first", FILTER_REPLACE, STR("one"));
    add(*state, "second", FILTER_PASS, STR(""));
    assert_result(run(*state, "zero"), FILTER_REPLACE, "one", "first");
}

static void accept_ends_the_walk_in_favour(void **state)
{
    struct parrot *first = add(*state, "first", FILTER_PASS, STR(""));
    struct parrot *second = add(*state, "second", FILTER_ACCEPT, STR(""));
    struct parrot *never = add(*state, "never", FILTER_DROP, STR(""));
    assert_result(run(*state, "zero"), FILTER_ACCEPT, "zero", "second");
    first->verdict = FILTER_REPLACE;
    first->text = STR("one");
    assert_result(run(*state, "zero"), FILTER_REPLACE, "one", "first");
    second->text = STR("two");
    assert_result(run(*state, "zero"), FILTER_REPLACE, "two", "second");
    assert_int_equal(never->base.calls, 0);
}

static void a_divert_carries_the_message_as_it_is_by_then(void **state)
{
    struct parrot *first = add(*state, "first", FILTER_REPLACE, STR("o\nne"));
    struct parrot *last = add(*state, "last", FILTER_DIVERT, STR("#jail"));
    struct filter_result r = run(*state, "zero");
    assert_result(r, FILTER_DIVERT, "#jail", "last");
    assert_str(r.message, STR("one"));
    first->verdict = FILTER_PASS;
    assert_str(run(*state, "zero").message, STR("zero"));
    last->verdict = FILTER_DROP;
    assert_str(run(*state, "zero").message, STR(""));
}

static void the_other_verdicts_end_the_walk(void **state)
{
    static const enum filter_verdict last[] = {FILTER_DROP, FILTER_REPLY, FILTER_DIVERT,
                                               FILTER_SHADOW, FILTER_KICK};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(last); i++) {
        struct filter_chain *chain = filter_chain_new(MAX_TEXT);
        add(chain, "first", FILTER_REPLACE, STR("one"));
        add(chain, "last", last[i], STR("#because"));
        struct parrot *never = add(chain, "never", FILTER_PASS, STR(""));
        assert_result(run(chain, "zero"), last[i], "#because", "last");
        assert_int_equal(never->base.calls, 0);
        filter_chain_free(chain);
    }
}

/* A letter for each verdict that goes with the kind; the rest are faults. */
static void a_verdict_that_does_not_suit_the_kind_is_a_fault(void **state)
{
    static const char letters[] = "pardyvsk"; /* as in enum filter_verdict */
    static const char *const suitable[FILTER_KINDS] = {
        [FILTER_MESSAGE] = "pardyvsk", [FILTER_ACTION] = "pardyvsk", [FILTER_PRIVATE] = "pardysk",
        [FILTER_JOIN] = "padyk",       [FILTER_LEAVE] = "pardyvsk",  [FILTER_NICK] = "padyk",
        [FILTER_CONNECT] = "padyk",
    };
    (void)state;
    for (int kind = 0; kind < FILTER_COMMAND; kind++) {
        for (int v = FILTER_PASS; v < FILTER_FAULT; v++) {
            struct filter_chain *chain = filter_chain_new(MAX_TEXT);
            struct str text = v == FILTER_ACCEPT ? STR("") : STR("#text");
            struct parrot *p = add(chain, "p", (enum filter_verdict)v, text);
            bool suits = strchr(suitable[kind], letters[v]);
            struct filter_result r = run_kind(chain, (enum filter_kind)kind);
            assert_int_equal(p->base.verdicts[v], suits);
            assert_int_equal(p->base.verdicts[FILTER_FAULT], !suits);
            assert_int_equal(r.verdict, suits && kind != FILTER_LEAVE ? v : FILTER_PASS);
            filter_chain_free(chain);
        }
    }
}

static void a_divert_to_what_is_no_room_is_a_fault(void **state)
{
    static const struct {
        struct str text;
        bool room;
    } cases[] = {
        {{"#jail", 5}, true},     {{"jail", 4}, false},  {{"", 0}, false},
        {{NULL, 0}, false},       {{"#", 1}, false},     {{"#two words", 10}, false},
        {{"#a\nb", 4}, false},    {{"#\xff", 2}, false}, {{"#a\0b", 4}, false},
        {{"#\xc3\xa4", 3}, true}, {{"#\x01", 2}, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct filter_chain *chain = filter_chain_new(MAX_TEXT);
        struct parrot *p = add(chain, "p", FILTER_DIVERT, cases[i].text);
        assert_int_equal(run(chain, "zero").verdict, cases[i].room ? FILTER_DIVERT : FILTER_PASS);
        assert_int_equal(p->base.verdicts[FILTER_FAULT], !cases[i].room);
        filter_chain_free(chain);
    }
}

static void who_leaves_is_only_told(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    struct parrot *p[FILTER_VERDICTS];
    for (int v = 0; v < FILTER_VERDICTS; v++) {
        p[v] = add(*state, names[v], (enum filter_verdict)v, STR("#text"));
        p[v]->base.closed = true;
    }
    assert_result(run_kind(*state, FILTER_LEAVE), FILTER_PASS, "zero", "");
    for (int v = 0; v < FILTER_VERDICTS; v++) {
        assert_string_equal(p[v]->heard, "zero");
        assert_int_equal(p[v]->base.verdicts[v], 1);
    }
}

/* ---- who is asked --------------------------------------------------------------------------- */

static void only_handlers_of_the_kind_are_asked(void **state)
{
    struct parrot *joins = make("joins", FILTER_PASS, STR(""));
    struct parrot *some = make("some", FILTER_PASS, STR(""));
    joins->base.kinds = 1U << FILTER_JOIN;
    some->base.kinds = 1U << FILTER_MESSAGE | 1U << FILTER_ACTION;
    some->base.match.kinds = 1U << FILTER_ACTION | 1U << FILTER_JOIN;
    join(*state, joins);
    join(*state, some);
    for (unsigned kind = 0; kind < FILTER_COMMAND; kind++) {
        bool wanted = kind == FILTER_JOIN || kind == FILTER_ACTION;
        assert_int_equal(filter_chain_wants(*state, (enum filter_kind)kind), wanted);
        assert_result(run_kind(*state, (enum filter_kind)kind), FILTER_PASS, "zero", "");
    }
    assert_false(filter_chain_wants(*state, FILTER_COMMAND));
    assert_int_equal(joins->base.calls, 1);
    assert_int_equal(some->base.calls, 1);
    assert_int_equal(joins->base.skips + some->base.skips, 0);
}

static void what_does_not_match_is_skipped_and_counted(void **state)
{
    struct parrot *p = make("p", FILTER_DROP, STR(""));
    p->base.match.prefix = STR("!");
    join(*state, p);
    assert_result(run(*state, "zero"), FILTER_PASS, "zero", "");
    assert_int_equal(p->base.calls, 0);
    assert_int_equal(p->base.skips, 1);
    assert_result(run(*state, "!zero"), FILTER_DROP, "", "p");
    assert_int_equal(p->base.calls, 1);
    assert_int_equal(p->base.skips, 1);
}

static void a_rewriting_is_matched_anew(void **state)
{
    struct parrot *bang = make("bang", FILTER_PASS, STR(""));
    struct parrot *question = make("question", FILTER_PASS, STR(""));
    bang->base.match.prefix = STR("!");
    question->base.match.prefix = STR("?");
    add(*state, "rewriter", FILTER_REPLACE, STR("?one"));
    join(*state, bang);
    join(*state, question);
    assert_result(run(*state, "!zero"), FILTER_REPLACE, "?one", "rewriter");
    assert_int_equal(bang->base.calls, 0);
    assert_int_equal(bang->base.skips, 1);
    assert_string_equal(question->heard, "?one");
}

/* ---- counters ------------------------------------------------------------------------------- */

static void calls_and_verdicts_are_counted(void **state)
{
    struct parrot *first = add(*state, "first", FILTER_REPLACE, STR("one"));
    struct parrot *second = add(*state, "second", FILTER_DROP, STR(""));
    run(*state, "zero");
    second->verdict = FILTER_PASS;
    run(*state, "zero");
    assert_int_equal(first->base.calls, 2);
    assert_int_equal(first->base.verdicts[FILTER_REPLACE], 2);
    assert_int_equal(second->base.calls, 2);
    assert_int_equal(second->base.verdicts[FILTER_DROP], 1);
    assert_int_equal(second->base.verdicts[FILTER_PASS], 1);
    assert_int_equal(first->base.refused + second->base.refused, 0);
    assert_int_equal(first->base.bypassed + second->base.bypassed, 0);
}

static void every_call_is_timed(void **state)
{
    struct parrot *slow = add(*state, "slow", FILTER_PASS, STR(""));
    struct parrot *other = add(*state, "other", FILTER_PASS, STR(""));
    slow->slow_ns = FILTER_SOFT_NS + 1;
    for (int i = 0; i < 20; i++)
        run(*state, "zero");
    assert_int_equal(slow->base.ns.count, 20);
    assert_int_equal(other->base.ns.count, 20);
    assert_true(histogram_percentile(&slow->base.ns, 1) > FILTER_SOFT_NS);
    assert_true(histogram_percentile(&other->base.ns, 1) < FILTER_SOFT_NS);
    assert_int_equal(slow->base.slow, 20);
    assert_true(other->base.slow < 20); /* one may have been interrupted */
    assert_true(filter_chain_spent(*state) > 20 * (uint64_t)FILTER_SOFT_NS);
}

static void a_walk_allocates_nothing(void **state)
{
    add(*state, "first", FILTER_REPLACE, STR("\n\xff"));
    struct parrot *fault = add(*state, "fault", FILTER_FAULT, STR(""));
    fault->base.closed = true;
    size_t before = unit_alloc_count();
    for (int i = 0; i < 10; i++)
        run(*state, "zero");
    assert_int_equal(unit_alloc_count(), before);
    assert_int_equal(fault->base.bypassed, 7);
}

/* ---- texts ---------------------------------------------------------------------------------- */

/* What a rewriting becomes, and whether it is taken at all. */
static void rewritings_are_cleaned_or_refused(void **state)
{
    static const struct {
        struct str text;
        const char *becomes;
        bool refused;
    } cases[] = {
        {{"fine", 4}, "fine", false},
        {{"two\nlines", 9}, "twolines", false},
        {{"a\0b\x1b[1m\x7f", 8}, "ab[1m", false},
        {{"tab\tstays", 9}, "tab\tstays", false},
        {{"bad \xff byte", 10}, "bad \xef\xbf\xbd byte", false},
        {{"sixteen bytes ok", 16}, "sixteen bytes ok", false},
        {{"seventeen is more", 17}, "zero", true},
        {{"", 0}, "zero", true},
        {{NULL, 0}, "zero", true},
        {{"\n\r\x01", 3}, "zero", true},
        {{"grows\xff\xff\xff\xff\xff\xff", 11}, "zero", true},
    };
    struct parrot *p = add(*state, "p", FILTER_REPLACE, STR(""));
    uint64_t refused = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        p->text = cases[i].text;
        struct filter_result r = run(*state, "zero");
        assert_str(r.text, str_of(cases[i].becomes));
        assert_int_equal(r.verdict, cases[i].refused ? FILTER_PASS : FILTER_REPLACE);
        refused += cases[i].refused;
        assert_int_equal(p->base.refused, refused);
    }
}

static void a_refused_rewriting_leaves_the_one_before(void **state)
{
    add(*state, "first", FILTER_REPLACE, STR("one\n"));
    add(*state, "second", FILTER_REPLACE, STR("\n"));
    struct parrot *third = add(*state, "third", FILTER_PASS, STR(""));
    assert_result(run(*state, "zero"), FILTER_REPLACE, "one", "first");
    assert_string_equal(third->heard, "one");
}

/* A text that is part of a cleaned one must not be cleaned over itself. */
static void a_rewriting_may_be_part_of_the_text(void **state)
{
    add(*state, "dirty", FILTER_REPLACE, STR("\nx\xc3\xa4\xc3\xb6\xc3\xbc"));
    struct parrot *refused = add(*state, "refused", FILTER_REPLACE, STR("\n"));
    /* The first takes the x, the next cuts the umlaut in two, the last the mark for its half. */
    static const char *const names[] = {"x", "umlaut", "mark"};
    for (int i = 0; i < 3; i++)
        add(*state, names[i], FILTER_PASS, STR(""))->base.ops = &biter_ops;
    assert_result(run(*state, "zero"), FILTER_REPLACE, "\xef\xbf\xbd\xef\xbf\xbd\xc3\xb6\xc3\xbc",
                  "mark");
    assert_int_equal(refused->base.refused, 1);
}

/* What the sender is told is cleaned too, and cut between characters. */
static void words_to_the_sender_are_cleaned_and_cut(void **state)
{
    static const struct {
        struct str text;
        const char *becomes;
    } cases[] = {
        {{"plain", 5}, "plain"},
        {{"", 0}, ""},
        {{NULL, 0}, ""},
        {{"esc\x1b]0;x\x07", 9}, "esc]0;x"},
        {{"much longer than sixteen", 24}, "much longer than"},
        {{"fourteen......\xe2\x82\xac!", 18}, "fourteen......"},
        {{"\xff\xff\xff\xff\xff\xff", 6},
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    struct parrot *p = add(*state, "p", FILTER_REPLY, STR(""));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        p->text = cases[i].text;
        assert_result(run(*state, "zero"), FILTER_REPLY, cases[i].becomes, "p");
    }
}

/* The number of lines that `times` messages put on standard error. */
static int lines_logged(struct filter_chain *chain, int times)
{
    char log[4096];
    unit_capture(2);
    for (int i = 0; i < times; i++)
        run(chain, "zero");
    unit_captured(log, sizeof log);
    return occurrences(log, "\n");
}

static void refusals_do_not_flood_the_log(void **state)
{
    struct parrot *p = add(*state, "p", FILTER_REPLACE, STR(""));
    diag_init("test_filter", DIAG_WARN);
    assert_int_equal(lines_logged(*state, 2), 2); /* without and with the line of the script */
    assert_int_equal(lines_logged(*state, 998), 0);
    assert_int_equal(lines_logged(*state, 1), 1);
    assert_int_equal(p->base.refused, 1001);
    p->text = STR("one\n");
    assert_int_equal(lines_logged(*state, 2), 2);
    assert_int_equal(lines_logged(*state, 998), 0);
    assert_int_equal(lines_logged(*state, 1), 1);
    assert_int_equal(p->base.repaired, 1001);
}

/* From the first time on, the filter is asked where it was. */
static void what_is_wrong_with_a_rewriting_is_told_with_its_line(void **state)
{
    static const struct {
        struct str text;
        const char *what;
    } cases[] = {
        {{"seventeen is more", 17}, "is more than the 16 of a line: the text before it stands"},
        {{"\xff\xff\xff\xff\xff\xff", 6},
         "is more than the 16 of a line: the text before it stands"},
        {{"\n", 1}, "leaves nothing: the text before it stands"},
        {{"two\nlines", 9}, "had to be cleaned"},
        {{"bad \xff byte", 10}, "had to be cleaned"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct filter_chain *chain = filter_chain_new(MAX_TEXT);
        struct parrot *p = add(chain, "p", FILTER_REPLACE, cases[i].text);
        char log[1024];
        char expected[1024];
        (void)state;
        diag_init("test_filter", DIAG_WARN);
        assert_false(p->base.tell_places);
        unit_capture(2);
        run(chain, "zero");
        assert_true(p->base.tell_places);
        p->at = STR("/etc/p.lua:7");
        run(chain, "zero");
        unit_captured(log, sizeof log);
        snprintf(expected, sizeof expected,
                 "test_filter: warn: filter p: a rewriting of %zu bytes %s (1 so far)\n"
                 "test_filter: warn: filter p: /etc/p.lua:7: a rewriting of %zu bytes %s (2 so "
                 "far)\n",
                 cases[i].text.size, cases[i].what, cases[i].text.size, cases[i].what);
        assert_string_equal(log, expected);
        filter_chain_free(chain);
    }
}

/* ---- names ---------------------------------------------------------------------------------- */

static void every_verdict_and_kind_has_a_name(void **state)
{
    static const char *const verdicts[] = {"pass",   "accept", "replace", "drop", "reply",
                                           "divert", "shadow", "kick",    "fault"};
    static const char *const kinds[] = {"message", "action", "private", "join",
                                        "leave",   "nick",   "connect", "command"};
    (void)state;
    assert_int_equal(COUNT_OF(verdicts), FILTER_VERDICTS);
    for (int v = 0; v < FILTER_VERDICTS; v++)
        assert_string_equal(filter_verdict_name((enum filter_verdict)v), verdicts[v]);
    assert_int_equal(COUNT_OF(kinds), FILTER_KINDS);
    for (int k = 0; k < FILTER_KINDS; k++)
        assert_string_equal(filter_kind_name((enum filter_kind)k), kinds[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_empty_chain_passes),
        CASE(low_priorities_are_first_and_equals_keep_their_order),
        CASE(a_name_or_a_command_is_there_once),
        CASE(there_is_room_for_64),
        CASE(a_chain_without_memory_stays_as_it_was),
        CASE(a_failed_addition_leaves_the_others),
        CASE(freeing_the_chain_frees_its_filters),
        CASE(the_next_tick_is_the_earliest_of_all),
        CASE(a_rewriting_is_what_the_next_filter_sees),
        CASE(a_pass_behind_a_rewriting_keeps_it),
        CASE(accept_ends_the_walk_in_favour),
        CASE(a_divert_carries_the_message_as_it_is_by_then),
        CASE(the_other_verdicts_end_the_walk),
        CASE(a_verdict_that_does_not_suit_the_kind_is_a_fault),
        CASE(a_divert_to_what_is_no_room_is_a_fault),
        CASE(who_leaves_is_only_told),
        CASE(only_handlers_of_the_kind_are_asked),
        CASE(what_does_not_match_is_skipped_and_counted),
        CASE(a_rewriting_is_matched_anew),
        CASE(calls_and_verdicts_are_counted),
        CASE(every_call_is_timed),
        CASE(a_walk_allocates_nothing),
        CASE(rewritings_are_cleaned_or_refused),
        CASE(a_refused_rewriting_leaves_the_one_before),
        CASE(a_rewriting_may_be_part_of_the_text),
        CASE(words_to_the_sender_are_cleaned_and_cut),
        CASE(refusals_do_not_flood_the_log),
        CASE(what_is_wrong_with_a_rewriting_is_told_with_its_line),
        CASE(every_verdict_and_kind_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
