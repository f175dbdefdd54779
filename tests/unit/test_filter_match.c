/* The compiled match against each of its rules, and against the rules asked one by one. */
#include "filter_match.h"
#include "matcher.h"
#include "text.h"
#include "unit.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>

#define ALL_KINDS ((1u << FILTER_KINDS) - 1)
#define ALL       UINT64_MAX

/* Globs are slow: the set must remember what they said. The linker chooses these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __real_fnmatch(const char *pattern, const char *name, int flags);
int __wrap_fnmatch(const char *pattern, const char *name, int flags);

static size_t globs_asked;

int __wrap_fnmatch(const char *pattern, const char *name, int flags)
{
    globs_asked++;
    return __real_fnmatch(pattern, name, flags);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* Filters that differ in their matches only. */
struct fixture {
    struct filter filters[FILTER_MATCH_MAX + 1];
    struct filter *pointers[FILTER_MATCH_MAX + 1];
    size_t count;
    struct filter_match_set *set;
};

static void add(struct fixture *x, struct filter_match match)
{
    x->filters[x->count] = (struct filter){.kinds = ALL_KINDS, .match = match};
    x->pointers[x->count] = &x->filters[x->count];
    x->count++;
}

static void compile(struct fixture *x)
{
    assert_int_equal(filter_match_set_new(&x->set, x->pointers, x->count), 0);
}

static void fini(struct fixture *x)
{
    filter_match_set_free(x->set);
}

static struct filter_event event(enum filter_kind kind, const char *room, const char *text)
{
    return (struct filter_event){.kind = kind, .room = str_of(room), .text = str_of(text)};
}

static uint64_t run(struct fixture *x, enum filter_kind kind, const char *room, const char *text)
{
    struct filter_event e = event(kind, room, text);
    return filter_match_run(x->set, &e);
}

static uint64_t run_text(struct fixture *x, const char *text)
{
    return run(x, FILTER_MESSAGE, "#lobby", text);
}

/* ---- the rules ------------------------------------------------------------------------------ */

static void no_filters_concern_nothing(void **state)
{
    struct fixture x = {0};
    (void)state;
    compile(&x);
    assert_int_equal(run_text(&x, "hello"), 0);
    fini(&x);
}

static void a_zeroed_match_lets_everything_through(void **state)
{
    struct fixture x = {0};
    (void)state;
    for (int i = 0; i < FILTER_MATCH_MAX; i++)
        add(&x, (struct filter_match){0});
    compile(&x);
    for (unsigned k = 0; k < FILTER_KINDS; k++) {
        assert_int_equal(run(&x, (enum filter_kind)k, "", ""), ALL);
        assert_int_equal(run(&x, (enum filter_kind)k, "#lobby", "hello"), ALL);
    }
    fini(&x);
}

static void kinds_must_be_handled_and_matched(void **state)
{
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){0});
    add(&x, (struct filter_match){.kinds = 1u << FILTER_JOIN | 1u << FILTER_NICK});
    add(&x, (struct filter_match){.kinds = 1u << FILTER_JOIN | 1u << FILTER_NICK});
    add(&x, (struct filter_match){0});
    x.filters[2].kinds = 1u << FILTER_JOIN | 1u << FILTER_MESSAGE;
    x.filters[3].kinds = 0;
    compile(&x);
    assert_int_equal(run(&x, FILTER_JOIN, "#lobby", ""), 0x7);
    assert_int_equal(run(&x, FILTER_NICK, "", ""), 0x3);
    assert_int_equal(run(&x, FILTER_MESSAGE, "#lobby", "hi"), 0x1);
    fini(&x);
}

