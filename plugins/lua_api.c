/* See lua_api.h. The order is that of the documentation. */
#include "lua_api.h"

#include <lauxlib.h>

#define KIND(kind) (1U << (kind))
#define TEXTS      (KIND(FILTER_MESSAGE) | KIND(FILTER_ACTION) | KIND(FILTER_PRIVATE))
/* Nobody can keep a client from leaving. */
#define JUDGED (((1U << FILTER_KINDS) - 1) & ~KIND(FILTER_LEAVE))

static const struct lua_api_function hub_functions[] = {
    {.name = "drop",
     .params = "reason?: string",
     .returns = "verdict: Verdict",
     .help = "It does not happen. The client reads the reason, if there is one.",
     .since = 1,
     .verdict = FILTER_DROP,
     .text = LUA_API_MAY_SAY,
     .kinds = JUDGED},
    {.name = "reply",
     .params = "text: string",
     .returns = "verdict: Verdict",
     .help = "It does not happen. The client reads the text, as a notice: how commands answer.",
     .since = 1,
     .verdict = FILTER_REPLY,
     .text = LUA_API_MUST_SAY,
     .kinds = JUDGED},
    {.name = "replace",
     .params = "text: string",
     .returns = "verdict: Verdict",
     .help = "This text instead, as if assigned to msg.text. Of messages, actions and private "
             "messages.",
     .since = 1,
     .verdict = FILTER_REPLACE,
     .text = LUA_API_MUST_SAY,
     .kinds = TEXTS},
    {.name = "divert",
     .params = "room: string",
     .returns = "verdict: Verdict",
     .help = "Into this room instead, as the text came to this filter. Of messages and "
             "actions.",
     .since = 1,
     .verdict = FILTER_DIVERT,
     .text = LUA_API_MUST_SAY,
     .kinds = KIND(FILTER_MESSAGE) | KIND(FILTER_ACTION)},
    {.name = "shadow",
     .params = "",
     .returns = "verdict: Verdict",
     .help = "Nobody gets it, and its author does not know. Of messages, actions and private "
             "messages.",
     .since = 1,
     .verdict = FILTER_SHADOW,
     .text = LUA_API_NO_TEXT,
     .kinds = TEXTS},
    {.name = "kick",
     .params = "reason?: string",
     .returns = "verdict: Verdict",
     .help = "The client reads the reason, and is disconnected.",
     .since = 1,
     .verdict = FILTER_KICK,
     .text = LUA_API_MAY_SAY,
     .kinds = JUDGED},
    {.name = "accept",
     .params = "",
     .returns = "verdict: Verdict",
     .help = "It happens, as it is now; the filters behind this one are not asked.",
     .since = 1,
     .verdict = FILTER_ACCEPT,
     .text = LUA_API_NO_TEXT,
     .kinds = JUDGED},
    {.name = "say",
     .params = "room: string; text: string",
     .returns = "said: true?; why: string?",
     .help = "Says something in a room, in the name of the filter, after the event that is judged. "
             "nil and the reason if there is no such room, or too much was said at once.",
     .call = lua_hub_say,
     .since = 1},
    {.name = "tell",
     .params = "nick: string; text: string",
     .returns = "told: true?; why: string?",
     .help = "The same to one client, as a notice.",
     .call = lua_hub_tell,
     .since = 1},
    {.name = "members",
     .params = "room: string",
     .returns = "nicks: string[]?; count: integer|string",
     .help =
         "The nicks in a room, 1000 at most, and how many there are; nil and the reason without "
         "such a room.",
     .call = lua_hub_members,
     .since = 1},
    {.name = "rooms",
     .params = "",
     .returns = "members: table<string, integer>",
     .help = "The rooms, 1000 at most: by name, how many are in each.",
     .call = lua_hub_rooms,
     .since = 1},
    {.name = "now",
     .params = "",
     .returns = "seconds: number",
     .help = "Seconds since 1970, with fractions; the same throughout a turn of the hub.",
     .call = lua_hub_now,
     .since = 1},
    {.name = "log",
     .params = "level: \"error\"|\"warn\"|\"info\"|\"debug\"; text: string",
     .returns = "",
     .help = "Writes a line to the log of the hub. Ten lines a second are written, the rest is "
             "counted.",
     .call = lua_hub_log,
     .since = 1},
    {.name = "every",
     .params = "seconds: number; run: fun()",
     .returns = "timer: integer",
     .help = "Calls the function again and again, at least so many seconds apart, 0.1 or more. "
             "64 timers are there for a filter.",
     .call = lua_hub_every,
     .since = 1},
    {.name = "after",
     .params = "seconds: number; run: fun()",
     .returns = "timer: integer",
     .help = "Calls the function once; with 0 in the next turn of the hub.",
     .call = lua_hub_after,
     .since = 1},
    {.name = "cancel",
     .params = "timer: integer",
     .returns = "was_there: boolean",
     .help = "Ends a timer.",
     .call = lua_hub_cancel,
     .since = 1},
    {.name = "rate",
     .params = "key: string|integer; per_second: number; burst: number",
     .returns = "allowed: boolean; wait: number?",
     .help = "Takes a token out of the bucket of that key, which holds `burst` of them and gains "
             "`per_second`; false, and in how many seconds there is one, if it is empty. Keys are "
             "the filter's own, of 128 bytes at most, and outlive a reload.",
     .call = lua_hub_rate,
     .since = 1},
    {.name = "tally",
     .params = "seconds: number",
     .returns = "tally: Tally",
     .help = "A memory that forgets: counts how often something was there. What is not counted "
             "again is forgotten after `seconds`, or up to twice that. It takes 0.4 MiB of the "
             "filter's memory, never more, and does not outlive a reload.",
     .call = lua_hub_tally,
     .since = 1},
    {.name = "shared",
     .params = "name: string",
     .returns = "map: Shared",
     .help = "A map that all filters share, and that outlives a reload; made by who asks first.",
     .call = lua_hub_shared,
     .since = 1},
    {.name = "words",
     .params = "list: string[]",
     .returns = "words: Words",
     .help = "Compiles words and phrases, to be found at a speed that does not depend on their "
             "number. While the script is loaded, not later.",
     .call = lua_hub_words,
     .since = 1},
    {.name = "letters",
     .params = "text: string|Message",
     .returns = "letters: integer; capitals: integer",
     .help = "How many letters there are of alphabets that have capitals and small letters, and "
             "how many of them are capitals.",
     .call = lua_hub_letters,
     .since = 1},
    {.name = "lower",
     .params = "text: string|Message",
     .returns = "small: string",
     .help = "The text in small letters, of all alphabets; string.lower knows A to Z.",
     .call = lua_hub_lower,
     .since = 1},
    {.name = "fingerprint",
     .params = "text: string|Message; also?: string|integer",
     .returns = "number: integer?",
     .help = "A number for what a text says: the same for texts that differ only in spaces, "
             "punctuation and capitals, and have the same `also`, such as who says it. nil if "
             "there is no letter, digit or emoji in it. Good until the filter is loaded anew.",
     .call = lua_hub_fingerprint,
     .since = 1},
    {.name = "links",
     .params = "text: string|Message",
     .returns = "next: fun(text: string|Message, from: integer): integer?, string?, string?; "
                "of: string|Message; from: integer",
     .help = "For `for behind, host, fault in hub.links(text) do`: goes over the links, which are "
             "SCHEME://..., www.... and name.domain/... `host` is where one leads, in small "
             "letters, and nil if that cannot be said: then `fault` is \"hidden\" (behind a user "
             "name or %-codes) or \"nameless\".",
     .call = lua_hub_links,
     .since = 1},
    {.name = "json",
     .params = "text: string|Message; most?: integer",
     .returns = "quoted: string",
     .help =
         "The text as a JSON string, in its quotes and in ASCII. What would take more than `most` "
         "bytes between these is cut, and ends in \"...\" besides.",
     .call = lua_hub_json,
     .since = 1},
};

