/*
 * The hub against a model of it: random clients do random things, in random pieces, read when they
 * feel like it, come, go and break off; everyone must be sent exactly what the model says.
 *
 *   test_model              the fixed seeds
 *   test_model SEED [OPS]   one of them, or another; with a run of so many operations
 *
 * What the hub takes in, and when, is up to it (input may have to wait). So the model listens at
 * the doors where lines and clients come in: the linker's --wrap puts the functions below between
 * the session and the hub. That also shows that every line a client wrote arrives, once and in
 * order.
 */
#include "command.h"
#include "hub_fixture.h"
#include "hub_model.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    EPISODES = 100,
    OPERATIONS = 2100, /* of one episode: more than 200,000 in all */
    PLAYERS_MAX = 600, /* that ever come in one episode */
    LINE_SIZE = 2048,
};

/* One random client. */
struct player {
    struct client *client;
    struct model_client *model;
    char *written; /* lines that the hub has not taken in yet, each with its newline */
    size_t written_size;
    char *unsent; /* bytes that are still to be sent */
    size_t unsent_size;
    char *heard; /* a line that has not come to its end */
    size_t heard_size;
    size_t appetite;   /* bytes it reads at a time; 0: it does not read */
    bool leaving;      /* it said so, or half closed: it says nothing more */
    bool broken;       /* reset or closed: what it was sent may be cut off anywhere */
    bool disconnected; /* the hub has let go of it */
    bool doomed;
    bool done;
};

static struct episode {
    uint64_t seed;
    struct unit_random random;
    struct hub_limits limits;
    struct world world;
    struct model *model;
    struct player players[PLAYERS_MAX];
    size_t count;
    size_t known; /* of these, so many have been accepted */
    unsigned lines;
    unsigned rooms; /* that can be joined */
    bool lossy;
    bool renaming;
} run;

/* What happened in all episodes: a test in which nothing happens proves nothing. */
static struct stats totals;

static void add_totals(const struct stats *stats)
{
#define ADD(name) totals.name += stats->name;
    STATS_LIST(ADD)
#undef ADD
}

static void assert_all_has_happened(void)
{
    const uint64_t some[] = {totals.messages,     totals.privates,       totals.replays,
                             totals.refused,      totals.filter_drops,   totals.filter_rewrites,
                             totals.filter_kicks, totals.filter_replies, totals.gaps,
                             totals.closed_slow,  totals.held,           totals.undelivered};
    for (size_t i = 0; i < COUNT_OF(some); i++)
        assert_true(some[i] > 0);
}

static size_t below(size_t n)
{
    return (size_t)unit_below(&run.random, n);
}

static bool chance(unsigned percent)
{
    return below(100) < percent;
}

static void grow(char **bytes, size_t *size, const char *more, size_t n)
{
    *bytes = realloc(*bytes, *size + n + 1);
    assert_non_null(*bytes);
    memcpy(*bytes + *size, more, n);
    *size += n;
}

static void shrink(char *bytes, size_t *size, size_t n)
{
    memmove(bytes, bytes + n, *size - n);
    *size -= n;
}

/* ---- at the doors --------------------------------------------------------------------------- */

/* The linker chooses these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void __real_command_run(struct hub *hub, struct conn *c, struct str line);
int __real_server_broadcast(struct server *s, uint64_t client, struct str text);
struct conn *__real_hub_connect(struct hub *hub, uint64_t handle, const struct address_brief *peer);
void __real_hub_leave(struct hub *hub, struct conn *c, const char *why, struct str text);
void __real_hub_disconnect(struct hub *hub, struct conn *c, const char *why);
void __wrap_command_run(struct hub *hub, struct conn *c, struct str line);
int __wrap_server_broadcast(struct server *s, uint64_t client, struct str text);
struct conn *__wrap_hub_connect(struct hub *hub, uint64_t handle, const struct address_brief *peer);
void __wrap_hub_leave(struct hub *hub, struct conn *c, const char *why, struct str text);
void __wrap_hub_disconnect(struct hub *hub, struct conn *c, const char *why);

static struct player *player_of(uint64_t handle)
{
    for (size_t i = run.known; i-- > 0;) {
        if (run.players[i].client->handle == handle)
            return &run.players[i];
    }
    fail_msg("nobody has that handle");
    return NULL;
}

/* The next line that it wrote is the one that was taken in. */
static void take_written(struct player *p, struct str line)
{
    const char *end = memchr(p->written, '\n', p->written_size);
    assert_non_null(end);
    assert_str(line, str_from(p->written, (size_t)(end - p->written)));
    shrink(p->written, &p->written_size, (size_t)(end - p->written) + 1);
}

