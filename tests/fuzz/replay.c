/*
 * Runs a target on files, for builds without a fuzzing engine: the seeds in every test run, the
 * input that broke something under a debugger, or AFL++ (`afl-fuzz ... -- ./fuzz_NAME @@`).
 *
 *   fuzz_NAME FILE...     each of them
 *   fuzz_NAME FOLDER...   each file in it; one at least must be there
 *
 * Prints TAP. What a target says meanwhile is kept from the terminal.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a sanitizer, if there is one: where it writes what it finds. A number, for all it is a
 * pointer. NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void __sanitizer_set_report_fd(void *fd) __attribute__((weak));

static struct {
    FILE *tap;
    unsigned count;
} replay;

_Noreturn static void give_up(const char *path)
{
    fprintf(replay.tap, "Bail out! %s: %s\n", path, strerror(errno));
    exit(1);
}

/* What the target prints and logs goes nowhere, what is said of it does not. */
static void silence(void)
{
    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
    int err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    replay.tap = fdopen(out, "w");
    if (!replay.tap || err < 0 || nowhere < 0)
        exit(1);
    setvbuf(replay.tap, NULL, _IOLBF, 0);
    if (__sanitizer_set_report_fd)
        __sanitizer_set_report_fd((void *)(intptr_t)err); /* NOLINT(performance-no-int-to-ptr) */
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
}

static void run_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        give_up(path);
    size_t size = (size_t)st.st_size;
    uint8_t *data = fuzz_must(malloc(size + 1));
    if (read(fd, data, size) != (ssize_t)size)
        give_up(path);
    close(fd);
    /* Before, so that the last line tells which of them broke it. */
    fprintf(replay.tap, "# %s\n", path);
    LLVMFuzzerTestOneInput(data, size);
    fprintf(replay.tap, "ok %u - %s\n", ++replay.count, path);
    free(data);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void run_folder(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_visible, alphasort);
    if (n < 0)
        give_up(path);
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        run_file(file);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    struct stat st;
    LLVMFuzzerInitialize(&argc, &argv);
    silence();
    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &st) < 0)
            give_up(argv[i]);
        if (S_ISDIR(st.st_mode))
            run_folder(argv[i]);
        else
            run_file(argv[i]);
    }
    fprintf(replay.tap, "1..%u\n", replay.count);
    return replay.count > 0 ? 0 : 1;
}
