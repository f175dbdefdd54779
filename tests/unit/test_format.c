/* -F FORMAT: every letter and escape, every mistake. */
#include "format.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { OUT_MAX = 4096 };

/* 2026-11-23T10:15:30.123Z */
static const int64_t time_ms = 1795428930123;

static const struct event message = {
    .type = EVENT_MESSAGE,
    .room = {"#röm", 5},
    .from = {"ann", 3},
    .text = {"grüße %n \\n", 13},
    .id = 7,
    .seq = 42,
    .time_ms = time_ms,
};

/* What a format wrote, and what of it was said to be remote. */
struct written {
    char all[OUT_MAX];
    size_t size;
    char remote[OUT_MAX];
    size_t remote_size;
};

static void put(void *owner, struct str piece, bool remote)
{
    struct written *w = owner;
    if (piece.size == 0)
        return;
    assert_true(w->size + piece.size <= sizeof w->all);
    memcpy(w->all + w->size, piece.data, piece.size);
    w->size += piece.size;
    if (!remote)
        return;
    memcpy(w->remote + w->remote_size, piece.data, piece.size);
    w->remote_size += piece.size;
}

static void run(struct written *w, const char *text, const struct event *e)
{
    struct format *f;
    char why[128] = "";
    *w = (struct written){0};
    assert_int_equal(format_new(&f, text, why, sizeof why), 0);
    assert_string_equal(why, "");
    format_run(f, e, STR("{\"type\":\"message\"}"), time_ms + 1000, put, w);
    format_free(f);
}

static void assert_written(const char *text, const char *expected)
{
    struct written w;
    run(&w, text, &message);
    assert_str(str_from(w.all, w.size), str_of(expected));
}

static void letters_stand_for_their_fields(void **state)
{
    (void)state;
    assert_written("%t", "2026-11-23T10:15:30.123Z");
    assert_written("%n", "ann");
    assert_written("%r", "#röm");
    assert_written("%m", "grüße %n \\n"); /* what others write is no format */
    assert_written("%s", "42");
    assert_written("%i", "7");
    assert_written("%k", "message");
    assert_written("%j", "{\"type\":\"message\"}");
    assert_written("%%", "%");
    assert_written("%s%i%%%s", "427%42");
    assert_written("<%n> %k in %r: %m.", "<ann> message in #röm: grüße %n \\n.");
}

static void literals_and_escapes(void **state)
{
    (void)state;
    assert_written("", "");
    assert_written("plain", "plain");
    assert_written("a\\tb\\nc\\\\d\\a\\e[1m", "a\tb\nc\\d\a\033[1m");
    struct written w;
    run(&w, "a\\0b", &message);
    assert_str(str_from(w.all, w.size), STR("a\0b"));
}

static void strftime_is_local(void **state)
{
    (void)state;
    assert_written("%{%H:%M:%S}", "10:15:30");
    assert_written("[%{%Y} %n]", "[2026 ann]");
    assert_written("%{}x", "x");
    assert_written("%{%%}", "%");
    setenv("TZ", "UTC-2", 1);
    tzset();
    assert_written("%{%H:%M}, %t", "12:15, 2026-11-23T10:15:30.123Z");
    setenv("TZ", "UTC", 1);
    tzset();
}

/* A result that is too long for its buffer is left out, and nothing else is. */
static void a_long_time_is_left_out(void **state)
{
    (void)state;
    char text[1024] = "<%{";
    for (int i = 0; i < 100; i++)
        strcat(text, "%Y");
    strcat(text, "}>");
    assert_written(text, "<>");
}

static void remote_text_is_marked(void **state)
{
    (void)state;
    struct written w;
    run(&w, "\\e[1m%n\\e[m %t %m %s %k %r %{%H}", &message);
    assert_str(str_from(w.remote, w.remote_size), STR("anngrüße %n \\n#röm"));
}