static void rooms_are_globs_whatever_the_case(void **state)
{
    const struct str rooms[] = {STR("#Dev*"), STR("#ops"), STR("#[a-c]?"), STR("*")};
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.rooms = rooms, .room_count = 2});
    add(&x, (struct filter_match){.rooms = rooms + 2, .room_count = 1});
    add(&x, (struct filter_match){.rooms = rooms + 3, .room_count = 1});
    add(&x, (struct filter_match){0});
    compile(&x);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(run(&x, FILTER_MESSAGE, "#dev", "hi"), 0xd);
        assert_int_equal(run(&x, FILTER_MESSAGE, "#dEVelopers", "hi"), 0xd);
        assert_int_equal(run(&x, FILTER_ACTION, "#ops", "hi"), 0xd);
        assert_int_equal(run(&x, FILTER_JOIN, "#opsy", ""), 0xc);
        assert_int_equal(run(&x, FILTER_LEAVE, "#b1", ""), 0xe);
        assert_int_equal(run(&x, FILTER_MESSAGE, "#lobby", "hi"), 0xc);
    }
    fini(&x);
}

static void events_without_a_room_pass_every_glob(void **state)
{
    const struct str rooms[] = {STR("#dev")};
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.rooms = rooms, .room_count = 1});
    compile(&x);
    assert_int_equal(run(&x, FILTER_PRIVATE, "", "hi"), 0x1);
    assert_int_equal(run(&x, FILTER_CONNECT, "", ""), 0x1);
    assert_int_equal(run(&x, FILTER_CONNECT, "#lobby", ""), 0);
    fini(&x);
}

static void a_glob_is_asked_once_for_a_room(void **state)
{
    const struct str rooms[] = {STR("#a*"), STR("#b*")};
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.rooms = rooms, .room_count = 2});
    compile(&x);
    globs_asked = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(run(&x, FILTER_MESSAGE, "#best", "hi"), 0x1);
        assert_int_equal(run(&x, FILTER_MESSAGE, "#worst", "hi"), 0);
    }
    assert_int_equal(globs_asked, 4);
    fini(&x);
}

/* More rooms than are remembered, among them names of all lengths. */
static void rooms_that_push_each_other_out_are_told_apart(void **state)
{
    enum { ROOMS = 10 * FILTER_MATCH_ROOMS };
    const struct str rooms[] = {STR("*7*")};
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.rooms = rooms, .room_count = 1});
    compile(&x);
    size_t memory = filter_match_memory(x.set);
    for (int i = 0; i < 3 * ROOMS; i++) {
        char room[TEXT_ROOM_MAX + 1];
        snprintf(room, sizeof room, "#%0*d", 4 + i % 28, i % ROOMS);
        assert_int_equal(run(&x, FILTER_MESSAGE, room, "hi"), strchr(room, '7') != NULL);
    }
    assert_int_equal(filter_match_memory(x.set), memory);
    fini(&x);
}

static void a_name_longer_than_any_room_has_no_glob(void **state)
{
    const struct str rooms[] = {STR("*")};
    char room[TEXT_ROOM_MAX + 2] = "#";
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.rooms = rooms, .room_count = 1});
    compile(&x);
    memset(room + 1, 'x', TEXT_ROOM_MAX);
    assert_int_equal(run(&x, FILTER_MESSAGE, room, "hi"), 0);
    room[TEXT_ROOM_MAX] = '\0';
    assert_int_equal(run(&x, FILTER_MESSAGE, room, "hi"), 0x1);
    fini(&x);
}

static void the_prefix_is_exact(void **state)
{
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.prefix = STR("!Roll")});
    add(&x, (struct filter_match){.prefix = STR("!")});
    compile(&x);
    assert_int_equal(run_text(&x, "!Roll 2d6"), 0x3);
    assert_int_equal(run_text(&x, "!roll 2d6"), 0x2);
    assert_int_equal(run_text(&x, "!Rol"), 0x2);
    assert_int_equal(run_text(&x, " !Roll"), 0);
    assert_int_equal(run_text(&x, ""), 0);
    fini(&x);
}

static void lengths_are_bytes_and_both_ends_belong(void **state)
{
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.min_length = 3});
    add(&x, (struct filter_match){.max_length = 4});
    add(&x, (struct filter_match){.min_length = 3, .max_length = 3});
    compile(&x);
    assert_int_equal(run_text(&x, ""), 0x2);
    assert_int_equal(run_text(&x, "ab"), 0x2);
    assert_int_equal(run_text(&x, "abc"), 0x7);
    assert_int_equal(run_text(&x, "\xc3\xa4\xc3\xb6"), 0x3);
    assert_int_equal(run_text(&x, "abcde"), 0x1);
    fini(&x);
}

