/* How results are written for programs, and what the command line makes of options. */
#include "bench_options.h"
#include "command.h"
#include "driver.h"
#include "fields.h"
#include "unit.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <math.h>
#include <string.h>
#include <sysexits.h>

/* ---- fields ---- */

static void fill(struct fields *f)
{
    fields_count(f, "format", true, 1);
    fields_bool(f, "ok", true);
    f->object = "server";
    fields_text(f, "command", "a \"b\" \\ c\n");
    fields_text(f, "backend", NULL);
    f->object = "result";
    fields_count(f, "rss", false, 99);
    fields_real(f, "each", true, 12.5);
    fields_real(f, "none", true, NAN);
    fields_count(f, "large", true, UINT64_MAX);
}

static void assert_printed(void (*print)(const struct fields *f, FILE *to), const char *expected)
{
    struct fields f = {0};
    char text[1024] = "";
    FILE *to = fmemopen(text, sizeof text, "w");
    fill(&f);
    print(&f, to);
    fclose(to);
    assert_string_equal(text, expected);
}

static void json_has_objects_and_escapes(void **state)
{
    (void)state;
    assert_printed(fields_print_json,
                   "{\"format\":1,\"ok\":true,"
                   "\"server\":{\"command\":\"a \\\"b\\\" \\\\ c\\u000a\",\"backend\":null},"
                   "\"result\":{\"rss\":null,\"each\":12.5,\"none\":null,"
                   "\"large\":18446744073709551615}}\n");
}

static void csv_has_names_and_values(void **state)
{
    (void)state;
    assert_printed(fields_print_csv,
                   "format,ok,server.command,server.backend,result.rss,result.each,result.none,"
                   "result.large\n"
                   "1,true,\"a \"\"b\"\" \\ c\n\",,,12.5,,18446744073709551615\n");
}

/* ---- options ---- */

enum { ARGS_MAX = 16 };

/* What options_read() makes of the words of a command line, ended by NULL. It borrows from them, as
 * from main()'s, until the next call. */
static int read_words(struct options *o, const char *const *words)
{
    static char text[ARGS_MAX][64];
    static char *argv[ARGS_MAX + 1];
    char told[1024];
    bool exit_now;
    int argc = 0;
    memset(argv, 0, sizeof argv);
    snprintf(text[argc], sizeof text[0], "chatroom_bench");
    argv[argc] = text[argc];
    for (argc = 1; words[argc - 1]; argc++) {
        snprintf(text[argc], sizeof text[0], "%s", words[argc - 1]);
        argv[argc] = text[argc];
    }
    optind = 0; /* getopt begins anew */
    unit_capture(2);
    int status = options_read(o, argc, argv, &exit_now);
    unit_captured(told, sizeof told);
    return status;
}

#define READ(o, ...) read_words((o), (const char *const[]){__VA_ARGS__, NULL})

static void defaults(void **state)
{
    struct options o;
    (void)state;
    assert_int_equal(read_words(&o, (const char *const[]){NULL}), 0);
    assert_string_equal(o.load.driver->name, "line");
    assert_int_equal(o.load.shape, SHAPE_LOAD);
    assert_int_equal(o.load.members, 1000);
    assert_int_equal(o.load.senders, 1);
    assert_int_equal(o.load.window, 64);
    assert_int_equal(o.load.messages, 20000);
    assert_int_equal(o.load.warmup, 2000);
    assert_int_equal(o.load.patience_ms, 10000);
    assert_false(o.attach);
    assert_null(o.command);
}

static void an_open_loop_has_no_window(void **state)
{
    struct options o;
    (void)state;
    assert_int_equal(READ(&o, "--rate", "150"), 0);
    assert_int_equal(o.load.window, 0);
    assert_int_equal(o.load.messages, 0);
    assert_true(o.load.seconds == 5);
    assert_int_equal(o.load.warmup, 75);
}

static void where_all_talk_every_member_is_a_sender(void **state)
{
    struct options o;
    (void)state;
    assert_int_equal(
        READ(&o, "--rooms", "1000", "--members", "10", "--senders", "all", "--window", "1"), 0);
    assert_true(o.load.all_talk);
    assert_int_equal(o.load.senders, 10);
    assert_int_equal(o.load.warmup, 20000); /* two windows of all */
    assert_int_equal(options_connections(&o), 10064);
}

