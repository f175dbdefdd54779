/* The command line: every option, every mistake, and that --help fits a terminal. */
#include "options.h"
#include "unit.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum { ARGS_MAX = 200, OUTPUT_MAX = 8192, GO_ON = -1 };

struct run {
    struct options o;
    int status;
    char out[OUTPUT_MAX];
    char err[OUTPUT_MAX];
};

/* Parses a command line; `words` ends in NULL. */
static void run_words(struct run *r, char **words)
{
    static char name[] = "chatroom_server";
    char *argv[ARGS_MAX] = {name};
    int argc = 1;
    for (; words[argc - 1]; argc++) {
        assert_true(argc < ARGS_MAX - 1);
        argv[argc] = words[argc - 1];
    }
    unit_capture(STDERR_FILENO);
    r->status = options_parse(&r->o, argc, argv);
    unit_captured(r->err, sizeof r->err);
}

/* The same of words with a space between them. */
static void run(struct run *r, const char *line)
{
    static char copy[1024];
    char *words[ARGS_MAX] = {NULL};
    char *rest = copy;
    size_t n = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word; (word = strsep(&rest, " "));) {
        if (*word)
            words[n++] = word;
    }
    run_words(r, words);
}

static void assert_accepted(struct run *r, const char *line)
{
    run(r, line);
    assert_string_equal(r->err, "");
    assert_int_equal(r->status, GO_ON);
}

static void assert_refused(const char *line, const char *why)
{
    struct run r;
    char expected[OUTPUT_MAX];
    run(&r, line);
    assert_int_equal(r.status, EX_USAGE);
    snprintf(expected, sizeof expected, "chatroom_server: %s\nTry chatroom_server --help.\n", why);
    assert_string_equal(r.err, expected);
}

static void assert_listens(const struct options *o, size_t i, const char *expected)
{
    char text[ADDRESS_TEXT_MAX];
    assert_true(i < o->listen_count);
    assert_string_equal(address_format(&o->listen[i], text, sizeof text), expected);
}

/* ---- what is accepted ----------------------------------------------------------------------- */

static void the_defaults_are_those_of_the_manual(void **state)
{
    struct run r;
    (void)state;
    assert_accepted(&r, "");
    assert_int_equal(r.o.listen_count, 0); /* the server knows where, then */
    assert_null(r.o.user);
    assert_true(r.o.seccomp);
    assert_int_equal(r.o.backend, NETPOLL_AUTO);
    assert_int_equal(r.o.log_level, DIAG_INFO);
    assert_int_equal(r.o.filter_count, 0);
    assert_null(r.o.filter_dir);
    assert_false(r.o.check);
    assert_int_equal(r.o.limits.max_line, 8192);
    assert_int_equal(r.o.limits.history, 20);
    assert_int_equal(r.o.limits.presence_max, 100);
    assert_int_equal(r.o.limits.lag_limit, 8 << 20);
    assert_int_equal(r.o.limits.slow, SLOW_SKIP);
    assert_int_equal(r.o.limits.max_clients, 0);
}

static void every_option_sets_its_setting(void **state)
{
    struct run r;
    (void)state;
    assert_accepted(&r,
                    "-b epoll -f a.lua --filter b.lua --filter-dir dir --history 7 --slow close "
                    "--lag-limit 4096 --max-line 100 --max-clients 12 --presence-max 0 "
                    "--log-level debug --check -l 1.2.3.4:5 --listen=[::1]:0 --user ann "
                    "--seccomp off");
    assert_string_equal(r.o.user, "ann");
    assert_false(r.o.seccomp);
    assert_int_equal(r.o.backend, NETPOLL_EPOLL);
    assert_int_equal(r.o.filter_count, 2);
    assert_string_equal(r.o.filters[0], "a.lua");
    assert_string_equal(r.o.filters[1], "b.lua");
    assert_string_equal(r.o.filter_dir, "dir");
    assert_int_equal(r.o.limits.history, 7);
    assert_int_equal(r.o.limits.slow, SLOW_CLOSE);
    assert_int_equal(r.o.limits.lag_limit, 4096);
    assert_int_equal(r.o.limits.max_line, 100);
    assert_int_equal(r.o.limits.max_clients, 12);
    assert_int_equal(r.o.limits.presence_max, 0);
    assert_int_equal(r.o.log_level, DIAG_DEBUG);
    assert_true(r.o.check);
    assert_int_equal(r.o.listen_count, 2);
    assert_listens(&r.o, 0, "1.2.3.4:5");
    assert_listens(&r.o, 1, "[::1]:0");
}

