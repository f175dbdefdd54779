/*
 * `rooms` and `match` in what a script returns: what it wants to see, as the chain takes it (struct
 * filter_match). What the chain does not know, whole words and capitals, is a rule of our own: see
 * fits().
 */
#include "letters.h"
#include "lua_host_impl.h"
#include "word_set.h"

#include <errno.h>

#define LENGTH_MAX 1000000

/* A room is named '#...', so a glob that starts with another letter matches none. */
void lua_take_rooms(lua_State *state, struct lua_declared *d)
{
    struct filter_match *m = &d->filter.match;
    m->rooms = lua_declare_strings(state, "rooms", &m->room_count);
    for (size_t i = 0; i < m->room_count; i++) {
        if (!strchr("#*?[", m->rooms[i].data[0]))
            lua_declare_fail(state, "rooms", "'rooms' has '%s', but names of rooms start with '#'",
                             m->rooms[i].data);
    }
}

static void take_prefix(lua_State *state, struct lua_declared *d)
{
    size_t count;
    d->filter.match.prefix = *lua_declare_strings(state, "prefix", &count);
}

static void take_contains(lua_State *state, struct lua_declared *d)
{
    struct filter_match *m = &d->filter.match;
    m->contains = lua_declare_strings(state, "contains", &m->contain_count);
}

static size_t check_length(lua_State *state, const char *key, lua_Integer least)
{
    lua_Integer length = lua_tointeger(state, -1);
    if (!lua_isinteger(state, -1) || length < least || length > LENGTH_MAX)
        lua_declare_fail(state, key, "'match.%s' must be an integer from %d to %d", key, (int)least,
                         LENGTH_MAX);
    return (size_t)length;
}

static void take_min_length(lua_State *state, struct lua_declared *d)
{
    d->filter.match.min_length = check_length(state, "min_length", 0);
}

static void take_max_length(lua_State *state, struct lua_declared *d)
{
    d->filter.match.max_length = check_length(state, "max_length", 1);
    if (d->filter.match.max_length < d->filter.match.min_length)
        lua_declare_fail(state, "max_length", "'match.max_length' is less than 'match.min_length'");
}

static uint32_t check_kind(lua_State *state, const struct lua_declared *d, const char *name)
{
    for (int kind = 0; kind < FILTER_KINDS; kind++) {
        if (strcmp(filter_kind_name((enum filter_kind)kind), name) != 0)
            continue;
        if (!(d->filter.kinds & (1U << kind)))
            lua_declare_fail(state, "kinds", "'match.kinds' has \"%s\", but nothing handles it",
                             name);
        return 1U << kind;
    }
    lua_declare_fail(state, "kinds",
                     "'match.kinds' has \"%s\"; there are message, action, private, join, leave, "
                     "nick, connect, command",
                     name);
}

static void take_kinds(lua_State *state, struct lua_declared *d)
{
    size_t count;
    const struct str *names = lua_declare_strings(state, "kinds", &count);
    for (size_t i = 0; i < count; i++)
        d->filter.match.kinds |= check_kind(state, d, names[i].data);
}

static void take_sample(lua_State *state, struct lua_declared *d)
{
    lua_Number share = lua_tonumber(state, -1);
    if (!(share > 0 && share <= 1))
        lua_declare_fail(state, "sample", "'match.sample' must be above 0, and 1 at most");
    d->filter.match.sample = share;
}

/* ---- rules the chain does not know ---------------------------------------------------------- */

static bool fits(void *arg, struct str text)
{
    struct lua_match_rule *rule = arg;
    struct word_hit hit;
    if (rule->capitals > 0 && letters_count(text).capitals < rule->capitals)
        return false;
    return !rule->words || word_set_find(rule->words, text, &hit);
}

void lua_match_rule_free(struct lua_match_rule *rule)
{
    word_set_free(rule->words);
    rule->words = NULL;
}

size_t lua_match_rule_memory(const struct lua_match_rule *rule)
{
    return rule->words ? word_set_memory(rule->words) : 0;
}

static void take_capitals(lua_State *state, struct lua_declared *d)
{
    d->rule.capitals = check_length(state, "capitals", 1);
}

