/*
 * `hub`, what a script may ask of the hub: verdicts, the log, and who is where. The rows are in
 * lua_api.c.
 *
 * A verdict is a light value, the address of a byte in the host, made once; its text stays behind
 * in the function that was called. So a verdict costs no memory, and `return hub.drop("...")` is
 * told from every other value there is.
 */
#include "diag.h"
#include "lua_api.h"
#include "lua_host_impl.h"
#include "text.h"

#include <errno.h>

#define LINES_PER_SECOND 10

/* The most names that hub.members() and hub.rooms() list. */
#define LISTED_MAX 1000

/* ---- verdicts ---- */

static struct str said_text(lua_State *state, const struct lua_api_function *f)
{
    struct str text = STR("");
    int type = lua_type(state, 1);
    if (f->text == LUA_API_NO_TEXT && type != LUA_TNONE)
        luaL_error(state, "hub.%s: takes nothing", f->name);
    if (type == LUA_TSTRING)
        text.data = lua_tolstring(state, 1, &text.size);
    else if (f->text == LUA_API_MUST_SAY || type > LUA_TNIL)
        luaL_error(state, "hub.%s: the text must be a string, not %s", f->name,
                   type <= LUA_TNIL ? "nothing" : lua_typename(state, type));
    return text;
}

/* hub.drop(reason) and its like. Upvalues: which one; the text. */
static int say_verdict(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    const struct lua_api_function *f = lua_touserdata(state, lua_upvalueindex(1));
    if (h->live == 0)
        return luaL_error(state, "hub.%s: there is nothing to judge now", f->name);
    if (!(f->kinds & (1U << h->event->kind)))
        return luaL_error(state, "hub.%s: makes no sense for a %s", f->name,
                          filter_kind_name(h->event->kind));
    struct str text = said_text(state, f);
    const char *fault = f->verdict == FILTER_DIVERT ? text_room_fault(text) : NULL;
    if (fault)
        return luaL_error(state, "hub.%s: '%s' %s", f->name, lua_tostring(state, 1), fault);
    lua_settop(state, 1);
    lua_copy(state, 1, lua_upvalueindex(2));
    struct lua_said *said = &h->said[f->verdict];
    said->call = h->live;
    said->text = text;
    if (h->base.tell_places || diag_enabled(DIAG_DEBUG))
        lua_host_place_caller(state, &said->at);
    lua_pushlightuserdata(state, &h->verdicts[f->verdict]);
    return 1;
}

/* ---- the log ---- */

/* True if a line may be written; *withheld gets the number of those that were not, since. */
static bool pass_gate(struct lua_gate *gate, int64_t now_ms, uint64_t *withheld)
{
    int64_t second = now_ms / 1000;
    if (second != gate->second) {
        gate->second = second;
        gate->lines = 0;
    }
    if (gate->lines == LINES_PER_SECOND) {
        gate->withheld++;
        return false;
    }
    gate->lines++;
    *withheld = gate->withheld;
    gate->withheld = 0;
    return true;
}

static enum diag_level check_level(lua_State *state)
{
    enum diag_level level;
    const char *word = luaL_checkstring(state, 1);
    if (diag_level_parse(word, &level) < 0)
        luaL_error(state, "hub.log: level '%s' is none of error, warn, info, debug", word);
    return level;
}

static struct str check_str(lua_State *state, int arg)
{
    struct str s;
    s.data = luaL_checklstring(state, arg, &s.size);
    return s;
}

int lua_hub_log(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    enum diag_level level = check_level(state);
    struct str text = check_str(state, 2);
    uint64_t withheld;
    if (!diag_enabled(level) || !pass_gate(&h->log_gate, h->now_ms, &withheld))
        return 0;
    char label[FILTER_LABEL];
    char line[768];
    lua_host_label(h, label, sizeof label);
    if (withheld > 0)
        diag_log(level, "%s: (%llu lines withheld)", label, (unsigned long long)withheld);
    diag_log(level, "%s: %s", label, diag_escape(text, line, sizeof line));
    return 0;
}

/* ---- speaking ---- */

void lua_host_check_running(lua_State *state, const char *function)
{
    switch (lua_host_of(state)->phase) {
    case LUA_HOST_LOADING:
        luaL_error(state,
                   "hub.%s: not while the script is loaded; "
                   "hub.after(0, function) runs as soon as it is at work",
                   function);
        break;
    case LUA_HOST_LEAVING:
        luaL_error(state, "hub.%s: not while the script is unloaded", function);
        break;
    case LUA_HOST_RUNNING:
        break;
    }
}

/* true; or nil and the reason. */
static int push_outcome(lua_State *state, int error, const char *missing)
{
    if (error == 0) {
        lua_pushboolean(state, 1);
        return 1;
    }
    luaL_pushfail(state);
    if (error == -ENOENT)
        lua_pushstring(state, missing);
    else if (error == -EAGAIN)
        lua_pushliteral(state, "too much was said at once");
    else
        lua_pushstring(state, strerror(-error));
    return 2;
}