static void one_word_of_several_is_enough(void **state)
{
    const struct str words[] = {STR("casino"), STR("Poker"), STR("poker")};
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.contains = words, .contain_count = 2});
    add(&x, (struct filter_match){.contains = words + 2, .contain_count = 1});
    add(&x, (struct filter_match){0});
    compile(&x);
    assert_int_equal(run_text(&x, "a CASINO"), 0x5);
    assert_int_equal(run_text(&x, "pOKer"), 0x7);
    assert_int_equal(run_text(&x, "chess"), 0x4);
    fini(&x);
}

static void all_rules_must_hold(void **state)
{
    const struct str words[] = {STR("dice")};
    const struct str rooms[] = {STR("#game*")};
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.rooms = rooms,
                                  .room_count = 1,
                                  .prefix = STR("!"),
                                  .contains = words,
                                  .contain_count = 1,
                                  .max_length = 8,
                                  .kinds = 1u << FILTER_MESSAGE});
    compile(&x);
    assert_int_equal(run(&x, FILTER_MESSAGE, "#games", "! dice"), 0x1);
    assert_int_equal(run(&x, FILTER_ACTION, "#games", "! dice"), 0);
    assert_int_equal(run(&x, FILTER_MESSAGE, "#lobby", "! dice"), 0);
    assert_int_equal(run(&x, FILTER_MESSAGE, "#games", "dice"), 0);
    assert_int_equal(run(&x, FILTER_MESSAGE, "#games", "! mice"), 0);
    assert_int_equal(run(&x, FILTER_MESSAGE, "#games", "! dice  !"), 0);
    fini(&x);
}

/* A rule of the filter's own: the text has so many bytes, of which it counts those it looked at. */
struct own_rule {
    size_t size;
    size_t asked;
};

static bool has_size(void *arg, struct str text)
{
    struct own_rule *rule = arg;
    rule->asked++;
    return text.size == rule->size;
}

static void a_rule_of_its_own_is_asked_last(void **state)
{
    const struct str words[] = {STR("dice")};
    struct own_rule rules[3] = {{4, 0}, {5, 0}, {4, 0}};
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.fits = has_size, .rule = &rules[0]});
    add(&x, (struct filter_match){.fits = has_size, .rule = &rules[1], .min_length = 5});
    add(&x, (struct filter_match){
                .fits = has_size, .rule = &rules[2], .contains = words, .contain_count = 1});
    compile(&x);
    assert_int_equal(run_text(&x, "mice"), 0x1);
    assert_int_equal(run_text(&x, "dice"), 0x5);
    assert_int_equal(run_text(&x, "dices"), 0x2);
    assert_int_equal(rules[0].asked, 3);
    assert_int_equal(rules[1].asked, 1);
    assert_int_equal(rules[2].asked, 2);
    fini(&x);
}

static void rules_on_texts_concern_kinds_that_have_one(void **state)
{
    const struct str words[] = {STR("x")};
    struct own_rule rule = {1, 0};
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.contains = words, .contain_count = 1});
    add(&x, (struct filter_match){.prefix = STR("x")});
    add(&x, (struct filter_match){.fits = has_size, .rule = &rule});
    compile(&x);
    for (unsigned k = 0; k < FILTER_KINDS; k++) {
        bool text = k == FILTER_MESSAGE || k == FILTER_ACTION || k == FILTER_PRIVATE;
        assert_int_equal(run(&x, (enum filter_kind)k, "", ""), text ? 0 : 0x7);
        assert_int_equal(run(&x, (enum filter_kind)k, "", "x"), 0x7);
    }
    fini(&x);
}

/* ---- samples -------------------------------------------------------------------------------- */

static void a_hundredth_is_every_hundredth(void **state)
{
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.sample = 0.01});
    compile(&x);
    for (int i = 1; i <= 100000; i++)
        assert_int_equal(run_text(&x, "hello"), i % 100 == 0);
    fini(&x);
}

