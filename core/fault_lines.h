/*
 * Where a filter fails, and how often: a table of lines, "words.lua:31". Bounded: the first
 * FAULT_LINES different ones have a row each, what comes from anywhere else is counted together.
 */
#ifndef CHATROOM_FAULT_LINES_H
#define CHATROOM_FAULT_LINES_H

#include "str.h"

#include <stddef.h>
#include <stdint.h>

enum { FAULT_LINES = 8, FAULT_LINE_SIZE = 96 };

struct fault_line {
    char at[FAULT_LINE_SIZE]; /* NUL-terminated; longer ones lose their front */
    uint64_t count;
};

/* Embedded; zeroed it is empty. To be read, not written. */
struct fault_lines {
    struct fault_line lines[FAULT_LINES];
    size_t used;
    uint64_t elsewhere;
};

/* One more at `at`; empty: nobody knows where, which is elsewhere. */
void fault_lines_count(struct fault_lines *table, struct str at);

#endif
