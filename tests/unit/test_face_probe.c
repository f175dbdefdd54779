/* The face of --ping: one ping at a time, and a line at the end. */
#include "diag.h"
#include "face_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

static const char hub[] = "hub:1";

static struct client_options options(uint32_t pings, bool json)
{
    return (struct client_options){
        .pings = pings, .json = json, .connect_timeout_ms = 5000, .hub_name = str_of(hub)};
}

static void answer(struct face_fixture *fx, const char *token)
{
    struct event pong = {.type = EVENT_PONG, .token = str_of(token), .time_ms = 1};
    face_event(fx, &pong);
}

static void assert_sent(struct face_fixture *fx, const char *expected)
{
    assert_str(str_from(fx->sent, fx->sent_size), str_of(expected));
}

static void assert_starts(struct str text, const char *start)
{
    assert_str(str_from(text.data, strlen(start)), str_of(start));
}

static void pings_wait_for_their_answers(void **state)
{
    struct face_fixture fx;
    struct client_options o = options(2, false);
    (void)state;
    face_fixture_init(&fx, face_probe_new, &o);
    assert_int_equal(fx.face->raw, FACE_RAW_REFUSED);
    face_keys_ended(&fx); /* nothing is typed, and that is no end */
    assert_int_equal(fx.left, FACE_NOBODY);
    face_linked(&fx, FACE_CONNECTED);
    assert_sent(&fx, "/ping probe-1\n");
    assert_int_equal(fx.timer_ms, 5000);
    answer(&fx, "probe-2"); /* of somebody else's making */
    answer(&fx, "");
    assert_int_equal(fx.timer_ms, 5000);
    answer(&fx, "probe-1");
    assert_in_range(fx.timer_ms, 1, 100);
    answer(&fx, "probe-1"); /* twice */
    face_time(&fx);
    assert_sent(&fx, "/ping probe-1\n/ping probe-2\n");
    assert_int_equal(face_out(&fx).size, 0);
    answer(&fx, "probe-2");
    assert_int_equal(fx.timer_ms, 0);
    assert_int_equal(fx.left, EX_OK);
    assert_starts(face_out(&fx), "hub:1: 2 of 2 pings answered, min ");
    face_fixture_fini(&fx);
}

static void the_report_may_be_json(void **state)
{
    struct face_fixture fx;
    struct client_options o = options(1, true);
    (void)state;
    face_fixture_init(&fx, face_probe_new, &o);
    face_linked(&fx, FACE_CONNECTED);
    answer(&fx, "probe-1");
    assert_starts(face_out(&fx), "{\"type\":\"ping\",\"hub\":\"hub:1\",\"sent\":1,\"answered\":1,");
    face_fixture_fini(&fx);
}

static void nothing_else_is_shown(void **state)
{
    struct face_fixture fx;
    struct client_options o = options(1, false);
    struct event message = {.type = EVENT_MESSAGE, .from = STR("ann"), .text = STR("hi")};
    struct event error = {.type = EVENT_ERROR, .text = STR("too fast")};
    (void)state;
    diag_init("chatroom_client", DIAG_INFO);
    face_fixture_init(&fx, face_probe_new, &o);
    face_event(&fx, &message);
    assert_int_equal(face_err(&fx).size, 0);
    face_event(&fx, &error);
    face_note(&fx, STR("the hub was restarted"));
    assert_int_equal(face_out(&fx).size, 0);
    assert_str(face_err(&fx), STR("chatroom_client: warn: the hub says: too fast\n"
                                  "chatroom_client: info: the hub was restarted\n"));
    face_fixture_fini(&fx);
}

