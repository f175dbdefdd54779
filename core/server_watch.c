/*
 * Reloading when files change (--watch), by inotify(7). The folders are watched, not the files: an
 * editor replaces a file by another. A burst of changes is one reload, when it has been quiet.
 */
#include "diag.h"
#include "netpoll.h"
#include "server_impl.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { QUIET_MS = 200 };

static int cannot_watch(const char *what, int error)
{
    diag_log(DIAG_ERROR, "--watch: cannot watch %s: %s", what, strerror(error));
    return -error;
}

static int watch_dir(int fd, const char *dir)
{
    const uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM;
    return inotify_add_watch(fd, dir, changes) < 0 ? cannot_watch(dir, errno) : 0;
}

static int watch_dir_of(int fd, const char *path)
{
    char copy[4096];
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return cannot_watch(path, ENAMETOOLONG);
    return watch_dir(fd, dirname(copy));
}

static int watch_all(const struct options *o, int fd)
{
    int rc = 0;
    for (size_t i = 0; i < o->filter_count && rc == 0; i++)
        rc = watch_dir_of(fd, o->filters[i]);
    if (rc == 0 && o->shadow)
        rc = watch_dir_of(fd, o->shadow);
    if (rc == 0 && o->filter_dir)
        rc = watch_dir(fd, o->filter_dir);
    return rc;
}

int server_watch_open(struct server *s)
{
    if (!s->options->watch)
        return 0;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return cannot_watch("folders", errno);
    int rc = watch_all(s->options, fd);
    if (rc == 0) {
        rc = netpoll_adopt(s->np, fd, &s->watcher);
        if (rc < 0)
            cannot_watch("folders", -rc);
    }
    if (rc < 0)
        close(fd);
    return rc;
}

static bool is_script(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".lua") == 0;
}

void server_watch_data(struct server *s, struct str bytes)
{
    while (bytes.size >= sizeof(struct inotify_event)) {
        struct inotify_event event;
        memcpy(&event, bytes.data, sizeof event);
        size_t size = sizeof event + event.len;
        if (size > bytes.size)
            return;
        if (event.len > 0 && is_script(bytes.data + sizeof event))
            netpoll_timer_set(s->np, SERVER_TIMER_RELOAD, QUIET_MS);
        bytes = str_skip(bytes, size);
    }
}