/* The list on the top, or the one string; the strings stay in it. Pushes what holds the result. */
static const struct str *borrow_words(lua_State *state, size_t *count)
{
    bool single = lua_type(state, -1) == LUA_TSTRING;
    if (!single && lua_type(state, -1) != LUA_TTABLE)
        lua_declare_fail(state, "words", "'match.words' must be a list of strings, not a %s",
                         luaL_typename(state, -1));
    *count = single ? 1 : (size_t)lua_rawlen(state, -1);
    if (*count > WORD_SET_ENTRIES_MAX)
        lua_declare_fail(state, "words", "'match.words' has more than %d", WORD_SET_ENTRIES_MAX);
    struct str *words = lua_newuserdatauv(state, *count * sizeof *words, 0);
    for (size_t i = 0; i < *count; i++) {
        if (single)
            lua_pushvalue(state, -2);
        else
            lua_rawgeti(state, -2, (lua_Integer)i + 1);
        if (lua_type(state, -1) != LUA_TSTRING)
            lua_declare_fail(state, "words", "'match.words' may hold strings only, not a %s",
                             luaL_typename(state, -1));
        words[i].data = lua_tolstring(state, -1, &words[i].size);
        lua_pop(state, 1);
    }
    return words;
}

/* An empty list is one of which no text has a word. */
static void take_words(lua_State *state, struct lua_declared *d)
{
    char why[256] = "out of memory";
    size_t count;
    const struct str *words = borrow_words(state, &count);
    if (word_set_new(&d->rule.words, words, count, why, sizeof why) < 0)
        lua_declare_fail(state, "words", "'match.words': %s", why);
    if (word_set_memory(d->rule.words) > lua_host_of(state)->limits.memory)
        lua_declare_fail(state, "words", "'match.words' needs more memory than a filter may have");
    d->rule.word_count = count;
    lua_pop(state, 1);
}

/* Tells the chain of the rule, if there is one. */
static void publish_rule(lua_State *state, struct lua_declared *d)
{
    const struct lua_match_rule *rule = &d->rule;
    if (rule->capitals == 0 && !rule->words)
        return;
    d->filter.match.fits = fits;
    d->filter.match.rule = &d->rule;
    if (rule->capitals > 0)
        lua_pushfstring(state, "at least %d capitals%s", (int)rule->capitals,
                        rule->words ? ", " : "");
    else
        lua_pushliteral(state, "");
    if (rule->words)
        lua_pushfstring(state, "one of %d words", (int)rule->word_count);
    else
        lua_pushliteral(state, "");
    lua_concat(state, 2);
    d->filter.match.rule_means = lua_own_string(state, -1);
    lua_pop(state, 1);
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct lua_key keys[] = {
    {"prefix", LUA_TSTRING, false, take_prefix, "string", "the text starts with it"},
    {"contains", LUA_TNONE, false, take_contains, "string|string[]",
     "the text holds one of these, anywhere, capitals or not (A to Z)"},
    {"words", LUA_TNONE, false, take_words, "string|string[]",
     "the text has one of these words or phrases, as `hub.words` finds them"},
    {"capitals", LUA_TNUMBER, false, take_capitals, "integer",
     "so many capital letters, of all alphabets, at least"},
    {"min_length", LUA_TNUMBER, false, take_min_length, "integer", "bytes of text, at least"},
    {"max_length", LUA_TNUMBER, false, take_max_length, "integer", "bytes of text, at most"},
    {"kinds", LUA_TNONE, false, take_kinds, "string|string[]",
     "of what it handles: message, action, private, join, leave, nick, connect, command"},
    {"sample", LUA_TNUMBER, false, take_sample, "number",
     "only this share of what matches: 0.01 is one in a hundred"},
};

const struct lua_key *lua_match_keys(size_t *count)
{
    *count = sizeof keys / sizeof *keys;
    return keys;
}

/* Puts what the function on the top makes of hub.config in its place. */
static void call_match(lua_State *state, const struct lua_declared *d)
{
    if (!d->config)
        lua_declare_fail(state, "match", "'match' is a function, but there is no 'config' for it");
    lua_getfield(state, LUA_REGISTRYINDEX, "hub");
    lua_getfield(state, -1, "config");
    lua_remove(state, -2);
    lua_call(state, 1, 1);
}

void lua_take_match(lua_State *state, struct lua_declared *d)
{
    lua_pushvalue(state, -1);
    if (lua_isfunction(state, -1))
        call_match(state, d);
    if (lua_type(state, -1) != LUA_TTABLE)
        lua_declare_fail(state, "match",
                         "'match' must be a table, or a function that returns one, not a %s",
                         luaL_typename(state, -1));
    lua_keys_take(state, keys, sizeof keys / sizeof *keys, "match.", d);
    publish_rule(state, d);
    lua_pop(state, 1);
}