/* What has no time, room, number or sender. */
static void what_an_event_lacks(void **state)
{
    (void)state;
    struct written w;
    struct event e = {.type = EVENT_PRIVATE, .text = STR("x")};
    run(&w, "%t|%n|%r|%s|%i|%m|%k|%{%S}", &e);
    assert_str(str_from(w.all, w.size), STR("2026-11-23T10:15:31.123Z|||0|0|x|private|31"));
}

static void assert_refused(const char *text, const char *expected)
{
    struct format *f = NULL;
    char why[128] = "";
    assert_int_equal(format_new(&f, text, why, sizeof why), -EINVAL);
    assert_string_equal(why, expected);
    assert_null(f);
}

static void faults_are_explained(void **state)
{
    (void)state;
    assert_refused("%n %x", "has an unknown letter: %x");
    assert_refused("100%", "ends in a single %");
    assert_refused("\\q", "has an unknown escape: \\q");
    assert_refused("a\\", "ends in a single backslash");
    assert_refused("%{%H:%M", "has a %{ without its }");
    assert_refused("%\n", "has an unknown letter: %\n");
}

static void ends_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ends;
    } cases[] = {{"", false},   {"%m", false},    {"%m\\n", true}, {"\\n%m", false},
                 {"\\n", true}, {"%{\n}", false}, {"%m\n", true},  {"\\n\\0", false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct format *f;
        char why[128];
        assert_int_equal(format_new(&f, cases[i].text, why, sizeof why), 0);
        assert_int_equal(format_ends_line(f), cases[i].ends);
        format_free(f);
    }
}

static void times_to_the_end_of_time(void **state)
{
    (void)state;
    char out[FORMAT_TIME_SIZE];
    assert_str(format_time(0, out), STR("1970-01-01T00:00:00.000Z"));
    assert_str(format_time(951782400007, out), STR("2000-02-29T00:00:00.007Z"));
    assert_str(format_time(253402300799999, out), STR("9999-12-31T23:59:59.999Z"));
    assert_str(format_time(253402300800000, out), STR("0000-00-00T00:00:00.000Z"));
    assert_str(format_time(INT64_MAX, out), STR("0000-00-00T00:00:00.000Z"));
    assert_str(format_time(-1, out), STR("0000-00-00T00:00:00.000Z"));
}

static void memory_may_end(void **state)
{
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct format *f = NULL;
        char why[128] = "";
        int rc = format_new(&f, "%n: %m", why, sizeof why);
        assert_true(rc == 0 || rc == -ENOMEM);
        assert_string_equal(why, rc == 0 ? "" : "out of memory");
        format_free(f);
    }
    unit_alloc_fail_at(-1);
}

/* Random bytes: either a fault with a sentence, or it runs; sanitizers watch. */
static void random_formats(void **state)
{
    (void)state;
    static const char bytes[] = "%%%\\\\{}nrtmsijkeHMY0 ax";
    struct unit_random random = {1};
    for (int round = 0; round < 20000; round++) {
        char text[24] = "";
        uint64_t size = unit_below(&random, sizeof text - 1);
        for (uint64_t i = 0; i < size; i++)
            text[i] = bytes[unit_below(&random, sizeof bytes - 1)];
        struct format *f;
        char why[128] = "";
        struct written w = {0};
        if (format_new(&f, text, why, sizeof why) < 0) {
            assert_string_not_equal(why, "");
            continue;
        }
        format_run(f, &message, STR("{}"), 0, put, &w);
        format_free(f);
    }
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_stand_for_their_fields),
        cmocka_unit_test(literals_and_escapes),
        cmocka_unit_test(strftime_is_local),
        cmocka_unit_test(a_long_time_is_left_out),
        cmocka_unit_test(remote_text_is_marked),
        cmocka_unit_test(what_an_event_lacks),
        cmocka_unit_test(faults_are_explained),
        cmocka_unit_test(ends_line),
        cmocka_unit_test(times_to_the_end_of_time),
        cmocka_unit_test(memory_may_end),
        cmocka_unit_test(random_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
