/*
 * event_flat.h reads nearly all lines. jansson reads the others; strings that are not clean are
 * repaired in an arena then, which is empty again with the next line, and strings that are stay
 * jansson's.
 */
#include "event_reader.h"

#include "event_flat.h"
#include "text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct event_reader {
    json_t *root;
    struct event_item *items;
    size_t items_max;
    struct repaired *repaired;
    bool no_memory;
    char fault[128];
};

/* A string that had to be cleaned. */
struct repaired {
    struct repaired *next;
    char text[];
};

struct event_reader *event_reader_new(void)
{
    return calloc(1, sizeof(struct event_reader));
}

static void forget(struct event_reader *r)
{
    json_decref(r->root);
    r->root = NULL;
    while (r->repaired) {
        struct repaired *next = r->repaired->next;
        free(r->repaired);
        r->repaired = next;
    }
    r->no_memory = false;
}

void event_reader_free(struct event_reader *r)
{
    if (!r)
        return;
    forget(r);
    free(r->items);
    free(r);
}

const char *event_reader_fault(const struct event_reader *r)
{
    return r->fault;
}

bool event_reader_starts_json(struct str line)
{
    return str_starts_with(line, STR("{\"type\":\"welcome\""));
}

/* ---- values -------------------------------------------------------------------------------- */

static int fault(struct event_reader *r, const char *key, const char *what)
{
    snprintf(r->fault, sizeof r->fault, "has a \"%s\" that %s", key, what);
    return -EPROTO;
}

/* The same text, fit to be shown. */
static struct str clean(struct event_reader *r, struct str text)
{
    struct text_repairs repairs = {0};
    struct repaired *memory = malloc(sizeof *memory + TEXT_CLEAN_MAX(text.size));
    if (!memory) {
        r->no_memory = true;
        return STR("");
    }
    struct str result = text_clean(text, memory->text, &repairs);
    if (result.data == text.data) {
        free(memory);
        return result;
    }
    memory->next = r->repaired;
    r->repaired = memory;
    return result;
}

static struct str text_of(struct event_reader *r, const json_t *value)
{
    struct str text = str_from(json_string_value(value), json_string_length(value));
    return text_is_clean(text) ? text : clean(r, text);
}

static int read_text(struct event_reader *r, const struct event_key *key, struct event *e)
{
    const json_t *value = json_object_get(r->root, key->name.data);
    if (!value)
        return 0;
    if (!json_is_string(value))
        return fault(r, key->name.data, "is no string");
    *(struct str *)event_key_place(key, e) = text_of(r, value);
    return 0;
}

static bool is_count(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

static int read_number(struct event_reader *r, const struct event_key *key, struct event *e)
{
    const json_t *value = json_object_get(r->root, key->name.data);
    if (!value)
        return 0;
    if (!is_count(value))
        return fault(r, key->name.data, "is no count");
    *(uint64_t *)event_key_place(key, e) = (uint64_t)json_integer_value(value);
    return 0;
}

static int read_final(struct event_reader *r, bool *out)
{
    const json_t *value = json_object_get(r->root, "final");
    if (value && !json_is_boolean(value))
        return fault(r, "final", "is not true or false");
    *out = json_is_true(value);
    return 0;
}

static int read_time(struct event_reader *r, int64_t *out)
{
    const json_t *value = json_object_get(r->root, "time");
    if (!value)
        return 0;
    if (!json_is_string(value) || !event_flat_time(str_of(json_string_value(value)), out))
        return fault(r, "time", "is no time");
    return 0;
}

/* ---- lists --------------------------------------------------------------------------------- */

static int items_reserve(struct event_reader *r, size_t n)
{
    if (n <= r->items_max)
        return 0;
    struct event_item *items = realloc(r->items, n * sizeof *items);
    if (!items)
        return -ENOMEM;
    r->items = items;
    r->items_max = n;
    return 0;
}

/* ["ann", ...] */
static int read_members(struct event_reader *r, const json_t *list, struct event *e)
{
    size_t i;
    const json_t *value;
    json_array_foreach(list, i, value)
    {
        if (!json_is_string(value))
            return fault(r, "members", "has no nicks");
        r->items[i] = (struct event_item){.name = text_of(r, value)};
    }
    e->item_count = json_array_size(list);
    return 0;
}

/* [{"room":"#lobby","members":3}, ...] */
static int read_rooms(struct event_reader *r, const json_t *list, struct event *e)
{
    size_t i;
    const json_t *value;
    json_array_foreach(list, i, value)
    {
        const json_t *room = json_object_get(value, "room");
        const json_t *members = json_object_get(value, "members");
        if (!json_is_string(room) || !is_count(members))
            return fault(r, "rooms", "has no rooms");
        r->items[i].name = text_of(r, room);
        r->items[i].value = (uint64_t)json_integer_value(members);
    }
    e->item_count = json_array_size(list);
    return 0;
}

/* {"clients":3, ...} */
static int read_stats(struct event_reader *r, json_t *object, struct event *e)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!is_count(value))
            return fault(r, "stats", "has no numbers");
        struct str name = str_of(key);
        r->items[e->item_count].name = text_is_clean(name) ? name : clean(r, name);
        r->items[e->item_count++].value = (uint64_t)json_integer_value(value);
    }
    return 0;
}

