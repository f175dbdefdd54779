/*
 * A script's source. It is kept in memory: to say in which line of it something stands, and to make
 * the state anew after a fault without looking at a file that may be another by now.
 */
#include "lua_host_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Checks what was opened; a FIFO or a device would never end. Returns 0 or a negative errno. */
static int check_file(int fd, const char *path, struct stat *info, char *why, size_t why_size)
{
    if (fstat(fd, info) < 0) {
        int error = errno;
        snprintf(why, why_size, "%s: %s", path, strerror(error));
        return -error;
    }
    if (S_ISDIR(info->st_mode)) {
        snprintf(why, why_size, "%s: is a directory; a filter is one file", path);
        return -EISDIR;
    }
    if (!S_ISREG(info->st_mode)) {
        snprintf(why, why_size, "%s: is no regular file", path);
        return -EINVAL;
    }
    if ((uint64_t)info->st_size > LUA_HOST_SCRIPT_MAX) {
        snprintf(why, why_size, "%s: has %lld bytes; a filter has at most %zu", path,
                 (long long)info->st_size, LUA_HOST_SCRIPT_MAX);
        return -EFBIG;
    }
    return 0;
}

/* Reads up to `size` bytes; how many, or a negative errno. */
static ssize_t read_all(int fd, char *out, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t n = read(fd, out + used, size - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

static int read_file(struct lua_source *source, int fd, char *why, size_t why_size)
{
    struct stat info;
    int error = check_file(fd, source->path, &info, why, why_size);
    if (error < 0)
        return error;
    source->text = malloc((size_t)info.st_size + 1);
    ssize_t n = source->text ? read_all(fd, source->text, (size_t)info.st_size) : -ENOMEM;
    if (n < 0) {
        snprintf(why, why_size, "%s: %s", source->path, strerror((int)-n));
        return (int)n;
    }
    source->size = (size_t)n;
    source->text[n] = '\0';
    if (n > 0 && source->text[0] == *LUA_SIGNATURE) {
        snprintf(why, why_size, "%s: is compiled Lua; filters are text", source->path);
        return -EINVAL;
    }
    return 0;
}

int lua_source_read(struct lua_source *source, const char *path, char *why, size_t why_size)
{
    *source = (struct lua_source){.path = strdup(path)};
    /* Non-blocking, so that a FIFO is refused and not waited for. */
    int fd = source->path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd < 0) {
        int error = source->path ? errno : ENOMEM;
        snprintf(why, why_size, "%s: %s", path, strerror(error));
        lua_source_free(source);
        return -error;
    }
    int error = read_file(source, fd, why, why_size);
    close(fd);
    if (error < 0)
        lua_source_free(source);
    return error;
}

void lua_source_free(struct lua_source *source)
{
    free(source->path);
    free(source->text);
    *source = (struct lua_source){.path = NULL};
}

bool lua_source_has_place(const char *raised)
{
    const char *end = strstr(raised, ": ");
    const char *line = end;
    while (line && line > raised && line[-1] >= '0' && line[-1] <= '9')
        line--;
    return line && line < end && line > raised && line[-1] == ':';
}

static bool in_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int lua_source_line(const struct lua_source *source, const char *word)
{
    size_t size = strlen(word);
    int line = 1;
    int found = 0;
    for (const char *at = source->text; *at; at++) {
        bool starts = at == source->text || !in_word(at[-1]);
        if (starts && strncmp(at, word, size) == 0 && !in_word(at[size]))
            found = line;
        if (*at == '\n' && at[1])
            line++;
    }
    return found > 0 ? found : line;
}
