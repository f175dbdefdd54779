/*
 * The tests of a filter, one after the other, as TAP (the Test Anything Protocol): what was logged
 * in a test is shown if it failed. Or in silence: then the first that failed is told.
 */
#include "lua_test.h"

#include "lua_test_impl.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>

struct suite {
    const char *path; /* of the filter */
    const struct filter_load_options *options;
    FILE *out; /* NULL: in silence */
    struct lua_test_file file;
    struct lua_test_log log;
    char name[LUA_HOST_NAME_MAX + 1]; /* of the filter */
    char first[1024];                 /* in silence: the first test that failed, and why */
};

/* Where a test failed. */
struct where {
    const char *file;
    int line;    /* 0: it cannot be told */
    size_t step; /* counted from 1; 0: it did not get as far as that */
};

static struct where where_of(const struct suite *s, const struct lua_test_run *run, size_t i)
{
    const struct lua_source *source = &s->file.host.source;
    const char *slash = strrchr(source->path, '/');
    struct where where = {.file = slash ? slash + 1 : source->path};
    struct lua_test_place place = {.tests = s->file.count, .test = i};
    if (run->hub.begun > 0 && run->step < run->test->step_count) {
        where.step = run->step + 1;
        place.steps = run->test->step_count;
        place.step = run->step;
    }
    where.line = lua_test_line(source->text, &place);
    return where;
}

/* ---- TAP ---- */

/* One line, whatever is in it; a '#' in a test's name would be a directive. */
static void put(FILE *out, struct str text, bool is_name)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < ' ' || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else if (is_name && (c == '#' || c == '\\'))
            fprintf(out, "\\%c", c);
        else
            fputc(c, out);
    }
    fputc('\n', out);
}

static void put_result(const struct suite *s, size_t i, bool passed)
{
    fprintf(s->out, "%s %zu - ", passed ? "ok" : "not ok", i + 1);
    put(s->out, s->file.tests[i].name, true);
}

/* "step 3 (flood_test.lua:17)"; a test that did not get as far as a step has none. */
static void put_place(const struct suite *s, const struct where *where)
{
    fprintf(s->out, "# ");
    if (where->step > 0)
        fprintf(s->out, "step %zu ", where->step);
    fprintf(s->out, "(%s", where->file);
    fprintf(s->out, where->line > 0 ? ":%d): " : "): ", where->line);
}

static void put_log(const struct suite *s, off_t from)
{
    char *log = lua_test_log_since(&s->log, from, str_of(s->name));
    for (const char *line = log; line && *line; line += strcspn(line, "\n") + 1) {
        fprintf(s->out, "# log: ");
        put(s->out, str_from(line, strcspn(line, "\n")), false);
    }
    free(log);
}

/* ---- budgets ---- */

/* True if the median call is within the budget; otherwise the reason is in run->why. */
static bool check_budget(struct lua_test_run *run)
{
    unsigned long long budget = run->test->budget_ns;
    if (budget == 0)
        return true;
    unsigned long long median = lua_test_run_measure(run);
    if (median == 0)
        return false;
    if (LUA_TEST_SLOW_BUILD || median <= budget)
        return true;
    return lua_test_fail(run, "budget_ns: the median call took %llu ns, more than %llu", median,
                         budget);
}

/* ---- tests ---- */

static void tell(struct suite *s, const struct lua_test_run *run, size_t i, bool passed,
                 off_t log_from)
{
    const struct where where = where_of(s, run, i);
    put_result(s, i, passed);
    if (passed)
        return;
    put_place(s, &where);
    put(s->out, str_of(run->why), false);
    if (log_from >= 0)
        put_log(s, log_from);
}

static void keep_first(struct suite *s, const struct lua_test_run *run, size_t i)
{
    const struct where where = where_of(s, run, i);
    char line[32] = "";
    char step[32] = "";
    if (s->first[0])
        return;
    if (where.line > 0)
        snprintf(line, sizeof line, ":%d", where.line);
    if (where.step > 0)
        snprintf(step, sizeof step, ", step %zu", where.step);
    snprintf(s->first, sizeof s->first, "%s%s: test \"" STR_FMT "\"%s: %s",
             s->file.host.source.path, line, STR_ARG(text_cut(s->file.tests[i].name, 200)), step,
             run->why);
}

static bool run_test(struct suite *s, size_t i)
{
    off_t log_from = lua_test_log_size(&s->log);
    struct lua_test_run run = {
        .test = &s->file.tests[i],
        .path = s->path,
        .name = str_of(s->name),
        .log = &s->log,
        .checking = !s->out,
    };
    bool steps_passed = lua_test_run_steps(&run, s->options);
    bool passed = steps_passed && (!s->out || check_budget(&run));
    if (s->out)
        tell(s, &run, i, passed, steps_passed ? -1 : log_from);
    else if (!passed)
        keep_first(s, &run, i);
    lua_test_run_fini(&run);
    return passed;
}

static int run_tests(struct suite *s)
{
    int failed = 0;
    if (s->out)
        fprintf(s->out, "1..%zu\n", s->file.count);
    for (size_t i = 0; i < s->file.count; i++) {
        failed += !run_test(s, i);
        if (s->out)
            fflush(s->out);
    }
    return failed;
}

/* A filter that cannot be loaded at all has no tests; and --set goes by its name. */
static int learn_name(struct suite *s, char *why, size_t why_size)
{
    const struct filter_load_options options = {.settings = s->options->settings};
    struct filter *f;
    int error = lua_host_load(&f, s->path, &options, why, why_size);
    if (error < 0)
        return error;
    snprintf(s->name, sizeof s->name, STR_FMT, STR_ARG(f->name));
    f->ops->free(f);
    return 0;
}

/* How many failed; -ENOENT if there is no test file. */
static int run_file(struct suite *s, char *why, size_t why_size)
{
    int error = lua_test_file_open(&s->file, s->path, why, why_size);
    if (error < 0)
        return error;
    int failed = run_tests(s);
    lua_test_file_close(&s->file);
    return failed;
}

static int begin(struct suite *s, char *why, size_t why_size)
{
    int error = lua_test_log_begin(&s->log);
    if (error < 0) {
        snprintf(why, why_size, "%s: cannot keep the log: %s", s->path, strerror(-error));
        return error;
    }
    error = learn_name(s, why, why_size);
    if (error < 0)
        lua_test_log_end(&s->log);
    return error;
}

int lua_test_run_to(const char *path, const struct filter_load_options *options, FILE *out,
                    char *why, size_t why_size)
{
    struct suite s = {.path = path, .options = options, .out = out};
    int result = begin(&s, why, why_size);
    if (result < 0)
        return result;
    result = run_file(&s, why, why_size);
    lua_test_log_end(&s.log);
    return result;
}

int lua_test_run(const char *path, const struct filter_load_options *options, char *why,
                 size_t why_size)
{
    return lua_test_run_to(path, options, stdout, why, why_size);
}

int lua_test_check(const char *path, const struct filter_load_options *options, char *why,
                   size_t why_size)
{
    static const struct filter_load_options none = {.settings = NULL};
    struct suite s = {.path = path, .options = options};
    int failed = begin(&s, why, why_size);
    if (failed < 0)
        return failed;
    s.options = &none;
    failed = run_file(&s, why, why_size);
    lua_test_log_end(&s.log);
    if (failed > 0)
        snprintf(why, why_size, "%s (%d of %zu tests failed)", s.first, failed, s.file.count);
    return failed == -ENOENT ? 0 : failed;
}
