/* See model_judge.h. */
#include "model_judge.h"

#include "unit.h"

#include <errno.h>
#include <stdlib.h>

/* Of this one and those before it. A notice has its number so that no two read the same. */
struct counts {
    unsigned swaps;
    unsigned notices;
};

struct judge {
    struct filter base;
    struct str command;
    const struct filter_hub *hub;
    struct counts said;
    unsigned later; /* lines that wait for the timer's notice */
    char text[2048];
};

static bool broken;

void judge_break(void)
{
    broken = true;
}

/* ---- what it thinks ------------------------------------------------------------------------- */

enum filter_verdict judge_verdict(enum filter_kind kind, struct str text)
{
    static const struct {
        const char *word;
        enum filter_verdict verdict;
    } words[] = {
        {"drop", FILTER_DROP},    {"reply", FILTER_REPLY}, {"kick", FILTER_KICK},
        {"hush", FILTER_SHADOW},  {"okay", FILTER_ACCEPT}, {"swap", FILTER_REPLACE},
        {"shift", FILTER_DIVERT},
    };
    struct str word = str_word(&text);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!str_equal(word, str_of(words[i].word)))
            continue;
        bool unsuitable = words[i].verdict == FILTER_DIVERT && kind == FILTER_PRIVATE;
        return unsuitable ? FILTER_PASS : words[i].verdict;
    }
    return FILTER_PASS;
}

static bool ends_in(struct str name, char c)
{
    return name.size > 0 && name.data[name.size - 1] == c;
}

bool judge_refuses_room(struct str room)
{
    return ends_in(room, '3');
}

bool judge_refuses_nick(struct str nick)
{
    return ends_in(nick, '7');
}

/* ---- as a filter ---------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static struct str say(struct judge *j, const char *format,
                                                            ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(j->text, sizeof j->text, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < sizeof j->text);
    return str_from(j->text, (size_t)n);
}

static void judge_text(struct judge *j, const struct filter_event *e, struct filter_result *result)
{
    struct str rest = e->text;
    struct str word = str_word(&rest);
    result->verdict = judge_verdict(e->kind, e->text);
    result->text = e->text;
    if (result->verdict == FILTER_REPLACE)
        result->text = say(j, JUDGE_SWAPPED, ++j->said.swaps, STR_ARG(e->text));
    else if (result->verdict == FILTER_DIVERT)
        result->text = str_word(&rest);
    else if (result->verdict == FILTER_ACCEPT)
        result->text = STR("");
    else if (str_equal(word, STR("speak")) && e->room.size > 0)
        j->hub->say(j->hub->owner, j->base.name, e->room, say(j, "heard " STR_FMT, STR_ARG(rest)));
    else if (str_equal(word, STR("later")))
        j->later++;
}

static void refuse(struct filter_result *result, bool refused, const char *why)
{
    if (refused)
        *result = (struct filter_result){.verdict = FILTER_DROP, .text = str_of(why)};
}

static void on_event(struct filter *f, const struct filter_event *e, struct filter_result *result)
{
    struct judge *j = (struct judge *)f;
    if (e->kind == FILTER_JOIN)
        refuse(result, judge_refuses_room(e->room), JUDGE_NO_ROOM);
    else if (e->kind == FILTER_NICK)
        refuse(result, judge_refuses_nick(e->to), JUDGE_NO_NICK);
    else if (e->kind == FILTER_COMMAND)
        *result = (struct filter_result){.verdict = FILTER_REPLY,
                                         .text = say(j, JUDGE_ANSWER, STR_ARG(e->text))};
    else
        judge_text(j, e, result);
}

/* Due at once, or never: no clock is in it. */
static int64_t tick(struct filter *f, int64_t now_ms, struct filter_result *result)
{
    struct judge *j = (struct judge *)f;
    (void)result;
    if (j->later > 0 && now_ms > INT64_MIN) {
        j->hub->say(j->hub->owner, j->base.name, STR("#lobby"),
                    say(j, "it is later: %u, notice %u", j->later, ++j->said.notices));
        j->later = 0;
    }
    return j->later > 0 ? 0 : INT64_MAX;
}

static int save(struct filter *f, char **state, size_t *size, char *why, size_t why_size)
{
    const struct judge *j = (struct judge *)f;
    (void)why;
    (void)why_size;
    *size = sizeof j->said;
    *state = malloc(*size);
    assert_non_null(*state);
    memcpy(*state, &j->said, *size);
    return 0;
}

static int restore(struct filter *f, const char *state, size_t size, struct str old_version,
                   char *why, size_t why_size)
{
    struct judge *j = (struct judge *)f;
    (void)why;
    (void)why_size;
    assert_str(old_version, STR("1"));
    assert_int_equal(size, sizeof j->said);
    memcpy(&j->said, state, size);
    return 0;
}

static void judge_free(struct filter *f)
{
    free(f);
}

int judge_load(struct filter **out, const char *path, const struct filter_load_options *options,
               char *why, size_t why_size)
{
    static const struct filter_ops ops = {
        .on_event = on_event, .tick = tick, .save = save, .restore = restore, .free = judge_free};
    if (broken) {
        broken = false;
        snprintf(why, why_size, "%s: broken", path);
        return -EINVAL;
    }
    struct judge *j = calloc(1, sizeof *j);
    assert_non_null(j);
    j->hub = options->hub;
    j->command = STR("judge");
    j->base = (struct filter){
        .ops = &ops,
        .name = STR("judge"),
        .version = STR("1"),
        .kinds = 1U << FILTER_MESSAGE | 1U << FILTER_ACTION | 1U << FILTER_PRIVATE |
                 1U << FILTER_JOIN | 1U << FILTER_NICK | 1U << FILTER_COMMAND,
        .commands = &j->command,
        .command_count = 1,
    };
    *out = &j->base;
    return 0;
}