static void no_answer_is_a_failure(void **state)
{
    struct face_fixture fx;
    struct client_options o = options(3, false);
    (void)state;
    face_fixture_init(&fx, face_probe_new, &o);
    face_linked(&fx, FACE_CONNECTED);
    answer(&fx, "probe-1");
    face_time(&fx);
    face_time(&fx);
    assert_int_equal(fx.stopped, EX_UNAVAILABLE);
    assert_string_equal(fx.why, "no answer to ping 2 within 5000 ms");
    assert_starts(face_out(&fx), "hub:1: 1 of 2 pings answered, min ");
    face_fixture_fini(&fx);
}

static void a_lost_ping_is_sent_again(void **state)
{
    struct face_fixture fx;
    struct client_options o = options(1, false);
    (void)state;
    face_fixture_init(&fx, face_probe_new, &o);
    face_linked(&fx, FACE_CONNECTED);
    face_linked(&fx, FACE_LOST);
    assert_int_equal(fx.timer_ms, 0);
    face_linked(&fx, FACE_DIALLING);
    face_linked(&fx, FACE_CONNECTED);
    assert_sent(&fx, "/ping probe-1\n/ping probe-1\n");
    answer(&fx, "probe-1");
    assert_starts(face_out(&fx), "hub:1: 1 of 1 pings answered, min ");
    face_fixture_fini(&fx);
}

/* The connection may be lost between an answer and the next ping. */
static void nothing_is_sent_without_a_connection(void **state)
{
    struct face_fixture fx;
    struct client_options o = options(2, false);
    (void)state;
    face_fixture_init(&fx, face_probe_new, &o);
    face_linked(&fx, FACE_CONNECTED);
    answer(&fx, "probe-1");
    fx.say_result = -ENOTCONN;
    face_time(&fx);
    assert_int_equal(fx.timer_ms, 0);
    face_linked(&fx, FACE_LOST);
    fx.say_result = 0;
    face_linked(&fx, FACE_CONNECTED);
    assert_sent(&fx, "/ping probe-1\n/ping probe-2\n");
    face_fixture_fini(&fx);
}

static void a_hub_that_takes_no_more_is_asked_again(void **state)
{
    struct face_fixture fx;
    struct client_options o = options(1, false);
    (void)state;
    face_fixture_init(&fx, face_probe_new, &o);
    fx.say_result = -EAGAIN;
    face_linked(&fx, FACE_CONNECTED);
    assert_sent(&fx, "");
    assert_in_range(fx.timer_ms, 1, 100);
    fx.say_result = 0;
    face_time(&fx);
    assert_sent(&fx, "/ping probe-1\n");
    face_fixture_fini(&fx);
}

static void interrupted_it_tells_what_it_knows(void **state)
{
    struct face_fixture fx;
    struct client_options o = options(5, false);
    (void)state;
    face_fixture_init(&fx, face_probe_new, &o);
    face_linked(&fx, FACE_CONNECTED);
    assert_false(face_signalled(&fx, SIGWINCH));
    assert_int_equal(face_out(&fx).size, 0);
    assert_false(face_signalled(&fx, SIGINT)); /* it ends all the same */
    assert_str(face_out(&fx), STR("hub:1: 0 of 1 pings answered\n"));
    face_fixture_fini(&fx);
}

static void memory_may_end(void **state)
{
    struct client_options o = options(1, false);
    (void)state;
    for (int n = 0; unit_alloc_sweep(n); n++) {
        struct face_fixture fx;
        face_fixture_init(&fx, face_probe_new, &o);
        assert_true(fx.face || unit_alloc_failed());
        face_fixture_fini(&fx);
    }
    unit_alloc_fail_at(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pings_wait_for_their_answers),
        cmocka_unit_test(the_report_may_be_json),
        cmocka_unit_test(nothing_else_is_shown),
        cmocka_unit_test(no_answer_is_a_failure),
        cmocka_unit_test(a_lost_ping_is_sent_again),
        cmocka_unit_test(nothing_is_sent_without_a_connection),
        cmocka_unit_test(a_hub_that_takes_no_more_is_asked_again),
        cmocka_unit_test(interrupted_it_tells_what_it_knows),
        cmocka_unit_test(memory_may_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
