/*
 * What a client's line does. A line that starts with '/' is a command: one row of the table in
 * command.c and one function each. To add one: write the function, add the row; /help follows.
 */
#ifndef CHATROOM_COMMAND_H
#define CHATROOM_COMMAND_H

#include "hub.h"

/* True if `line` is a command that must wait until the connection was sent all it is due. */
bool command_waits(struct str line);

/* True if `line` is a command: it starts with '/', but not with "//". */
bool command_is(struct str line);

/* True if `name`, without the slash, is a command of the hub's own. */
bool command_exists(struct str name);

/* Runs a command line, cleaned text. */
void command_run(struct hub *hub, struct conn *c, struct str line);

#endif
