/* Fan-out, see shape.h: warm-up, the stretch that counts, and one to count system calls. */
#include "say.h"
#include "shape.h"
#include "syscalls.h"
#include "usage.h"

#include <stdlib.h>

/* The first messages find cold caches and small socket buffers; they are verified, not measured. */
static int warm_up(struct engine *e, const struct workload *w)
{
    struct stretch *s = calloc(1, sizeof *s);
    if (!s)
        return say(EX_OSERR, "out of memory");
    s->messages = w->warmup;
    int status = engine_run(e, s);
    free(s);
    return status ? status : engine_check(e);
}

static int measure(struct engine *e, const struct workload *w, const struct target *t,
                   struct load_result *r)
{
    r->stretch.messages = w->messages;
    r->stretch.seconds = w->seconds;
    int status = usage_begin(&r->usage, t);
    if (!status)
        status = engine_run(e, &r->stretch);
    if (!status)
        status = usage_end(&r->usage, t);
    if (!status)
        status = engine_check(e);
    if (!status && r->stretch.deliveries == 0)
        status = say(EXIT_WRONG, "nothing was delivered");
    return status;
}

/* As many messages as the warm-up had. Counting slows the server down, so it is not measured. */
static int count_syscalls(struct engine *e, const struct workload *w, const struct target *t,
                          struct load_result *r)
{
    struct syscalls counter;
    struct stretch *s = calloc(1, sizeof *s);
    if (!s)
        return say(EX_OSERR, "out of memory");
    s->messages = w->warmup;
    int status = 0;
    if (syscalls_begin(&counter, t->pid)) {
        status = engine_run(e, s);
        if (!status)
            status = target_settle(t);
        double calls = (double)syscalls_end(&counter);
        r->syscalls_known = !status;
        r->syscalls_per_delivery = calls / (double)s->deliveries;
        r->syscalls_per_message = calls / (double)s->sent;
    }
    free(s);
    return status ? status : engine_check(e);
}

int shape_load(const struct workload *w, const struct target *t, bool syscalls,
               struct load_result *r)
{
    struct engine *e = NULL;
    int status = engine_open(&e, w, &t->address);
    if (!status) {
        r->receivers = engine_receivers(e);
        r->slow = engine_slow(e);
        status = warm_up(e, w);
    }
    if (!status)
        status = measure(e, w, t, r);
    if (!status && syscalls)
        status = count_syscalls(e, w, t, r);
    engine_free(e);
    return status;
}
