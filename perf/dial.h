/*
 * Connections to the server as a client makes them: connect, read a line, ask for the counters.
 * Blocking, with a deadline; what is measured happens in load.c.
 */
#ifndef PERF_DIAL_H
#define PERF_DIAL_H

#include <stddef.h>
#include <stdint.h>

/* Most bytes of a line that dial_line() reads; the counters are the longest. */
#define DIAL_LINE_MAX 16384

/* Raises the soft descriptor limit to the hard one; fails if `wanted` are more than that. */
int dial_limit(unsigned wanted);

/* Connects to 127.0.0.1:port, from as many loopback addresses as it takes not to run out of ports.
 */
int dial_open(int port, int *fd);

int dial_send(int fd, const char *text);

/* Reads one line, without its newline, NUL-terminated, and not a byte more. `size` counts the NUL.
 */
int dial_line(int fd, char *line, size_t size);

/* Connects and reads the welcome; `id` gets the chat ID that it tells. */
int dial_enter(int port, int *fd, uint64_t *id);

/* A connection for questions: it is in no room, so nothing but answers comes in. */
int dial_control(int port, int *fd);

/* Asks for the counter `name`; `found` tells whether the server has it. */
int dial_counter(int control, const char *name, uint64_t *value, int *found);

/* Waits until the server has done all that this connection asked for. */
int dial_ping(int control);

#endif
