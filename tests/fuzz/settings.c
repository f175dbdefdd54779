/*
 * What the user of the client asks for: the input is arguments, one a line, then RS (0x1e) and the
 * settings file. What was accepted is within its limits, and a format runs.
 */
#include "client_options.h"
#include "diag.h"
#include "fuzz.h"
#include "wire.h"

#include <stdlib.h>
#include <sysexits.h>

enum { RECORD = 0x1e, ARGUMENTS_MAX = 100 };

static void put(void *owner, struct str piece, bool remote)
{
    *(size_t *)owner += piece.size;
    fuzz_check(remote || piece.size < 4096, "%zu bytes of its own", piece.size);
}

static void run_format(const struct format *f)
{
    static const struct event e = {.type = EVENT_MESSAGE,
                                   .room = {"#lobby", 6},
                                   .from = {"ann", 3},
                                   .text = {"hello", 5},
                                   .id = 7,
                                   .seq = 8};
    size_t size = 0;
    format_run(f, &e, STR("{\"type\":\"message\"}"), 1700000000123, put, &size);
    format_ends_line(f);
}

static void check_target(const struct dial_target *t)
{
    char text[ADDRESS_TEXT_MAX];
    if (t->local.length > 0)
        fuzz_check(
            str_starts_with(str_of(address_format(&t->local, text, sizeof text)), STR("unix:")),
            "\"%s\"", text);
    else
        fuzz_check(*t->host && strlen(t->host) < DIAL_HOST_MAX && strlen(t->port) <= 5 &&
                       *t->port && atol(t->port) <= 65535,
                   "host \"%s\", port \"%s\"", t->host, t->port);
}

static void check(const struct client_options *o)
{
    check_target(&o->target);
    fuzz_check(o->room_count <= CLIENT_ROOMS_MAX && o->send_count <= CLIENT_SENDS_MAX,
               "%zu rooms, %zu sends", o->room_count, o->send_count);
    for (size_t i = 0; i < o->room_count; i++)
        fuzz_check(o->rooms[i].size > 1 && o->rooms[i].data[0] == '#' &&
                       !memchr(o->rooms[i].data, '\n', o->rooms[i].size),
                   "room \"" STR_FMT "\"", STR_ARG(o->rooms[i]));
    fuzz_check(o->nick.size == 0 || !memchr(o->nick.data, '\n', o->nick.size),
               "nick \"" STR_FMT "\"", STR_ARG(o->nick));
    if (o->format)
        run_format(o->format);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct str head = fuzz_part(&in, RECORD);
    struct fuzz_input lines = {(const uint8_t *)head.data, head.size};
    char *argv[ARGUMENTS_MAX + 4] = {fuzz_string(STR("chatroom_client"))};
    struct client_options o;
    int argc = 1;
    if (in.left > 0) {
        argv[argc++] = fuzz_string(STR("--config"));
        argv[argc++] = fuzz_string(str_of(fuzz_file(0, fuzz_rest(&in))));
    }
    while (lines.left > 0 && argc <= ARGUMENTS_MAX)
        argv[argc++] = fuzz_string(fuzz_part(&lines, '\n'));
    diag_init("fuzz", DIAG_ERROR);
    unsetenv("HOME"); /* nobody's own settings */
    unsetenv("XDG_CONFIG_HOME");
    int status = client_options_parse(&o, argc, argv);
    fuzz_check(status == -1 || status == 0 || status == EX_USAGE, "status %d", status);
    if (status == -1)
        check(&o);
    client_options_fini(&o);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return 0;
}
