/*
 * The test runner's insides: what its parts share. lua_test.h says what tests are.
 *
 *   lua_test.c        a file of tests: TAP, budgets
 *   lua_test_run.c    one test: its filter, the clock, its steps
 *   lua_test_check.c  what a step expects
 *   lua_test_hub.c    the hub it meets; knows no Lua
 *   lua_test_log.c    what was logged meanwhile; knows no Lua
 *   lua_test_file.c   FILE_test.lua: read and run
 *   lua_test_keys.c   what stands in it: tests
 *   lua_test_step.c   and their steps
 *   lua_test_reader.c its tables, key by key
 *   lua_test_line.c   in which line of it; knows no Lua
 */
#ifndef CHATROOM_LUA_TEST_IMPL_H
#define CHATROOM_LUA_TEST_IMPL_H

#include "diag.h"
#include "lua_host_impl.h"
#include "lua_test.h"

#include <sys/types.h>

/* What a hub takes by default. */
#define LUA_TEST_LINE_MAX 8192

/* Nobody waits for the hub of a test: a busy machine changes no verdict. */
#define LUA_TEST_PATIENCE 1000

/* Tests that a hub makes before it takes a filter get so many times what a call may take: they are
 * about what the filter does. A slow machine is no reason to do without it. */
#define LUA_TEST_CHECK_TIMES 10

/* So do all in a build with sanitizers or gcov, and under valgrind: times say nothing there. */
#ifdef CHATROOM_SLOW_BUILD
#define LUA_TEST_SLOW_BUILD 1
#else
#define LUA_TEST_SLOW_BUILD 0
#endif
#define LUA_TEST_SLOW_TIMES 50

/* ---- what a test file says; strings are the Lua state's ---- */

enum lua_test_action { LUA_TEST_NOTHING, LUA_TEST_EVENT, LUA_TEST_AFTER, LUA_TEST_RELOAD };

struct lua_test_saying {
    struct str to;
    struct str text; /* exact; data is NULL if it does not matter, as below */
    struct str like;
};

struct lua_test_step {
    enum lua_test_action action;
    struct filter_event event; /* kind, from, to, room, text */
    struct address_brief peer; /* family 0: as before */
    int64_t after_ms;

    enum filter_verdict expect;
    struct str to_text;
    struct str like;
    struct str logged;
    const struct lua_test_saying *said; /* NULL: not looked at */
    size_t said_count;
};

struct lua_test_setting {
    struct str key;
    struct str value;
};

struct lua_test_room {
    struct str name;
    const struct str *nicks;
    size_t count;
};

struct lua_test {
    struct str name;
    const struct lua_test_setting *config;
    size_t config_count;
    const struct lua_test_room *rooms; /* NULL: not said */
    size_t room_count;
    uint64_t budget_ns; /* 0: none */
    struct lua_test_step *steps;
    size_t step_count;
};

struct lua_test_file {
    struct lua_host host; /* what the sandbox's functions and the watch look for */
    lua_State *state;
    const struct lua_test *tests;
    size_t count;
};

/* ---- lua_test_file.c ---- */

/* Reads the tests of the filter in `filter_path`. Returns 0, or a negative errno with a sentence,
 * and then there is nothing to free. *out stays where it is. */
int lua_test_file_open(struct lua_test_file *file, const char *filter_path, char *why,
                       size_t why_size);
void lua_test_file_close(struct lua_test_file *file);

/* ---- lua_test_keys.c ---- */

/* Reads the list on the top into file->tests; leaves it there, because the strings are its. Raises
 * what is wrong, with file and line. */
void lua_test_keys_take(lua_State *state, struct lua_test_file *file);

/* ---- lua_test_line.c ---- */

/* A test, or a step of it; counted from 0. */
struct lua_test_place {
    size_t tests; /* how many there are */
    size_t test;
    size_t steps; /* 0: the test is meant */
    size_t step;
};

/* The line in which it starts, or 0 if that cannot be told: a list that was not written down as
 * one table has none. */
int lua_test_line(const char *source, const struct lua_test_place *place);