static void any_share_is_kept_to(void **state)
{
    const double shares[] = {1, 0.5, 0.1, 0.3, 0.999, 1.0 / 3, 0.0001, 1e-12};
    const size_t due[] = {100000, 50000, 10000, 30000, 99900, 33333, 10, 0};
    struct fixture x = {0};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shares); i++)
        add(&x, (struct filter_match){.sample = shares[i]});
    compile(&x);
    size_t taken[COUNT_OF(shares)] = {0};
    for (int n = 0; n < 100000; n++) {
        uint64_t filters = run_text(&x, "hello");
        for (size_t i = 0; i < COUNT_OF(shares); i++)
            taken[i] += filters >> i & 1;
    }
    for (size_t i = 0; i < COUNT_OF(shares); i++)
        assert_int_equal(taken[i], due[i]);
    fini(&x);
}

static void only_what_matches_counts(void **state)
{
    const struct str words[] = {STR("yes")};
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.sample = 0.5, .contains = words, .contain_count = 1});
    x.filters[0].kinds = 1u << FILTER_MESSAGE;
    compile(&x);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(run_text(&x, "no"), 0);
        assert_int_equal(run_text(&x, "yes"), 0);
        assert_int_equal(run(&x, FILTER_JOIN, "#lobby", ""), 0);
        assert_int_equal(run_text(&x, "no"), 0);
        assert_int_equal(run_text(&x, "yes"), 1);
    }
    fini(&x);
}

/* ---- rewritten texts ------------------------------------------------------------------------ */

static void a_rewritten_text_is_asked_about_again(void **state)
{
    const struct str words[] = {STR("old"), STR("new")};
    struct fixture x = {0};
    (void)state;
    for (int i = 0; i < 4; i++)
        add(&x, (struct filter_match){.contains = &words[i % 2], .contain_count = 1});
    compile(&x);
    assert_int_equal(run_text(&x, "old"), 0x5);
    struct filter_event e = event(FILTER_MESSAGE, "#lobby", "new");
    assert_int_equal(filter_match_again(x.set, &e, ALL), 0xa);
    assert_int_equal(filter_match_again(x.set, &e, 0xc), 0x8);
    assert_int_equal(filter_match_again(x.set, &e, 0), 0);
    fini(&x);
}

/* Ten events, each rewritten twice: every second of them is taken, and stays so. */
static void an_event_counts_once_for_the_sample(void **state)
{
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.sample = 0.5});
    compile(&x);
    struct filter_event e = event(FILTER_MESSAGE, "#lobby", "new");
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(run_text(&x, "old"), i % 2);
        assert_int_equal(filter_match_again(x.set, &e, ALL), i % 2);
        assert_int_equal(filter_match_again(x.set, &e, ALL), i % 2);
    }
    fini(&x);
}

/* It did not match before, so that its sample was not decided. */
static void who_matches_the_new_text_only_is_sampled_then(void **state)
{
    const struct str words[] = {STR("new")};
    struct fixture x = {0};
    (void)state;
    add(&x, (struct filter_match){.sample = 0.5, .contains = words, .contain_count = 1});
    compile(&x);
    struct filter_event e = event(FILTER_MESSAGE, "#lobby", "new");
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(run_text(&x, "old"), 0);
        assert_int_equal(filter_match_again(x.set, &e, ALL), i % 2);
    }
    fini(&x);
}

/* ---- against the rules one by one ----------------------------------------------------------- */

static const struct str some_words[] = {{"a", 1}, {"ab", 2}, {"BA", 2}, {"abc", 3}, {"bcab", 4}};
static const struct str some_rooms[] = {{"#a*", 3}, {"#?b", 3}, {"#B", 2}, {"*c", 2}};

static struct filter_match random_match(struct unit_random *r)
{
    struct filter_match match = {0};
    if (unit_below(r, 2)) {
        size_t first = unit_below(r, COUNT_OF(some_words));
        match.contains = some_words + first;
        match.contain_count = 1 + unit_below(r, COUNT_OF(some_words) - first);
    }
    if (unit_below(r, 2)) {
        size_t first = unit_below(r, COUNT_OF(some_rooms));
        match.rooms = some_rooms + first;
        match.room_count = 1 + unit_below(r, COUNT_OF(some_rooms) - first);
    }
    if (unit_below(r, 3) == 0)
        match.prefix = some_words[unit_below(r, COUNT_OF(some_words))];
    if (unit_below(r, 3) == 0)
        match.min_length = unit_below(r, 5);
    if (unit_below(r, 3) == 0)
        match.max_length = 5 + unit_below(r, 5);
    if (unit_below(r, 2))
        match.kinds = (uint32_t)unit_below(r, 1u << FILTER_KINDS);
    return match;
}

