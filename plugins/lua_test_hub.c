/*
 * The hub that a filter meets in a test: who is there stands in the test, and what is said is kept
 * for the test to look at. It is as strict as the real one (core/hub_filters.c).
 */
#include "lua_test_impl.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>

/* Limits of the real hub, for a turn; here a step is one. */
#define SAYINGS_MAX 256

/* ---- who is there ---- */

static const struct lua_test_room *find_room(const struct lua_test *test, struct str name)
{
    for (size_t i = 0; i < test->room_count; i++) {
        if (text_equal_fold(test->rooms[i].name, name))
            return &test->rooms[i];
    }
    return NULL;
}

/* What an event named is there, since it happened. */
static bool named_before(const struct lua_test_hub *hub, struct str name)
{
    for (size_t i = 0; i < hub->begun; i++) {
        const struct filter_event *e = &hub->test->steps[i].event;
        if (text_equal_fold(e->room, name) || text_equal_fold(e->from, name) ||
            text_equal_fold(e->to, name))
            return true;
    }
    return false;
}

static bool has_room(const struct lua_test_hub *hub, struct str name)
{
    return !hub->test->rooms || find_room(hub->test, name) || named_before(hub, name) ||
           text_equal_fold(name, STR("#lobby"));
}

static bool has_nick(const struct lua_test_hub *hub, struct str nick)
{
    const struct lua_test *test = hub->test;
    for (size_t i = 0; i < test->room_count; i++) {
        for (size_t k = 0; k < test->rooms[i].count; k++) {
            if (text_equal_fold(test->rooms[i].nicks[k], nick))
                return true;
        }
    }
    return !test->rooms || named_before(hub, nick);
}

static struct lua_test_client *find_client(struct lua_test_hub *hub, struct str nick)
{
    for (size_t i = 0; i < hub->client_count; i++) {
        if (text_equal_fold(hub->clients[i].nick, nick))
            return &hub->clients[i];
    }
    return NULL;
}

struct lua_test_client *lua_test_hub_client(struct lua_test_hub *hub, struct str nick)
{
    struct lua_test_client *c = find_client(hub, nick);
    if (c)
        return c;
    c = &hub->clients[hub->client_count++];
    *c = (struct lua_test_client){.nick = nick, .id = hub->client_count, .joined_ms = hub->now_ms};
    return c;
}

void lua_test_hub_rename(struct lua_test_hub *hub, struct lua_test_client *client, struct str nick)
{
    const struct lua_test_client *owner = find_client(hub, nick);
    if (!owner || owner == client)
        client->nick = nick;
}

/* ---- what filters may do ---- */

static int keep(struct lua_test_hub *hub, struct str to, struct str text)
{
    if (hub->said_count - hub->said_in_step == SAYINGS_MAX)
        return -EAGAIN;
    size_t count = hub->said_count + 1;
    struct lua_test_said **grown = realloc(hub->said, count * sizeof(struct lua_test_said *));
    if (!grown)
        return -ENOMEM;
    hub->said = grown;
    text = text_cut(text, LUA_TEST_LINE_MAX);
    struct lua_test_said *s = malloc(sizeof *s + to.size + TEXT_CLEAN_MAX(text.size));
    if (!s)
        return -ENOMEM;
    struct text_repairs ignored = {0};
    char *text_bytes = s->bytes + to.size;
    struct str cleaned = text_clean(text, text_bytes, &ignored);
    if (cleaned.data != text_bytes)
        memcpy(text_bytes, cleaned.data, cleaned.size);
    memcpy(s->bytes, to.data, to.size);
    s->to = str_from(s->bytes, to.size);
    s->text = str_from(text_bytes, cleaned.size);
    hub->said[hub->said_count++] = s;
    return 0;
}

static int say(void *owner, struct str by, struct str room, struct str text)
{
    struct lua_test_hub *hub = owner;
    (void)by;
    return has_room(hub, room) ? keep(hub, room, text) : -ENOENT;
}

static int tell(void *owner, struct str by, struct str nick, struct str text)
{
    struct lua_test_hub *hub = owner;
    (void)by;
    return has_nick(hub, nick) ? keep(hub, nick, text) : -ENOENT;
}

static int64_t members(void *owner, struct str name, size_t most,
                       void (*each)(void *arg, struct str nick), void *arg)
{
    struct lua_test_hub *hub = owner;
    const struct lua_test_room *room = find_room(hub->test, name);
    if (!room)
        return has_room(hub, name) ? 0 : -ENOENT;
    for (size_t i = 0; i < room->count && i < most; i++)
        each(arg, room->nicks[i]);
    return (int64_t)room->count;
}

static int64_t rooms(void *owner, size_t most,
                     void (*each)(void *arg, struct str room, uint32_t members), void *arg)
{
    const struct lua_test *test = ((const struct lua_test_hub *)owner)->test;
    for (size_t i = 0; i < test->room_count && i < most; i++)
        each(arg, test->rooms[i].name, (uint32_t)test->rooms[i].count);
    return (int64_t)test->room_count;
}

static int64_t now_ms(void *owner)
{
    return ((const struct lua_test_hub *)owner)->now_ms;
}

/* ---- life ---- */

void lua_test_hub_begin_step(struct lua_test_hub *hub)
{
    if (hub->begun < hub->test->step_count)
        hub->begun++;
    hub->said_in_step = hub->said_count;
}

void lua_test_hub_forget_said(struct lua_test_hub *hub)
{
    for (size_t i = 0; i < hub->said_count; i++)
        free(hub->said[i]);
    free(hub->said);
    hub->said = NULL;
    hub->said_count = 0;
    hub->said_checked = 0;
}

int lua_test_hub_init(struct lua_test_hub *hub, const struct lua_test *test)
{
    size_t most = 2 * test->step_count; /* nicks differ, and an event names two at most */
    for (size_t i = 0; i < test->room_count; i++)
        most += test->rooms[i].count;
    *hub = (struct lua_test_hub){.test = test, .now_ms = LUA_TEST_START_MS};
    hub->seam = (struct filter_hub){.owner = hub,
                                    .say = say,
                                    .tell = tell,
                                    .members = members,
                                    .rooms = rooms,
                                    .now_ms = now_ms};
    hub->clients = calloc(most + 1, sizeof *hub->clients);
    if (!hub->clients)
        return -ENOMEM;
    for (size_t i = 0; i < test->room_count; i++) {
        for (size_t k = 0; k < test->rooms[i].count; k++)
            lua_test_hub_client(hub, test->rooms[i].nicks[k]);
    }
    return 0;
}

void lua_test_hub_fini(struct lua_test_hub *hub)
{
    lua_test_hub_forget_said(hub);
    free(hub->clients);
}
