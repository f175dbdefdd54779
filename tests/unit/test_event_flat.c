/* The short way to an event gives the same as the long one, or nothing. */
#include "event_flat.h"
#include "event_reader.h"
#include "unit.h"

#include <stdlib.h>
#include <time.h>

#define MESSAGE                                                                                    \
    "{\"type\":\"message\",\"room\":\"#lobby\",\"from\":\"ann\",\"id\":7,\"seq\":12,"              \
    "\"time\":\"2026-11-23T10:15:30.123Z\",\"text\":\"gr\xc3\xbc\xc3\x9f\x65\"}"

static bool reads(const char *line)
{
    struct event e;
    return event_flat_read(str_of(line), &e);
}

static void a_message(void **state)
{
    struct event e;
    (void)state;
    assert_true(event_flat_read(STR(MESSAGE), &e));
    assert_int_equal(e.type, EVENT_MESSAGE);
    assert_str(e.room, STR("#lobby"));
    assert_str(e.from, STR("ann"));
    assert_str(e.text, STR("gr\xc3\xbc\xc3\x9f\x65"));
    assert_int_equal(e.id, 7);
    assert_int_equal(e.seq, 12);
    assert_int_equal(e.time_ms, 1795428930123);
    assert_int_equal(e.item_count, 0);
}

static void what_else_is_for_here(void **state)
{
    static const char *const lines[] = {
        "{\"type\":\"pong\"}",
        "{\"type\":\"pong\",\"token\":\"\"}",
        "{\"type\":\"notice\",\"to\":\"#a\",\"text\":\"x\"}",
        "{\"type\":\"gap\",\"room\":\"#a\",\"skipped\":999999999999999999}",
        "{\"type\":\"history\",\"count\":0}",
        "{\"type\":\"welcome\",\"id\":1,\"nick\":\"a\",\"server\":\"b\",\"count\":10}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        assert_true(reads(lines[i]));
}

static void what_is_not(void **state)
{
    static const char *const lines[] = {
        "",
        "{",
        "{}",
        "{\"type\":\"pong\"",
        "{\"type\":\"pong\"} ",
        " {\"type\":\"pong\"}",
        "{\"type\": \"pong\"}",
        "{\"type\":\"pong\",}",
        "{\"type\":\"pong\",\"token\"}",
        "{\"type\":\"pong\",\"token\":}",
        "{\"type\":\"pong\",\"token\":\"x}",
        "{\"type\":\"pong\",\"token\":\"\\n\"}",
        "{\"type\":\"pong\",\"token\":\"\t\"}",
        "{\"type\":\"pong\",\"token\":\"\x7f\"}",
        "{\"type\":\"pong\",\"token\":\"\xff\"}",
        "{\"type\":\"pong\",\"token\":\"\xc2\x9b\"}",
        "{\"type\":\"pong\",\"token\":7}",
        "{\"type\":\"pong\",\"token\":null}",
        "{\"type\":\"pong\",\"token\":\"a\",\"token\":\"b\"}",
        "{\"type\":\"pong\",\"time\":\"now\"}",
        "{\"type\":\"pong\",\"time\":7}",
        "{\"type\":\"gap\",\"skipped\":01}",
        "{\"type\":\"gap\",\"skipped\":-1}",
        "{\"type\":\"gap\",\"skipped\":1.5}",
        "{\"type\":\"gap\",\"skipped\":1e3}",
        "{\"type\":\"gap\",\"skipped\":1234567890123456789}",
        "{\"type\":\"gap\",\"skipped\":\"1\"}",
        "{\"type\":\"gap\",\"skipped\":1,\"count\":2}",
        "{\"type\":\"who\",\"count\":0}",
        "{\"type\":\"rooms\"}",
        "{\"type\":\"stats\"}",
        "{\"type\":\"weather\"}",
        "{\"type\":\"pong\",\"new\":1}",
        "{\"type\":\"pong\",\"new\":\"1\"}",
        "{\"type\":\"error\",\"final\":true}",
        "{\"token\":\"x\",\"type\":\"pong\"}",
        "{\"type\":\"pong\",\"type\":\"gap\"}",
        "[\"type\",\"pong\"]",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        if (reads(lines[i]))
            fail_msg("read: %s", lines[i]);
    }
}

/* Cut anywhere, it is nothing, and nothing behind its end is looked at (the sanitizer watches). */
static void a_part_of_a_message_is_nothing(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof MESSAGE - 1; size++) {
        struct event e;
        char *part = malloc(size + 1);
        memcpy(part, MESSAGE, size);
        char *exact = realloc(part, size ? size : 1);
        assert_false(event_flat_read(str_from(exact, size), &e));
        free(exact);
    }
}

/* ---- both ways are one --------------------------------------------------------------------- */

static void assert_same(const struct event *a, const struct event *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->final, b->final);
    assert_str(a->room, b->room);
    assert_str(a->from, b->from);
    assert_str(a->to, b->to);
    assert_str(a->text, b->text);
    assert_str(a->nick, b->nick);
    assert_str(a->server, b->server);
    assert_str(a->token, b->token);
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_int_equal(a->item_count, b->item_count);
}

