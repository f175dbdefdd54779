/*
 * The closed loop: one sender and its receivers, all in #lobby, with a window of messages in
 * flight. Most receivers throw their bytes away inside the kernel, so that this side costs little;
 * a few are read in full and checked byte by byte. All of them are counted.
 *
 * A message reads "client-ID: NUMBER FILLER\n": numbered from 0, always of the same length.
 */
#ifndef PERF_LOAD_H
#define PERF_LOAD_H

#include "target.h"

#include <stddef.h>
#include <stdint.h>

/* Receivers that are read in full, spread over the room; the first and last to join among them. */
#define LOAD_OBSERVED 8

#define LOAD_SIZE_MIN 10 /* the number must fit */
#define LOAD_SIZE_MAX 8192

struct load_options {
    unsigned members; /* receivers */
    unsigned window;  /* messages in flight at most */
    size_t size;      /* bytes of text a message */
};

struct load;

/* Connects everybody; returns when all have been welcomed. `t` is borrowed until load_free(). */
int load_open(struct load **out, const struct load_options *options, struct target *t);
void load_free(struct load *l);

/* Sends that many more messages, a new one as soon as all the observed have an old one, and
 * returns when every receiver has exactly all of them. `ns` gets the time it took. */
int load_run(struct load *l, uint64_t messages, uint64_t *ns);

/* After the server has come to rest: fails if any receiver has more than it should. */
int load_check(struct load *l);

/* Bytes that the receivers have got in load_run(), all together. */
uint64_t load_received(const struct load *l);

#endif
