/* What a step expects, held against what came. */
#include "lua_host_pattern.h"
#include "lua_test_impl.h"
#include "text.h"

#include <stdlib.h>

/* ---- patterns ---- */

/* True if the pattern is found in the text, as string.find() does; *fault is set if the pattern is
 * at fault. */
static bool find(struct str text, struct str like, const char **fault)
{
    struct pattern p;
    pattern_init(&p, text, like);
    for (const char *at = text.data; at <= text.data + text.size; at++) {
        if (pattern_match(&p, at))
            return true;
        if (p.anchored || p.fault)
            break;
    }
    *fault = p.fault;
    return false;
}

/* Without a pattern, any text will do. */
static bool check_like(struct lua_test_run *run, struct str text, struct str like)
{
    const char *fault = NULL;
    if (!like.data || find(text, like, &fault))
        return true;
    if (fault)
        return lua_test_fail(run, "the pattern \"" STR_FMT "\": %s", STR_ARG(like), fault);
    return lua_test_fail(run, "\"" STR_FMT "\" is not like \"" STR_FMT "\"", STR_ARG(text),
                         STR_ARG(like));
}

/* ---- results ---- */

static bool has_failed(const struct lua_test_run *run)
{
    return run->filter->verdicts[FILTER_FAULT] > run->before.verdicts[FILTER_FAULT];
}

/* What came of it. The chain makes a pass or a drop of a fault: a test is told which it was. */
static enum filter_verdict verdict_of(const struct lua_test_run *run, enum filter_verdict expected,
                                      const struct filter_result *result)
{
    bool shown = result->verdict == FILTER_PASS || expected == FILTER_FAULT;
    return has_failed(run) && shown ? FILTER_FAULT : result->verdict;
}

/* Why there was no verdict, where it is not the script that said so. */
static const char *hint(const struct lua_test_run *run, enum filter_kind kind)
{
    const struct filter *f = run->filter;
    if (f->bypassed > run->before.bypassed)
        return " (the filter was out of order: too many faults)";
    if (f->refused > run->before.refused)
        return " (the new text was refused: empty or too long)";
    if (f->skips > run->before.skips)
        return " (its match did not want it)";
    if (kind != FILTER_COMMAND && !filter_chain_wants(run->chain, kind))
        return " (it has no handler for this kind)";
    return "";
}

static bool wrong_verdict(struct lua_test_run *run, const struct lua_test_step *step,
                          enum filter_verdict verdict, struct str text)
{
    const char *why = hint(run, step->event.kind);
    const char *expected = filter_verdict_name(step->expect);
    const char *got = filter_verdict_name(verdict);
    if (verdict == FILTER_PASS || text.size == 0)
        return lua_test_fail(run, "expected %s, got %s%s", expected, got, why);
    return lua_test_fail(run, "expected %s, got %s: \"" STR_FMT "\"%s", expected, got,
                         STR_ARG(text), why);
}

static bool check_text(struct lua_test_run *run, const struct lua_test_step *step, struct str text)
{
    if (step->to_text.data && !str_equal(text, step->to_text))
        return lua_test_fail(run, "expected the text \"" STR_FMT "\", got \"" STR_FMT "\"",
                             STR_ARG(step->to_text), STR_ARG(text));
    return check_like(run, text, step->like);
}

/* The verdict, and what is said with it. */
static bool check_verdict(struct lua_test_run *run, const struct lua_test_step *step,
                          enum filter_verdict verdict, struct str text)
{
    if (verdict != step->expect)
        return wrong_verdict(run, step, verdict, text);
    return check_text(run, step, text);
}

/* With a fault, what is said is what the log says. */
static bool check_fault(struct lua_test_run *run, const struct lua_test_step *step)
{
    char *log = lua_test_log_since(run->log, run->log_at, run->name);
    struct str text = log ? str_of(log) : STR("");
    while (text.size > 0 && text.data[text.size - 1] == '\n')
        text.size--;
    bool right = check_verdict(run, step, FILTER_FAULT, text);
    free(log);
    return right;
}

bool lua_test_check_result(struct lua_test_run *run, const struct lua_test_step *step,
                           const struct filter_result *result)
{
    enum filter_verdict verdict = verdict_of(run, step->expect, result);
    if (verdict == FILTER_FAULT)
        return check_fault(run, step);
    return check_verdict(run, step, verdict, result->text);
}

bool lua_test_check_timers(struct lua_test_run *run, const struct lua_test_step *step)
{
    if (has_failed(run))
        return check_fault(run, step);
    return check_verdict(run, step, FILTER_PASS, STR(""));
}

/* ---- what was said ---- */

static bool check_saying(struct lua_test_run *run, size_t number,
                         const struct lua_test_saying *expected, const struct lua_test_said *said)
{
    if (!text_equal_fold(said->to, expected->to))
        return lua_test_fail(run,
                             "said %zu: expected it to go to " STR_FMT ", got one to " STR_FMT
                             ": \"" STR_FMT "\"",
                             number, STR_ARG(expected->to), STR_ARG(said->to), STR_ARG(said->text));
    if (expected->text.data && !str_equal(said->text, expected->text))
        return lua_test_fail(run,
                             "said %zu: expected the text \"" STR_FMT "\", got \"" STR_FMT "\"",
                             number, STR_ARG(expected->text), STR_ARG(said->text));
    return check_like(run, said->text, expected->like);
}

bool lua_test_check_said(struct lua_test_run *run, const struct lua_test_step *step)
{
    struct lua_test_hub *hub = &run->hub;
    size_t i = 0;
    if (!step->said)
        return true;
    for (; i < step->said_count && hub->said_checked < hub->said_count; i++) {
        if (!check_saying(run, i + 1, &step->said[i], hub->said[hub->said_checked++]))
            return false;
    }
    if (i < step->said_count)
        return lua_test_fail(run,
                             "said %zu: expected one to " STR_FMT ", but nothing more was said",
                             i + 1, STR_ARG(step->said[i].to));
    if (hub->said_checked == hub->said_count)
        return true;
    const struct lua_test_said *more = hub->said[hub->said_checked];
    return lua_test_fail(
        run, "said %zu: nothing more was expected, got one to " STR_FMT ": \"" STR_FMT "\"", i + 1,
        STR_ARG(more->to), STR_ARG(more->text));
}

/* ---- what was logged ---- */

/* A line at a time: '^' is the start of a line. */
static bool find_line(const char *log, struct str like, const char **fault)
{
    for (const char *line = log; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (find(str_from(line, strcspn(line, "\n")), like, fault))
            return true;
    }
    return false;
}

bool lua_test_check_logged(struct lua_test_run *run, const struct lua_test_step *step)
{
    const char *fault = NULL;
    if (!step->logged.data)
        return true;
    char *log = lua_test_log_since(run->log, run->log_checked, run->name);
    if (!log)
        return lua_test_fail(run, "out of memory");
    run->log_checked = lua_test_log_size(run->log);
    bool empty = *log == '\0';
    bool found = find_line(log, step->logged, &fault);
    free(log);
    if (found)
        return true;
    if (fault)
        return lua_test_fail(run, "the pattern \"" STR_FMT "\": %s", STR_ARG(step->logged), fault);
    return lua_test_fail(run, "%s like \"" STR_FMT "\"",
                         empty ? "nothing was logged: expected a line" : "no line logged is",
                         STR_ARG(step->logged));
}
