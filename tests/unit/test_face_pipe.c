/* The face of a pipe: what goes to standard output, what to standard error, and how it looks. */
#include "face_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

/* 2026-11-23T10:15:30.123Z */
#define TIME_MS 1795428930123

static const struct event said = {.type = EVENT_MESSAGE,
                                  .room = {"#load", 5},
                                  .from = {"ann", 3},
                                  .text = {"hello", 5},
                                  .id = 7,
                                  .seq = 42,
                                  .time_ms = TIME_MS};
static const struct event in_lobby = {.type = EVENT_MESSAGE,
                                      .room = {"#lobby", 6},
                                      .from = {"bob", 3},
                                      .text = {"hi", 2},
                                      .time_ms = TIME_MS};
static const struct event action = {.type = EVENT_ACTION,
                                    .room = {"#lobby", 6},
                                    .from = {"bob", 3},
                                    .text = {"waves", 5},
                                    .time_ms = TIME_MS};
static const struct event private = {.type = EVENT_PRIVATE,
                                     .from = {"cem", 3},
                                     .to = {"me", 2},
                                     .text = {"psst", 4},
                                     .time_ms = TIME_MS};
static const struct event join = {
    .type = EVENT_JOIN, .room = {"#load", 5}, .from = {"eve", 3}, .time_ms = TIME_MS};
static const struct event error = {.type = EVENT_ERROR, .text = {"no", 2}};
static const struct event notice = {.type = EVENT_NOTICE, .text = {"so be it", 8}};
static const struct event history = {.type = EVENT_HISTORY, .room = {"#load", 5}, .count = 3};
static const struct event pong = {.type = EVENT_PONG, .token = {"x", 1}, .time_ms = TIME_MS};

/* One of each, in a fixed order. */
static void show_all(struct face_fixture *fx)
{
    static const struct event *const all[] = {&said,  &in_lobby, &action,  &private, &join,
                                              &error, &notice,   &history, &pong};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        face_event(fx, all[i]);
}

static void messages_and_answers_come_out(void **state)
{
    struct face_fixture fx;
    struct client_options o = {0};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    assert_int_equal(fx.face->raw, FACE_RAW_SHOWN);
    assert_false(fx.face->keys_raw);
    show_all(&fx);
    assert_str(face_out(&fx),
               STR("#load ann: hello\nbob: hi\nbob * waves\n@cem: psst\n* pong x\n"));
    assert_str(face_err(&fx), STR("* eve joined #load\n! no\n* so be it\n"
                                  "* last 3 messages of #load:\n"));
    face_fixture_fini(&fx);
}

static void answers_of_all_kinds(void **state)
{
    static const struct event_item items[] = {{{"ann", 3}, 1}, {{"bob", 3}, 2}};
    static const enum event_type types[] = {EVENT_WHO, EVENT_ROOMS, EVENT_STATS};
    struct face_fixture fx;
    struct client_options o = {0};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct event e = {
            .type = types[i], .room = STR("#a"), .items = items, .item_count = 2, .count = 2};
        face_event(&fx, &e);
    }
    assert_str(face_out(&fx), STR("* 2 in #a: ann, bob\n* 2 rooms: ann 1, bob 2\n"
                                  "* stats: ann 1, bob 2\n"));
    assert_str(face_err(&fx), STR(""));
    face_fixture_fini(&fx);
}

static void raw_lines_go_by_their_first_characters(void **state)
{
    struct face_fixture fx;
    struct client_options o = {0};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    face_raw_line(&fx, STR("* Welcome"));
    face_raw_line(&fx, STR("ann: hi\x1b[2J"));
    face_raw_line(&fx, STR("! no"));
    face_raw_line(&fx, STR("*bold"));
    face_raw_line(&fx, STR(""));
    assert_str(face_out(&fx), STR("ann: hi[2J\n*bold\n\n"));
    assert_str(face_err(&fx), STR("* Welcome\n! no\n"));
    face_fixture_fini(&fx);
}

