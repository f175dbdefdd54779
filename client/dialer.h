/*
 * dial() without waiting for it: a process of its own dials, and hands the connected descriptor
 * over. (Name servers and connect() may take a minute, and typing must go on meanwhile.) Its end,
 * and so SIGCHLD, tells that there is something to take. It never outlives its parent.
 */
#ifndef CHATROOM_DIALER_H
#define CHATROOM_DIALER_H

#include <stddef.h>
#include <sys/types.h>

struct dial_target;

/* Embedded in its owner; zeroed is idle. */
struct dialer {
    pid_t pid; /* 0: idle */
    int fd;    /* where the descriptor will come through */
};

/* fork(). Idle before. SIGCHLD must not be ignored. Returns 0 or a negative errno. */
int dialer_start(struct dialer *d, const struct dial_target *target, unsigned timeout_ms);

/* What came of it: -EAGAIN as long as it dials, or if it is idle; otherwise what dial() returned,
 * `why` included, and it is idle. A descriptor is the caller's. */
int dialer_take(struct dialer *d, char *why, size_t why_size);

/* Ends it, and makes it idle. */
void dialer_stop(struct dialer *d);

#endif