void __wrap_command_run(struct hub *hub, struct conn *c, struct str line)
{
    struct player *p = player_of(c->handle);
    char copy[LINE_SIZE];
    assert_true(line.size < sizeof copy);
    memcpy(copy, line.data, line.size);
    copy[line.size] = '\0'; /* the model reads numbers to their end */
    struct str kept = {copy, line.size};
    take_written(p, kept);
    uint64_t undelivered = hub->stats.undelivered;
    /* The rest of the model follows when __real_hub_leave() has been called. */
    bool quits = str_starts_with(kept, STR("/quit"));
    __real_command_run(hub, c, line);
    if (!quits && model_is_open(p->model))
        model_command(run.model, p->model, kept, hub->stats.undelivered == undelivered);
}

int __wrap_server_broadcast(struct server *s, uint64_t client, struct str text)
{
    struct player *p = player_of(client);
    char copy[LINE_SIZE];
    assert_true(text.size < sizeof copy);
    memcpy(copy, text.data, text.size);
    bool escaped = text.size > 0 && text.data[0] == '/';
    if (escaped) { /* it was "//text" */
        assert_true(p->written_size > 0 && p->written[0] == '/');
        shrink(p->written, &p->written_size, 1);
    }
    take_written(p, str_from(copy, text.size));
    model_message(run.model, p->model, str_from(copy, text.size));
    return __real_server_broadcast(s, client, text);
}

struct conn *__wrap_hub_connect(struct hub *hub, uint64_t handle, const struct address_brief *peer)
{
    struct player *p = &run.players[run.known++];
    assert_true(run.known <= run.count);
    p->client->handle = handle;
    struct conn *c = __real_hub_connect(hub, handle, peer);
    p->model = c ? model_connect(run.model, c->id) : model_refuse(run.model);
    p->leaving |= !c;
    return c;
}

void __wrap_hub_leave(struct hub *hub, struct conn *c, const char *why, struct str text)
{
    struct player *p = player_of(c->handle);
    if (c->state == CONN_OPEN)
        model_leave(run.model, p->model, text);
    p->leaving = true;
    __real_hub_leave(hub, c, why, text);
}

