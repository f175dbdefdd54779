/* The commands; see command.h. */
#include "command.h"

#include "filter_stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum command_flag {
    ORDERLY = 1 << 0,    /* changes how later bytes are sent: everything due goes first */
    NEEDS_ARGS = 1 << 1, /* without arguments, the usage is the answer */
    OPERATOR = 1 << 2,   /* for those who came by a unix socket only */
};

struct command {
    const char *name;
    const char *usage;
    const char *help;
    void (*run)(struct hub *hub, struct conn *c, struct str args);
    unsigned flags;
};

/* Who can reach the hub's unix socket may run it: the file's permissions decide. */
static bool is_operator(const struct conn *c)
{
    return c->peer.family == AF_UNIX;
}

/* Digits only, at most UINT64_MAX. */
static bool parse_number(struct str s, uint64_t *out)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s.size; i++) {
        unsigned digit = (unsigned)(s.data[i] - '0');
        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return s.size > 0;
}

/* The room named by `args`, the current one if empty; the client is told if there is none. */
static struct room *named_room(struct hub *hub, struct conn *c, struct str args)
{
    struct str name = str_word(&args);
    struct room *room = name.size ? hub_find_room(hub, name) : hub_room_at(hub, conn_room(c));
    if (!room && name.size)
        hub_error(hub, c, "There is no room " STR_FMT ".", STR_ARG(name));
    else if (!room)
        hub_error(hub, c, "You are in no room: /join one first.");
    return room;
}

static void run_nick(struct hub *hub, struct conn *c, struct str args)
{
    struct filter_event e = {.kind = FILTER_NICK, .to = args};
    struct filter_result result;
    if (!hub_ask(hub, c, &e, &result))
        return;
    const char *fault = hub_rename(hub, c, args);
    if (fault)
        hub_error(hub, c, "The nick \"" STR_FMT "\" %s.", STR_ARG(args), fault);
}

/* Programs find it in `to`. */
static void tell_current(struct hub *hub, struct conn *c, const struct room *room)
{
    char text[64 + TEXT_ROOM_MAX];
    struct str name = room_name(room);
    int size = snprintf(text, sizeof text, "Your current room is " STR_FMT ".", STR_ARG(name));
    struct event e = {.type = EVENT_NOTICE, .to = name, .text = str_from(text, (size_t)size)};
    hub_tell(hub, c, &e);
}

static void run_join(struct hub *hub, struct conn *c, struct str args)
{
    const char *fault = text_room_fault(args);
    if (fault) {
        hub_error(hub, c, "\"" STR_FMT "\" %s.", STR_ARG(args), fault);
        return;
    }
    struct room *room = hub_find_room(hub, args);
    struct link *link = room ? conn_link(c, room->id) : NULL;
    if (link) {
        c->current = (uint8_t)(link - conn_links(c));
        tell_current(hub, c, room);
        return;
    }
    struct filter_event e = {.kind = FILTER_JOIN, .room = args};
    struct filter_result result;
    if (!hub_ask(hub, c, &e, &result))
        return;
    fault = hub_join(hub, c, args, true);
    if (fault)
        hub_error(hub, c, "%s", fault);
}

static void run_part(struct hub *hub, struct conn *c, struct str args)
{
    struct room *room = named_room(hub, c, args);
    if (!room)
        return;
    if (conn_link(c, room->id))
        hub_part(hub, c, room);
    else
        hub_error(hub, c, "You are not in " STR_FMT ".", STR_ARG(room_name(room)));
}

static void run_rooms(struct hub *hub, struct conn *c, struct str args)
{
    (void)args;
    struct event_item items[HUB_LIST_MAX];
    size_t n = 0;
    for (uint32_t id = 0; id < hub->rooms_used && n < HUB_LIST_MAX; id++) {
        const struct room *room = hub->rooms[id];
        if (room)
            items[n++] = (struct event_item){room_name(room), room_present(room)};
    }
    struct event e = {
        .type = EVENT_ROOMS, .count = hub->stats.rooms, .items = items, .item_count = n};
    hub_tell(hub, c, &e);
}

