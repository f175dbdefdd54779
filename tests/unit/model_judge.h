/*
 * The filter of model tests: what it says is all in what it judges, so that the model can say it
 * too. It is loaded anew now and then, and hands over how much it has rewritten; what it says by
 * itself comes by hub_post_notice(), where the model listens.
 *
 *   messages, actions, private messages: judge_verdict() of their first word
 *     drop, reply, kick, hush (shadow), okay (accept)
 *     swap       becomes "SWAPPED 7: ..." with the number of the rewriting
 *     shift #r   goes to that room (not of private messages)
 *     speak      passes, and the room hears of it
 *     later      passes, and #lobby hears of it when the turn ends, by a timer
 *   joins        into rooms whose name ends in 3 are refused
 *   nicks        that end in 7 are refused
 *   /judge TEXT  is answered
 */
#ifndef CHATROOM_MODEL_JUDGE_H
#define CHATROOM_MODEL_JUDGE_H

#include "filter.h"

enum filter_verdict judge_verdict(enum filter_kind kind, struct str text);

bool judge_refuses_room(struct str room);
bool judge_refuses_nick(struct str nick);

#define JUDGE_NO_ROOM "it is closed"
#define JUDGE_NO_NICK "no sevens here"
#define JUDGE_SWAPPED "SWAPPED %u: " STR_FMT /* number from 1, text */
#define JUDGE_ANSWER  "judged " STR_FMT

/* A filter_host's: `path` is any; NULL context is fine. */
filter_load_fn judge_load;

/* The next judge_load() fails. */
void judge_break(void);

#endif
