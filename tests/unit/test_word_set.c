/* Word sets: what is a word in many scripts, phrases, masks, and everything against a plain search.
 */
#include "unit.h"
#include "word_set.h"

#include <errno.h>
#include <stdlib.h>
#include <unistr.h>

enum { LIST_MAX = 8 };

/* A set of the C strings up to the first NULL. */
static struct word_set *compile(const char *const list[LIST_MAX])
{
    struct str entries[LIST_MAX];
    size_t count = 0;
    char why[256] = "";
    struct word_set *set;
    for (; count < LIST_MAX && list[count]; count++)
        entries[count] = str_of(list[count]);
    int err = word_set_new(&set, entries, count, why, sizeof why);
    assert_string_equal(why, "");
    assert_int_equal(err, 0);
    return set;
}

/* The text masked must be `expected`; the same pointer if nothing was found. */
static void assert_masked(struct word_set *set, struct str text, struct str expected)
{
    size_t hits;
    char *out = malloc(text.size + 1); /* of the exact size, for asan */
    struct word_hit hit;
    struct str masked = word_set_mask(set, text, out, &hits);
    if (!str_equal(masked, expected))
        print_error("'" STR_FMT "' -> '" STR_FMT "'\n", STR_ARG(text), STR_ARG(masked));
    assert_str(masked, expected);
    assert_int_equal(masked.data == text.data, hits == 0);
    assert_int_equal(word_set_find(set, text, &hit), hits > 0);
    free(out);
}

struct example {
    const char *entry;
    const char *text;
    const char *masked;
};

static void assert_examples(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct word_set *set = compile((const char *const[LIST_MAX]){examples[i].entry});
        assert_masked(set, str_of(examples[i].text), str_of(examples[i].masked));
        word_set_free(set);
    }
}

/* ---- words ---------------------------------------------------------------------------------- */

