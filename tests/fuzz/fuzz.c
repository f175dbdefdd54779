/* See fuzz.h. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unistr.h>

enum { FILES_MAX = 4, REPORT_FD_LEAST = 100 };

static struct {
    int report; /* standard error, as long as it may be gone from its place */
    int files[FILES_MAX];
    char paths[FILES_MAX][32];
} fuzz = {.report = STDERR_FILENO, .files = {-1, -1, -1, -1}};

/* The engine may close standard error, where the hub logs what is wrong with every other input. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, REPORT_FD_LEAST);
    if (fd >= 0)
        fuzz.report = fd;
    return 0;
}

uint8_t fuzz_byte(struct fuzz_input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

unsigned fuzz_below(struct fuzz_input *in, unsigned n)
{
    return fuzz_byte(in) % n;
}

static struct str take(struct fuzz_input *in, size_t n)
{
    struct str s = str_from((const char *)in->at, n);
    in->at += n;
    in->left -= n;
    return s;
}

struct str fuzz_part(struct fuzz_input *in, char end)
{
    const uint8_t *found = in->left > 0 ? memchr(in->at, end, in->left) : NULL;
    if (!found)
        return fuzz_rest(in);
    struct str s = take(in, (size_t)(found - in->at));
    take(in, 1);
    return s;
}

struct str fuzz_rest(struct fuzz_input *in)
{
    return take(in, in->left);
}

void *fuzz_must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

char *fuzz_copy(struct str s)
{
    char *copy = fuzz_must(malloc(s.size > 0 ? s.size : 1));
    if (s.size > 0)
        memcpy(copy, s.data, s.size);
    return copy;
}

char *fuzz_string(struct str s)
{
    char *copy = fuzz_must(malloc(s.size + 1));
    if (s.size > 0)
        memcpy(copy, s.data, s.size);
    copy[s.size] = '\0';
    return copy;
}

void fuzz_fail(const char *file, int line, const char *condition, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    dprintf(fuzz.report, "%s:%d: not so: %s: ", file, line, condition);
    vdprintf(fuzz.report, format, args);
    dprintf(fuzz.report, "\n");
    va_end(args);
    abort();
}

bool fuzz_is_clean(struct str s)
{
    const uint8_t *at = (const uint8_t *)s.data;
    if (s.size == 0)
        return true;
    if (u8_check(at, s.size))
        return false;
    for (size_t i = 0; i < s.size; i++) {
        bool c1 = at[i] == 0xc2 && i + 1 < s.size && at[i + 1] < 0xa0;
        if ((at[i] < 0x20 && at[i] != '\t') || at[i] == 0x7f || c1)
            return false;
    }
    return true;
}

const char *fuzz_file(unsigned which, struct str s)
{
    char *path = fuzz.paths[which];
    int *fd = &fuzz.files[which];
    if (*fd < 0) {
        *fd = memfd_create("fuzz", MFD_CLOEXEC);
        fuzz_check(*fd >= 0, "no file in memory");
        snprintf(path, sizeof fuzz.paths[which], "/proc/self/fd/%d", *fd);
    }
    fuzz_check(ftruncate(*fd, 0) == 0 && pwrite(*fd, s.data, s.size, 0) == (ssize_t)s.size,
               "cannot write a file in memory");
    return path;
}
