/*
 * A circuit breaker: leaves out for a while what faults too often. Pure: the caller tells the time
 * (milliseconds of any clock; one that jumps back makes a wait longer by BREAKER_DELAY_MAX_MS at
 * most).
 *
 *              BREAKER_FAULTS within BREAKER_WINDOW_MS
 *     closed ------------------------------------------> open
 *       ^                                                | ^
 *       | success                          after a delay | | fault: twice the delay
 *       +----------------- half-open <-------------------+ |
 *                              +---------------------------+
 *
 * Half-open, it lets one call through, the probe. One that opens again within BREAKER_WINDOW_MS of
 * having closed goes on with twice the delay too: a lucky probe does not start the wait anew.
 *
 *   if (!breaker_allows(&b, now))
 *       do_without();
 *   else if (call_it() < 0)
 *       breaker_fault(&b, now);
 *   else
 *       breaker_success(&b, now);
 */
#ifndef CHATROOM_BREAKER_H
#define CHATROOM_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    BREAKER_FAULTS = 3,
    BREAKER_WINDOW_MS = 60 * 1000,
    BREAKER_DELAY_MS = 5 * 1000, /* from opening to the probe, the first time */
    BREAKER_DELAY_MAX_MS = 300 * 1000,
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

/* Embedded; zeroed it is closed. To be read, not written. */
struct breaker {
    enum breaker_state state;
    int64_t since;                      /* when it opened or closed last */
    int64_t delay;                      /* of the last opening; 0: there was none */
    uint64_t opened;                    /* how often */
    uint64_t faults;                    /* since it closed */
    int64_t recent[BREAKER_FAULTS - 1]; /* a ring: when the last of them were */
};

/* True if the call may be made; it must then be followed by breaker_success(), breaker_fault() or
 * breaker_excuse().
 * Open, and the delay is over: becomes half-open, and allows this one. Half-open: false. */
bool breaker_allows(struct breaker *b, int64_t now);

/* The call went well, or not. True if that changed the state: it closed, or opened. Neither has an
 * effect on an open one. */
bool breaker_success(struct breaker *b, int64_t now);
bool breaker_fault(struct breaker *b, int64_t now);

/* The call failed through no fault of its own: nothing is learnt. Half-open, it is open again, and
 * the next call is the probe. */
void breaker_excuse(struct breaker *b);

/* "closed", "open", "half-open". Static. */
const char *breaker_state_name(enum breaker_state state);

#endif
