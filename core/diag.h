/*
 * Diagnostics: one line each on standard error, "chatroom_server: info: ...". Untrusted bytes are
 * the caller's to escape (diag_escape). The level is the one piece of process-wide state: it is
 * set at start, before anything else runs; tests of filters set it for a while.
 */
#ifndef CHATROOM_DIAG_H
#define CHATROOM_DIAG_H

#include "str.h"

#include <stdarg.h>

enum diag_level { DIAG_ERROR, DIAG_WARN, DIAG_INFO, DIAG_DEBUG };

/* Sets the program's name (borrowed) and the lowest importance still written. */
void diag_init(const char *program, enum diag_level level);

/* From now on this is the lowest importance written; returns what was. */
enum diag_level diag_set_level(enum diag_level level);

/* From now on a line for which standard error has no room is lost, and how many were is said when
 * there is: who serves others must not wait for whoever reads the log. */
void diag_never_wait(void);

void diag_log(enum diag_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True if a line at this level would be written: to spare the making of its arguments. */
bool diag_enabled(enum diag_level level);

/* Copies `s` with bytes outside printable ASCII as \xNN, NUL-terminated; what does not fit in
 * `size` (at least 1) is cut and ends in "...". Returns `out`. For text of others in log lines: no
 * terminal obeys it, no line of the log can be forged, and since a backslash before an x is \x5c,
 * every \xNN stands for a byte of the text. All else is as it was, JSON in ASCII for one. */
const char *diag_escape(struct str s, char *out, size_t size);

const char *diag_level_name(enum diag_level level);
int diag_level_parse(const char *word, enum diag_level *out); /* 0, or -1 */

#endif
