/*
 * What the two files of the io_uring backend share: its state, and how it is set up
 * (netpoll_uring_setup.c) for use (netpoll_uring.c). Nobody else includes this.
 */
#ifndef CHATROOM_NETPOLL_URING_H
#define CHATROOM_NETPOLL_URING_H

#include "netpoll_impl.h"

#include <liburing.h>

enum {
    URING_BUFFER_SIZE = 2048, /* holds the common message; larger ones take several */
    URING_BUFFER_GROUP = 0,
    URING_SEND_BATCH = 32, /* sends a submit: the cost per send is flat from here on */
};

struct completion {
    uint64_t user_data;
    int32_t result;
    uint32_t flags;
};

struct uring_priv {
    struct io_uring ring;

    struct io_uring_buf_ring *buffers;
    char *memory;
    unsigned buffer_count;

    struct completion *backlog; /* a FIFO; its size is a power of two */
    uint32_t backlog_mask;
    uint32_t backlog_head;
    uint32_t backlog_tail;

    uint32_t receive_max; /* a multishot receive ends when it has brought so much; 0: never */

    struct netpoll_queue later; /* wants to be armed in the next turn */
    uint32_t inflight;          /* sum over the slots */
    bool more;                  /* the last receive of this turn left bytes in its socket */

    unsigned queued; /* sends that are not submitted yet */
    struct msghdr messages[URING_SEND_BATCH];
    struct iovec parts[URING_SEND_BATCH][NETPOLL_IOV_MAX];
};

/*
 * Opens the ring, the provided buffers and the tables, and proves the send primitive and the
 * multishot receive. Returns 0, or a negative errno with cause and remedy in `note` and nothing
 * left behind.
 */
int uring_setup(struct netpoll *np, const struct netpoll_options *options, char *note,
                size_t note_size);

/* Frees what uring_setup() made. Every operation has ended. */
void uring_teardown(struct uring_priv *up);

/* Ends a multishot receive behind the buffer with which it has brought `bytes`; 0: no limit. For
 * Linux 6.17 and newer, older ones refuse it: sqe->optlen, which liburing 2.3 does not name, shares
 * its place with file_index. */
static inline void uring_limit_receive(struct io_uring_sqe *sqe, uint32_t bytes)
{
    sqe->file_index = bytes;
}

/* Gives buffer `id` back to the kernel. */
void uring_buffer_recycle(struct uring_priv *up, unsigned id);

#endif