static void values_may_stick_to_their_options(void **state)
{
    struct run r;
    (void)state;
    assert_accepted(&r, "-buring -fa.lua -lunix:x --backend=epoll --hist=3");
    assert_int_equal(r.o.backend, NETPOLL_EPOLL); /* the last one counts */
    assert_string_equal(r.o.filters[0], "a.lua");
    assert_listens(&r.o, 0, "unix:x");
    assert_int_equal(r.o.limits.history, 3);
}

static void sizes_may_end_in_k_m_or_g(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
    } cases[] = {
        {"4096", 4096},        {"4K", 4096},       {"5K", 5 << 10},       {"8M", 8 << 20},
        {"1G", 1 << 30},       {"1024M", 1 << 30}, {"1048576K", 1 << 30}, {"1073741824", 1 << 30},
        {"0000004K", 4 << 10},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run r;
        char line[64];
        snprintf(line, sizeof line, "--lag-limit %s", cases[i].text);
        assert_accepted(&r, line);
        assert_int_equal(r.o.limits.lag_limit, cases[i].bytes);
    }
}

static void limits_are_taken_to_the_last_number(void **state)
{
    static const char *const lines[] = {
        "--max-line 64",          "--max-line 1048576",      "--max-clients 1",
        "--max-clients 10000000", "--presence-max 10000000", "--history 0",
        "--history 1000000",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct run r;
        assert_accepted(&r, lines[i]);
    }
}

/* ---- what is not ---------------------------------------------------------------------------- */

static void numbers_out_of_range_or_none_at_all_are_refused(void **state)
{
    static const char *const bad[] = {
        "63",
        "1048577",
        "-64",
        "+64",
        "0x40",
        "64.",
        "64,0",
        "1e3",
        "ten",
        "64K",
        "1M",
        "64 K",
        "",
        "K",
        " 100",
        "100 ",
        "٣٤",
        "4294967360",
        "18446744073709551680",
        "99999999999999999999999999",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct run r;
        char option[] = "--max-line";
        char value[64];
        char why[128];
        snprintf(value, sizeof value, "%s", bad[i]);
        char *words[] = {option, value, NULL};
        run_words(&r, words);
        assert_int_equal(r.status, EX_USAGE);
        snprintf(why, sizeof why, "--max-line must be a number from 64 to 1048576, not \"%s\"",
                 bad[i]);
        assert_non_null(strstr(r.err, why));
    }
}

