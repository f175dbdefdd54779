/* The table of encodings. */
#include "wire.h"

static const struct wire *const wires[WIRE_COUNT] = {
    [WIRE_LINE] = &wire_line,
    [WIRE_JSON] = &wire_json,
};

static const char *const type_names[EVENT_TYPES] = {
    [EVENT_WELCOME] = "welcome", [EVENT_MESSAGE] = "message", [EVENT_ACTION] = "action",
    [EVENT_PRIVATE] = "private", [EVENT_JOIN] = "join",       [EVENT_PART] = "part",
    [EVENT_NICK] = "nick",       [EVENT_NOTICE] = "notice",   [EVENT_ERROR] = "error",
    [EVENT_GAP] = "gap",         [EVENT_HISTORY] = "history", [EVENT_PONG] = "pong",
    [EVENT_WHO] = "who",         [EVENT_ROOMS] = "rooms",     [EVENT_STATS] = "stats",
};

const struct wire *wire_get(enum wire_id id)
{
    return wires[id];
}

enum wire_id wire_find(struct str name)
{
    for (int id = 0; id < WIRE_COUNT; id++) {
        if (str_equal(name, str_of(wires[id]->name)))
            return (enum wire_id)id;
    }
    return WIRE_COUNT;
}

const char *event_type_name(enum event_type type)
{
    return type_names[type];
}
