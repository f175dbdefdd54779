/*
 * What is logged during tests. The log is standard error (diag.h), so that is what is diverted,
 * into a file that has no name. A line of a filter is "chatroom_server: info: filter NAME: text",
 * with bytes other than printable ASCII as \xNN; tests see the text as the filter wrote it.
 */
#include "lua_test_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef CHATROOM_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

/* What a sanitizer has to say is for people, and its last words. */
static void direct_sanitizer(int fd)
{
#ifdef CHATROOM_SANITIZED
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): that is how it takes a descriptor */
    __sanitizer_set_report_fd((void *)(intptr_t)fd);
#else
    (void)fd;
#endif
}

int lua_test_log_begin(struct lua_test_log *log)
{
    int error = 0;
    log->level = diag_set_level(DIAG_INFO);
    log->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    log->fd = memfd_create("log", MFD_CLOEXEC);
    if (log->saved < 0 || log->fd < 0 || dup2(log->fd, STDERR_FILENO) < 0) {
        error = -errno;
        lua_test_log_end(log);
    } else {
        direct_sanitizer(log->saved);
    }
    return error;
}

void lua_test_log_end(struct lua_test_log *log)
{
    diag_set_level(log->level);
    if (log->saved >= 0) {
        direct_sanitizer(STDERR_FILENO);
        dup2(log->saved, STDERR_FILENO);
        close(log->saved);
    }
    if (log->fd >= 0)
        close(log->fd);
}

off_t lua_test_log_size(const struct lua_test_log *log)
{
    off_t size = lseek(log->fd, 0, SEEK_CUR); /* its position is that of standard error */
    return size < 0 ? 0 : size;
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* diag_escape(), undone; returns the end of what is written. */
static char *unescape(char *out, const char *in, const char *end)
{
    while (in < end) {
        int high = in[0] == '\\' && end - in >= 4 && in[1] == 'x' ? hex_value(in[2]) : -1;
        int low = high >= 0 ? hex_value(in[3]) : -1;
        /* A NUL would end what it is written into. */
        bool escaped = low >= 0 && high + low > 0;
        *out++ = escaped ? (char)(high * 16 + low) : *in;
        in += escaped ? 4 : 1;
    }
    return out;
}

/* The text of the line: behind the filter's name, or else behind "program: ". */
static const char *text_of(const char *line, const char *end, struct str filter)
{
    char head[LUA_HOST_NAME_MAX + 16];
    int size = snprintf(head, sizeof head, ": filter " STR_FMT ": ", STR_ARG(filter));
    const char *at = memmem(line, (size_t)(end - line), head, (size_t)size);
    if (at)
        return at + size;
    at = memmem(line, (size_t)(end - line), ": ", 2);
    return at ? at + 2 : line;
}

/* All lines, in place. */
static void strip(char *text, struct str filter)
{
    char *out = text;
    const char *line = text;
    while (*line) {
        const char *end = line + strcspn(line, "\n");
        out = unescape(out, text_of(line, end, filter), end);
        line = *end ? end + 1 : end;
        *out++ = '\n';
    }
    *out = '\0';
}

char *lua_test_log_since(const struct lua_test_log *log, off_t from, struct str filter)
{
    off_t size = lua_test_log_size(log);
    size_t room = size > from ? (size_t)(size - from) : 0;
    char *text = malloc(room + 2); /* a newline is added where the last one is missing */
    if (!text)
        return NULL;
    ssize_t n = pread(log->fd, text, room, from);
    text[n > 0 ? n : 0] = '\0';
    strip(text, filter);
    return text;
}
