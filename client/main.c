/*
 * The client's wiring: standard descriptors, options, and the three steps of a client.
 */
#include "client.h"
#include "client_options.h"
#include "diag.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

/* A standard descriptor that was closed (`<&-`, `>&-`) becomes /dev/null: no input, output unseen.
 * Otherwise the socket could get its number. open(2) takes the lowest that is free. */
static int open_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
            return -errno;
    }
    return 0;
}

static int chat(const struct client_options *options)
{
    struct client *c;
    int status = client_connect(&c, options);
    if (status == EX_OK) {
        status = client_start(c);
        client_close(c);
    }
    return status;
}

int main(int argc, char **argv)
{
    if (open_standard_descriptors() < 0)
        return EX_OSERR;
    signal(SIGPIPE, SIG_IGN);
    diag_init("chatroom_client", DIAG_INFO);

    struct client_options options;
    int status = client_options_parse(&options, argc, argv);
    if (status < 0)
        status = chat(&options);
    client_options_fini(&options);
    return status;
}
