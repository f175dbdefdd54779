/*
 * In which line of a test file a step stands. Lua does not remember where a table was written, so
 * the file is looked at once more: its tokens, and how they nest.
 */
#include "lua_test_impl.h"

struct scan {
    const char *at; /* behind the token */
    int line;       /* of `at` */
    struct str token;
    int token_line;
};

static bool is(const struct scan *s, const char *token)
{
    return str_equal(s->token, str_of(token));
}

/* ---- tokens ---- */

static void skip_to(struct scan *s, const char *end)
{
    for (; s->at < end; s->at++)
        s->line += *s->at == '\n';
}

/* The end of the long bracket that starts at `at`, or NULL if none does. */
static const char *long_bracket_end(const char *at)
{
    size_t level = 0;
    if (*at != '[')
        return NULL;
    while (at[1 + level] == '=')
        level++;
    if (at[1 + level] != '[')
        return NULL;
    for (const char *end = strchr(at, ']'); end; end = strchr(end + 1, ']')) {
        if (strspn(end + 1, "=") == level && end[1 + level] == ']')
            return end + level + 2;
    }
    return at + strlen(at);
}

static const char *quoted_end(const char *at)
{
    const char *end = at + 1;
    while (*end && *end != *at)
        end += *end == '\\' && end[1] ? 2 : 1;
    return *end ? end + 1 : end;
}

static void skip_space(struct scan *s)
{
    for (;;) {
        skip_to(s, s->at + strspn(s->at, " \t\r\n\v\f"));
        if (strncmp(s->at, "--", 2) != 0)
            return;
        const char *end = long_bracket_end(s->at + 2);
        skip_to(s, end ? end : s->at + strcspn(s->at, "\n"));
    }
}

static bool in_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Goes on to the next token: a string, a name or number, or one other character; empty at the end.
 */
static void next(struct scan *s)
{
    skip_space(s);
    const char *start = s->at;
    const char *end = long_bracket_end(start);
    if (*start == '"' || *start == '\'')
        end = quoted_end(start);
    if (!end) {
        end = start;
        while (in_word(*end))
            end++;
        if (end == start && *start)
            end++;
    }
    s->token_line = s->line;
    s->token = str_from(start, (size_t)(end - start));
    skip_to(s, end);
}

/* What the token does to the depth. */
static int nesting(const struct scan *s)
{
    static const char *const openers[] = {"{", "(", "[", "function", "if", "do", "repeat"};
    static const char *const closers[] = {"}", ")", "]", "end", "until"};
    for (size_t i = 0; i < sizeof openers / sizeof *openers; i++) {
        if (is(s, openers[i]))
            return 1;
    }
    for (size_t i = 0; i < sizeof closers / sizeof *closers; i++) {
        if (is(s, closers[i]))
            return -1;
    }
    return 0;
}

/* ---- lists ---- */

/* *list is left behind the opening brace of the table that the file returns: `return {`, or
 * `NAME = {` with `return NAME` at the end. */
static bool find_list(const char *source, struct scan *list)
{
    struct scan s = {.at = source, .line = 1};
    struct str before[2] = {STR(""), STR("")}; /* the two tokens before */
    struct str name = STR("");
    int depth = 0;
    for (next(&s); s.token.size > 0; next(&s)) {
        bool returned = str_equal(before[1], STR("return"));
        bool assigned = str_equal(before[1], STR("=")) && in_word(before[0].data[0]);
        if (depth == 0 && is(&s, "{") && (returned || assigned)) {
            *list = s;
            name = returned ? STR("return") : before[0];
        }
        depth += nesting(&s);
        before[0] = before[1];
        before[1] = s.token;
    }
    if (str_equal(name, STR("return")))
        return true;
    return name.size > 0 && str_equal(before[0], STR("return")) && str_equal(before[1], name);
}

/* Takes an item off the list, and its separator; *item is left at its first token. False at the
 * list's end. */
static bool next_item(struct scan *list, struct scan *item)
{
    int depth = 0;
    next(list);
    if (list->token.size == 0 || nesting(list) < 0)
        return false;
    *item = *list;
    for (; list->token.size > 0; next(list)) {
        if (depth == 0 && (is(list, ",") || is(list, ";")))
            break;
        depth += nesting(list);
        if (depth < 0) {
            list->at = list->token.data; /* the list's end: the next call is to find it */
            break;
        }
    }
    return true;
}

/* The item `wanted` of a list of `count` items. */
static bool find_item(struct scan list, size_t count, size_t wanted, struct scan *found)
{
    struct scan item;
    size_t n = 0;
    while (next_item(&list, &item)) {
        if (n++ == wanted)
            *found = item;
    }
    return n == count;
}

/* *list is left behind the opening brace of the list `steps` in the test that starts here. */
static bool find_steps(struct scan test, struct scan *list)
{
    struct scan item;
    if (!is(&test, "{"))
        return false;
    while (next_item(&test, &item)) {
        if (!is(&item, "steps"))
            continue;
        next(&item);
        if (!is(&item, "="))
            continue;
        next(&item);
        *list = item;
        return is(list, "{");
    }
    return false;
}

int lua_test_line(const char *source, const struct lua_test_place *place)
{
    struct scan list;
    struct scan item;
    if (place->test >= place->tests || !find_list(source, &list) ||
        !find_item(list, place->tests, place->test, &item))
        return 0;
    int line = item.token_line;
    if (place->steps == 0)
        return line;
    if (!find_steps(item, &list) || !find_item(list, place->steps, place->step, &item))
        return line;
    return item.token_line;
}

int lua_test_line_of_word(const char *source, int from, const char *word)
{
    struct scan s = {.at = source, .line = 1};
    for (next(&s); s.token.size > 0; next(&s)) {
        if (s.token_line >= from && is(&s, word))
            return s.token_line;
    }
    return from;
}
