/*
 * Two Lua filters in a chain, which do to it and to the host whatever the input orders: see
 * scripts/orders.lua. The input is a kind of event, its text, and the orders for each of the two,
 * with RS (0x1e) between them.
 *
 * What must hold is what filter.h promises of a result: a verdict that goes with the event, clean
 * text of a bounded length, a room that can be; and the filters are as good as new for the next
 * event, which comes an hour later. They are loaded for each input: so any is replayed alone.
 */
#include "diag.h"
#include "filter.h"
#include "fuzz.h"
#include "lua_host.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECORD = 0x1e, MAX_TEXT = 400, HOUR_MS = 3600 * 1000 };

static struct {
    struct filter_chain *chain;
    struct lua_host_world *world;
    int64_t now_ms;
    unsigned said;
} game;

/* ---- the hub -------------------------------------------------------------------------------- */

static int hub_say(void *owner, struct str by, struct str to, struct str text)
{
    (void)owner;
    fuzz_check(by.size > 0 && (to.size == 0 || to.data) && (text.size == 0 || text.data),
               "nothing");
    return game.said++ % 5 == 4 ? -EAGAIN : 0;
}

static int64_t hub_members(void *owner, struct str room, size_t most,
                           void (*each)(void *arg, struct str nick), void *arg)
{
    (void)owner;
    if (!str_equal(room, STR("#lobby")))
        return -ENOENT;
    if (most > 0)
        each(arg, STR("ann"));
    return 1;
}

static int64_t hub_rooms(void *owner, size_t most,
                         void (*each)(void *arg, struct str room, uint32_t members), void *arg)
{
    (void)owner;
    if (most > 0)
        each(arg, STR("#lobby"), 1);
    return 1;
}

static int64_t hub_now(void *owner)
{
    (void)owner;
    return game.now_ms;
}

static const struct filter_hub hub = {
    .say = hub_say, .tell = hub_say, .members = hub_members, .rooms = hub_rooms, .now_ms = hub_now};

/* ---- what a result must be ------------------------------------------------------------------ */

static void check_text(struct str text)
{
    fuzz_check(fuzz_is_clean(text) && text.size <= MAX_TEXT, "\"" STR_FMT "\"", STR_ARG(text));
}

static void check_rewritten(const struct filter_event *e, struct str text)
{
    check_text(text);
    fuzz_check(text.size > 0 || e->text.size == 0, "nothing is left of it");
}

static void check(const struct filter_event *e, const struct filter_result *r)
{
    bool room = e->kind == FILTER_MESSAGE || e->kind == FILTER_ACTION;
    bool text = room || e->kind == FILTER_PRIVATE;
    switch (r->verdict) {
    case FILTER_PASS:
        fuzz_check(str_equal(r->text, e->text) && r->by.size == 0, "a pass that is none");
        break;
    case FILTER_ACCEPT:
        check_rewritten(e, r->text);
        break;
    case FILTER_REPLACE:
        fuzz_check(text, "a replaced event of kind %d", (int)e->kind);
        check_rewritten(e, r->text);
        break;
    case FILTER_DIVERT:
        fuzz_check(room && !text_room_fault(r->text), "diverted to \"" STR_FMT "\"",
                   STR_ARG(r->text));
        check_rewritten(e, r->message);
        break;
    case FILTER_SHADOW:
        fuzz_check(text, "a shadowed event of kind %d", (int)e->kind);
        break;
    default:
        fuzz_check(r->verdict != FILTER_FAULT, "a fault comes out");
        check_text(r->text);
    }
    fuzz_check(r->verdict == FILTER_PASS || r->by.size > 0, "a verdict of nobody's");
}

/* ---- the game ------------------------------------------------------------------------------- */

static void add(const char *name)
{
    char path[4096];
    char why[512];
    struct filter *f;
    struct filter_load_options options = {.hub = &hub, .context = game.world};
    snprintf(path, sizeof path, "%s/%s.lua", FUZZ_SCRIPTS, name);
    fuzz_check(lua_host_load(&f, path, &options, why, sizeof why) == 0, "%s", why);
    fuzz_check(filter_chain_add(game.chain, f) == 0, "no chain takes it");
}

static void happen(const struct filter_event *e)
{
    struct filter_result result = {.verdict = FILTER_PASS, .text = e->text};
    if (e->kind != FILTER_COMMAND)
        filter_chain_run(game.chain, e, &result);
    else if (!filter_chain_command(game.chain, e, &result))
        return;
    check(e, &result);
}

/* Nothing that happened before keeps a plain message from its way. */
static void check_recovered(struct filter_event *e)
{
    struct filter_result result;
    game.now_ms += HOUR_MS;
    *e =
        (struct filter_event){.kind = FILTER_MESSAGE, .time_ms = game.now_ms, .text = STR("hello")};
    filter_chain_tick(game.chain, game.now_ms);
    filter_chain_run(game.chain, e, &result);
    game.now_ms += HOUR_MS;
    e->time_ms = game.now_ms;
    filter_chain_run(game.chain, e, &result);
    fuzz_check(result.verdict == FILTER_PASS, "a plain message meets with %s",
               filter_verdict_name(result.verdict));
}

static void begin(void)
{
    diag_init("fuzz", DIAG_INFO);
    game.now_ms = 1700000000000;
    game.said = 0;
    game.world = fuzz_must(lua_host_world_new());
    game.chain = fuzz_must(filter_chain_new(MAX_TEXT));
    add("first");
    add("second");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    enum filter_kind kind = (enum filter_kind)fuzz_below(&in, FILTER_KINDS);
    struct text_repairs repairs = {0};
    struct str raw = text_cut(fuzz_part(&in, RECORD), MAX_TEXT / 3);
    char *memory = fuzz_must(malloc(TEXT_CLEAN_MAX(raw.size) + 1));
    struct filter_event e = {
        .kind = kind,
        .client = 7,
        .joined_ms = 1,
        .room = STR("#lobby"),
        .text = text_clean(raw, memory, &repairs),
        .from = fuzz_part(&in, RECORD),
        .to = kind == FILTER_COMMAND ? STR("order") : fuzz_part(&in, RECORD),
    };
    begin();
    for (int n = 0; n < 3; n++) { /* what the first time left behind, the second finds */
        e.time_ms = game.now_ms;
        happen(&e);
        game.now_ms += 1000;
        filter_chain_tick(game.chain, game.now_ms);
    }
    check_recovered(&e);
    filter_chain_free(game.chain);
    lua_host_world_free(game.world);
    free(memory);
    return 0;
}
