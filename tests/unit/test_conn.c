/* A client's own state: where it is a member, which room is current, what it is sent, its label. */
#include "conn.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

/* ---- links against a plain array ------------------------------------------------------------ */

struct model {
    struct conn c;
    struct link links[CONN_ROOMS_MAX];
    int count;
    int current;
};

static void add(struct model *m, uint32_t room, uint32_t index)
{
    struct link link = {room, index};
    assert_int_equal(conn_link_add(&m->c, link), 0);
    m->current = m->count;
    m->links[m->count++] = link;
}

static void take_out(struct model *m, uint32_t room)
{
    conn_link_remove(&m->c, room);
    for (int i = 0; i < m->count; i++) {
        if (m->links[i].room != room)
            continue;
        m->count--;
        memmove(&m->links[i], &m->links[i + 1], (size_t)(m->count - i) * sizeof m->links[0]);
        if (m->current >= i && m->current > 0)
            m->current--;
        return;
    }
}

static const struct link *linked(const struct model *m, uint32_t room)
{
    for (int i = 0; i < m->count; i++) {
        if (m->links[i].room == room)
            return &m->links[i];
    }
    return NULL;
}

static void assert_same(struct model *m)
{
    assert_int_equal(m->c.link_count, m->count);
    if (m->count > 0)
        assert_memory_equal(conn_links(&m->c), m->links, (size_t)m->count * sizeof m->links[0]);
    assert_int_equal(conn_room(&m->c), m->count ? m->links[m->current].room : UINT32_MAX);
}

static void a_new_connection_is_nowhere(void **state)
{
    struct conn c = {0};
    (void)state;
    assert_int_equal(conn_room(&c), UINT32_MAX);
    assert_null(conn_link(&c, 0));
    conn_link_remove(&c, 0);
    assert_int_equal(c.link_count, 0);
    conn_fini(&c);
}

static void the_room_joined_last_is_current_and_before_it_the_one_before(void **state)
{
    struct model m = {0};
    (void)state;
    for (uint32_t room = 10; room < 14; room++)
        add(&m, room, room * 2);
    assert_int_equal(conn_room(&m.c), 13);
    assert_int_equal(conn_link(&m.c, 11)->index, 22);
    take_out(&m, 13);
    assert_int_equal(conn_room(&m.c), 12);
    take_out(&m, 10);
    assert_int_equal(conn_room(&m.c), 12);
    take_out(&m, 99);
    assert_int_equal(conn_room(&m.c), 12);
    take_out(&m, 12);
    assert_int_equal(conn_room(&m.c), 11);
    take_out(&m, 11);
    assert_int_equal(conn_room(&m.c), UINT32_MAX);
    add(&m, 20, 0);
    assert_int_equal(conn_room(&m.c), 20);
    conn_fini(&m.c);
}

/* /join of a room one is in already makes it current without a new link. */
static void leaving_the_first_room_while_it_is_current_leaves_the_next(void **state)
{
    struct model m = {0};
    (void)state;
    add(&m, 1, 0);
    add(&m, 2, 0);
    add(&m, 3, 0);
    m.c.current = 0;
    m.current = 0;
    take_out(&m, 1);
    assert_same(&m);
    assert_int_equal(conn_room(&m.c), 2);
    conn_fini(&m.c);
}

static void links_agree_with_an_array(void **state)
{
    struct unit_random r = {11};
    struct model m = {0};
    (void)state;
    for (int step = 0; step < 100000; step++) {
        uint32_t room = (uint32_t)unit_below(&r, 80);
        bool here = linked(&m, room);
        if (here && unit_below(&r, 4) == 0) {
            m.current = (int)(linked(&m, room) - m.links);
            m.c.current = (uint8_t)m.current;
        } else if (here || unit_below(&r, 3) == 0) {
            take_out(&m, room);
        } else if (m.count < CONN_ROOMS_MAX) {
            add(&m, room, (uint32_t)unit_random(&r));
        } else {
            assert_int_equal(conn_link_add(&m.c, (struct link){room, 0}), -EMLINK);
        }
        assert_same(&m);
        assert_int_equal(conn_link(&m.c, room) != NULL, linked(&m, room) != NULL);
    }
    conn_fini(&m.c);
}

static void sixty_four_rooms_are_the_most(void **state)
{
    struct model m = {0};
    (void)state;
    for (uint32_t room = 0; room < CONN_ROOMS_MAX; room++)
        add(&m, room, room);
    assert_int_equal(conn_link_add(&m.c, (struct link){64, 0}), -EMLINK);
    assert_same(&m);
    assert_int_equal(conn_room(&m.c), 63);
    conn_fini(&m.c);
    assert_int_equal(m.c.state, CONN_FREE);
    assert_int_equal(m.c.link_count, 0);
}

static void one_room_costs_no_memory_and_a_second_may_fail(void **state)
{
    struct model m = {0};
    size_t allocated = unit_alloc_count();
    (void)state;
    add(&m, 0, 7);
    assert_int_equal(unit_alloc_count(), allocated);
    for (uint32_t room = 1; room < CONN_ROOMS_MAX; room++) {
        unit_alloc_fail_at(0);
        int rc = conn_link_add(&m.c, (struct link){room, room});
        assert_int_equal(rc, unit_alloc_failed() ? -ENOMEM : 0);
        unit_alloc_fail_at(-1);
        if (rc == 0)
            conn_link_remove(&m.c, room);
        assert_same(&m);
        add(&m, room, room);
    }
    conn_fini(&m.c);
}

