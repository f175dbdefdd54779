/* See progress.h. */
#include "progress.h"

#include "clocks.h"

#include <stdio.h>
#include <unistd.h>

#define EVERY_NS 200000000u

void progress_init(struct progress *p, bool wanted)
{
    *p = (struct progress){.on = wanted && isatty(STDERR_FILENO)};
}

void progress_show(struct progress *p, const char *what, uint64_t done, uint64_t total)
{
    if (!p->on || now_ns() - p->shown < EVERY_NS)
        return;
    p->shown = now_ns();
    fprintf(stderr, "\r\033[K%s: %llu", what, (unsigned long long)done);
    if (total)
        fprintf(stderr, " of %llu (%.0f %%)", (unsigned long long)total,
                100 * (double)done / (double)total);
    fflush(stderr);
}

void progress_clear(struct progress *p)
{
    if (p->on && p->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
}
