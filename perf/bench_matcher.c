/*
 * What deciding whether a line concerns a filter costs: lines of 64 bytes that hold none of 1000
 * words. Prints the median, least and largest of several runs, in nanoseconds a line.
 *
 *   prose      made-up words, as of a list of names, against English
 *   single     the same, and one word of a single byte
 *   cyrillic   the same as prose, in two-byte letters
 *   near       every word of the text is the beginning of words looked for: the sieve is no help
 */
#include "filter_match.h"
#include "matcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WORDS = 1000, LINES = 4096, LINE = 64, ROUNDS = 4, RUNS = 101 };

static const char *const vocabulary[] = {
    "the",    "people",  "would",   "about",     "which",    "there",   "think",  "because",
    "other",  "from",    "server",  "message",   "tomorrow", "have",    "and",    "that",
    "with",   "for",     "not",     "you",       "this",     "but",     "his",    "they",
    "her",    "she",     "will",    "one",       "all",      "could",   "their",  "what",
    "out",    "into",    "has",     "more",      "like",     "then",    "now",    "look",
    "only",   "come",    "over",    "also",      "back",     "after",   "use",    "two",
    "how",    "our",     "work",    "first",     "well",     "way",     "even",   "new",
    "want",   "any",     "these",   "give",      "day",      "most",    "us",     "please",
    "thanks", "really",  "maybe",   "great",     "meeting",  "build",   "failed", "again",
    "why",    "does",    "it",      "is",        "a",        "of",      "in",     "to",
    "be",     "compile", "release", "yesterday", "coffee",   "anybody", "seen",   "lunch",
    "reboot", "machine",
};

static const char *const syllables[] = {"ba",  "ko",  "ri", "zen", "mu",  "tas", "vel", "dro",
                                        "qui", "nax", "lo", "pim", "gar", "sho", "fe",  "wyn"};

struct bench {
    char words[WORDS][64];
    char lines[LINES][LINE];
    uint64_t random;
};

static size_t below(struct bench *b, size_t n)
{
    b->random = b->random * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(b->random >> 33) % n;
}

static void make_names(struct bench *b)
{
    for (int w = 0; w < WORDS; w++) {
        char *out = b->words[w];
        for (size_t i = 0, n = 2 + below(b, 3); i < n; i++)
            out = stpcpy(out, syllables[below(b, 16)]);
        snprintf(out, 3, "%c", 'a' + (int)below(b, 26));
    }
}

static void make_near(struct bench *b)
{
    for (int w = 0; w < WORDS; w++)
        snprintf(b->words[w], sizeof b->words[w], "%s%c%c", vocabulary[below(b, 90)], 'a' + w % 26,
                 'a' + w / 26 % 26);
}

/* "prose" in Cyrillic: each letter a to z becomes the one as many places behind U+0430. */
static size_t to_cyrillic(char *out, size_t size, const char *in)
{
    size_t n = 0;
    for (; *in && n + 2 < size; in++) {
        if (*in == ' ') {
            out[n++] = ' ';
            continue;
        }
        unsigned letter = 0x430 + (unsigned)(*in - 'a');
        out[n++] = (char)(0xc0 | letter >> 6);
        out[n++] = (char)(0x80 | (letter & 0x3f));
    }
    out[n] = '\0';
    return n;
}

static void make_lines(struct bench *b)
{
    for (int l = 0; l < LINES; l++) {
        char line[LINE + 32];
        size_t n = 0;
        while (n < LINE)
            n += (size_t)sprintf(line + n, "%s ", vocabulary[below(b, 90)]);
        memcpy(b->lines[l], line, LINE);
    }
}

static void make_cyrillic(struct bench *b)
{
    for (int w = 0; w < WORDS; w++) {
        char word[64];
        snprintf(word, sizeof word, "%s", b->words[w]);
        to_cyrillic(b->words[w], sizeof b->words[w], word);
    }
    for (int l = 0; l < LINES; l++) {
        char line[LINE + 1];
        char out[2 * LINE + 3];
        memcpy(line, b->lines[l], LINE);
        line[LINE] = '\0';
        to_cyrillic(out, sizeof out, line);
        memcpy(b->lines[l], out, LINE);
    }
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double one_run(struct bench *b, struct filter_match_set *set, size_t *hits)
{
    struct filter_event e = {.kind = FILTER_MESSAGE, .room = STR("#lobby")};
    double start = now_ns();
    for (int round = 0; round < ROUNDS; round++) {
        for (int l = 0; l < LINES; l++) {
            e.text = str_from(b->lines[l], LINE);
            *hits += filter_match_run(set, &e) != 0;
        }
    }
    return (now_ns() - start) / ((double)ROUNDS * LINES);
}

static void measure(struct bench *b, const char *name, size_t extra)
{
    struct str words[WORDS + 1];
    for (int w = 0; w < WORDS; w++)
        words[w] = str_of(b->words[w]);
    words[WORDS] = STR("@");
    struct filter f = {
        .kinds = 1u << FILTER_MESSAGE,
        .match = {.contains = words, .contain_count = WORDS + extra},
    };
    struct filter *filters[] = {&f};
    struct filter_match_set *set;
    if (filter_match_set_new(&set, filters, 1) < 0)
        exit(1);
    double ns[RUNS];
    size_t hits = 0;
    for (int i = 0; i < RUNS; i++)
        ns[i] = one_run(b, set, &hits);
    qsort(ns, RUNS, sizeof *ns, by_size);
    printf("%-10s %6.1f ns  (%.1f to %.1f), %zu KiB, %.2f %% hits\n", name, ns[RUNS / 2], ns[0],
           ns[RUNS - 1], filter_match_memory(set) >> 10,
           100.0 * (double)hits / ((double)RUNS * ROUNDS * LINES));
    filter_match_set_free(set);
}

int main(void)
{
    struct bench *b = calloc(1, sizeof *b);
    if (!b)
        return 1;
    b->random = 1;
    make_lines(b);
    make_names(b);
    measure(b, "prose", 0);
    measure(b, "single", 1);
    make_cyrillic(b);
    measure(b, "cyrillic", 0);
    make_lines(b);
    make_near(b);
    measure(b, "near", 0);
    free(b);
    return 0;
}