int lua_hub_say(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    struct str room = check_str(state, 1);
    struct str text = check_str(state, 2);
    lua_host_check_running(state, "say");
    int error = h->hub->say(h->hub->owner, h->base.name, room, text);
    return push_outcome(state, error, "no such room");
}

int lua_hub_tell(lua_State *state)
{
    struct lua_host *h = lua_host_of(state);
    struct str nick = check_str(state, 1);
    struct str text = check_str(state, 2);
    lua_host_check_running(state, "tell");
    int error = h->hub->tell(h->hub->owner, h->base.name, nick, text);
    return push_outcome(state, error, "nobody has that nick");
}

int lua_hub_now(lua_State *state)
{
    const struct filter_hub *hub = lua_host_of(state)->hub;
    lua_pushnumber(state, (lua_Number)hub->now_ms(hub->owner) / 1000);
    return 1;
}

/* ---- who is where ---- */

/* Names as the hub lists them. They are copied here first, and become Lua's when the hub is done:
 * an error of Lua must not jump out of the middle of its loop. */
struct listed {
    uint32_t members;
    uint32_t size;
    char name[TEXT_ROOM_MAX > TEXT_NICK_MAX ? TEXT_ROOM_MAX : TEXT_NICK_MAX];
};

struct list {
    size_t count;
    size_t room; /* for so many */
    struct listed items[];
};

static void list_add(struct list *list, struct str name, uint32_t members)
{
    if (list->count == list->room)
        return;
    struct listed *item = &list->items[list->count++];
    item->members = members;
    item->size = (uint32_t)(name.size < sizeof item->name ? name.size : sizeof item->name);
    memcpy(item->name, name.data, item->size);
}

static void list_member(void *arg, struct str nick)
{
    list_add(arg, nick, 0);
}

static void list_room(void *arg, struct str room, uint32_t members)
{
    list_add(arg, room, members);
}

/* Pushes a list with room for `count` names, or for as many as are listed. */
static struct list *push_list(lua_State *state, int64_t count)
{
    size_t room = count < LISTED_MAX ? (size_t)count : LISTED_MAX;
    struct list *list = lua_newuserdatauv(state, sizeof *list + room * sizeof(struct listed), 0);
    list->count = 0;
    list->room = room;
    return list;
}

int lua_hub_members(lua_State *state)
{
    const struct filter_hub *hub = lua_host_of(state)->hub;
    struct str room = check_str(state, 1);
    lua_host_check_running(state, "members");
    int64_t count = hub->members(hub->owner, room, 0, list_member, NULL);
    if (count < 0)
        return push_outcome(state, (int)count, "no such room");
    struct list *list = push_list(state, count);
    hub->members(hub->owner, room, list->room, list_member, list);
    lua_createtable(state, (int)list->count, 0);
    for (size_t i = 0; i < list->count; i++) {
        lua_pushlstring(state, list->items[i].name, list->items[i].size);
        lua_rawseti(state, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(state, count);
    return 2;
}

int lua_hub_rooms(lua_State *state)
{
    const struct filter_hub *hub = lua_host_of(state)->hub;
    lua_host_check_running(state, "rooms");
    int64_t count = hub->rooms(hub->owner, 0, list_room, NULL);
    struct list *list = push_list(state, count < 0 ? 0 : count);
    hub->rooms(hub->owner, list->room, list_room, list);
    lua_createtable(state, 0, (int)list->count);
    for (size_t i = 0; i < list->count; i++) {
        lua_pushlstring(state, list->items[i].name, list->items[i].size);
        lua_pushinteger(state, list->items[i].members);
        lua_rawset(state, -3);
    }
    return 1;
}

/* ---- the table ---- */

static int no_such_name(lua_State *state)
{
    const char *name = luaL_tolstring(state, 2, NULL);
    if (strcmp(name, "config") == 0)
        return luaL_error(state, "hub.config is there once the script has returned its table: "
                                 "read it in on_load or later");
    return luaL_error(state, "there is no hub.%s", name);
}

static void push_verdict(lua_State *state, const struct lua_api_function *f)
{
    lua_pushlightuserdata(state, (void *)f);
    lua_pushnil(state);
    lua_pushcclosure(state, say_verdict, 2);
}

void lua_hub_open(lua_State *state)
{
    lua_newtable(state);
    for (size_t i = 0; i < lua_api_hub.count; i++) {
        const struct lua_api_function *f = &lua_api_hub.functions[i];
        if (f->call)
            lua_pushcfunction(state, f->call);
        else
            push_verdict(state, f);
        lua_setfield(state, -2, f->name);
    }
    lua_newtable(state);
    lua_pushcfunction(state, no_such_name);
    lua_setfield(state, -2, "__index");
    lua_pushcfunction(state, no_such_name);
    lua_setfield(state, -2, "__newindex");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    lua_setmetatable(state, -2);
    /* lua_host_config.c adds hub.config, whatever the script does to its globals. */
    lua_pushvalue(state, -1);
    lua_setfield(state, LUA_REGISTRYINDEX, "hub");
}
