/* The table of backends, their words on the command line, and the choice of `auto`. */
#include "netpoll_impl.h"

#include <errno.h>
#include <stdio.h>

static const struct netpoll_ops *backend_ops(enum netpoll_backend backend)
{
    switch (backend) {
#ifdef CHATROOM_HAVE_URING
    case NETPOLL_URING:
        return &netpoll_uring_ops;
#endif
    case NETPOLL_EPOLL:
        return &netpoll_epoll_ops;
    default:
        return NULL;
    }
}

static int open_backend(struct netpoll **out, enum netpoll_backend backend,
                        const struct netpoll_options *options,
                        const struct netpoll_handlers *handlers, void *owner, char *note,
                        size_t note_size)
{
    const struct netpoll_ops *ops = backend_ops(backend);
    if (ops)
        return netpoll_open_ops(out, ops, options, handlers, owner, note, note_size);
    snprintf(note, note_size,
             "io_uring is not part of this build; install liburing-dev (2.3 or newer), "
             "configure with -DCHATROOM_URING=ON and build again, or use -b epoll");
    return -ENOSYS;
}

int netpoll_open(struct netpoll **out, const struct netpoll_options *options,
                 const struct netpoll_handlers *handlers, void *owner, char *note, size_t note_size)
{
    if (options->backend != NETPOLL_AUTO)
        return open_backend(out, options->backend, options, handlers, owner, note, note_size);
    int rc = open_backend(out, NETPOLL_URING, options, handlers, owner, note, note_size);
    if (rc == 0)
        return 0;
    return open_backend(out, NETPOLL_EPOLL, options, handlers, owner, NULL, 0); /* note: why not */
}

static const char *const backend_words[] = {
    [NETPOLL_AUTO] = "auto",
    [NETPOLL_EPOLL] = "epoll",
    [NETPOLL_URING] = "uring",
};

const char *netpoll_backend_name(enum netpoll_backend backend)
{
    return backend_words[backend];
}

int netpoll_backend_parse(const char *word, enum netpoll_backend *out)
{
    for (size_t i = 0; i < sizeof backend_words / sizeof *backend_words; i++) {
        if (strcmp(word, backend_words[i]) == 0) {
            *out = (enum netpoll_backend)i;
            return 0;
        }
    }
    return -1;
}
