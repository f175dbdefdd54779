/*
 * Both encodings, byte for byte as chatroom_protocol(7) has them, and that bound() is a bound: the
 * encoder writes without looking.
 */
#include "netpoll.h"
#include "stats.h"
#include "unit.h"
#include "wire.h"

#include <stdlib.h>

/* Encodes into memory of just the size that bound() asks for. */
static struct str encode(const struct wire *wire, const struct event *e, char **buffer)
{
    size_t bound = wire->bound(e);
    *buffer = malloc(bound);
    assert_non_null(*buffer);
    size_t size = wire->encode(e, *buffer);
    assert_true(size <= bound);
    return str_from(*buffer, size);
}

static void assert_encodes(const struct wire *wire, const struct event *e, const char *expected)
{
    char *buffer;
    struct str s = encode(wire, e, &buffer);
    char text[1024];
    assert_true(s.size < sizeof text);
    memcpy(text, s.data, s.size);
    text[s.size] = '\0';
    assert_string_equal(text, expected);
    assert_int_equal(strlen(text), s.size);
    free(buffer);
}

/* ---- every event ---------------------------------------------------------------------------- */

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
#define LOBBY .room = TEXT("#lobby")
#define CATS  .room = TEXT("#cats")
#define ANN   .from = TEXT("ann"), .id = 7
#define NOW   .time_ms = 1700000000123
#define TIME  "\"time\":\"2023-11-14T22:13:20.123Z\""

struct example {
    struct event e;
    const char *line;
    const char *json;
};

static void assert_examples(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_encodes(&wire_line, &examples[i].e, examples[i].line);
        assert_encodes(&wire_json, &examples[i].e, examples[i].json);
    }
}

#define WELCOME_LINE "* Welcome to the chat room! Your chat ID is client-7. "
#define WELCOME_JSON                                                                               \
    "{\"type\":\"welcome\",\"id\":7,\"text\":\"Welcome to the chat room! Your chat ID is "         \
    "client-7.\",\"nick\":\"client-7\",\"server\":\"0123abcd\",\"count\":"

static void a_welcome_counts_the_others(void **state)
{
    static const struct {
        uint64_t others;
        const char *line;
        const char *json;
    } cases[] = {
        {0, WELCOME_LINE "You are the first here.\n", WELCOME_JSON "0}\n"},
        {1, WELCOME_LINE "1 other is here.\n", WELCOME_JSON "1}\n"},
        {3, WELCOME_LINE "3 others are here.\n", WELCOME_JSON "3}\n"},
        {UINT64_MAX, WELCOME_LINE "18446744073709551615 others are here.\n",
         WELCOME_JSON "18446744073709551615}\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct event e = {.type = EVENT_WELCOME,
                          .id = 7,
                          .nick = TEXT("client-7"),
                          .server = TEXT("0123abcd"),
                          .count = cases[i].others};
        assert_encodes(&wire_line, &e, cases[i].line);
        assert_encodes(&wire_json, &e, cases[i].json);
    }
}

