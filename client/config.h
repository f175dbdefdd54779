/*
 * The settings file: one setting a line, with the names of the long options.
 *
 *     # a comment; a line may start with blanks
 *     nick = ann
 *     room = #lobby
 *     reconnect
 *     format = "%t %n: %m\n"
 *
 * The `=` may be left out. A value in double quotes keeps its blanks. Knows no options: what a
 * setting means is for client_options.c.
 */
#ifndef CHATROOM_CONFIG_H
#define CHATROOM_CONFIG_H

#include <stddef.h>

enum { CONFIG_SIZE_MAX = 64 << 10 };

/* $XDG_CONFIG_HOME/chatroom/client.conf, or ~/.config/chatroom/client.conf. Returns 0; -ENOENT
 * where neither variable says where, -ENAMETOOLONG. */
int config_path(char *out, size_t size);

/* The whole file, for free(3). Returns 0; -ENOMEM; -EFBIG above CONFIG_SIZE_MAX; -EINVAL if there
 * is a NUL byte in it; or what open(2) and read(2) say. */
int config_load(const char *path, char **out);

/* A place in a text of settings, which is written to while it is read. */
struct config_reader {
    char *rest;
    unsigned line; /* of the setting just read, from 1 */
};

struct config_setting {
    const char *name;
    const char *value; /* NULL: none was given */
};

/* The next setting; both strings stand in the text. 1, 0 at the end, or -EINVAL for a line that
 * does not start with a name or whose quotes do not match. */
int config_next(struct config_reader *r, struct config_setting *out);

#endif
