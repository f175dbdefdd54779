/* Shared maps: against a model, at their limits, and with clocks that misbehave. */
#include "shared_map.h"
#include "unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct fixture {
    struct shared_maps *maps;
    struct shared_map *map;
};

static struct fixture make(struct shared_limits limits)
{
    struct fixture f = {.maps = shared_maps_new(&limits)};
    assert_non_null(f.maps);
    assert_int_equal(shared_maps_get(f.maps, STR("m"), &f.map), 0);
    return f;
}

static struct shared_value integer(int64_t i)
{
    return (struct shared_value){.kind = SHARED_INTEGER, .integer = i};
}

static struct shared_value number(double d)
{
    return (struct shared_value){.kind = SHARED_NUMBER, .number = d};
}

static struct shared_value string(struct str s)
{
    return (struct shared_value){.kind = SHARED_STRING, .string = s};
}

static int set(struct shared_map *map, struct str key, struct shared_value value, int64_t ttl,
               int64_t now)
{
    return shared_map_set(map, key, &value, ttl, now, NULL);
}

static int incr(struct shared_map *map, struct str key, struct shared_value by, int64_t ttl,
                int64_t now, struct shared_value *out)
{
    return shared_map_incr(map, key, &by, ttl, now, out, NULL);
}

static void assert_value(struct shared_value v, struct shared_value expected)
{
    assert_int_equal(v.kind, expected.kind);
    if (v.kind == SHARED_STRING)
        assert_str(v.string, expected.string);
    else if (v.kind == SHARED_INTEGER)
        assert_int_equal(v.integer, expected.integer);
    else
        assert_true(v.number == expected.number || (isnan(v.number) && isnan(expected.number)));
}

static void assert_has(struct shared_map *map, struct str key, int64_t now,
                       struct shared_value expected)
{
    struct shared_value v;
    assert_true(shared_map_get(map, key, now, &v));
    assert_value(v, expected);
}

static bool has(struct shared_map *map, struct str key, int64_t now)
{
    struct shared_value v;
    return shared_map_get(map, key, now, &v);
}

static struct shared_map_stats stats_of(const struct shared_map *map)
{
    struct shared_map_stats stats;
    shared_map_stats(map, &stats);
    return stats;
}

/* ---- the maps of a hub ---------------------------------------------------------------------- */

static void a_name_is_one_map_for_everybody(void **state)
{
    struct fixture f = make((struct shared_limits){0});
    struct shared_map *again;
    struct shared_map *other;
    (void)state;
    assert_int_equal(shared_maps_get(f.maps, STR("m"), &again), 0);
    assert_ptr_equal(again, f.map);
    assert_int_equal(shared_maps_get(f.maps, STR("M"), &other), 0);
    assert_ptr_not_equal(other, f.map);
    assert_int_equal(set(f.map, STR("k"), integer(1), 0, 0), 0);
    assert_has(again, STR("k"), 0, integer(1));
    assert_false(has(other, STR("k"), 0));
    assert_int_equal(shared_maps_size(f.maps), 2);
    assert_str(shared_map_name(shared_maps_at(f.maps, 1)), STR("M"));
    shared_maps_free(f.maps);
    shared_maps_free(NULL);
}

static void names_and_their_number_have_limits(void **state)
{
    char name[SHARED_NAME_MAX + 1];
    struct fixture f = make((struct shared_limits){.maps = 2});
    struct shared_map *map;
    memset(name, 'n', sizeof name);
    (void)state;
    assert_int_equal(shared_maps_get(f.maps, STR(""), &map), -EINVAL);
    assert_int_equal(shared_maps_get(f.maps, str_from(name, sizeof name), &map), -EINVAL);
    assert_int_equal(shared_maps_get(f.maps, str_from(name, sizeof name - 1), &map), 0);
    assert_str(shared_map_name(map), str_from(name, sizeof name - 1));
    assert_int_equal(shared_maps_get(f.maps, STR("third"), &map), -ENOSPC);
    assert_int_equal(shared_maps_get(f.maps, STR("m"), &map), 0);
    shared_maps_free(f.maps);

    struct shared_maps *maps = shared_maps_new(NULL);
    for (int i = 0; i < 32; i++) {
        snprintf(name, sizeof name, "map-%d", i);
        assert_int_equal(shared_maps_get(maps, str_of(name), &map), 0);
    }
    assert_int_equal(shared_maps_get(maps, STR("one too many"), &map), -ENOSPC);
    shared_maps_free(maps);
}

