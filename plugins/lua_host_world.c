/* See lua_host_world.h. */
#include "lua_host_world.h"

#include "rate.h"
#include "shared_map.h"

#include <stdlib.h>

/* Keys of one script; what is displaced at that number is what has been idle longest. */
#define RATE_KEYS 8192

struct script_rate {
    struct script_rate *next;
    struct rate *rate;
    size_t size; /* of the name */
    char name[];
};

struct lua_host_world {
    struct shared_maps *maps;
    struct script_rate *rates; /* one for each script that ever asked: few */
};

struct lua_host_world *lua_host_world_new(void)
{
    struct lua_host_world *world = calloc(1, sizeof *world);
    if (!world)
        return NULL;
    world->maps = shared_maps_new(NULL);
    if (!world->maps) {
        free(world);
        return NULL;
    }
    return world;
}

void lua_host_world_free(struct lua_host_world *world)
{
    if (!world)
        return;
    while (world->rates) {
        struct script_rate *rate = world->rates;
        world->rates = rate->next;
        rate_free(rate->rate);
        free(rate);
    }
    shared_maps_free(world->maps);
    free(world);
}

struct shared_maps *lua_host_world_maps(struct lua_host_world *world)
{
    return world->maps;
}

struct rate *lua_host_world_rate(struct lua_host_world *world, struct str name)
{
    for (struct script_rate *r = world->rates; r; r = r->next) {
        if (str_equal(str_from(r->name, r->size), name))
            return r->rate;
    }
    struct script_rate *made = malloc(sizeof *made + name.size);
    struct rate *rate = made ? rate_new(RATE_KEYS) : NULL;
    if (!rate) {
        free(made);
        return NULL;
    }
    made->next = world->rates;
    made->rate = rate;
    made->size = name.size;
    memcpy(made->name, name.data, name.size);
    world->rates = made;
    return rate;
}
