/* What the user asked for: every option, every mistake, the settings file, the environment, and
 * which of them weighs more. */
#include "client_options.h"
#include "diag.h"
#include "unit.h"

#include <pty.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { ARGS_MAX = 400, OUTPUT_MAX = 8192, GO_ON = -1 };

#define HINT "Try \"chatroom_client --help\".\n"

/* The folder that XDG_CONFIG_HOME names, and the file in it. */
static char folder[] = "/tmp/chatroom-options-XXXXXX";
static char settings_path[64];

struct run {
    struct client_options o;
    int status;
    char said[OUTPUT_MAX]; /* on the descriptor that was looked at */
};

/* Parses a command line of words with a space between them; keeps what is written to `fd`. */
static void run_looking(struct run *r, const char *line, int fd)
{
    static char copy[4096];
    char *argv[ARGS_MAX] = {NULL};
    char *rest = copy;
    int argc = 0;
    snprintf(copy, sizeof copy, "chatroom_client %s", line);
    for (char *word; (word = strsep(&rest, " "));) {
        assert_true(argc < ARGS_MAX - 1);
        if (*word)
            argv[argc++] = word;
    }
    unit_capture(fd);
    r->status = client_options_parse(&r->o, argc, argv);
    unit_captured(r->said, sizeof r->said);
}

static void run(struct run *r, const char *line)
{
    run_looking(r, line, STDERR_FILENO);
}

static void assert_accepted(struct run *r, const char *line)
{
    run(r, line);
    assert_string_equal(r->said, "");
    assert_int_equal(r->status, GO_ON);
}

/* Refused with this, behind "chatroom_client: " and before the hint. */
static void assert_refused(const char *line, const char *why)
{
    struct run r;
    char expected[OUTPUT_MAX];
    run(&r, line);
    snprintf(expected, sizeof expected, "chatroom_client: %s\n" HINT, why);
    assert_string_equal(r.said, expected);
    assert_int_equal(r.status, EX_USAGE);
    client_options_fini(&r.o);
}