/* The first line from `from` on with this name in it; `from` if there is none. */
int lua_test_line_of_word(const char *source, int from, const char *word);

/* ---- lua_test_log.c ---- */

/* Standard error, diverted into memory; at level info, whatever it is otherwise. */
struct lua_test_log {
    int saved;
    int fd;
    enum diag_level level; /* what it was */
};

/* Returns 0 or a negative errno. */
int lua_test_log_begin(struct lua_test_log *log);
void lua_test_log_end(struct lua_test_log *log);

/* How much was written so far, and what since then: the lines' own texts, without what the log puts
 * before and for them, malloc'd; NULL without memory. `filter` is who wrote them. */
off_t lua_test_log_size(const struct lua_test_log *log);
char *lua_test_log_since(const struct lua_test_log *log, off_t from, struct str filter);

/* ---- lua_test_hub.c ---- */

struct lua_test_client {
    struct str nick;
    uint64_t id;
    int64_t joined_ms;
    struct address_brief peer;
};

struct lua_test_said {
    struct str to;
    struct str text;
    char bytes[];
};

struct lua_test_hub {
    struct filter_hub seam; /* its owner is this */
    const struct lua_test *test;
    size_t begun; /* how many different steps */
    int64_t now_ms;
    struct lua_test_client *clients;
    size_t client_count;
    struct lua_test_said **said;
    size_t said_count;
    size_t said_checked; /* those before were looked at */
    size_t said_in_step; /* and those before this one were said in steps before */
};

/* Embedded; must stay where it is. Returns 0 or -ENOMEM; lua_test_hub_fini() is due in any case. */
int lua_test_hub_init(struct lua_test_hub *hub, const struct lua_test *test);
void lua_test_hub_fini(struct lua_test_hub *hub);

void lua_test_hub_begin_step(struct lua_test_hub *hub);
void lua_test_hub_forget_said(struct lua_test_hub *hub);

/* The client of that nick, who connects if need be. */
struct lua_test_client *lua_test_hub_client(struct lua_test_hub *hub, struct str nick);

/* Gives the client another nick, unless somebody else has that. */
void lua_test_hub_rename(struct lua_test_hub *hub, struct lua_test_client *client, struct str nick);

/* ---- lua_test_run.c ---- */

struct lua_test_run {
    const struct lua_test *test;
    const char *path; /* of the filter */
    struct str name;  /* the filter's */
    struct lua_test_log *log;
    bool checking; /* for a hub, before it takes the filter */

    struct lua_test_hub hub;
    struct lua_host_world *world;
    char **settings; /* NULL-terminated */
    struct filter_chain *chain;
    struct filter *filter; /* the chain's */
    bool measured;         /* by now steps are run for the time they take: nothing is checked */

    /* The step at hand. */
    size_t step;
    struct filter before; /* the filter's counters */
    off_t log_at;         /* the log's size */
    off_t log_checked;    /* the same, after the last `logged` */
    char why[768];        /* what is wrong */
};

/* Runs a test; false with a line in run->why if it failed. The caller has set the first group, and
 * zeroed the rest. lua_test_run_fini() is due in any case. */
bool lua_test_run_steps(struct lua_test_run *run, const struct filter_load_options *options);
void lua_test_run_fini(struct lua_test_run *run);

/* After that: goes on with the same steps, over and over; the median of the filter's calls, the
 * best of a few. 0 with a line in run->why if that cannot be told. */
uint64_t lua_test_run_measure(struct lua_test_run *run);

/* Notes what is wrong with the step at hand; returns false. */
bool lua_test_fail(struct lua_test_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- lua_test_check.c: false with a line in run->why if it is not as expected ---- */

bool lua_test_check_result(struct lua_test_run *run, const struct lua_test_step *step,
                           const struct filter_result *result);
bool lua_test_check_timers(struct lua_test_run *run, const struct lua_test_step *step);
bool lua_test_check_said(struct lua_test_run *run, const struct lua_test_step *step);
bool lua_test_check_logged(struct lua_test_run *run, const struct lua_test_step *step);

#endif
