/*
 * A filter's counters, seen from outside: items of a stats event, and lines of the log. To add one,
 * add a row in filter_stats.c.
 */
#ifndef CHATROOM_FILTER_STATS_H
#define CHATROOM_FILTER_STATS_H

#include "filter.h"
#include "wire.h"

/* The most items that a filter has, and the size of their names. */
enum { FILTER_STATS_ITEMS = 22 + FAULT_LINES + 1, FILTER_STATS_NAME = 160 };

/* "filter.NAME.calls" and so on, or "candidate.NAME.calls"; "filter.NAME.faults.words.lua:31" for
 * each line that faulted. Returns how many; their names stand in `names`. */
size_t filter_stats_items(const struct filter *f, struct event_item items[FILTER_STATS_ITEMS],
                          char names[FILTER_STATS_ITEMS][FILTER_STATS_NAME]);

/* The same to the log, at level info: a line, and one for each line that faulted. */
void filter_stats_log(const struct filter *f);

#endif