void __wrap_hub_disconnect(struct hub *hub, struct conn *c, const char *why)
{
    struct player *p = player_of(c->handle);
    p->doomed = c->flags & CONN_DOOMED;
    p->leaving = true;
    p->disconnected = true;
    if (c->state == CONN_OPEN)
        model_leave(run.model, p->model, STR(""));
    __real_hub_disconnect(hub, c, why);
    model_gone(run.model, p->model);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- the filter ----------------------------------------------------------------------------- */

struct judge {
    struct filter base;
    char text[LINE_SIZE];
};

static void judge_on_event(struct filter *f, const struct filter_event *e,
                           struct filter_result *result)
{
    struct judge *judge = (struct judge *)f;
    result->verdict = model_verdict(e->text);
    result->text = e->text;
    if (result->verdict != FILTER_REPLACE)
        return;
    int n = snprintf(judge->text, sizeof judge->text, MODEL_SWAPPED STR_FMT, STR_ARG(e->text));
    result->text = str_from(judge->text, (size_t)n);
}

static void judge_free(struct filter *f)
{
    free(f);
}

static struct filter_chain *make_chain(void)
{
    static const struct filter_ops ops = {.on_event = judge_on_event, .free = judge_free};
    struct filter_chain *chain = filter_chain_new(run.limits.max_line);
    struct judge *judge = calloc(1, sizeof *judge);
    assert_true(chain && judge);
    judge->base.ops = &ops;
    judge->base.name = STR("judge");
    judge->base.kinds = 1 << FILTER_MESSAGE | 1 << FILTER_ACTION;
    assert_int_equal(filter_chain_add(chain, &judge->base), 0);
    return chain;
}

/* ---- players -------------------------------------------------------------------------------- */

static bool is_active(const struct player *p)
{
    return p->model && !p->leaving && !p->broken && !p->done;
}

static struct player *any_player(void)
{
    for (int tries = 0; tries < 20 && run.count > 0; tries++) {
        struct player *p = &run.players[below(run.count)];
        if (is_active(p))
            return p;
    }
    return NULL;
}

static void new_player(void)
{
    if (run.count == PLAYERS_MAX)
        return;
    struct player *p = &run.players[run.count++];
    *p = (struct player){.client = world_connect(&run.world), .appetite = SIZE_MAX};
}

/* Gives the netpoll up to `n` of the bytes that wait. */
static void send_some(struct player *p, size_t n)
{
    if (p->leaving || p->broken)
        return;
    n = n < p->unsent_size ? n : p->unsent_size;
    if (n == 0)
        return;
    netpoll_fake_write(p->client->peer, p->unsent, n);
    shrink(p->unsent, &p->unsent_size, n);
}

__attribute__((format(printf, 2, 3))) static void write_line(struct player *p, const char *format,
                                                             ...)
{
    char line[LINE_SIZE];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    line[size++] = '\n';
    grow(&p->written, &p->written_size, line, (size_t)size);
    grow(&p->unsent, &p->unsent_size, line, (size_t)size);
}

/* A message that was never said before, of any length. */
static void write_message(struct player *p)
{
    static const char *const heads[] = {"//", "drop ", "reply ", "swap ", "/me ", "/me swap "};
    const char *head = chance(15) ? heads[below(COUNT_OF(heads))] : "";
    char text[1200];
    size_t size = chance(3) && !*head ? below(27) * 30 : below(27);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 26);
    text[size] = '\0';
    write_line(p, "%sm%u %s.", head, run.lines++, text);
}

static void write_command(struct player *p)
{
    unsigned n = run.lines++;
    switch (below(9)) {
    case 0:
        if (run.renaming)
            write_line(p, "/nick n%u", n % 3 ? n : (unsigned)below(20));
        break;
    case 1:
        write_line(p, "/part #r%zu", below(run.rooms + 1));
        break;
    case 2:
        write_line(p, "/part");
        break;
    case 3:
        write_line(p, "/history");
        break;
    case 4:
        write_line(p, chance(50) ? "/history since %zu" : "/history %zu", below(40));
        break;
    case 5:
        write_line(p, "/wire %s", chance(50) ? "json" : "line");
        break;
    case 6:
        write_line(p, "/ping p%u", n);
        break;
    case 7:
        write_line(p, "/msg client-%zu to m%u", 1 + below(run.count), n);
        break;
    default:
        if (run.rooms > 0)
            write_line(p, "/join #r%zu", below(run.rooms));
    }
}

static void write_something(struct player *p)
{
    for (size_t n = 1 + (chance(20) ? below(8) : 0); n > 0; n--) {
        if (chance(75))
            write_message(p);
        else
            write_command(p);
    }
    send_some(p, chance(80) ? SIZE_MAX : below(20));
}

/* More than anybody's out-queue takes. */
static void write_nagging(struct player *p)
{
    const struct player *to = any_player();
    const struct conn *c = to ? client_conn(to->client) : NULL;
    if (!c)
        return;
    for (int n = 0; n < 90; n++)
        write_line(p, "/msg " STR_FMT " to m%u %01000d", STR_ARG(conn_nick(c)), run.lines++, n);
    send_some(p, SIZE_MAX);
}

