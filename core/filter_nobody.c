/* The hub of filters that have none: to check them, to describe them, to replay into them. */
#include "filter.h"

#include <errno.h>
#include <time.h>

static int nobody_hears(void *owner, struct str by, struct str target, struct str text)
{
    (void)owner;
    (void)by;
    (void)target;
    (void)text;
    return -ENOENT;
}

static int64_t no_members(void *owner, struct str room, size_t most,
                          void (*each)(void *arg, struct str nick), void *arg)
{
    (void)owner;
    (void)room;
    (void)most;
    (void)each;
    (void)arg;
    return -ENOENT;
}

static int64_t no_rooms(void *owner, size_t most,
                        void (*each)(void *arg, struct str room, uint32_t members), void *arg)
{
    (void)owner;
    (void)most;
    (void)each;
    (void)arg;
    return 0;
}

static int64_t system_now_ms(void *owner)
{
    struct timespec now;
    (void)owner;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const struct filter_hub filter_nobody = {
    .say = nobody_hears,
    .tell = nobody_hears,
    .members = no_members,
    .rooms = no_rooms,
    .now_ms = system_now_ms,
};
