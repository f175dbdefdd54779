/*
 * What scripts can name: the functions of `hub`, the methods of what these return, the fields of
 * `msg`. One table, with the documentation beside the code: the host registers its rows, and
 * lua_api_doc.c writes api/hub.lua and a part of README.md from them.
 */
#ifndef CHATROOM_LUA_API_H
#define CHATROOM_LUA_API_H

#include "filter.h"

#include <lua.h>

/* What a verdict function takes. */
enum lua_api_text { LUA_API_NO_TEXT, LUA_API_MAY_SAY, LUA_API_MUST_SAY };

struct lua_api_function {
    const char *name;
    const char *params;  /* "room: string; most?: integer"; the types are those of LuaCATS */
    const char *returns; /* the same, or "" */
    const char *help;    /* a sentence or two */
    lua_CFunction call;  /* NULL: a verdict, see below */
    int since;           /* level of the API */

    enum filter_verdict verdict;
    enum lua_api_text text;
    uint32_t kinds; /* bit set of enum filter_kind: what it can be said of */
};

enum lua_api_class_id {
    LUA_API_HUB,
    LUA_API_TALLY,
    LUA_API_SHARED,
    LUA_API_WORDS,
    LUA_API_CLASSES
};

/* Functions that are called in the same way: those of hub, or the methods of an object. */
struct lua_api_class {
    enum lua_api_class_id id;
    const char *name; /* "hub", "Words" */
    const char *help;
    char separator; /* '.' or ':' */
    const struct lua_api_function *functions;
    size_t count;
};

/* The strings of a handle have the user value of their number; the rest comes behind them. */
enum lua_api_field_id {
    LUA_API_NO_FIELD,
    LUA_API_TEXT,
    LUA_API_FROM,
    LUA_API_ROOM,
    LUA_API_TO,
    LUA_API_ADDRESS,
    LUA_API_KIND,
    LUA_API_CLIENT,
    LUA_API_TIME,
    LUA_API_JOINED_AT,
    LUA_API_LEN,
};

#define LUA_API_STRINGS LUA_API_ADDRESS

struct lua_api_field {
    const char *name;
    const char *type;
    const char *help;
    enum lua_api_field_id id;
    int since;
};

extern const struct lua_api_class lua_api_hub;
extern const struct lua_api_class lua_api_tally;  /* what hub.tally() returns */
extern const struct lua_api_class lua_api_shared; /* what hub.shared() returns */
extern const struct lua_api_class lua_api_words;  /* what hub.words() returns */

const struct lua_api_field *lua_api_fields(size_t *count);

/* Pushes a table with the functions of a class; not for hub, which has verdicts. May raise. */
void lua_api_push_methods(lua_State *state, const struct lua_api_class *class);

/* ---- the functions, each beside what it needs ---- */

int lua_hub_log(lua_State *state); /* lua_host_hub.c */
int lua_hub_now(lua_State *state);
int lua_hub_say(lua_State *state);
int lua_hub_tell(lua_State *state);
int lua_hub_members(lua_State *state);
int lua_hub_rooms(lua_State *state);

int lua_hub_every(lua_State *state); /* lua_host_timer.c */
int lua_hub_after(lua_State *state);
int lua_hub_cancel(lua_State *state);

int lua_hub_rate(lua_State *state); /* lua_host_tools.c */
int lua_hub_tally(lua_State *state);
int lua_hub_shared(lua_State *state);
int lua_hub_words(lua_State *state);
int lua_tally_count(lua_State *state);
int lua_shared_get(lua_State *state);
int lua_shared_set(lua_State *state);
int lua_shared_add(lua_State *state);
int lua_shared_incr(lua_State *state);
int lua_shared_delete(lua_State *state);
int lua_words_find(lua_State *state);
int lua_words_mask(lua_State *state);

int lua_hub_letters(lua_State *state); /* lua_host_text.c */
int lua_hub_lower(lua_State *state);
int lua_hub_fingerprint(lua_State *state);
int lua_hub_links(lua_State *state);
int lua_hub_json(lua_State *state);

#endif
