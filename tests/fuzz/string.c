/*
 * The functions that filters get in place of Lua's own (find, match, gmatch and gsub over a bounded
 * matcher; format, rep and `table` behind checks) against Lua's own: the same calls, in
 * scripts/strings.lua, with the same result. Where ours refuses for the work or the size that it
 * would take, Lua's own is not asked: it might never come back.
 *
 *   byte 0   which call; then its arguments, with RS (0x1e) between them
 */
#include "filter.h"
#include "fuzz.h"
#include "lua_host.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

enum { RECORD = 0x1e, CALLS = 32, ARGUMENT_MAX = 200 };

static struct {
    struct filter *ours;
    lua_State *plain; /* with the function on its stack */
} game;

static void open_ours(void)
{
    char why[512];
    struct lua_host_limits limits = lua_host_limits_default();
    limits.call_us = 100000; /* sanitizers are slow */
    int rc = lua_host_load_limited(&game.ours, FUZZ_SCRIPTS "/compare.lua", NULL, &limits, NULL,
                                   why, sizeof why);
    fuzz_check(rc == 0, "%s", why);
}

static void open_plain(void)
{
    game.plain = fuzz_must(luaL_newstate());
    luaL_openlibs(game.plain);
    fuzz_check(luaL_dofile(game.plain, FUZZ_SCRIPTS "/strings.lua") == LUA_OK, "%s",
               lua_tostring(game.plain, -1));
}

static bool contains(struct str text, const char *part)
{
    return memmem(text.data, text.size, part, strlen(part));
}

/* What only ours says: a limit was met, or (gsub, where nothing asks for the captures) that the
 * pattern is wrong. */
static bool refused(struct str text)
{
    return contains(text, "unfinished capture") || contains(text, "too much work") ||
           contains(text, "too complex") || contains(text, "would be longer") ||
           contains(text, "items at once") || contains(text, "too many captures");
}

/* Whether it went wrong must be the same; the sentences may differ. */
static bool failed(struct str text)
{
    return str_starts_with(text, STR("boolean:false"));
}

static struct str call_plain(unsigned which, const struct str arguments[3])
{
    struct str result;
    lua_State *state = game.plain;
    lua_settop(state, 1);
    lua_pushvalue(state, 1);
    lua_pushinteger(state, (lua_Integer)which);
    for (int i = 0; i < 3; i++)
        lua_pushlstring(state, arguments[i].data, arguments[i].size);
    fuzz_check(lua_pcall(state, 4, 1, 0) == LUA_OK, "%s", lua_tostring(state, -1));
    result.data = lua_tolstring(state, -1, &result.size);
    return result;
}

static void compare(unsigned which, const struct str arguments[3])
{
    static const char zeros[CALLS];
    struct filter_result result = {.verdict = FILTER_PASS};
    struct filter_event e = {
        .kind = FILTER_PRIVATE,
        .text = str_from(zeros, which),
        .from = arguments[0],
        .to = arguments[1],
        .room = arguments[2],
    };
    game.ours->ops->on_event(game.ours, &e, &result);
    if (result.verdict == FILTER_FAULT || refused(result.text))
        return; /* out of time or memory, which is a matter of the machine */
    char *ours = fuzz_string(result.text);
    struct str mine = str_from(ours, result.text.size);
    struct str plain = call_plain(which, arguments);
    fuzz_check(str_equal(mine, plain) || (failed(mine) && failed(plain)),
               "call %u: ours \"" STR_FMT "\", Lua's \"" STR_FMT "\"", which, STR_ARG(mine),
               STR_ARG(plain));
    free(ours);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct str arguments[3];
    char *copies[3];
    unsigned which = fuzz_below(&in, CALLS);
    if (!game.ours) {
        open_ours();
        open_plain();
    }
    for (int i = 0; i < 3; i++) {
        struct str part = fuzz_part(&in, RECORD);
        part.size = part.size < ARGUMENT_MAX ? part.size : ARGUMENT_MAX;
        copies[i] = fuzz_copy(part);
        arguments[i] = str_from(copies[i], part.size);
    }
    compare(which, arguments);
    for (int i = 0; i < 3; i++)
        free(copies[i]);
    return 0;
}
