/* See lua_host_watch.h. */
#include "lua_host_watch.h"

#include "lua_host_impl.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id /* glibc has the member, and no name for it */
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define ANY_INSTRUCTION (LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT)

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void set_timer(struct lua_watch *w, int64_t after_ns)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = after_ns / 1000000000, .tv_nsec = after_ns % 1000000000}};
    w->armed = timer_settime(w->timer, 0, &when, NULL) == 0;
}

static int64_t budget_ns(const struct lua_watch *w)
{
    return (int64_t)w->budget_us * 1000;
}

/* The call at hand is one that the timer has not seen: from now on it is timed. */
static void notice(struct lua_watch *w)
{
    w->seen = w->calls;
    w->seen_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    w->seen_wall_ns = clock_ns(CLOCK_MONOTONIC);
    set_timer(w, budget_ns(w));
}

/* The hook. It stays set, so that the error comes back until the call has ended. */
static void stop(lua_State *state, lua_Debug *at)
{
    const struct lua_watch *w = &lua_host_of(state)->watch;
    lua_getinfo(state, "Sl", at);
    if (at->currentline > 0)
        lua_pushfstring(state, "%s:%d: ", at->short_src, at->currentline);
    else
        lua_pushliteral(state, "");
    if (w->starved)
        lua_pushfstring(state,
                        "stopped: the machine is busy: it got %d us of the processor in %d us",
                        (int)(w->used_ns / 1000), (int)(w->lasted_ns / 1000));
    else
        lua_pushfstring(state, "stopped: it took longer than %d us", (int)w->budget_us);
    lua_concat(state, 2);
    lua_error(state);
}

static void trip(struct lua_watch *w, bool starved)
{
    w->armed = false;
    w->starved = starved;
    w->tripped = true;
    lua_sethook(w->state, stop, ANY_INSTRUCTION, 1);
}

/* A call took too long without using up its budget. */
static void starve(struct lua_watch *w)
{
    w->owed_ns += w->used_ns;
    bool owed = w->owed_ns >= budget_ns(w);
    if (owed)
        w->owed_ns -= budget_ns(w);
    trip(w, !owed);
}

/* The timer found the call it had found the last time. That was up to a budget after its start. */
static void call_lasts(struct lua_watch *w)
{
    w->used_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - w->seen_cpu_ns;
    w->lasted_ns = clock_ns(CLOCK_MONOTONIC) - w->seen_wall_ns;
    int64_t left = budget_ns(w) - w->used_ns;
    int64_t wall_left = budget_ns(w) * (w->patience - 1) - w->lasted_ns;
    int64_t quarter = budget_ns(w) / 4;
    if (left <= 0) {
        trip(w, false);
    } else if (wall_left > 0) {
        set_timer(w, left < wall_left ? left : wall_left);
    } else if (w->used_ns < quarter) {
        set_timer(w, quarter - w->used_ns);
    } else {
        starve(w);
    }
}

static void on_tick(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (info->si_code != SI_TIMER)
        return;
    int error = errno;
    struct lua_watch *w = info->si_value.sival_ptr;
    if (w->calls != w->seen) {
        notice(w);
    } else if (w->state) {
        call_lasts(w);
    } else {
        w->armed = false;
    }
    errno = error;
}

/* The handler is the process's, and the same for every watch. */
static int take_signal(void)
{
    struct sigaction old;
    if (sigaction(SIGURG, NULL, &old) < 0)
        return -errno;
    if (old.sa_flags & SA_SIGINFO)
        return old.sa_sigaction == on_tick ? 0 : -EBUSY;
    if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN)
        return -EBUSY;
    struct sigaction ours = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&ours.sa_mask);
    return sigaction(SIGURG, &ours, NULL) < 0 ? -errno : 0;
}

int lua_watch_init(struct lua_watch *w, uint32_t patience)
{
    *w = (struct lua_watch){.patience = patience};
    int error = take_signal();
    if (error < 0)
        return error;
    sigset_t urgent;
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGURG);
    error = pthread_sigmask(SIG_UNBLOCK, &urgent, NULL);
    if (error != 0)
        return -error;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG};
    event.sigev_value.sival_ptr = w;
    event.sigev_notify_thread_id = gettid();
    return timer_create(CLOCK_MONOTONIC, &event, &w->timer) < 0 ? -errno : 0;
}

void lua_watch_fini(struct lua_watch *w)
{
    /* A last signal, if any is on its way to this thread, comes before the call returns. */
    timer_delete(w->timer);
}

/* No hook; but ThreadSanitizer keeps signals back until the program calls a function it knows,
 * which a loop in Lua never does. Under it alone, a hook calls one now and then. */
#ifdef __SANITIZE_THREAD__
static void let_signals_in(lua_State *state, lua_Debug *at)
{
    (void)state;
    (void)at;
    usleep(0);
}

static void clear_hook(lua_State *state)
{
    lua_sethook(state, let_signals_in, LUA_MASKCOUNT, 1000);
}
#else
static void clear_hook(lua_State *state)
{
    lua_sethook(state, NULL, 0, 0);
}
#endif

void lua_watch_begin(struct lua_watch *w, lua_State *state, uint32_t budget_us)
{
    bool timer_fits = budget_us == w->budget_us;
#ifdef __SANITIZE_THREAD__
    clear_hook(state);
#endif
    w->budget_us = budget_us;
    w->calls++;
    w->state = state;
    atomic_signal_fence(memory_order_seq_cst);
    if (!w->armed || !timer_fits)
        notice(w);
}

enum lua_watch_end lua_watch_end(struct lua_watch *w)
{
    lua_State *state = w->state;
    w->state = NULL;
    atomic_signal_fence(memory_order_seq_cst);
    if (!w->tripped)
        return LUA_WATCH_IN_TIME;
    w->tripped = false;
    clear_hook(state);
    return w->starved ? LUA_WATCH_STARVED : LUA_WATCH_STOPPED;
}