/* Makes this the settings file. */
static void settings(const char *text)
{
    FILE *file = fopen(settings_path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int no_settings(void **state)
{
    (void)state;
    unlink(settings_path);
    unsetenv("CHATROOM_HUB");
    unsetenv("CHATROOM_NICK");
    unsetenv("NO_COLOR");
    unsetenv("CLICOLOR_FORCE");
    return 0;
}

/* ---- the command line ---------------------------------------------------------------------- */

static void without_options_there_are_defaults(void **state)
{
    struct run r;
    (void)state;
    assert_accepted(&r, "");
    assert_string_equal(r.o.target.host, "127.0.0.1");
    assert_string_equal(r.o.target.port, "8888");
    assert_str(r.o.hub_name, STR("127.0.0.1:8888"));
    assert_int_equal(r.o.nick.size, 0);
    assert_int_equal(r.o.room_count, 0);
    assert_int_equal(r.o.history, CLIENT_HISTORY_ALL);
    assert_false(r.o.reconnect);
    assert_int_equal(r.o.connect_timeout_ms, 10000);
    assert_int_equal(r.o.linger_ms, 10000);
    assert_int_equal(r.o.mode, CLIENT_MODE_AUTO);
    assert_int_equal(r.o.color, COLOUR_AUTO);
    assert_true(r.o.remember);
    assert_false(r.o.bell || r.o.json || r.o.timestamps || r.o.null || r.o.stay || r.o.quiet);
    assert_null(r.o.format);
    assert_int_equal(r.o.count, 0);
    assert_int_equal(r.o.timeout_ms, 0);
    assert_int_equal(r.o.idle_ms, 0);
    assert_int_equal(r.o.send_count, 0);
    assert_int_equal(r.o.pings, 0);
    assert_true(client_options_reads_input(&r.o));
    client_options_fini(&r.o);
}

static void every_option_sets_its_field(void **state)
{
    struct run r;
    (void)state;
    assert_accepted(
        &r, "-N ann -r #a --room #B --history 5 --reconnect=7 --connect-timeout 1 --linger 2 "
            "--color always --bell --no-remember --batch --json -t -0 -q -C 9 -W 1.5 --idle 0.25 "
            "-n localhost:99");
    assert_str(r.o.nick, STR("ann"));
    assert_int_equal(r.o.room_count, 2);
    assert_str(r.o.rooms[0], STR("#a"));
    assert_str(r.o.rooms[1], STR("#B"));
    assert_int_equal(r.o.history, 5);
    assert_true(r.o.reconnect);
    assert_int_equal(r.o.reconnect_max, 7);
    assert_int_equal(r.o.connect_timeout_ms, 1);
    assert_int_equal(r.o.linger_ms, 2);
    assert_int_equal(r.o.color, COLOUR_ALWAYS);
    assert_true(r.o.bell && r.o.json && r.o.timestamps && r.o.null && r.o.stay && r.o.quiet);
    assert_false(r.o.remember);
    assert_int_equal(r.o.mode, CLIENT_MODE_BATCH);
    assert_int_equal(r.o.count, 9);
    assert_int_equal(r.o.timeout_ms, 1500);
    assert_int_equal(r.o.idle_ms, 250);
    assert_string_equal(r.o.target.host, "localhost");
    assert_string_equal(r.o.target.port, "99");
    assert_str(r.o.hub_name, STR("localhost:99"));
    client_options_fini(&r.o);
}

static void long_names_do_the_same(void **state)
{
    struct run r;
    (void)state;
    assert_accepted(
        &r, "--nick=bob --room=#c --format=%m --timestamps --null --count=3 --timeout=2 --stay "
            "--color=never --history=all --reconnect");
    assert_str(r.o.nick, STR("bob"));
    assert_non_null(r.o.format);
    assert_true(r.o.timestamps && r.o.null && r.o.stay && r.o.reconnect);
    assert_int_equal(r.o.count, 3);
    assert_int_equal(r.o.timeout_ms, 2000);
    assert_int_equal(r.o.color, COLOUR_NEVER);
    assert_int_equal(r.o.history, CLIENT_HISTORY_ALL);
    assert_int_equal(r.o.reconnect_max, 0);
    client_options_fini(&r.o);
}

static void sends_and_pings_read_no_input(void **state)
{
    struct run r;
    (void)state;
    assert_accepted(&r, "--send a --send=/who");
    assert_int_equal(r.o.send_count, 2);
    assert_str(r.o.sends[1], STR("/who"));
    assert_false(client_options_reads_input(&r.o));
    assert_accepted(&r, "--ping");
    assert_int_equal(r.o.pings, 10);
    assert_false(client_options_reads_input(&r.o));
    assert_accepted(&r, "--ping=100000 --json");
    assert_int_equal(r.o.pings, 100000);
    client_options_fini(&r.o);
}

static void the_later_of_json_and_format_counts(void **state)
{
    struct run r;
    (void)state;
    assert_accepted(&r, "-F %m -F %n --json");
    assert_true(r.o.json);
    assert_null(r.o.format);
    assert_accepted(&r, "--json -F %m");
    assert_false(r.o.json);
    assert_non_null(r.o.format);
    client_options_fini(&r.o);
}

static void flags_can_be_taken_back(void **state)
{
    struct run r;
    (void)state;
    assert_accepted(&r,
                    "--bell --no-bell -t --no-timestamps -0 --no-null -n --no-stay --no-remember "
                    "--remember --reconnect=3 --no-reconnect --ping --no-ping");
    assert_false(r.o.bell || r.o.timestamps || r.o.null || r.o.stay || r.o.reconnect);
    assert_true(r.o.remember);
    assert_int_equal(r.o.pings, 0);
}

static void seconds_have_three_decimals(void **state)
{
    static const struct {
        const char *text;
        unsigned ms;
    } cases[] = {{"1", 1000},      {"0.001", 1},  {"0.5", 500},           {"2.", 2000},
                 {"10.25", 10250}, {"007", 7000}, {"1000000", 1000000000}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run r;
        char line[64];
        snprintf(line, sizeof line, "-W %s", cases[i].text);
        assert_accepted(&r, line);
        assert_int_equal(r.o.timeout_ms, cases[i].ms);
    }
}

static void wrong_values_are_refused(void **state)
{
    static const struct {
        const char *line;
        const char *why;
    } cases[] = {
        {"--nick=", "error: --nick: \"\" is empty"},
        {"-N a:b", "error: --nick: \"a:b\" may have none of : # @ * ! /"},
        {"-N a\x1b", "error: --nick: \"a\\x1b\" may have no control characters and must be UTF-8"},
        {"-N \xff", "error: --nick: \"\\xff\" may have no control characters and must be UTF-8"},
        {"-r lobby", "error: --room: \"lobby\" is no room: rooms are written #name"},
        {"-r #", "error: --room: \"#\" is no room: rooms are written #name"},
        {"-r #a -r #A", "error: --room: \"#A\" is given twice"},
        {"-r #a\xff", "error: --room: \"#a\\xff\" may have no control characters and must be "
                      "UTF-8"},
        {"--history 1000001", "error: --history: \"1000001\" is no number from 0 to 1000000"},
        {"--history -1", "error: --history: \"-1\" is no number from 0 to 1000000"},
        {"--reconnect=0", "error: --reconnect: \"0\" is no number from 1 to 1000000"},
        {"--color=blue", "error: --color: \"blue\" is not auto, always or never"},
        {"-F %x", "error: --format: \"%x\" has an unknown letter: %x"},
        {"-C 0", "error: --count: \"0\" is no number from 1 to 1000000000000"},
        {"-C 99999999999999999999", "error: --count: \"99999999999999999999\" is no number from 1 "
                                    "to 1000000000000"},
        {"-C 1x", "error: --count: \"1x\" is no number from 1 to 1000000000000"},
        {"-W 0", "error: --timeout: \"0\" is no number of seconds from 0.001 to 1000000"},
        {"-W 0.0001", "error: --timeout: \"0.0001\" is no number of seconds from 0.001 to 1000000"},
        {"-W .", "error: --timeout: \".\" is no number of seconds from 0.001 to 1000000"},
        {"-W 1.x", "error: --timeout: \"1.x\" is no number of seconds from 0.001 to 1000000"},
        {"-W 1000001", "error: --timeout: \"1000001\" is no number of seconds from 0.001 to "
                       "1000000"},
        {"--idle -5", "error: --idle: \"-5\" is no number of seconds from 0.001 to 1000000"},
        {"--linger 0", "error: --linger: \"0\" is no number from 1 to 86400000"},
        {"--connect-timeout 1e3", "error: --connect-timeout: \"1e3\" is no number "
                                  "from 1 to 86400000"},
        {"--ping=0", "error: --ping: \"0\" is no number from 1 to 100000"},
        {"a b", "error: one hub at a time: \"b\" is too many"},
        {"localhost:0", "error: \"localhost:0\" does not end in a port number from 1 to 65535"},
        {"--ping --send x", "error: --ping and --send do not go together"},
        {"--interactive --json", "error: --interactive goes with none of --json, --format, --null, "
                                 "--count, --send, --ping"},
        {"--config /nowhere/at/all", "error: cannot read the settings in /nowhere/at/all: No such "
                                     "file or directory"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_refused(cases[i].line, cases[i].why);
}

static void unknown_options_are_refused(void **state)
{
    static const char *const lines[] = {"--no-such",  "-x",        "-N",      "--room",
                                        "--bell=yes", "--no-json", "--hub=x", "--no"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct run r;
        run(&r, lines[i]);
        assert_int_equal(r.status, EX_USAGE);
        assert_non_null(strstr(r.said, "chatroom_client: "));
        assert_non_null(strstr(r.said, HINT));
    }
}

static void rooms_and_sends_have_limits(void **state)
{
    char line[4096] = "";
    struct run r;
    (void)state;
    for (int i = 0; i < CLIENT_ROOMS_MAX; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), "-r #r%d --send x ", i);
    assert_accepted(&r, line);
    assert_int_equal(r.o.room_count, CLIENT_ROOMS_MAX);
    assert_int_equal(r.o.send_count, CLIENT_SENDS_MAX);
    assert_str(r.o.rooms[CLIENT_ROOMS_MAX - 1], STR("#r63"));
    size_t used = strlen(line);
    snprintf(line + used, sizeof line - used, "-r #more");
    assert_refused(line, "error: --room: may be given 64 times at most");
    snprintf(line + used, sizeof line - used, "--send more");
    assert_refused(line, "error: --send: may be given 64 times at most");
}

static void help_and_version_come_first(void **state)
{
    static const char *const lines[] = {"--help", "-h", "-C 0 -h x y z"};
    struct run r;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        run_looking(&r, lines[i], STDOUT_FILENO);
        assert_int_equal(r.status, EX_OK);
        assert_true(strncmp(r.said, "Usage: chatroom_client", 22) == 0);
    }
    run_looking(&r, "-V", STDOUT_FILENO);
    assert_int_equal(r.status, EX_OK);
    assert_string_equal(r.said, "chatroom_client " CHATROOM_VERSION "\n");
}

/* ---- the settings file --------------------------------------------------------------------- */

static void the_file_has_the_same_names(void **state)
{
    struct run r;
    (void)state;
    settings("hub = [::1]:7\nnick = ann\nroom = #a\nroom = #b\nhistory = 3\nreconnect = 4\n"
             "color = never\nbell\nremember = no\nformat = \"%n \"\ntimestamps = yes\n"
             "linger = 5\nconnect-timeout = 6\n");
    assert_accepted(&r, "");
    assert_string_equal(r.o.target.host, "::1");
    assert_str(r.o.hub_name, STR("[::1]:7"));
    assert_str(r.o.nick, STR("ann"));
    assert_int_equal(r.o.room_count, 2);
    assert_str(r.o.rooms[1], STR("#b"));
    assert_int_equal(r.o.history, 3);
    assert_true(r.o.reconnect);
    assert_int_equal(r.o.reconnect_max, 4);
    assert_int_equal(r.o.color, COLOUR_NEVER);
    assert_true(r.o.bell && r.o.timestamps);
    assert_false(r.o.remember);
    assert_non_null(r.o.format);
    assert_int_equal(r.o.linger_ms, 5);
    assert_int_equal(r.o.connect_timeout_ms, 6);
    client_options_fini(&r.o);
}

static void the_command_line_weighs_more(void **state)
{
    struct run r;
    (void)state;
    settings("hub = far\nnick = ann\nroom = #a\nroom = #b\nreconnect\nbell\nformat = %m\n");
    assert_accepted(&r, "-N bob -r #c --no-reconnect --no-bell --json near");
    assert_str(r.o.hub_name, STR("near"));
    assert_str(r.o.nick, STR("bob"));
    assert_int_equal(r.o.room_count, 1);
    assert_str(r.o.rooms[0], STR("#c"));
    assert_false(r.o.reconnect || r.o.bell);
    assert_true(r.o.json);
    client_options_fini(&r.o);
}

static void the_environment_is_in_between(void **state)
{
    struct run r;
    (void)state;
    settings("hub = far\nnick = ann\ncolor = always\n");
    setenv("CHATROOM_HUB", "middle:1", 1);
    setenv("CHATROOM_NICK", "mid", 1);
    setenv("NO_COLOR", "1", 1);
    assert_accepted(&r, "");
    assert_str(r.o.hub_name, STR("middle:1"));
    assert_str(r.o.nick, STR("mid"));
    assert_int_equal(r.o.color, COLOUR_AUTO); /* which NO_COLOR makes a no */
    client_options_fini(&r.o);
    assert_accepted(&r, "-N bob --color=always near");
    assert_str(r.o.hub_name, STR("near"));
    assert_str(r.o.nick, STR("bob"));
    assert_int_equal(r.o.color, COLOUR_ALWAYS);
    client_options_fini(&r.o);
    setenv("CHATROOM_NICK", "a b", 1);
    assert_refused("", "error: CHATROOM_NICK: \"a b\" may have no spaces");
    setenv("CHATROOM_NICK", "", 1);
    setenv("CHATROOM_HUB", "x:y", 1);
    assert_refused("", "error: CHATROOM_HUB: \"x:y\" does not end in a port number from 1 to "
                       "65535");
}

static void mistakes_name_file_and_line(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *why;
    } cases[] = {
        {"\nnick = a b\n", 2, "nick: \"a b\" may have no spaces"},
        {"# x\n\nno-such = 1", 3, "\"no-such\" is no setting"},
        {"nick", 1, "nick: needs a value"},
        {"nick =", 1, "nick: \"\" is empty"},
        {"bell = maybe", 1, "bell: \"maybe\" is not yes or no"},
        {"reconnect = soon", 1, "reconnect: \"soon\" is no number from 1 to 1000000"},
        {"send = x", 1, "\"send\" is no setting"},
        {"help", 1, "\"help\" is no setting"},
        {"config = x", 1, "\"config\" is no setting"},
        {"[nick]", 1, "this is no NAME = VALUE"},
        {"hub = :x", 1, "hub: \":x\" does not end in a port number from 1 to 65535"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char why[512];
        settings(cases[i].text);
        snprintf(why, sizeof why, "error: %s:%u: %s", settings_path, cases[i].line, cases[i].why);
        assert_refused("", why);
    }
}

static void another_file_or_none(void **state)
{
    struct run r;
    char path[128];
    char line[256];
    (void)state;
    settings("nick = ann\n");
    snprintf(path, sizeof path, "%s/other", folder);
    assert_int_equal(rename(settings_path, path), 0);
    settings("nick = wrong nick\n");
    snprintf(line, sizeof line, "--config %s", path);
    assert_accepted(&r, line);
    assert_str(r.o.nick, STR("ann"));
    client_options_fini(&r.o);
    assert_accepted(&r, "--no-config");
    assert_int_equal(r.o.nick.size, 0);
    unlink(path);
}

static void a_folder_for_a_file_is_a_fault(void **state)
{
    char why[256];
    (void)state;
    assert_int_equal(mkdir(settings_path, 0700), 0);
    snprintf(why, sizeof why, "error: cannot read the settings in %s: Is a directory",
             settings_path);
    assert_refused("", why);
    rmdir(settings_path);
}

static void memory_may_end(void **state)
{
    (void)state;
    settings("nick = ann\nformat = %m\n");
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct run r;
        run(&r, "-F %n");
        assert_true(r.status == GO_ON || unit_alloc_failed());
        client_options_fini(&r.o);
    }
    unit_alloc_fail_at(-1);
}

/* ---- terminals ----------------------------------------------------------------------------- */

/* Which face it gets with standard input and output being these descriptors. */
static bool interactive(const char *line, int in, int out)
{
    int saved[] = {dup(STDIN_FILENO), dup(STDOUT_FILENO)};
    struct run r;
    fflush(stdout);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    run(&r, line);
    bool is = client_options_interactive(&r.o);
    int status = r.status;
    client_options_fini(&r.o);
    dup2(saved[0], STDIN_FILENO);
    dup2(saved[1], STDOUT_FILENO);
    close(saved[0]);
    close(saved[1]);
    assert_int_equal(status, GO_ON);
    return is;
}

static void terminals_are_for_people(void **state)
{
    static const char *const for_programs[] = {"--json", "-F %m",   "-0",      "-C 1",
                                               "--ping", "--batch", "--send x"};
    int ends[2];
    int other;
    int terminal;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(openpty(&other, &terminal, NULL, NULL, NULL), 0);
    assert_true(interactive("", terminal, terminal));
    assert_true(interactive("-t -n -W 5 --idle 5", terminal, terminal));
    assert_false(interactive("", terminal, ends[1]));
    assert_false(interactive("", ends[0], terminal));
    assert_true(interactive("--interactive", terminal, ends[1]));
    for (size_t i = 0; i < COUNT_OF(for_programs); i++)
        assert_false(interactive(for_programs[i], terminal, terminal));
    close(ends[0]);
    close(ends[1]);
    close(other);
    close(terminal);
}

static void interactive_needs_a_terminal(void **state)
{
    int saved = dup(STDIN_FILENO);
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    dup2(ends[0], STDIN_FILENO);
    assert_refused("--interactive", "error: --interactive: standard input is no terminal");
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(ends[0]);
    close(ends[1]);
}

static int make_folder(void **state)
{
    char below[64];
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(below, sizeof below, "%s/chatroom", folder);
    snprintf(settings_path, sizeof settings_path, "%s/client.conf", below);
    setenv("XDG_CONFIG_HOME", folder, 1);
    return mkdir(below, 0700);
}

static int remove_folder(void **state)
{
    char below[64];
    (void)state;
    unlink(settings_path);
    snprintf(below, sizeof below, "%s/chatroom", folder);
    rmdir(below);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_options_there_are_defaults, no_settings),
        cmocka_unit_test_setup(every_option_sets_its_field, no_settings),
        cmocka_unit_test_setup(long_names_do_the_same, no_settings),
        cmocka_unit_test_setup(sends_and_pings_read_no_input, no_settings),
        cmocka_unit_test_setup(the_later_of_json_and_format_counts, no_settings),
        cmocka_unit_test_setup(flags_can_be_taken_back, no_settings),
        cmocka_unit_test_setup(seconds_have_three_decimals, no_settings),
        cmocka_unit_test_setup(wrong_values_are_refused, no_settings),
        cmocka_unit_test_setup(unknown_options_are_refused, no_settings),
        cmocka_unit_test_setup(rooms_and_sends_have_limits, no_settings),
        cmocka_unit_test_setup(help_and_version_come_first, no_settings),
        cmocka_unit_test_setup(the_file_has_the_same_names, no_settings),
        cmocka_unit_test_setup(the_command_line_weighs_more, no_settings),
        cmocka_unit_test_setup(the_environment_is_in_between, no_settings),
        cmocka_unit_test_setup(mistakes_name_file_and_line, no_settings),
        cmocka_unit_test_setup(another_file_or_none, no_settings),
        cmocka_unit_test_setup(a_folder_for_a_file_is_a_fault, no_settings),
        cmocka_unit_test_setup(memory_may_end, no_settings),
        cmocka_unit_test_setup(terminals_are_for_people, no_settings),
        cmocka_unit_test_setup(interactive_needs_a_terminal, no_settings),
    };
    diag_init("chatroom_client", DIAG_INFO);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
