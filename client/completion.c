/*
 * Names stand in arrays, the best candidate first: a nick moves to the front when it speaks. Two
 * hundred names are searched in a microsecond, so there is no index.
 *
 * A round of Tabs is remembered by what was typed and by how much of it was replaced: the n-th Tab
 * looks for the n-th name that fits. If somebody speaks meanwhile, the order changes; so a round
 * works on a copy of the names, made by its first Tab.
 */
#include "completion.h"

#include "buffer.h"
#include "text.h"

#include <stdlib.h>

enum {
    NAME_MAX_BYTES = TEXT_NICK_MAX > TEXT_ROOM_MAX ? TEXT_NICK_MAX : TEXT_ROOM_MAX,
};

struct name {
    unsigned char size;
    char text[NAME_MAX_BYTES];
};

struct names {
    size_t count;
    size_t max;
    struct name *list;
};

/* What a word can become. */
struct kind {
    struct str sigil;  /* stands before the word where it was left out: "#" */
    struct str behind; /* is put behind it */
};

struct completion {
    struct names nicks;
    struct names rooms;

    /* the round of Tabs that is under way, if `made` is what the line is now */
    struct buffer made;  /* the line up to the cursor, as the last Tab left it */
    struct buffer typed; /* the word as it was typed */
    size_t inserted;     /* bytes that the last Tab has put in */
    struct names fitting;
    size_t at; /* which of them comes next; fitting.count: what was typed */
    struct kind kind;
    struct name candidates[COMPLETION_NICKS_MAX];
    struct buffer insert;

    struct name nick_list[COMPLETION_NICKS_MAX];
    struct name room_list[COMPLETION_ROOMS_MAX];
};

struct completion *completion_new(void)
{
    struct completion *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->nicks = (struct names){.max = COMPLETION_NICKS_MAX, .list = c->nick_list};
    c->rooms = (struct names){.max = COMPLETION_ROOMS_MAX, .list = c->room_list};
    c->fitting = (struct names){.max = COMPLETION_NICKS_MAX, .list = c->candidates};
    return c;
}

void completion_free(struct completion *c)
{
    if (!c)
        return;
    buffer_fini(&c->made);
    buffer_fini(&c->typed);
    buffer_fini(&c->insert);
    free(c);
}

/* ---- names --------------------------------------------------------------------------------- */

static struct str name_str(const struct name *n)
{
    return str_from(n->text, n->size);
}

static size_t names_find(const struct names *names, struct str name)
{
    size_t at = 0;
    while (at < names->count && !text_equal_fold(name_str(&names->list[at]), name))
        at++;
    return at;
}

/* Puts `name` at `to`; what stands from there up to `from` moves one on. */
static void names_put(struct names *names, size_t from, size_t to, struct str name)
{
    memmove(&names->list[to + 1], &names->list[to], (from - to) * sizeof *names->list);
    struct name *n = &names->list[to];
    n->size = (unsigned char)name.size;
    memcpy(n->text, name.data, name.size);
}

static bool fits(struct str name)
{
    return name.size > 0 && name.size <= NAME_MAX_BYTES;
}

/* The best candidate from now on. */
static void names_first(struct names *names, struct str name)
{
    if (!fits(name))
        return;
    size_t at = names_find(names, name);
    if (at == names->count && names->count < names->max)
        names->count++;
    else if (at == names->count)
        at--;
    names_put(names, at, 0, name);
}

static void names_last(struct names *names, struct str name)
{
    size_t at = names_find(names, name);
    if (fits(name) && at == names->count && names->count < names->max)
        names_put(names, names->count++, at, name);
}

static void names_remove(struct names *names, struct str name)
{
    size_t at = names_find(names, name);
    if (at == names->count)
        return;
    names->count--;
    memmove(&names->list[at], &names->list[at + 1], (names->count - at) * sizeof *names->list);
}

void completion_spoke(struct completion *c, struct str nick)
{
    names_first(&c->nicks, nick);
}

void completion_is_here(struct completion *c, struct str nick)
{
    names_last(&c->nicks, nick);
}

void completion_left(struct completion *c, struct str nick)
{
    names_remove(&c->nicks, nick);
}

void completion_renamed(struct completion *c, struct str from, struct str to)
{
    if (!text_equal_fold(from, to))
        names_remove(&c->nicks, to);
    size_t at = names_find(&c->nicks, from);
    if (at == c->nicks.count || !fits(to))
        names_last(&c->nicks, to);
    else
        names_put(&c->nicks, at, at, to);
}

void completion_room(struct completion *c, struct str room)
{
    names_last(&c->rooms, room);
}

/* ---- what fits ----------------------------------------------------------------------------- */

