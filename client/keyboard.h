/*
 * The keyboard process: reads standard input and hands lines, or keys, to the pipe. It is a process
 * of its own because standard input may be anything, a regular file or a program that takes its
 * time, and reading it may block; the other process, with the socket and the screen, never does.
 * Knows no netpoll and no hub.
 */
#ifndef CHATROOM_KEYBOARD_H
#define CHATROOM_KEYBOARD_H

#include <stdbool.h>

/* Why it ended: the exit status of the keyboard process. */
enum keyboard_end {
    KEYBOARD_EOF = 0,       /* end of input; all of it was written to the pipe */
    KEYBOARD_FAILED = 1,    /* input cannot be read; standard error says why */
    KEYBOARD_UNHEARD = 3,   /* nobody reads the pipe any more */
    KEYBOARD_NO_READER = 4, /* nobody reads standard output any more (as after `| head -1`) */
};

struct keyboard_task {
    int in;
    int out;    /* a blocking pipe */
    int shown;  /* where the other process writes */
    bool bytes; /* pass on what comes as it comes, not in whole lines: for a terminal */
    bool stay;  /* at the end of input only watch the others, until one of them ends */
};

/*
 * Reads from `in` and writes to `out`, in whole lines unless told otherwise; a line longer than
 * 64 KiB goes in parts, and what stands before the end of input goes as it is. Watches `shown`,
 * because the other process would notice the end of its reader only with the next message, and
 * `out`, because a terminal may say nothing for long after its other process is gone. Returns when
 * there is no more to do. SIGPIPE must be ignored.
 */
enum keyboard_end keyboard_run(const struct keyboard_task *task);

#endif
