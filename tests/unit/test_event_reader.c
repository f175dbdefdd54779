/*
 * What the hub's JSON encoder writes is read back to the same event; everything else is refused,
 * passed over or made clean.
 */
#include "event_reader.h"
#include "unit.h"
#include "wire.h"

#include <errno.h>
#include <stdlib.h>

/* ---- there and back ------------------------------------------------------------------------ */

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static struct event_item members[] = {{.name = TEXT("ann")}, {.name = TEXT("b\"o\\b")}};
static struct event_item rooms[] = {{TEXT("#lobby"), 3}, {TEXT("#caf\xc3\xa9"), 12}};
static struct event_item stats[] = {{TEXT("clients"), 4}, {TEXT("messages"), INT64_MAX}};

static const struct event examples[] = {
    {EVENT_WELCOME, .id = 7, .nick = TEXT("client-7"), .server = TEXT("01ab"), .count = 3},
    {EVENT_MESSAGE, .room = TEXT("#lobby"), .from = TEXT("ann"), .id = 7, .seq = 12,
     .time_ms = 1700000000123, .text = TEXT("\"quoted\", \\ and \t and \xf0\x9f\x90\x88")},
    {EVENT_MESSAGE, .room = TEXT("#lobby"), .from = TEXT("ann"), .id = 7, .seq = 1,
     .text = TEXT("")},
    {EVENT_ACTION, .room = TEXT("#cats"), .from = TEXT("ann"), .id = 7, .seq = 13,
     .time_ms = 1700000000001, .text = TEXT("waves")},
    {EVENT_PRIVATE, .from = TEXT("ann"), .to = TEXT("bob"), .id = 7, .time_ms = 951782400000,
     .text = TEXT("psst")},
    {EVENT_JOIN, .room = TEXT("#cats"), .from = TEXT("ann"), .id = 7, .time_ms = 1700000000123},
    {EVENT_PART, .room = TEXT("#cats"), .from = TEXT("ann"), .to = TEXT("#lobby"), .id = 7,
     .time_ms = 1700000000123, .text = TEXT("bye")},
    {EVENT_NICK, .room = TEXT("#cats"), .from = TEXT("client-7"), .id = 7, .time_ms = 1700000000123,
     .nick = TEXT("ann")},
    {EVENT_NOTICE, .to = TEXT("#cats"), .text = TEXT("Your current room is #cats.")},
    {EVENT_ERROR, .text = TEXT("Unknown command.")},
    {EVENT_ERROR, .final = true, .text = TEXT("You were disconnected: enough")},
    {EVENT_GAP, .room = TEXT("#cats"), .count = 120},
    {EVENT_HISTORY, .room = TEXT("#cats"), .count = 20},
    {EVENT_PONG, .time_ms = 1700000000123, .token = TEXT("x y")},
    {EVENT_WHO, .room = TEXT("#cats"), .count = 3, .items = members, .item_count = 2},
    {EVENT_ROOMS, .count = 2, .items = rooms, .item_count = 2},
    {EVENT_STATS, .items = stats, .item_count = 2},
    {EVENT_STATS, .id = 0},
};

static void assert_same(const struct event *a, const struct event *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->final, b->final);
    assert_str(a->room, b->room);
    assert_str(a->from, b->from);
    assert_str(a->to, b->to);
    assert_str(a->nick, b->nick);
    assert_str(a->server, b->server);
    assert_str(a->token, b->token);
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_int_equal(a->item_count, b->item_count);
    for (size_t i = 0; i < a->item_count; i++) {
        assert_str(a->items[i].name, b->items[i].name);
        assert_int_equal(a->items[i].value, b->items[i].value);
    }
}

/* The hub's line for an event, without the newline; to be freed. */
static struct str encode(const struct event *e)
{
    char *line = malloc(wire_json.bound(e));
    assert_non_null(line);
    return str_from(line, wire_json.encode(e, line) - 1);
}

