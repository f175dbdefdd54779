/* The customs of colour, and a hash for nicks. */
#include "colour.h"

#include "text.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

static const char *const when_names[] = {
    [COLOUR_AUTO] = "auto",
    [COLOUR_ALWAYS] = "always",
    [COLOUR_NEVER] = "never",
};

enum { WHENS = sizeof when_names / sizeof *when_names };

struct colour_environment colour_environment(void)
{
    return (struct colour_environment){
        .no_color = getenv("NO_COLOR"),
        .clicolor_force = getenv("CLICOLOR_FORCE"),
        .term = getenv("TERM"),
    };
}

static bool says_no(const struct colour_environment *env)
{
    return env->no_color && *env->no_color;
}

static bool says_yes(const struct colour_environment *env)
{
    return env->clicolor_force && *env->clicolor_force && strcmp(env->clicolor_force, "0") != 0;
}

bool colour_is_asked_for(const struct colour_environment *env)
{
    return says_no(env) || says_yes(env);
}

bool colour_wanted(enum colour_when when, const struct colour_environment *env, bool terminal)
{
    if (when != COLOUR_AUTO)
        return when == COLOUR_ALWAYS;
    if (says_no(env))
        return false;
    if (says_yes(env))
        return true;
    return terminal && env->term && *env->term && strcmp(env->term, "dumb") != 0;
}

const char *colour_when_name(enum colour_when when)
{
    return when_names[when];
}

int colour_when_parse(const char *word, enum colour_when *out)
{
    for (int when = 0; when < WHENS; when++) {
        if (strcmp(word, when_names[when]) == 0) {
            *out = (enum colour_when)when;
            return 0;
        }
    }
    return -EINVAL;
}

/* FNV-1a: short, and spreads names that differ in one letter. */
static uint32_t hash(struct str nick)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < nick.size; i++)
        h = (h ^ (unsigned char)text_fold(nick.data[i])) * 16777619U;
    return h ^ h >> 15;
}

struct str colour_of_nick(struct str nick)
{
    /* Six of the basic ones, which a terminal's theme keeps readable. Their bright twins would not
     * be on white, so the rest are from the middle of the 256. */
    static const char *const colours[] = {
        "31",       "32",      "33",      "34",       "35",       "36",
        "38;5;130", "38;5;65", "38;5;97", "38;5;131", "38;5;172", "38;5;67",
    };
    return str_of(colours[hash(nick) % (sizeof colours / sizeof *colours)]);
}
