/*
 * Decides which filters an event concerns, before any of them is entered: the struct filter_match
 * of all filters of a chain, compiled into one set. Filters are bits: bit i is the filter number i.
 *
 * Rules, all of which must hold; a zeroed field is no rule
 *   kinds    the filter handles the kind, and match.kinds has it
 *   rooms    a glob (fnmatch(3), ASCII case ignored as in all names) is that of the event's room.
 *            Events without a room are in none, and no glob keeps them away: what of them a filter
 *            sees is said by its kinds
 *   texts    prefix, contains, min_length, max_length and fits. They concern the kinds that have a
 *            text: messages, actions and private messages. Events of other kinds are not held
 *            to them
 *   sample   of the events that keep to the rules above, this share; counted, not thrown: 0.01 is
 *            every hundredth. Told apart are shares that differ by a thousand-millionth
 *
 * Nothing here allocates but making the set. It is made again whenever filters come or go.
 */
#ifndef CHATROOM_FILTER_MATCH_H
#define CHATROOM_FILTER_MATCH_H

#include "filter.h"

enum {
    FILTER_MATCH_MAX = 64,    /* filters in a set */
    FILTER_MATCH_ROOMS = 256, /* rooms whose globs are remembered; others push them out */
};

struct filter_match_set;

/* What is wrong with a match, as the end of a sentence that starts with its filter's name: "has an
 * empty word in `contains`"; NULL if nothing is. */
const char *filter_match_fault(const struct filter_match *match);

/*
 * Compiles `match` and `kinds` of the filters, which must outlive the set. Returns 0 and sets *out;
 * -ENOMEM; -EINVAL if a match has a fault; -E2BIG if there are more than FILTER_MATCH_MAX filters,
 * or their words are too many (MATCHER_BYTES_MAX in matcher.h).
 */
int filter_match_set_new(struct filter_match_set **out, struct filter *const *filters,
                         size_t count);
void filter_match_set_free(struct filter_match_set *set);

/* The filters that a new event concerns. */
uint64_t filter_match_run(struct filter_match_set *set, const struct filter_event *e);

/*
 * Those of the filters `among` that the event of the last filter_match_run() concerns, now that a
 * filter has rewritten its text. An event counts once for the sample: who looked at it, or would
 * have, does so still.
 */
uint64_t filter_match_again(struct filter_match_set *set, const struct filter_event *e,
                            uint64_t among);

/* Bytes of memory in use. */
size_t filter_match_memory(const struct filter_match_set *set);

#endif
