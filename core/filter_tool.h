/*
 * `chatroom_server filter ...`: what an author or an operator does with a filter without a hub,
 * with the same host and the same limits as in one.
 */
#ifndef CHATROOM_FILTER_TOOL_H
#define CHATROOM_FILTER_TOOL_H

#include "filter.h"

/*
 * The words behind "filter": describe FILE, test FILE..., replay FILE CAPTURE. --set NAME.KEY=VALUE
 * may stand before the files. Prints to standard output; returns the exit status: 0, 1 (a test
 * failed), 64 (usage), 66 (no such capture), 78 (the filter is wrong).
 */
int filter_tool(int argc, char **argv, struct filter_host host);

#endif
