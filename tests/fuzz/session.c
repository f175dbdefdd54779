/*
 * A hub and its clients, on the scripted netpoll: input is what the clients write, and what happens
 * around them.
 *
 *   the first bytes    limits of the hub, see choose_limits()
 *   RS letter ...      (RS is 0x1e) something happens: see the table of acts below
 *   anything else      is written by the client that was named last
 *
 * What must hold: everybody is sent what ears.h says, memory stays in its bounds, and when all
 * have gone the hub is as it was at first.
 */
#include "diag.h"
#include "ears.h"
#include "fuzz.h"
#include "hub_fixture.h"
#include "judge.h"

#include <stdlib.h>
#include <time.h>

enum { PLAYERS = 8, RECORD = 0x1e };

struct player {
    struct client *client; /* NULL: never came */
    struct ears ears;
    size_t appetite; /* bytes it reads in a turn; SIZE_MAX: all there is */
    bool broken;     /* what it was sent may end anywhere */
};

static struct {
    struct world world;
    struct hub_limits limits;
    bool shadowed;
    struct player players[PLAYERS];
    struct player *now; /* who writes */
    struct fuzz_input in;
    bool hurried;
    bool starved; /* an allocation was to fail: somebody may be lost for it */
    bool in_turn;
    unsigned until_failure; /* allocations of the hub's; 0: none fails */
    int64_t monotonic_ms;
    int64_t wall_ms;
} game;

/* ---- time and memory ------------------------------------------------------------------------ */

/* The linker chooses these names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

/* Time passes when the input says so. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    int64_t ms = clock == CLOCK_REALTIME ? game.wall_ms : game.monotonic_ms;
    *out = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return 0;
}

/* Those of the hub: what the scripted netpoll and the filter allocate is not wrapped. */
static bool allocation_fails(void)
{
    return game.in_turn && game.until_failure > 0 && --game.until_failure == 0;
}

