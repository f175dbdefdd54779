/* The steps of a test: their keys, and which of them go together. */
#include "lua_test_reader.h"
#include "text.h"

#include <math.h>

#define LOBBY "#lobby"

/* No test waits longer than a century. */
#define SECONDS_MAX 3e9

/* ---- keys ---- */

static void set_action(struct lua_test_reader *r, struct lua_test_step *step,
                       enum lua_test_action action)
{
    if (step->action != LUA_TEST_NOTHING && step->action != action)
        reader_fail(r, NULL, "an event, 'after' and 'reload' are steps of their own");
    step->action = action;
}

static void take_from(struct lua_test_reader *r, void *target)
{
    struct lua_test_step *step = target;
    set_action(r, step, LUA_TEST_EVENT);
    step->event.from = reader_string(r, -1);
}

static void take_kind(struct lua_test_reader *r, void *target)
{
    struct lua_test_step *step = target;
    struct str word = reader_string(r, -1);
    for (int kind = 0; kind < FILTER_COMMAND; kind++) {
        if (str_equal(word, str_of(filter_kind_name((enum filter_kind)kind)))) {
            step->event.kind = (enum filter_kind)kind;
            return;
        }
    }
    reader_fail(r, "kind",
                "'kind' is message, action, private, join, leave, nick or connect, not '%s'",
                word.data);
}

/* The receiver of a command is its name. */
static void take_command(struct lua_test_reader *r, void *target)
{
    struct lua_test_step *step = target;
    step->event.kind = FILTER_COMMAND;
    step->event.to = reader_string(r, -1);
}

static void take_address(struct lua_test_reader *r, void *target)
{
    struct lua_test_step *step = target;
    struct address address;
    char why[160];
    if (address_parse(&address, lua_tostring(r->state, -1), why, sizeof why) < 0)
        reader_fail(r, "address", "'address': %s", why);
    step->peer = address_shorten(&address);
}

static void take_after(struct lua_test_reader *r, void *target)
{
    struct lua_test_step *step = target;
    lua_Number seconds = lua_tonumber(r->state, -1);
    if (!(seconds >= 0 && seconds <= SECONDS_MAX))
        reader_fail(r, "after", "'after' must be from 0 to %.0f seconds", SECONDS_MAX);
    set_action(r, step, LUA_TEST_AFTER);
    step->after_ms = llround(seconds * 1000);
}

static void take_reload(struct lua_test_reader *r, void *target)
{
    if (!lua_toboolean(r->state, -1))
        reader_fail(r, "reload", "'reload' can only be true");
    set_action(r, target, LUA_TEST_RELOAD);
}

static void take_expect(struct lua_test_reader *r, void *target)
{
    struct lua_test_step *step = target;
    struct str word = reader_string(r, -1);
    for (int verdict = 0; verdict < FILTER_VERDICTS; verdict++) {
        if (str_equal(word, str_of(filter_verdict_name((enum filter_verdict)verdict)))) {
            step->expect = (enum filter_verdict)verdict;
            return;
        }
    }
    reader_fail(
        r, "expect",
        "'expect' is pass, accept, replace, drop, reply, divert, shadow, kick or fault, not '%s'",
        word.data);
}

static const struct lua_test_key saying_keys[] = {
    {"to", LUA_TSTRING, offsetof(struct lua_test_saying, to), NULL},
    {"text", LUA_TSTRING, offsetof(struct lua_test_saying, text), NULL},
    {"like", LUA_TSTRING, offsetof(struct lua_test_saying, like), NULL},
};

static void take_said(struct lua_test_reader *r, void *target)
{
    struct lua_test_step *step = target;
    size_t count = reader_check_list(r, "said");
    struct lua_test_saying *said = reader_make(r, count, sizeof *said);
    for (size_t i = 0; i < count; i++) {
        reader_push_item(r, i, LUA_TTABLE, "said");
        reader_take_table(r, saying_keys, sizeof saying_keys / sizeof *saying_keys, "saying",
                          &said[i]);
        if (!said[i].to.data)
            reader_fail(r, "said", "'said': 'to' is missing: the room or the nick");
        lua_pop(r->state, 1);
    }
    step->said = said;
    step->said_count = count;
}

static const struct lua_test_key step_keys[] = {
    {"kind", LUA_TSTRING, 0, take_kind},
    {"from", LUA_TSTRING, 0, take_from},
    {"to", LUA_TSTRING, offsetof(struct lua_test_step, event.to), NULL},
    {"room", LUA_TSTRING, offsetof(struct lua_test_step, event.room), NULL},
    {"text", LUA_TSTRING, offsetof(struct lua_test_step, event.text), NULL},
    {"address", LUA_TSTRING, 0, take_address},
    {"command", LUA_TSTRING, 0, take_command},
    {"after", LUA_TNUMBER, 0, take_after},
    {"reload", LUA_TBOOLEAN, 0, take_reload},
    {"expect", LUA_TSTRING, 0, take_expect},
    {"to_text", LUA_TSTRING, offsetof(struct lua_test_step, to_text), NULL},
    {"like", LUA_TSTRING, offsetof(struct lua_test_step, like), NULL},
    {"said", LUA_TTABLE, 0, take_said},
    {"logged", LUA_TSTRING, offsetof(struct lua_test_step, logged), NULL},
};

