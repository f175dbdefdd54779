/*
 * What the user asked for: the command line, the environment and the settings file, in this order
 * of weight. Every option is a row of the table in client_options.c; it has the same name in the
 * settings file (see config.h); --help and chatroom_client(1) have all of them.
 */
#ifndef CHATROOM_CLIENT_OPTIONS_H
#define CHATROOM_CLIENT_OPTIONS_H

#include "colour.h"
#include "dial.h"
#include "format.h"
#include "str.h"

#include <stdint.h>

enum {
    CLIENT_ROOMS_MAX = 64, /* as many as the hub lets one connection enter */
    CLIENT_SENDS_MAX = 64,
};

/* Of `history`: all that the hub keeps. */
#define CLIENT_HISTORY_ALL UINT32_MAX

enum client_mode { CLIENT_MODE_AUTO, CLIENT_MODE_INTERACTIVE, CLIENT_MODE_BATCH };

struct client_options {
    /* where to, and as whom */
    struct dial_target target;
    struct str hub_name;                /* the target as the user wrote it */
    struct str nick;                    /* empty: what the hub gives */
    struct str rooms[CLIENT_ROOMS_MAX]; /* instead of the lobby, with '#'; the last is current */
    size_t room_count;
    uint32_t history;            /* messages to show of each replay, or CLIENT_HISTORY_ALL */
    bool reconnect;              /* when the connection is lost */
    uint32_t reconnect_max;      /* attempts in a row; 0: no limit */
    unsigned connect_timeout_ms; /* for each address of the hub, and for an answer to --ping */

    /* how it looks */
    enum client_mode mode; /* see client_options_interactive() */
    enum colour_when color;
    bool bell;             /* ring when one's nick is mentioned */
    bool remember;         /* keep typed lines in the history file */
    bool json;             /* the hub's JSON */
    struct format *format; /* of -F; or NULL */
    bool timestamps;
    bool null;  /* records end in NUL, not in newline */
    bool quiet; /* of what is no message and no answer, show errors only */

    /* when it ends */
    uint64_t count;      /* messages; 0: no limit */
    unsigned timeout_ms; /* in all; 0: no limit, as for idle_ms */
    unsigned idle_ms;    /* without a message or anything else from the hub */
    unsigned linger_ms;  /* how long the hub may be silent once all was said */
    bool stay;           /* after the end of input */

    /* instead of standard input */
    struct str sends[CLIENT_SENDS_MAX]; /* texts; each is one or more lines */
    size_t send_count;
    uint32_t pings; /* 0: no probe */

    char *settings; /* the settings file's text: some of the above borrow from it */
};

/*
 * Reads settings file, environment (CHATROOM_HUB, CHATROOM_NICK, NO_COLOR, CLICOLOR_FORCE,
 * XDG_CONFIG_HOME, HOME) and command line. Strings are borrowed from argv, the environment and
 * out->settings. Returns -1 to go on, or the exit status: what was asked for (--help) or is wrong
 * was said. Free with client_options_fini() in either case.
 */
int client_options_parse(struct client_options *out, int argc, char **argv);
void client_options_fini(struct client_options *o);

/* True if a person sits at it: standard input and output are terminals, and nothing was asked for
 * that is meant for programs (--json, --format, --count, --send, --ping); or --interactive. */
bool client_options_interactive(const struct client_options *o);

/* True if standard input is read: neither --send nor --ping. */
bool client_options_reads_input(const struct client_options *o);

#endif