static const char *const commands[] = {"help",  "history", "join", "me",   "msg",
                                       "nick",  "part",    "ping", "quit", "rooms",
                                       "stats", "reload",  "who"};

static bool begins_with(struct str name, struct str word)
{
    return name.size >= word.size && text_equal_fold(str_from(name.data, word.size), word);
}

static void offer(struct completion *c, struct str name, struct str word)
{
    struct names *fitting = &c->fitting;
    if (!begins_with(name, word) || fitting->count == fitting->max)
        return;
    names_put(fitting, fitting->count, fitting->count, name);
    fitting->count++;
}

static void offer_commands(struct completion *c, struct str word)
{
    c->kind = (struct kind){.sigil = STR("/"), .behind = STR(" ")};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        offer(c, str_of(commands[i]), str_skip(word, 1));
}

static void offer_rooms(struct completion *c, struct str word)
{
    c->kind = (struct kind){.sigil = STR(""), .behind = STR(" ")};
    char name[NAME_MAX_BYTES] = "#";
    if (!str_starts_with(word, STR("#")) && word.size < sizeof name) {
        memcpy(name + 1, word.data, word.size);
        word = str_from(name, word.size + 1);
    }
    for (size_t i = 0; i < c->rooms.count; i++)
        offer(c, name_str(&c->rooms.list[i]), word);
}

static void offer_nicks(struct completion *c, struct str word, struct str own, bool addressed)
{
    c->kind = (struct kind){.sigil = STR(""), .behind = addressed ? STR(": ") : STR(" ")};
    for (size_t i = 0; i < c->nicks.count; i++) {
        struct str nick = name_str(&c->nicks.list[i]);
        if (!text_equal_fold(nick, own))
            offer(c, nick, word);
    }
}

/* True if `line` is "/join " or its like: a room comes next. */
static bool wants_room(struct str line)
{
    struct str command = str_word(&line);
    return line.size == 0 &&
           (text_equal_fold(command, STR("/join")) || text_equal_fold(command, STR("/part")) ||
            text_equal_fold(command, STR("/who")));
}

/* The size of the line without its last word. */
static size_t word_start(struct str before)
{
    const char *blank = before.size > 0 ? memrchr(before.data, ' ', before.size) : NULL;
    return blank ? (size_t)(blank - before.data) + 1 : 0;
}

static void begin_round(struct completion *c, struct str before, struct str own)
{
    size_t start = word_start(before);
    struct str word = str_skip(before, start);
    c->fitting.count = 0;
    c->at = 0;
    c->inserted = word.size;
    buffer_clear(&c->typed);
    buffer_add(&c->typed, word);
    bool command = start == 0 && str_starts_with(word, STR("/"));
    if (command && !str_starts_with(word, STR("//")))
        offer_commands(c, word);
    else if (str_starts_with(word, STR("#")) || wants_room(str_from(before.data, start)))
        offer_rooms(c, word);
    else
        offer_nicks(c, word, own, start == 0);
}

/* ---- Tab ----------------------------------------------------------------------------------- */

/* Into `insert`: the candidate whose turn it is, or what was typed. */
static void build_insert(struct completion *c)
{
    buffer_clear(&c->insert);
    if (c->at == c->fitting.count) {
        buffer_add(&c->insert, buffer_str(&c->typed));
        return;
    }
    buffer_add(&c->insert, c->kind.sigil);
    buffer_add(&c->insert, name_str(&c->fitting.list[c->at]));
    buffer_add(&c->insert, c->kind.behind);
}

/* After the last candidate comes what was typed, unless there is but one: then Tab is done. */
static void step(struct completion *c)
{
    size_t turns = c->fitting.count + (c->fitting.count > 1);
    c->at = (c->at + 1) % turns;
}

void completion_done(struct completion *c)
{
    c->fitting.count = 0;
}

bool completion_next(struct completion *c, struct str before, struct str own,
                     struct completion_edit *edit)
{
    bool goes_on = c->fitting.count > 0 && str_equal(before, buffer_str(&c->made));
    if (!goes_on)
        begin_round(c, before, own);
    if (c->fitting.count == 0)
        return false;
    build_insert(c);
    step(c);
    size_t kept = before.size - c->inserted;
    buffer_clear(&c->made);
    buffer_add(&c->made, str_from(before.data, kept));
    buffer_add(&c->made, buffer_str(&c->insert));
    edit->remove = c->inserted;
    edit->insert = buffer_str(&c->insert);
    c->inserted = c->insert.size;
    if (c->insert.failed || c->made.failed || c->typed.failed)
        c->fitting.count = 0;
    return !c->insert.failed;
}
