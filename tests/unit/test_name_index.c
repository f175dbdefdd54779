/* The index against a plain table of who has which name, with names that fall together. */
#include "name_index.h"
#include "unit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* Numbers and their names; the index asks here. */
struct people {
    struct name_index index;
    char (*names)[16];
    bool *present;
    uint32_t count;
    uint32_t asked_for; /* the number looked for */
    size_t *strangers;  /* names of others that the index had to compare: equal hashes */
};

static struct str person_name(const void *owner, uint32_t number)
{
    const struct people *p = owner;
    assert_true(number < p->count);
    assert_true(p->present[number]);
    *p->strangers += number != p->asked_for;
    return str_of(p->names[number]);
}

static void people_init(struct people *p, uint32_t count)
{
    *p = (struct people){.count = count};
    p->names = calloc(count, sizeof *p->names);
    p->present = calloc(count, sizeof *p->present);
    p->strangers = calloc(1, sizeof *p->strangers);
    assert_true(p->names && p->present && p->strangers);
    for (uint32_t i = 0; i < count; i++)
        snprintf(p->names[i], sizeof p->names[i], "Client-%u", i);
    name_index_init(&p->index, person_name, p);
    p->index.seed = 42; /* the same collisions every time */
}

static void people_fini(struct people *p)
{
    name_index_fini(&p->index);
    free(p->names);
    free(p->present);
    free(p->strangers);
}

static void add(struct people *p, uint32_t i)
{
    p->present[i] = true;
    p->asked_for = i;
    assert_int_equal(name_index_add(&p->index, str_of(p->names[i]), i), 0);
}

static void take_out(struct people *p, uint32_t i)
{
    p->asked_for = i;
    name_index_remove(&p->index, str_of(p->names[i]), i);
    p->present[i] = false;
}

/* Looks for a name with the case of some letters changed. */
static uint32_t find(struct people *p, uint32_t i, uint64_t flips)
{
    char name[16];
    memcpy(name, p->names[i], sizeof name);
    for (size_t k = 0; name[k]; k++, flips >>= 1)
        name[k] =
            (char)(flips & 1 ? toupper((unsigned char)name[k]) : tolower((unsigned char)name[k]));
    p->asked_for = i;
    return name_index_find(&p->index, str_of(name));
}

static void assert_finds(struct people *p, uint32_t i, uint64_t flips)
{
    assert_int_equal(find(p, i, flips), p->present[i] ? i : NAME_INDEX_NONE);
}

static void an_empty_index_finds_nothing_and_costs_nothing(void **state)
{
    struct people p;
    people_init(&p, 1);
    (void)state;
    assert_int_equal(find(&p, 0, 0), NAME_INDEX_NONE);
    name_index_remove(&p.index, STR("nobody"), 0);
    assert_null(p.index.entries);
    people_fini(&p);
}

static void names_are_found_whatever_their_case(void **state)
{
    struct people p;
    people_init(&p, 2);
    (void)state;
    snprintf(p.names[0], sizeof p.names[0], "J\xc3\xb6rg[@");
    add(&p, 0);
    assert_int_equal(find(&p, 0, 0), 0);
    assert_int_equal(find(&p, 0, UINT64_MAX), 0);
    assert_int_equal(name_index_find(&p.index, STR("J\xc3\x96rg[@")), NAME_INDEX_NONE);
    assert_int_equal(name_index_find(&p.index, STR("J\xc3\xb6rg{@")), NAME_INDEX_NONE);
    assert_int_equal(name_index_find(&p.index, STR("J\xc3\xb6rg[")), NAME_INDEX_NONE);
    assert_int_equal(name_index_find(&p.index, STR("")), NAME_INDEX_NONE);
    people_fini(&p);
}

/* Longer than any nick: asked for by whoever likes. */
static void a_name_of_any_length_may_be_asked_for(void **state)
{
    struct people p;
    char name[1000];
    people_init(&p, 3);
    (void)state;
    add(&p, 1);
    memset(name, 'a', sizeof name);
    for (size_t size = 0; size <= sizeof name; size++)
        assert_int_equal(name_index_find(&p.index, str_from(name, size)), NAME_INDEX_NONE);
    people_fini(&p);
}

static void removing_needs_the_right_number(void **state)
{
    struct people p;
    people_init(&p, 2);
    (void)state;
    add(&p, 0);
    name_index_remove(&p.index, str_of(p.names[0]), 1);
    name_index_remove(&p.index, str_of(p.names[1]), 0);
    assert_int_equal(find(&p, 0, 0), 0);
    take_out(&p, 0);
    assert_int_equal(find(&p, 0, 0), NAME_INDEX_NONE);
    add(&p, 0);
    assert_int_equal(find(&p, 0, 0), 0);
    people_fini(&p);
}