static void run_who(struct hub *hub, struct conn *c, struct str args)
{
    struct event_item items[HUB_LIST_MAX];
    size_t n = 0;
    struct room *room = named_room(hub, c, args);
    if (!room)
        return;
    for (uint32_t i = 0; i < room->count && n < HUB_LIST_MAX; i++) {
        const struct member *m = &room->members[i];
        if (!(m->flags & MEMBER_GHOST))
            items[n++] = (struct event_item){.name = conn_nick(hub_conn(hub, m->handle))};
    }
    struct event e = {
        .type = EVENT_WHO,
        .room = room_name(room),
        .count = room_present(room),
        .items = items,
        .item_count = n,
    };
    hub_tell(hub, c, &e);
}

static void run_msg(struct hub *hub, struct conn *c, struct str args)
{
    struct str nick = str_word(&args);
    if (args.size == 0) {
        hub_error(hub, c, "/msg needs a nick and a text: /msg NICK TEXT");
        return;
    }
    struct conn *to = hub_find_nick(hub, nick);
    if (!to) {
        hub_error(hub, c, "There is nobody called " STR_FMT " here.", STR_ARG(nick));
        return;
    }
    struct filter_event e = {.kind = FILTER_PRIVATE, .to = conn_nick(to), .text = args};
    struct filter_result result;
    if (hub_ask(hub, c, &e, &result) && !hub_private(hub, c, to, result.text))
        hub_error(hub, c, STR_FMT " does not read: your message was not delivered.", STR_ARG(nick));
}

static void run_me(struct hub *hub, struct conn *c, struct str args)
{
    hub_say(hub, c, FILTER_ACTION, args);
}

static void run_history(struct hub *hub, struct conn *c, struct str args)
{
    struct room *room = named_room(hub, c, STR(""));
    uint64_t n = UINT64_MAX;
    if (!room)
        return;
    struct str word = str_word(&args);
    bool since = text_equal_fold(word, STR("since"));
    if (since)
        word = str_word(&args);
    if (((since || word.size > 0) && !parse_number(word, &n)) || args.size > 0) {
        hub_error(hub, c, "/history takes a number: /history [N], /history since SEQ");
        return;
    }
    if (since)
        hub_replay_after(hub, c, room, n);
    else
        hub_replay_last(hub, c, room, n);
}

static void run_wire(struct hub *hub, struct conn *c, struct str args)
{
    enum wire_id id = wire_find(args);
    if (id == WIRE_COUNT) {
        hub_error(hub, c, "There is no encoding \"" STR_FMT "\": /wire line|json", STR_ARG(args));
        return;
    }
    hub_set_wire(hub, c, id);
    struct event e = {
        .type = EVENT_WELCOME,
        .id = c->id,
        .nick = conn_nick(c),
        .server = str_of(hub->server),
        .count = hub->stats.clients - 1,
    };
    hub_tell(hub, c, &e);
}

static void run_ping(struct hub *hub, struct conn *c, struct str args)
{
    struct event e = {.type = EVENT_PONG, .time_ms = hub_now(hub), .token = args};
    hub_tell(hub, c, &e);
}

static void tell_stats(struct hub *hub, struct conn *c, struct event_item *items,
                       char (*names)[FILTER_STATS_NAME])
{
    size_t own = stats_items(&hub->stats, hub->netpoll, items);
    size_t n = 0;
    for (size_t i = 0; i < hub_filters_count(hub); i++)
        n += filter_stats_items(hub_filters_at(hub, i), items + own + n, names + n);
    struct event e = {.type = EVENT_STATS, .items = items, .item_count = own + n};
    hub_tell(hub, c, &e);
}

static void run_stats(struct hub *hub, struct conn *c, struct str args)
{
    (void)args;
    size_t most = hub_filters_count(hub) * FILTER_STATS_ITEMS;
    struct event_item *items = calloc(STATS_ITEMS_MAX + most, sizeof *items);
    char(*names)[FILTER_STATS_NAME] = calloc(most + 1, sizeof *names);
    if (items && names)
        tell_stats(hub, c, items, names);
    else
        hub_error(hub, c, "There is no memory for the counters now.");
    free(items);
    free(names);
}