/* The list of a type that has one; left empty where the hub sent none. */
static int read_items(struct event_reader *r, struct event *e)
{
    json_t *members = json_object_get(r->root, "members");
    json_t *rooms = json_object_get(r->root, "rooms");
    json_t *stats = json_object_get(r->root, "stats");
    if (items_reserve(r, json_array_size(members) + json_array_size(rooms) +
                             json_object_size(stats)) < 0)
        return -ENOMEM;
    e->items = r->items;
    if (e->type == EVENT_WHO && members)
        return json_is_array(members) ? read_members(r, members, e)
                                      : fault(r, "members", "is no list");
    if (e->type == EVENT_ROOMS && rooms)
        return json_is_array(rooms) ? read_rooms(r, rooms, e) : fault(r, "rooms", "is no list");
    if (e->type == EVENT_STATS && stats)
        return json_is_object(stats) ? read_stats(r, stats, e) : fault(r, "stats", "is no object");
    return 0;
}

/* ---- the whole line ------------------------------------------------------------------------ */

static int read_members_of_all(struct event_reader *r, struct event *e)
{
    int rc = read_time(r, &e->time_ms);
    for (size_t i = 0; i < EVENT_TEXT_KEYS && rc == 0; i++)
        rc = read_text(r, &event_text_keys[i], e);
    for (size_t i = 0; i < EVENT_NUMBER_KEYS && rc == 0; i++)
        rc = read_number(r, &event_number_keys[i], e);
    return rc == 0 ? read_final(r, &e->final) : rc;
}

static int read_type(struct event_reader *r, enum event_type *out)
{
    const json_t *value = json_object_get(r->root, "type");
    if (!json_is_string(value)) {
        snprintf(r->fault, sizeof r->fault, "is no event: it has no type");
        return -EPROTO;
    }
    for (int type = 0; type < EVENT_TYPES; type++) {
        if (strcmp(json_string_value(value), event_type_name((enum event_type)type)) == 0) {
            *out = (enum event_type)type;
            return 0;
        }
    }
    return -ENOMSG;
}

static int load(struct event_reader *r, struct str line)
{
    json_error_t error;
    r->root = json_loadb(line.data, line.size, 0, &error);
    if (r->root)
        return 0;
    if (json_error_code(&error) == json_error_out_of_memory)
        return -ENOMEM;
    snprintf(r->fault, sizeof r->fault, "is no JSON from byte %d on", error.position);
    return -EPROTO;
}

int event_reader_read(struct event_reader *r, struct str line, struct event *e)
{
    forget(r);
    if (event_flat_read(line, e))
        return 0;
    *e = (struct event){0};
    int rc = load(r, line);
    if (rc == 0)
        rc = read_type(r, &e->type);
    if (rc == 0)
        rc = read_members_of_all(r, e);
    if (rc == 0)
        rc = read_items(r, e);
    return rc == 0 && r->no_memory ? -ENOMEM : rc;
}