/* It reads everything, nothing, or in sips; its socket holds more or less. */
static void change_appetite(struct player *p)
{
    static const size_t appetites[] = {SIZE_MAX, SIZE_MAX, 0, 1, 7, 50, 1000};
    static const size_t rooms[] = {0, 1, 10, 100, 5000};
    p->appetite = appetites[below(COUNT_OF(appetites))];
    if (p->appetite == SIZE_MAX)
        client_resume(p->client);
    else
        netpoll_fake_limit(p->client->peer, rooms[below(COUNT_OF(rooms))] + (p->appetite > 0));
}

static void say_goodbye(struct player *p)
{
    if (chance(40))
        write_line(p, chance(50) ? "/quit" : "/quit bye q%u", run.lines++);
    else if (chance(40))
        write_line(p, "kick m%u", run.lines++);
    bool unfinished = chance(30);
    if (unfinished) { /* the last line may lack its newline */
        write_message(p);
        p->unsent_size--;
    }
    send_some(p, SIZE_MAX);
    p->leaving = true;
    if (unfinished || chance(50))
        client_end(p->client);
}

static void break_off(struct player *p)
{
    send_some(p, SIZE_MAX);
    p->broken = true;
    if (chance(50))
        client_reset(p->client);
    else
        client_end(p->client);
}

/* ---- reading -------------------------------------------------------------------------------- */

static void hear(struct player *p, const char *bytes, size_t n)
{
    grow(&p->heard, &p->heard_size, bytes, n);
    size_t at = 0;
    const char *end;
    while ((end = memchr(p->heard + at, '\n', p->heard_size - at))) {
        size_t next = (size_t)(end - p->heard) + 1;
        model_hear(run.model, p->model, str_from(p->heard + at, next - 1 - at));
        at = next;
    }
    shrink(p->heard, &p->heard_size, at);
}

/* All was read, and there will be no more. */
static void finish_player(struct player *p)
{
    if (!p->broken && !p->doomed) {
        assert_int_equal(p->heard_size, 0);
        model_finish(run.model, p->model);
    }
    p->done = true;
    p->leaving = true;
    client_go(p->client);
}

static void read_some(struct player *p)
{
    char bytes[16384];
    size_t most = p->appetite < sizeof bytes ? p->appetite : sizeof bytes;
    size_t n;
    if (p->done || !p->model)
        return;
    while ((n = netpoll_fake_read(p->client->peer, bytes, most)) > 0) {
        hear(p, bytes, n);
        if (p->appetite < SIZE_MAX)
            break;
    }
    if (netpoll_fake_at_end(p->client->peer))
        finish_player(p);
}

static void everybody_reads(void)
{
    for (size_t i = 0; i < run.count; i++)
        read_some(&run.players[i]);
}

/* ---- episodes ------------------------------------------------------------------------------- */

static void check_bounds(void)
{
    const struct hub *hub = &run.world.server->hub;
    /* What one turn may post, and a segment of slack: memory goes by segments. */
    size_t most = hub->limits.lag_limit * 2 + (128 << 10);
    for (uint32_t i = 0; i < hub->rooms_used; i++) {
        for (int k = 0; hub->rooms[i] && k < WIRE_COUNT; k++)
            assert_in_range(hub->rooms[i]->live[k].end - hub->rooms[i]->live[k].start, 0, most);
    }
}

static void operate(void)
{
    struct player *p = any_player();
    if ((run.count < 5 && chance(30)) || chance(p ? 2 : 10))
        new_player();
    else if (!p)
        return;
    else if (below(1000) < 1)
        write_nagging(p);
    else if (chance(10))
        change_appetite(p);
    else if (chance(1))
        say_goodbye(p);
    else if (chance(1))
        break_off(p);
    else
        write_something(p);
}

