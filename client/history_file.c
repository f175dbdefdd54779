/* See history_file.h. */
#include "history_file.h"

#include "buffer.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MODE = 0600,
    FOLDER_MODE = 0700,
    TRIES_MAX = 8,
    READ_MAX = 16 * HISTORY_BYTES_MAX, /* of a file that somebody else has made larger */
};

/* The file is opened for each use: another client may have put a new one in its place. */
struct history_file {
    char path[PATH_MAX];
};

struct history_environment history_environment(void)
{
    return (struct history_environment){
        .state_home = getenv("XDG_STATE_HOME"),
        .home = getenv("HOME"),
    };
}

/* ---- secrets ------------------------------------------------------------------------------- */

static bool is_one_of(struct str word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal_fold(word, str_of(words[i])))
            return true;
    }
    return false;
}

bool history_is_secret(struct str line)
{
    static const char *const commands[] = {"/auth",  "/pass",     "/password", "/passwd",
                                           "/login", "/identify", "/oper",     "/register"};
    static const char *const words[] = {"identify", "login", "register", "auth",     "pass",
                                        "password", "ghost", "release",  "set-pass", "setpass"};
    if (line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t'))
        return true;
    struct str command = str_word(&line);
    if (is_one_of(command, commands, sizeof commands / sizeof *commands))
        return true;
    if (!text_equal_fold(command, STR("/msg")))
        return false;
    str_word(&line); /* the nick */
    return is_one_of(str_word(&line), words, sizeof words / sizeof *words);
}

/* ---- the place ----------------------------------------------------------------------------- */

/* Makes the folders of `path` that are not there. */
static int make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int rc = mkdir(path, FOLDER_MODE);
        int error = errno;
        *slash = '/';
        if (rc < 0 && error != EEXIST)
            return -error;
    }
    return 0;
}

static int find_place(struct history_file *h, const struct history_environment *env)
{
    int size;
    if (env->state_home && env->state_home[0] == '/')
        size = snprintf(h->path, sizeof h->path, "%s/chatroom/history", env->state_home);
    else if (env->home && env->home[0] == '/')
        size = snprintf(h->path, sizeof h->path, "%s/.local/state/chatroom/history", env->home);
    else
        return -ENOENT;
    return (size_t)size < sizeof h->path ? make_folders(h->path) : -ENAMETOOLONG;
}

