/* See unit.h. */
#include "unit.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void unit_assert_str(struct str actual, struct str expected, const char *file, int line)
{
    _assert_int_equal(actual.size, expected.size, file, line);
    if (actual.size > 0)
        _assert_memory_equal(actual.data, expected.data, actual.size, file, line);
}

/* ---- random numbers ------------------------------------------------------------------------- */

/* splitmix64: any seed will do. */
uint64_t unit_random(struct unit_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

uint64_t unit_below(struct unit_random *r, uint64_t n)
{
    return unit_random(r) % n;
}

/* ---- memory --------------------------------------------------------------------------------- */

/* The linker chooses these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static struct {
    size_t count;
    int until_failure; /* -1: none */
    bool failed;
} heap = {.until_failure = -1};

static bool fails(void)
{
    heap.count++;
    if (heap.until_failure < 0 || heap.until_failure-- > 0)
        return false;
    heap.failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

void unit_alloc_fail_at(int n)
{
    heap.until_failure = n;
    heap.failed = false;
}

bool unit_alloc_failed(void)
{
    return heap.failed;
}

bool unit_alloc_sweep(int n)
{
    bool more = n == 0 || heap.failed;
    unit_alloc_fail_at(more ? n : -1);
    return more;
}

size_t unit_alloc_count(void)
{
    return heap.count;
}

/* ---- output --------------------------------------------------------------------------------- */

static struct {
    int fd;
    int saved;
    int file;
} capture;

void unit_capture(int fd)
{
    fflush(stdout);
    capture.fd = fd;
    capture.saved = dup(fd);
    capture.file = memfd_create("captured", MFD_CLOEXEC);
    assert_true(capture.saved >= 0 && capture.file >= 0);
    assert_int_equal(dup2(capture.file, fd), fd);
}

size_t unit_captured(char *out, size_t size)
{
    fflush(stdout);
    dup2(capture.saved, capture.fd);
    close(capture.saved);
    ssize_t n = pread(capture.file, out, size - 1, 0);
    off_t all = lseek(capture.file, 0, SEEK_END);
    close(capture.file);
    assert_true(n >= 0 && all >= 0);
    out[n] = '\0';
    return (size_t)all;
}
