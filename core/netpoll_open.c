/* How a poll interface comes and goes: its tables, its waker, its backend. */
#include "netpoll_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    DEFAULT_TURN_BUDGET = 1 << 20,
    DEFAULT_CONN_BUDGET = 64 << 10,
};

/* Large arrays are not touched before use: calloc() maps them. */
static int tables_init(struct netpoll *np, uint32_t max_handles)
{
    np->max_slots = max_handles + 1; /* the waker */
    np->slots = calloc(np->max_slots, sizeof *np->slots);
    np->free_slots = calloc(np->max_slots, sizeof *np->free_slots);
    np->exceptions = calloc((size_t)np->max_slots * 2, sizeof *np->exceptions);
    if (!np->slots || !np->free_slots || !np->exceptions)
        return -ENOMEM;
    if (netpoll_queue_init(&np->closing, np->max_slots) < 0 ||
        netpoll_queue_init(&np->roomy, np->max_slots) < 0 ||
        netpoll_queue_init(&np->stuck, np->max_slots) < 0)
        return -ENOMEM;
    return timer_heap_reserve(&np->timers, NETPOLL_OWN_TIMERS + NETPOLL_TIMERS);
}

static void tables_fini(struct netpoll *np)
{
    free(np->slots);
    free(np->free_slots);
    free(np->exceptions);
    timer_heap_fini(&np->timers);
    netpoll_queue_fini(&np->closing);
    netpoll_queue_fini(&np->stuck);
    netpoll_queue_fini(&np->roomy);
}

static int waker_open(struct netpoll *np)
{
    np->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (np->wake_fd < 0)
        return -errno;
    uint32_t i;
    int rc = netpoll_slot_watch(np, np->wake_fd, NETPOLL_WAKER, &i);
    if (rc < 0)
        close(np->wake_fd);
    np->stats.open = 0; /* the waker is ours, not the owner's */
    return rc;
}

static int backend_open(struct netpoll *np, const struct netpoll_options *options, char *note,
                        size_t note_size)
{
    int rc = np->ops->init(np, options, note, note_size);
    if (rc < 0)
        return rc;
    rc = waker_open(np);
    if (rc < 0)
        np->ops->fini(np);
    return rc;
}

int netpoll_open_ops(struct netpoll **out, const struct netpoll_ops *ops,
                     const struct netpoll_options *options, const struct netpoll_handlers *handlers,
                     void *owner, char *note, size_t note_size)
{
    if (note_size > 0)
        note[0] = '\0';
    struct netpoll *np = calloc(1, sizeof *np);
    void *priv = calloc(1, ops->priv_size);
    if (!np || !priv) {
        free(np);
        free(priv);
        return -ENOMEM;
    }
    *np = (struct netpoll){.ops = ops, .priv = priv, .handlers = handlers, .owner = owner};
    np->batch = 1;
    np->turn_budget = options->turn_budget ? options->turn_budget : DEFAULT_TURN_BUDGET;
    np->conn_budget = options->conn_budget ? options->conn_budget : DEFAULT_CONN_BUDGET;
    netpoll_clock(np);
    int rc = tables_init(np, options->max_handles);
    if (rc == 0)
        rc = backend_open(np, options, note, note_size);
    if (rc < 0) {
        tables_fini(np);
        free(priv);
        free(np);
        return rc;
    }
    *out = np;
    return 0;
}

void netpoll_free(struct netpoll *np)
{
    if (!np)
        return;
    np->ops->fini(np);
    for (uint32_t i = 0; i < np->used_slots; i++) {
        if (np->slots[i].kind != NETPOLL_FREE)
            close(np->slots[i].fd);
    }
    tables_fini(np);
    free(np->priv);
    free(np);
}
