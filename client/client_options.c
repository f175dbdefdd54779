/*
 * getopt_long(3), and a check for each value: what is accepted here works later.
 */
#include "client_options.h"

#include "diag.h"
#include "text.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
    GO_ON = -1,
    MS_MAX = 24 * 60 * 60 * 1000,
};

/* Long options without a letter. */
enum {
    OPT_CONNECT_TIMEOUT = 256,
    OPT_LINGER,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option long_options[] = {
    {"nick", required_argument, NULL, 'N'},
    {"connect-timeout", required_argument, NULL, OPT_CONNECT_TIMEOUT},
    {"linger", required_argument, NULL, OPT_LINGER},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

static const char help_text[] =
    "Usage: chatroom_client [OPTIONS] [HOST[:PORT] | unix:PATH]\n"
    "Chats through the hub at HOST (" DIAL_DEFAULT_HOST ") and PORT (" DIAL_DEFAULT_PORT
    "): every line of standard input is\n"
    "said, and what the others say is shown. An IPv6 address with a port is written [::1]:8888.\n"
    "\n"
    "  -N, --nick NAME           be called NAME\n"
    "      --connect-timeout MS  give up an address of the hub after MS milliseconds (10000)\n"
    "      --linger MS           at the end of input, wait for answers until the hub was silent\n"
    "                            for MS milliseconds (10000)\n"
    "      --help                show this\n"
    "      --version             show the version\n"
    "\n"
    "End with Ctrl-D or /quit; /help lists the hub's commands. Exit status: 0 fine, 1 trouble "
    "with\n"
    "input or output, 64 wrong usage, 68 unknown host, 69 no hub or the hub is gone, 128+N ended "
    "by\n"
    "signal N. See chatroom_client(1).\n";

static int show(const char *text)
{
    return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EX_OK;
}

static int wrong_usage(void)
{
    fputs("Try \"chatroom_client --help\".\n", stderr);
    return EX_USAGE;
}

static int read_ms(unsigned *out, const char *option, const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value < 1 || value > MS_MAX) {
        diag_log(DIAG_ERROR, "%s: \"%s\" is no number of milliseconds from 1 to %d", option, text,
                 MS_MAX);
        return wrong_usage();
    }
    *out = (unsigned)value;
    return GO_ON;
}

/* The hub has the last word on nicks; this is for what could never be one, such as two lines. */
static int read_nick(struct str *out, const char *text)
{
    struct str nick = str_of(text);
    char clean[TEXT_CLEAN_MAX(TEXT_NICK_MAX)];
    struct text_repairs repairs = {0};
    const char *what = text_nick_fault(nick);
    if (!what) {
        text_clean(nick, clean, &repairs);
        if (repairs.controls || repairs.invalid)
            what = "may have no control characters and must be UTF-8";
    }
    if (what) {
        char shown[128];
        diag_log(DIAG_ERROR, "--nick: \"%s\" %s", diag_escape(nick, shown, sizeof shown), what);
        return wrong_usage();
    }
    *out = nick;
    return GO_ON;
}

static int read_target(struct client_options *out, int argc, char **argv)
{
    char why[512];
    if (argc > 1) {
        diag_log(DIAG_ERROR, "one hub at a time: \"%s\" is too many", argv[1]);
        return wrong_usage();
    }
    if (dial_parse(&out->target, argc > 0 ? argv[0] : "", why, sizeof why) < 0) {
        diag_log(DIAG_ERROR, "%s", why);
        return wrong_usage();
    }
    return GO_ON;
}

static int read_option(struct client_options *out, int option, const char *value)
{
    switch (option) {
    case 'N':
        return read_nick(&out->nick, value);
    case OPT_CONNECT_TIMEOUT:
        return read_ms(&out->connect_timeout_ms, "--connect-timeout", value);
    case OPT_LINGER:
        return read_ms(&out->linger_ms, "--linger", value);
    case OPT_HELP:
        return show(help_text);
    case OPT_VERSION:
        return show("chatroom_client " CHATROOM_VERSION "\n");
    default:
        return wrong_usage(); /* getopt said what is wrong */
    }
}

int client_options_parse(struct client_options *out, int argc, char **argv)
{
    *out = (struct client_options){
        .nick = STR(""),
        .connect_timeout_ms = 10000,
        .linger_ms = 10000,
    };
    int option;
    while ((option = getopt_long(argc, argv, "N:", long_options, NULL)) != -1) {
        int status = read_option(out, option, optarg);
        if (status != GO_ON)
            return status;
    }
    return read_target(out, argc - optind, argv + optind);
}
