/*
 * Sockets to the server, as many as it takes.
 */
#ifndef BENCH_DIAL_H
#define BENCH_DIAL_H

#include <netinet/in.h>
#include <stdbool.h>

/* Raises the soft descriptor limit to the hard one; fails if `wanted` are more than that. */
int dial_limit(unsigned wanted);

/* Begins to connect; `*fd` becomes writable when it is, or has failed. Non-blocking, no delay. To a
 * server on 127.0.0.0/8, connections come from as many loopback addresses as it takes not to run
 * out of ports. */
int dial_begin(const struct sockaddr_in *server, int *fd);

/* Reads "ADDR:PORT" (IPv4); false if it is not. */
bool dial_parse(const char *text, struct sockaddr_in *address);

#endif
