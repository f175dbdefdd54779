/*
 * Offline tests of a filter: `chatroom_server filter test FILE.lua` runs FILE_test.lua beside it.
 *
 * A test file is Lua, in the sandbox of filters (but without `hub`), and returns a list of
 * tests:
 *
 *   return {
 *       {
 *           name = "the third message in a second is dropped",
 *           config = { per_second = 1 },                  -- as --set
 *           members = { ["#lobby"] = { "ann", "bob" } },  -- who is where, for hub.members()
 *           budget_ns = 5000,                             -- the median call must take no longer
 *           steps = { ... },
 *       },
 *   }
 *
 * A step is one thing that happens, what is expected of it, or both:
 *
 *   { from = "ann", text = "two", expect = "drop", like = "slow" }
 *       a message in #lobby; `kind`, `room`, `to` and `address` make it another event. `expect` is
 *       a verdict, "pass" unless said; `to_text` the exact text or reason that comes of it; `like`
 *       a Lua pattern in that. "fault" is what a filter that failed says, and then the text is what
 *       the log says; with `on_error = "closed"` a fault is a "drop" as well.
 *   { command = "roll", from = "ann", text = "2d6", expect = "reply" }
 *   { after = 1.5 }
 *       the clock goes on by so many seconds, and timers run. It starts at 1700000000; events take
 *       no time, so that what hub.after(0) does comes with { after = 0.001 }.
 *   { said = { { to = "#lobby", like = "welcome" } } }
 *       exactly this was said by hub.say() and hub.tell() since the last `said`; `text` is exact.
 *   { logged = "flood" }
 *       a Lua pattern in a line that was logged since the last `logged` (level info or above, and
 *       as it comes out of the log, which cuts long ones).
 *   { reload = true }
 *       the filter's save() and restore(), through a fresh state.
 *
 * For budget_ns the steps are repeated, after they were checked, until there are enough calls;
 * nothing is expected of them then, so it is for the steps to see to it that calls go on as they
 * are meant.
 *
 * Each test has a filter, a clock and a hub of its own. Without `members` every room and nick is
 * there, and rooms are empty; with it only those, #lobby, and what events so far have named. Events
 * go through a real chain: match, breaker and counters are those of a hub. Keys that are not known
 * are errors. A build with sanitizers or gcov is slow: it judges no budget_ns, and gives calls more
 * time.
 */
#ifndef CHATROOM_LUA_TEST_H
#define CHATROOM_LUA_TEST_H

#include "filter.h"

#include <stdio.h>

/* The fake clock at the start of a test, UNIX milliseconds. */
#define LUA_TEST_START_MS ((int64_t)1700000000 * 1000)

/*
 * Runs the tests of the filter in the file `path` and prints TAP to standard output. Of `options`
 * only the settings are used; the `config` of a test wins over them. Returns how many tests
 * failed; a negative errno with a sentence in `why` if the filter or its test file cannot be
 * loaded, or holds no test, and then nothing was printed. What filters log meanwhile is kept from
 * standard error; failed tests print it. A filter_test_fn (core/filter_tool.h).
 */
int lua_test_run(const char *path, const struct filter_load_options *options, char *why,
                 size_t why_size);

/*
 * Before a filter is taken into a hub: runs the same tests in silence. Returns how many failed,
 * with file, line, test and step of the first one in `why`; 0 also if there is no test file. They
 * say what the filter is by itself, so the settings of `options` are for loading it only; and no
 * budget_ns is judged, and a call may take ten times as long as it may in the hub, because that one
 * may be busy, or on a slow machine. A filter_test_fn.
 */
int lua_test_check(const char *path, const struct filter_load_options *options, char *why,
                   size_t why_size);

/* The same as lua_test_run(), printing to `out`. */
int lua_test_run_to(const char *path, const struct filter_load_options *options, FILE *out,
                    char *why, size_t why_size);

#endif
