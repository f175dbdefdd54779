/* The matcher against a plain search for each word, with texts and words that nearly match. */
#include "matcher.h"
#include "text.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#define ALL UINT64_MAX

/* Scans a copy that ends where its memory ends, so that a sanitizer sees a look beyond. */
static uint64_t scan(const struct matcher *m, struct str text, uint64_t wanted)
{
    if (text.size == 0)
        return matcher_scan(m, str_from(NULL, 0), wanted);
    char *copy = malloc(text.size);
    assert_non_null(copy);
    memcpy(copy, text.data, text.size);
    uint64_t found = matcher_scan(m, str_from(copy, text.size), wanted);
    free(copy);
    return found;
}

/* The words separated by blanks; the owner of each is the bit of its number. */
static struct matcher *compile(const char *list)
{
    struct matcher_word words[64];
    struct str rest = str_of(list);
    size_t count = 0;
    for (struct str word; (word = str_word(&rest)).size > 0; count++)
        words[count] = (struct matcher_word){word, UINT64_C(1) << count};
    struct matcher *m = NULL;
    assert_int_equal(matcher_new(&m, words, count), 0);
    return m;
}

static void assert_scan(const char *list, const char *text, uint64_t found)
{
    struct matcher *m = compile(list);
    assert_int_equal(scan(m, str_of(text), ALL), found);
    matcher_free(m);
}

/* ---- examples ------------------------------------------------------------------------------- */

static void no_words_are_never_found(void **state)
{
    (void)state;
    assert_scan("", "anything at all, really", 0);
    assert_scan("", "", 0);
}

static void a_word_is_found_wherever_it_stands(void **state)
{
    const char *const words[] = {"x", "xy", "xyz", "wxyz", "vwxyz", "uvwxyz", "rstuvwxyz"};
    char text[64];
    (void)state;
    for (size_t w = 0; w < COUNT_OF(words); w++) {
        struct matcher *m = compile(words[w]);
        size_t size = strlen(words[w]);
        for (size_t before = 0; before < 30; before++) {
            for (size_t after = 0; after < 20; after++) {
                memset(text, '.', sizeof text);
                memcpy(text + before, words[w], size);
                assert_int_equal(scan(m, str_from(text, before + size + after), ALL), 1);
                assert_int_equal(scan(m, str_from(text, before + size - 1), ALL), 0);
                assert_int_equal(scan(m, str_from(text + before + 1, size - 1 + after), ALL), 0);
            }
        }
        matcher_free(m);
    }
}

/* The sieve sees neighbours of short words together with them. */
static void any_byte_may_stand_beside_a_word(void **state)
{
    const char *const words[] = {"k", "kl", "klm", "klmn", "klmno"};
    char text[16];
    (void)state;
    for (size_t w = 0; w < COUNT_OF(words); w++) {
        struct matcher *m = compile(words[w]);
        for (int c = 0; c < 256; c++) {
            for (size_t before = 0; before < 8; before++) {
                memset(text, c, sizeof text);
                memcpy(text + before, words[w], strlen(words[w]));
                assert_int_equal(scan(m, str_from(text, sizeof text), ALL), 1);
            }
        }
        matcher_free(m);
    }
}

static void words_within_words_are_found(void **state)
{
    (void)state;
    assert_scan("he she his hers", "ushers", 0xb);
    assert_scan("abcdefgh cdef def ef f", "xxabcdefxx", 0x1e);
    assert_scan("abcdefgh bcdefx", "abcdefx", 0x2);
    assert_scan("aaaaab aab", "aaaaaaaaaaab", 0x3);
}

static void only_the_case_of_ascii_is_ignored(void **state)
{
    (void)state;
    assert_scan("VIAGRA casino", "buy ViAgRa at the CASINO", 0x3);
    assert_scan("a B", "A", 0x1);
    assert_scan("a B", "b", 0x2);
    assert_scan("[at] @", "{AT} `", 0);
    assert_scan("gr\xc3\xbc\xc3\x9f", "GR\xc3\xbc\xc3\x9f", 0x1);
    assert_scan("gr\xc3\xbc\xc3\x9f", "GR\xc3\x9c\xc3\x9f", 0);
}

/* Equal in the low five bits, which is all the sieve looks at. */
static void bytes_that_look_alike_to_the_sieve_are_told_apart(void **state)
{
    (void)state;
    assert_scan("aqAqaq", "a1a1a1", 0);
    assert_scan("111111", "qqqqqqqqqqqq", 0);
    assert_scan("111111", "q111111qqqqq", 0x1);
    assert_scan("!", "a", 0);
}

