/* See usage.h. */
#include "usage.h"

#include "clocks.h"

int usage_begin(struct usage *u, const struct target *t)
{
    int status = 0;
    *u = (struct usage){.known = t->pid != 0};
    if (u->known)
        status = target_settle(t);
    if (u->known && !status)
        status = target_cpu(t, &u->cpu_ns);
    u->load_cpu_ns = own_cpu_ns();
    return status;
}

int usage_end(struct usage *u, const struct target *t)
{
    uint64_t cpu;
    u->load_cpu_ns = own_cpu_ns() - u->load_cpu_ns;
    if (!u->known)
        return 0;
    int status = target_settle(t);
    if (!status)
        status = target_cpu(t, &cpu);
    if (status)
        return status;
    u->cpu_ns = cpu - u->cpu_ns;
    status = target_rss(t, &u->rss);
    return status ? status : target_rss_peak(t, &u->rss_peak);
}
