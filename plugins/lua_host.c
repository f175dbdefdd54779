/*
 * The life of a script: loaded, started anew when it kept too much memory, freed. What it does in
 * between is in lua_host_event.c and lua_host_timer.c; see lua_host_impl.h for all the parts.
 */
#include "lua_host.h"

#include "diag.h"
#include "key_hash.h"
#include "lua_host_impl.h"

#include <errno.h>
#include <stdlib.h>

struct lua_host_limits lua_host_limits_default(void)
{
    return (struct lua_host_limits){
        .memory = (size_t)16 << 20, .call_us = 5000, .load_us = 1000000, .patience = 4};
}

const char *lua_host_label(const struct lua_host *h, char *out, size_t size)
{
    char path[FILTER_LABEL];
    if (h->base.name.size > 0)
        return filter_label(&h->base, out, size);
    snprintf(out, size, "%s %s", h->base.candidate ? "candidate" : "filter",
             diag_escape(str_of(h->source.path), path, sizeof path));
    return out;
}

static const struct filter_ops ops;

/* ---- memory that lives as long as the filter ---- */

void *lua_own(lua_State *state, size_t size)
{
    struct lua_declared *draft = lua_host_of(state)->draft;
    struct lua_owned *block = calloc(1, sizeof *block + size);
    if (!block) {
        luaL_error(state, "out of memory");
        return NULL;
    }
    block->next = draft->owned;
    draft->owned = block;
    return block->bytes;
}

struct str lua_own_string(lua_State *state, int index)
{
    size_t size;
    const char *text = lua_tolstring(state, index, &size);
    char *copy = lua_own(state, size + 1);
    return str_from(memcpy(copy, text, size), size);
}

static void free_declared(struct lua_declared *declared)
{
    lua_match_rule_free(&declared->rule);
    while (declared->owned) {
        struct lua_owned *block = declared->owned;
        declared->owned = block->next;
        free(block);
    }
}

/* ---- the state ---- */

static bool names_file(const char *text, const char *file)
{
    size_t size = strlen(file);
    return strncmp(text, file, size) == 0 && text[size] == ':';
}

/* `text` starts with a file and a line, which has its first digit at `line`. */
static void note_place(struct lua_host *h, const char *text, size_t line)
{
    size_t size = line + strspn(text + line, "0123456789");
    if (size < sizeof h->fault_at.text)
        snprintf(h->fault_at.text, sizeof h->fault_at.text, "%.*s", (int)size, text);
}

/* Turns what was raised, on the top, into a string that starts with file and line: those of the
 * innermost Lua function, where the error has none of its own. */
static int explain(lua_State *state)
{
    if (lua_type(state, 1) != LUA_TSTRING && !luaL_callmeta(state, 1, "__tostring"))
        lua_pushfstring(state, "error(): the value raised is a %s", luaL_typename(state, 1));
    if (lua_type(state, -1) != LUA_TSTRING)
        lua_pushliteral(state, "error(): __tostring did not return a string");
    lua_Debug at;
    for (int level = 1; lua_getstack(state, level, &at); level++) {
        lua_getinfo(state, "Sl", &at);
        if (at.currentline <= 0)
            continue;
        if (!names_file(lua_tostring(state, -1), at.short_src))
            lua_pushfstring(state, "%s:%d: %s", at.short_src, at.currentline,
                            lua_tostring(state, -1));
        note_place(lua_host_of(state), lua_tostring(state, -1), strlen(at.short_src) + 1);
        break;
    }
    return 1;
}

/* Runs protected: leaves what is in the slots behind the first. */
static int load_script(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    luaL_checkstack(state, LUA_HOST_SLOTS + LUA_MINSTACK, "no room"); /* fill_state() made it */
    lua_newtable(state);
    lua_setfield(state, LUA_REGISTRYINDEX, "timers");
    lua_globals_open(state);
    const char *chunk = lua_pushfstring(state, "@%s", h->source.path);
    /* "t": text only. Bytecode made to harm can do whatever the process can. */
    if (luaL_loadbufferx(state, h->source.text, h->source.size, chunk, "t") != LUA_OK)
        return lua_error(state);
    lua_replace(state, 1);
    lua_settop(state, 1);
    lua_call(state, 0, 1);
    lua_declare_take(state);
    lua_globals_freeze(state);
    lua_getfield(state, LUA_REGISTRYINDEX, "timers");
    lua_message_open(state);
    return LUA_HOST_SLOTS - 1;
}

int lua_host_call(struct lua_host *h, int arguments, int results, uint32_t budget_us)
{
    h->fault_at.text[0] = '\0';
    lua_watch_begin(&h->watch, h->state, budget_us);
    int status = lua_pcall(h->state, arguments, results, LUA_HOST_EXPLAIN);
    h->starved = lua_watch_end(&h->watch) == LUA_WATCH_STARVED;
    return status;
}