static const struct lua_api_function tally_functions[] = {
    {.name = "count",
     .params = "key: string|integer",
     .returns = "times: integer",
     .help = "Counts the key; how often it was counted lately, this time included.",
     .call = lua_tally_count,
     .since = 1},
};

static const struct lua_api_function shared_functions[] = {
    {.name = "get",
     .params = "key: string",
     .returns = "value: string|number|nil",
     .help = "What the key holds; nil if nothing, or if its time is over.",
     .call = lua_shared_get,
     .since = 1},
    {.name = "set",
     .params = "key: string; value: string|number; ttl?: number",
     .returns = "evicted: integer",
     .help =
         "Sets a key, for `ttl` seconds or for good. How many other entries, those used longest "
         "ago, had to go because the map is full.",
     .call = lua_shared_set,
     .since = 1},
    {.name = "add",
     .params = "key: string; value: string|number; ttl?: number",
     .returns = "added: boolean; evicted: integer",
     .help = "The same, but false if the key is there already: to be the first at something.",
     .call = lua_shared_add,
     .since = 1},
    {.name = "incr",
     .params = "key: string; by?: number; ttl?: number",
     .returns = "sum: number; evicted: integer",
     .help = "Adds to a number, 1 if nothing else is said. A new key starts from 0 and lives for "
             "`ttl` seconds; one that is there keeps its time: so a count per minute is one call.",
     .call = lua_shared_incr,
     .since = 1},
    {.name = "delete",
     .params = "key: string",
     .returns = "was_there: boolean",
     .help = "Removes a key.",
     .call = lua_shared_delete,
     .since = 1},
};