static void json_passes_as_it_came(void **state)
{
    struct face_fixture fx;
    struct client_options o = {.json = true};
    static const char line[] = "{\"type\":\"message\",\"new\":[1,2],\"text\":\"\\u001b\"}";
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    assert_int_equal(fx.face->raw, FACE_RAW_REFUSED);
    face_event_json(&fx, &said, str_of(line));
    face_unknown(&fx, STR("{\"type\":\"weather\"}"));
    face_event(&fx, &error);
    /* What the session has made of a history: the hub's own count would be wrong. */
    face_event_json(&fx, &history, STR("{\"type\":\"history\",\"room\":\"#load\",\"count\":20}"));
    assert_str(face_out(&fx), STR("{\"type\":\"message\",\"new\":[1,2],\"text\":\"\\u001b\"}\n"
                                  "{\"type\":\"weather\"}\n"
                                  "{\"type\":\"error\",\"text\":\"no\"}\n"
                                  "{\"type\":\"history\",\"room\":\"#load\",\"count\":3}\n"));
    assert_str(face_err(&fx), STR(""));
    face_fixture_fini(&fx);
}

static void formats(void **state)
{
    struct face_fixture fx;
    struct client_options o = {0};
    char why[128];
    (void)state;
    assert_int_equal(format_new(&o.format, "%t <%n> %m", why, sizeof why), 0);
    face_fixture_init(&fx, face_pipe_new, &o);
    assert_int_equal(fx.face->raw, FACE_RAW_REFUSED);
    show_all(&fx);
    assert_str(face_out(&fx), STR("2026-11-23T10:15:30.123Z <ann> hello\n"
                                  "2026-11-23T10:15:30.123Z <bob> hi\n"
                                  "2026-11-23T10:15:30.123Z <bob> waves\n"
                                  "2026-11-23T10:15:30.123Z <cem> psst\n"));
    assert_str(face_err(&fx), STR("* eve joined #load\n! no\n* so be it\n"
                                  "* last 3 messages of #load:\n* pong x\n"));
    face_fixture_fini(&fx);
    format_free(o.format);
}

/* The user's own escapes stay, those of others do not; no newline is added to one that is there. */
static void formats_with_escapes(void **state)
{
    struct face_fixture fx;
    struct client_options o = {0};
    struct event evil = said;
    char why[128];
    (void)state;
    evil.text = STR("a\x1b[31mb\x07\xff");
    assert_int_equal(format_new(&o.format, "\\e[1m%m\\e[m\\n", why, sizeof why), 0);
    face_fixture_init(&fx, face_pipe_new, &o);
    face_event(&fx, &evil);
    assert_str(face_out(&fx), STR("\033[1ma[31mb\xef\xbf\xbd\033[m\n"));
    o.null = true;
    face_event(&fx, &said);
    assert_str(face_out(&fx), STR("\033[1ma[31mb\xef\xbf\xbd\033[m\n\033[1mhello\033[m\n\0"));
    face_fixture_fini(&fx);
    format_free(o.format);
}

static void records_may_end_in_nul(void **state)
{
    struct face_fixture fx;
    struct client_options o = {.null = true};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    assert_int_equal(fx.face->raw, FACE_RAW_REFUSED);
    face_event(&fx, &in_lobby);
    face_event(&fx, &error); /* for people, so it ends in a newline */
    face_event(&fx, &pong);
    assert_str(face_out(&fx), STR("bob: hi\0* pong x\0"));
    assert_str(face_err(&fx), STR("! no\n"));
    face_fixture_fini(&fx);
}

static void quiet_is_errors_only(void **state)
{
    static const struct event gap = {.type = EVENT_GAP, .room = {"#load", 5}, .count = 9};
    struct face_fixture fx;
    struct client_options o = {.quiet = true};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    assert_int_equal(fx.face->raw, FACE_RAW_REFUSED);
    show_all(&fx);
    face_event(&fx, &gap);
    assert_str(face_out(&fx),
               STR("#load ann: hello\nbob: hi\nbob * waves\n@cem: psst\n* pong x\n"));
    assert_str(face_err(&fx), STR("! no\n* 9 messages of #load skipped: this connection reads too "
                                  "slowly.\n"));
    face_fixture_fini(&fx);
}