static void an_idle_connection_is_small(void **state)
{
    struct conn c = {0};
    size_t allocated = unit_alloc_count();
    (void)state;
    assert_true(sizeof c <= 160);
    assert_int_equal(conn_link_add(&c, (struct link){1, 2}), 0);
    assert_int_equal(unit_alloc_count(), allocated);
    conn_fini(&c);
}

/* ---- what it is sent ------------------------------------------------------------------------ */

static struct str queued(const struct conn *c, char *out)
{
    struct iovec parts[8];
    size_t bytes = 0;
    bool all;
    size_t used = 0;
    int n = outq_gather(&c->outq, parts, 8, &bytes, &all);
    assert_true(all);
    for (int i = 0; i < n; i++) {
        memcpy(out + used, parts[i].iov_base, parts[i].iov_len);
        used += parts[i].iov_len;
    }
    return str_from(out, used);
}

static void events_are_encoded_as_the_client_wants_them(void **state)
{
    struct conn c = {.wire = WIRE_LINE};
    struct event e = {.type = EVENT_NOTICE, .text = STR("one")};
    char out[200];
    (void)state;
    assert_int_equal(conn_push(&c, &e), 0);
    c.wire = WIRE_JSON;
    e.text = STR("two");
    assert_int_equal(conn_push(&c, &e), 0);
    assert_str(queued(&c, out), STR("* one\n{\"type\":\"notice\",\"text\":\"two\"}\n"));
    conn_fini(&c);
}

static void room_for_the_longest_form_is_given_back(void **state)
{
    struct conn c = {.wire = WIRE_JSON};
    struct event e = {.type = EVENT_NOTICE, .text = STR("short")};
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(conn_push(&c, &e), 0);
    assert_true(outq_bytes(&c.outq) <= (size_t)100 * 56);
    conn_fini(&c);
}

static void without_memory_nothing_is_queued(void **state)
{
    struct conn c = {0};
    struct event e = {.type = EVENT_NOTICE, .text = STR("lost")};
    (void)state;
    unit_alloc_fail_at(0);
    assert_int_equal(conn_push(&c, &e), -ENOMEM);
    unit_alloc_fail_at(-1);
    assert_true(outq_empty(&c.outq));
    conn_fini(&c);
}

/* ---- its label ------------------------------------------------------------------------------ */

static void set_nick(struct conn *c, struct str nick)
{
    memcpy(c->nick, nick.data, nick.size);
    c->nick_size = (uint8_t)nick.size;
}

static void the_label_names_the_id_and_the_nick(void **state)
{
    static const struct {
        struct str nick;
        const char *label;
    } cases[] = {
        {{"client-7", 8}, "client-7"},
        {{"ann", 3}, "client-7 (ann)"},
        {{"client-77", 9}, "client-7 (client-77)"},
        {{"J\xc3\xb6rg", 5}, "client-7 (J\\xc3\\xb6rg)"},
        {{"", 0}, "client-7 ()"},
    };
    struct conn c = {.id = 7};
    char out[64 + 4 * TEXT_NICK_MAX];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        set_nick(&c, cases[i].nick);
        assert_string_equal(conn_label(&c, out, sizeof out), cases[i].label);
    }
}

static void the_longest_label_is_not_cut(void **state)
{
    struct conn c = {.id = UINT64_MAX};
    char out[64 + 4 * TEXT_NICK_MAX];
    char nick[TEXT_NICK_MAX];
    (void)state;
    memset(nick, 0xc3, sizeof nick); /* each is shown as four */
    set_nick(&c, str_from(nick, sizeof nick));
    conn_label(&c, out, sizeof out);
    assert_int_equal(strlen(out), strlen("client-18446744073709551615 ()") + 4 * TEXT_NICK_MAX);
    assert_int_equal(out[strlen(out) - 1], ')');
}

static void ending_frees_what_it_holds(void **state)
{
    struct conn c = {.state = CONN_OPEN};
    struct segment_pool pool;
    struct room_log log;
    struct event e = {.type = EVENT_NOTICE, .text = STR("text")};
    (void)state;
    segment_pool_init(&pool, 64, 1);
    room_log_init(&log, &pool);
    char *out = room_log_reserve(&log, 5);
    assert_non_null(out);
    memcpy(out, "line\n", 5);
    room_log_append(&log, 5, 1);
    assert_int_equal(outq_push_range(&c.outq, &log, 0, 5), 0);
    assert_int_equal(conn_push(&c, &e), 0);
    assert_int_equal(frame_hold(&c.frame, STR("half a li")), 0);
    for (uint32_t room = 0; room < 5; room++)
        assert_int_equal(conn_link_add(&c, (struct link){room, 0}), 0);
    conn_fini(&c);
    assert_int_equal(c.state, CONN_FREE);
    assert_int_equal(log.readers, 0);
    room_log_fini(&log);
    segment_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_connection_is_nowhere),
        cmocka_unit_test(the_room_joined_last_is_current_and_before_it_the_one_before),
        cmocka_unit_test(leaving_the_first_room_while_it_is_current_leaves_the_next),
        cmocka_unit_test(links_agree_with_an_array),
        cmocka_unit_test(sixty_four_rooms_are_the_most),
        cmocka_unit_test(one_room_costs_no_memory_and_a_second_may_fail),
        cmocka_unit_test(an_idle_connection_is_small),
        cmocka_unit_test(events_are_encoded_as_the_client_wants_them),
        cmocka_unit_test(room_for_the_longest_form_is_given_back),
        cmocka_unit_test(without_memory_nothing_is_queued),
        cmocka_unit_test(the_label_names_the_id_and_the_nick),
        cmocka_unit_test(the_longest_label_is_not_cut),
        cmocka_unit_test(ending_frees_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
