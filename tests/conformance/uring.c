/*
 * The conformance suite, stamped for io_uring: over TCP, or over unix sockets. Where the kernel
 * does not let us have a ring, that is said as one skipped test, with the reason.
 */
#include "conformance.h"

#include <stdio.h>

static const struct suite suites[] = {
    {"tcp", NETPOLL_URING, &peers_tcp},
    {"unix", NETPOLL_URING, &peers_unix},
};

static bool ring_available(char *note, size_t note_size)
{
    struct netpoll *np;
    struct netpoll_options options = {.backend = NETPOLL_URING, .max_handles = 1};
    if (netpoll_open(&np, &options, &world_handlers, NULL, note, note_size) < 0)
        return false;
    netpoll_free(np);
    return true;
}

int main(int argc, char **argv)
{
    char note[256];
    if (!ring_available(note, sizeof note)) {
        printf("1..1\nok 1 - io_uring # SKIP %s\n", note);
        return 0;
    }
    return conformance_main(argc, argv, suites, sizeof suites / sizeof *suites, NULL);
}