static bool plain_room(const struct filter_match *match, const char *room)
{
    bool any = match->room_count == 0 || room[0] == '\0';
    for (size_t i = 0; i < match->room_count; i++)
        any |= __real_fnmatch(match->rooms[i].data, room, FNM_CASEFOLD) == 0;
    return any;
}

static bool plain_words(const struct filter_match *match, const char *text)
{
    bool any = match->contain_count == 0;
    for (size_t i = 0; i < match->contain_count; i++)
        any |= strcasestr(text, match->contains[i].data) != NULL;
    return any;
}

static bool plain_match(const struct filter *f, enum filter_kind kind, const char *room,
                        const char *text)
{
    const struct filter_match *match = &f->match;
    size_t size = strlen(text);
    if (!((f->kinds & (match->kinds ? match->kinds : ALL_KINDS)) >> kind & 1))
        return false;
    if (!plain_room(match, room))
        return false;
    if (kind != FILTER_MESSAGE && kind != FILTER_ACTION && kind != FILTER_PRIVATE)
        return true;
    return size >= match->min_length && (!match->max_length || size <= match->max_length) &&
           strncmp(text, match->prefix.data ? match->prefix.data : "", match->prefix.size) == 0 &&
           plain_words(match, text);
}

static void random_text(struct unit_random *r, const char *start, char *out, size_t most)
{
    out = stpcpy(out, start);
    for (size_t n = unit_below(r, most); n > 0; n--)
        *out++ = "abcABC"[unit_below(r, 6)];
    *out = '\0';
}

static void the_set_agrees_with_the_rules(void **state)
{
    enum { SETS = 200, EVENTS = 300 };
    struct unit_random r = {11};
    (void)state;
    for (int s = 0; s < SETS; s++) {
        struct fixture x = {0};
        size_t count = unit_below(&r, FILTER_MATCH_MAX + 1);
        for (size_t i = 0; i < count; i++)
            add(&x, random_match(&r));
        compile(&x);
        for (int n = 0; n < EVENTS; n++) {
            char text[16];
            char room[16];
            enum filter_kind kind = (enum filter_kind)unit_below(&r, FILTER_KINDS);
            random_text(&r, "", text, 12);
            random_text(&r, "#", room, 4);
            if (unit_below(&r, 8) == 0)
                room[0] = '\0';
            uint64_t due = 0;
            for (size_t i = 0; i < count; i++)
                due |= (uint64_t)plain_match(&x.filters[i], kind, room, text) << i;
            assert_int_equal(run(&x, kind, room, text), due);
        }
        fini(&x);
    }
}

/* ---- limits, faults, memory ----------------------------------------------------------------- */

static void there_are_at_most_64_filters(void **state)
{
    struct fixture x = {0};
    (void)state;
    for (int i = 0; i < FILTER_MATCH_MAX + 1; i++)
        add(&x, (struct filter_match){0});
    assert_int_equal(filter_match_set_new(&x.set, x.pointers, x.count), -E2BIG);
    assert_null(x.set);
}

static void too_many_words_are_refused(void **state)
{
    char *word = malloc(MATCHER_BYTES_MAX);
    struct fixture x = {0};
    (void)state;
    assert_non_null(word);
    memset(word, 'x', MATCHER_BYTES_MAX);
    const struct str words[] = {str_from(word, MATCHER_BYTES_MAX)};
    add(&x, (struct filter_match){.contains = words, .contain_count = 1});
    assert_int_equal(filter_match_set_new(&x.set, x.pointers, x.count), -E2BIG);
    assert_null(x.set);
    free(word);
}

