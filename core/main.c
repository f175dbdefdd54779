/* chatroom_server: puts the parts together. The only place that knows both the hub and Lua. */
#include "diag.h"
#include "filter_tool.h"
#include "lua_host.h"
#include "lua_host_world.h"
#include "lua_test.h"
#include "options.h"
#include "server.h"

#include <malloc.h>
#include <signal.h>
#include <sysexits.h>

/* Arrays that grow with the number of clients are mapped each on its own, so that what they leave
 * behind when they grow goes back to the system. Said here once, glibc does not raise it by itself.
 */
enum { MMAP_THRESHOLD = 128 << 10 };

static int serve(const struct options *options, struct filter_host host)
{
    struct server *server;
    int status = server_init(&server, options, host);
    if (status != 0)
        return status;
    status = server_start(server);
    server_close(server);
    return status;
}

static int run(int argc, char **argv, struct filter_host host)
{
    struct options options;
    if (argc > 1 && strcmp(argv[1], "filter") == 0)
        return filter_tool(argc - 2, argv + 2, host);
    int status = options_parse(&options, argc, argv);
    if (status >= 0)
        return status;
    diag_init("chatroom_server", options.log_level);
    return options.check ? server_check(&options, host) : serve(&options, host);
}

int main(int argc, char **argv)
{
    diag_init("chatroom_server", DIAG_INFO);
    signal(SIGPIPE, SIG_IGN);
    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
    struct lua_host_world *world = lua_host_world_new();
    if (!world) {
        diag_log(DIAG_ERROR, "not enough memory to start");
        return EX_OSERR;
    }
    const struct filter_host host = {
        .load = lua_host_load,
        .test = lua_test_run,
        .check = lua_test_check,
        .context = world,
    };
    int status = run(argc, argv, host);
    lua_host_world_free(world);
    return status;
}