/* ---- do they go together? ---- */

static bool has(struct lua_test_reader *r, const char *key)
{
    bool there = lua_getfield(r->state, -1, key) != LUA_TNIL;
    lua_pop(r->state, 1);
    return there;
}

static void check_absent(struct lua_test_reader *r, const char *const *keys, size_t count,
                         const char *why)
{
    for (size_t i = 0; i < count; i++) {
        if (has(r, keys[i]))
            reader_fail(r, keys[i], "'%s': %s", keys[i], why);
    }
}

/* Only what a client could have sent: the hub has cleaned it before a filter sees it. */
static void check_clean(struct lua_test_reader *r, const char *key, struct str text)
{
    char cleaned[TEXT_CLEAN_MAX(LUA_TEST_LINE_MAX)];
    struct text_repairs repairs = {0};
    if (text.size > LUA_TEST_LINE_MAX)
        reader_fail(r, key, "'%s' is longer than the %d bytes of a line", key, LUA_TEST_LINE_MAX);
    text_clean(text, cleaned, &repairs);
    if (repairs.controls + repairs.invalid > 0)
        reader_fail(r, key, "'%s' is nothing a client can send: it must be one line of UTF-8", key);
}

static void check_names(struct lua_test_reader *r, const struct filter_event *e)
{
    const char *fault = text_nick_fault(e->from);
    if (fault)
        reader_fail(r, "from", "'from' is no nick: it %s", fault);
    fault = e->room.size > 0 ? text_room_fault(e->room) : NULL;
    if (fault)
        reader_fail(r, "room", "'room' is no room: it %s", fault);
}

enum { NEEDS_TO = 1, NEEDS_TEXT = 2, MAY_TEXT = 4, IN_ROOM = 8 };

static void check_event(struct lua_test_reader *r, struct filter_event *e)
{
    static const unsigned rules[FILTER_KINDS] = {
        [FILTER_MESSAGE] = IN_ROOM | NEEDS_TEXT,
        [FILTER_ACTION] = IN_ROOM | NEEDS_TEXT,
        [FILTER_PRIVATE] = NEEDS_TO | NEEDS_TEXT,
        [FILTER_JOIN] = IN_ROOM,
        [FILTER_LEAVE] = IN_ROOM | MAY_TEXT,
        [FILTER_NICK] = NEEDS_TO,
        [FILTER_COMMAND] = IN_ROOM | NEEDS_TO | MAY_TEXT,
    };
    unsigned rule = rules[e->kind];
    const char *kind = filter_kind_name(e->kind);
    if (!(rule & NEEDS_TO) != (e->to.data == NULL))
        reader_fail(r, "to", "a %s has %s 'to'", kind, rule & NEEDS_TO ? "a" : "no");
    if (rule & NEEDS_TEXT && e->text.size == 0)
        reader_fail(r, NULL, "a %s has a 'text'", kind);
    if (!(rule & (NEEDS_TEXT | MAY_TEXT)) && e->text.data)
        reader_fail(r, "text", "a %s has no 'text'", kind);
    if (!(rule & IN_ROOM) && e->room.data)
        reader_fail(r, "room", "a %s is in no 'room'", kind);
    if (rule & IN_ROOM && !e->room.data)
        e->room = STR(LOBBY);
    check_names(r, e);
    check_clean(r, "text", e->text);
    check_clean(r, "to", e->to);
    check_clean(r, "from", e->from);
}

static void check_step(struct lua_test_reader *r, struct lua_test_step *step)
{
    static const char *const of_events[] = {"kind", "to", "room", "text", "address", "command"};
    static const char *const of_results[] = {"expect", "to_text", "like"};
    if (has(r, "command") && (has(r, "kind") || has(r, "to")))
        reader_fail(r, "command", "a command has no 'kind' and no 'to'");
    if (step->action == LUA_TEST_EVENT) {
        check_event(r, &step->event);
        return;
    }
    check_absent(r, of_events, sizeof of_events / sizeof *of_events, "an event has a 'from', too");
    if (step->action == LUA_TEST_AFTER) {
        check_absent(r, of_results + 1, 1, "a clock says nothing");
        if (step->expect != FILTER_PASS && step->expect != FILTER_FAULT)
            reader_fail(r, "expect", "a timer gives no verdict: it can only 'fault'");
        return;
    }
    check_absent(r, of_results, sizeof of_results / sizeof *of_results,
                 "there is no event here to expect it of");
    if (step->action == LUA_TEST_NOTHING && !step->said && !step->logged.data)
        reader_fail(r, NULL, "nothing happens here, and nothing is expected");
}

void lua_test_take_steps(struct lua_test_reader *r, void *target)
{
    struct lua_test *test = target;
    size_t count = reader_check_list(r, "steps");
    test->steps = reader_make(r, count, sizeof *test->steps);
    r->place.steps = count;
    for (size_t i = 0; i < count; i++) {
        r->place.step = i;
        reader_push_item(r, i, LUA_TTABLE, "steps");
        reader_take_table(r, step_keys, sizeof step_keys / sizeof *step_keys, "step",
                          &test->steps[i]);
        check_step(r, &test->steps[i]);
        lua_pop(r->state, 1);
    }
    r->place.steps = 0;
    test->step_count = count;
}
