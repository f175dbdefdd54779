/*
 * The table of options: their names, and what a value may be. To add one: a field in struct
 * client_options, a row and its function in option_table.c, a line of its help, a paragraph in
 * chatroom_client(1). The command line and the settings file follow.
 */
#ifndef CHATROOM_OPTION_TABLE_H
#define CHATROOM_OPTION_TABLE_H

#include "client_options.h"

enum option_kind {
    OPTION_VALUE,    /* takes a value */
    OPTION_OPTIONAL, /* may take one: --name[=VALUE], --no-name */
    OPTION_BARE,     /* takes none */
    OPTION_FLAG,     /* yes or no: --name, --no-name; in the file name = yes, name = no */
};

enum option_place {
    OPTION_IN_BOTH,
    OPTION_IN_COMMAND, /* the command line only */
    OPTION_IN_FILE,    /* the settings file only */
    OPTION_IN_ADVANCE, /* the command line only, and before everything else is read */
};

enum option_wish { OPTION_CHAT, OPTION_HELP, OPTION_VERSION };

/* One source of options while it is read, and what is for the reader rather than for the client. */
struct option_reading {
    struct client_options *o;
    bool rooms_given;   /* by this source: those of weaker ones are gone */
    const char *config; /* of --config; or NULL */
    bool no_config;
    enum option_wish wish;
    char why[512]; /* what is wrong with a value: a sentence to stand behind the option's name */
};

/* Sets an option. `value` is NULL where none was given. Returns 0, or -EINVAL and says why. */
typedef int option_set_fn(struct option_reading *r, const char *value);

struct option_row {
    char letter; /* 0: long only */
    const char *name;
    enum option_kind kind;
    enum option_place place;
    size_t flag;        /* OPTION_FLAG: its offset in struct client_options */
    option_set_fn *set; /* NULL: it is a flag */
};

enum { OPTION_ROWS = 27 };
extern const struct option_row option_rows[OPTION_ROWS];

/* What --help shows: one screen of 24 lines. */
extern const char option_help[];

/* Sets the option of a row. For OPTION_VALUE `value` is not NULL. As option_set_fn. */
int option_set(const struct option_row *row, struct option_reading *r, const char *value);

/* The two that have other sources, too. */
option_set_fn option_set_hub;
option_set_fn option_set_nick;

#endif
