/*
 * Which filters an event concerns (core/filter_match.h, and core/matcher.h under it), against the
 * rules read one by one. The input is lines, filters and then events, with RS (0x1e) between them:
 *
 *   a filter   kinds, least, most and share, a byte each; prefix|word,word|glob,glob
 *   an event   its kind, a byte; #room|text|text as a filter has rewritten it
 */
#include "filter_match.h"
#include "fuzz.h"
#include "text.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

enum { RECORD = 0x1e, FILTERS = 8, LIST = 8, GLOB_MAX = 12, WHOLE = 1000000000 };

/* A filter with the memory that its rules stand in. */
struct ruled {
    struct filter filter;
    struct str words[LIST];
    struct str globs[LIST];
    uint64_t seen; /* events that its sample was asked of */
};

static struct {
    struct ruled filters[FILTERS];
    struct filter *list[FILTERS];
    size_t count;
} game;

static struct fuzz_input input_of(struct str s)
{
    return (struct fuzz_input){(const uint8_t *)s.data, s.size};
}

/* ---- filters -------------------------------------------------------------------------------- */

static size_t take_list(struct str list, struct str items[LIST], size_t most)
{
    struct fuzz_input in = input_of(list);
    size_t n = 0;
    while (in.left > 0 && n < LIST)
        items[n++] = text_cut(fuzz_part(&in, ','), most);
    return n;
}

static void take_filter(struct fuzz_input in)
{
    struct ruled *r = &game.filters[game.count];
    struct filter_match *m = &r->filter.match;
    *r = (struct ruled){.filter = {.kinds = (1U << FILTER_KINDS) - 1}};
    m->kinds = fuzz_byte(&in);
    m->min_length = fuzz_byte(&in) % 16;
    m->max_length = fuzz_byte(&in) % 32;
    m->sample = fuzz_byte(&in) % 5 / 4.0;
    m->prefix = fuzz_part(&in, '|');
    m->contains = r->words;
    m->contain_count = take_list(fuzz_part(&in, '|'), r->words, SIZE_MAX);
    m->rooms = r->globs;
    m->room_count = take_list(fuzz_part(&in, '|'), r->globs, GLOB_MAX);
    game.list[game.count++] = &r->filter;
}

/* ---- the rules, one by one ------------------------------------------------------------------ */

static bool holds(struct str text, struct str word)
{
    for (size_t at = 0; at + word.size <= text.size; at++) {
        if (text_equal_fold(str_from(text.data + at, word.size), word))
            return true;
    }
    return false;
}

static bool room_matches(const struct filter_match *m, struct str room)
{
    bool found = m->room_count == 0 || room.size == 0;
    char *name = fuzz_string(room);
    for (size_t i = 0; i < m->room_count && !found; i++) {
        char *glob = fuzz_string(m->rooms[i]);
        found = fnmatch(glob, name, FNM_CASEFOLD) == 0;
        free(glob);
    }
    free(name);
    return found;
}

static bool text_matches(const struct filter_match *m, struct str text)
{
    bool found = m->contain_count == 0;
    for (size_t i = 0; i < m->contain_count && !found; i++)
        found = holds(text, m->contains[i]);
    return found && text.size >= m->min_length &&
           (m->max_length == 0 || text.size <= m->max_length) && str_starts_with(text, m->prefix);
}

static bool matches(const struct ruled *r, const struct filter_event *e)
{
    const struct filter_match *m = &r->filter.match;
    bool has_text =
        e->kind == FILTER_MESSAGE || e->kind == FILTER_ACTION || e->kind == FILTER_PRIVATE;
    return (m->kinds == 0 || m->kinds >> e->kind & 1) && room_matches(m, e->room) &&
           (!has_text || text_matches(m, e->text));
}

/* The n-th event is taken if the share of the first n, in whole events, is more than that of those
 * before it. */
static bool sampled(struct ruled *r)
{
    uint64_t share = (uint64_t)(r->filter.match.sample * WHOLE + 0.5);
    if (share == 0)
        return true;
    uint64_t before = r->seen * share / WHOLE;
    return ++r->seen * share / WHOLE > before;
}

/* ---- events --------------------------------------------------------------------------------- */

static void compare(uint64_t actual, uint64_t expected, const struct filter_event *e)
{
    fuzz_check(actual == expected, "\"" STR_FMT "\" in \"" STR_FMT "\": filters %llx, not %llx",
               STR_ARG(e->text), STR_ARG(e->room), (unsigned long long)actual,
               (unsigned long long)expected);
}

/* The event counts once for a sample: who looked at it, or would have, does so still. */
static void happen(struct filter_match_set *set, struct filter_event *e, struct str rewritten)
{
    uint64_t expected = 0;
    uint64_t again = 0;
    bool asked[FILTERS] = {false};
    bool taken[FILTERS] = {false};
    for (size_t i = 0; i < game.count; i++) {
        asked[i] = matches(&game.filters[i], e);
        taken[i] = asked[i] && sampled(&game.filters[i]);
        expected |= (uint64_t)taken[i] << i;
    }
    compare(filter_match_run(set, e), expected, e);
    e->text = rewritten;
    for (size_t i = 0; i < game.count; i++) {
        if (!matches(&game.filters[i], e))
            continue;
        if (!asked[i])
            taken[i] = sampled(&game.filters[i]);
        again |= (uint64_t)taken[i] << i;
    }
    compare(filter_match_again(set, e, UINT64_MAX), again, e);
}

static void take_event(struct filter_match_set *set, struct fuzz_input in)
{
    struct filter_event e = {.kind = (enum filter_kind)fuzz_below(&in, FILTER_KINDS)};
    struct str room = fuzz_part(&in, '|');
    if (!text_room_fault(room) && !memchr(room.data, '\0', room.size))
        e.room = room;
    e.text = fuzz_part(&in, '|');
    happen(set, &e, fuzz_part(&in, '|'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct fuzz_input head = input_of(fuzz_part(&in, RECORD));
    struct filter_match_set *set;
    bool faulty = false;
    game.count = 0;
    while (head.left > 0 && game.count < FILTERS)
        take_filter(input_of(fuzz_part(&head, '\n')));
    for (size_t i = 0; i < game.count; i++)
        faulty |= filter_match_fault(&game.filters[i].filter.match) != NULL;
    int rc = filter_match_set_new(&set, game.list, game.count);
    fuzz_check(rc == (faulty ? -EINVAL : 0), "%d, of what is %s", rc, faulty ? "faulty" : "good");
    if (rc < 0)
        return 0;
    while (in.left > 0)
        take_event(set, input_of(fuzz_part(&in, '\n')));
    filter_match_set_free(set);
    return 0;
}