static void any_byte_may_be_in_words_and_texts(void **state)
{
    const struct matcher_word words[] = {{STR("\0\0"), 1}, {STR("\xff\0\xfe"), 2}, {STR("\0"), 4}};
    struct matcher *m = NULL;
    (void)state;
    assert_int_equal(matcher_new(&m, words, COUNT_OF(words)), 0);
    assert_int_equal(scan(m, STR("a\0b"), ALL), 4);
    assert_int_equal(scan(m, STR("a\0\0"), ALL), 5);
    assert_int_equal(scan(m, STR("\xff\0\xfe"), ALL), 6);
    assert_int_equal(scan(m, STR("\xff \xfe"), ALL), 0);
    matcher_free(m);
}

static void a_word_may_have_several_owners(void **state)
{
    const struct matcher_word words[] = {
        {STR("spam"), 0x5}, {STR("SPAM"), UINT64_C(1) << 63}, {STR("pam"), 0x10}, {STR("!"), 0x24}};
    struct matcher *m = NULL;
    (void)state;
    assert_int_equal(matcher_new(&m, words, COUNT_OF(words)), 0);
    assert_int_equal(scan(m, STR("Spam"), ALL), UINT64_C(1) << 63 | 0x15);
    assert_int_equal(scan(m, STR("pam!"), ALL), 0x34);
    matcher_free(m);
}

static void only_wanted_owners_are_told(void **state)
{
    struct matcher *m = compile("one two three x");
    (void)state;
    assert_int_equal(scan(m, STR("one two three x"), 0), 0);
    assert_int_equal(scan(m, STR("one two three x"), 0x2), 0x2);
    assert_int_equal(scan(m, STR("one two three x"), 0xc), 0xc);
    assert_int_equal(scan(m, STR("one two"), 0x6), 0x2);
    matcher_free(m);
}

/* ---- against a plain search ----------------------------------------------------------------- */

static bool holds(struct str text, struct str word)
{
    for (size_t i = 0; i + word.size <= text.size; i++) {
        if (text_equal_fold(str_from(text.data + i, word.size), word))
            return true;
    }
    return false;
}

static uint64_t plain_scan(const struct matcher_word *words, size_t count, struct str text)
{
    uint64_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (holds(text, words[i].text))
            found |= words[i].owners;
    }
    return found;
}

/* Few letters make for many partial matches; some of them fall together for the sieve. */
static void fill(struct unit_random *r, const char *alphabet, char *out, size_t size)
{
    size_t letters = strlen(alphabet);
    for (size_t i = 0; i < size; i++)
        out[i] = alphabet[unit_below(r, letters)];
}

static void one_round(struct unit_random *r, const char *alphabet, size_t shortest, size_t longest)
{
    enum { WORDS = 40, TEXTS = 30 };
    struct matcher_word words[WORDS];
    char bytes[WORDS][32];
    char text[300];
    size_t count = 1 + unit_below(r, WORDS);
    for (size_t i = 0; i < count; i++) {
        size_t size = shortest + unit_below(r, longest - shortest + 1);
        fill(r, alphabet, bytes[i], size);
        words[i] = (struct matcher_word){str_from(bytes[i], size), UINT64_C(1) << (i % 64)};
    }
    struct matcher *m = NULL;
    assert_int_equal(matcher_new(&m, words, count), 0);
    for (int t = 0; t < TEXTS; t++) {
        struct str s = {text, unit_below(r, 4) ? unit_below(r, 24) : unit_below(r, sizeof text)};
        fill(r, alphabet, text, s.size);
        uint64_t wanted = unit_below(r, 2) ? ALL : unit_random(r);
        assert_int_equal(scan(m, s, wanted), plain_scan(words, count, s) & wanted);
    }
    matcher_free(m);
}

static void the_matcher_agrees_with_a_plain_search(void **state)
{
    const char *const alphabets[] = {"ab",
                                     "abAB",
                                     "aq1",
                                     "abcdefgh",
                                     "a\xc3\xa4\xd1\x91 ",
                                     "etaoinshrdlucmfwypvbgkjqxz ETAOIN.,@/:0123456789"};
    struct unit_random r = {3};
    (void)state;
    for (int round = 0; round < 300; round++) {
        for (size_t a = 0; a < COUNT_OF(alphabets); a++) {
            size_t shortest = 1 + unit_below(&r, 6);
            one_round(&r, alphabets[a], shortest, shortest + unit_below(&r, 20));
        }
    }
}

/* Texts put together of the words' own parts: the automaton is entered and left all the time. */
static void texts_of_parts_of_the_words_agree_too(void **state)
{
    enum { WORDS = 50, ROUNDS = 3000 };
    struct unit_random r = {5};
    struct matcher_word words[WORDS];
    char bytes[WORDS][16];
    (void)state;
    for (size_t i = 0; i < WORDS; i++) {
        size_t size = 4 + unit_below(&r, 12);
        fill(&r, "abcdefghijklmnop", bytes[i], size);
        words[i] = (struct matcher_word){str_from(bytes[i], size), UINT64_C(1) << i};
    }
    struct matcher *m = NULL;
    assert_int_equal(matcher_new(&m, words, WORDS), 0);
    for (int round = 0; round < ROUNDS; round++) {
        char text[400];
        struct str s = {text, 0};
        while (s.size < 300) {
            struct str word = words[unit_below(&r, WORDS)].text;
            size_t from = unit_below(&r, word.size);
            size_t size = unit_below(&r, word.size - from + 1);
            memcpy(text + s.size, word.data + from, size);
            s.size += size;
            if (unit_below(&r, 3) == 0)
                text[s.size++] = '.';
        }
        assert_int_equal(scan(m, s, ALL), plain_scan(words, WORDS, s));
    }
    matcher_free(m);
}

