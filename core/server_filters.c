/*
 * Which filters there are: the files of -f in order, then those of --filter-dir by name. Loading
 * them into chains; trying them out; handing over what they keep.
 */
#include "command.h"
#include "diag.h"
#include "server_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

/* How a file becomes a filter, the same for all of a chain. */
struct loader {
    filter_load_fn *load;
    filter_test_fn *check; /* NULL: their tests are not run */
    struct filter_load_options options;
};

static struct loader loader_of(const struct options *options, struct filter_host host,
                               const struct filter_hub *hub)
{
    return (struct loader){
        .load = host.load,
        .options = {.settings = options->settings, .hub = hub, .context = host.context},
    };
}

/* True if a command of the filter has the name of one of the hub's own, and so would never run. */
static bool own_command(const struct filter *f)
{
    for (size_t i = 0; i < f->command_count; i++) {
        if (command_exists(f->commands[i]))
            return true;
    }
    return false;
}

/* Runs the tests beside the file, if it is to be tried out and there are some. */
static int check_one(const struct loader *loader, const char *path)
{
    char why[768] = "";
    char line[768];
    int failed = loader->check ? loader->check(path, &loader->options, why, sizeof why) : 0;
    if (failed == 0)
        return 0;
    diag_escape(str_of(why), line, sizeof line);
    if (failed > 0)
        diag_log(DIAG_ERROR, "filter: %s; all of it: chatroom_server filter test %s", line, path);
    else
        diag_log(DIAG_ERROR, "filter: %s", line);
    return -EINVAL;
}

/* Takes the filter that was made of the file. */
static int add_one(struct filter_chain *chain, struct filter *f, const char *path)
{
    char label[FILTER_LABEL];
    int rc = own_command(f) ? -EEXIST : filter_chain_add(chain, f);
    if (rc < 0) {
        diag_log(DIAG_ERROR, "%s: filter " STR_FMT ": %s", path, STR_ARG(f->name),
                 rc == -EEXIST ? "its name, or a command of it, is taken" : strerror(-rc));
        f->ops->free(f);
        return rc;
    }
    diag_log(DIAG_INFO, "%s loaded from %s", filter_label(f, label, sizeof label), path);
    return 0;
}

static int load_one(struct filter_chain *chain, const struct loader *loader, const char *path)
{
    char why[512];
    struct filter *f;
    if (!loader->load) {
        diag_log(DIAG_ERROR, "%s: this server has no filter host", path);
        return -EINVAL;
    }
    if (loader->load(&f, path, &loader->options, why, sizeof why) < 0) {
        diag_log(DIAG_ERROR, "filter: %s", why);
        return -EINVAL;
    }
    int rc = add_one(chain, f, path);
    return rc < 0 ? rc : check_one(loader, path);
}

static int is_lua(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    bool test = size > 9 && strcmp(entry->d_name + size - 9, "_test.lua") == 0;
    return !test && fnmatch("*.lua", entry->d_name, FNM_PERIOD) == 0;
}

static int load_dir(struct filter_chain *chain, const struct loader *loader, const char *dir)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, is_lua, alphasort);
    if (n < 0) {
        diag_log(DIAG_ERROR, "--filter-dir %s: %s", dir, strerror(errno));
        return -EINVAL;
    }
    int rc = 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        int size = snprintf(path, sizeof path, "%s/%s", dir, entries[i]->d_name);
        if (rc == 0 && size < (int)sizeof path)
            rc = load_one(chain, loader, path);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

/* Every --set is for a filter that is there: the candidate counts, too. */
static int check_settings(const struct options *options, const struct filter_chain *chain)
{
    for (size_t i = 0; i < options->setting_count; i++) {
        const char *setting = options->settings[i];
        struct str name = str_from(setting, (size_t)(strchr(setting, '.') - setting));
        if (filter_chain_find(chain, name) || options->shadow)
            continue;
        diag_log(DIAG_ERROR, "--set %s: there is no filter " STR_FMT, setting, STR_ARG(name));
        return -EINVAL;
    }
    return 0;
}

static struct filter_chain *new_chain(const struct options *options)
{
    struct filter_chain *chain = filter_chain_new(options->limits.max_line);
    if (!chain)
        diag_log(DIAG_ERROR, "filters: not enough memory for a chain");
    return chain;
}

static int load_all(const struct options *options, const struct loader *loader,
                    struct filter_chain **out)
{
    struct filter_chain *chain = new_chain(options);
    if (!chain)
        return -ENOMEM;
    int rc = 0;
    for (size_t i = 0; i < options->filter_count && rc == 0; i++)
        rc = load_one(chain, loader, options->filters[i]);
    if (rc == 0 && options->filter_dir)
        rc = load_dir(chain, loader, options->filter_dir);
    if (rc == 0)
        rc = check_settings(options, chain);
    if (rc < 0)
        filter_chain_free(chain);
    else
        *out = chain;
    return rc;
}

