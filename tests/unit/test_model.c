/*
 * The hub against a model of it: random clients do random things, in random pieces, read when they
 * feel like it, come, go and break off; everyone must be sent exactly what the model says.
 *
 *   test_model              the fixed seeds: a million operations
 *   test_model part K N     every N-th of them, from the K-th on
 *   test_model SEED [OPS]   one of them, or another; with a run of so many operations
 *
 * What the hub takes in, and when, is up to it (input may have to wait). So the model listens at
 * the doors where lines and clients come in: see model_doors.c. That also shows that every line a
 * client wrote arrives, once and in order.
 */
#include "model_judge.h"
#include "model_run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    EPISODES = 480,
    OPERATIONS = 2100, /* of one episode: more than a million in all */
};

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
    const uint64_t some[] = {
        totals.messages,       totals.privates,        totals.replays,       totals.refused,
        totals.filter_drops,   totals.filter_rewrites, totals.filter_kicks,  totals.filter_replies,
        totals.gaps,           totals.closed_slow,     totals.held,          totals.undelivered,
        totals.filter_diverts, totals.filter_shadows,  model_reloads[false], model_reloads[true]};
    for (size_t i = 0; i < COUNT_OF(some); i++)
        assert_true(some[i] > 0);
}

/* ---- players -------------------------------------------------------------------------------- */

static bool is_active(const struct player *p)
{
    return p->model && !p->leaving && !p->broken && !p->done;
}

static struct player *any_player(void)
{
    for (int tries = 0; tries < 20 && run.count > 0; tries++) {
        struct player *p = &run.players[model_below(run.count)];
        if (is_active(p))
            return p;
    }
    return NULL;
}

static void new_player(void)
{
    if (run.count == MODEL_PLAYERS_MAX)
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
    model_shrink(p->unsent, &p->unsent_size, n);
}

__attribute__((format(printf, 2, 3))) static void write_line(struct player *p, const char *format,
                                                             ...)
{
    char line[MODEL_LINE_SIZE];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    line[size++] = '\n';
    model_grow(&p->written, &p->written_size, line, (size_t)size);
    model_grow(&p->unsent, &p->unsent_size, line, (size_t)size);
}

/* A message that was never said before, of any length. */
static void write_message(struct player *p)
{
    static const char *const heads[] = {
        "//",     "/me ",   "drop ",     "reply ",    "swap ",      "hush ",      "okay ",
        "speak ", "later ", "/me swap ", "/me drop ", "shift #r0 ", "shift #r1 ", "shift #lobby "};
    const char *head = model_chance(15) ? heads[model_below(COUNT_OF(heads))] : "";
    char text[1200];
    size_t size = model_chance(3) && !*head ? model_below(27) * 30 : model_below(27);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 26);
    text[size] = '\0';
    write_line(p, "%sm%u %s.", head, run.lines++, text);
}

static void write_command(struct player *p)
{
    unsigned n = run.lines++;
    static const char *const heads[] = {"to", "drop", "reply", "swap", "hush", "okay", "shift"};
    switch (model_below(11)) {
    case 0:
        if (run.renaming)
            write_line(p, "/nick n%u", n % 3 ? n : (unsigned)model_below(20));
        break;
    case 1:
        write_line(p, "/part #r%zu", model_below(run.rooms + 1));
        break;
    case 2:
        write_line(p, "/part");
        break;
    case 3:
        write_line(p, "/history");
        break;
    case 4:
        write_line(p, model_chance(50) ? "/history since %zu" : "/history %zu", model_below(40));
        break;
    case 5:
        write_line(p, "/wire %s", model_chance(50) ? "json" : "line");
        break;
    case 6:
        write_line(p, "/ping p%u", n);
        break;
    case 7:
        write_line(p, "/msg client-%zu %s m%u", 1 + model_below(run.count),
                   heads[model_chance(70) ? 0 : model_below(COUNT_OF(heads))], n);
        break;
    case 8:
        write_line(p, "/judge j%u", n);
        break;
    case 9:
        if (model_chance(20))
            write_line(p, "/reload");
        break;
    default:
        if (run.rooms > 0)
            write_line(p, "/join #r%zu", model_below(run.rooms));
    }
}

static void write_something(struct player *p)
{
    for (size_t n = 1 + (model_chance(20) ? model_below(8) : 0); n > 0; n--) {
        if (model_chance(75))
            write_message(p);
        else
            write_command(p);
    }
    send_some(p, model_chance(80) ? SIZE_MAX : model_below(20));
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
    p->appetite = appetites[model_below(COUNT_OF(appetites))];
    if (p->appetite == SIZE_MAX)
        client_resume(p->client);
    else
        netpoll_fake_limit(p->client->peer,
                           rooms[model_below(COUNT_OF(rooms))] + (p->appetite > 0));
}

static void say_goodbye(struct player *p)
{
    if (model_chance(40))
        write_line(p, model_chance(50) ? "/quit" : "/quit bye q%u", run.lines++);
    else if (model_chance(40))
        write_line(p, "kick m%u", run.lines++);
    bool unfinished = model_chance(30);
    if (unfinished) { /* the last line may lack its newline */
        write_message(p);
        p->unsent_size--;
    }
    send_some(p, SIZE_MAX);
    p->leaving = true;
    if (unfinished || model_chance(50))
        client_end(p->client);
}

