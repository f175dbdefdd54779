/*
 * A scripted netpoll backend: no kernel between the two ends, so that a test decides to the byte
 * and to the turn what happens. The common part (netpoll.c) above it is the real one.
 *
 *   struct netpoll *np;
 *   netpoll_open_ops(&np, &netpoll_fake_ops, &options, &handlers, owner, note, sizeof note);
 *   struct netpoll_fake_peer *p = netpoll_fake_connect(np, listener);
 *   netpoll_fake_write(p, "hello\n", 6);
 *   netpoll_run_once(np, 0);              // accepted
 *   netpoll_run_once(np, 0);              // data
 *
 * Every connection holds a real descriptor that nothing goes through, so that counting
 * descriptors finds a leak here as it does with a real backend. Waiting is real as well: a turn
 * in which nothing is due sleeps until its timeout or netpoll_wake().
 */
#ifndef CHATROOM_NETPOLL_FAKE_H
#define CHATROOM_NETPOLL_FAKE_H

#include "netpoll_impl.h"

extern const struct netpoll_ops netpoll_fake_ops;

/* How the fake behaves from now on; all zero: everything at once, in order of slots. */
struct netpoll_fake_script {
    bool reversed;           /* the highest slot is served first */
    size_t chunk;            /* most bytes that one `data` brings; 0: no limit */
    unsigned writable_delay; /* turns between room and `writable` */
    unsigned fail_accepts;   /* so many accepts fail ... */
    int accept_error;        /* ... with this errno */
};

/* The script of a netpoll on the fake backend; the caller may change it at any time. */
struct netpoll_fake_script *netpoll_fake_script(struct netpoll *np);

/* The other end of a connection. The test frees it, before or after netpoll_free(). */
struct netpoll_fake_peer;

/* Connects to a listener; accepted in the next turn. NULL if out of memory. */
struct netpoll_fake_peer *netpoll_fake_connect(struct netpoll *np, netpoll_handle listener);

/* A connected socket, or the reading end of a pipe, for netpoll_adopt(); its other end is returned.
 * `fd` is the caller's until it is adopted. NULL if out of memory or descriptors. */
struct netpoll_fake_peer *netpoll_fake_socket(struct netpoll *np, int *fd);
struct netpoll_fake_peer *netpoll_fake_pipe(struct netpoll *np, int *fd);

/* Queues `n` bytes for netpoll to read. Returns how many were taken: none on a dead connection. */
size_t netpoll_fake_write(struct netpoll_fake_peer *p, const char *bytes, size_t n);

/* Takes up to `size` of the bytes that netpoll has sent; makes room for as many. */
size_t netpoll_fake_read(struct netpoll_fake_peer *p, char *out, size_t size);

/* How many sent bytes wait to be read. */
size_t netpoll_fake_unread(const struct netpoll_fake_peer *p);

/* The socket holds at most `bytes` that were not read: further ones fall short, to the byte.
 * Without limit at first. */
void netpoll_fake_limit(struct netpoll_fake_peer *p, size_t bytes);

/* From now on netpoll_silence() says so many milliseconds. */
void netpoll_fake_silence(struct netpoll_fake_peer *p, uint32_t ms);

/* True once netpoll has shut down or closed its end and every byte before was read. */
bool netpoll_fake_at_end(const struct netpoll_fake_peer *p);

/* End of input for netpoll, after what was written. */
void netpoll_fake_half_close(struct netpoll_fake_peer *p);

/* ECONNRESET for netpoll, after what was written; sends fail at once. */
void netpoll_fake_reset(struct netpoll_fake_peer *p);

/* Closes the other end (end of input; sends fail with EPIPE) and frees it. NULL is fine. */
void netpoll_fake_free(struct netpoll_fake_peer *p);

/* What the kernel may report late. */
enum netpoll_fake_event {
    NETPOLL_FAKE_DATA,
    NETPOLL_FAKE_END,
    NETPOLL_FAKE_ERROR,
    NETPOLL_FAKE_WRITABLE,
};

/* The next turn begins with this event for handle `h`, whether `h` still exists or not.
 * Returns 0 or -ENOBUFS: a turn takes up to 16. */
int netpoll_fake_inject(struct netpoll *np, netpoll_handle h, enum netpoll_fake_event event);

#endif
