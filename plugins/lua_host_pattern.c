/*
 * See lua_host_pattern.h. A backtracking matcher: walk() goes through the items of the pattern and
 * calls itself where there is a choice. Every comparison of a character is a step.
 */
#include "lua_host_pattern.h"

#define DEPTH_MAX 200

/* A place in the text and one in the pattern. */
struct place {
    const char *text;
    const char *item;
};

static const char *walk(struct pattern *p, struct place at);

static const char *text_end(const struct pattern *p)
{
    return p->text.data + p->text.size;
}

static const char *items_end(const struct pattern *p)
{
    return p->items.data + p->items.size;
}

static const char *fail(struct pattern *p, const char *fault)
{
    if (!p->fault)
        p->fault = fault;
    return NULL;
}

/* Takes one step; false when there are none left, or all is over anyway. */
static bool step(struct pattern *p)
{
    if (p->steps == 0)
        fail(p, "pattern takes too much work on this text");
    else
        p->steps--;
    return !p->fault;
}

/* ---- one character against a class ---- */

static bool is_lower(unsigned char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(unsigned char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(unsigned char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(unsigned char c)
{
    return is_lower(c) || is_upper(c);
}

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* `c` against %a, %d, ... `letter` in lower case; a character that is no class stands for itself,
 * which `literal` is. */
static bool in_class_letter(unsigned char c, unsigned char letter, unsigned char literal)
{
    bool graphic = c > ' ' && c < 0x7f;
    switch (letter) {
    case 'a':
        return is_letter(c);
    case 'c':
        return c < ' ' || c == 0x7f;
    case 'd':
        return is_digit(c);
    case 'g':
        return graphic;
    case 'l':
        return is_lower(c);
    case 'p':
        return graphic && !is_letter(c) && !is_digit(c);
    case 's':
        return is_space(c);
    case 'u':
        return is_upper(c);
    case 'w':
        return is_letter(c) || is_digit(c);
    case 'x':
        return is_hex(c);
    case 'z': /* in no manual since Lua 5.2, but Lua still has it */
        return c == '\0';
    default:
        return c == literal;
    }
}

/* `c` against the letter behind a '%'; in upper case it means the complement. */
static bool in_class(unsigned char c, unsigned char letter)
{
    if (is_upper(letter) && strchr("ACDGLPSUWXZ", letter))
        return !in_class_letter(c, (unsigned char)(letter | 0x20), letter);
    return in_class_letter(c, letter, letter);
}

/* `c` against the set that starts with the '[' at `set` and ends with the ']' at `last`. */
static bool in_set(unsigned char c, const char *set, const char *last)
{
    bool found = true;
    const char *at = set + 1;
    if (*at == '^') {
        found = false;
        at++;
    }
    for (; at < last; at++) {
        if (*at == '%') {
            at++;
            if (in_class(c, (unsigned char)*at))
                return found;
        } else if (at + 2 < last && at[1] == '-') {
            if ((unsigned char)at[0] <= c && c <= (unsigned char)at[2])
                return found;
            at += 2;
        } else if ((unsigned char)*at == c) {
            return found;
        }
    }
    return !found;
}

/* The end of the class that starts at `item`: a character, %x or [set]. NULL and a fault if there
 * is none. */
static const char *class_end(struct pattern *p, const char *item)
{
    const char *end = items_end(p);
    char first = *item++;
    if (first == '%') {
        if (item == end)
            return fail(p, "malformed pattern (ends with '%')");
        return item + 1;
    }
    if (first != '[')
        return item;
    if (item < end && *item == '^')
        item++;
    /* A ']' that comes first stands for itself. */
    do {
        if (item == end)
            return fail(p, "malformed pattern (missing ']')");
        if (*item++ == '%') {
            if (item == end)
                return fail(p, "malformed pattern (missing ']')");
            item++;
        }
    } while (item == end || *item != ']');
    return item + 1;
}

/* True if the character at `text` is in the class from `item` to `end`. */
static bool matches_one(struct pattern *p, const char *text, const char *item, const char *end)
{
    if (text >= text_end(p) || !step(p))
        return false;
    unsigned char c = (unsigned char)*text;
    switch (*item) {
    case '.':
        return true;
    case '%':
        return in_class(c, (unsigned char)item[1]);
    case '[':
        return in_set(c, item, end - 1);
    default:
        return (unsigned char)*item == c;
    }
}

/* ---- repetition ---- */

/* As many as there are, then fewer. */
static const char *most(struct pattern *p, const char *text, const char *item, const char *end)
{
    size_t count = 0;
    while (matches_one(p, text + count, item, end))
        count++;
    for (;;) {
        const char *found = walk(p, (struct place){text + count, end + 1});
        if (found || p->fault || count == 0)
            return found;
        count--;
    }
}

/* As few as will do. */
static const char *fewest(struct pattern *p, const char *text, const char *item, const char *end)
{
    for (;;) {
        const char *found = walk(p, (struct place){text, end + 1});
        if (found || p->fault)
            return found;
        if (!matches_one(p, text, item, end))
            return NULL;
        text++;
    }
}

/* ---- items; each returns true to go on from *at, false when the walk is over with *found ---- */

/* A class with or without a repetition behind it. */
static bool single(struct pattern *p, struct place *at, const char **found)
{
    const char *end = class_end(p, at->item);
    if (!end)
        return false;
    char repeat = '\0';
    if (end < items_end(p))
        repeat = *end;
    switch (repeat) {
    case '*':
        *found = most(p, at->text, at->item, end);
        return false;
    case '-':
        *found = fewest(p, at->text, at->item, end);
        return false;
    case '+':
        if (matches_one(p, at->text, at->item, end))
            *found = most(p, at->text + 1, at->item, end);
        return false;
    case '?':
        if (matches_one(p, at->text, at->item, end))
            *found = walk(p, (struct place){at->text + 1, end + 1});
        *at = (struct place){at->text, end + 1};
        return !*found && !p->fault;
    default:
        if (!matches_one(p, at->text, at->item, end))
            return false;
        *at = (struct place){at->text + 1, end};
        return true;
    }
}

/* %bxy */
static bool balance(struct pattern *p, struct place *at)
{
    if (items_end(p) - at->item < 4) {
        fail(p, "malformed pattern (missing arguments to '%b')");
        return false;
    }
    char opening = at->item[2];
    char closing = at->item[3];
    const char *text = at->text;
    if (text == text_end(p) || *text != opening)
        return false;
    for (size_t depth = 1; ++text < text_end(p) && step(p);) {
        if (*text == closing) {
            if (--depth == 0) {
                *at = (struct place){text + 1, at->item + 4};
                return true;
            }
        } else if (*text == opening) {
            depth++;
        }
    }
    return false;
}

/* %f[set] */
static bool frontier(struct pattern *p, struct place *at)
{
    const char *set = at->item + 2;
    if (set >= items_end(p) || *set != '[') {
        fail(p, "missing '[' after '%f' in pattern");
        return false;
    }
    const char *end = class_end(p, set);
    if (!end || !step(p))
        return false;
    unsigned char before = 0;
    unsigned char after = 0;
    if (at->text > p->text.data)
        before = (unsigned char)at->text[-1];
    if (at->text < text_end(p))
        after = (unsigned char)*at->text;
    at->item = end;
    return !in_set(before, set, end - 1) && in_set(after, set, end - 1);
}

/* %1 to %9: what that capture caught, once more. */
static bool again(struct pattern *p, struct place *at)
{
    uint32_t i = (uint32_t)(at->item[1] - '1');
    if (i >= p->captures || p->capture[i].size == PATTERN_OPEN) {
        fail(p, "invalid capture index in pattern");
        return false;
    }
    size_t size = p->capture[i].size;
    if (size == PATTERN_POSITION || size > (size_t)(text_end(p) - at->text))
        return false;
    /* Comparing is work by the byte. */
    p->steps -= size / 16 < p->steps ? (uint32_t)(size / 16) : p->steps;
    if (!step(p) || memcmp(p->capture[i].start, at->text, size) != 0)
        return false;
    *at = (struct place){at->text + size, at->item + 2};
    return true;
}

static const char *open_capture(struct pattern *p, struct place at)
{
    if (p->captures == PATTERN_CAPTURES_MAX)
        return fail(p, "too many captures");
    const char *next = at.item + 1;
    size_t size = PATTERN_OPEN;
    if (next < items_end(p) && *next == ')') {
        size = PATTERN_POSITION;
        next++;
    }
    p->capture[p->captures++] = (struct pattern_capture){at.text, size};
    const char *found = walk(p, (struct place){at.text, next});
    if (!found)
        p->captures--;
    return found;
}

static const char *close_capture(struct pattern *p, struct place at)
{
    for (uint32_t i = p->captures; i-- > 0;) {
        struct pattern_capture *c = &p->capture[i];
        if (c->size != PATTERN_OPEN)
            continue;
        c->size = (size_t)(at.text - c->start);
        const char *found = walk(p, (struct place){at.text, at.item + 1});
        if (!found)
            c->size = PATTERN_OPEN;
        return found;
    }
    return fail(p, "invalid pattern capture");
}

static bool percent(struct pattern *p, struct place *at, const char **found)
{
    char kind = '\0';
    if (at->item + 1 < items_end(p))
        kind = at->item[1];
    if (kind == 'b')
        return balance(p, at);
    if (kind == 'f')
        return frontier(p, at);
    if (kind == '0') {
        fail(p, "invalid capture index in pattern");
        return false;
    }
    if (is_digit((unsigned char)kind))
        return again(p, at);
    return single(p, at, found);
}

static bool item(struct pattern *p, struct place *at, const char **found)
{
    if (at->item == items_end(p)) {
        *found = at->text;
        return false;
    }
    switch (*at->item) {
    case '(':
        *found = open_capture(p, *at);
        return false;
    case ')':
        *found = close_capture(p, *at);
        return false;
    case '%':
        return percent(p, at, found);
    case '$':
        if (at->item + 1 < items_end(p))
            return single(p, at, found);
        if (at->text == text_end(p))
            *found = at->text;
        return false;
    default:
        return single(p, at, found);
    }
}

/* Matches the items from at.item on; returns where the match ends, or NULL. */
static const char *walk(struct pattern *p, struct place at)
{
    if (p->depth == DEPTH_MAX)
        return fail(p, "pattern too complex");
    if (!step(p))
        return NULL;
    p->depth++;
    const char *found = NULL;
    while (item(p, &at, &found))
        ;
    p->depth--;
    return found;
}

/* ---- what the header names ---- */

void pattern_init(struct pattern *p, struct str text, struct str pattern)
{
    p->text = text;
    p->anchored = pattern.size > 0 && pattern.data[0] == '^';
    p->items = str_skip(pattern, p->anchored ? 1 : 0);
    p->steps = PATTERN_STEPS_MAX;
    p->depth = 0;
    p->fault = NULL;
    p->captures = 0;
}

const char *pattern_match(struct pattern *p, const char *from)
{
    p->captures = 0;
    p->depth = 0;
    const char *end = walk(p, (struct place){from, p->items.data});
    if (!end)
        return NULL;
    for (uint32_t i = 0; i < p->captures; i++) {
        if (p->capture[i].size == PATTERN_OPEN)
            return fail(p, "unfinished capture");
    }
    return end;
}

bool pattern_is_plain(struct str pattern)
{
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] != '\0' && strchr("^$*+?.([%-", pattern.data[i]))
            return false;
    }
    return true;
}