static struct str pick(struct unit_random *random, char *out)
{
    static const char *const words[] = {"",  "a", "ann",   "#lobby",     "hello, world",
                                        "}", "0", "{[:]}", "say \"hi\"", "\xf0\x9f\x90\x88"};
    struct str word = str_of(words[unit_below(random, COUNT_OF(words))]);
    memcpy(out, word.data, word.size);
    return str_from(out, word.size);
}

/* The hub's line for some event, with a byte of it changed now and then. */
static size_t make_line(struct unit_random *random, char *out)
{
    char text[7][32];
    struct event e = {
        .type = (enum event_type)unit_below(random, EVENT_TYPES),
        .room = pick(random, text[0]),
        .from = pick(random, text[1]),
        .to = pick(random, text[2]),
        .text = pick(random, text[3]),
        .nick = pick(random, text[4]),
        .server = pick(random, text[5]),
        .token = pick(random, text[6]),
        .id = unit_below(random, 3) ? unit_below(random, 100) : unit_random(random) >> 1,
        .seq = unit_below(random, 1000),
        .count = unit_below(random, 1000),
        .time_ms = (int64_t)unit_below(random, 253402300800000),
        .final = unit_below(random, 8) == 0,
        .own = unit_below(random, 2),
    };
    size_t size = wire_json.encode(&e, out) - 1;
    static const char bytes[] = "\"\\{}[]:,0123456789-.eTZ \t\x7f\xc3\xff";
    while (unit_below(random, 3) == 0)
        out[unit_below(random, size)] = bytes[unit_below(random, sizeof bytes - 1)];
    return size;
}

static void both_ways_give_the_same(void **state)
{
    struct unit_random random = {11};
    struct event_reader *r = event_reader_new();
    size_t short_ones = 0;
    (void)state;
    for (int round = 0; round < 100000; round++) {
        char line[1024] = " "; /* the blank is for the long way only */
        struct event a;
        struct event b;
        size_t size = make_line(&random, line + 1);
        if (!event_flat_read(str_from(line + 1, size), &a))
            continue;
        short_ones++;
        assert_int_equal(event_reader_read(r, str_from(line, size + 1), &b), 0);
        assert_same(&a, &b);
    }
    assert_true(short_ones > 10000);
    event_reader_free(r);
}

/* ---- time ---------------------------------------------------------------------------------- */

static void times_are_those_of_the_library(void **state)
{
    struct unit_random random = {5};
    (void)state;
    for (int round = 0; round < 100000; round++) {
        char text[32];
        int64_t ms;
        time_t seconds = (time_t)unit_below(&random, 253402300800); /* to the end of 9999 */
        unsigned rest = (unsigned)unit_below(&random, 1000);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(text + size, sizeof text - size, ".%03uZ", rest);
        assert_true(event_flat_time(str_of(text), &ms));
        assert_true(ms == (int64_t)seconds * 1000 + rest);
    }
}

static void every_day_of_four_centuries(void **state)
{
    int64_t expected = 0;
    (void)state;
    for (int year = 1970; year < 2370; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 1; month <= 12; month++) {
            int last = month == 2 ? 28 + leap : 30 + (month + month / 8) % 2;
            for (int day = 1; day <= last; day++, expected += 86400000) {
                char text[32];
                int64_t ms;
                snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00.000Z", year, month, day);
                assert_true(event_flat_time(str_of(text), &ms));
                assert_true(ms == expected);
            }
        }
    }
}

static void what_is_no_time(void **state)
{
    static const char *const texts[] = {
        "",
        "2026-11-23T10:15:30Z",
        "2026-11-23T10:15:30.123",
        "2026-11-23T10:15:30.123z",
        "2026-11-23 10:15:30.123Z",
        "2026-11-23T10:15:30.1234Z",
        "2026-11-23T10:15:30.123Z ",
        "0000-11-23T10:15:30.123Z",
        "2026-00-23T10:15:30.123Z",
        "2026-13-23T10:15:30.123Z",
        "2026-11-00T10:15:30.123Z",
        "2026-11-32T10:15:30.123Z",
        "2026-11-23T24:15:30.123Z",
        "2026-11-23T10:60:30.123Z",
        "2026-11-23T10:15:61.123Z",
        "1969-12-31T23:59:59.999Z",
        "9999-12-31T23:59:60.000Z",
        "2026-11-23T10:15:3a.123Z",
        "2026-1 -23T10:15:30.123Z",
        "+026-11-23T10:15:30.123Z",
    };
    int64_t ms;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (event_flat_time(str_of(texts[i]), &ms))
            fail_msg("a time: %s", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message),
        cmocka_unit_test(what_else_is_for_here),
        cmocka_unit_test(what_is_not),
        cmocka_unit_test(a_part_of_a_message_is_nothing),
        cmocka_unit_test(both_ways_give_the_same),
        cmocka_unit_test(times_are_those_of_the_library),
        cmocka_unit_test(every_day_of_four_centuries),
        cmocka_unit_test(what_is_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
