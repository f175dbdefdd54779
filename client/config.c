/* Reads lines in place: names and values end where a NUL byte is put into the text. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char blanks[] = " \t\r";

int config_path(char *out, size_t size)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *below = "/chatroom/client.conf";
    if (!base || base[0] != '/') { /* a relative one is to be ignored, says the XDG specification */
        base = getenv("HOME");
        below = "/.config/chatroom/client.conf";
    }
    if (!base || base[0] != '/')
        return -ENOENT;
    return snprintf(out, size, "%s%s", base, below) < (int)size ? 0 : -ENAMETOOLONG;
}

/* Reads up to `size` bytes; returns how many there were, or a negative errno. */
static ssize_t read_all(int fd, char *out, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t n = read(fd, out + used, size - used);
        if (n == 0)
            break;
        if (n > 0)
            used += (size_t)n;
        else if (errno != EINTR)
            return -errno;
    }
    return (ssize_t)used;
}

int config_load(const char *path, char **out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    char *text = malloc(CONFIG_SIZE_MAX + 1);
    ssize_t size = text ? read_all(fd, text, CONFIG_SIZE_MAX + 1) : -ENOMEM;
    close(fd);
    if (size > CONFIG_SIZE_MAX)
        size = -EFBIG;
    else if (size > 0 && memchr(text, '\0', (size_t)size))
        size = -EINVAL;
    if (size < 0) {
        free(text);
        return (int)size;
    }
    text[size] = '\0';
    *out = text;
    return 0;
}

/* Splits off a line; NULL at the end. */
static char *next_line(struct config_reader *r)
{
    if (*r->rest == '\0')
        return NULL;
    char *line = strsep(&r->rest, "\n");
    if (!r->rest)
        r->rest = line + strlen(line);
    r->line++;
    return line;
}

static void trim_end(char *text)
{
    size_t size = strlen(text);
    while (size > 0 && strchr(blanks, text[size - 1]))
        text[--size] = '\0';
}

/* Takes the quotes off. A quote in the middle is a byte like any other. */
static int unquote(char **value)
{
    char *text = *value;
    size_t size = strlen(text);
    if (text[0] != '"')
        return 0;
    if (size < 2 || text[size - 1] != '"')
        return -EINVAL;
    text[size - 1] = '\0';
    *value = text + 1;
    return 0;
}

static int read_setting(char *line, struct config_setting *out)
{
    char *end = line + strspn(line, name_bytes);
    char *value = end + strspn(end, blanks);
    if (end == line || (end == value && *end != '\0' && *end != '='))
        return -EINVAL;
    bool assigned = *value == '=';
    if (assigned)
        value += 1 + strspn(value + 1, blanks);
    *end = '\0';
    out->name = line;
    out->value = assigned || *value != '\0' ? value : NULL;
    if (unquote(&value) < 0)
        return -EINVAL;
    if (out->value)
        out->value = value;
    return 1;
}

int config_next(struct config_reader *r, struct config_setting *out)
{
    for (char *line; (line = next_line(r));) {
        line += strspn(line, blanks);
        trim_end(line);
        if (*line != '\0' && *line != '#')
            return read_setting(line, out);
    }
    return 0;
}