static void timestamps(void **state)
{
    struct face_fixture fx;
    struct client_options o = {.timestamps = true};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    assert_int_equal(fx.face->raw, FACE_RAW_REFUSED);
    face_event(&fx, &said);
    face_event(&fx, &join);
    assert_str(face_out(&fx), STR("2026-11-23T10:15:30.123Z #load ann: hello\n"));
    assert_str(face_err(&fx), STR("2026-11-23T10:15:30.123Z * eve joined #load\n"));
    face_event(&fx, &notice); /* has no time of its own: it is now */
    struct str err = face_err(&fx);
    assert_int_equal(err.size, 44 + 36);
    assert_str(str_from(err.data + 44, 2), STR("20"));
    assert_str(str_skip(err, 44 + 23), STR("Z * so be it\n"));
    face_fixture_fini(&fx);
}

static void colours(void **state)
{
    struct face_fixture fx;
    struct client_options o = {.color = COLOUR_ALWAYS};
    char expected[256];
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    face_event(&fx, &said);
    face_event(&fx, &private);
    face_event(&fx, &error);
    face_event(&fx, &join);
    snprintf(expected, sizeof expected,
             "#load \033[" STR_FMT "mann\033[m: hello\n@\033[" STR_FMT "mcem\033[m: psst\n",
             STR_ARG(colour_of_nick(STR("ann"))), STR_ARG(colour_of_nick(STR("cem"))));
    assert_str(face_out(&fx), str_of(expected));
    assert_str(face_err(&fx), STR("\033[31m! no\033[m\n\033[2m* eve joined #load\033[m\n"));
    face_fixture_fini(&fx);
}

static void it_counts_messages(void **state)
{
    struct face_fixture fx;
    struct client_options o = {.count = 3};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    assert_int_equal(fx.face->raw, FACE_RAW_REFUSED);
    face_event(&fx, &join);
    face_event(&fx, &said);
    face_event(&fx, &pong);
    face_event(&fx, &action);
    assert_int_equal(fx.hurried, FACE_NOBODY);
    face_event(&fx, &private);
    assert_int_equal(fx.hurried, EX_OK);
    struct str out = str_from(fx.read, (size_t)pread(fx.files[0], fx.read, sizeof fx.read, 0));
    assert_str(out, STR("#load ann: hello\n* pong x\nbob * waves\n@cem: psst\n"));
    show_all(&fx);
    face_unknown(&fx, STR("{}"));
    assert_int_equal(face_out(&fx).size, out.size);
    face_fixture_fini(&fx);
}

static void counted_json_is_messages_only(void **state)
{
    struct face_fixture fx;
    struct client_options o = {.count = 2, .json = true};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    face_event_json(&fx, &notice, STR("{1}"));
    face_event_json(&fx, &said, STR("{2}"));
    face_unknown(&fx, STR("{3}"));
    face_event_json(&fx, &pong, STR("{4}"));
    face_event_json(&fx, &private, STR("{5}"));
    face_event_json(&fx, &said, STR("{6}"));
    assert_str(face_out(&fx), STR("{2}\n{5}\n"));
    assert_str(face_err(&fx), STR(""));
    assert_int_equal(fx.hurried, EX_OK);
    face_fixture_fini(&fx);
}

static void typed_bytes_go_out_as_they_are(void **state)
{
    struct face_fixture fx;
    struct client_options o = {0};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    face_keys(&fx, STR("one\n\n\xff\x1b\n"));
    face_keys(&fx, STR("no newline"));
    assert_str(str_from(fx.sent, fx.sent_size), STR("one\n\n\xff\x1b\nno newline"));
    assert_int_equal(fx.left, FACE_NOBODY);
    face_keys_ended(&fx);
    assert_int_equal(fx.left, EX_OK);
    face_fixture_fini(&fx);
}