static void break_off(struct player *p)
{
    send_some(p, SIZE_MAX);
    p->broken = true;
    if (model_chance(50))
        client_reset(p->client);
    else
        client_end(p->client);
}

/* ---- reading -------------------------------------------------------------------------------- */

static void hear(struct player *p, const char *bytes, size_t n)
{
    model_grow(&p->heard, &p->heard_size, bytes, n);
    size_t at = 0;
    const char *end;
    while ((end = memchr(p->heard + at, '\n', p->heard_size - at))) {
        size_t next = (size_t)(end - p->heard) + 1;
        model_hear(run.model, p->model, str_from(p->heard + at, next - 1 - at));
        at = next;
    }
    model_shrink(p->heard, &p->heard_size, at);
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
    if ((run.count < 5 && model_chance(30)) || model_chance(p ? 2 : 10))
        new_player();
    else if (!p)
        return;
    else if (model_below(1000) < 1)
        write_nagging(p);
    else if (model_chance(10))
        change_appetite(p);
    else if (model_chance(1))
        say_goodbye(p);
    else if (model_chance(1))
        break_off(p);
    else
        write_something(p);
}

static void step(void)
{
    operate();
    if (model_chance(30)) {
        world_turn(&run.world);
        everybody_reads();
    }
    if (model_below(1000) < 1)
        run.world.server->reload.wanted = true;
    if (model_chance(1))
        check_bounds();
}

static void choose_limits(void)
{
    static const size_t lags[] = {4 << 10, 16 << 10, 60 << 10, 200 << 10, 1 << 30};
    static const uint32_t histories[] = {0, 1, 20, 300};
    static const uint32_t presences[] = {0, 3, 100};
    run.limits = world_limits();
    run.limits.max_clients = model_chance(20) ? 8 : MODEL_PLAYERS_MAX;
    run.limits.lag_limit = lags[model_below(COUNT_OF(lags))];
    run.limits.history = histories[model_below(COUNT_OF(histories))];
    run.limits.presence_max = presences[model_below(COUNT_OF(presences))];
    run.limits.slow = model_chance(20) ? SLOW_CLOSE : SLOW_SKIP;
    run.lossy = run.limits.lag_limit < 1 << 30;
    run.rooms = model_chance(20) ? 70 : (unsigned)model_below(5);
    /* A line of a new nick says nothing of its room: where lines may be missing, nobody could tell
     * which of several it is. */
    run.renaming = !run.lossy || run.rooms == 0;
}

static void open_episode(uint64_t seed)
{
    run = (struct episode){.seed = seed, .random = {seed}};
    choose_limits();
    run.model = model_new(&run.limits, run.lossy);
    world_open(&run.world, &run.limits);
    run.world.options.filters[0] = "judge";
    run.world.options.filter_count = 1;
    run.world.server->host.load = judge_load;
    assert_int_equal(server_filters_open(run.world.server), 0);
    struct netpoll_fake_script *script = netpoll_fake_script(run.world.server->np);
    script->reversed = model_chance(50);
    script->chunk = model_chance(50) ? 1 + model_below(30) : 0;
    script->writable_delay = (unsigned)model_below(3);
    run.world.server->fanout.slice = model_chance(70) ? 1 + (uint32_t)model_below(10) : 1024;
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

static char last_words[64];

static void play(uint64_t seed, unsigned operations)
{
    open_episode(seed);
    snprintf(last_words, sizeof last_words, "the seed was %-20" PRIu64 "\n", seed);
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

/* Every `parts`-th of the fixed seeds, from `part` on. */
static struct {
    unsigned part;
    unsigned parts;
} range = {1, 1};

static void every_client_hears_what_the_model_says(void **state)
{
    (void)state;
    for (uint64_t seed = range.part; seed <= EPISODES; seed += range.parts)
        play(seed, OPERATIONS);
    assert_all_has_happened();
}

static int say_seed(void **state)
{
    (void)state;
    print_message("# the last seed was %" PRIu64 ", of %d operations\n", run.seed, OPERATIONS);
    return 0;
}

/* The same where the program ends on the spot, perhaps in a signal handler. */
static void say_last_seed(void)
{
    ssize_t ignored = write(STDERR_FILENO, last_words, sizeof last_words);
    (void)ignored;
}

static void on_abort(int signal_number)
{
    (void)signal_number;
    say_last_seed();
}

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void expect_death(void)
{
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(say_last_seed);
    signal(SIGABRT, on_abort); /* the program ends all the same when it returns */
}

static int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_client_hears_what_the_model_says, say_seed),
    };
    bool part = argc == 4 && strcmp(argv[1], "part") == 0;
    expect_death();
    if (argc > 1 && !part) {
        play(strtoull(argv[1], NULL, 10), argc > 2 ? (unsigned)number(argv[2]) : OPERATIONS);
        return 0;
    }
    if (part) {
        range.part = (unsigned)number(argv[2]);
        range.parts = (unsigned)number(argv[3]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
