/*
 * `chatroom_server filter replay`: the input is the file of captured events that a filter is run
 * over. What must hold: it ends well, whatever the file is, and what it prints is clean text: an
 * operator reads it in a terminal, and strangers wrote what was captured.
 */
#include "diag.h"
#include "filter_tool.h"
#include "fuzz.h"
#include "lua_host.h"
#include "lua_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Standard output becomes a file in memory, for good. */
static int take_output(void)
{
    static int fd = -1;
    if (fd >= 0)
        return fd;
    fd = memfd_create("output", MFD_CLOEXEC);
    fuzz_check(fd >= 0 && dup2(fd, STDOUT_FILENO) == STDOUT_FILENO, "no file in memory");
    return fd;
}

static void check_output(int fd)
{
    struct stat st;
    fflush(stdout);
    fuzz_check(fstat(fd, &st) == 0, "no size");
    char *text = fuzz_must(malloc((size_t)st.st_size + 1));
    fuzz_check(pread(fd, text, (size_t)st.st_size, 0) == st.st_size, "cannot read the output");
    struct fuzz_input in = {(const uint8_t *)text, (size_t)st.st_size};
    while (in.left > 0) {
        struct str line = fuzz_part(&in, '\n');
        fuzz_check(fuzz_is_clean(line), "no clean text: " STR_FMT, STR_ARG(line));
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char filter[] = FUZZ_SCRIPTS "/captured.lua";
    char word[] = "replay";
    char capture[64];
    char *argv[] = {word, filter, capture, NULL};
    struct filter_host host = {.load = lua_host_load, .test = lua_test_run};
    int out = take_output();
    snprintf(capture, sizeof capture, "%s", fuzz_file(0, str_from((const char *)data, size)));
    fuzz_check(ftruncate(out, 0) == 0 && lseek(out, 0, SEEK_SET) == 0, "cannot empty the output");
    diag_init("fuzz", DIAG_ERROR);
    int status = filter_tool(3, argv, host);
    fuzz_check(status == 0, "exit status %d", status);
    check_output(out);
    return 0;
}
