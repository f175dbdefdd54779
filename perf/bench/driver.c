/* The table of protocols, see driver.h. */
#include "driver.h"

#include <string.h>

static const struct driver *const drivers[] = {
    &driver_line, &driver_json, &driver_resp, &driver_nats, &driver_mqtt, &driver_irc, &driver_ws,
};

const struct driver *driver_at(size_t index)
{
    return index < sizeof drivers / sizeof drivers[0] ? drivers[index] : NULL;
}

const struct driver *driver_find(const char *name)
{
    const struct driver *d;
    for (size_t i = 0; (d = driver_at(i)); i++)
        if (strcmp(d->name, name) == 0)
            return d;
    return NULL;
}