static void close_state(struct lua_host *h)
{
    if (h->state)
        lua_close(h->state);
    h->state = NULL;
    /* What the next state has at the same addresses is something else. */
    memset(h->handles, 0, sizeof h->handles);
    memset(h->classes, 0, sizeof h->classes);
    lua_timers_clear(&h->timers);
}

static void explain_failure(const struct lua_host *h, int status, char *why, size_t why_size)
{
    const char *raised =
        lua_type(h->state, -1) == LUA_TSTRING ? lua_tostring(h->state, -1) : "unknown error";
    if (status == LUA_ERRMEM)
        snprintf(why, why_size, "%s:1: not enough memory to load it: the limit is %zu bytes",
                 h->source.path, h->limits.memory);
    else if (lua_source_has_place(raised))
        snprintf(why, why_size, "%s", raised);
    else
        snprintf(why, why_size, "%s: %s", h->source.path, raised);
}

/* Runs on_load, if the script has one; Lua's status. */
static int run_on_load(struct lua_host *h)
{
    if (lua_isnil(h->state, LUA_HOST_ON_LOAD))
        return LUA_OK;
    h->callee = (struct lua_callee){.slot = LUA_HOST_ON_LOAD};
    lua_pushvalue(h->state, LUA_HOST_ON_LOAD);
    return lua_host_call(h, 0, 0, h->limits.load_us);
}

static uint64_t fingerprint(const struct lua_host *h)
{
    uint64_t print = key_hash(0, str_from(h->source.text, h->source.size));
    for (size_t i = 0; i < h->module_count; i++)
        print = key_hash(print, str_from(h->modules[i].source.text, h->modules[i].source.size));
    for (char **setting = h->settings; setting && *setting; setting++)
        print = key_hash(print, str_of(*setting));
    return print;
}

/* Moves what the script said of itself to where the chain looks for it. What was said first
 * stands. */
static void publish(struct lua_host *h)
{
    if (h->draft != &h->declared)
        return;
    bool candidate = h->base.candidate;
    h->base = h->declared.filter;
    h->base.ops = &ops;
    h->base.candidate = candidate;
    h->base.fingerprint = fingerprint(h);
    h->base.settings = h->declared.config;
    h->base.setting_count = h->declared.config_count;
}

static int fill_state(struct lua_host *h)
{
    if (!lua_checkstack(h->state, 2 * (LUA_HOST_SLOTS + LUA_MINSTACK)))
        return LUA_ERRMEM;
    lua_pushcfunction(h->state, explain);
    lua_pushcfunction(h->state, load_script);
    int status = lua_host_call(h, 0, LUA_HOST_SLOTS - 1, h->limits.load_us);
    if (status != LUA_OK)
        return status;
    publish(h);
    return run_on_load(h);
}

/* Makes a state, and loads the script into it; what that says of itself is in *draft. Returns 0 or
 * a negative errno and a sentence. */
static int open_state(struct lua_host *h, struct lua_declared *draft, char *why, size_t why_size)
{
    h->memory = (struct lua_memory){.limit = h->limits.memory};
    h->state = lua_newstate(lua_memory_alloc, &h->memory);
    if (!h->state) {
        snprintf(why, why_size, "%s: not enough memory for a Lua state", h->source.path);
        return -ENOMEM;
    }
    *(struct lua_host **)lua_getextraspace(h->state) = h;
    h->phase = LUA_HOST_LOADING;
    h->draft = draft;
    int status = fill_state(h);
    h->draft = NULL;
    h->phase = LUA_HOST_RUNNING;
    if (status == LUA_OK)
        return 0;
    explain_failure(h, status, why, why_size);
    close_state(h);
    return status == LUA_ERRMEM ? -ENOMEM : -EINVAL;
}

/* What was declared first stands: the chain has it. */
static int open_again(struct lua_host *h, char *why, size_t why_size)
{
    struct lua_declared draft = {.owned = NULL};
    int error = open_state(h, &draft, why, why_size);
    free_declared(&draft);
    return error;
}

/* Lua survives that memory is refused, but a script that keeps what it took would fail from now
 * on: if collecting does not give back half, it starts anew. */
void lua_host_recover(struct lua_host *h)
{
    lua_gc(h->state, LUA_GCCOLLECT);
    if (h->memory.used <= h->limits.memory / 2)
        return;
    char why[512];
    char label[FILTER_LABEL];
    char line[768];
    lua_host_label(h, label, sizeof label);
    close_state(h);
    if (open_again(h, why, sizeof why) == 0)
        diag_log(DIAG_WARN, "%s: kept too much memory and was started anew", label);
    else
        diag_log(DIAG_ERROR, "%s: is off, it could not be started anew: %s", label,
                 diag_escape(str_of(why), line, sizeof line));
}

