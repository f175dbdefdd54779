/*
 * How this program reports trouble. Every function of it that can fail for a reason that a user can
 * do something about says why on standard error, once, where it finds out, and returns the exit
 * status to end with; 0 is fine.
 */
#ifndef BENCH_SAY_H
#define BENCH_SAY_H

#include <sysexits.h>

/* Beside those of sysexits.h: 64 wrong usage, 66 no server there, 69 the server cannot run here
 * (its backend is missing, say), 70 the server died, 71 a limit of this machine, 76 the server
 * speaks another protocol. */
#define EXIT_WRONG 1 /* the server did not deliver what it should have */

/* Writes "chatroom_bench: ..." and returns `status`. */
int say(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