static void run_reload(struct hub *hub, struct conn *c, struct str args)
{
    bool back = text_equal_fold(args, STR("rollback"));
    if (args.size > 0 && !back) {
        hub_error(hub, c, "/reload takes nothing, or \"rollback\".");
    } else if (hub->reload_for != 0) {
        hub_error(hub, c, "Somebody else wants that just now: ask again.");
    } else {
        hub->reload_for = c->handle;
        hub->reload_back = back;
    }
}

static void run_quit(struct hub *hub, struct conn *c, struct str args)
{
    hub_leave(hub, c, "quit", args);
}

static void run_help(struct hub *hub, struct conn *c, struct str args);

static const struct command commands[] = {
    {"nick", "/nick NAME", "change your nick", run_nick, NEEDS_ARGS},
    {"join", "/join #ROOM", "enter a room; it is your current room then", run_join, NEEDS_ARGS},
    {"part", "/part [#ROOM]", "leave a room", run_part, ORDERLY},
    {"rooms", "/rooms", "which rooms there are", run_rooms, 0},
    {"who", "/who [#ROOM]", "who is in a room", run_who, 0},
    {"msg", "/msg NICK TEXT", "say something to one person only", run_msg, NEEDS_ARGS},
    {"me", "/me TEXT", "say what you do", run_me, NEEDS_ARGS},
    {"history", "/history [N] | since SEQ", "what was said", run_history, 0},
    {"wire", "/wire line|json", "how you want to be spoken to", run_wire, ORDERLY | NEEDS_ARGS},
    {"ping", "/ping [TOKEN]", "is the hub there", run_ping, 0},
    {"stats", "/stats", "the hub's counters", run_stats, 0},
    {"reload", "/reload [rollback]", "load the filters anew, or those before (operators)",
     run_reload, OPERATOR},
    {"help", "/help", "this list; //text says /text", run_help, 0},
    {"quit", "/quit [TEXT]", "leave", run_quit, 0},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void help_of_filter(struct hub *hub, struct conn *c, const struct filter *f)
{
    for (size_t i = 0; i < f->command_count; i++)
        hub_notice(hub, c, "/" STR_FMT ": a command of filter " STR_FMT, STR_ARG(f->commands[i]),
                   STR_ARG(f->name));
}

static void run_help(struct hub *hub, struct conn *c, struct str args)
{
    (void)args;
    for (size_t i = 0; i < COMMANDS; i++) {
        if (!(commands[i].flags & OPERATOR) || is_operator(c))
            hub_notice(hub, c, "%s: %s", commands[i].usage, commands[i].help);
    }
    for (size_t i = 0; i < filter_chain_size(hub->filters); i++)
        help_of_filter(hub, c, filter_chain_at(hub->filters, i));
}

static const struct command *find(struct str name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (text_equal_fold(name, str_of(commands[i].name)))
            return &commands[i];
    }
    return NULL;
}

/* Splits a command line into its row, or NULL, and the arguments without spaces around them. */
static const struct command *split(struct str line, struct str *name, struct str *args)
{
    *args = str_skip(line, 1);
    *name = str_word(args);
    while (args->size > 0 && args->data[args->size - 1] == ' ')
        args->size--;
    return find(*name);
}

bool command_is(struct str line)
{
    return str_starts_with(line, STR("/")) && !str_starts_with(line, STR("//"));
}

bool command_exists(struct str name)
{
    return find(name);
}

bool command_waits(struct str line)
{
    struct str name;
    struct str args;
    if (!command_is(line))
        return false;
    const struct command *command = split(line, &name, &args);
    return command && command->flags & ORDERLY;
}

void command_run(struct hub *hub, struct conn *c, struct str line)
{
    struct str name;
    struct str args;
    const struct command *command = split(line, &name, &args);
    hub->stats.commands++;
    if (!command && hub_filter_command(hub, c, name, args))
        return;
    if (!command)
        hub_error(hub, c, "Unknown command /" STR_FMT ". Try /help.", STR_ARG(name));
    else if (command->flags & OPERATOR && !is_operator(c))
        hub_error(hub, c, "/%s is for operators: those on a unix socket.", command->name);
    else if (command->flags & NEEDS_ARGS && args.size == 0)
        hub_error(hub, c, "/%s needs more: %s", command->name, command->usage);
    else
        command->run(hub, c, args);
}