static void assert_fault(struct filter_match match, const char *key)
{
    struct fixture x = {0};
    const char *fault = filter_match_fault(&match);
    assert_non_null(fault);
    assert_non_null(strstr(fault, key));
    add(&x, (struct filter_match){0});
    add(&x, match);
    assert_int_equal(filter_match_set_new(&x.set, x.pointers, x.count), -EINVAL);
    assert_null(x.set);
}

static void faults_are_named_and_refused(void **state)
{
    const struct str words[] = {STR("good"), STR("")};
    const struct str nul[] = {STR("#a\0b")};
    (void)state;
    assert_fault((struct filter_match){.contains = words, .contain_count = 2}, "`contains`");
    assert_fault((struct filter_match){.rooms = words, .room_count = 2}, "`rooms`");
    assert_fault((struct filter_match){.rooms = nul, .room_count = 1}, "NUL");
    assert_fault((struct filter_match){.min_length = 5, .max_length = 4}, "`max_length`");
    assert_fault((struct filter_match){.sample = -0.1}, "`sample`");
    assert_fault((struct filter_match){.sample = 1.1}, "`sample`");
    assert_fault((struct filter_match){.sample = NAN}, "`sample`");
}

static void add_some_of_all_rules(struct fixture *x)
{
    add(x, (struct filter_match){.contains = some_words, .contain_count = 3, .sample = 0.5});
    add(x, (struct filter_match){.rooms = some_rooms, .room_count = 2, .prefix = STR("a")});
}

static void asking_does_not_allocate(void **state)
{
    struct fixture x = {0};
    (void)state;
    add_some_of_all_rules(&x);
    compile(&x);
    size_t before = unit_alloc_count();
    assert_int_equal(run(&x, FILTER_MESSAGE, "#a1", "abc"), 0x2);
    assert_int_equal(run(&x, FILTER_MESSAGE, "#a2", "abc"), 0x3);
    assert_int_equal(unit_alloc_count(), before);
    fini(&x);
}

static void without_memory_there_is_no_set(void **state)
{
    int failures = 0;
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct fixture x = {0};
        add_some_of_all_rules(&x);
        int rc = filter_match_set_new(&x.set, x.pointers, x.count);
        assert_int_equal(rc, unit_alloc_failed() ? -ENOMEM : 0);
        failures += rc < 0;
        assert_int_equal(x.set == NULL, rc < 0);
        fini(&x);
    }
    assert_int_equal(failures, 9); /* set, words, 3 of the matcher, globs, rooms, 2 patterns */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_filters_concern_nothing),
        cmocka_unit_test(a_zeroed_match_lets_everything_through),
        cmocka_unit_test(kinds_must_be_handled_and_matched),
        cmocka_unit_test(rooms_are_globs_whatever_the_case),
        cmocka_unit_test(events_without_a_room_pass_every_glob),
        cmocka_unit_test(a_glob_is_asked_once_for_a_room),
        cmocka_unit_test(rooms_that_push_each_other_out_are_told_apart),
        cmocka_unit_test(a_name_longer_than_any_room_has_no_glob),
        cmocka_unit_test(the_prefix_is_exact),
        cmocka_unit_test(lengths_are_bytes_and_both_ends_belong),
        cmocka_unit_test(one_word_of_several_is_enough),
        cmocka_unit_test(all_rules_must_hold),
        cmocka_unit_test(a_rule_of_its_own_is_asked_last),
        cmocka_unit_test(rules_on_texts_concern_kinds_that_have_one),
        cmocka_unit_test(a_hundredth_is_every_hundredth),
        cmocka_unit_test(any_share_is_kept_to),
        cmocka_unit_test(only_what_matches_counts),
        cmocka_unit_test(a_rewritten_text_is_asked_about_again),
        cmocka_unit_test(an_event_counts_once_for_the_sample),
        cmocka_unit_test(who_matches_the_new_text_only_is_sampled_then),
        cmocka_unit_test(the_set_agrees_with_the_rules),
        cmocka_unit_test(there_are_at_most_64_filters),
        cmocka_unit_test(too_many_words_are_refused),
        cmocka_unit_test(faults_are_named_and_refused),
        cmocka_unit_test(asking_does_not_allocate),
        cmocka_unit_test(without_memory_there_is_no_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
