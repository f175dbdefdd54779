/* The command line; see options.h. getopt_long(3) does the splitting. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
    DEFAULT_MAX_LINE = 8192,
    DEFAULT_HISTORY = 20,
    DEFAULT_PRESENCE = 100,
    DEFAULT_LAG_LIMIT = 8 << 20,
    LEAST_MAX_LINE = 64,
    MOST_MAX_LINE = 1 << 20,
    LEAST_LAG_LIMIT = 4 << 10,
    MOST_CLIENTS = 10000000,
};

#define MOST_LAG_LIMIT (1ULL << 30)

/* Sets one option; returns 0, or -EINVAL with the rest of a sentence in `why`. */
typedef int set_fn(struct options *o, const char *value, char *why, size_t why_size);

struct row {
    char letter; /* 0: long only */
    const char *name;
    const char *value; /* NULL: takes none */
    const char *help;
    set_fn *set; /* NULL: help and version */
};

/* A whole number, with K, M or G where `units` says so. */
static int parse_number(const char *text, unsigned long long low, unsigned long long high,
                        bool units, unsigned long long *out, char *why, size_t why_size)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    bool good = *text >= '0' && *text <= '9' && errno == 0;
    unsigned shift = 0;
    if (units && *end != '\0' && strchr("KMG", *end))
        shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 30;
    if (shift > 0)
        end++;
    if (n > high >> shift)
        good = false;
    *out = n << shift;
    if (good && *end == '\0' && *out >= low && *out <= high)
        return 0;
    snprintf(why, why_size, "must be a number from %llu to %llu%s, not \"%s\"", low, high,
             units ? " (K, M, G may follow)" : "", text);
    return -EINVAL;
}

static int parse_u32(uint32_t *field, const char *text, unsigned long long low,
                     unsigned long long high, char *why, size_t why_size)
{
    unsigned long long n;
    int rc = parse_number(text, low, high, false, &n, why, why_size);
    if (rc == 0)
        *field = (uint32_t)n;
    return rc;
}

static int set_listen(struct options *o, const char *value, char *why, size_t why_size)
{
    if (o->listen_count == OPTIONS_LISTEN_MAX) {
        snprintf(why, why_size, "may be given %d times at most", OPTIONS_LISTEN_MAX);
        return -EINVAL;
    }
    char fault[200];
    int rc = address_parse(&o->listen[o->listen_count], value, fault, sizeof fault);
    if (rc < 0)
        snprintf(why, why_size, "needs ADDR:PORT, [IPV6]:PORT or unix:PATH: %s", fault);
    else
        o->listen_count++;
    return rc;
}

static int set_backend(struct options *o, const char *value, char *why, size_t why_size)
{
    if (netpoll_backend_parse(value, &o->backend) == 0)
        return 0;
    snprintf(why, why_size, "must be auto, epoll or uring, not \"%s\"", value);
    return -EINVAL;
}

static int set_filter(struct options *o, const char *value, char *why, size_t why_size)
{
    if (o->filter_count == OPTIONS_FILTERS_MAX) {
        snprintf(why, why_size, "may be given %d times at most", OPTIONS_FILTERS_MAX);
        return -EINVAL;
    }
    o->filters[o->filter_count++] = value;
    return 0;
}

static int set_filter_dir(struct options *o, const char *value, char *why, size_t why_size)
{
    (void)why;
    (void)why_size;
    o->filter_dir = value;
    return 0;
}

static int set_setting(struct options *o, const char *value, char *why, size_t why_size)
{
    const char *dot = strchr(value, '.');
    const char *equals = strchr(value, '=');
    if (!dot || !equals || dot == value || dot + 1 >= equals) {
        snprintf(why, why_size, "must be NAME.KEY=VALUE, not \"%s\"", value);
        return -EINVAL;
    }
    if (o->setting_count == OPTIONS_SETTINGS_MAX) {
        snprintf(why, why_size, "may be given %d times at most", OPTIONS_SETTINGS_MAX);
        return -EINVAL;
    }
    o->settings[o->setting_count++] = value;
    return 0;
}

static int set_shadow(struct options *o, const char *value, char *why, size_t why_size)
{
    (void)why;
    (void)why_size;
    o->shadow = value;
    return 0;
}

static int set_watch(struct options *o, const char *value, char *why, size_t why_size)
{
    (void)value;
    (void)why;
    (void)why_size;
    o->watch = true;
    return 0;
}

