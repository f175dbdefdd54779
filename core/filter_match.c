/*
 * The rules are tried from the cheap to the dear, each on those filters only that have it and are
 * not out yet: a bit set for the kind, a look into the cache of rooms, a walk over those with rules
 * on the shape of the text, one pass over the text for the words of all, and what single filters
 * look for by themselves.
 */
#include "filter_match.h"

#include "matcher.h"
#include "text.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* What shares of a sample are counted in. */
#define WHOLE 1000000000u

/* Kinds that have a text for the rules on texts. */
#define TEXT_KINDS (1u << FILTER_MESSAGE | 1u << FILTER_ACTION | 1u << FILTER_PRIVATE)

struct glob {
    uint64_t filter; /* a bit */
    char *pattern;
};

/* A room seen before, and the filters with a glob for it. */
struct room_entry {
    uint64_t filters;
    uint8_t size; /* of the name; 0: nothing here */
    char name[TEXT_ROOM_MAX + 1];
};

struct sampler {
    uint32_t share; /* in parts of WHOLE */
    uint32_t due;   /* what has come together since the last event that was taken */
};

struct filter_match_set {
    uint64_t by_kind[FILTER_KINDS];

    /* Who has the rule. */
    uint64_t roomed;
    uint64_t shaped; /* prefix, min_length, max_length */
    uint64_t worded;
    uint64_t fitted; /* a rule of their own */
    uint64_t sampled;

    /* Of this event: whose sample is decided, and who of them may look. */
    uint64_t decided;
    uint64_t taken;

    struct matcher *matcher; /* NULL: nobody looks for words */
    struct glob *globs;
    size_t glob_count;
    size_t glob_bytes;
    struct room_entry *rooms; /* FILTER_MATCH_ROOMS of them; NULL without globs */
    const struct filter_match *matches[FILTER_MATCH_MAX];
    struct sampler samplers[FILTER_MATCH_MAX];
};

/* ---- asking --------------------------------------------------------------------------------- */

static uint64_t match_globs(const struct filter_match_set *set, const char *room)
{
    uint64_t filters = 0;
    for (size_t i = 0; i < set->glob_count; i++) {
        const struct glob *g = &set->globs[i];
        if (!(filters & g->filter) && fnmatch(g->pattern, room, FNM_CASEFOLD) == 0)
            filters |= g->filter;
    }
    return filters;
}

/* The filters with a glob for `room`. No room's name is longer than TEXT_ROOM_MAX. */
static uint64_t match_room(struct filter_match_set *set, struct str room)
{
    if (room.size > TEXT_ROOM_MAX)
        return 0;
    struct room_entry *entry = &set->rooms[XXH3_64bits(room.data, room.size) % FILTER_MATCH_ROOMS];
    if (!str_equal(str_from(entry->name, entry->size), room)) {
        memcpy(entry->name, room.data, room.size);
        entry->name[room.size] = '\0';
        entry->size = (uint8_t)room.size;
        entry->filters = match_globs(set, entry->name);
    }
    return entry->filters;
}

static bool has_shape(const struct filter_match *match, struct str text)
{
    return text.size >= match->min_length &&
           (match->max_length == 0 || text.size <= match->max_length) &&
           (match->prefix.size == 0 || str_starts_with(text, match->prefix));
}

/* Those of `among` to whose rules on texts `text` keeps. */
static uint64_t match_text(const struct filter_match_set *set, struct str text, uint64_t among)
{
    for (uint64_t left = among & set->shaped; left; left &= left - 1) {
        if (!has_shape(set->matches[__builtin_ctzll(left)], text))
            among &= ~(left & -left);
    }
    uint64_t worded = among & set->worded;
    if (worded)
        among &= ~worded | matcher_scan(set->matcher, text, worded);
    for (uint64_t left = among & set->fitted; left; left &= left - 1) {
        const struct filter_match *match = set->matches[__builtin_ctzll(left)];
        if (!match->fits(match->rule, text))
            among &= ~(left & -left);
    }
    return among;
}

static uint64_t match_rules(struct filter_match_set *set, const struct filter_event *e,
                            uint64_t among)
{
    among &= set->by_kind[e->kind];
    if ((among & set->roomed) && e->room.size > 0)
        among &= ~set->roomed | match_room(set, e->room);
    if (TEXT_KINDS >> e->kind & 1)
        among = match_text(set, e->text, among);
    return among;
}

static bool sampler_takes(struct sampler *s)
{
    s->due += s->share;
    if (s->due < WHOLE)
        return false;
    s->due -= WHOLE;
    return true;
}

/* Those of `matching` who may look, as for the sample. */
static uint64_t take_samples(struct filter_match_set *set, uint64_t matching)
{
    uint64_t undecided = matching & set->sampled & ~set->decided;
    set->decided |= undecided;
    for (; undecided; undecided &= undecided - 1) {
        if (sampler_takes(&set->samplers[__builtin_ctzll(undecided)]))
            set->taken |= undecided & -undecided;
    }
    return matching & (~set->sampled | set->taken);
}

uint64_t filter_match_run(struct filter_match_set *set, const struct filter_event *e)
{
    set->decided = 0;
    set->taken = 0;
    return take_samples(set, match_rules(set, e, UINT64_MAX));
}

uint64_t filter_match_again(struct filter_match_set *set, const struct filter_event *e,
                            uint64_t among)
{
    return take_samples(set, match_rules(set, e, among));
}

