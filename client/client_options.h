/*
 * The client's command line.
 */
#ifndef CHATROOM_CLIENT_OPTIONS_H
#define CHATROOM_CLIENT_OPTIONS_H

#include "dial.h"
#include "str.h"

struct client_options {
    struct dial_target target;
    struct str nick;             /* borrowed from argv; empty: what the hub gives */
    unsigned connect_timeout_ms; /* for each address of the hub */
    unsigned linger_ms;          /* how long the hub may be silent once all was said */
};

/* Reads the command line. Returns -1 to go on, or the exit status: what was asked for (--help) or
 * is wrong was said. */
int client_options_parse(struct client_options *out, int argc, char **argv);

#endif
