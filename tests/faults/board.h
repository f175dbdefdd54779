/*
 * The board: where a test says which call of a running hub is to fail, and how. A file that both
 * have mapped, so that it is written while the hub runs; its name is in CHATROOM_FAULTS. Without
 * that, nothing ever fails. board.py is the test's side.
 *
 * A row for each function whose calls are counted, and for each operation of an io_uring. What is
 * behind a row stands in front of the real function (`ld --wrap`): calls.c, streams.c, memory.c,
 * ring.c. So it is the call sites of the project's own code that are met, whatever the sanitizers
 * or the libraries do below.
 */
#ifndef CHATROOM_FAULTS_BOARD_H
#define CHATROOM_FAULTS_BOARD_H

#include <stdbool.h>
#include <stdint.h>

/* To add a row: a word here, which board.py reads, and what strikes it. A call is wrapped in
 * CMakeLists.txt, too. */
#define FAULTS_ROWS(X)                                                                             \
    X(memory) /* malloc, calloc, realloc, strdup: one row for all */                               \
    X(socket)                                                                                      \
    X(bind)                                                                                        \
    X(listen)                                                                                      \
    X(socketpair)                                                                                  \
    X(getsockname)                                                                                 \
    X(getpeername)                                                                                 \
    X(setsockopt)                                                                                  \
    X(accept4)                                                                                     \
    X(recv)                                                                                        \
    X(read) /* of what is polled */                                                                \
    X(read_file)                                                                                   \
    X(send)                                                                                        \
    X(sendmsg)                                                                                     \
    X(write)                                                                                       \
    X(shutdown)                                                                                    \
    X(close)                                                                                       \
    X(open)                                                                                        \
    X(fstat)                                                                                       \
    X(fcntl)                                                                                       \
    X(scandir)                                                                                     \
    X(eventfd)                                                                                     \
    X(signalfd)                                                                                    \
    X(inotify_init1)                                                                               \
    X(inotify_add_watch)                                                                           \
    X(timer_create)                                                                                \
    X(timer_settime)                                                                               \
    X(sigaction)                                                                                   \
    X(getrandom)                                                                                   \
    X(mmap)                                                                                        \
    X(prctl)                                                                                       \
    X(seccomp_init)                                                                                \
    X(seccomp_load)                                                                                \
    X(epoll_create1)                                                                               \
    X(epoll_ctl)                                                                                   \
    X(epoll_wait)                                                                                  \
    X(syscall) /* the parts of io_uring_register(2) that liburing has no function for */           \
    X(io_uring_queue_init_params)                                                                  \
    X(io_uring_register_ring_fd)                                                                   \
    X(io_uring_register_buf_ring)                                                                  \
    X(io_uring_submit)                                                                             \
    X(io_uring_submit_and_wait)                                                                    \
    X(io_uring_submit_and_wait_timeout)                                                            \
    X(io_uring_submit_and_get_events)                                                              \
    X(io_uring_get_events)                                                                         \
    X(ring_accept) /* operations: it is their completion that says it */                           \
    X(ring_recv)                                                                                   \
    X(ring_send)                                                                                   \
    X(ring_sendmsg)                                                                                \
    X(ring_poll)

enum faults_id {
#define FAULTS_ID(name) FAULTS_##name,
    FAULTS_ROWS(FAULTS_ID)
#undef FAULTS_ID
        FAULTS_ROW_COUNT
};

enum {
    FAULTS_SHORT = -1, /* instead of an errno: take less than was offered */
};

struct faults_row {
    uint64_t calls;  /* so far */
    uint64_t struck; /* how many of them were made to fail */
    uint64_t first;  /* the call, counted from 1, that fails first; 0: none does */
    uint64_t every;  /* and from there on every so many; 0: no further */
    int64_t error;   /* errno, or FAULTS_SHORT */
};

struct faults_board {
    uint64_t taken;       /* 1: by a hub */
    int64_t wall_ms;      /* added to CLOCK_REALTIME */
    int64_t heap_blocks;  /* allocated and not given back */
    int64_t heap_bytes;   /* what the allocator counts for them */
    uint64_t ring_size;   /* entries of both queues of a ring; 0: as asked for */
    uint64_t overflows;   /* times that a ring's queue of completions was found too full */
    uint64_t buffer_size; /* most that a provided buffer takes; 0: as asked for */
    struct faults_row row[FAULTS_ROW_COUNT];
};

/* Never NULL. */
struct faults_board *faults_board(void);

/* Counts a call. 0 if it is to be left alone; otherwise an errno, which is in errno, too, or
 * FAULTS_SHORT. */
int faults_strike(enum faults_id id);

/* The same, for a call on `fd`: a unix socket, which leads to a process of the hub's own, is spared
 * what only happens to peers. */
int faults_strike_at(enum faults_id id, int fd);

#endif
