/*
 * The watch: stops a call into a script that takes too long.
 *
 * Why not a count hook. Lua can call a function every N instructions, but with such a hook set the
 * interpreter takes the slow path for every instruction (a trivial call: 370 -> 670 ns). So no
 * hook is set until a call is late.
 *
 * How. A kernel timer, owned by the watch, signals the thread the watch was made in. The handler
 * runs in that thread, in the middle of Lua, where the one thing it may do is lua_sethook(): the
 * hook then raises an error at the next instruction, and again at each instruction after it, so
 * that a pcall in the script gains nothing. The hook goes when the call has ended.
 *
 * What it costs. Two stores a call, no system call: the timer is set by the first call after a
 * pause, sets itself again while there are calls, and goes silent when there are none.
 *
 * What is measured. A script has no way to wait: processor time of the thread and the clock on the
 * wall differ only when the machine does other things meanwhile, and for that no script is to
 * blame. So a call has its budget in processor time, and is stopped after it and before twice of
 * it. But others wait for the hub, whoever is to blame: so a call does not last longer than
 * `patience` times its budget on the wall either. Then it is stopped as *starved*, which is no
 * fault; unless what it used, together with other starved calls, comes to a whole budget: a loop
 * must not get away with it because the machine is slow. A call that had less than a quarter of its
 * budget of the processor is let go on: it is not what holds the hub.
 *
 * What it relies on. SIGURG (ignored by default, so that a stray one is harmless) is not blocked
 * in the thread; system calls of that thread may return EINTR, at most twice for each pause. Code
 * in C called by Lua is not stopped in the middle: everything a script can reach is bounded there
 * by other means (lua_host_string.c, lua_host_table.c, LUA_MEMORY_BLOCK_MAX). There are no
 * globals: the timer carries the pointer, so each thread may have watches of its own.
 */
#ifndef CHATROOM_LUA_HOST_WATCH_H
#define CHATROOM_LUA_HOST_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct lua_State;

/* How a call ended. */
enum lua_watch_end {
    LUA_WATCH_IN_TIME,
    LUA_WATCH_STOPPED, /* it used up its budget */
    LUA_WATCH_STARVED, /* it did not, but it took too long */
};

struct lua_watch {
    timer_t timer;
    uint32_t budget_us;
    uint32_t patience;
    struct lua_State *volatile state; /* the state of the call that runs; NULL between calls */
    volatile uint64_t calls;          /* begun so far */
    /* The signal handler's own, but for the moment a pause ends. */
    volatile bool armed;   /* the timer is set */
    volatile bool tripped; /* the hook is set, */
    bool starved;          /* for this reason */
    int64_t used_ns;       /* by the call that was stopped: processor time, */
    int64_t lasted_ns;     /* and time on the wall */
    int64_t owed_ns;       /* used by starved calls that were no fault */
    uint64_t seen;         /* the last call the timer found, */
    int64_t seen_cpu_ns;   /* and the thread's processor time then, */
    int64_t seen_wall_ns;  /* and the clock */
};

/* `patience` is at least 2. Returns 0 or a negative errno (-EBUSY: SIGURG has a handler of somebody
 * else). The watch must stay where it is until lua_watch_fini(), which the same thread calls. */
int lua_watch_init(struct lua_watch *w, uint32_t patience);
void lua_watch_fini(struct lua_watch *w);

/* Around every lua_pcall(), with nothing of Lua that can fail in between. Do not nest. */
void lua_watch_begin(struct lua_watch *w, struct lua_State *state, uint32_t budget_us);

enum lua_watch_end lua_watch_end(struct lua_watch *w);

#endif