static void step(void)
{
    operate();
    if (chance(30)) {
        world_turn(&run.world);
        everybody_reads();
    }
    if (chance(1))
        check_bounds();
}

static void choose_limits(void)
{
    static const size_t lags[] = {4 << 10, 16 << 10, 60 << 10, 200 << 10, 1 << 30};
    static const uint32_t histories[] = {0, 1, 20, 300};
    static const uint32_t presences[] = {0, 3, 100};
    run.limits = world_limits();
    run.limits.max_clients = chance(20) ? 8 : PLAYERS_MAX;
    run.limits.lag_limit = lags[below(COUNT_OF(lags))];
    run.limits.history = histories[below(COUNT_OF(histories))];
    run.limits.presence_max = presences[below(COUNT_OF(presences))];
    run.limits.slow = chance(20) ? SLOW_CLOSE : SLOW_SKIP;
    run.lossy = run.limits.lag_limit < 1 << 30;
    run.rooms = chance(20) ? 70 : (unsigned)below(5);
    /* A line of a new nick says nothing of its room: where lines may be missing, nobody could tell
     * which of several it is. */
    run.renaming = !run.lossy || run.rooms == 0;
}

static void open_episode(uint64_t seed)
{
    run = (struct episode){.seed = seed, .random = {seed}};
    choose_limits();
    run.model = model_new(&run.limits, run.lossy);
    world_open_filtered(&run.world, &run.limits, make_chain());
    struct netpoll_fake_script *script = netpoll_fake_script(run.world.server->np);
    script->reversed = chance(50);
    script->chunk = chance(50) ? 1 + below(30) : 0;
    script->writable_delay = (unsigned)below(3);
    run.world.server->fanout.slice = chance(70) ? 1 + (uint32_t)below(10) : 1024;
}

/* Everybody reads again, says the rest, and hears it all; then they go. */
static void close_episode(void)
{
    for (size_t i = 0; i < run.count; i++) {
        struct player *p = &run.players[i];
        if (p->done)
            continue;
        p->appetite = SIZE_MAX;
        client_resume(p->client);
        send_some(p, SIZE_MAX);
    }
    for (unsigned busy = 4; busy > 3;) {
        busy = world_settle(&run.world);
        everybody_reads();
    }
    for (size_t i = 0; i < run.count; i++) {
        struct player *p = &run.players[i];
        if (!is_active(p))
            continue;
        assert_int_equal(p->written_size, 0);
        finish_player(p);
    }
    world_settle(&run.world);
}

static void free_players(void)
{
    for (size_t i = 0; i < run.count; i++) {
        free(run.players[i].written);
        free(run.players[i].unsent);
        free(run.players[i].heard);
    }
}

static void play(uint64_t seed, unsigned operations)
{
    open_episode(seed);
    for (unsigned n = 0; n < operations; n++)
        step();
    close_episode();
    const struct stats *stats = world_stats(&run.world);
    if (!run.lossy)
        assert_int_equal(stats->gaps, 0);
    if (run.limits.slow == SLOW_SKIP)
        assert_int_equal(stats->closed_slow, 0);
    assert_int_equal(stats->no_memory, 0);
    assert_true(model_skipped(run.model) <= stats->skipped);
    add_totals(stats);
    world_close(&run.world);
    model_free(run.model);
    free_players();
}

static void every_client_hears_what_the_model_says(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= EPISODES; seed++)
        play(seed, OPERATIONS);
    assert_all_has_happened();
}

static int say_seed(void **state)
{
    (void)state;
    print_message("the last seed was %" PRIu64 "\n", run.seed);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_client_hears_what_the_model_says, say_seed),
    };
    if (argc == 1)
        return cmocka_run_group_tests(tests, NULL, NULL);
    play(strtoull(argv[1], NULL, 10), argc > 2 ? (unsigned)atoi(argv[2]) : OPERATIONS);
    return 0;
}
