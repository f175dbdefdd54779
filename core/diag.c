/*
 * Diagnostics on standard error. One write(2) a line, so that lines of two processes on one
 * terminal do not mix.
 */
#include "diag.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static struct {
    const char *program;
    enum diag_level level;
    bool never_wait;
    unsigned lost; /* lines, and nobody was told yet */
} diag = {.program = "chatroom", .level = DIAG_INFO};

static const char *const level_names[] = {
    [DIAG_ERROR] = "error",
    [DIAG_WARN] = "warn",
    [DIAG_INFO] = "info",
    [DIAG_DEBUG] = "debug",
};

void diag_init(const char *program, enum diag_level level)
{
    diag.program = program;
    diag.level = level;
}

enum diag_level diag_set_level(enum diag_level level)
{
    enum diag_level before = diag.level;
    diag.level = level;
    return before;
}

bool diag_enabled(enum diag_level level)
{
    return level <= diag.level;
}

void diag_never_wait(void)
{
    diag.never_wait = true;
}

/* A pipe or socket that poll(2) calls writable takes a whole line at once. */
static bool has_room(void)
{
    struct pollfd standard_error = {.fd = STDERR_FILENO, .events = POLLOUT};
    return !diag.never_wait || poll(&standard_error, 1, 0) != 0;
}

/* Nobody is left to tell if standard error is gone. */
static void write_line(const char *line, size_t size)
{
    while (write(STDERR_FILENO, line, size) < 0 && errno == EINTR)
        ;
}

static void tell_lost(void)
{
    char line[128];
    int size =
        snprintf(line, sizeof line, "%s: warn: %u lines are lost: the log is read too slowly\n",
                 diag.program, diag.lost);
    diag.lost = 0;
    write_line(line, (size_t)size);
}

void diag_log(enum diag_level level, const char *format, ...)
{
    if (!diag_enabled(level))
        return;
    char line[1024];
    int head = snprintf(line, sizeof line, "%s: %s: ", diag.program, level_names[level]);
    va_list args;
    va_start(args, format);
    int body = vsnprintf(line + head, sizeof line - (size_t)head, format, args);
    va_end(args);
    size_t size = (size_t)head + (body > 0 ? (size_t)body : 0);
    if (size > sizeof line - 1)
        size = sizeof line - 1;
    line[size++] = '\n';
    if (diag.lost > 0 && has_room())
        tell_lost();
    if (has_room())
        write_line(line, size);
    else
        diag.lost++;
}

/* What stands in a log line as it is. A backslash does, so that JSON and patterns stay what they
 * are; but not one that would look like an escape of ours. */
static bool is_plain(struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.data[i];
    if (c == '\\')
        return i + 1 == s.size || s.data[i + 1] != 'x';
    return c >= 0x20 && c < 0x7f;
}

const char *diag_escape(struct str s, char *out, size_t size)
{
    size_t used = 0;
    size_t cut = 0; /* the last place where the dots still fit */
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        bool plain = is_plain(s, i);
        size_t need = plain ? 1 : sizeof "\\x00" - 1;
        if (used + sizeof "..." <= size)
            cut = used;
        if (used + need >= size) {
            used = cut + (size_t)snprintf(out + cut, size - cut, "...");
            break;
        }
        snprintf(out + used, size - used, plain ? "%c" : "\\x%02x", c);
        used += need;
    }
    out[used < size ? used : size - 1] = '\0';
    return out;
}

const char *diag_level_name(enum diag_level level)
{
    return level_names[level];
}

int diag_level_parse(const char *word, enum diag_level *out)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(word, level_names[i]) == 0) {
            *out = (enum diag_level)i;
            return 0;
        }
    }
    return -1;
}
