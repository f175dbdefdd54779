/*
 * The conformance suite, stamped for epoll: over TCP, or over unix sockets.
 */
#include "conformance.h"

static const struct suite suites[] = {
    {"tcp", NETPOLL_EPOLL, &peers_tcp},
    {"unix", NETPOLL_EPOLL, &peers_unix},
};

int main(int argc, char **argv)
{
    return conformance_main(argc, argv, suites, sizeof suites / sizeof *suites, NULL);
}