static int set_user(struct options *o, const char *value, char *why, size_t why_size)
{
    (void)why;
    (void)why_size;
    o->user = value;
    return 0;
}

static int set_seccomp(struct options *o, const char *value, char *why, size_t why_size)
{
    o->seccomp = strcmp(value, "on") == 0;
    if (o->seccomp || strcmp(value, "off") == 0)
        return 0;
    snprintf(why, why_size, "must be on or off, not \"%s\"", value);
    return -EINVAL;
}

static int set_history(struct options *o, const char *value, char *why, size_t why_size)
{
    return parse_u32(&o->limits.history, value, 0, 1000000, why, why_size);
}

static int set_slow(struct options *o, const char *value, char *why, size_t why_size)
{
    bool skip = strcmp(value, "skip") == 0;
    if (!skip && strcmp(value, "close") != 0) {
        snprintf(why, why_size, "must be skip or close, not \"%s\"", value);
        return -EINVAL;
    }
    o->limits.slow = skip ? SLOW_SKIP : SLOW_CLOSE;
    return 0;
}

static int set_lag_limit(struct options *o, const char *value, char *why, size_t why_size)
{
    unsigned long long n;
    int rc = parse_number(value, LEAST_LAG_LIMIT, MOST_LAG_LIMIT, true, &n, why, why_size);
    if (rc == 0)
        o->limits.lag_limit = (size_t)n;
    return rc;
}

static int set_max_line(struct options *o, const char *value, char *why, size_t why_size)
{
    return parse_u32(&o->limits.max_line, value, LEAST_MAX_LINE, MOST_MAX_LINE, why, why_size);
}

static int set_max_clients(struct options *o, const char *value, char *why, size_t why_size)
{
    return parse_u32(&o->limits.max_clients, value, 1, MOST_CLIENTS, why, why_size);
}

static int set_presence(struct options *o, const char *value, char *why, size_t why_size)
{
    return parse_u32(&o->limits.presence_max, value, 0, MOST_CLIENTS, why, why_size);
}

static int set_log_level(struct options *o, const char *value, char *why, size_t why_size)
{
    if (diag_level_parse(value, &o->log_level) == 0)
        return 0;
    snprintf(why, why_size, "must be error, warn, info or debug, not \"%s\"", value);
    return -EINVAL;
}

static int set_check(struct options *o, const char *value, char *why, size_t why_size)
{
    (void)value;
    (void)why;
    (void)why_size;
    o->check = true;
    return 0;
}

static const struct row rows[] = {
    {'l', "listen", "ADDR:PORT", "listen there; repeatable (127.0.0.1:8888)", set_listen},
    {'b', "backend", "NAME", "auto, epoll or uring (auto)", set_backend},
    {'f', "filter", "FILE.lua", "a filter; repeatable, they run in this order", set_filter},
    {0, "filter-dir", "DIR", "all *.lua files there, by name, after those of -f", set_filter_dir},
    {0, "set", "NAME.KEY=VALUE", "a setting of filter NAME; repeatable", set_setting},
    {0, "shadow", "FILE.lua", "a candidate filter: watched, without effect", set_shadow},
    {0, "watch", NULL, "reload the filters when their files change", set_watch},
    {0, "history", "N", "messages a room keeps for newcomers (20)", set_history},
    {0, "slow", "skip|close", "what happens to those who read too slowly (skip)", set_slow},
    {0, "lag-limit", "BYTES", "how far they may lag behind; K, M, G (8M)", set_lag_limit},
    {0, "max-line", "BYTES", "longest line of input (8192)", set_max_line},
    {0, "max-clients", "N", "most clients (what the descriptor limit allows)", set_max_clients},
    {0, "presence-max", "N", "announce joins and leaves in rooms of up to N (100)", set_presence},
    {0, "user", "NAME", "become this user once bound (root only)", set_user},
    {0, "seccomp", "on|off", "give up system calls a hub does not need (on)", set_seccomp},
    {0, "log-level", "LEVEL", "error, warn, info or debug (info)", set_log_level},
    {0, "check", NULL, "check settings, filters, their tests: 0 or 78", set_check},
    {'V', "version", NULL, "print the version and exit", NULL},
    {'h', "help", NULL, "print this and exit", NULL},
};