/* Half full all the time, so that entries stand in long runs across the end of the table. */
static void the_index_agrees_with_a_table(void **state)
{
    enum { PEOPLE = 64, STEPS = 300000 };
    struct unit_random r = {7};
    struct people p;
    uint32_t present = 0;
    people_init(&p, PEOPLE);
    (void)state;
    for (int step = 0; step < STEPS; step++) {
        uint32_t i = (uint32_t)unit_below(&r, PEOPLE);
        if (p.present[i] && (present == 32 || unit_below(&r, 2))) {
            take_out(&p, i);
            present--;
        } else if (!p.present[i] && present < 32) {
            add(&p, i);
            present++;
        }
        assert_int_equal(p.index.count, present);
        assert_finds(&p, i, unit_random(&r));
        assert_finds(&p, (uint32_t)unit_below(&r, PEOPLE), unit_random(&r));
    }
    assert_int_equal(p.index.mask, 63); /* never more than half full: it did not grow */
    for (uint32_t i = 0; i < PEOPLE; i++)
        assert_finds(&p, i, 0);
    people_fini(&p);
}

/* So many names that the 32 bits kept of some hashes are equal. */
static void names_with_equal_hashes_are_told_apart(void **state)
{
    enum { PEOPLE = 300000 };
    struct people p;
    people_init(&p, PEOPLE);
    (void)state;
    for (uint32_t i = 0; i < PEOPLE; i++)
        add(&p, i);
    for (uint32_t i = 0; i < PEOPLE; i++)
        assert_finds(&p, i, i);
    assert_true(*p.strangers > 0);
    for (uint32_t i = 0; i < PEOPLE; i += 2)
        take_out(&p, i);
    for (uint32_t i = 0; i < PEOPLE; i++)
        assert_finds(&p, i, i);
    for (uint32_t i = 1; i < PEOPLE; i += 2)
        take_out(&p, i);
    assert_int_equal(p.index.count, 0);
    people_fini(&p);
}

static void it_costs_at_most_32_bytes_a_name(void **state)
{
    enum { PEOPLE = 5000 };
    struct people p;
    people_init(&p, PEOPLE);
    (void)state;
    for (uint32_t i = 0; i < PEOPLE; i++) {
        add(&p, i);
        size_t bytes = ((size_t)p.index.mask + 1) * 8;
        assert_true(i < 32 || bytes <= (size_t)32 * (i + 1));
        assert_true(p.index.count * 2 <= p.index.mask + 1);
    }
    people_fini(&p);
}

static void without_memory_a_name_is_not_added_and_the_others_stay(void **state)
{
    enum { PEOPLE = 200 };
    struct people p;
    people_init(&p, PEOPLE);
    (void)state;
    for (uint32_t i = 0; i < PEOPLE; i++) {
        unit_alloc_fail_at(0);
        p.present[i] = true;
        int rc = name_index_add(&p.index, str_of(p.names[i]), i);
        assert_int_equal(rc, unit_alloc_failed() ? -ENOMEM : 0);
        p.present[i] = rc == 0;
        assert_finds(&p, i, 0);
        unit_alloc_fail_at(-1);
        if (rc < 0)
            add(&p, i);
    }
    for (uint32_t i = 0; i < PEOPLE; i++)
        assert_finds(&p, i, 0);
    people_fini(&p);
}

static void two_indexes_have_two_seeds(void **state)
{
    struct name_index a;
    struct name_index b;
    (void)state;
    name_index_init(&a, person_name, NULL);
    name_index_init(&b, person_name, NULL);
    assert_true(a.seed != b.seed);
    name_index_fini(&a);
    name_index_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_index_finds_nothing_and_costs_nothing),
        cmocka_unit_test(names_are_found_whatever_their_case),
        cmocka_unit_test(a_name_of_any_length_may_be_asked_for),
        cmocka_unit_test(removing_needs_the_right_number),
        cmocka_unit_test(the_index_agrees_with_a_table),
        cmocka_unit_test(names_with_equal_hashes_are_told_apart),
        cmocka_unit_test(it_costs_at_most_32_bytes_a_name),
        cmocka_unit_test(without_memory_a_name_is_not_added_and_the_others_stay),
        cmocka_unit_test(two_indexes_have_two_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
