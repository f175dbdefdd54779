/*
 * The server: listening sockets, clients, rooms and the loop that serves them.
 *
 *   server_init       socket(), bind(), listen(); a poll interface; the listeners registered in it
 *   server_start      the loop: a new connection is accepted, registered and welcomed; a new
 * message is broadcast to the others; a client that ended is removed server_broadcast  one message
 * of one client to everybody else in its room server_close      every descriptor is closed; the
 * ports are free
 *
 * Owns everything; there are no globals. All of it belongs to one thread.
 */
#ifndef CHATROOM_SERVER_H
#define CHATROOM_SERVER_H

#include "filter.h"
#include "options.h"

struct server;

/*
 * Sets everything up, up to listening. `options` is borrowed until server_close(); `host` makes
 * filters of files (all NULL: there are none). TERM, INT, HUP and USR1 are blocked for the process
 * and taken through a descriptor. Returns 0 and sets *out, or an exit status of sysexits(3), with
 * the reason logged: EX_UNAVAILABLE, EX_CONFIG, EX_OSERR. Where there are filters it starts a
 * process that tries them out before a reload: call it while the process has one thread.
 */
int server_init(struct server **out, const struct options *options, struct filter_host host);

/* Serves until TERM or INT, and then until everybody has been sent what is due, two seconds at
 * most. Returns the exit status. */
int server_start(struct server *s);

/*
 * Sends what a client says to everybody else in its current room, with its name before it, by way
 * of the filters. `client` is its handle. A sender who is alone is told that nobody else is here.
 * Returns how many others it goes to, 0 if a filter took it, -ENOENT if there is no such client.
 */
int server_broadcast(struct server *s, uint64_t client, struct str text);

/* Closes every descriptor, removes unix sockets, frees everything. NULL is fine. */
void server_close(struct server *s);

/* Loads all filters that the options name, as server_init() would, and runs the tests beside them,
 * which that does not. 0 or EX_CONFIG, with the reason logged. */
int server_check(const struct options *options, struct filter_host host);

#endif