enum { ROWS = sizeof rows / sizeof *rows, LONG_BASE = 256 };

static void print_help(void)
{
    printf("Usage: chatroom_server [OPTIONS]\n\nA chat hub. Try: nc localhost 8888\n\n");
    for (size_t i = 0; i < ROWS; i++) {
        char option[64];
        const struct row *row = &rows[i];
        snprintf(option, sizeof option, "--%s%s%s", row->name, row->value ? " " : "",
                 row->value ? row->value : "");
        printf("  %c%c%s %-20s %s\n", row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
               row->letter ? "," : " ", option, row->help);
    }
    printf("\nADDR:PORT may be [::1]:8888 or unix:PATH as well; port 0 takes a free one.\n"
           "Signals: TERM, INT stop politely; HUP reloads filters; USR1 logs the counters.\n"
           "Exit status: 0 fine, 64 wrong usage, 69 cannot listen, 78 a filter is wrong.\n"
           "See chatroom_server(8) and chatroom_protocol(7).\n");
}

static int usage_fault(const char *what, const char *why)
{
    fprintf(stderr, "chatroom_server: %s%s%s\nTry chatroom_server --help.\n", what, *why ? " " : "",
            why);
    return EX_USAGE;
}

/* getopt's tables: row i has the value LONG_BASE + i. */
static void make_tables(struct option longs[ROWS + 1], char shorts[2 * ROWS + 3])
{
    *shorts++ = ':';
    for (size_t i = 0; i < ROWS; i++) {
        int argument = rows[i].value ? required_argument : no_argument;
        longs[i] = (struct option){rows[i].name, argument, NULL, LONG_BASE + (int)i};
        if (!rows[i].letter)
            continue;
        *shorts++ = rows[i].letter;
        if (rows[i].value)
            *shorts++ = ':';
    }
    longs[ROWS] = (struct option){0};
    *shorts = '\0';
}

static const struct row *find_row(int option)
{
    if (option >= LONG_BASE)
        return &rows[option - LONG_BASE];
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].letter && rows[i].letter == option)
            return &rows[i];
    }
    return NULL;
}

/* getopt did not like it. A letter stands in optopt: it may be in the middle of an argument. */
static int option_fault(int option, char *const *argv)
{
    char what[128];
    const char letter[] = {'-', (char)optopt, '\0'};
    const char *fault = option == ':'         ? "a value is missing after"
                        : optopt >= LONG_BASE ? "no value can be given in"
                                              : "unknown option";
    bool is_long = optopt == 0 || optopt >= LONG_BASE;
    snprintf(what, sizeof what, "%s \"%s\"", fault, is_long ? argv[optind - 1] : letter);
    return usage_fault(what, "");
}

/* Handles one option of getopt's. -1 to go on, otherwise the exit status. */
static int take(struct options *o, int option, char *const *argv)
{
    char what[128];
    char why[256] = "";
    const struct row *row = find_row(option);
    if (!row)
        return option_fault(option, argv);
    if (!row->set) {
        if (row->letter == 'h')
            print_help();
        else
            printf("chatroom_server %s\n", CHATROOM_VERSION);
        return fflush(stdout) == 0 ? 0 : EX_IOERR;
    }
    if (row->set(o, optarg, why, sizeof why) == 0)
        return -1;
    snprintf(what, sizeof what, "--%s", row->name);
    return usage_fault(what, why);
}

int options_parse(struct options *o, int argc, char **argv)
{
    struct option longs[ROWS + 1];
    char shorts[2 * ROWS + 3];
    *o = (struct options){
        .backend = NETPOLL_AUTO,
        .log_level = DIAG_INFO,
        .seccomp = true,
        .limits =
            {
                .max_line = DEFAULT_MAX_LINE,
                .history = DEFAULT_HISTORY,
                .presence_max = DEFAULT_PRESENCE,
                .lag_limit = DEFAULT_LAG_LIMIT,
                .slow = SLOW_SKIP,
            },
    };
    make_tables(longs, shorts);
    opterr = 0;
    optind = 0;
    int option;
    while ((option = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        int status = take(o, option, argv);
        if (status >= 0)
            return status;
    }
    if (optind < argc) {
        char what[128];
        snprintf(what, sizeof what, "unexpected argument \"%s\"", argv[optind]);
        return usage_fault(what, "");
    }
    return -1;
}