/* ---- limits and memory ---------------------------------------------------------------------- */

static void an_empty_word_is_refused(void **state)
{
    const struct matcher_word words[] = {{STR("good"), 1}, {STR(""), 1}};
    struct matcher *m = NULL;
    (void)state;
    assert_int_equal(matcher_new(&m, words, 2), -EINVAL);
    assert_null(m);
}

/* Words that share no beginning, of two different bytes: 20 bytes a state. */
static void the_table_has_a_limit(void **state)
{
    enum { MOST = MATCHER_BYTES_MAX / 20 };
    char *text = calloc(1, MOST);
    struct matcher_word words[] = {{str_from(text, MOST - 1), 1}, {STR("ba"), 2}};
    struct matcher *m = NULL;
    (void)state;
    assert_non_null(text);
    memset(text, 'a', MOST);
    assert_int_equal(matcher_new(&m, words, 2), -E2BIG);
    assert_null(m);
    words[0].text.size = MOST - 3; /* and the start, and two for "ba" */
    assert_int_equal(matcher_new(&m, words, 2), 0);
    assert_true(matcher_memory(m) >= (size_t)MOST * 20);
    assert_int_equal(matcher_scan(m, str_from(text, MOST - 3), ALL), 1);
    assert_int_equal(matcher_scan(m, str_from(text, MOST - 4), ALL), 0);
    matcher_free(m);
    words[0].text.size = MOST - 2;
    assert_int_equal(matcher_new(&m, words, 2), -E2BIG);
    free(text);
}

/* A longer list of words fits where they share what they begin with. */
static void the_limit_counts_states_not_bytes_of_words(void **state)
{
    enum { WORDS = 200000 };
    struct matcher_word *words = calloc(WORDS, sizeof *words);
    struct matcher *m = NULL;
    (void)state;
    assert_non_null(words);
    for (size_t i = 0; i < WORDS; i++)
        words[i] = (struct matcher_word){STR("the same long word"), UINT64_C(1) << (i % 64)};
    assert_int_equal(matcher_new(&m, words, WORDS), 0);
    assert_int_equal(matcher_scan(m, STR("is it the same long word again?"), ALL), ALL);
    assert_true(matcher_memory(m) < 20000);
    matcher_free(m);
    free(words);
}

static void a_scan_does_not_allocate(void **state)
{
    struct matcher *m = compile("some words to look for ! x");
    (void)state;
    size_t before = unit_alloc_count();
    assert_int_equal(matcher_scan(m, STR("there are SOME WORDS in here!"), ALL), 0x23);
    assert_int_equal(unit_alloc_count(), before);
    matcher_free(m);
}

static void without_memory_there_is_no_matcher(void **state)
{
    const struct matcher_word words[] = {{STR("one"), 1}, {STR("two"), 2}, {STR("3"), 4}};
    int failures = 0;
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct matcher *m = NULL;
        int rc = matcher_new(&m, words, COUNT_OF(words));
        assert_int_equal(rc, unit_alloc_failed() ? -ENOMEM : 0);
        failures += rc < 0;
        if (rc == 0)
            matcher_free(m);
        else
            assert_null(m);
    }
    assert_int_equal(failures, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_words_are_never_found),
        cmocka_unit_test(a_word_is_found_wherever_it_stands),
        cmocka_unit_test(any_byte_may_stand_beside_a_word),
        cmocka_unit_test(words_within_words_are_found),
        cmocka_unit_test(only_the_case_of_ascii_is_ignored),
        cmocka_unit_test(bytes_that_look_alike_to_the_sieve_are_told_apart),
        cmocka_unit_test(any_byte_may_be_in_words_and_texts),
        cmocka_unit_test(a_word_may_have_several_owners),
        cmocka_unit_test(only_wanted_owners_are_told),
        cmocka_unit_test(the_matcher_agrees_with_a_plain_search),
        cmocka_unit_test(texts_of_parts_of_the_words_agree_too),
        cmocka_unit_test(an_empty_word_is_refused),
        cmocka_unit_test(the_table_has_a_limit),
        cmocka_unit_test(the_limit_counts_states_not_bytes_of_words),
        cmocka_unit_test(a_scan_does_not_allocate),
        cmocka_unit_test(without_memory_there_is_no_matcher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
