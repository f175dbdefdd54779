/*
 * What filters cost a message, through the whole seam: match, breaker, clock, Lua and back. The
 * medians of several rounds, in nanoseconds of this process's CPU time:
 *
 *     bench_filters DIR_WITH_THE_FILTERS_THAT_SHIP
 *
 * Compare within one run only: the machine's speed drifts.
 */
#include "filter.h"
#include "lua_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 15, MESSAGES = 20000, MAX_TEXT = 8192 };

struct row {
    const char *name;
    const char *script;   /* a script of its own, or */
    const char *files[6]; /* those that ship */
    const char *text;
};

#define LINE "a message as people write them, of some sixty bytes or so, yes"

static const struct row rows[] = {
    {"no filter", NULL, {NULL}, LINE},
    {"trivial on_message", "return { name = 'b', on_message = function(msg) end }", {NULL}, LINE},
    {"msg.len",
     "return { name = 'b', on_message = function(msg) if msg.len > 99 then return hub.drop() end "
     "end }",
     {NULL},
     LINE},
    {"match miss",
     "return { name = 'b', match = { prefix = '!' }, on_message = function(msg) end }",
     {NULL},
     LINE},
    {"words:mask, clean text",
     "local w = hub.words({ 'spam', 'scam', 'viagra' }) return { name = 'b', on_message = "
     "function(msg) w:mask(msg.text) end }",
     {NULL},
     LINE},
    {"chain of five that ship", NULL, {"flood", "words", "links", "caps", "repeats", NULL}, LINE},
};

static uint64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static int64_t clock_ms(void *owner)
{
    (void)owner;
    return 1700000000000;
}

static const struct filter_hub quiet = {.now_ms = clock_ms};

static void add(struct filter_chain *chain, const char *path)
{
    static const char *const settings[] = {"flood.per_second=1000000", "flood.burst=1000000", NULL};
    struct filter_load_options options = {.settings = settings, .hub = &quiet};
    char why[512];
    struct filter *f;
    if (lua_host_load(&f, path, &options, why, sizeof why) < 0) {
        fprintf(stderr, "bench_filters: %s\n", why);
        exit(1);
    }
    if (filter_chain_add(chain, f) < 0)
        exit(1);
}

static void add_script(struct filter_chain *chain, const char *script)
{
    char path[] = "/tmp/bench_filters_XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, script, strlen(script)) < 0)
        exit(1);
    close(fd);
    add(chain, path);
    unlink(path);
}

static struct filter_chain *make_chain(const struct row *row, const char *dir)
{
    struct filter_chain *chain = filter_chain_new(MAX_TEXT);
    if (row->script)
        add_script(chain, row->script);
    for (size_t i = 0; row->files[i]; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s.lua", dir, row->files[i]);
        add(chain, path);
    }
    return chain;
}

/* Two texts by turns, so that nothing is a repetition. */
static double round_ns(struct filter_chain *chain, const char *text)
{
    char lines[2][128];
    snprintf(lines[0], sizeof lines[0], "%s 1", text);
    snprintf(lines[1], sizeof lines[1], "%s 2", text);
    struct filter_event e = {.kind = FILTER_MESSAGE, .client = 1, .from = STR("ann")};
    e.room = STR("#lobby");
    e.time_ms = 1700000000000;
    uint64_t start = cpu_ns();
    for (int i = 0; i < MESSAGES; i++) {
        struct filter_result result;
        e.text = str_of(lines[i & 1]);
        e.time_ms += 1000;
        filter_chain_run(chain, &e, &result);
    }
    return (double)(cpu_ns() - start) / MESSAGES;
}

static void measure(const struct row *row, const char *dir)
{
    double rounds[ROUNDS];
    struct filter_chain *chain = make_chain(row, dir);
    for (int i = 0; i < ROUNDS; i++)
        rounds[i] = round_ns(chain, row->text);
    qsort(rounds, ROUNDS, sizeof *rounds, by_value);
    printf("%-26s %8.1f ns  (%.1f to %.1f)\n", row->name, rounds[ROUNDS / 2], rounds[0],
           rounds[ROUNDS - 1]);
    filter_chain_free(chain);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: bench_filters DIR_WITH_THE_FILTERS_THAT_SHIP\n");
        return 64;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        measure(&rows[i], argv[1]);
    return 0;
}