/* ---- values --------------------------------------------------------------------------------- */

static void values_come_back_as_they_were(void **state)
{
    const struct shared_value values[] = {
        integer(0),
        integer(INT64_MIN),
        integer(INT64_MAX),
        number(0.5),
        number(3),
        number(INFINITY),
        number(NAN),
        string(STR("")),
        string((struct str){NULL, 0}),
        string(STR("text")),
        string(str_from("a\0b", 3)),
        string(STR("text that is longer")),
        string(STR("other text, as long")),
        integer(1),
    };
    struct fixture f = make((struct shared_limits){0});
    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        for (size_t k = 0; k < COUNT_OF(values); k++) {
            assert_int_equal(set(f.map, STR("k"), values[i], 0, 0), 0);
            assert_has(f.map, STR("k"), 0, values[i]);
            assert_int_equal(set(f.map, STR("k"), values[k], 0, 0), 0);
            assert_has(f.map, STR("k"), 0, values[k]);
        }
    }
    assert_int_equal(stats_of(f.map).entries, 1);
    shared_maps_free(f.maps);
}

static void keys_are_1_to_256_bytes_of_any_kind(void **state)
{
    static const char zeros[SHARED_KEY_MAX + 1];
    struct fixture f = make((struct shared_limits){0});
    struct shared_value out;
    (void)state;
    for (size_t size = 1; size <= SHARED_KEY_MAX; size++)
        assert_int_equal(set(f.map, str_from(zeros, size), integer((int64_t)size), 0, 0), 0);
    for (size_t size = 1; size <= SHARED_KEY_MAX; size++)
        assert_has(f.map, str_from(zeros, size), 0, integer((int64_t)size));
    for (size_t size = 0; size <= sizeof zeros; size += sizeof zeros) {
        struct str key = str_from(zeros, size);
        assert_int_equal(set(f.map, key, integer(1), 0, 0), -EINVAL);
        assert_int_equal(incr(f.map, key, integer(1), 0, 0, &out), -EINVAL);
        assert_false(has(f.map, key, 0));
        assert_false(shared_map_remove(f.map, key, 0));
    }
    shared_maps_free(f.maps);
}

static void add_is_for_the_first_only(void **state)
{
    struct fixture f = make((struct shared_limits){0});
    struct shared_value one = integer(1);
    struct shared_value two = integer(2);
    (void)state;
    assert_int_equal(shared_map_add(f.map, STR("k"), &one, 100, 0, NULL), 0);
    assert_int_equal(shared_map_add(f.map, STR("k"), &two, 0, 99, NULL), -EEXIST);
    assert_has(f.map, STR("k"), 99, one);
    assert_int_equal(shared_map_add(f.map, STR("k"), &two, 0, 100, NULL), 0);
    assert_has(f.map, STR("k"), 100, two);
    shared_maps_free(f.maps);
}

static void remove_says_whether_there_was_something(void **state)
{
    struct fixture f = make((struct shared_limits){0});
    (void)state;
    assert_false(shared_map_remove(f.map, STR("k"), 0));
    assert_int_equal(set(f.map, STR("k"), integer(1), 10, 0), 0);
    assert_true(shared_map_remove(f.map, STR("k"), 0));
    assert_false(has(f.map, STR("k"), 0));
    assert_int_equal(set(f.map, STR("k"), integer(1), 10, 0), 0);
    assert_false(shared_map_remove(f.map, STR("k"), 10));
    assert_int_equal(stats_of(f.map).entries, 0);
    assert_int_equal(stats_of(f.map).bytes, 0);
    assert_int_equal(stats_of(f.map).expired, 1);
    shared_maps_free(f.maps);
}

/* ---- counting ------------------------------------------------------------------------------- */

static void incr_adds_and_keeps_integers(void **state)
{
    const struct {
        struct shared_value by;
        struct shared_value sum;
    } steps[] = {
        {integer(1), integer(1)},      {integer(41), integer(42)},  {integer(-50), integer(-8)},
        {integer(0), integer(-8)},     {number(0.5), number(-7.5)}, {integer(8), number(0.5)},
        {number(-0.25), number(0.25)},
    };
    struct fixture f = make((struct shared_limits){0});
    struct shared_value out;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        assert_int_equal(incr(f.map, STR("n"), steps[i].by, 0, 0, &out), 0);
        assert_value(out, steps[i].sum);
        assert_has(f.map, STR("n"), 0, steps[i].sum);
    }
    shared_maps_free(f.maps);
}

