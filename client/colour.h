/*
 * Colour: whether to, and which for whom. Pure.
 *
 * `auto` follows the customs of https://no-color.org and https://bixense.com/clicolors: no colour
 * where NO_COLOR is set, colour everywhere where CLICOLOR_FORCE is, and otherwise on terminals that
 * are not dumb.
 */
#ifndef CHATROOM_COLOUR_H
#define CHATROOM_COLOUR_H

#include "str.h"

enum colour_when { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* What the environment says. NULL: not set. */
struct colour_environment {
    const char *no_color;       /* NO_COLOR: set and not empty says no */
    const char *clicolor_force; /* CLICOLOR_FORCE: set, and neither empty nor "0", says yes */
    const char *term;           /* TERM */
};

/* What getenv(3) says now. */
struct colour_environment colour_environment(void);

/* True if the environment has an opinion of its own, NO_COLOR or CLICOLOR_FORCE. */
bool colour_is_asked_for(const struct colour_environment *env);

/* Whether to write colour to something that is a terminal, or not. */
bool colour_wanted(enum colour_when when, const struct colour_environment *env, bool terminal);

/* "auto", "always", "never"; and back: 0, or -EINVAL. */
const char *colour_when_name(enum colour_when when);
int colour_when_parse(const char *word, enum colour_when *out);

/* The colour of a nick, as the parameters of the escape sequence CSI ... m ("36", "38;5;172"): the
 * same for the same nick everywhere, ASCII case ignored; readable on dark and light ground. */
struct str colour_of_nick(struct str nick);

#endif
