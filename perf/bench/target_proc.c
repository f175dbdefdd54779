/* What the server has used and does, as Linux' /proc tells it. See target.h. */
#include "clocks.h"
#include "say.h"
#include "target.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENIENT_NS UINT64_C(1000000000)
#define STRICT_NS  (10 * LENIENT_NS)

/* Reads a small file under /proc/PID; a file that is gone is an empty one. */
static void read_proc(const struct target *t, const char *name, char *text, size_t size)
{
    char path[320];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)t->pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

/* Calls `add` with the text of /proc/PID/task/TID/NAME of every thread; returns how many. */
static int each_thread(const struct target *t, const char *name,
                       void (*add)(const char *text, uint64_t *sum), uint64_t *sum)
{
    char path[64];
    char file[300];
    char text[512];
    int threads = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)t->pid);
    DIR *dir = opendir(path);
    *sum = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "task/%s/%s", e->d_name, name);
        read_proc(t, file, text, sizeof text);
        add(text, sum);
        threads++;
    }
    if (dir)
        closedir(dir);
    return threads;
}

/* schedstat: ns on a CPU, ns waiting for one, turns. */
static void add_cpu(const char *text, uint64_t *sum)
{
    *sum += strtoull(text, NULL, 10);
}

/* stat: "tid (name) state ..."; the name may hold anything. */
static void add_awake(const char *text, uint64_t *sum)
{
    const char *paren = strrchr(text, ')');
    if (paren && paren[1] == ' ' && strchr("RD", paren[2]))
        *sum += 1;
}

int target_cpu(const struct target *t, uint64_t *ns)
{
    each_thread(t, "schedstat", add_cpu, ns);
    if (*ns == 0)
        return say(EX_OSERR, "no CPU time in /proc/%d/task/*/schedstat", (int)t->pid);
    return 0;
}

/* The number behind `key`, in KiB, of a file with lines like "Rss:  1234 kB". */
static int read_kib(const struct target *t, const char *name, const char *key, uint64_t *bytes)
{
    char text[4096];
    read_proc(t, name, text, sizeof text);
    const char *at = strstr(text, key);
    if (!at)
        return say(EX_OSERR, "no%s in /proc/%d/%s", key + 1, (int)t->pid, name);
    *bytes = strtoull(at + strlen(key), NULL, 10) * 1024;
    return 0;
}

/* smaps_rollup walks the pages; VmRSS of status may be off by a few hundred KiB. */
int target_rss(const struct target *t, uint64_t *bytes)
{
    return read_kib(t, "smaps_rollup", "\nRss:", bytes);
}

int target_rss_peak(const struct target *t, uint64_t *bytes)
{
    return read_kib(t, "status", "\nVmHWM:", bytes);
}

int target_settle(const struct target *t)
{
    uint64_t deadline = now_ns() + (t->strict ? STRICT_NS : LENIENT_NS);
    uint64_t awake = 0;
    while (now_ns() < deadline) {
        if (each_thread(t, "stat", add_awake, &awake) == 0)
            return say(EXIT_WRONG, "the server is gone");
        if (awake == 0)
            return 0;
        sched_yield();
    }
    if (!t->strict)
        return 0;
    return say(EXIT_WRONG, "the server does not come to rest: %d threads run", (int)awake);
}