static void whole_words_are_found_whatever_their_case(void **state)
{
    static const struct example examples[] = {
        {"ham", "ham", "***"},
        {"ham", "Ham!", "***!"},
        {"HAM", "eggs,ham,HAM", "eggs,***,***"},
        {"ham", "hamster", "hamster"},
        {"ham", "sham ham1 1ham", "sham ham1 1ham"},
        {"ham", "_ham_ *ham* ham_ster", "_***_ ***** ***_ster"},
        {"ham", "ham.com it's ham's", "***.com it's ***'s"},
        {"ham", "(ham)", "(***)"},
        {"ham", "", ""},
        {"ham", "  ", "  "},
        {"ham", "h am", "h am"},
        {"4ever", "4EVER 4", "***** 4"},
        {"a", "a A b", "* * b"},
        {" ham\r\n", "ham", "***"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void a_hit_says_where_and_what(void **state)
{
    struct word_set *set = compile((const char *const[LIST_MAX]){"Spam", " ham ", "SPAM"});
    struct word_hit hit = {0};
    (void)state;
    struct str text = STR("eggs, Stra\xc3\x9f"
                          "e, HAM and spam");
    assert_true(word_set_find(set, text, &hit));
    assert_int_equal(hit.offset, 15);
    assert_int_equal(hit.size, 3);
    assert_int_equal(hit.index, 1);
    assert_str(hit.entry, STR(" ham "));
    size_t end = hit.offset + hit.size;
    assert_true(word_set_find(set, str_skip(text, end), &hit));
    assert_int_equal(hit.offset + end, 23);
    assert_int_equal(hit.index, 0);
    assert_str(hit.entry, STR("Spam"));
    assert_false(word_set_find(set, STR("eggs"), &hit));
    assert_int_equal(hit.index, 0); /* untouched */
    word_set_free(set);
}

static void an_empty_set_finds_nothing(void **state)
{
    struct word_set *set = compile((const char *const[LIST_MAX]){NULL});
    (void)state;
    assert_masked(set, STR("any text \xe6\xbc\xa2\xe5\xad\x97"),
                  STR("any text \xe6\xbc\xa2\xe5\xad\x97"));
    assert_masked(set, (struct str){NULL, 0}, STR(""));
    word_set_free(set);
    word_set_free(NULL);
}

static void phrases_are_words_in_a_row(void **state)
{
    static const struct example examples[] = {
        {"buy now", "Buy now!", "*** ***!"},
        {"buy now", "buy... -- NOW", "***... -- ***"},
        {"buy now", "buynow buy it now", "buynow buy it now"},
        {"buy now", "buy buy now", "buy *** ***"},
        {"buy now", "buy", "buy"},
        {"buy  -  now", "buy now", "*** ***"},
        {"don't", "DON\xe2\x80\x99T", "***\xe2\x80\x99*"},
        {"a b a b c", "a b a b a b c", "a b * * * * *"},
        {"f*ck", "f*ck f-CK fick", "**** *-** fick"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void the_longest_entry_wins_and_the_shorter_stand_in(void **state)
{
    struct word_set *set =
        compile((const char *const[LIST_MAX]){"a b c d", "a b", "b c", "a b c d e", "d"});
    struct word_hit hit;
    (void)state;
    assert_true(word_set_find(set, STR("x a b c d e"), &hit));
    assert_int_equal(hit.index, 3);
    assert_true(word_set_find(set, STR("x a b c d x"), &hit));
    assert_int_equal(hit.index, 0);
    assert_true(word_set_find(set, STR("x a b c x"), &hit));
    assert_int_equal(hit.index, 1);
    assert_int_equal(hit.size, 3);
    assert_masked(set, STR("a b c x b c d x a c"), STR("* * c x * * * x a c"));
    word_set_free(set);
}

/* ---- the world's scripts -------------------------------------------------------------------- */

static void german_sharp_s_is_ss(void **state)
{
    static const struct example examples[] = {
        {"straße", "STRASSE Straße strasse STRAẞE", "******* ****** ******* ******"},
        {"strasse", "Straße", "******"},
        {"Übel", "ÜBEL übel ubel uebel", "**** **** ubel uebel"},
        {"schon", "schön schon", "schön *****"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

/* See word_glyph.h for why. */
static void turkish_has_the_same_folding_as_all(void **state)
{
    static const struct example examples[] = {
        {"istanbul", "İSTANBUL Istanbul I\xcc\x87stanbul", "******** ******** ********"},
        {"İstanbul", "istanbul", "********"},
        {"sık", "sık", "***"},
        {"sık", "sik SIK", "sik SIK"},
        {"sik", "sik SİK SIK", "*** *** ***"},
        {"sik", "sık", "sık"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void greek_sigma_is_one_letter(void **state)
{
    static const struct example examples[] = {
        {"σας", "ΣΑΣ σας σασ Σας", "*** *** *** ***"},
        {"ΟΔΟΣ", "οδός οδος", "οδός ****"},
        {"ᾳ", "ΑΙ αι ᾼ", "** ** *"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

/* The same character, put together and in parts, with its marks in any order that is the same. */
static void combining_characters_count_as_they_look(void **state)
{
    static const struct example examples[] = {
        {"caf\xc3\xa9", "cafe\xcc\x81 CAFE\xcc\x81 caf\xc3\x89 cafe", "**** **** **** cafe"},
        {"cafe\xcc\x81", "caf\xc3\xa9", "****"},
        {"\xe1\xbb\x87",
         "e\xcc\xa3\xcc\x82 e\xcc\x82\xcc\xa3 \xc3\xaa\xcc\xa3 \xe1\xba\xb9\xcc\x82", "* * * *"},
        {"\xe1\xbb\x87", "\xc3\xaa e\xcc\x82", "\xc3\xaa e\xcc\x82"},
        {"a\xcc\x81", "a", "a"},
        {"a", "a\xcc\x81", "a\xcc\x81"},
        {"字\xcc\xa3\xcc\x82", "字\xcc\x82\xcc\xa3 字", "* 字"},
        {"नमस्ते", "नमस्ते नमस्त", "**** नमस्त"},
        {"שלום", "שלום", "****"},
        {"한국",
         "한국 \xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xae\xe1\x86\xa8 한국말",
         "** ** 한국말"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void scripts_without_spaces_are_searched_character_by_character(void **state)
{
    static const struct example examples[] = {
        {"坏词", "这是坏词吗", "这是**吗"},
        {"坏词", "坏的词", "坏的词"},
        {"坏词", "坏,词", "*,*"},
        {"字", "漢字", "漢*"},
        {"spam", "这是spam吗", "这是****吗"},
        {"ばか", "おおばかもの", "おお**もの"},
        {"が", "か\xe3\x82\x99 か", "* か"},
        {"か", "が か\xe3\x82\x99", "が か\xe3\x82\x99"},
        {"バカ", "バカ ﾊﾞｶ バカンス", "** ** バカンス"},
        {"กา", "ฉันกามา", "ฉัน**มา"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void emoji_are_words_with_all_that_makes_them_up(void **state)
{
    static const struct example examples[] = {
        {"🍆", "x🍆🍆y", "x**y"},
        {"🖕", "🖕🏽 🖕", "* *"},
        {"🖕🏽", "🖕🏿", "*"},
        {"❤", "❤️ ❤", "* *"},
        {"❤️", "❤", "*"},
        {"👩", "👩‍👧 👩", "👩‍👧 *"},
        {"👩‍👧", "👩‍👧 👩👧", "* 👩👧"},
        {"🇩🇪", "🇩🇪🇫🇷", "*🇫🇷"},
        {"🇪🇫", "🇩🇪🇫🇷", "🇩🇪🇫🇷"},
        {"buy 💊", "BUY💊💊", "****💊"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void disguises_are_seen_through(void **state)
{
    static const struct example examples[] = {
        {"spam", "ｓｐａｍ ＳＰＡＭ", "**** ****"},
        {"spam", "𝐬𝐩𝐚𝐦 ⓢⓟⓐⓜ 🅢🅟🅐🅜", "**** **** 🅢🅟🅐🅜"},
        {"spam", "s\xc2\xadpa\xe2\x80\x8bm", "****"},
        {"spam", "\xe2\x80\x8bspam\xe2\x80\x8b!", "\xe2\x80\x8b****\xe2\x80\x8b!"},
        {"office", "oﬃce", "****"},
        {"s\xe2\x80\x8bpam", "spam", "****"},
        {"\xef\xbb\xbfspam", "spam", "****"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

/* Numbers of characters, 256 apart: U+0436, its capital U+0416, and all that end in the same byte.
 */
static void characters_are_told_apart_by_all_of_their_number(void **state)
{
    struct word_set *set = compile((const char *const[LIST_MAX]){"ж"});
    (void)state;
    for (uint32_t code = 0x16; code < 0x30000; code += 0x10) {
        uint8_t text[6];
        struct word_hit hit;
        int size = u8_uctomb(text, code, sizeof text);
        if (size > 0)
            assert_int_equal(word_set_find(set, str_from((char *)text, (size_t)size), &hit),
                             code == 0x416 || code == 0x436);
    }
    word_set_free(set);
}

static void text_that_is_no_utf8_does_no_harm(void **state)
{
    struct word_set *set = compile((const char *const[LIST_MAX]){"spam", "straße"});
    static const char *const pieces[] = {"\xff",         "\xc3",     "\xe2\x82", "\xf0\x9f\x98",
                                         "\xed\xa0\x80", "\xc0\x80", "\x80"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        char text[32];
        char expected[32];
        snprintf(text, sizeof text, "%sspam%s spam %s", pieces[i], pieces[i], pieces[i]);
        snprintf(expected, sizeof expected, "%s****%s **** %s", pieces[i], pieces[i], pieces[i]);
        assert_masked(set, str_of(text), str_of(expected));
    }
    word_set_free(set);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void assert_refused(const struct str *entries, size_t count, const char *expected)
{
    char why[256] = "";
    struct word_set *set = NULL;
    assert_int_equal(word_set_new(&set, entries, count, why, sizeof why), -EINVAL);
    assert_string_equal(why, expected);
    assert_null(set);
}

static void entries_without_sense_are_refused_by_name(void **state)
{
#define ENDS "does not begin and end with a letter, a digit, or an emoji"
    static const struct {
        struct str entry;
        const char *why;
    } cases[] = {
        {{"", 0}, "entry 2, \"\", is empty"},
        {{NULL, 0}, "entry 2, \"\", is empty"},
        {{" \t ", 3}, "entry 2, \"\", is empty"},
        {{"c++", 3}, "entry 2, \"c++\", " ENDS},
        {{"$hit", 4}, "entry 2, \"$hit\", " ENDS},
        {{"...", 3}, "entry 2, \"...\", " ENDS},
        {{"\xe2\x80\xa6y", 4}, "entry 2, \"\xe2\x80\xa6y\", " ENDS},
        {{"y\xe2\x80\xa6", 4}, "entry 2, \"y\xe2\x80\xa6\", " ENDS},
        {{"\xe2\x80\x8b", 3}, "entry 2, \"\xe2\x80\x8b\", has nothing to be seen"},
        {{"a\xff"
          "b",
          3},
         "entry 2, \"a\xff"
         "b\", is not UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_refused((struct str[]){STR("good"), cases[i].entry, STR("")}, 3, cases[i].why);
}

static void entries_have_a_longest(void **state)
{
    char entry[WORD_SET_ENTRY_MAX + 1] = "";
    char text[WORD_SET_ENTRY_MAX + 2];
    char why[256] = "";
    char stars[WORD_SET_ENTRY_MAX];
    struct word_set *set;
    struct str longest = str_from(entry, WORD_SET_ENTRY_MAX);
    (void)state;
    memset(entry, 'x', sizeof entry);
    memset(text, 'X', sizeof text);
    memset(stars, '*', sizeof stars);
    assert_refused((struct str[]){str_from(entry, sizeof entry)}, 1,
                   "entry 1, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\", is too long");
    assert_int_equal(word_set_new(&set, &longest, 1, why, sizeof why), 0);
    assert_masked(set, str_from(text, WORD_SET_ENTRY_MAX), str_from(stars, sizeof stars));
    assert_masked(set, str_from(text, WORD_SET_ENTRY_MAX - 1), str_from(text, sizeof text - 3));
    assert_masked(set, str_from(text, WORD_SET_ENTRY_MAX + 1), str_from(text, sizeof text - 1));
    assert_masked(set, str_from(text, WORD_SET_ENTRY_MAX + 2), str_from(text, sizeof text));
    word_set_free(set);
}

static void the_last_byte_of_the_longest_counts(void **state)
{
    char entry[WORD_SET_ENTRY_MAX + 1] = "";
    (void)state;
    for (size_t i = 0; i < WORD_SET_ENTRY_MAX; i += 2)
        memcpy(entry + i, "ж", 2);
    struct word_set *set = compile((const char *const[LIST_MAX]){entry});
    struct word_hit hit;
    assert_true(word_set_find(set, str_of(entry), &hit));
    memcpy(entry + WORD_SET_ENTRY_MAX - 2, "з", 2);
    assert_false(word_set_find(set, str_of(entry), &hit));
    word_set_free(set);
}

/* What folds to more than it was is measured folded: U+FDFA becomes eleven times as long. */
static void entries_are_measured_folded_too(void **state)
{
    char entry[3 * 8 + 1] = "";
    (void)state;
    for (int i = 0; i < 7; i++)
        strcat(entry, "\xef\xb7\xba"); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy) */
    struct word_set *set = compile((const char *const[LIST_MAX]){entry});
    assert_masked(set, str_of(entry), STR("*******"));
    word_set_free(set);
    strcat(entry, "\xef\xb7\xba"); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy) */
    char why[256];
    struct str one = str_of(entry);
    assert_int_equal(word_set_new(&set, &one, 1, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "is too long"));
}

static void phrases_have_a_longest(void **state)
{
    char phrase[2 * WORD_SET_PHRASE_MAX + 2];
    char why[256];
    (void)state;
    for (size_t i = 0; i < sizeof phrase; i++)
        phrase[i] = i % 2 ? ' ' : 'a';
    struct str entry = str_from(phrase, 2 * WORD_SET_PHRASE_MAX - 1);
    struct word_set *set;
    struct word_hit hit;
    assert_int_equal(word_set_new(&set, &entry, 1, why, sizeof why), 0);
    assert_true(word_set_find(set, str_from(phrase, sizeof phrase), &hit));
    assert_int_equal(hit.size, entry.size);
    word_set_free(set);
    entry.size += 2;
    assert_int_equal(word_set_new(&set, &entry, 1, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "is too long"));
}

/* Words of a text that are longer than any entry: no harm, and no hit, in any mixture. */
static void endless_words_are_no_hits(void **state)
{
    static const char *const units[] = {
        "x", "\xc3\x9f", "\xef\xb7\xba", "e\xcc\x82\xcc\xa3", "\xe2\x80\x8d", "x\xcc\x81"};
    struct word_set *set = compile((const char *const[LIST_MAX]){"x", "ss", "x ss"});
    struct unit_random r = {31};
    char *text = malloc(70000);
    (void)state;
    for (int round = 0; round < 200; round++) {
        size_t used = 0;
        text[used++] = 'y';
        while (used < 1000) {
            const char *unit = units[unit_below(&r, COUNT_OF(units))];
            memcpy(text + used, unit, strlen(unit));
            used += strlen(unit);
        }
        struct word_hit hit;
        assert_false(word_set_find(set, str_from(text, used), &hit));
    }
    memset(text, 'x', 70000);
    assert_masked(set, str_from(text, 70000), str_from(text, 70000));
    free(text);
    word_set_free(set);
}

static void lists_have_a_limit(void **state)
{
    struct str *entries = calloc(WORD_SET_ENTRIES_MAX + 1, sizeof *entries);
    char *names = malloc((WORD_SET_ENTRIES_MAX + 1) * 8UL);
    char why[256] = "";
    struct word_set *set;
    (void)state;
    for (size_t i = 0; i <= WORD_SET_ENTRIES_MAX; i++)
        entries[i] = str_from(names + i * 8, (size_t)snprintf(names + i * 8, 8, "w%zu", i));
    assert_refused(entries, WORD_SET_ENTRIES_MAX + 1, "100001 entries are more than 100000");
    assert_int_equal(word_set_new(&set, entries, WORD_SET_ENTRIES_MAX, why, sizeof why), 0);
    for (size_t i = 0; i <= WORD_SET_ENTRIES_MAX; i++) {
        struct word_hit hit;
        assert_int_equal(word_set_find(set, entries[i], &hit), i < WORD_SET_ENTRIES_MAX);
        if (i < WORD_SET_ENTRIES_MAX)
            assert_int_equal(hit.index, i);
    }
    assert_in_range(word_set_memory(set), 2000000, 10000000);
    word_set_free(set);
    free(names);
    free(entries);
}

/* ---- a plain search ------------------------------------------------------------------------- */

/* Pieces of text, and what they are to the search: a letter and its fold, 0 for separators. */
static const struct piece {
    const char *text;
    char fold;
} pieces[] = {
    {"a", 'a'}, {"A", 'a'}, {"b", 'b'}, {"\xc3\xb6", 'o'},   {"o\xcc\x88", 'o'}, {"\xc3\x96", 'o'},
    {"1", '1'}, {" ", 0},   {"-", 0},   {"\xe2\x80\xa6", 0}, {" ", 0},
};

/* A random text, and for each word of it the fold and the place. */
struct sample {
    char text[128];
    size_t size;
    char folds[32][16];
    size_t starts[32];
    size_t ends[32];
    size_t words;
};

static void make_sample(struct sample *s, struct unit_random *r, size_t count)
{
    bool inside = false;
    *s = (struct sample){.size = 0};
    for (size_t i = 0; i < count; i++) {
        const struct piece *p = &pieces[unit_below(r, COUNT_OF(pieces))];
        size_t start = s->size;
        memcpy(s->text + s->size, p->text, strlen(p->text));
        s->size += strlen(p->text);
        if (p->fold && !inside)
            s->starts[s->words++] = start;
        inside = p->fold != 0;
        if (!inside)
            continue;
        char *fold = s->folds[s->words - 1];
        size_t length = strlen(fold);
        assert_true(length < sizeof s->folds[0] - 1);
        fold[length] = p->fold;
        s->ends[s->words - 1] = s->size;
    }
}

/* An entry: one or two words without anything around them. */
static struct str trimmed_sample(const struct sample *s)
{
    return str_from(s->text + s->starts[0], s->ends[s->words - 1] - s->starts[0]);
}

static bool stands_at(const struct sample *text, size_t word, const struct sample *entry)
{
    if (word + entry->words > text->words)
        return false;
    for (size_t i = 0; i < entry->words; i++) {
        if (strcmp(text->folds[word + i], entry->folds[i]) != 0)
            return false;
    }
    return true;
}

static bool plain_find(const struct sample *text, const struct sample *entries, size_t count,
                       struct word_hit *hit)
{
    for (size_t w = 0; w < text->words; w++) {
        const struct sample *best = NULL;
        for (size_t i = 0; i < count; i++) {
            if (stands_at(text, w, &entries[i]) && (!best || entries[i].words > best->words))
                best = &entries[i];
        }
        if (best) {
            size_t start = text->starts[w];
            hit->index = (size_t)(best - entries);
            hit->offset = start;
            hit->size = text->ends[w + best->words - 1] - start;
            return true;
        }
    }
    return false;
}

static void the_set_agrees_with_a_plain_search(void **state)
{
    enum { ENTRIES = 6 };
    struct unit_random r = {41};
    size_t found = 0;
    size_t phrases = 0;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct sample entries[ENTRIES];
        struct str list[ENTRIES];
        for (size_t i = 0; i < ENTRIES; i++) {
            do
                make_sample(&entries[i], &r, 1 + unit_below(&r, 6));
            while (entries[i].words == 0);
            list[i] = trimmed_sample(&entries[i]);
        }
        char why[256];
        struct word_set *set;
        assert_int_equal(word_set_new(&set, list, ENTRIES, why, sizeof why), 0);
        for (int i = 0; i < 5; i++) {
            struct sample text;
            struct word_hit expected = {0};
            struct word_hit hit = {0};
            make_sample(&text, &r, unit_below(&r, 16));
            bool there = plain_find(&text, entries, ENTRIES, &expected);
            assert_int_equal(word_set_find(set, str_from(text.text, text.size), &hit), there);
            assert_int_equal(hit.offset, expected.offset);
            assert_int_equal(hit.size, expected.size);
            assert_int_equal(hit.index, expected.index);
            found += there;
            phrases += there && entries[hit.index].words > 1;
        }
        word_set_free(set);
    }
    assert_in_range(found, 20000, 90000);
    assert_true(phrases > 1000);
}

/* ---- plain ASCII, which is skipped by the block --------------------------------------------- */

/* A word may stand anywhere in a block, or in two; and what follows it may make another of it. */
static void words_are_found_wherever_a_block_ends(void **state)
{
    struct word_set *set = compile((const char *const[LIST_MAX]){"spam", "buy now", "x"});
    (void)state;
    for (size_t before = 0; before < 200; before++) {
        char text[256];
        struct word_hit hit;
        for (size_t i = 0; i < before; i++)
            text[i] = "scam, ok 42 "[i % 12];
        text[before] = ' ';
        struct str word = str_from(text, before + 5);
        memcpy(text + before + 1, "spam", 4);
        assert_true(word_set_find(set, word, &hit));
        assert_int_equal(hit.offset, before + 1);
        assert_int_equal(hit.size, 4);
        memcpy(text + before + 5, "\xc3\xa4 buy, now ", 13);
        assert_true(word_set_find(set, str_from(text, before + 18), &hit));
        assert_int_equal(hit.offset, before + 8);
        assert_int_equal(hit.size, 8);
        assert_false(word_set_find(set, str_from(text, before + 14), &hit));
        assert_false(word_set_find(set, str_from(text, before + 4), &hit));
    }
    word_set_free(set);
}

/* ASCII letters as the full-width ones, of three bytes each, that fold to them. */
static size_t widen(const char *text, size_t size, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        if (strchr(" .*", text[i])) {
            out[used++] = text[i];
            continue;
        }
        unsigned code = 0xff01 + (unsigned)(unsigned char)text[i] - '!';
        out[used++] = (char)(0xe0 | code >> 12);
        out[used++] = (char)(0x80 | (code >> 6 & 0x3f));
        out[used++] = (char)(0x80 | (code & 0x3f));
    }
    return used;
}

/* The plain way and the one for all characters must see the same. */
static void ascii_and_full_width_letters_find_the_same(void **state)
{
    struct word_set *set = compile((const char *const[LIST_MAX]){
        "a", "ab", "b b", "abc a", "aabbaabbaabbaabbaabbaabbaabbaabb"});
    struct unit_random r = {7};
    size_t found = 0;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[200];
        char wide[600];
        char masked[2][600];
        size_t hits[2];
        size_t size = unit_below(&r, sizeof text);
        for (size_t i = 0; i < size; i++)
            text[i] = "aAbBc zz. a  b z"[unit_below(&r, 16)];
        struct str both[2] = {str_from(text, size), str_from(wide, widen(text, size, wide))};
        for (int i = 0; i < 2; i++)
            both[i] = word_set_mask(set, both[i], masked[i], &hits[i]);
        assert_int_equal(hits[0], hits[1]);
        assert_str(both[1], str_from(wide, widen(both[0].data, both[0].size, wide)));
        found += hits[0];
    }
    assert_in_range(found, 20000, 1000000);
    word_set_free(set);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void searching_allocates_nothing(void **state)
{
    struct word_set *set =
        compile((const char *const[LIST_MAX]){"spam", "e\xcc\x82\xcc\xa3", "坏词"});
    struct str text = STR("Grüße SPAM \xc3\xaa\xcc\xa3 这是坏词吗 👩‍👧");
    struct word_hit hit;
    char out[128];
    (void)state;
    assert_in_range(text.size, 1, sizeof out);
    size_t before = unit_alloc_count();
    for (int i = 0; i < 10; i++) {
        size_t hits;
        assert_true(word_set_find(set, text, &hit));
        word_set_mask(set, text, out, &hits);
        assert_int_equal(hits, 3);
        word_set_mask(set, text, out, NULL);
    }
    assert_int_equal(unit_alloc_count(), before);
    word_set_free(set);
}

static void without_memory_there_is_no_set(void **state)
{
    char names[200][64];
    struct str entries[200];
    char why[256] = "";
    int failures = 0;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(entries); i++)
        entries[i] = str_from(names[i], (size_t)snprintf(names[i], sizeof names[i],
                                                         "word%zu and the next of them", i));
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct word_set *set = NULL;
        int err = word_set_new(&set, entries, COUNT_OF(entries), why, sizeof why);
        assert_int_equal(err, unit_alloc_failed() ? -ENOMEM : 0);
        assert_int_equal(set != NULL, err == 0);
        failures += err != 0;
        word_set_free(set);
    }
    assert_in_range(failures, 10, 30);
    assert_string_equal(why, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_words_are_found_whatever_their_case),
        cmocka_unit_test(a_hit_says_where_and_what),
        cmocka_unit_test(an_empty_set_finds_nothing),
        cmocka_unit_test(phrases_are_words_in_a_row),
        cmocka_unit_test(the_longest_entry_wins_and_the_shorter_stand_in),
        cmocka_unit_test(german_sharp_s_is_ss),
        cmocka_unit_test(turkish_has_the_same_folding_as_all),
        cmocka_unit_test(greek_sigma_is_one_letter),
        cmocka_unit_test(combining_characters_count_as_they_look),
        cmocka_unit_test(scripts_without_spaces_are_searched_character_by_character),
        cmocka_unit_test(emoji_are_words_with_all_that_makes_them_up),
        cmocka_unit_test(disguises_are_seen_through),
        cmocka_unit_test(characters_are_told_apart_by_all_of_their_number),
        cmocka_unit_test(text_that_is_no_utf8_does_no_harm),
        cmocka_unit_test(entries_without_sense_are_refused_by_name),
        cmocka_unit_test(entries_have_a_longest),
        cmocka_unit_test(the_last_byte_of_the_longest_counts),
        cmocka_unit_test(entries_are_measured_folded_too),
        cmocka_unit_test(phrases_have_a_longest),
        cmocka_unit_test(endless_words_are_no_hits),
        cmocka_unit_test(lists_have_a_limit),
        cmocka_unit_test(the_set_agrees_with_a_plain_search),
        cmocka_unit_test(words_are_found_wherever_a_block_ends),
        cmocka_unit_test(ascii_and_full_width_letters_find_the_same),
        cmocka_unit_test(searching_allocates_nothing),
        cmocka_unit_test(without_memory_there_is_no_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