static void what_cannot_be_added_changes_nothing(void **state)
{
    struct fixture f = make((struct shared_limits){0});
    struct shared_value out;
    (void)state;
    assert_int_equal(set(f.map, STR("max"), integer(INT64_MAX), 0, 0), 0);
    assert_int_equal(set(f.map, STR("min"), integer(INT64_MIN), 0, 0), 0);
    assert_int_equal(set(f.map, STR("text"), string(STR("1")), 0, 0), 0);
    assert_int_equal(incr(f.map, STR("max"), integer(1), 0, 0, &out), -ERANGE);
    assert_int_equal(incr(f.map, STR("min"), integer(-1), 0, 0, &out), -ERANGE);
    assert_int_equal(incr(f.map, STR("text"), integer(1), 0, 0, &out), -EINVAL);
    assert_int_equal(incr(f.map, STR("max"), string(STR("1")), 0, 0, &out), -EINVAL);
    assert_int_equal(incr(f.map, STR("max"), number(NAN), 0, 0, &out), -EINVAL);
    assert_int_equal(incr(f.map, STR("max"), number(-INFINITY), 0, 0, &out), -EINVAL);
    assert_int_equal(incr(f.map, STR("new"), number(INFINITY), 0, 0, &out), -EINVAL);
    assert_int_equal(incr(f.map, STR("new"), integer(1), -1, 0, &out), -EINVAL);
    assert_has(f.map, STR("max"), 0, integer(INT64_MAX));
    assert_has(f.map, STR("min"), 0, integer(INT64_MIN));
    assert_has(f.map, STR("text"), 0, string(STR("1")));
    assert_int_equal(stats_of(f.map).entries, 3);
    shared_maps_free(f.maps);
}

/* The window of a count starts with its first event. */
static void incr_keeps_the_time_of_what_is_there(void **state)
{
    struct fixture f = make((struct shared_limits){0});
    struct shared_value out;
    (void)state;
    for (int now = 0; now < 60; now++) {
        assert_int_equal(incr(f.map, STR("n"), integer(1), 60, now, &out), 0);
        assert_int_equal(out.integer, now + 1);
    }
    assert_int_equal(incr(f.map, STR("n"), integer(1), 60, 60, &out), 0);
    assert_int_equal(out.integer, 1);
    assert_has(f.map, STR("n"), 119, integer(1));
    assert_false(has(f.map, STR("n"), 120));
    shared_maps_free(f.maps);
}

/* ---- time ----------------------------------------------------------------------------------- */

static void entries_die_when_their_time_is_over(void **state)
{
    struct fixture f = make((struct shared_limits){0});
    (void)state;
    assert_int_equal(set(f.map, STR("t"), integer(1), 100, 1000), 0);
    assert_int_equal(set(f.map, STR("good"), integer(2), 0, 1000), 0);
    assert_true(has(f.map, STR("t"), 1099));
    assert_int_equal(set(f.map, STR("t"), integer(1), 100, 1099), 0); /* anew */
    assert_true(has(f.map, STR("t"), 1198));
    assert_false(has(f.map, STR("t"), 1199));
    assert_int_equal(set(f.map, STR("t"), integer(1), 100, 1200), 0);
    assert_int_equal(set(f.map, STR("t"), integer(1), 0, 1200), 0); /* for good now */
    assert_true(has(f.map, STR("t"), INT64_MAX));
    assert_true(has(f.map, STR("good"), INT64_MAX));
    assert_int_equal(set(f.map, STR("t"), integer(1), -1, 0), -EINVAL);
    shared_maps_free(f.maps);
}

static void time_may_go_to_its_ends(void **state)
{
    struct fixture f = make((struct shared_limits){0});
    (void)state;
    assert_int_equal(set(f.map, STR("good"), integer(1), 0, INT64_MIN), 0);
    assert_int_equal(set(f.map, STR("long"), integer(1), INT64_MAX, INT64_MAX), 0);
    assert_true(has(f.map, STR("long"), INT64_MAX));
    for (int i = 0; i < 5; i++) {
        assert_true(has(f.map, STR("good"), INT64_MIN));
        assert_true(has(f.map, STR("good"), INT64_MAX));
    }
    assert_int_equal(set(f.map, STR("now"), integer(1), 1, INT64_MAX), 0);
    assert_true(has(f.map, STR("now"), INT64_MAX));
    shared_maps_free(f.maps);
}