/* Opens the file, or makes it. Returns a descriptor or a negative errno. */
static int open_file(const struct history_file *h)
{
    int fd =
        open(h->path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return -errno;
    struct stat st;
    int error = 0;
    if (fstat(fd, &st) < 0)
        error = errno;
    else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
        error = EPERM;
    else if ((st.st_mode & 07777) != FILE_MODE && fchmod(fd, FILE_MODE) < 0)
        error = errno;
    if (!error)
        return fd;
    close(fd);
    return -error;
}

static bool is_in_place(const struct history_file *h, int fd)
{
    struct stat ours;
    struct stat theirs;
    return fstat(fd, &ours) == 0 && stat(h->path, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
           ours.st_dev == theirs.st_dev;
}

/* The same, with the lock; *locked is false where another client has it. Whoever waited for the
 * lock while a new file was put in place has the old one in hand: hence the second look. */
static int open_locked(const struct history_file *h, bool *locked)
{
    int fd = -EAGAIN;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        fd = open_file(h);
        if (fd < 0)
            return fd;
        *locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (is_in_place(h, fd))
            return fd;
        close(fd);
        fd = -EAGAIN;
    }
    return fd;
}

/* ---- lines --------------------------------------------------------------------------------- */

/* The whole file, or the last part of a very large one. */
static int read_file(int fd, struct buffer *out)
{
    off_t size = lseek(fd, 0, SEEK_END);
    off_t at = size > READ_MAX ? size - READ_MAX : 0;
    char block[4096];
    ssize_t n;
    while ((n = pread(fd, block, sizeof block, at)) > 0 && out->size < READ_MAX) {
        buffer_add(out, str_from(block, (size_t)n));
        at += n;
    }
    if (n < 0)
        return -errno;
    return out->failed ? -ENOMEM : 0;
}

/* The lines of `text`, the newest first, each text once; at most HISTORY_LINES_MAX. Returns how
 * many. */
static size_t newest_lines(struct str text, struct str *lines)
{
    size_t count = 0;
    while (text.size > 0 && count < HISTORY_LINES_MAX) {
        size_t end = text.size - (text.data[text.size - 1] == '\n');
        const char *newline = end > 0 ? memrchr(text.data, '\n', end) : NULL;
        size_t start = newline ? (size_t)(newline - text.data) + 1 : 0;
        struct str line = str_from(text.data + start, end - start);
        bool known = line.size == 0 || line.size > HISTORY_LINE_MAX;
        for (size_t i = 0; i < count && !known; i++)
            known = str_equal(lines[i], line);
        if (!known)
            lines[count++] = line;
        text.size = start;
    }
    return count;
}

/* Writes all of it or fails. */
static bool write_all(int fd, struct str bytes)
{
    while (bytes.size > 0) {
        ssize_t n = write(fd, bytes.data, bytes.size);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            bytes = str_skip(bytes, (size_t)n);
    }
    return true;
}

/* Puts a file of just these lines, newest first here, in the place of the old one. */
static int rewrite(const struct history_file *h, const struct str *lines, size_t count)
{
    char path[PATH_MAX + sizeof ".new"];
    snprintf(path, sizeof path, "%s.new", h->path);
    struct buffer text = {0};
    while (count > 0) {
        buffer_add(&text, lines[--count]);
        buffer_add_char(&text, '\n');
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    bool done =
        fd >= 0 && !text.failed && write_all(fd, buffer_str(&text)) && rename(path, h->path) == 0;
    if (fd >= 0 && !done)
        unlink(path);
    if (fd >= 0)
        close(fd);
    buffer_fini(&text);
    return done ? 0 : -EIO;
}

static int load(const struct history_file *h, int fd, bool locked,
                void (*line)(void *owner, struct str text), void *owner)
{
    struct buffer text = {0};
    struct str *lines = malloc(HISTORY_LINES_MAX * sizeof *lines);
    int rc = lines ? read_file(fd, &text) : -ENOMEM;
    if (rc == 0) {
        size_t count = newest_lines(buffer_str(&text), lines);
        for (size_t i = count; i > 0; i--)
            line(owner, lines[i - 1]);
        if (locked && text.size > HISTORY_BYTES_MAX)
            rc = rewrite(h, lines, count);
    }
    free(lines);
    buffer_fini(&text);
    return rc;
}

/* ---- the file ------------------------------------------------------------------------------ */

static int find_and_load(struct history_file *h, const struct history_environment *env,
                         void (*line)(void *owner, struct str text), void *owner)
{
    int rc = find_place(h, env);
    if (rc < 0)
        return rc;
    bool locked;
    int fd = open_locked(h, &locked);
    if (fd < 0)
        return fd;
    rc = load(h, fd, locked, line, owner);
    close(fd);
    return rc;
}

int history_open(struct history_file **out, const struct history_environment *env,
                 void (*line)(void *owner, struct str text), void *owner)
{
    struct history_file *h = malloc(sizeof *h);
    if (!h)
        return -ENOMEM;
    int rc = find_and_load(h, env, line, owner);
    if (rc < 0)
        free(h);
    else
        *out = h;
    return rc;
}

void history_close(struct history_file *h)
{
    free(h);
}

void history_append(struct history_file *h, struct str line)
{
    char text[HISTORY_LINE_MAX + 1];
    if (line.size == 0 || line.size > HISTORY_LINE_MAX || history_is_secret(line))
        return;
    memcpy(text, line.data, line.size);
    text[line.size] = '\n';
    bool locked;
    int fd = open_locked(h, &locked);
    if (fd < 0)
        return;
    write_all(fd, str_from(text, line.size + 1));
    close(fd);
}
