/* See slab.h, and slabinfo(5). */
#include "slab.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number that is word `index` of a line, from 0; 0 if it is none. */
static uint64_t number_at(const char *line, unsigned index)
{
    for (unsigned i = 0; i < index; i++) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    return strtoull(line, NULL, 10);
}

/* A line "name <active> <objects> <size> <per slab> <pages> : tunables ... : slabdata <active>
 * <slabs> ...": its bytes, 0 for a heading. */
static uint64_t cache_bytes(const char *line)
{
    enum { PAGES = 5, SLABS = 3 };
    const char *data = strstr(line, ": slabdata");
    if (!data)
        return 0;
    return number_at(line, PAGES) * number_at(data, SLABS) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t from_slabinfo(FILE *file)
{
    char line[512];
    uint64_t sum = 0;
    while (fgets(line, sizeof line, file))
        sum += cache_bytes(line);
    return sum;
}

static uint64_t from_meminfo(FILE *file)
{
    char line[256];
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "Slab:", 5) == 0)
            return number_at(line, 1) * 1024;
    return 0;
}

const char *slab_bytes(uint64_t *bytes)
{
    const char *source = "slabinfo";
    FILE *file = fopen("/proc/slabinfo", "re");
    if (!file) {
        source = "meminfo";
        file = fopen("/proc/meminfo", "re");
    }
    if (!file)
        return NULL;
    *bytes = strcmp(source, "slabinfo") == 0 ? from_slabinfo(file) : from_meminfo(file);
    fclose(file);
    return *bytes ? source : NULL;
}
