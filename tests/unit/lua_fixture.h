/*
 * For the tests of the Lua host: a script written to a file and loaded, a hub that writes down what
 * is said to it, and what the host logged meanwhile. A test says
 *
 *   load(b, "return { name = 't', on_message = function(msg) end }");
 *   say(b, "hello");
 *   assert_result(b, FILTER_PASS, "");
 *
 * The filter is called as the chain would, without one: what a chain makes of it is in
 * test_filter.c.
 */
#ifndef CHATROOM_LUA_FIXTURE_H
#define CHATROOM_LUA_FIXTURE_H

#include "diag.h"
#include "filter.h"
#include "lua_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* cmocka.h wants the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
/* clang-format on */

#define MAX_TEXT      8192
#define BENCH_FILTERS 8

struct bench {
    char path[64];
    struct lua_host_limits limits;
    struct lua_host_world *world;
    const char *settings[4]; /* what --set says; NULL-terminated */
    bool candidate;
    char why[1024];
    struct filter *filter; /* the last one loaded */
    struct filter *filters[BENCH_FILTERS];
    size_t count;
    struct filter_event event; /* what happens next, but for the text */
    struct filter_result result;
    char log[8192]; /* of the last load() or say() */
    int saved_stderr;
    int log_fd;

    /* The hub. */
    struct filter_hub hub;
    int64_t now_ms;
    int say_error;      /* what say() and tell() return */
    int64_t members;    /* how many are in #lobby, called n1, n2, ... */
    int64_t members_ms; /* so long it takes to say so, without any work */
    char said[2048];    /* "t>#lobby: text\n" for each */
};

/* ---- clocks --------------------------------------------------------------------------------- */