static void a_command_stands_behind_two_dashes(void **state)
{
    struct options o;
    struct command c;
    char port[16];
    (void)state;
    assert_int_equal(READ(&o, "--protocol", "resp", "--", "serve", "-p", "{port}", "x{port}y"), 0);
    assert_int_equal(command_make(&c, &o), 0);
    assert_int_equal(c.argc, 4);
    assert_true(c.port > 0);
    snprintf(port, sizeof port, "%u", c.port);
    assert_string_equal(c.argv[2], port);
    snprintf(port, sizeof port, "x%uy", c.port);
    assert_string_equal(c.argv[3], port);
    assert_null(c.argv[4]);
}

static void a_storm_is_told_of_who_comes(void **state)
{
    struct options o;
    struct command load;
    struct command storm;
    (void)state;
    assert_int_equal(READ(&o, "--filter", "x.lua", "--server-arg", "--slow"), 0);
    assert_int_equal(command_make(&load, &o), 0);
    assert_string_equal(load.argv[load.argc - 1], "--slow");
    assert_string_equal(load.argv[load.argc - 2], "x.lua");
    assert_string_equal(load.argv[load.argc - 5], "--presence-max");
    assert_int_equal(READ(&o, "--storm", "10"), 0);
    assert_int_equal(command_make(&storm, &o), 0);
    assert_string_equal(storm.argv[storm.argc - 2], "--max-clients");
    assert_string_equal(storm.argv[storm.argc - 1], "74");
}

static void the_cpus_can_be_named(void **state)
{
    struct options o;
    (void)state;
    assert_int_equal(READ(&o, "--pin", "3,5"), 0);
    assert_true(o.pin && o.pin_given);
    assert_int_equal(o.server_cpu, 3);
    assert_int_equal(o.load_cpu, 5);
    assert_int_equal(READ(&o, "--pin", "none"), 0);
    assert_false(o.pin);
}

static void a_server_that_runs_is_attached_to(void **state)
{
    struct options o;
    (void)state;
    assert_int_equal(READ(&o, "--connect", "127.0.0.1:6379", "--pid", "7"), 0);
    assert_true(o.attach);
    assert_int_equal(ntohs(o.connect.sin_port), 6379);
    assert_int_equal(o.pid, 7);
}

static void what_makes_no_sense_is_wrong_usage(void **state)
{
    static const char *const bad[][7] = {
        {"--members", "0"},
        {"--members", "ten"},
        {"--members", "-1"},
        {"--size", "15"},
        {"--size", "8193"},
        {"--protocol", "irc", "--size", "401"},
        {"--protocol", "smtp"},
        {"--window", "4", "--rate", "10"},
        {"--messages", "5", "--seconds", "5"},
        {"--rate", "nan"},
        {"--rate", "0"},
        {"--idle", "5", "--storm", "5"},
        {"--senders", "all", "--members", "1"},
        {"--rooms", "99999", "--senders", "3"},
        {"--backend", "kqueue"},
        {"--pin", "1"},
        {"--pin", "1,x"},
        {"--connect", "localhost:80"},
        {"--connect", "127.0.0.1:0"},
        {"--connect", "127.0.0.1:70000"},
        {"--pid", "5"},
        {"--filter", "x", "--", "serve"},
        {"--no-such-option"},
        {"stray"},
    };
    struct options o;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(read_words(&o, bad[i]), EX_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_objects_and_escapes),
        cmocka_unit_test(csv_has_names_and_values),
        cmocka_unit_test(defaults),
        cmocka_unit_test(an_open_loop_has_no_window),
        cmocka_unit_test(where_all_talk_every_member_is_a_sender),
        cmocka_unit_test(a_command_stands_behind_two_dashes),
        cmocka_unit_test(a_storm_is_told_of_who_comes),
        cmocka_unit_test(the_cpus_can_be_named),
        cmocka_unit_test(a_server_that_runs_is_attached_to),
        cmocka_unit_test(what_makes_no_sense_is_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
