/* See command.h. */
#include "command.h"

#include "say.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_MARK "{port}"

static int too_long(void)
{
    return say(EX_USAGE, "the server's command is too long");
}

static int add(struct command *c, const char *text)
{
    size_t size = strlen(text) + 1;
    if (c->argc == COMMAND_ARGS_MAX || size > sizeof c->text - c->used)
        return too_long();
    c->argv[c->argc++] = memcpy(c->text + c->used, text, size);
    c->used += size;
    return 0;
}

/* One that nobody has at this moment; the server may lose the race for it, and will say so. */
static int free_port(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &size) < 0) {
        int status = say(EX_OSERR, "no free port: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return status;
    }
    close(fd);
    *port = ntohs(a.sin_port);
    return 0;
}

/* Adds an argument, with the port wherever it asks for one. */
static int add_filled(struct command *c, const char *arg)
{
    char text[4096];
    size_t n = 0;
    int status = 0;
    for (const char *mark; !status && (mark = strstr(arg, PORT_MARK)); arg = mark + 6) {
        if (c->port == 0)
            status = free_port(&c->port);
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s%u", (int)(mark - arg), arg, c->port);
        if (n >= sizeof text)
            return too_long();
    }
    if (!status && (size_t)snprintf(text + n, sizeof text - n, "%s", arg) >= sizeof text - n)
        return too_long();
    return status ? status : add(c, text);
}

static int add_all(struct command *c, const char *const *words)
{
    int status = 0;
    while (*words && !status)
        status = add(c, *words++);
    return status;
}

/* No replays, and no lines about who comes and goes, but in a storm, which is about them. What is
 * said on the command line comes last, and so wins. */
static int make_own(struct command *c, const struct options *o)
{
    char clients[16];
    snprintf(clients, sizeof clients, "%u", options_connections(o));
    const char *const words[] = {o->server,   "-l", "127.0.0.1:0",   "-b",    o->backend,
                                 "--history", "0",  "--max-clients", clients, NULL};
    static const char *const silent[] = {"--presence-max", "0", NULL};
    int status = add_all(c, words);
    if (!status && o->load.shape != SHAPE_STORM)
        status = add_all(c, silent);
    for (size_t i = 0; i < o->filter_count && !status; i++) {
        status = add(c, "-f");
        status = status ? status : add(c, o->filters[i]);
    }
    for (size_t i = 0; i < o->arg_count && !status; i++)
        status = add(c, o->args[i]);
    return status;
}

int command_make(struct command *c, const struct options *o)
{
    *c = (struct command){.argc = 0};
    if (!o->command)
        return make_own(c, o);
    int status = 0;
    for (char *const *arg = o->command; *arg && !status; arg++)
        status = add_filled(c, *arg);
    return status;
}
