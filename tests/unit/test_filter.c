/* The chain: order, counters, and what it does with texts that no client could have sent. */
#include "diag.h"
#include "filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* cmocka.h wants the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
/* clang-format on */

#define MAX_TEXT 16

/* A filter that always says the same, and notes what it was asked. */
struct parrot {
    struct filter base;
    enum filter_verdict verdict;
    struct str text;
    char heard[64];
    int *freed;
};

static void parrot_on_message(struct filter *f, const struct filter_message *m,
                              struct filter_result *result)
{
    struct parrot *p = (struct parrot *)f;
    assert_int_equal(result->verdict, FILTER_PASS);
    assert_int_equal(result->text.size, 0);
    snprintf(p->heard, sizeof p->heard, STR_FMT, STR_ARG(m->text));
    result->verdict = p->verdict;
    result->text = p->text;
}

/* Gives back what it heard, without its first byte. */
static void biter_on_message(struct filter *f, const struct filter_message *m,
                             struct filter_result *result)
{
    (void)f;
    result->verdict = FILTER_REPLACE;
    result->text = str_skip(m->text, 1);
}

static void parrot_free(struct filter *f)
{
    struct parrot *p = (struct parrot *)f;
    if (p->freed)
        ++*p->freed;
    free(p);
}

static const struct filter_ops parrot_ops = {parrot_on_message, parrot_free};
static const struct filter_ops biter_ops = {biter_on_message, parrot_free};

static struct parrot *add(struct filter_chain *chain, const char *name, enum filter_verdict verdict,
                          struct str text)
{
    struct parrot *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->base.ops = &parrot_ops;
    p->base.name = str_of(name);
    p->verdict = verdict;
    p->text = text;
    assert_int_equal(filter_chain_add(chain, &p->base), 0);
    return p;
}

static struct filter_result run(struct filter_chain *chain, const char *text)
{
    struct filter_message m = {
        .client = 7, .from = STR("ann"), .room = STR("#lobby"), .text = str_of(text)};
    struct filter_result result = {.verdict = FILTER_KICK, .text = STR("left over")};
    filter_chain_run(chain, &m, &result);
    return result;
}

static void assert_str(struct str s, const char *expected)
{
    char copy[256];
    snprintf(copy, sizeof copy, STR_FMT, STR_ARG(s));
    assert_string_equal(copy, expected);
}

static void assert_result(struct filter_result r, enum filter_verdict verdict, const char *text,
                          const char *by)
{
    assert_int_equal(r.verdict, verdict);
    assert_str(r.text, text);
    assert_str(r.by, by);
}

static int setup(void **state)
{
    *state = filter_chain_new(MAX_TEXT);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    filter_chain_free(*state);
    return 0;
}

static void an_empty_chain_passes(void **state)
{
    assert_int_equal(filter_chain_size(*state), 0);
    assert_result(run(*state, "hello"), FILTER_PASS, "hello", "");
}

static void the_order_is_that_of_adding(void **state)
{
    struct filter_chain *chain = *state;
    struct parrot *first = add(chain, "first", FILTER_REPLACE, STR("one"));
    struct parrot *second = add(chain, "second", FILTER_PASS, STR("ignored"));
    struct parrot *third = add(chain, "third", FILTER_REPLACE, STR("two"));
    assert_int_equal(filter_chain_size(chain), 3);
    assert_ptr_equal(filter_chain_at(chain, 1), &second->base);

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

static void the_other_verdicts_end_the_walk(void **state)
{
    static const enum filter_verdict last[] = {FILTER_DROP, FILTER_REPLY, FILTER_KICK};
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        struct filter_chain *chain = filter_chain_new(MAX_TEXT);
        add(chain, "first", FILTER_REPLACE, STR("one"));
        add(chain, "last", last[i], STR("because"));
        struct parrot *never = add(chain, "never", FILTER_PASS, STR(""));
        assert_result(run(chain, "zero"), last[i], "because", "last");
        assert_int_equal(never->base.calls, 0);
        filter_chain_free(chain);
    }
    assert_int_equal(filter_chain_size(*state), 0);
}

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
}

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
    diag_init("test_filter", DIAG_ERROR);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        p->text = cases[i].text;
        struct filter_result r = run(*state, "zero");
        assert_str(r.text, cases[i].becomes);
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
    diag_init("test_filter", DIAG_ERROR);
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
    diag_init("test_filter", DIAG_ERROR);
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
        {{"esc\x1b]0;x\x07", 9}, "esc]0;x"},
        {{"much longer than sixteen", 24}, "much longer than"},
        {{"fourteen......\xe2\x82\xac!", 18}, "fourteen......"},
        {{"\xff\xff\xff\xff\xff\xff", 6},
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    struct parrot *p = add(*state, "p", FILTER_REPLY, STR(""));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        p->text = cases[i].text;
        assert_result(run(*state, "zero"), FILTER_REPLY, cases[i].becomes, "p");
    }
}

/* The number of lines that `times` messages put on standard error. */
static int lines_logged(struct filter_chain *chain, int times)
{
    int saved = dup(STDERR_FILENO);
    int log = memfd_create("log", 0);
    assert_true(saved >= 0 && log >= 0);
    dup2(log, STDERR_FILENO);
    for (int i = 0; i < times; i++)
        run(chain, "zero");
    dup2(saved, STDERR_FILENO);
    close(saved);

    char text[4096];
    ssize_t n = pread(log, text, sizeof text, 0);
    close(log);
    int lines = 0;
    for (ssize_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    return lines;
}

static void refusals_do_not_flood_the_log(void **state)
{
    struct parrot *p = add(*state, "p", FILTER_REPLACE, STR(""));
    diag_init("test_filter", DIAG_WARN);
    assert_int_equal(lines_logged(*state, 1), 1);
    assert_int_equal(lines_logged(*state, 999), 0);
    assert_int_equal(lines_logged(*state, 1), 1);
    assert_int_equal(p->base.refused, 1001);
}

static void freeing_the_chain_frees_its_filters(void **state)
{
    (void)state;
    int freed = 0;
    struct filter_chain *chain = filter_chain_new(MAX_TEXT);
    for (int i = 0; i < 20; i++)
        add(chain, "p", FILTER_PASS, STR(""))->freed = &freed;
    assert_int_equal(filter_chain_size(chain), 20);
    filter_chain_free(chain);
    assert_int_equal(freed, 20);
    filter_chain_free(NULL);
}

static void every_verdict_and_kind_has_a_name(void **state)
{
    static const char *const names[] = {"pass", "drop", "replace", "reply", "kick"};
    (void)state;
    for (int v = FILTER_PASS; v <= FILTER_KICK; v++)
        assert_string_equal(filter_verdict_name((enum filter_verdict)v), names[v]);
    assert_string_equal(filter_kind_name(FILTER_MESSAGE), "message");
    assert_string_equal(filter_kind_name(FILTER_ACTION), "action");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_chain_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(the_order_is_that_of_adding, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pass_behind_a_rewriting_keeps_it, setup, teardown),
        cmocka_unit_test_setup_teardown(the_other_verdicts_end_the_walk, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_and_verdicts_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(rewritings_are_cleaned_or_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_rewriting_leaves_the_one_before, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rewriting_may_be_part_of_the_text, setup, teardown),
        cmocka_unit_test_setup_teardown(words_to_the_sender_are_cleaned_and_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals_do_not_flood_the_log, setup, teardown),
        cmocka_unit_test(freeing_the_chain_frees_its_filters),
        cmocka_unit_test(every_verdict_and_kind_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