static void what_the_hub_writes_is_read_back(void **state)
{
    struct event_reader *r = event_reader_new();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct event e;
        struct str line = encode(&examples[i]);
        assert_int_equal(event_reader_read(r, line, &e), 0);
        assert_same(&e, &examples[i]);
        if (e.type == EVENT_WELCOME)
            assert_str(e.text, STR("Welcome to the chat room! Your chat ID is client-7."));
        else
            assert_str(e.text, examples[i].text);
        free((char *)line.data);
    }
    event_reader_free(r);
}

static void without_memory_nothing_is_read(void **state)
{
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct event_reader *r = event_reader_new();
        for (size_t i = 0; r && i < COUNT_OF(examples); i++) {
            struct event e;
            char line[1024];
            size_t size = wire_json.encode(&examples[i], line) - 1;
            int rc = event_reader_read(r, str_from(line, size), &e);
            assert_true(rc == 0 || rc == -ENOMEM);
        }
        event_reader_free(r);
    }
    unit_alloc_fail_at(-1);
}

/* ---- what is no event ---------------------------------------------------------------------- */

static void assert_read(struct event_reader *r, const char *line, int wanted)
{
    struct event e;
    int rc = event_reader_read(r, str_of(line), &e);
    if (rc != wanted)
        print_error("%s\n", line);
    assert_int_equal(rc, wanted);
}

static void what_is_no_event_is_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "{",
        "* Welcome",
        "null",
        "[]",
        "{}",
        "{\"type\":7}",
        "{\"type\":\"notice\",\"text\":\"a\"} x",
        "{\"type\":\"notice\",\"text\":\"\xff\"}",
        "{\"type\":\"notice\",\"text\":\"a\001b\"}",
        "{\"type\":\"notice\",\"text\":\"a\\u0000b\"}",
        "{\"type\":\"notice\",\"text\":null}",
        "{\"type\":\"message\",\"seq\":-1}",
        "{\"type\":\"message\",\"seq\":1.5}",
        "{\"type\":\"message\",\"seq\":\"1\"}",
        "{\"type\":\"message\",\"seq\":99999999999999999999}",
        "{\"type\":\"message\",\"time\":0}",
        "{\"type\":\"message\",\"time\":\"yesterday\"}",
        "{\"type\":\"message\",\"time\":\"2023-11-14T22:13:20Z\"}",
        "{\"type\":\"message\",\"time\":\"2023-11-14T22:13:20.12Z\"}",
        "{\"type\":\"message\",\"time\":\"2023-11-14T22:13:20.123Z0\"}",
        "{\"type\":\"message\",\"time\":\"2023-11-14T22:13:20.123+01:00\"}",
        "{\"type\":\"who\",\"members\":{}}",
        "{\"type\":\"who\",\"members\":[\"ann\",7]}",
        "{\"type\":\"rooms\",\"rooms\":7}",
        "{\"type\":\"rooms\",\"rooms\":[7]}",
        "{\"type\":\"rooms\",\"rooms\":[{\"room\":\"#a\"}]}",
        "{\"type\":\"stats\",\"stats\":[]}",
        "{\"type\":\"stats\",\"stats\":{\"a\":\"b\"}}",
        "{\"type\":\"error\",\"final\":1}",
    };
    struct event_reader *r = event_reader_new();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_read(r, lines[i], -EPROTO);
        assert_true(strlen(event_reader_fault(r)) > 0);
    }
    event_reader_free(r);
}

static void what_was_wrong_is_told(void **state)
{
    struct event_reader *r = event_reader_new();
    (void)state;
    assert_read(r, "{\"type\":\"message\",\"seq\":-1}", -EPROTO);
    assert_string_equal(event_reader_fault(r), "has a \"seq\" that is no count");
    assert_read(r, "{\"type\":\"who\",\"members\":[7]}", -EPROTO);
    assert_string_equal(event_reader_fault(r), "has a \"members\" that has no nicks");
    assert_read(r, "hello", -EPROTO);
    assert_string_equal(event_reader_fault(r), "is no JSON from byte 5 on");
    event_reader_free(r);
}