/* ---- free ---- */

static void run_on_unload(struct lua_host *h)
{
    char label[FILTER_LABEL];
    char line[768];
    if (!h->state || lua_isnil(h->state, LUA_HOST_ON_UNLOAD))
        return;
    h->phase = LUA_HOST_LEAVING;
    h->callee = (struct lua_callee){.slot = LUA_HOST_ON_UNLOAD};
    lua_pushvalue(h->state, LUA_HOST_ON_UNLOAD);
    int status = lua_host_call(h, 0, 0, h->limits.load_us);
    if (status == LUA_OK)
        return;
    diag_log(DIAG_WARN, "%s: %s", lua_host_label(h, label, sizeof label),
             diag_escape(lua_host_fault(h, status), line, sizeof line));
}

static void free_settings(struct lua_host *h)
{
    for (char **setting = h->settings; setting && *setting; setting++)
        free(*setting);
    free(h->settings);
}

/* What there is without a watch. */
static void free_parts(struct lua_host *h)
{
    close_state(h);
    for (size_t i = 0; i < h->module_count; i++)
        lua_source_free(&h->modules[i].source);
    lua_source_free(&h->source);
    free_settings(h);
    free_declared(&h->declared);
    if (h->own_world)
        lua_host_world_free(h->world);
    free(h);
}

static void free_host(struct filter *f)
{
    struct lua_host *h = (struct lua_host *)f;
    run_on_unload(h);
    close_state(h);
    lua_watch_fini(&h->watch);
    free_parts(h);
}

static size_t memory_of(const struct filter *f)
{
    const struct lua_host *h = (const struct lua_host *)f;
    return h->memory.used + lua_match_rule_memory(&h->declared.rule);
}

static int64_t tick(struct filter *f, int64_t now_ms, struct filter_result *result)
{
    return lua_host_run_timer((struct lua_host *)f, now_ms, result);
}

static const struct filter_ops ops = {
    .on_event = lua_host_on_event,
    .tick = tick,
    .save = lua_host_save,
    .restore = lua_host_restore,
    .memory = memory_of,
    .free = free_host,
};

/* ---- load ---- */

/* The settings are needed again when the script is started anew. */
static int copy_settings(struct lua_host *h, const char *const *settings)
{
    size_t count = 0;
    while (settings && settings[count])
        count++;
    h->settings = calloc(count + 1, sizeof *h->settings);
    for (size_t i = 0; h->settings && i < count; i++) {
        h->settings[i] = strdup(settings[i]);
        if (!h->settings[i])
            return -ENOMEM;
    }
    return h->settings ? 0 : -ENOMEM;
}

static int prepare(struct lua_host *h, const char *path, const struct filter_load_options *options,
                   char *why, size_t why_size)
{
    h->hub = options->hub ? options->hub : &filter_nobody;
    h->base.candidate = options->candidate;
    h->now_ms = h->hub->now_ms(h->hub->owner);
    h->seed = key_hash_seed(h);
    if (!h->world) {
        h->world = lua_host_world_new();
        h->own_world = true;
    }
    if (!h->world || copy_settings(h, options->settings) < 0) {
        snprintf(why, why_size, "%s: out of memory", path);
        return -ENOMEM;
    }
    return lua_source_read(&h->source, path, why, why_size);
}

static int start(struct lua_host *h, char *why, size_t why_size)
{
    int error = lua_watch_init(&h->watch, h->limits.patience);
    if (error < 0) {
        snprintf(why, why_size, "%s: cannot watch over a script: %s", h->source.path,
                 strerror(-error));
        return error;
    }
    error = open_state(h, &h->declared, why, why_size);
    if (error < 0)
        lua_watch_fini(&h->watch);
    return error;
}

int lua_host_load_limited(struct filter **out, const char *path,
                          const struct filter_load_options *options,
                          const struct lua_host_limits *limits, struct lua_host_world *world,
                          char *why, size_t why_size)
{
    static const struct filter_load_options none = {.settings = NULL};
    struct lua_host *h = calloc(1, sizeof *h);
    if (!h) {
        snprintf(why, why_size, "%s: out of memory", path);
        return -ENOMEM;
    }
    h->limits = *limits;
    h->world = world;
    int error = prepare(h, path, options ? options : &none, why, why_size);
    if (error == 0)
        error = start(h, why, why_size);
    if (error < 0) {
        free_parts(h);
        return error;
    }
    *out = &h->base;
    return 0;
}

int lua_host_load(struct filter **out, const char *path, const struct filter_load_options *options,
                  char *why, size_t why_size)
{
    struct lua_host_limits limits = lua_host_limits_default();
    return lua_host_load_limited(out, path, options, &limits, options->context, why, why_size);
}
