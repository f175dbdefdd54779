/* See hub_fixture.h. */
#include "hub_fixture.h"

#include "diag.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>

enum {
    TURNS_MAX = 200000, /* of one world_settle() */
    LINE_MAX_BYTES = 9000,
    QUIET_TURNS = 3, /* in a row without anything to do: it is settled */
};

#define START_NS 1000000000000ULL

enum { TURN_NS = 1000 };

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* ---- the world ------------------------------------------------------------------------------ */

struct hub_limits world_limits(void)
{
    return (struct hub_limits){
        .max_clients = WORLD_CLIENTS_MAX,
        .max_line = 8192,
        .lag_limit = 1 << 20,
        .slow = SLOW_SKIP,
    };
}

static void open_poller(struct world *w)
{
    char note[256];
    struct netpoll_options options = {.max_handles = w->server->max_slots};
    assert_int_equal(netpoll_open_ops(&w->server->np, &netpoll_fake_ops, &options, &server_handlers,
                                      w->server, note, sizeof note),
                     0);
    w->server->np->held_clock = &w->clock;
    w->server->hub.netpoll = netpoll_stats(w->server->np);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(netpoll_listen(w->server->np, fd, &w->listener), 0);
}

void world_open_filtered(struct world *w, const struct hub_limits *limits,
                         struct filter_chain *filters)
{
    *w = (struct world){.options.limits = *limits, .clock = START_NS};
    diag_init("test", DIAG_ERROR);
    struct server *s = must(calloc(1, sizeof *s));
    w->server = s;
    s->options = &w->options;
    s->max_slots = limits->max_clients + 64;
    s->attended.items = must(calloc(s->max_slots + 1, sizeof *s->attended.items));
    s->filters_due = INT64_MAX;
    s->checker_fd = -1;
    assert_int_equal(hub_init(&s->hub, limits, s->max_slots + 1), 0);
    s->hub.taken_max_ns = UINT64_MAX; /* what happens is the same on any machine */
    filter_chain_free(s->hub.filters);
    s->hub.filters = filters;
    open_poller(w);
    assert_int_equal(fanout_init(&s->fanout, &s->hub, s->np, s->max_slots + 1), 0);
    s->fanout.slice_ns = 0;
}

void world_open(struct world *w, const struct hub_limits *limits)
{
    world_open_filtered(w, limits, must(filter_chain_new(limits->max_line)));
}

void world_free(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        netpoll_fake_free(w->clients[i]->peer);
        free(w->clients[i]->heard);
        free(w->clients[i]->unsaid);
        free(w->clients[i]);
    }
    server_close(w->server);
}

static void say_unsaid(struct client *c);

void world_turn(struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        say_unsaid(w->clients[i]);
    w->clock += TURN_NS;
    assert_int_equal(server_turn(w->server, 0), 0);
}

/* Everything that changes when a turn had something to do. */
static uint64_t activity(const struct world *w)
{
    const struct netpoll_stats *n = netpoll_stats(w->server->np);
    const struct stats *s = &w->server->hub.stats;
    return n->accepted + n->reads + n->sends + n->open + s->commands + s->messages + s->connections;
}

unsigned world_settle(struct world *w)
{
    unsigned busy = 0;
    unsigned quiet = 0;
    for (unsigned n = 0; quiet < QUIET_TURNS; n++) {
        uint64_t before = activity(w);
        bool work_left = w->server->work_left;
        world_turn(w);
        bool idle = !work_left && !w->server->work_left && activity(w) == before;
        quiet = idle ? quiet + 1 : 0;
        busy += !idle;
        if (n > TURNS_MAX)
            fail_msg("the hub does not come to rest");
    }
    return busy;
}

void world_hush(struct world *w)
{
    world_settle(w);
    for (size_t i = 0; i < w->count; i++)
        client_forget(w->clients[i]);
}

size_t world_log_bytes(const struct world *w)
{
    const struct hub *hub = &w->server->hub;
    size_t bytes = 0;
    for (uint32_t i = 0; i < hub->rooms_used; i++) {
        for (int k = 0; hub->rooms[i] && k < WIRE_COUNT; k++)
            bytes += hub->rooms[i]->live[k].end - hub->rooms[i]->live[k].start;
    }
    return bytes;
}

size_t world_readers(const struct world *w)
{
    const struct hub *hub = &w->server->hub;
    size_t readers = 0;
    for (uint32_t i = 0; i < hub->rooms_used; i++) {
        for (int k = 0; hub->rooms[i] && k < WIRE_COUNT; k++)
            readers += hub->rooms[i]->live[k].readers + hub->rooms[i]->history[k].readers;
    }
    return readers;
}

const struct stats *world_stats(const struct world *w)
{
    return &w->server->hub.stats;
}

