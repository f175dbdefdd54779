/*
 * The judge of the model hub: is what a client was sent what it was due? See hub_model.h.
 *
 * An item must come before another if one of them is a private line or part of a replay, or if both
 * are of one room. When a line comes, all that had to come before it and did not is missing: that
 * is a fault, unless it is a message that a gap notice has announced, or still may: a notice stands
 * where the gap was noticed, so private lines and replays that were queued before overtake it.
 * Events that are no messages (joins and the like) go with the messages around them, uncounted.
 */
#include "hub_model_impl.h"
#include "unit.h"

#include <inttypes.h>

enum { EXCERPT = 8 };

/* ---- faults --------------------------------------------------------------------------------- */

static void print_due(const struct model_client *c)
{
    size_t shown = 0;
    for (size_t i = c->first; i < c->count && shown < EXCERPT; i++) {
        const struct item *item = &c->items[i];
        if (item->state == ITEM_DUE && ++shown)
            print_message("  due: " STR_FMT "\n", STR_ARG(item->text));
    }
}

#define fault(c, line, why) fault_at((c), (line), (why), __LINE__)

__attribute__((noreturn)) static void fault_at(const struct model_client *c, struct str line,
                                               const char *why, int at)
{
    print_message("client %" PRIu64 " (%s): %s\n  sent: " STR_FMT "\n", c->id, c->nick, why,
                  STR_ARG(line));
    print_due(c);
    _fail(__FILE__, at);
    __builtin_unreachable();
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* Without `,"key":"value"`: what no model can know. */
static struct str without(struct str line, const char *key, char *out)
{
    const char *at = memmem(line.data, line.size, key, strlen(key));
    if (!at)
        return line;
    const char *end = line.data + line.size;
    const char *rest = memchr(at + strlen(key), '"', (size_t)(end - at) - strlen(key));
    if (!rest)
        return line;
    size_t before = (size_t)(at - line.data);
    size_t after = (size_t)(end - rest) - 1;
    memmove(out, line.data, before);
    memmove(out + before, rest + 1, after);
    return str_from(out, before + after);
}

static int room_named(const struct model *m, struct str name)
{
    for (int r = 0; r < MODEL_ROOMS; r++) {
        if (str_equal(str_of(m->rooms[r].name), name))
            return r;
    }
    return -1;
}

/* "* 3 messages of #room skipped: ..."; the number, or 0. */
static uint64_t gap_in_line(const char *text, char room[64])
{
    uint64_t n;
    int end = 0;
    snprintf(room, 64, "#lobby");
    if (sscanf(text, "* %" SCNu64 " message%*1[s] of %40s skipped: %n", &n, room, &end) == 2 && end)
        return n;
    if (sscanf(text, "* 1 message of %40s skipped: %n", room, &end) == 1 && end)
        return 1;
    snprintf(room, 64, "#lobby");
    if (sscanf(text, "* %" SCNu64 " message%*[s] skipped: %n", &n, &end) == 1 && end)
        return n;
    return strncmp(text, "* 1 message skipped: ", 21) == 0;
}

static uint64_t parse_gap(const struct model *m, struct str line, int *room)
{
    char text[256];
    char name[64];
    uint64_t n;
    if (line.size >= sizeof text || !memmem(line.data, line.size, "skipped", 7))
        return 0;
    memcpy(text, line.data, line.size);
    text[line.size] = '\0';
    if (sscanf(text, "{\"type\":\"gap\",\"room\":\"%40[^\"]\",\"skipped\":%" SCNu64 "}", name,
               &n) != 2)
        n = gap_in_line(text, name);
    *room = n > 0 ? room_named(m, str_of(name)) : -1;
    return *room >= 0 ? n : 0;
}

/* ---- judging -------------------------------------------------------------------------------- */

static bool is_barrier(const struct item *item)
{
    return item->kind != ITEM_LIVE;
}

/* True if nothing of its room that is newer than item `i` has come. */
static bool is_newest(const struct model_client *c, size_t i)
{
    for (size_t k = i + 1; k < c->count; k++) {
        const struct item *newer = &c->items[k];
        if (newer->state == ITEM_HEARD && newer->kind == ITEM_LIVE &&
            newer->room == c->items[i].room)
            return false;
    }
    return true;
}

static bool is_rename(const struct item *item)
{
    static const char words[] = " is now known as ";
    return !item->numbered &&
           memmem(item->text.data, item->text.size, words, sizeof words - 1) != NULL;
}

/* A change of nick reads the same in every room: what came may have been that of the room of
 * `missing`, and what it was taken for is still to come. Returns that, or c->count. */
static size_t find_twin(const struct model_client *c, const struct item *missing)
{
    if (!is_rename(missing))
        return c->count;
    for (size_t i = c->count; i-- > 0;) {
        const struct item *item = &c->items[i];
        if (item->state == ITEM_HEARD && item->kind == ITEM_LIVE && item->room != missing->room &&
            str_equal(item->text, missing->text) && is_newest(c, i))
            return i;
    }
    return c->count;
}

static bool trade(struct model_client *c, struct item *missing)
{
    size_t i = find_twin(c, missing);
    if (i == c->count)
        return false;
    missing->state = ITEM_HEARD;
    c->items[i].state = ITEM_DUE;
    c->first = i < c->first ? i : c->first;
    return true;
}

/* The item is missing. What was announced pays for it; else it is owed, if it may be. */
static bool lose(const struct model *m, struct model_client *c, struct item *item, bool may_owe)
{
    struct account *account = &c->accounts[item->room];
    if (item->kind == ITEM_LIVE && trade(c, item))
        return true;
    if (item->kind == ITEM_PRIVATE || !m->lossy)
        return false;
    item->state = ITEM_LOST;
    if (!item->numbered)
        return true;
    if (item->kind == ITEM_REPLAY)
        account->owed_replay++;
    else if (account->credit > 0)
        account->credit--;
    else if (may_owe)
        account->owed_live++;
    else
        return false;
    return true;
}

/* The messages of the same room come first: they are the ones that must have been announced. */
static void lose_before(const struct model *m, struct model_client *c, size_t heard)
{
    const struct item *item = &c->items[heard];
    for (size_t i = heard; i-- > c->first;) { /* from the newest: so they can be traded */
        struct item *missing = &c->items[i];
        bool same = !is_barrier(item) && !is_barrier(missing) && item->room == missing->room;
        if (missing->state == ITEM_DUE && same && !lose(m, c, missing, false))
            fault(c, item->text, "an older message of the room did not come, unannounced");
    }
    size_t barrier = is_barrier(item) ? heard : c->first;
    for (size_t i = c->first; i < heard; i++) {
        if (c->items[i].state == ITEM_DUE && is_barrier(&c->items[i]))
            barrier = i + 1 > barrier ? i + 1 : barrier;
    }
    for (size_t i = c->first; i < barrier && i < heard; i++) {
        if (c->items[i].state == ITEM_DUE && !lose(m, c, &c->items[i], true))
            fault(c, item->text, "something older did not come");
    }
}

static void hear_gap(struct model *m, struct model_client *c, struct str line, int room, uint64_t n)
{
    struct account *account = &c->accounts[room];
    if (!m->lossy)
        fault(c, line, "there can be no gaps");
    m->skipped += n;
    uint64_t live = n < account->owed_live ? n : account->owed_live;
    account->owed_live -= live;
    account->credit += n - live;
}

/* What was announced and is not missing from the room is missing from a replay; or not at all. */
static bool balance(struct account *account)
{
    uint64_t replay =
        account->credit < account->owed_replay ? account->credit : account->owed_replay;
    account->owed_replay -= replay;
    account->credit -= replay;
    return account->credit == 0;
}

/* What would be missing if the item was the one that came. */
struct missing {
    bool private_line;
    uint64_t live; /* messages of its room, from here on */
    uint64_t replay;
};

static struct missing missing_before(const struct model *m, const struct model_client *c, size_t i)
{
    const struct item *item = &c->items[i];
    struct missing n = {.replay = c->accounts[item->room].owed_replay};
    for (size_t k = c->first; k < i; k++) {
        const struct item *older = &c->items[k];
        bool missing = older->state == ITEM_DUE && older->room == item->room &&
                       (older->numbered || (!m->lossy && find_twin(c, older) == c->count));
        n.live += missing && older->kind == ITEM_LIVE;
        n.replay += missing && older->kind == ITEM_REPLAY;
        n.private_line |= older->state == ITEM_DUE && older->kind == ITEM_PRIVATE;
    }
    return n;
}

/* How well an item fits a line that reads like it: 2 if just what was announced would be missing
 * before it; 1 if it may be, as replays may still be announced. */
static int fitness(const struct model *m, const struct model_client *c, size_t i)
{
    const struct account *account = &c->accounts[c->items[i].room];
    struct missing n = missing_before(m, c, i);
    if (n.private_line)
        return 0;
    if (c->items[i].kind != ITEM_LIVE)
        return 1;
    if (account->owed_live > 0 || n.live > account->credit)
        return 0;
    return account->credit == n.live ? 2 : account->credit <= n.live + n.replay;
}

/* The item that a line is, or c->count. A message comes again in a replay, joins and the like read
 * the same each time, a change of nick in every room: of several, the first that fits best. */
static size_t find_item(const struct model *m, const struct model_client *c, struct str line)
{
    size_t found = c->count;
    int best = -1;
    for (size_t i = c->first; i < c->count && best < 2; i++) {
        if (c->items[i].state != ITEM_DUE || !str_equal(c->items[i].text, line))
            continue;
        int fits = fitness(m, c, i);
        found = fits > best ? i : found;
        best = fits > best ? fits : best;
    }
    return found;
}

static void hear_item(const struct model *m, struct model_client *c, struct str line)
{
    size_t i = find_item(m, c, line);
    if (i == c->count)
        fault(c, line, "it is not due");
    struct item *item = &c->items[i];
    struct account *account = &c->accounts[item->room];
    lose_before(m, c, i);
    if (item->kind == ITEM_LIVE && account->owed_live > 0)
        fault(c, line, "it comes before older messages were announced as missing");
    if (item->kind == ITEM_LIVE && !balance(account))
        fault(c, line, "more messages were announced as missing than are");
    item->state = ITEM_HEARD;
    while (c->first < c->count && c->items[c->first].state != ITEM_DUE)
        c->first++;
}

void model_hear(struct model *m, struct model_client *c, struct str line)
{
    char time[4096];
    char server[4096];
    int room;
    assert_true(line.size < sizeof time);
    if (str_starts_with(line, STR("{\"type\":\"")))
        line = without(without(line, ",\"time\":\"", time), ",\"server\":\"", server);
    uint64_t gap = parse_gap(m, line, &room);
    if (gap > 0)
        hear_gap(m, c, line, room, gap);
    else
        hear_item(m, c, line);
}

void model_finish(struct model *m, struct model_client *c)
{
    for (size_t i = c->first; i < c->count; i++) {
        if (c->items[i].state == ITEM_DUE && !lose(m, c, &c->items[i], false))
            fault(c, c->items[i].text, "it never came");
    }
    c->first = c->count;
    for (int r = 0; r < MODEL_ROOMS; r++) {
        struct account *account = &c->accounts[r];
        if (!balance(account))
            fault(c, str_of(m->rooms[r].name), "more messages were announced as missing than are");
        if (account->owed_live + account->owed_replay > 0)
            fault(c, str_of(m->rooms[r].name), "missing messages were never announced");
    }
}