/* /wire answers with one as well, to whoever has another nick by then. */
static void a_welcome_names_the_id_and_the_nick(void **state)
{
    static const struct example examples[] = {
        {{EVENT_WELCOME, .id = 12, .nick = TEXT("\"ann\""), .server = TEXT("0123abcd")},
         "* Welcome to the chat room! Your chat ID is client-12. You are the first here.\n",
         "{\"type\":\"welcome\",\"id\":12,\"text\":\"Welcome to the chat room! Your chat ID is "
         "client-12.\",\"nick\":\"\\\"ann\\\"\",\"server\":\"0123abcd\",\"count\":0}\n"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void what_people_say_names_the_room_unless_it_is_the_lobby(void **state)
{
    static const struct example examples[] = {
        {{EVENT_MESSAGE, LOBBY, ANN, NOW, .seq = 1, .text = TEXT("hello")},
         "ann: hello\n",
         "{\"type\":\"message\",\"room\":\"#lobby\",\"from\":\"ann\",\"id\":7,\"seq\":1," TIME
         ",\"text\":\"hello\"}\n"},
        {{EVENT_MESSAGE, CATS, ANN, NOW, .seq = 12, .text = TEXT("mew: * /me")},
         "#cats ann: mew: * /me\n",
         "{\"type\":\"message\",\"room\":\"#cats\",\"from\":\"ann\",\"id\":7,\"seq\":12," TIME
         ",\"text\":\"mew: * /me\"}\n"},
        {{EVENT_ACTION, LOBBY, ANN, NOW, .seq = 2, .text = TEXT("waves")},
         "ann * waves\n",
         "{\"type\":\"action\",\"room\":\"#lobby\",\"from\":\"ann\",\"id\":7,\"seq\":2," TIME
         ",\"text\":\"waves\"}\n"},
        {{EVENT_ACTION, CATS, ANN, NOW, .seq = 2, .text = TEXT("waves")},
         "#cats ann * waves\n",
         "{\"type\":\"action\",\"room\":\"#cats\",\"from\":\"ann\",\"id\":7,\"seq\":2," TIME
         ",\"text\":\"waves\"}\n"},
        {{EVENT_PRIVATE, ANN, NOW, .to = TEXT("bob"), .text = TEXT("psst")},
         "@ann: psst\n",
         "{\"type\":\"private\",\"from\":\"ann\",\"to\":\"bob\",\"id\":7," TIME
         ",\"text\":\"psst\"}\n"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void coming_and_going_is_told_to_the_others(void **state)
{
    static const struct example examples[] = {
        {{EVENT_JOIN, LOBBY, ANN, NOW},
         "* ann joined\n",
         "{\"type\":\"join\",\"room\":\"#lobby\",\"from\":\"ann\",\"id\":7," TIME "}\n"},
        {{EVENT_JOIN, CATS, ANN, NOW},
         "* ann joined #cats\n",
         "{\"type\":\"join\",\"room\":\"#cats\",\"from\":\"ann\",\"id\":7," TIME "}\n"},
        {{EVENT_PART, LOBBY, ANN, NOW},
         "* ann left\n",
         "{\"type\":\"part\",\"room\":\"#lobby\",\"from\":\"ann\",\"id\":7," TIME "}\n"},
        {{EVENT_PART, CATS, ANN, NOW},
         "* ann left #cats\n",
         "{\"type\":\"part\",\"room\":\"#cats\",\"from\":\"ann\",\"id\":7," TIME "}\n"},
        {{EVENT_PART, LOBBY, ANN, NOW, .text = TEXT("bye")},
         "* ann left: bye\n",
         "{\"type\":\"part\",\"room\":\"#lobby\",\"from\":\"ann\",\"id\":7," TIME
         ",\"text\":\"bye\"}\n"},
        {{EVENT_NICK, LOBBY, NOW, .from = TEXT("client-7"), .id = 7, .nick = TEXT("ann")},
         "* client-7 is now known as ann\n",
         "{\"type\":\"nick\",\"room\":\"#lobby\",\"from\":\"client-7\",\"id\":7," TIME
         ",\"nick\":\"ann\"}\n"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void what_one_did_oneself_is_told_in_the_second_person(void **state)
{
    static const struct example examples[] = {
        {{EVENT_JOIN, true, CATS, ANN, NOW, .count = 3},
         "* You joined #cats. 3 others are here.\n",
         "{\"type\":\"join\",\"room\":\"#cats\",\"from\":\"ann\",\"id\":7," TIME ",\"count\":3}\n"},
        {{EVENT_JOIN, true, LOBBY, ANN, NOW},
         "* You joined #lobby. You are the first here.\n",
         "{\"type\":\"join\",\"room\":\"#lobby\",\"from\":\"ann\",\"id\":7," TIME
         ",\"count\":0}\n"},
        {{EVENT_PART, true, CATS, ANN, NOW, .to = TEXT("#lobby")},
         "* You left #cats. Your current room is #lobby.\n",
         "{\"type\":\"part\",\"room\":\"#cats\",\"from\":\"ann\",\"to\":\"#lobby\",\"id\":7," TIME
         "}\n"},
        {{EVENT_PART, true, LOBBY, ANN, NOW},
         "* You left #lobby. You are in no room now: /join one.\n",
         "{\"type\":\"part\",\"room\":\"#lobby\",\"from\":\"ann\",\"id\":7," TIME "}\n"},
        {{EVENT_NICK, true, NOW, .from = TEXT("client-7"), .id = 7, .nick = TEXT("ann")},
         "* You are now known as ann.\n",
         "{\"type\":\"nick\",\"from\":\"client-7\",\"id\":7," TIME ",\"nick\":\"ann\"}\n"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void what_the_hub_says(void **state)
{
    static const struct example examples[] = {
        {{EVENT_NOTICE, .text = TEXT("Nobody else is here yet.")},
         "* Nobody else is here yet.\n",
         "{\"type\":\"notice\",\"text\":\"Nobody else is here yet.\"}\n"},
        {{EVENT_ERROR, .text = TEXT("There is no command /x.")},
         "! There is no command /x.\n",
         "{\"type\":\"error\",\"text\":\"There is no command /x.\"}\n"},
        {{EVENT_NOTICE, .to = TEXT("#cats"), .text = TEXT("Your current room is #cats.")},
         "* Your current room is #cats.\n",
         "{\"type\":\"notice\",\"to\":\"#cats\",\"text\":\"Your current room is #cats.\"}\n"},
        {{EVENT_ERROR, .final = true, .text = TEXT("You were disconnected: enough")},
         "! You were disconnected: enough\n",
         "{\"type\":\"error\",\"text\":\"You were disconnected: enough\",\"final\":true}\n"},
        {{EVENT_GAP, LOBBY, .count = 120},
         "* 120 messages skipped: this connection reads too slowly.\n",
         "{\"type\":\"gap\",\"room\":\"#lobby\",\"skipped\":120}\n"},
        {{EVENT_GAP, CATS, .count = 1},
         "* 1 message of #cats skipped: this connection reads too slowly.\n",
         "{\"type\":\"gap\",\"room\":\"#cats\",\"skipped\":1}\n"},
        {{EVENT_HISTORY, LOBBY, .count = 20},
         "* last 20 messages:\n",
         "{\"type\":\"history\",\"room\":\"#lobby\",\"count\":20}\n"},
        {{EVENT_HISTORY, LOBBY, .count = 1},
         "* last message:\n",
         "{\"type\":\"history\",\"room\":\"#lobby\",\"count\":1}\n"},
        {{EVENT_HISTORY, CATS, .count = 2},
         "* last 2 messages of #cats:\n",
         "{\"type\":\"history\",\"room\":\"#cats\",\"count\":2}\n"},
        {{EVENT_PONG, NOW, .token = TEXT("a b")},
         "* pong a b\n",
         "{\"type\":\"pong\"," TIME ",\"token\":\"a b\"}\n"},
        {{EVENT_PONG, NOW}, "* pong\n", "{\"type\":\"pong\"," TIME "}\n"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void lists_say_how_many_there_are_even_when_they_are_cut(void **state)
{
    static const struct event_item who[] = {
        {TEXT("ann"), 0}, {TEXT("bob"), 0}, {TEXT("client-9"), 0}};
    static const struct event_item rooms[] = {{TEXT("#lobby"), 3}, {TEXT("#cats"), 1}};
    static const struct event_item stats[] = {{TEXT("clients"), 2}, {TEXT("rooms"), UINT64_MAX}};
    static const struct example examples[] = {
        {{EVENT_WHO, LOBBY, .count = 3, .items = who, .item_count = 3},
         "* 3 in #lobby: ann, bob, client-9\n",
         "{\"type\":\"who\",\"room\":\"#lobby\",\"count\":3,"
         "\"members\":[\"ann\",\"bob\",\"client-9\"]}\n"},
        {{EVENT_WHO, CATS, .count = 1000, .items = who, .item_count = 1},
         "* 1000 in #cats: ann and 999 more\n",
         "{\"type\":\"who\",\"room\":\"#cats\",\"count\":1000,\"members\":[\"ann\"]}\n"},
        {{EVENT_ROOMS, .count = 2, .items = rooms, .item_count = 2},
         "* 2 rooms: #lobby 3, #cats 1\n",
         "{\"type\":\"rooms\",\"count\":2,\"rooms\":[{\"room\":\"#lobby\",\"members\":3},"
         "{\"room\":\"#cats\",\"members\":1}]}\n"},
        {{EVENT_ROOMS, .count = 1, .items = rooms, .item_count = 1},
         "* 1 room: #lobby 3\n",
         "{\"type\":\"rooms\",\"count\":1,\"rooms\":[{\"room\":\"#lobby\",\"members\":3}]}\n"},
        {{EVENT_ROOMS, .count = 9, .items = rooms, .item_count = 2},
         "* 9 rooms: #lobby 3, #cats 1 and 7 more\n",
         "{\"type\":\"rooms\",\"count\":9,\"rooms\":[{\"room\":\"#lobby\",\"members\":3},"
         "{\"room\":\"#cats\",\"members\":1}]}\n"},
        {{EVENT_STATS, .items = stats, .item_count = 2},
         "* stats: clients 2, rooms 18446744073709551615\n",
         "{\"type\":\"stats\",\"stats\":{\"clients\":2,\"rooms\":18446744073709551615}}\n"},
    };
    (void)state;
    assert_examples(examples, COUNT_OF(examples));
}

static void json_keeps_keys_that_a_type_always_has(void **state)
{
    struct event message = {.type = EVENT_MESSAGE, LOBBY};
    struct event private = {.type = EVENT_PRIVATE};
    struct event who = {.type = EVENT_WHO};
    (void)state;
    assert_encodes(&wire_json, &message,
                   "{\"type\":\"message\",\"room\":\"#lobby\",\"text\":\"\"}\n");
    assert_encodes(&wire_json, &private, "{\"type\":\"private\",\"to\":\"\",\"text\":\"\"}\n");
    assert_encodes(&wire_json, &who, "{\"type\":\"who\",\"count\":0,\"members\":[]}\n");
}

/* ---- details of JSON ------------------------------------------------------------------------ */

static void json_escapes_quotes_backslashes_and_tabs(void **state)
{
    static const struct event_item items[] = {{TEXT("a\"b"), 1}, {TEXT("\\"), 2}};
    struct event e = {.type = EVENT_NOTICE, .text = TEXT("\"\\\t/ \xc3\xa4\xf0\x9f\x98\x80'")};
    (void)state;
    assert_encodes(&wire_json, &e,
                   "{\"type\":\"notice\",\"text\":\"\\\"\\\\\\t/ \xc3\xa4\xf0\x9f\x98\x80'\"}\n");
    e = (struct event){EVENT_WHO, LOBBY, .count = 2, .items = items, .item_count = 2};
    assert_encodes(&wire_json, &e,
                   "{\"type\":\"who\",\"room\":\"#lobby\",\"count\":2,"
                   "\"members\":[\"a\\\"b\",\"\\\\\"]}\n");
    e = (struct event){EVENT_MESSAGE, .room = TEXT("#\"\\"), .from = TEXT("\\\""),
                       .text = TEXT("")};
    assert_encodes(&wire_json, &e,
                   "{\"type\":\"message\",\"room\":\"#\\\"\\\\\",\"from\":\"\\\\\\\"\","
                   "\"text\":\"\"}\n");
}

static void times_are_rfc_3339_in_utc_with_milliseconds(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {1, "1970-01-01T00:00:00.001Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1000000000999, "2001-09-09T01:46:40.999Z"},
        {4102444799999, "2099-12-31T23:59:59.999Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct event e = {.type = EVENT_PONG, .time_ms = cases[i].ms};
        char expected[100];
        snprintf(expected, sizeof expected, "{\"type\":\"pong\",\"time\":\"%s\"}\n", cases[i].text);
        assert_encodes(&wire_json, &e, expected);
    }
}

/* ---- bound ---------------------------------------------------------------------------------- */

enum { LONGEST = 2000, ITEMS = 40 };

/* Of the letters that grow most, in a random size that is often nothing or very much. */
static struct str random_text(struct unit_random *r, const char *letters)
{
    static const size_t sizes[] = {0, 0, 1, 31, 32, 100, LONGEST};
    return str_from(letters, sizes[unit_below(r, COUNT_OF(sizes))]);
}

static uint64_t random_number(struct unit_random *r)
{
    static const uint64_t numbers[] = {0, 1, 2, 1000, UINT64_MAX};
    return numbers[unit_below(r, COUNT_OF(numbers))];
}

static void random_event(struct unit_random *r, const char *letters, struct event_item *items,
                         struct event *e)
{
    *e = (struct event){
        .type = (enum event_type)unit_below(r, EVENT_TYPES),
        .own = unit_below(r, 2),
        .room = unit_below(r, 3) ? random_text(r, letters) : STR(WIRE_LOBBY),
        .from = random_text(r, letters),
        .to = random_text(r, letters),
        .text = random_text(r, letters),
        .nick = random_text(r, letters),
        .server = random_text(r, letters),
        .token = random_text(r, letters),
        .id = random_number(r),
        .seq = random_number(r),
        .count = random_number(r),
        .time_ms = (int64_t)unit_below(r, 253402300800000),
        .items = items,
        .item_count = unit_below(r, 2) ? 0 : unit_below(r, ITEMS + 1),
    };
    for (size_t i = 0; i < e->item_count; i++)
        items[i] = (struct event_item){random_text(r, letters), random_number(r)};
}

/* One line, whatever is in it. */
static void assert_bounded(const struct wire *wire, const struct event *e)
{
    char *buffer;
    struct str s = encode(wire, e, &buffer);
    assert_true(s.size > 0);
    assert_ptr_equal(memchr(s.data, '\n', s.size), s.data + s.size - 1);
    free(buffer);
}

static void bound_is_an_upper_bound(void **state)
{
    static const char growing[] = {'"', '\\', '\t', 'x'};
    struct unit_random r = {13};
    struct event_item items[ITEMS];
    char letters[LONGEST];
    (void)state;
    for (int round = 0; round < 40000; round++) {
        struct event e;
        memset(letters, growing[round % (int)sizeof growing], sizeof letters);
        random_event(&r, letters, items, &e);
        assert_bounded(&wire_line, &e);
        assert_bounded(&wire_json, &e);
    }
}

/* All that a type can have at once, and everything else as well. */
static void bound_holds_with_everything_at_its_longest(void **state)
{
    char quotes[LONGEST];
    (void)state;
    memset(quotes, '"', sizeof quotes);
    for (size_t size = 0; size <= LONGEST; size += size < 100 ? 1 : 100) {
        struct str s = {quotes, size};
        struct event_item items[2] = {{s, UINT64_MAX}, {s, UINT64_MAX}};
        for (int type = 0; type < EVENT_TYPES * 2; type++) {
            struct event e = {(enum event_type)(type / 2),
                              type & 1,
                              type & 1,
                              s,
                              s,
                              s,
                              s,
                              s,
                              s,
                              s,
                              UINT64_MAX,
                              UINT64_MAX,
                              UINT64_MAX,
                              253402300799999,
                              items,
                              2};
            assert_bounded(&wire_line, &e);
            assert_bounded(&wire_json, &e);
        }
    }
}

/* It is memory that is asked for, if only for a moment. */
static void bound_is_no_wild_guess(void **state)
{
    char text[1000];
    (void)state;
    memset(text, 'x', sizeof text);
    struct event e = {EVENT_MESSAGE, LOBBY, ANN, NOW, .text = {text, sizeof text}};
    assert_true(wire_line.bound(&e) < 1200);
    assert_true(wire_json.bound(&e) < 2400);
}

/* ---- the table ------------------------------------------------------------------------------ */

static void encodings_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(wire_get(WIRE_LINE), &wire_line);
    assert_ptr_equal(wire_get(WIRE_JSON), &wire_json);
    assert_int_equal(wire_find(STR("line")), WIRE_LINE);
    assert_int_equal(wire_find(STR("json")), WIRE_JSON);
    static const char *const none[] = {"", "JSON", "jso", "jsonx", "xml", "line "};
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_int_equal(wire_find(str_of(none[i])), WIRE_COUNT);
}

static void every_type_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < EVENT_TYPES; a++) {
        assert_non_null(event_type_name((enum event_type)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(event_type_name((enum event_type)a),
                                    event_type_name((enum event_type)b));
    }
}

/* ---- counters ------------------------------------------------------------------------------- */

static uint64_t value_of(const struct event_item *items, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(items[i].name, str_of(name)))
            return items[i].value;
    }
    fail_msg("there is no counter %s", name);
    return 0;
}

static void counters_become_the_items_of_an_event(void **state)
{
    struct stats stats = {.clients = 3, .no_memory = 5};
    struct netpoll_stats np = {.turns = 7, .stale_events = 9};
    struct event_item items[STATS_ITEMS_MAX];
    (void)state;
    size_t own = stats_items(&stats, NULL, items);
    assert_int_equal(own, sizeof stats / sizeof(uint64_t));
    size_t all = stats_items(&stats, &np, items);
    assert_in_range(all, own + 2, STATS_ITEMS_MAX);
    assert_string_equal(items[0].name.data, "clients");
    assert_int_equal(value_of(items, all, "clients"), 3);
    assert_int_equal(value_of(items, all, "no_memory"), 5);
    assert_int_equal(value_of(items, all, "turns"), 7);
    assert_int_equal(value_of(items, all, "stale_events"), 9);
    struct event e = {.type = EVENT_STATS, .items = items, .item_count = all};
    assert_bounded(&wire_line, &e);
    assert_bounded(&wire_json, &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_welcome_counts_the_others),
        cmocka_unit_test(a_welcome_names_the_id_and_the_nick),
        cmocka_unit_test(what_people_say_names_the_room_unless_it_is_the_lobby),
        cmocka_unit_test(coming_and_going_is_told_to_the_others),
        cmocka_unit_test(what_one_did_oneself_is_told_in_the_second_person),
        cmocka_unit_test(what_the_hub_says),
        cmocka_unit_test(lists_say_how_many_there_are_even_when_they_are_cut),
        cmocka_unit_test(json_keeps_keys_that_a_type_always_has),
        cmocka_unit_test(json_escapes_quotes_backslashes_and_tabs),
        cmocka_unit_test(times_are_rfc_3339_in_utc_with_milliseconds),
        cmocka_unit_test(bound_is_an_upper_bound),
        cmocka_unit_test(bound_holds_with_everything_at_its_longest),
        cmocka_unit_test(bound_is_no_wild_guess),
        cmocka_unit_test(encodings_are_found_by_name),
        cmocka_unit_test(every_type_has_a_name_of_its_own),
        cmocka_unit_test(counters_become_the_items_of_an_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
