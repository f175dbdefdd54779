/*
 * Puts the cases together and runs them for one suite.
 */
#include "conformance.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct case_table *const tables[] = {
    &cases_accept,   &cases_receive, &cases_flow, &cases_send,
    &cases_shortage, &cases_close,   &cases_life, &cases_time,
};

enum {
    TABLES = sizeof tables / sizeof *tables,
    DESCRIPTORS = 2200,
};

static const struct suite *suite_choose(int argc, char **argv, const struct suite *suites, size_t n)
{
    for (size_t i = 0; argc > 1 && i < n; i++) {
        if (strcmp(suites[i].name, argv[1]) == 0)
            return &suites[i];
    }
    return argc > 1 ? NULL : suites;
}

/* A thousand connections take two thousand descriptors; not many more, as there is a case that uses
 * all of them up. */
static void descriptors_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static size_t cases_add(struct CMUnitTest *out, size_t at, const struct case_table *table,
                        const struct suite *suite)
{
    for (size_t i = 0; i < table->count; i++) {
        out[at] = table->cases[i];
        out[at++].initial_state = (void *)suite;
    }
    return at;
}

static int suite_run(const struct suite *suite, const struct case_table *extra)
{
    size_t count = extra ? extra->count : 0;
    for (size_t i = 0; i < TABLES; i++)
        count += tables[i]->count;
    struct CMUnitTest *cases = calloc(count, sizeof *cases);
    if (!cases)
        return EXIT_FAILURE;
    size_t n = 0;
    for (size_t i = 0; i < TABLES; i++)
        n = cases_add(cases, n, tables[i], suite);
    if (extra)
        cases_add(cases, n, extra, suite);
    int failed = _cmocka_run_group_tests(suite->name, cases, count, NULL, NULL);
    free(cases);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int conformance_main(int argc, char **argv, const struct suite *suites, size_t suite_count,
                     const struct case_table *extra)
{
    const struct suite *suite = suite_choose(argc, argv, suites, suite_count);
    if (!suite) {
        fprintf(stderr, "%s: no suite \"%s\"\n", argv[0], argv[1]);
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was found stays, should the program be killed */
    descriptors_limit();
    return suite_run(suite, extra);
}
