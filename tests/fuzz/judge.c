/* See judge.h. */
#include "judge.h"

#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct judge {
    struct filter base;
    const struct filter_hub *hub;
    struct str command;
    uint64_t events; /* judged by this one and those before it */
    int64_t due;     /* of its timer; INT64_MAX: none */
    char name[32];
    char text[4096]; /* of its verdict */
};

static const char letters[FILTER_VERDICTS] = {
    [FILTER_PASS] = 'p',   [FILTER_ACCEPT] = 'a', [FILTER_REPLACE] = 'r',
    [FILTER_DROP] = 'd',   [FILTER_REPLY] = 'y',  [FILTER_DIVERT] = 'v',
    [FILTER_SHADOW] = 's', [FILTER_KICK] = 'k',   [FILTER_FAULT] = 'f',
};

static struct str argument(struct judge *j, struct str order)
{
    size_t size = order.size < sizeof j->text ? order.size : sizeof j->text;
    bool garbled = size > 0 && order.data[0] == '~';
    for (size_t i = 0; i < size; i++)
        j->text[i] = (char)(order.data[i] ^ (garbled ? 0x80 : 0));
    return str_from(j->text, size);
}

static void speak(struct judge *j, char letter, struct str rest)
{
    struct str to = str_word(&rest);
    if (letter == '!')
        j->hub->say(j->hub->owner, j->base.name, to, argument(j, rest));
    else if (letter == '@')
        j->hub->tell(j->hub->owner, j->base.name, to, argument(j, rest));
    else if (letter == 't')
        j->due = j->hub->now_ms(j->hub->owner) + (int64_t)rest.size;
}

/* An order is "%", a letter, and what goes with it. */
static void obey(struct judge *j, struct str order, struct filter_result *result)
{
    char letter = order.size > 1 && order.data[0] == '%' ? order.data[1] : '\0';
    for (int v = 0; letter && v < FILTER_VERDICTS; v++) {
        if (letters[v] != letter)
            continue;
        result->verdict = (enum filter_verdict)v;
        result->text = argument(j, str_skip(order, 2));
        return;
    }
    if (letter)
        speak(j, letter, str_skip(order, 2));
}

static void on_event(struct filter *f, const struct filter_event *e, struct filter_result *result)
{
    struct judge *j = (struct judge *)f;
    struct str name = e->to.size > 0 ? e->to : e->room;
    j->events++;
    if (e->text.size > 0)
        obey(j, e->text, result);
    else if (name.size > 0 && name.data[name.size - 1] == '!')
        result->verdict = FILTER_DROP;
}

static int64_t tick(struct filter *f, int64_t now_ms, struct filter_result *result)
{
    struct judge *j = (struct judge *)f;
    (void)result;
    if (j->due > now_ms)
        return j->due;
    j->due = INT64_MAX;
    j->hub->say(j->hub->owner, j->base.name, STR("#lobby"), STR("it is time"));
    return j->due;
}

static int save(struct filter *f, char **state, size_t *size, char *why, size_t why_size)
{
    const struct judge *j = (struct judge *)f;
    (void)why;
    (void)why_size;
    *size = sizeof j->events;
    *state = fuzz_must(malloc(*size));
    memcpy(*state, &j->events, *size);
    return 0;
}

static int restore(struct filter *f, const char *state, size_t size, struct str old_version,
                   char *why, size_t why_size)
{
    struct judge *j = (struct judge *)f;
    fuzz_check(size == sizeof j->events && str_equal(old_version, STR("1")), "no state of mine");
    memcpy(&j->events, state, size);
    if (j->events % 16 != 15)
        return 0;
    snprintf(why, why_size, "not now");
    return -EINVAL;
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
    if (strncmp(path, "bad", 3) == 0) {
        snprintf(why, why_size, "%s: cannot be loaded", path);
        return -EINVAL;
    }
    struct judge *j = fuzz_must(calloc(1, sizeof *j));
    snprintf(j->name, sizeof j->name, "%s", path);
    j->hub = options->hub;
    j->due = INT64_MAX;
    j->command = STR("judge");
    j->base = (struct filter){
        .ops = &ops,
        .name = str_of(j->name),
        .version = STR("1"),
        .kinds = (1U << FILTER_KINDS) - 1,
        .commands = &j->command,
        .command_count = 1,
    };
    *out = &j->base;
    return 0;
}