static inline double thread_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static inline double wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Waits, and does nothing; signals do not end it. */
static inline void wait_ms(int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + ms * 1000000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    while (ms > 0 && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* ---- the hub -------------------------------------------------------------------------------- */

static inline int bench_hub_say(void *owner, struct str by, struct str to, struct str text)
{
    struct bench *b = owner;
    size_t used = strlen(b->said);
    if (b->say_error == 0)
        snprintf(b->said + used, sizeof b->said - used, STR_FMT ">" STR_FMT ": " STR_FMT "\n",
                 STR_ARG(by), STR_ARG(to), STR_ARG(text));
    return b->say_error;
}

static inline int64_t bench_hub_members(void *owner, struct str room, size_t most,
                                        void (*each)(void *arg, struct str nick), void *arg)
{
    struct bench *b = owner;
    wait_ms(b->members_ms);
    if (!str_equal(room, STR("#lobby")))
        return -ENOENT;
    for (int64_t i = 1; i <= b->members && (size_t)i <= most; i++) {
        char nick[32];
        snprintf(nick, sizeof nick, "n%lld", (long long)i);
        each(arg, str_of(nick));
    }
    return b->members;
}

static inline int64_t bench_hub_rooms(void *owner, size_t most,
                                      void (*each)(void *arg, struct str room, uint32_t members),
                                      void *arg)
{
    const struct bench *b = owner;
    if (most > 0)
        each(arg, STR("#lobby"), (uint32_t)b->members);
    if (most > 1)
        each(arg, STR("#tea"), 0);
    return 2;
}

static inline int64_t bench_hub_now(void *owner)
{
    return ((struct bench *)owner)->now_ms;
}

/* ---- life ----------------------------------------------------------------------------------- */

static inline int bench_setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->limits = lua_host_limits_default();
    b->limits.patience = 1000; /* for busy machines */
    b->world = lua_host_world_new();
    b->now_ms = 1500;
    b->event = (struct filter_event){.client = 7,
                                     .time_ms = 1500,
                                     .joined_ms = 250,
                                     .from = STR("ann"),
                                     .to = STR(""),
                                     .room = STR("#lobby"),
                                     .text = STR("")};
    b->hub = (struct filter_hub){.owner = b,
                                 .say = bench_hub_say,
                                 .tell = bench_hub_say,
                                 .members = bench_hub_members,
                                 .rooms = bench_hub_rooms,
                                 .now_ms = bench_hub_now};
    snprintf(b->path, sizeof b->path, "/tmp/chatroom-filter-XXXXXX.lua");
    int fd = mkstemps(b->path, 4);
    diag_init("test", DIAG_DEBUG);
    *state = b;
    return fd < 0 ? -1 : close(fd);
}

/* Unloads all that was loaded. */
static inline void unload(struct bench *b)
{
    while (b->count > 0) {
        struct filter *f = b->filters[--b->count];
        f->ops->free(f);
    }
    b->filter = NULL;
}

static inline int bench_teardown(void **state)
{
    struct bench *b = *state;
    unload(b);
    lua_host_world_free(b->world);
    unlink(b->path);
    free(b);
    return 0;
}

static inline void log_begin(struct bench *b)
{
    b->saved_stderr = dup(STDERR_FILENO);
    b->log_fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(b->saved_stderr >= 0 && b->log_fd >= 0);
    dup2(b->log_fd, STDERR_FILENO);
}

static inline void log_end(struct bench *b)
{
    dup2(b->saved_stderr, STDERR_FILENO);
    ssize_t n = pread(b->log_fd, b->log, sizeof b->log - 1, 0);
    b->log[n > 0 ? n : 0] = '\0';
    close(b->saved_stderr);
    close(b->log_fd);
}

/* ---- loading -------------------------------------------------------------------------------- */

static inline void write_file(const char *path, const void *text, size_t size)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static inline int load_file(struct bench *b, const char *path)
{
    struct filter *f = NULL;
    struct filter_load_options options = {
        .settings = b->settings, .hub = &b->hub, .candidate = b->candidate};
    assert_true(b->count < BENCH_FILTERS);
    log_begin(b);
    int error =
        lua_host_load_limited(&f, path, &options, &b->limits, b->world, b->why, sizeof b->why);
    log_end(b);
    if (error == 0)
        b->filter = b->filters[b->count++] = f;
    return error;
}

static inline int try_load(struct bench *b, const char *script)
{
    write_file(b->path, script, strlen(script));
    return load_file(b, b->path);
}

static inline void load(struct bench *b, const char *script)
{
    if (try_load(b, script) != 0)
        fail_msg("%s", b->why);
}

/* Loads a script whose on_message has this body, which starts in line 2. */
static inline void load_body(struct bench *b, const char *body)
{
    char script[4096];
    snprintf(script, sizeof script, "return { name = 't', on_message = function(msg)\n%s\nend }\n",
             body);
    load(b, script);
}

/* The same, alone. */
static inline void reload_body(struct bench *b, const char *body)
{
    unload(b);
    load_body(b, body);
}

/* ---- events --------------------------------------------------------------------------------- */

/* What b->event says happens; the last filter loaded judges it. */
static inline void happen(struct bench *b)
{
    b->result = (struct filter_result){.verdict = FILTER_PASS, .text = STR("")};
    log_begin(b);
    b->filter->ops->on_event(b->filter, &b->event, &b->result);
    log_end(b);
}

static inline void say_bytes(struct bench *b, struct str text)
{
    b->event.text = text;
    happen(b);
}

static inline void say(struct bench *b, const char *text)
{
    say_bytes(b, str_of(text));
}

/* It is so many milliseconds later; one timer may run. When the next is due. */
static inline int64_t pass_time(struct bench *b, int64_t ms)
{
    b->now_ms += ms;
    b->result = (struct filter_result){.verdict = FILTER_PASS, .text = STR("")};
    log_begin(b);
    int64_t due = b->filter->ops->tick(b->filter, b->now_ms, &b->result);
    log_end(b);
    return due;
}

/* ---- what came of it ------------------------------------------------------------------------ */

static inline void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text);
}

static inline void assert_result(const struct bench *b, enum filter_verdict verdict,
                                 const char *text)
{
    char copy[MAX_TEXT + 1];
    snprintf(copy, sizeof copy, STR_FMT, STR_ARG(b->result.text));
    if (b->result.verdict != verdict)
        fail_msg("%s, not %s: %s", filter_verdict_name(b->result.verdict),
                 filter_verdict_name(verdict), copy);
    assert_string_equal(copy, text);
}

/* The last event was a fault, with this line of the file and this sentence. */
static inline void assert_fault(const struct bench *b, int line, const char *part)
{
    char place[128];
    char copy[MAX_TEXT + 1];
    snprintf(place, sizeof place, "%s:%d: ", b->path, line);
    snprintf(copy, sizeof copy, STR_FMT, STR_ARG(b->result.text));
    assert_string_equal(filter_verdict_name(b->result.verdict), "fault");
    assert_contains(copy, place);
    assert_contains(copy, part);
}

/* The script does not load, and is told this, in this line. */
static inline void assert_refused(struct bench *b, const char *script, int line, const char *part)
{
    char place[128];
    snprintf(place, sizeof place, "%s:%d: ", b->path, line);
    if (try_load(b, script) != -EINVAL)
        fail_msg("loaded: %s", script);
    assert_contains(b->why, place);
    assert_contains(b->why, part);
}

#endif