void *__wrap_malloc(size_t size)
{
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return allocation_fails() ? NULL : __real_realloc(old, size);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- players -------------------------------------------------------------------------------- */

static void read_some(struct player *p)
{
    char bytes[8192];
    size_t most = p->appetite < sizeof bytes ? p->appetite : sizeof bytes;
    size_t n;
    if (!p->client || !p->client->peer)
        return;
    while ((n = netpoll_fake_read(p->client->peer, bytes, most)) > 0) {
        ears_hear(&p->ears, str_from(bytes, n));
        if (p->appetite < SIZE_MAX)
            break;
    }
}

/* No client makes the hub keep more than the limits say, and a segment or two for each room. */
static void check_bounds(void)
{
    const struct hub *hub = &game.world.server->hub;
    size_t most = hub->limits.lag_limit * 2 + (128 << 10);
    for (uint32_t i = 0; i < hub->rooms_used; i++) {
        for (int k = 0; hub->rooms[i] && k < WIRE_COUNT; k++)
            fuzz_check(hub->rooms[i]->live[k].end - hub->rooms[i]->live[k].start <= most,
                       "the log of room %u", i);
    }
    for (uint32_t i = 0; i < hub->used_slots; i++) {
        const struct conn *c = &hub->conns[i];
        fuzz_check(outq_bytes(&c->outq) <= HUB_OUTQ_MAX + (64 << 10), "the out-queue of slot %u",
                   i);
        fuzz_check(c->frame.size <= (256 << 10), "the input kept of slot %u", i);
    }
}

static void turn(void)
{
    game.in_turn = true;
    world_turn(&game.world);
    game.in_turn = false;
    for (int i = 0; i < PLAYERS; i++)
        read_some(&game.players[i]);
    check_bounds();
}

/* The client comes if it is not there. */
static void choose_player(unsigned i)
{
    game.now = &game.players[i];
    if (game.now->client && game.now->client->peer)
        return;
    if (game.world.count >= WORLD_CLIENTS_MAX)
        return;
    ears_fini(&game.now->ears);
    *game.now = (struct player){.client = world_connect(&game.world), .appetite = SIZE_MAX};
    game.now->ears.no_history = game.limits.history == 0;
}

static bool is_there(void)
{
    return game.now->client && game.now->client->peer;
}

static void write_bytes(struct str bytes)
{
    char *copy = fuzz_copy(bytes);
    if (is_there())
        netpoll_fake_write(game.now->client->peer, copy, bytes.size);
    free(copy);
}

/* Of what it is sent, so many more bytes fit; and so many it reads in a turn. */
static void set_appetite(size_t room, size_t appetite)
{
    game.now->appetite = appetite;
    if (is_there())
        netpoll_fake_limit(game.now->client->peer, room);
}

static void leave(void (*how)(struct client *c))
{
    if (!is_there())
        return;
    game.now->broken = true;
    how(game.now->client);
}

/* ---- what may happen ------------------------------------------------------------------------ */

/* The same line many times: queues are long, and inputs short. */
static void write_much(struct str line)
{
    for (int i = 0; i < 64; i++) {
        write_bytes(line);
        write_bytes(STR("\n"));
    }
}

static void act(char letter)
{
    struct netpoll_fake_script *script = netpoll_fake_script(game.world.server->np);
    struct fuzz_input *in = &game.in;
    switch (letter) {
    case 't':
        for (unsigned n = 1 + fuzz_below(in, 8); n > 0; n--)
            turn();
        break;
    case 'l': /* it reads a little, or nothing, and its socket holds little more */
        set_appetite(fuzz_byte(in), fuzz_byte(in));
        break;
    case 'r':
        set_appetite(SIZE_MAX, SIZE_MAX);
        break;
    case 'm': /* up to its newline */
        write_much(fuzz_part(in, '\n'));
        break;
    case 'e':
        leave(client_end);
        break;
    case 'x':
        leave(client_reset);
        break;
    case 'g':
        leave(client_go);
        break;
    case 'o':
        script->reversed = !script->reversed;
        break;
    case 'k':
        script->chunk = fuzz_byte(in);
        break;
    case 'w':
        script->writable_delay = fuzz_below(in, 3); /* world_settle() waits for no more */
        break;
    case 's':
        game.world.server->fanout.slice = 1 + fuzz_byte(in);
        break;
    case 'c': /* time passes: who leaves and does not read is closed at last */
        game.hurried = true;
        game.monotonic_ms += fuzz_byte(in) * 50;
        game.wall_ms += fuzz_byte(in) * 50;
        break;
    case 'j': /* somebody sets the clock */
        game.wall_ms += ((int64_t)fuzz_byte(in) - 128) * 100000000;
        break;
    case 'n': /* so many allocations from now on, one fails */
        game.starved = true;
        game.until_failure = 1 + fuzz_byte(in);
        break;
    case 'f': /* filters are loaded anew, or cannot be */
        game.world.options.filters[0] = fuzz_below(in, 4) ? "judge" : "bad";
        game.world.server->reload.checking = true;
        game.world.server->reload.answer = SERVER_CHECKED_FINE;
        break;
    default:
        if (letter >= '0' && letter < '0' + PLAYERS)
            choose_player((unsigned)(letter - '0'));
    }
}

/* ---- the game ------------------------------------------------------------------------------- */

static void choose_limits(struct fuzz_input *in)
{
    static const uint32_t histories[] = {0, 0, 3, 40};
    unsigned bits = fuzz_byte(in);
    game.limits = world_limits();
    game.limits.max_clients = PLAYERS - 2;
    game.limits.max_line = bits & 1 ? 64 : 1000;
    game.limits.lag_limit = bits & 2 ? 4 << 10 : 100 << 10;
    game.limits.history = histories[bits >> 2 & 3];
    game.limits.presence_max = bits & 16 ? 100 : bits & 32 ? 2 : 0;
    game.limits.slow = bits & 64 ? SLOW_CLOSE : SLOW_SKIP;
    game.shadowed = bits & 128;
}

static void begin(void)
{
    choose_limits(&game.in);
    game.monotonic_ms = 1000000;
    game.wall_ms = 1700000000000;
    world_open(&game.world, &game.limits);
    game.world.options.filters[0] = "judge";
    game.world.options.filter_count = 1;
    game.world.options.shadow = game.shadowed ? "shadow" : NULL;
    game.world.server->host.load = judge_load;
    fuzz_check(server_filters_open(game.world.server) == 0, "no filter");
    choose_player(0);
}

/* Everybody takes what there is. */
static void settle(void)
{
    for (int i = 0; i < PLAYERS; i++) {
        game.now = &game.players[i];
        set_appetite(SIZE_MAX, SIZE_MAX);
    }
    for (unsigned busy = 4; busy > 3;) {
        busy = world_settle(&game.world);
        for (int i = 0; i < PLAYERS; i++)
            read_some(&game.players[i]);
    }
}

/* Then all go. Whom the hub did not break off with was sent whole lines. */
static void end(void)
{
    const struct stats *stats = world_stats(&game.world);
    settle();
    fuzz_check(stats->no_memory == 0 || game.starved, "there is memory for all");
    for (int i = 0; i < PLAYERS; i++) {
        struct player *p = &game.players[i];
        if (p->client && !p->broken && !game.hurried && stats->closed_slow + stats->no_memory == 0)
            fuzz_check(ears_is_whole(&p->ears), "half a line is all that comes");
        ears_fini(&p->ears);
    }
    world_close(&game.world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(&game, 0, sizeof game);
    game.in = (struct fuzz_input){data, size};
    begin();
    while (game.in.left > 0) {
        struct str bytes = fuzz_part(&game.in, RECORD);
        if (bytes.size > 0)
            write_bytes(bytes);
        if (game.in.left > 0)
            act((char)fuzz_byte(&game.in));
    }
    end();
    return 0;
}
