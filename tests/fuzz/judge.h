/*
 * A filter that does what it is told by what it judges, so that clients of a fuzzed hub can reach
 * every verdict with every text:
 *
 *   %d because     drops, with "because"; the letters of the verdicts are in judge.c
 *   %d~because     the same, with bytes that are no text: every bit 7 is the other way round
 *   %!#lobby hello says "hello" in #lobby, and %@ann hello tells ann
 *
 * Of an event without a text, the nick, receiver or room it names is looked at: one that ends in
 * '!' is dropped. It answers to /judge, and keeps a number over reloads.
 */
#ifndef CHATROOM_FUZZ_JUDGE_H
#define CHATROOM_FUZZ_JUDGE_H

#include "filter.h"

/* A filter_load_fn: `path` is its name; one that starts with "bad" cannot be loaded. */
filter_load_fn judge_load;

#endif
