/*
 * Peers for the scripted backend: no kernel between the two ends, see netpoll_fake.h.
 */
#include "conformance.h"
#include "netpoll_fake.h"

#include <errno.h>
#include <stdlib.h>

enum {
    SOCKET_ROOM = 50000,
    PAIR_ROOM = 100,
};

struct peer {
    struct netpoll_fake_peer *fake;
    bool reset;
};

static int fake_open(struct world *w, const struct netpoll_options *options, char *note,
                     size_t note_size)
{
    return netpoll_open_ops(&w->np, &netpoll_fake_ops, options, &world_handlers, w, note,
                            note_size);
}

static int fake_open_reversed(struct world *w, const struct netpoll_options *options, char *note,
                              size_t note_size)
{
    int rc = fake_open(w, options, note, note_size);
    if (rc == 0)
        netpoll_fake_script(w->np)->reversed = true;
    return rc;
}

static int fake_open_bytewise(struct world *w, const struct netpoll_options *options, char *note,
                              size_t note_size)
{
    int rc = fake_open(w, options, note, note_size);
    if (rc == 0) {
        netpoll_fake_script(w->np)->chunk = 1;
        netpoll_fake_script(w->np)->writable_delay = 2;
    }
    return rc;
}

static struct peer *peer_new(struct netpoll_fake_peer *fake, size_t room)
{
    struct peer *p = calloc(1, sizeof *p);
    if (!p || !fake)
        abort();
    p->fake = fake;
    netpoll_fake_limit(fake, room);
    return p;
}

static struct peer *fake_connect(struct world *w)
{
    return peer_new(netpoll_fake_connect(w->np, w->listener), SOCKET_ROOM);
}

static struct peer *fake_pair(struct world *w, int *fd)
{
    return peer_new(netpoll_fake_socket(w->np, fd), PAIR_ROOM);
}

static struct peer *fake_pipe(struct world *w, int *fd)
{
    return peer_new(netpoll_fake_pipe(w->np, fd), 0);
}

static size_t fake_write(struct peer *p, const char *bytes, size_t n)
{
    return netpoll_fake_write(p->fake, bytes, n);
}

static size_t fake_read(struct peer *p, char *out, size_t size)
{
    return netpoll_fake_read(p->fake, out, size);
}

static bool fake_at_end(struct peer *p)
{
    return p->reset || netpoll_fake_at_end(p->fake);
}

static void fake_half_close(struct peer *p)
{
    netpoll_fake_half_close(p->fake);
}

static bool fake_mute(struct peer *p, bool on)
{
    netpoll_fake_silence(p->fake, on ? 10000 : 0);
    return true;
}

static void fake_reset(struct peer *p)
{
    p->reset = true;
    netpoll_fake_reset(p->fake);
}

static void fake_free(struct peer *p)
{
    netpoll_fake_free(p->fake);
    free(p);
}

/* The descriptor that stands for the connection is an unnamed unix socket. */
static void fake_address_of(struct peer *p, struct address *out)
{
    (void)p;
    *out = (struct address){.length = sizeof(sa_family_t)};
    out->u.any.sa_family = AF_UNIX;
}

static void fake_starve(struct world *w)
{
    netpoll_fake_script(w->np)->accept_error = EMFILE;
    netpoll_fake_script(w->np)->fail_accepts = 1;
}

static void fake_feed(struct world *w)
{
    if (w->np)
        netpoll_fake_script(w->np)->fail_accepts = 0;
}

#define FAKE_OPS                                                                                   \
    .address = "127.0.0.1:0", .connect = fake_connect, .pair = fake_pair, .pipe = fake_pipe,       \
    .write = fake_write, .read = fake_read, .at_end = fake_at_end, .half_close = fake_half_close,  \
    .mute = fake_mute, .reset = fake_reset, .free = fake_free, .address_of = fake_address_of,      \
    .starve = fake_starve, .feed = fake_feed

const struct peer_ops peers_fake = {.open = fake_open, FAKE_OPS};
const struct peer_ops peers_fake_reversed = {.open = fake_open_reversed, FAKE_OPS};
const struct peer_ops peers_fake_bytewise = {.open = fake_open_bytewise, FAKE_OPS};