static void a_clock_that_goes_back_changes_no_life(void **state)
{
    struct fixture f = make((struct shared_limits){0});
    (void)state;
    assert_int_equal(set(f.map, STR("k"), integer(1), 100, 1000000), 0);
    assert_true(has(f.map, STR("k"), 1000060));
    assert_true(has(f.map, STR("k"), 500)); /* an hour back, say: 60 of 100 are over */
    assert_true(has(f.map, STR("k"), 539));
    assert_false(has(f.map, STR("k"), 540));
    assert_int_equal(set(f.map, STR("k"), integer(1), 100, 540), 0);
    assert_true(has(f.map, STR("k"), -1000));
    assert_true(has(f.map, STR("k"), -901));
    assert_false(has(f.map, STR("k"), -900));
    shared_maps_free(f.maps);
}

static struct str numbered(char out[16], int i)
{
    return str_from(out, (size_t)snprintf(out, 16, "key-%d", i));
}

/* Nobody asks for the dead any more; changes to something else find them. */
static void the_dead_are_swept_away_bit_by_bit(void **state)
{
    struct fixture f = make((struct shared_limits){0});
    char name[16];
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(set(f.map, numbered(name, i), integer(i), i % 2 ? 10 : 0, 0), 0);
    assert_int_equal(stats_of(f.map).entries, 1000);
    size_t most = 0;
    for (int i = 0; i < 300; i++) {
        size_t before = stats_of(f.map).expired;
        assert_int_equal(set(f.map, STR("other"), integer(i), 0, 1000), 0);
        size_t swept = stats_of(f.map).expired - before;
        most = swept > most ? swept : most;
    }
    assert_int_equal(stats_of(f.map).expired, 500);
    assert_int_equal(stats_of(f.map).entries, 501);
    assert_int_equal(stats_of(f.map).evicted, 0);
    assert_in_range(most, 1, 4);
    shared_maps_free(f.maps);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void a_full_map_gives_up_what_was_used_longest_ago(void **state)
{
    struct fixture f = make((struct shared_limits){.entries = 10});
    struct shared_value one = integer(1);
    char name[16];
    size_t evicted = 99;
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(shared_map_set(f.map, numbered(name, i), &one, 0, 0, &evicted), 0);
        assert_int_equal(evicted, 0);
    }
    assert_true(has(f.map, numbered(name, 0), 0));
    assert_int_equal(shared_map_set(f.map, STR("new"), &one, 0, 0, &evicted), 0);
    assert_int_equal(evicted, 1);
    assert_false(has(f.map, numbered(name, 1), 0));
    assert_true(has(f.map, numbered(name, 0), 0));
    struct shared_value out;
    assert_int_equal(shared_map_incr(f.map, STR("n"), &one, 0, 0, &out, &evicted), 0);
    assert_int_equal(evicted, 1);
    assert_false(has(f.map, numbered(name, 2), 0));
    assert_int_equal(shared_map_incr(f.map, STR("n"), &one, 0, 0, &out, &evicted), 0);
    assert_int_equal(evicted, 0);
    assert_int_equal(stats_of(f.map).evicted, 2);
    assert_int_equal(stats_of(f.map).entries, 10);
    shared_maps_free(f.maps);
}

static void the_dead_make_room_and_are_not_counted_as_given_up(void **state)
{
    struct fixture f = make((struct shared_limits){.entries = 3});
    struct shared_value one = integer(1);
    size_t evicted;
    (void)state;
    assert_int_equal(set(f.map, STR("a"), one, 10, 0), 0);
    assert_int_equal(set(f.map, STR("b"), one, 0, 0), 0);
    assert_int_equal(set(f.map, STR("c"), one, 0, 0), 0);
    assert_int_equal(shared_map_set(f.map, STR("d"), &one, 0, 10, &evicted), 0);
    assert_int_equal(evicted, 0);
    assert_int_equal(stats_of(f.map).expired, 1);
    assert_int_equal(stats_of(f.map).evicted, 0);
    shared_maps_free(f.maps);
}

static void bytes_are_limited_too(void **state)
{
    static char text[2000];
    struct fixture f = make((struct shared_limits){.bytes = 2000});
    char name[16];
    size_t evicted;
    struct shared_value small = string(str_from(text, 100));
    (void)state;
    int count = 0;
    for (; stats_of(f.map).evicted == 0; count++) {
        assert_int_equal(set(f.map, numbered(name, count), small, 0, 0), 0);
        assert_in_range(stats_of(f.map).bytes, 1, 2000);
    }
    assert_in_range(count, 8, 20);
    size_t before = stats_of(f.map).entries;
    struct shared_value large = string(str_from(text, 1500));
    assert_int_equal(shared_map_set(f.map, STR("large"), &large, 0, 0, &evicted), 0);
    assert_in_range(evicted, 2, before);
    assert_int_equal(stats_of(f.map).entries, before + 1 - evicted);
    assert_has(f.map, STR("large"), 0, large);
    assert_in_range(stats_of(f.map).bytes, 1500, 2000);
    shared_maps_free(f.maps);
}

