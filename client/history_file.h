/*
 * The file that keeps what was typed from one session to the next:
 * $XDG_STATE_HOME/chatroom/history, or ~/.local/state/chatroom/history. UTF-8, one line a line, the
 * newest last. Readable for its owner only, and bounded; nothing that looks like a secret gets into
 * it.
 *
 * Several clients may use it at a time: a line is appended in one write, and who shortens the file
 * holds a lock and puts a new one in its place. Nobody waits for the lock.
 */
#ifndef CHATROOM_HISTORY_FILE_H
#define CHATROOM_HISTORY_FILE_H

#include "str.h"

enum {
    HISTORY_LINES_MAX = 1000,      /* kept when the file is shortened */
    HISTORY_LINE_MAX = 4096,       /* bytes; a longer line is not kept */
    HISTORY_BYTES_MAX = 256 << 10, /* a larger file is shortened when it is opened */
};

struct history_file;

/* What the environment says. NULL: not set. */
struct history_environment {
    const char *state_home; /* XDG_STATE_HOME; counts only if it is an absolute path */
    const char *home;
};

struct history_environment history_environment(void);

/*
 * Opens it, makes it and its folders if they are not there, and calls `line` for each line, oldest
 * first and each text once. Returns 0; -ENOENT if there is no home; -EPERM if the file is somebody
 * else's, or no plain file; or another negative errno. On a failure nothing is kept, and that is
 * no reason not to chat.
 */
int history_open(struct history_file **out, const struct history_environment *env,
                 void (*line)(void *owner, struct str text), void *owner);
void history_close(struct history_file *h);

/* Appends a line unless it is a secret, empty or too long. A failure is not reported. */
void history_append(struct history_file *h, struct str line);

/* True for what is to be forgotten: a line that starts with a blank, and commands that carry
 * passwords: /auth, /pass, /oper and the like, and /msg to a service with identify, login ... */
bool history_is_secret(struct str line);

#endif
