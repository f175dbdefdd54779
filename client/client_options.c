/*
 * Reads the sources of options by the table of option_table.h: the settings file first, then the
 * environment, then the command line (getopt_long(3)). Weight is order: what comes later replaces
 * what was there.
 */
#include "client_options.h"

#include "config.h"
#include "diag.h"
#include "option_table.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    GO_ON = -1,
    LONG_BASE = 256, /* above all letters */
    NAME_MAX_SIZE = 24,
};

static int wrong_usage(void)
{
    fputs("Try \"chatroom_client --help\".\n", stderr);
    return EX_USAGE;
}

/* ---- the settings file --------------------------------------------------------------------- */

static const struct option_row *file_row(const char *name)
{
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const struct option_row *row = &option_rows[i];
        bool allowed = row->place == OPTION_IN_BOTH || row->place == OPTION_IN_FILE;
        if (allowed && strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}

/* Returns 0, or -EINVAL with a sentence in r->why. */
static int set_from_file(struct option_reading *r, const struct config_setting *setting)
{
    char why[sizeof r->why];
    const struct option_row *row = file_row(setting->name);
    if (!row) {
        snprintf(r->why, sizeof r->why, "\"%s\" is no setting", setting->name);
        return -EINVAL;
    }
    if (!setting->value && row->kind == OPTION_VALUE)
        snprintf(why, sizeof why, "needs a value");
    else if (option_set(row, r, setting->value) == 0)
        return 0;
    else
        memcpy(why, r->why, sizeof why);
    snprintf(r->why, sizeof r->why, "%s: %s", setting->name, why);
    return -EINVAL;
}

static int read_settings(struct client_options *o, const char *path)
{
    struct option_reading r = {.o = o};
    struct config_reader reader = {.rest = o->settings};
    struct config_setting setting;
    int rc;
    while ((rc = config_next(&reader, &setting)) > 0 && set_from_file(&r, &setting) == 0)
        ;
    if (rc == 0)
        return GO_ON;
    diag_log(DIAG_ERROR, "%s:%u: %s", path, reader.line,
             rc < 0 ? "this is no NAME = VALUE" : r.why);
    return wrong_usage();
}

/* The file need not be there, unless it was asked for. */
static int read_file(struct client_options *o, const struct option_reading *asked)
{
    char usual[PATH_MAX];
    const char *path = asked->config;
    if (asked->no_config || (!path && config_path(usual, sizeof usual) < 0))
        return GO_ON;
    if (!path)
        path = usual;
    int rc = config_load(path, &o->settings);
    if (rc == 0)
        return read_settings(o, path);
    if (!asked->config && (rc == -ENOENT || rc == -ENOTDIR || rc == -EACCES))
        return GO_ON;
    diag_log(DIAG_ERROR, "cannot read the settings in %s: %s", path,
             rc == -EINVAL ? "it is no text" : strerror(-rc));
    return wrong_usage();
}

/* ---- the environment ----------------------------------------------------------------------- */

static int read_variable(struct option_reading *r, const char *name, option_set_fn *set)
{
    const char *value = getenv(name);
    if (!value || !*value || set(r, value) == 0)
        return GO_ON;
    diag_log(DIAG_ERROR, "%s: %s", name, r->why);
    return wrong_usage();
}

static int read_environment(struct client_options *o)
{
    struct option_reading r = {.o = o};
    struct colour_environment env = colour_environment();
    if (colour_is_asked_for(&env))
        o->color = COLOUR_AUTO; /* and not what the file says */
    int status = read_variable(&r, "CHATROOM_HUB", option_set_hub);
    return status == GO_ON ? read_variable(&r, "CHATROOM_NICK", option_set_nick) : status;
}

/* ---- the command line ---------------------------------------------------------------------- */

/* getopt's tables. Row i has the value LONG_BASE + i, its --no-NAME LONG_BASE + OPTION_ROWS + i. */
struct tables {
    struct option longs[2 * OPTION_ROWS + 1];
    char no[OPTION_ROWS][NAME_MAX_SIZE]; /* "no-NAME" */
    char shorts[2 * OPTION_ROWS + 1];
};

static void add_long(struct tables *t, size_t *count, size_t i)
{
    static const int arguments[] = {
        [OPTION_VALUE] = required_argument,
        [OPTION_OPTIONAL] = optional_argument,
        [OPTION_BARE] = no_argument,
        [OPTION_FLAG] = no_argument,
    };
    const struct option_row *row = &option_rows[i];
    t->longs[(*count)++] =
        (struct option){row->name, arguments[row->kind], NULL, LONG_BASE + (int)i};
    if (row->kind == OPTION_FLAG || row->kind == OPTION_OPTIONAL) {
        snprintf(t->no[i], sizeof t->no[i], "no-%s", row->name);
        t->longs[(*count)++] =
            (struct option){t->no[i], no_argument, NULL, LONG_BASE + OPTION_ROWS + (int)i};
    }
}

static void make_tables(struct tables *t)
{
    char *shorts = t->shorts;
    size_t count = 0;
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        if (option_rows[i].place == OPTION_IN_FILE)
            continue;
        add_long(t, &count, i);
        if (option_rows[i].letter)
            *shorts++ = option_rows[i].letter;
        if (option_rows[i].letter && option_rows[i].kind == OPTION_VALUE)
            *shorts++ = ':';
    }
    t->longs[count] = (struct option){0};
    *shorts = '\0';
}