static const struct lua_api_function words_functions[] = {
    {.name = "find",
     .params = "text: string|Message; from?: integer",
     .returns = "word: string?; first: integer?; last: integer?",
     .help =
         "The first of the words in the text, as it stands in the list, and where: bytes, as in "
         "string.find. Whole words only; large and small letters of all scripts are alike, and "
         "between the words of a phrase may stand what will. To find the next one, go on at "
         "`last + 1`: the text is looked at as if it began at `from`, so that in the middle of a "
         "word the rest of it would pass for a whole one.",
     .call = lua_words_find,
     .since = 1},
    {.name = "mask",
     .params = "text: string|Message",
     .returns = "masked: string; hits: integer",
     .help = "The text with a '*' for each character of the words in it, and how many there were.",
     .call = lua_words_mask,
     .since = 1},
};

#define FUNCTIONS(rows) .functions = (rows), .count = sizeof(rows) / sizeof *(rows)

const struct lua_api_class lua_api_hub = {
    .id = LUA_API_HUB,
    .name = "hub",
    .help = "What a filter may ask of the hub.",
    .separator = '.',
    FUNCTIONS(hub_functions),
};

const struct lua_api_class lua_api_tally = {
    .id = LUA_API_TALLY,
    .name = "Tally",
    .help =
        "A tally of hub.tally(): it knows 10,000 keys of a period, and as many of the one before.",
    .separator = ':',
    FUNCTIONS(tally_functions),
};

const struct lua_api_class lua_api_shared = {
    .id = LUA_API_SHARED,
    .name = "Shared",
    .help = "A map of hub.shared(): 65,536 entries and 4 MiB at most, keys of 1 to 256 bytes.",
    .separator = ':',
    FUNCTIONS(shared_functions),
};

const struct lua_api_class lua_api_words = {
    .id = LUA_API_WORDS,
    .name = "Words",
    .help = "Words of hub.words().",
    .separator = ':',
    FUNCTIONS(words_functions),
};

static const struct lua_api_field fields[] = {
    {"text", "string",
     "The text; of a command, what stands behind its name. Assign to it to rewrite a message, an "
     "action or a private message.",
     LUA_API_TEXT, 1},
    {"len", "integer", "Bytes in the text; costs nothing, so ask it first.", LUA_API_LEN, 1},
    {"from", "string", "Nick of who does it.", LUA_API_FROM, 1},
    {"client", "integer", "Id of who does it: a nick may change, this does not.", LUA_API_CLIENT,
     1},
    {"room", "string", "\"#lobby\"; empty where there is none, as in a private message.",
     LUA_API_ROOM, 1},
    {"to", "string",
     "The receiver of a private message, the new nick, the name of the command; otherwise empty.",
     LUA_API_TO, 1},
    {"kind",
     "\"message\"|\"action\"|\"private\"|\"join\"|\"leave\"|\"nick\"|\"connect\"|\"command\"",
     "What it is; \"action\" is `/me`.", LUA_API_KIND, 1},
    {"time", "number", "When it happens: seconds since 1970, with fractions.", LUA_API_TIME, 1},
    {"joined_at", "number", "When the client connected, in the same way.", LUA_API_JOINED_AT, 1},
    {"address", "string", "Where the client connects from: \"127.0.0.1:50312\", \"unix\".",
     LUA_API_ADDRESS, 1},
};

const struct lua_api_field *lua_api_fields(size_t *count)
{
    *count = sizeof fields / sizeof *fields;
    return fields;
}

void lua_api_push_methods(lua_State *state, const struct lua_api_class *class)
{
    lua_createtable(state, 0, (int)class->count);
    for (size_t i = 0; i < class->count; i++) {
        lua_pushcfunction(state, class->functions[i].call);
        lua_setfield(state, -2, class->functions[i].name);
    }
}