/* A value may fill the whole map, but not be larger; one that is leaves everything as it was. */
static void the_largest_value_is_as_large_as_the_map(void **state)
{
    static char text[4000];
    struct fixture f = make((struct shared_limits){.bytes = 2000});
    struct shared_value value = string(str_from(text, 0));
    size_t size = 0;
    (void)state;
    while (set(f.map, STR("k"), string(str_from(text, size)), 0, 0) == 0)
        size++;
    assert_in_range(size, 1800, 2000);
    assert_int_equal(stats_of(f.map).bytes, 2000);
    assert_has(f.map, STR("k"), 0, string(str_from(text, size - 1)));
    value.string = str_from(text, size);
    assert_int_equal(set(f.map, STR("k"), value, 0, 0), -EMSGSIZE);
    value.string = str_from(text, SIZE_MAX / 2);
    assert_int_equal(set(f.map, STR("k"), value, 0, 0), -EMSGSIZE);
    assert_int_equal(stats_of(f.map).evicted, 0);
    assert_int_equal(stats_of(f.map).entries, 1);
    shared_maps_free(f.maps);
}

/* ---- the model: a table by number ----------------------------------------------------------- */

enum { KEYS = 50 };

struct model {
    bool there;
    int64_t value;
    int64_t expires;
};

static bool alive(const struct model *m, int64_t now)
{
    return m->there && m->expires > now;
}

static void assert_increments_as(struct shared_map *map, struct str key, struct model *m,
                                 int64_t by, int64_t ttl, int64_t now)
{
    struct shared_value out;
    assert_int_equal(incr(map, key, integer(by), ttl, now, &out), 0);
    if (!alive(m, now))
        *m = (struct model){true, 0, ttl ? now + ttl : INT64_MAX};
    m->value += by;
    assert_int_equal(out.integer, m->value);
}

/* One step of the model and the map, which hold strings of so many bytes, or integers. */
static void step(struct shared_map *map, struct model model[KEYS], struct unit_random *r,
                 int64_t now)
{
    char name[16];
    int i = (int)unit_below(r, KEYS);
    struct model *m = &model[i];
    struct str key = numbered(name, i);
    int64_t ttl = unit_below(r, 3) ? (int64_t)unit_below(r, 200) + 1 : 0;
    int64_t value = (int64_t)unit_below(r, 1000);
    switch (unit_below(r, 4)) {
    case 0:
        assert_int_equal(set(map, key, integer(value), ttl, now), 0);
        *m = (struct model){true, value, ttl ? now + ttl : INT64_MAX};
        break;
    case 1:
        assert_int_equal(shared_map_remove(map, key, now), alive(m, now));
        m->there = false;
        break;
    case 2:
        assert_increments_as(map, key, m, value, ttl, now);
        break;
    default:
        assert_int_equal(has(map, key, now), alive(m, now));
        if (alive(m, now))
            assert_has(map, key, now, integer(m->value));
    }
}

static void the_map_agrees_with_a_table(void **state)
{
    struct fixture f = make((struct shared_limits){.entries = KEYS});
    struct model model[KEYS] = {0};
    struct unit_random r = {21};
    int64_t now = 1700000000000;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        step(f.map, model, &r, now);
        now += (int64_t)unit_below(&r, 5);
    }
    struct shared_map_stats stats = stats_of(f.map);
    assert_int_equal(stats.evicted, 0);
    assert_true(stats.expired > 1000);
    assert_in_range(stats.entries, 1, KEYS);
    shared_maps_free(f.maps);
}

