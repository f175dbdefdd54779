/*
 * For the tests of the Lua host: a script written to a file, loaded, alone in a chain; and what the
 * host logged meanwhile. A test says
 *
 *   load(b, "return { name = 't', on_message = function(msg) end }");
 *   say(b, "hello");
 *   assert_int_equal(b->result.verdict, FILTER_PASS);
 */
#ifndef CHATROOM_LUA_FIXTURE_H
#define CHATROOM_LUA_FIXTURE_H

#include "diag.h"
#include "filter.h"
#include "lua_host.h"

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

#define MAX_TEXT 8192

struct bench {
    char path[64];
    struct lua_host_limits limits;
    char why[512];
    struct filter *filter; /* the last one loaded; the chain's */
    struct filter_chain *chain;
    struct filter_message message; /* what say() says, but for the text */
    struct filter_result result;
    char log[8192]; /* of the last load() or say() */
    int saved_stderr;
    int log_fd;
};

static inline int bench_setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->chain = filter_chain_new(MAX_TEXT);
    b->limits = lua_host_limits_default();
    b->message = (struct filter_message){
        .client = 7, .time_ms = 1500, .from = STR("ann"), .room = STR("#lobby")};
    snprintf(b->path, sizeof b->path, "/tmp/chatroom-filter-XXXXXX.lua");
    int fd = mkstemps(b->path, 4);
    diag_init("test", DIAG_DEBUG);
    *state = b;
    return fd < 0 ? -1 : close(fd);
}

static inline int bench_teardown(void **state)
{
    struct bench *b = *state;
    filter_chain_free(b->chain);
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

static inline void write_script(const struct bench *b, const void *text, size_t size)
{
    FILE *f = fopen(b->path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Loads the file as it is and, if that succeeds, appends it to the chain. */
static inline int load_file(struct bench *b, const char *path)
{
    struct filter *f = NULL;
    log_begin(b);
    int error = lua_host_load_limited(&f, path, &b->limits, b->why, sizeof b->why);
    log_end(b);
    if (error == 0) {
        b->filter = f;
        assert_int_equal(filter_chain_add(b->chain, f), 0);
    }
    return error;
}

static inline int try_load(struct bench *b, const char *script)
{
    write_script(b, script, strlen(script));
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

static inline void say_bytes(struct bench *b, struct str text)
{
    b->message.text = text;
    log_begin(b);
    filter_chain_run(b->chain, &b->message, &b->result);
    log_end(b);
}

static inline void say(struct bench *b, const char *text)
{
    say_bytes(b, str_of(text));
}

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
    assert_string_equal(filter_verdict_name(b->result.verdict), filter_verdict_name(verdict));
    assert_string_equal(copy, text);
}

/* The last message passed as it was, and one more fault was counted and logged with this line of
 * the file and this sentence. */
static inline void assert_fault(const struct bench *b, uint64_t faults, int line, const char *part)
{
    char place[128];
    snprintf(place, sizeof place, "%s:%d: ", b->path, line);
    assert_contains(b->log, part);
    assert_contains(b->log, place);
    assert_int_equal(b->filter->faults, faults);
    assert_int_equal(b->result.verdict, FILTER_PASS);
    assert_true(str_equal(b->result.text, b->message.text));
}

static inline double thread_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

#endif
