/* Which filters there are: the files of -f in order, then those of --filter-dir by name. */
#include "diag.h"
#include "server_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static int load_one(struct filter_chain *chain, filter_load_fn *load, const char *path)
{
    char why[512];
    struct filter *f;
    if (!load) {
        diag_log(DIAG_ERROR, "%s: this server has no filter host", path);
        return -EINVAL;
    }
    if (load(&f, path, why, sizeof why) < 0) {
        diag_log(DIAG_ERROR, "filter: %s", why);
        return -EINVAL;
    }
    if (filter_chain_add(chain, f) < 0) {
        f->ops->free(f);
        diag_log(DIAG_ERROR, "%s: no memory", path);
        return -EINVAL;
    }
    diag_log(DIAG_INFO, "filter " STR_FMT " loaded from %s", STR_ARG(f->name), path);
    return 0;
}

static int is_lua(const struct dirent *entry)
{
    return fnmatch("*.lua", entry->d_name, FNM_PERIOD) == 0;
}

static int load_dir(struct filter_chain *chain, filter_load_fn *load, const char *dir)
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
            rc = load_one(chain, load, path);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

int server_filters_load(const struct options *options, filter_load_fn *load,
                        struct filter_chain **out)
{
    struct filter_chain *chain = filter_chain_new(options->limits.max_line);
    if (!chain)
        return -ENOMEM;
    int rc = 0;
    for (size_t i = 0; i < options->filter_count && rc == 0; i++)
        rc = load_one(chain, load, options->filters[i]);
    if (rc == 0 && options->filter_dir)
        rc = load_dir(chain, load, options->filter_dir);
    if (rc < 0)
        filter_chain_free(chain);
    else
        *out = chain;
    return rc;
}

void server_filters_reload(struct server *s)
{
    struct filter_chain *chain;
    if (server_filters_load(s->options, s->load, &chain) < 0) {
        diag_log(DIAG_ERROR, "filters not reloaded: the old ones stay");
        return;
    }
    filter_chain_free(s->hub.filters);
    s->hub.filters = chain;
    diag_log(DIAG_INFO, "filters reloaded: %zu in the chain", filter_chain_size(chain));
}

int server_check(const struct options *options, filter_load_fn *load)
{
    struct filter_chain *chain;
    if (server_filters_load(options, load, &chain) < 0)
        return EX_CONFIG;
    filter_chain_free(chain);
    return 0;
}