static void assert_as_at_first(const struct world *w)
{
    const struct hub *hub = &w->server->hub;
    const struct room *lobby = hub->rooms[0];
    assert_int_equal(hub->stats.clients, 0);
    assert_int_equal(hub->stats.rooms, 1);
    assert_int_equal(hub->leaving, 0);
    assert_int_equal(hub->nicks.count, 0);
    assert_int_equal(hub->room_names.count, 1);
    assert_int_equal(hub->dirty.count + hub->pending.count + hub->attend.count, 0);
    assert_int_equal(lobby->count + lobby->ghosts, 0);
    assert_int_equal(world_log_bytes(w), 0);
    assert_int_equal(world_readers(w), 0);
    for (int k = 0; k < WIRE_COUNT; k++) {
        assert_null(lobby->live[k].first);
        assert_true(room_log_count(&lobby->history[k], lobby->history[k].start,
                                   lobby->history[k].end) <= hub->limits.history);
    }
    assert_int_equal(netpoll_stats(w->server->np)->open, 1); /* the listener */
}

void world_close(struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        client_go(w->clients[i]);
    world_settle(w);
    assert_as_at_first(w);
    world_free(w);
}

/* ---- clients: coming and going -------------------------------------------------------------- */

struct client *world_connect(struct world *w)
{
    assert_true(w->count < WORLD_CLIENTS_MAX);
    struct client *c = must(calloc(1, sizeof *c));
    *c = (struct client){.world = w, .peer = netpoll_fake_connect(w->server->np, w->listener)};
    w->clients[w->count++] = c;
    return c;
}

static const struct conn *newest_conn(const struct hub *hub)
{
    for (uint32_t i = 0; i < hub->used_slots; i++) {
        if (hub->conns[i].state != CONN_FREE && hub->conns[i].id == hub->next_id - 1)
            return &hub->conns[i];
    }
    return NULL;
}

struct client *world_client(struct world *w)
{
    struct client *c = world_connect(w);
    uint64_t before = w->server->hub.next_id;
    world_turn(w);
    assert_int_equal(w->server->hub.next_id, before + 1);
    const struct conn *conn = newest_conn(&w->server->hub);
    assert_non_null(conn);
    c->handle = conn->handle;
    c->id = conn->id;
    return c;
}

void world_clients(struct world *w, struct client **out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = world_client(w);
    world_hush(w);
}

/* What it has said and was not read goes first. */
static void send_unsaid(struct client *c)
{
    netpoll_fake_write(c->peer, c->unsaid, c->unsaid_size);
    free(c->unsaid);
    c->unsaid = NULL;
    c->unsaid_size = 0;
}

void client_end(struct client *c)
{
    send_unsaid(c);
    netpoll_fake_half_close(c->peer);
}

void client_reset(struct client *c)
{
    send_unsaid(c);
    netpoll_fake_reset(c->peer);
}

void client_go(struct client *c)
{
    if (!c->peer)
        return;
    send_unsaid(c);
    netpoll_fake_free(c->peer);
    c->peer = NULL;
}

struct conn *client_conn(const struct client *c)
{
    return hub_conn(&c->world->server->hub, c->handle);
}

/* ---- clients: saying ------------------------------------------------------------------------ */

bool client_is_read(const struct client *c)
{
    struct netpoll *np = c->world->server->np;
    return netpoll_find(np, c->handle) && netpoll_may_read(np, netpoll_slot(c->handle));
}

/* In memory that is gone right after, as netpoll may do it. */
static void say_unsaid(struct client *c)
{
    if (c->unsaid_size == 0 || !client_is_read(c))
        return;
    char *bytes = c->unsaid;
    size_t n = c->unsaid_size;
    c->unsaid = NULL;
    c->unsaid_size = 0;
    netpoll_deliver_data(c->world->server->np, netpoll_slot(c->handle), bytes, n);
    free(bytes);
}

void client_bytes(struct client *c, const char *bytes, size_t n)
{
    c->unsaid = must(realloc(c->unsaid, c->unsaid_size + n));
    memcpy(c->unsaid + c->unsaid_size, bytes, n);
    c->unsaid_size += n;
    say_unsaid(c);
}

void client_say(struct client *c, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    assert_true(size > 0 && size < (int)sizeof line - 1);
    line[size++] = '\n';
    client_bytes(c, line, (size_t)size);
}

/* ---- clients: hearing ----------------------------------------------------------------------- */

void client_stall(struct client *c, size_t more)
{
    netpoll_fake_limit(c->peer, netpoll_fake_unread(c->peer) + more);
}

void client_resume(struct client *c)
{
    netpoll_fake_limit(c->peer, SIZE_MAX);
}

const char *client_heard(struct client *c)
{
    size_t more = c->peer ? netpoll_fake_unread(c->peer) : 0;
    if (c->size + more + 1 > c->room) {
        c->room = (c->size + more + 1) * 2;
        c->heard = must(realloc(c->heard, c->room));
    }
    if (more > 0)
        c->size += netpoll_fake_read(c->peer, c->heard + c->size, more);
    c->heard[c->size] = '\0';
    return c->heard;
}

void client_forget(struct client *c)
{
    client_heard(c);
    c->size = 0;
}

size_t client_count(struct client *c, const char *text)
{
    size_t n = 0;
    for (const char *at = client_heard(c); (at = strstr(at, text)); at += strlen(text))
        n++;
    return n;
}

void client_assert_heard(struct client *c, const char *text, const char *file, int line)
{
    _assert_string_equal(client_heard(c), text, file, line);
    client_forget(c);
}