static void unknown_types_and_keys_are_passed_over(void **state)
{
    struct event_reader *r = event_reader_new();
    struct event e;
    (void)state;
    assert_read(r, "{\"type\":\"poll\",\"text\":7}", -ENOMSG);
    struct str line = STR("{\"colour\":\"red\",\"text\":\"hi\",\"type\":\"notice\",\"x\":[1,{}]}");
    assert_int_equal(event_reader_read(r, line, &e), 0);
    assert_int_equal(e.type, EVENT_NOTICE);
    assert_str(e.text, STR("hi"));
    event_reader_free(r);
}

static void what_could_move_a_terminal_is_removed(void **state)
{
    struct event_reader *r = event_reader_new();
    struct event e;
    (void)state;
    struct str line = STR("{\"type\":\"message\",\"from\":\"a\\u001b[2Jnn\",\"room\":\"#\\r\\na\","
                          "\"text\":\"\\u009b1mone\\ntwo\\tthree\\u007f\",\"seq\":1}");
    assert_int_equal(event_reader_read(r, line, &e), 0);
    assert_str(e.from, STR("a[2Jnn"));
    assert_str(e.room, STR("#a"));
    assert_str(e.text, STR("1monetwo\tthree"));
    line = STR("{\"type\":\"who\",\"members\":[\"\\u0007ann\"],\"count\":1}");
    assert_int_equal(event_reader_read(r, line, &e), 0);
    assert_str(e.items[0].name, STR("ann"));
    line = STR("{\"type\":\"stats\",\"stats\":{\"\\u001bc\":1}}");
    assert_int_equal(event_reader_read(r, line, &e), 0);
    assert_str(e.items[0].name, STR("c"));
    event_reader_free(r);
}

/* Somebody's text must not be taken for the hub's switch to JSON. */
static void nobody_can_pretend_that_json_starts(void **state)
{
    (void)state;
    assert_true(event_reader_starts_json(STR("{\"type\":\"welcome\",\"id\":7}")));
    assert_false(event_reader_starts_json(STR("{\"type\": \"welcome\",\"id\":7}")));
    assert_false(event_reader_starts_json(STR("{\"type\":\"message\"}")));
    assert_false(event_reader_starts_json(STR("ann: {\"type\":\"welcome\",\"id\":7}")));
    assert_false(event_reader_starts_json(STR("")));
}

static void any_bytes_do_no_harm(void **state)
{
    static const char *const pieces[] = {"{\"type\":\"", "welcome\"", "message\",\"", "text\":\"",
                                         "\\u00",        "9b",        "\"}",          "[[[[",
                                         "\"seq\":",     "1e9",       "\xc2",         "\x1b"};
    struct event_reader *r = event_reader_new();
    struct unit_random random = {.state = 7};
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char line[256];
        size_t size = 0;
        for (uint64_t n = unit_below(&random, 12); n > 0; n--) {
            const char *piece = pieces[unit_below(&random, COUNT_OF(pieces))];
            memcpy(line + size, piece, strlen(piece));
            size += strlen(piece);
        }
        struct event e;
        int rc = event_reader_read(r, str_from(line, size), &e);
        assert_true(rc == 0 || rc == -EPROTO || rc == -ENOMSG);
    }
    event_reader_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_hub_writes_is_read_back),
        cmocka_unit_test(without_memory_nothing_is_read),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(what_was_wrong_is_told),
        cmocka_unit_test(unknown_types_and_keys_are_passed_over),
        cmocka_unit_test(what_could_move_a_terminal_is_removed),
        cmocka_unit_test(nobody_can_pretend_that_json_starts),
        cmocka_unit_test(any_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
