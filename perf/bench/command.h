/*
 * The command that starts the server: that of the command line with its {port} filled in, or
 * chatroom_server with the options that a fair measurement needs.
 */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include "bench_options.h"

enum {
    COMMAND_ARGS_MAX = 128,
    COMMAND_TEXT_MAX = 16384,
};

/* Embed it; to be read, not written. */
struct command {
    char *argv[COMMAND_ARGS_MAX + 1]; /* NULL at the end */
    size_t argc;
    uint16_t port; /* a free one, if {port} was asked for; else 0 */
    size_t used;
    char text[COMMAND_TEXT_MAX];
};

/* Everything is copied. */
int command_make(struct command *c, const struct options *o);

#endif
