/*
 * The command line of the server, and addresses. The input is arguments, one a line.
 *
 * What was accepted lies within the limits that the manual names; an address that can be read is
 * written and read again to the same.
 */
#include "options.h"

#include "fuzz.h"

#include <stdlib.h>
#include <sysexits.h>

enum { ARGUMENTS_MAX = 300 };

static void check_address(const struct address *a)
{
    char text[ADDRESS_TEXT_MAX];
    char again[ADDRESS_TEXT_MAX];
    char why[200] = "";
    struct address copy;
    address_format(a, text, sizeof text);
    fuzz_check(address_parse(&copy, text, why, sizeof why) == 0, "\"%s\": %s", text, why);
    fuzz_check(strcmp(address_format(&copy, again, sizeof again), text) == 0,
               "\"%s\" became \"%s\"", text, again);
    struct address_brief brief = address_shorten(a);
    address_brief_format(&brief, again, sizeof again);
    fuzz_check(a->u.any.sa_family == AF_UNIX || strcmp(text, again) == 0,
               "\"%s\" is short for \"%s\"", again, text);
}

static void check_setting(const char *setting)
{
    const char *dot = strchr(setting, '.');
    const char *equals = strchr(setting, '=');
    fuzz_check(dot && equals && setting < dot && dot + 1 < equals, "the setting \"%s\"", setting);
}

static void check(const struct options *o)
{
    const struct hub_limits *l = &o->limits;
    fuzz_check(l->max_line >= 64 && l->max_line <= 1 << 20, "max_line %u", l->max_line);
    fuzz_check(l->history <= 1000000, "history %u", l->history);
    fuzz_check(l->presence_max <= 10000000, "presence_max %u", l->presence_max);
    fuzz_check(l->max_clients <= 10000000, "max_clients %u", l->max_clients);
    fuzz_check(l->lag_limit >= 4 << 10 && l->lag_limit <= 1 << 30, "lag_limit %zu", l->lag_limit);
    fuzz_check(l->slow == SLOW_SKIP || l->slow == SLOW_CLOSE, "slow %d", (int)l->slow);
    fuzz_check(o->listen_count <= OPTIONS_LISTEN_MAX, "%zu listeners", o->listen_count);
    fuzz_check(o->filter_count <= OPTIONS_FILTERS_MAX, "%zu filters", o->filter_count);
    fuzz_check(o->setting_count <= OPTIONS_SETTINGS_MAX && !o->settings[o->setting_count],
               "%zu settings", o->setting_count);
    fuzz_check(netpoll_backend_name(o->backend) && diag_level_name(o->log_level), "no names");
    for (size_t i = 0; i < o->listen_count; i++)
        check_address(&o->listen[i]);
    for (size_t i = 0; i < o->setting_count; i++)
        check_setting(o->settings[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    char *argv[ARGUMENTS_MAX + 2] = {fuzz_string(STR("chatroom_server"))};
    struct options o;
    int argc = 1;
    while (in.left > 0 && argc <= ARGUMENTS_MAX)
        argv[argc++] = fuzz_string(fuzz_part(&in, '\n'));
    int status = options_parse(&o, argc, argv);
    fuzz_check(status == -1 || status == 0 || status == EX_USAGE, "status %d", status);
    if (status == -1)
        check(&o);
    /* getopt may have put them into another order. */
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return 0;
}