static void sizes_out_of_range_do_not_wrap_around(void **state)
{
    static const char *const bad[] = {
        "4095",
        "3K",
        "2G",
        "1025M",
        "1073741825",
        "16777216G",
        "17179869184G",
        "18014398509481984K",
        "17179869185G",
        "17592186044417M",
        "18014398509481988K",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551615G",
        "4KK",
        "4KB",
        "4k",
        "8MiB",
        "0x1000",
        "-8M",
        "K4",
        "K",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char line[64];
        char why[256];
        snprintf(line, sizeof line, "--lag-limit %s", bad[i]);
        snprintf(why, sizeof why,
                 "--lag-limit must be a number from 4096 to 1073741824 (K, M, G may follow), "
                 "not \"%s\"",
                 bad[i]);
        assert_refused(line, why);
    }
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *line;
        const char *why;
    } cases[] = {
        {"--bogus", "unknown option \"--bogus\""},
        {"--check --bogus=1", "unknown option \"--bogus=1\""},
        {"-x", "unknown option \"-x\""},
        {"-xb", "unknown option \"-x\""},
        {"--check -xyz epoll", "unknown option \"-x\""},
        {"--l 1.2.3.4:5", "unknown option \"--l\""}, /* listen, lag-limit, or log-level */
        {"--check=yes", "no value can be given in \"--check=yes\""},
        {"--history", "a value is missing after \"--history\""},
        {"--check -l", "a value is missing after \"-l\""},
        {"stray", "unexpected argument \"stray\""},
        {"--check stray -b epoll", "unexpected argument \"stray\""},
        {"-- --check", "unexpected argument \"--check\""},
        {"-", "unexpected argument \"-\""},
        {"-b kqueue", "--backend must be auto, epoll or uring, not \"kqueue\""},
        {"-b EPOLL", "--backend must be auto, epoll or uring, not \"EPOLL\""},
        {"--slow drop", "--slow must be skip or close, not \"drop\""},
        {"--log-level loud", "--log-level must be error, warn, info or debug, not \"loud\""},
        {"--history 1000001", "--history must be a number from 0 to 1000000, not \"1000001\""},
        {"--max-clients 0", "--max-clients must be a number from 1 to 10000000, not \"0\""},
        {"--presence-max x", "--presence-max must be a number from 0 to 10000000, not \"x\""},
        {"-l 8888", "--listen needs ADDR:PORT, [IPV6]:PORT or unix:PATH: \"8888\" does not end in "
                    ":PORT, a number from 0 to 65535"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_refused(cases[i].line, cases[i].why);
}

/* `times` pairs of words. */
static void run_repeated(struct run *r, const char *option, const char *value, int times)
{
    static char first[32];
    static char second[512];
    char *words[ARGS_MAX] = {NULL};
    snprintf(first, sizeof first, "%s", option);
    snprintf(second, sizeof second, "%s", value);
    for (int i = 0; i < times; i++) {
        words[2 * i] = first;
        words[2 * i + 1] = second;
    }
    run_words(r, words);
}

static void what_may_be_repeated_has_a_limit(void **state)
{
    static const struct {
        const char *option;
        const char *value;
        int most;
        const char *why;
    } cases[] = {
        {"-l", "127.0.0.1:0", OPTIONS_LISTEN_MAX, "--listen may be given 16 times at most\n"},
        {"-f", "x.lua", OPTIONS_FILTERS_MAX, "--filter may be given 64 times at most\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run r;
        run_repeated(&r, cases[i].option, cases[i].value, cases[i].most);
        assert_int_equal(r.status, GO_ON);
        run_repeated(&r, cases[i].option, cases[i].value, cases[i].most + 1);
        assert_int_equal(r.status, EX_USAGE);
        assert_non_null(strstr(r.err, cases[i].why));
    }
}

static void a_long_value_does_not_crowd_out_the_reason(void **state)
{
    struct run r;
    char path[400];
    (void)state;
    memset(path, 'a', sizeof path - 1);
    memcpy(path, "unix:", 5);
    path[sizeof path - 1] = '\0';
    run_repeated(&r, "-l", path, 1);
    assert_int_equal(r.status, EX_USAGE);
    assert_non_null(strstr(r.err, "is longer than a unix socket's path may be (107 bytes)\n"));
}

/* ---- help and version ----------------------------------------------------------------------- */

static void run_for_output(struct run *r, const char *option)
{
    char word[16];
    char name[] = "chatroom_server";
    char *argv[] = {name, word, NULL};
    snprintf(word, sizeof word, "%s", option);
    unit_capture(STDOUT_FILENO);
    r->status = options_parse(&r->o, 2, argv);
    unit_captured(r->out, sizeof r->out);
    assert_int_equal(r->status, EX_OK);
}

static void help_names_every_option_in_80_columns(void **state)
{
    static const char *const words[] = {
        "-l, --listen ADDR:PORT", "-b, --backend NAME",    "-f, --filter FILE.lua",
        "    --filter-dir DIR",   "    --history N",       "    --slow skip|close",
        "    --lag-limit BYTES",  "    --max-line BYTES",  "    --max-clients N",
        "    --presence-max N",   "    --log-level LEVEL", "    --check ",
        "-V, --version ",         "-h, --help ",           "unix:PATH",
    };
    struct run help;
    struct run letter;
    (void)state;
    run_for_output(&help, "--help");
    run_for_output(&letter, "-h");
    assert_string_equal(help.out, letter.out);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        assert_non_null(strstr(help.out, words[i]));
    for (const char *line = help.out; *line;) {
        size_t width = strcspn(line, "\n");
        assert_in_range(width, 0, 79);
        assert_true(width == 0 || line[width - 1] != ' ');
        assert_int_equal(line[width], '\n');
        line += width + 1;
    }
}

static void version_is_one_line(void **state)
{
    struct run version;
    struct run letter;
    (void)state;
    run_for_output(&version, "--version");
    run_for_output(&letter, "-V");
    assert_string_equal(version.out, "chatroom_server " CHATROOM_VERSION "\n");
    assert_string_equal(letter.out, version.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_manual),
        cmocka_unit_test(every_option_sets_its_setting),
        cmocka_unit_test(values_may_stick_to_their_options),
        cmocka_unit_test(sizes_may_end_in_k_m_or_g),
        cmocka_unit_test(limits_are_taken_to_the_last_number),
        cmocka_unit_test(numbers_out_of_range_or_none_at_all_are_refused),
        cmocka_unit_test(sizes_out_of_range_do_not_wrap_around),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(what_may_be_repeated_has_a_limit),
        cmocka_unit_test(a_long_value_does_not_crowd_out_the_reason),
        cmocka_unit_test(help_names_every_option_in_80_columns),
        cmocka_unit_test(version_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