/* ---- making a set --------------------------------------------------------------------------- */

const char *filter_match_fault(const struct filter_match *match)
{
    for (size_t i = 0; i < match->contain_count; i++) {
        if (match->contains[i].size == 0)
            return "has an empty word in `contains`, which every text would hold";
    }
    for (size_t i = 0; i < match->room_count; i++) {
        if (match->rooms[i].size == 0)
            return "has an empty pattern in `rooms`, which is no room's";
        if (memchr(match->rooms[i].data, '\0', match->rooms[i].size))
            return "has a pattern with a NUL byte in `rooms`";
    }
    if (match->max_length > 0 && match->max_length < match->min_length)
        return "has a `max_length` below its `min_length`";
    if (!(match->sample >= 0 && match->sample <= 1)) /* NaN is neither */
        return "has a `sample` that is not from 0 to 1";
    return NULL;
}

static uint32_t share_of(double sample)
{
    uint32_t share = (uint32_t)(sample * WHOLE + 0.5);
    return share > 0 ? share : 1;
}

static void add_rules(struct filter_match_set *set, const struct filter *f, unsigned number)
{
    const struct filter_match *match = &f->match;
    uint64_t bit = UINT64_C(1) << number;
    uint32_t kinds = match->kinds ? f->kinds & match->kinds : f->kinds;
    for (unsigned k = 0; k < FILTER_KINDS; k++)
        set->by_kind[k] |= kinds >> k & 1 ? bit : 0;
    set->roomed |= match->room_count > 0 ? bit : 0;
    set->shaped |= match->prefix.size > 0 || match->min_length || match->max_length ? bit : 0;
    set->worded |= match->contain_count > 0 ? bit : 0;
    set->fitted |= match->fits ? bit : 0;
    set->sampled |= match->sample > 0 ? bit : 0;
    set->matches[number] = match;
    set->samplers[number].share = share_of(match->sample);
}

static void gather_words(struct filter *const *filters, size_t count, struct matcher_word *words)
{
    for (size_t f = 0; f < count; f++) {
        const struct filter_match *match = &filters[f]->match;
        for (size_t i = 0; i < match->contain_count; i++)
            *words++ = (struct matcher_word){match->contains[i], UINT64_C(1) << f};
    }
}

static int compile_words(struct filter_match_set *set, struct filter *const *filters, size_t count)
{
    size_t word_count = 0;
    for (size_t f = 0; f < count; f++)
        word_count += filters[f]->match.contain_count;
    if (word_count == 0)
        return 0;
    struct matcher_word *words = calloc(word_count, sizeof *words);
    if (!words)
        return -ENOMEM;
    gather_words(filters, count, words);
    int rc = matcher_new(&set->matcher, words, word_count);
    free(words);
    return rc;
}

static int add_glob(struct filter_match_set *set, struct str pattern, uint64_t filter)
{
    char *copy = malloc(pattern.size + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, pattern.data, pattern.size);
    copy[pattern.size] = '\0';
    set->globs[set->glob_count++] = (struct glob){filter, copy};
    set->glob_bytes += sizeof *set->globs + pattern.size + 1;
    return 0;
}

static int add_globs(struct filter_match_set *set, struct filter *const *filters, size_t count)
{
    for (size_t f = 0; f < count; f++) {
        const struct filter_match *match = &filters[f]->match;
        for (size_t i = 0; i < match->room_count; i++) {
            if (add_glob(set, match->rooms[i], UINT64_C(1) << f) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

static int compile_rooms(struct filter_match_set *set, struct filter *const *filters, size_t count)
{
    size_t glob_count = 0;
    for (size_t f = 0; f < count; f++)
        glob_count += filters[f]->match.room_count;
    if (glob_count == 0)
        return 0;
    set->globs = calloc(glob_count, sizeof *set->globs);
    set->rooms = calloc(FILTER_MATCH_ROOMS, sizeof *set->rooms);
    if (!set->globs || !set->rooms)
        return -ENOMEM;
    return add_globs(set, filters, count);
}

static int compile(struct filter_match_set *set, struct filter *const *filters, size_t count)
{
    if (count > FILTER_MATCH_MAX)
        return -E2BIG;
    for (size_t f = 0; f < count; f++) {
        if (filter_match_fault(&filters[f]->match))
            return -EINVAL;
        add_rules(set, filters[f], (unsigned)f);
    }
    int rc = compile_words(set, filters, count);
    return rc < 0 ? rc : compile_rooms(set, filters, count);
}

int filter_match_set_new(struct filter_match_set **out, struct filter *const *filters, size_t count)
{
    struct filter_match_set *set = calloc(1, sizeof *set);
    if (!set)
        return -ENOMEM;
    int rc = compile(set, filters, count);
    if (rc < 0) {
        filter_match_set_free(set);
        return rc;
    }
    *out = set;
    return 0;
}

void filter_match_set_free(struct filter_match_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->glob_count; i++)
        free(set->globs[i].pattern);
    free(set->globs);
    free(set->rooms);
    matcher_free(set->matcher);
    free(set);
}

size_t filter_match_memory(const struct filter_match_set *set)
{
    return sizeof *set + set->glob_bytes + (set->matcher ? matcher_memory(set->matcher) : 0) +
           (set->rooms ? FILTER_MATCH_ROOMS * sizeof *set->rooms : 0);
}
