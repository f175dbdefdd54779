/*
 * How this program reports trouble. Every function under perf/ that can fail says why on standard
 * error, once, where it finds out, and returns the exit status to end with; 0 is fine.
 */
#ifndef PERF_SAY_H
#define PERF_SAY_H

#include <sysexits.h>

/* Beside those of sysexits.h: 64 wrong usage, 66 no server there, 69 the server cannot run here
 * (its backend is missing, say), 70 the server died, 71 a limit of this machine. */
#define EXIT_WRONG 1 /* the server did not deliver what it should have */

/* How long anything may take without progress before it counts as failed. */
#define PATIENCE_MS 10000

/* Writes "chatroom_fanout: ..." and returns `status`. */
int say(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