/* The chain with nothing but the candidate in it; NULL in *out without one. */
static int load_shadow(const struct options *options, const struct loader *loader,
                       struct filter_chain **out)
{
    *out = NULL;
    if (!options->shadow)
        return 0;
    struct filter_chain *chain = new_chain(options);
    if (!chain)
        return -ENOMEM;
    int rc = load_one(chain, loader, options->shadow);
    if (rc < 0)
        filter_chain_free(chain);
    else
        *out = chain;
    return rc;
}

/* ---- opening, checking, reloading ----------------------------------------------------------- */

bool server_has_filters(const struct options *options)
{
    return options->filter_count > 0 || options->filter_dir || options->shadow;
}

int server_check(const struct options *options, struct filter_host host)
{
    struct loader loader = loader_of(options, host, &filter_nobody);
    loader.check = host.check;
    struct filter_chain *chain;
    struct filter_chain *shadow;
    if (load_all(options, &loader, &chain) < 0)
        return EX_CONFIG;
    filter_chain_free(chain);
    loader.options.candidate = true;
    if (load_shadow(options, &loader, &shadow) < 0)
        return EX_CONFIG;
    filter_chain_free(shadow);
    return 0;
}

/* What a candidate says goes nowhere, and it cannot tell. */
static int say_nothing(void *owner, struct str by, struct str target, struct str text)
{
    (void)owner;
    (void)by;
    (void)target;
    (void)text;
    return 0;
}

/* Both chains, fresh. The candidate may look at the hub, but what it says goes nowhere. */
static int load_chains(struct server *s, struct server_chains *out)
{
    struct loader loader = loader_of(s->options, s->host, &s->hub.filter_hub);
    int rc = load_all(s->options, &loader, &out->live);
    if (rc < 0)
        return rc;
    s->shadow_hub = s->hub.filter_hub;
    s->shadow_hub.say = say_nothing;
    s->shadow_hub.tell = say_nothing;
    loader.options.hub = &s->shadow_hub;
    loader.options.context = NULL; /* nor does it share what the live ones share */
    loader.options.candidate = true;
    rc = load_shadow(s->options, &loader, &out->shadow);
    if (rc < 0)
        filter_chain_free(out->live);
    return rc;
}

void server_filters_free(struct server_chains *chains)
{
    filter_chain_free(chains->live);
    filter_chain_free(chains->shadow);
    *chains = (struct server_chains){.live = NULL};
}

struct server_chains server_filters_swap(struct server *s, struct server_chains next)
{
    struct server_chains old = {.live = s->hub.filters, .shadow = s->hub.shadow};
    s->hub.filters = next.live;
    s->hub.shadow = next.shadow;
    s->hub.judged = hub_filters_spent(&s->hub);
    return old;
}

int server_filters_open(struct server *s)
{
    struct server_chains fresh;
    if (load_chains(s, &fresh) < 0)
        return EX_CONFIG;
    struct server_chains none = server_filters_swap(s, fresh);
    server_filters_free(&none);
    s->filters_due = INT64_MAX;
    return 0;
}

/* What the old filter kept becomes the new one's. */
static int hand_over(struct filter *from, struct filter *to)
{
    char why[512] = "";
    char *state;
    size_t size;
    if (!from->ops->save || !to->ops->restore)
        return 0;
    int rc = from->ops->save(from, &state, &size, why, sizeof why);
    if (rc == -ENOENT)
        return 0;
    if (rc == 0) {
        rc = to->ops->restore(to, state, size, from->version, why, sizeof why);
        free(state);
    }
    if (rc < 0)
        diag_log(DIAG_ERROR, "filter " STR_FMT ": its state cannot be handed over: %s",
                 STR_ARG(to->name), why);
    return rc;
}

static int hand_over_all(const struct filter_chain *from, const struct filter_chain *to)
{
    int rc = 0;
    for (size_t i = 0; i < filter_chain_size(to) && rc == 0; i++) {
        struct filter *f = filter_chain_at(to, i);
        struct filter *old = filter_chain_find(from, f->name);
        if (old)
            rc = hand_over(old, f);
    }
    return rc;
}

int server_filters_load(struct server *s, struct server_chains *out)
{
    int rc = load_chains(s, out);
    if (rc < 0)
        return rc;
    rc = hand_over_all(s->hub.filters, out->live);
    if (rc < 0)
        server_filters_free(out);
    return rc;
}

void server_filters_tick(struct server *s)
{
    int64_t due = hub_filters_tick(&s->hub);
    if (due == s->filters_due)
        return;
    s->filters_due = due;
    if (due == INT64_MAX) {
        netpoll_timer_cancel(s->np, SERVER_TIMER_FILTERS);
        return;
    }
    int64_t wait = due - hub_now(&s->hub);
    netpoll_timer_set(s->np, SERVER_TIMER_FILTERS, wait > 0 ? (uint64_t)wait : 0);
}