/* With --send somebody wants to know whether it was said. */
static void refusal_fails_a_one_shot(void **state)
{
    struct face_fixture fx;
    struct client_options o = {0};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    face_event(&fx, &error);
    assert_int_equal(fx.failure, 0);
    face_fixture_fini(&fx);
    o.sends[o.send_count++] = STR("x");
    face_fixture_init(&fx, face_pipe_new, &o);
    face_event(&fx, &notice);
    assert_int_equal(fx.failure, 0);
    face_event(&fx, &error);
    assert_int_equal(fx.failure, EXIT_FAILURE);
    face_fixture_fini(&fx);
}

static void notes_are_signed(void **state)
{
    struct face_fixture fx;
    struct client_options o = {.json = true};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    face_note(&fx, STR("3 messages were missed"));
    assert_str(face_err(&fx), STR("chatroom_client: 3 messages were missed\n"));
    assert_str(face_out(&fx), STR(""));
    face_fixture_fini(&fx);
}

/* Both descriptors are one file, as with 2>&1: everything is in the order in which it came. */
static void order_is_kept_in_one_file(void **state)
{
    struct face_fixture fx;
    struct client_options o = {0};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    face_replace(&fx, STDERR_FILENO, dup(fx.files[0]));
    face_event(&fx, &join);
    face_event(&fx, &in_lobby);
    face_event(&fx, &error);
    face_event(&fx, &notice);
    face_event(&fx, &in_lobby);
    assert_str(face_out(&fx), STR("* eve joined #load\nbob: hi\n! no\n* so be it\nbob: hi\n"));
    face_fixture_fini(&fx);
}

static void a_full_disk_is_told(void **state)
{
    struct face_fixture fx;
    struct client_options o = {.count = 1};
    (void)state;
    face_fixture_init(&fx, face_pipe_new, &o);
    face_replace(&fx, STDERR_FILENO, open("/dev/full", O_WRONLY | O_CLOEXEC));
    face_event(&fx, &error);
    assert_int_equal(face_flush(&fx), 0); /* nobody can be told */
    face_replace(&fx, STDOUT_FILENO, open("/dev/full", O_WRONLY | O_CLOEXEC));
    face_event(&fx, &said);
    assert_int_equal(fx.hurried, FACE_NOBODY); /* the count was not reached in truth */
    assert_int_equal(face_flush(&fx), -ENOSPC);
    face_fixture_fini(&fx);
}

static void memory_may_end(void **state)
{
    struct client_options o = {0};
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct face_fixture fx;
        face_fixture_init(&fx, face_pipe_new, &o);
        if (fx.face) {
            face_event(&fx, &said);
            assert_int_equal(fx.stopped, unit_alloc_failed() ? EX_OSERR : FACE_NOBODY);
        }
        face_fixture_fini(&fx);
    }
    unit_alloc_fail_at(-1);
}

int main(void)
{
    unsetenv("CLICOLOR_FORCE");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_and_answers_come_out),
        cmocka_unit_test(answers_of_all_kinds),
        cmocka_unit_test(raw_lines_go_by_their_first_characters),
        cmocka_unit_test(json_passes_as_it_came),
        cmocka_unit_test(formats),
        cmocka_unit_test(formats_with_escapes),
        cmocka_unit_test(records_may_end_in_nul),
        cmocka_unit_test(quiet_is_errors_only),
        cmocka_unit_test(timestamps),
        cmocka_unit_test(colours),
        cmocka_unit_test(it_counts_messages),
        cmocka_unit_test(counted_json_is_messages_only),
        cmocka_unit_test(typed_bytes_go_out_as_they_are),
        cmocka_unit_test(refusal_fails_a_one_shot),
        cmocka_unit_test(notes_are_signed),
        cmocka_unit_test(order_is_kept_in_one_file),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(memory_may_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