/* The row of what getopt found, NULL if nothing; *value becomes "no" for a --no-NAME. */
static const struct option_row *find_row(int option, const char **value)
{
    if (option >= LONG_BASE + OPTION_ROWS) {
        *value = "no";
        return &option_rows[option - LONG_BASE - OPTION_ROWS];
    }
    if (option >= LONG_BASE)
        return &option_rows[option - LONG_BASE];
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        if (option_rows[i].letter && option_rows[i].letter == option)
            return &option_rows[i];
    }
    return NULL;
}

static int show(const char *text)
{
    return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EX_OK;
}

static int take(struct option_reading *r, int option, bool in_advance)
{
    const char *value = optarg;
    const struct option_row *row = find_row(option, &value);
    if (!row)
        return wrong_usage(); /* getopt said what is wrong */
    if ((row->place == OPTION_IN_ADVANCE) != in_advance)
        return GO_ON;
    if (option_set(row, r, value) < 0) {
        diag_log(DIAG_ERROR, "--%s: %s", row->name, r->why);
        return wrong_usage();
    }
    if (r->wish == OPTION_CHAT)
        return GO_ON;
    return show(r->wish == OPTION_HELP ? option_help : "chatroom_client " CHATROOM_VERSION "\n");
}

/* One of two rounds: what comes in advance, and complaints; then the rest. */
static int read_words(struct option_reading *r, int argc, char **argv, bool in_advance)
{
    struct tables t;
    int option;
    make_tables(&t);
    optind = 0;
    opterr = in_advance;
    while ((option = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
        int status = take(r, option, in_advance);
        if (status != GO_ON)
            return status;
    }
    return GO_ON;
}

static int read_target(struct option_reading *r, int argc, char **argv)
{
    char shown[128];
    if (argc > 1) {
        diag_log(DIAG_ERROR, "one hub at a time: \"%s\" is too many",
                 diag_escape(str_of(argv[1]), shown, sizeof shown));
        return wrong_usage();
    }
    if (argc == 0 || option_set_hub(r, argv[0]) == 0)
        return GO_ON;
    diag_log(DIAG_ERROR, "%s", r->why);
    return wrong_usage();
}

/* ---- all of it ----------------------------------------------------------------------------- */

static bool is_for_programs(const struct client_options *o)
{
    return o->json || o->format || o->null || o->count > 0 || !client_options_reads_input(o);
}

/* What goes together. */
static int check(const struct client_options *o)
{
    const char *fault = NULL;
    if (o->pings > 0 && o->send_count > 0)
        fault = "--ping and --send do not go together";
    else if (o->mode == CLIENT_MODE_INTERACTIVE && is_for_programs(o))
        fault = "--interactive goes with none of --json, --format, --null, --count, --send, --ping";
    else if (o->mode == CLIENT_MODE_INTERACTIVE && !isatty(STDIN_FILENO))
        fault = "--interactive: standard input is no terminal";
    if (!fault)
        return GO_ON;
    diag_log(DIAG_ERROR, "%s", fault);
    return wrong_usage();
}

int client_options_parse(struct client_options *out, int argc, char **argv)
{
    struct option_reading r = {.o = out};
    *out = (struct client_options){
        .nick = STR(""),
        .history = CLIENT_HISTORY_ALL,
        .remember = true,
        .connect_timeout_ms = 10000,
        .linger_ms = 10000,
    };
    option_set_hub(&r, "");
    int status = read_words(&r, argc, argv, true);
    if (status == GO_ON)
        status = read_file(out, &r);
    if (status == GO_ON)
        status = read_environment(out);
    if (status == GO_ON)
        status = read_words(&r, argc, argv, false);
    if (status == GO_ON)
        status = read_target(&r, argc - optind, argv + optind);
    return status == GO_ON ? check(out) : status;
}

void client_options_fini(struct client_options *o)
{
    format_free(o->format);
    free(o->settings);
    *o = (struct client_options){0};
}

bool client_options_interactive(const struct client_options *o)
{
    if (o->mode != CLIENT_MODE_AUTO)
        return o->mode == CLIENT_MODE_INTERACTIVE;
    return !is_for_programs(o) && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool client_options_reads_input(const struct client_options *o)
{
    return o->send_count == 0 && o->pings == 0;
}
