/* chatroom_server: puts the parts together. The only place that knows both the hub and Lua. */
#include "diag.h"
#include "lua_host.h"
#include "options.h"
#include "server.h"

#include <malloc.h>
#include <signal.h>

/* Arrays that grow with the number of clients are mapped each on its own, so that what they leave
 * behind when they grow goes back to the system. Said here once, glibc does not raise it by itself.
 */
enum { MMAP_THRESHOLD = 128 << 10 };

int main(int argc, char **argv)
{
    struct options options;
    struct server *server;
    diag_init("chatroom_server", DIAG_INFO);
    int status = options_parse(&options, argc, argv);
    if (status >= 0)
        return status;
    diag_init("chatroom_server", options.log_level);
    signal(SIGPIPE, SIG_IGN);
    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    if (options.check)
        return server_check(&options, lua_host_load);
    status = server_init(&server, &options, lua_host_load);
    if (status != 0)
        return status;
    status = server_start(server);
    server_close(server);
    return status;
}
