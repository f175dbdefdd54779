/* See board.h. */
#include "board.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* The linker chooses these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
 */
int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static struct faults_board nobody; /* nothing ever fails */
static struct faults_board *shared = &nobody;

/* The board is the hub's: what a process forked from it does neither fails nor counts. */
static void board_leave(void)
{
    shared = &nobody;
}

/* Before main(), and so before the hub gives up opening files for writing. */
__attribute__((constructor)) static void board_take(void)
{
    const char *path = getenv("CHATROOM_FAULTS");
    int fd = path ? __real_open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *at = __real_mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    __real_close(fd);
    if (at == MAP_FAILED)
        abort();
    shared = at;
    shared->taken = 1;
    pthread_atfork(NULL, NULL, board_leave);
}

struct faults_board *faults_board(void)
{
    return shared;
}

static bool is_due(const struct faults_row *row)
{
    if (row->first == 0 || row->calls < row->first)
        return false;
    uint64_t after = row->calls - row->first;
    return after == 0 || (row->every > 0 && after % row->every == 0);
}

static bool is_local(int fd)
{
    int domain = 0;
    socklen_t size = sizeof domain;
    return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           domain == AF_UNIX;
}

/* A socket to a process of the hub's own is lost when that has ended, and not before. */
static bool is_possible(const struct faults_row *row, int fd)
{
    switch (row->error) {
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT:
    case ECANCELED:
    case ENOMEM:
        return !is_local(fd);
    default:
        return true;
    }
}

int faults_strike_at(enum faults_id id, int fd)
{
    struct faults_row *row = &shared->row[id];
    row->calls++;
    if (!is_due(row) || !is_possible(row, fd))
        return 0;
    row->struck++;
    if (row->error > 0)
        errno = (int)row->error;
    return (int)row->error;
}

int faults_strike(enum faults_id id)
{
    return faults_strike_at(id, -1);
}