/* What the statistics say is what is there, through evictions, sweeps and replacements. */
static void the_books_are_right_in_the_end(void **state)
{
    static char text[300];
    struct fixture f = make((struct shared_limits){.entries = 40, .bytes = 6000});
    struct unit_random r = {22};
    char name[16];
    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct str key = numbered(name, (int)unit_below(&r, 200));
        struct shared_value value = string(str_from(text, unit_below(&r, sizeof text)));
        if (unit_below(&r, 5) == 0)
            shared_map_remove(f.map, key, i);
        else
            assert_int_equal(set(f.map, key, value, (int64_t)unit_below(&r, 100), i), 0);
        assert_true(stats_of(f.map).entries <= 40 && stats_of(f.map).bytes <= 6000);
    }
    assert_true(stats_of(f.map).evicted > 1000 && stats_of(f.map).expired > 1000);
    for (int i = 0; i < 200; i++)
        shared_map_remove(f.map, numbered(name, i), 0);
    assert_int_equal(stats_of(f.map).entries, 0);
    assert_int_equal(stats_of(f.map).bytes, 0);
    shared_maps_free(f.maps);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void a_hit_allocates_nothing(void **state)
{
    struct fixture f = make((struct shared_limits){0});
    struct shared_value out;
    (void)state;
    assert_int_equal(incr(f.map, STR("n"), integer(1), 100, 0, &out), 0);
    assert_int_equal(set(f.map, STR("s"), string(STR("abc")), 0, 0), 0);
    size_t before = unit_alloc_count();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(incr(f.map, STR("n"), integer(1), 100, i % 100, &out), 0);
        assert_int_equal(set(f.map, STR("s"), string(STR("xyz")), 0, i % 100), 0);
        assert_true(has(f.map, STR("n"), i % 100));
    }
    assert_int_equal(unit_alloc_count(), before);
    shared_maps_free(f.maps);
}

static void without_memory_nothing_changes(void **state)
{
    struct fixture f = make((struct shared_limits){.entries = 2});
    struct shared_value out;
    (void)state;
    assert_int_equal(set(f.map, STR("a"), string(STR("old")), 0, 0), 0);
    assert_int_equal(set(f.map, STR("b"), integer(1), 0, 0), 0);
    unit_alloc_fail_at(0);
    assert_int_equal(set(f.map, STR("a"), string(STR("longer")), 0, 0), -ENOMEM);
    assert_true(unit_alloc_failed());
    unit_alloc_fail_at(0);
    assert_int_equal(set(f.map, STR("c"), integer(1), 0, 0), -ENOMEM);
    unit_alloc_fail_at(0);
    assert_int_equal(incr(f.map, STR("d"), integer(1), 0, 0, &out), -ENOMEM);
    unit_alloc_fail_at(-1);
    assert_has(f.map, STR("a"), 0, string(STR("old")));
    assert_has(f.map, STR("b"), 0, integer(1));
    assert_false(has(f.map, STR("c"), 0) || has(f.map, STR("d"), 0));
    assert_int_equal(stats_of(f.map).evicted, 0);
    shared_maps_free(f.maps);
}

static void without_memory_there_is_no_map(void **state)
{
    int failures = 0;
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct shared_map *map;
        struct shared_maps *maps = shared_maps_new(NULL);
        int err = maps ? shared_maps_get(maps, STR("m"), &map) : -ENOMEM;
        assert_int_equal(err, unit_alloc_failed() ? -ENOMEM : 0);
        assert_int_equal(maps ? shared_maps_size(maps) : 0, err == 0);
        failures += err != 0;
        shared_maps_free(maps);
    }
    assert_int_equal(failures, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_one_map_for_everybody),
        cmocka_unit_test(names_and_their_number_have_limits),
        cmocka_unit_test(values_come_back_as_they_were),
        cmocka_unit_test(keys_are_1_to_256_bytes_of_any_kind),
        cmocka_unit_test(add_is_for_the_first_only),
        cmocka_unit_test(remove_says_whether_there_was_something),
        cmocka_unit_test(incr_adds_and_keeps_integers),
        cmocka_unit_test(what_cannot_be_added_changes_nothing),
        cmocka_unit_test(incr_keeps_the_time_of_what_is_there),
        cmocka_unit_test(entries_die_when_their_time_is_over),
        cmocka_unit_test(time_may_go_to_its_ends),
        cmocka_unit_test(a_clock_that_goes_back_changes_no_life),
        cmocka_unit_test(the_dead_are_swept_away_bit_by_bit),
        cmocka_unit_test(a_full_map_gives_up_what_was_used_longest_ago),
        cmocka_unit_test(the_dead_make_room_and_are_not_counted_as_given_up),
        cmocka_unit_test(bytes_are_limited_too),
        cmocka_unit_test(the_largest_value_is_as_large_as_the_map),
        cmocka_unit_test(the_map_agrees_with_a_table),
        cmocka_unit_test(the_books_are_right_in_the_end),
        cmocka_unit_test(a_hit_allocates_nothing),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(without_memory_there_is_no_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
