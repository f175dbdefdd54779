/*
 * A script that nobody has read, and settings for it: the input is --set arguments, one a line,
 * then RS (0x1e) and the script; without a script, scripts/settings.lua takes the settings.
 *
 * What must hold: it is loaded, or refused with a sentence; it keeps to its limits of time and
 * memory; what it says of itself is what a chain takes, or refuses; events and a reload end.
 */
#include "diag.h"
#include "filter.h"
#include "fuzz.h"
#include "lua_host_impl.h"

#include <errno.h>
#include <stdlib.h>

enum { RECORD = 0x1e, SETTINGS_MAX = 16, MAX_TEXT = 400, MEMORY = 2 << 20 };

static const struct lua_host_limits limits = {.memory = MEMORY, .call_us = 5000, .load_us = 50000};

/* ---- loading -------------------------------------------------------------------------------- */

/* NULL if it is refused. */
static struct filter *load(const char *path, const char *const *settings)
{
    char why[512] = "";
    struct filter *f = NULL;
    struct filter_load_options options = {.settings = settings};
    int rc = lua_host_load_limited(&f, path, &options, &limits, NULL, why, sizeof why);
    fuzz_check((rc == 0) == (f != NULL), "%d", rc);
    /* A script may make up a place: then it says that one. */
    fuzz_check(rc == 0 || strstr(why, path) || lua_source_has_place(why),
               "refused with %d and \"%s\"", rc, why);
    return f;
}

static void check_declared(const struct filter *f)
{
    fuzz_check(f->name.size > 0 && f->name.size <= 32 && fuzz_is_clean(f->name), "\"" STR_FMT "\"",
               STR_ARG(f->name));
    fuzz_check(f->kinds < 1U << FILTER_KINDS, "kinds %x", f->kinds);
    fuzz_check(f->priority >= FILTER_FIRST * 1000 && f->priority <= FILTER_LAST * 1000,
               "priority %d", f->priority);
    fuzz_check(f->ops->memory(f) <= MEMORY, "%zu bytes", f->ops->memory(f));
    for (size_t i = 0; i < f->setting_count; i++)
        fuzz_check(f->settings[i].key.size > 0 && f->settings[i].type.size > 0, "setting %zu", i);
}

/* ---- running -------------------------------------------------------------------------------- */

static void reload(struct filter *old, const char *path, const char *const *settings)
{
    char why[512] = "";
    char *state = NULL;
    size_t size = 0;
    struct filter *f = load(path, settings);
    if (!f)
        return;
    int rc = old->ops->save(old, &state, &size, why, sizeof why);
    fuzz_check(rc <= 0 && (rc == 0 || rc == -ENOENT || *why), "save: %d", rc);
    if (rc == 0) {
        fuzz_check(size <= LUA_HOST_STATE_MAX, "%zu bytes are saved", size);
        rc = f->ops->restore(f, state, size, old->version, why, sizeof why);
        fuzz_check(rc <= 0 && (rc == 0 || *why), "restore: %d", rc);
    }
    free(state);
    f->ops->free(f);
}

static void run(struct filter_chain *chain)
{
    struct filter_result result;
    int64_t now_ms = 1700000000000;
    for (int kind = 0; kind < FILTER_KINDS; kind++) {
        struct filter_event e = {.kind = (enum filter_kind)kind,
                                 .client = 7,
                                 .time_ms = now_ms,
                                 .from = STR("ann"),
                                 .to = STR("bob"),
                                 .room = STR("#lobby"),
                                 .text = STR("some words: ham 123")};
        if (kind == FILTER_COMMAND) {
            struct filter *f = filter_chain_at(chain, 0);
            e.to = f->command_count > 0 ? f->commands[0] : STR("none");
            filter_chain_command(chain, &e, &result);
        } else {
            filter_chain_run(chain, &e, &result);
        }
        now_ms += 1000;
        filter_chain_tick(chain, now_ms);
    }
}

static void run_script(const char *path, const char *const *settings)
{
    struct filter *f = load(path, settings);
    if (!f)
        return;
    check_declared(f);
    struct filter_chain *chain = fuzz_must(filter_chain_new(MAX_TEXT));
    int rc = filter_chain_add(chain, f);
    fuzz_check(rc == 0 || rc == -E2BIG || rc == -EINVAL, "the chain says %d", rc);
    if (rc == 0) {
        run(chain);
        reload(f, path, settings);
    } else {
        f->ops->free(f);
    }
    filter_chain_free(chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    char *settings[SETTINGS_MAX + 1] = {NULL};
    struct fuzz_input lines;
    struct str head = fuzz_part(&in, RECORD);
    lines = (struct fuzz_input){(const uint8_t *)head.data, head.size};
    for (int n = 0; n < SETTINGS_MAX && lines.left > 0; n++)
        settings[n] = fuzz_string(fuzz_part(&lines, '\n'));
    diag_init("fuzz", DIAG_INFO);
    run_script(in.left > 0 ? fuzz_file(0, fuzz_rest(&in)) : FUZZ_SCRIPTS "/settings.lua",
               (const char *const *)settings);
    for (int n = 0; n < SETTINGS_MAX; n++)
        free(settings[n]);
    return 0;
}
