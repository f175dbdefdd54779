/*
 * Lua's patterns (section 6.4.1 of its manual), with a bound on the work. Lua's own matcher takes
 * time exponential in the pattern for texts made to hurt it, in C, where no script can be stopped;
 * this one counts its steps and gives up. Pure; knows no Lua. Letters are ASCII's, whatever the
 * locale.
 */
#ifndef CHATROOM_LUA_HOST_PATTERN_H
#define CHATROOM_LUA_HOST_PATTERN_H

#include "str.h"

#include <stdbool.h>
#include <stdint.h>

#define PATTERN_CAPTURES_MAX 32

/* One or two milliseconds; a sane pattern on a line of chat takes some hundred steps. */
#define PATTERN_STEPS_MAX 500000

/* Sizes that are none. */
#define PATTERN_OPEN     ((size_t)-1) /* not closed yet */
#define PATTERN_POSITION ((size_t)-2) /* a "()" capture: the position is the value */

struct pattern_capture {
    const char *start;
    size_t size;
};

struct pattern {
    struct str text;
    struct str items;  /* the pattern, without the '^' that `anchored` stands for */
    bool anchored;     /* for the caller of pattern_match() to heed */
    uint32_t steps;    /* left */
    uint32_t depth;    /* of recursion */
    const char *fault; /* static sentence: malformed, or too much work; NULL while all is well */
    uint32_t captures;
    struct pattern_capture capture[PATTERN_CAPTURES_MAX];
};

/* Prepares for matching `pattern` in `text`; borrows both. */
void pattern_init(struct pattern *p, struct str text, struct str pattern);

/*
 * Matches at `from`, a place in p->text or its end. Returns the end of the match with the captures
 * set, or NULL: no match here, or p->fault is set and there is no point in going on. The steps are
 * counted over all calls since pattern_init().
 */
const char *pattern_match(struct pattern *p, const char *from);

/* True if no character of `pattern` is special: it can be searched for as it stands. */
bool pattern_is_plain(struct str pattern);

#endif
