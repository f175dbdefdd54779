/*
 * The server's command line. Every option and its default is a row of one table in options.c;
 * --help is made from it.
 */
#ifndef CHATROOM_OPTIONS_H
#define CHATROOM_OPTIONS_H

#include "address.h"
#include "diag.h"
#include "hub.h"
#include "netpoll.h"

enum { OPTIONS_LISTEN_MAX = 16, OPTIONS_FILTERS_MAX = 64, OPTIONS_SETTINGS_MAX = 256 };

struct options {
    struct address listen[OPTIONS_LISTEN_MAX];
    size_t listen_count; /* 0: the default, or what a service manager hands over */
    const char *filters[OPTIONS_FILTERS_MAX]; /* of argv */
    size_t filter_count;
    const char *filter_dir;                         /* NULL: none */
    const char *settings[OPTIONS_SETTINGS_MAX + 1]; /* NAME.KEY=VALUE, of argv; NULL-terminated */
    size_t setting_count;
    const char *shadow; /* a candidate filter; NULL: none */
    const char *user;   /* whom to become once the sockets are bound; NULL: nobody */
    bool seccomp;       /* restrict the hub's own system calls */
    bool watch;         /* reload filters when their files change */
    enum netpoll_backend backend;
    enum diag_level log_level;
    struct hub_limits limits;
    bool check;
};

/*
 * Reads the command line. Returns -1 to go on, or the status to exit with: 0 after --help and
 * --version (printed to standard output), EX_USAGE after a mistake (printed to standard error).
 */
int options_parse(struct options *o, int argc, char **argv);

#endif
