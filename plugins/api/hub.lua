---@meta
-- luacheck: ignore
-- What filters of chatroom_server can call, for editors (LuaCATS). Generated from
-- lua_api.c by `ninja lua_docs`: a change here is lost.

---What a filter returns at its end.
---@class (exact) Filter
---@field name string 1 to 32 of `a-z 0-9 _ -`; what the log and `--set` call it
---@field version? string for people, and for `restore`
---@field description? string for people
---@field api? 1 which version of this table it is written for
---@field on_message? fun(msg: Message): Verdict? a message or `/me` to a room
---@field on_private? fun(msg: Message): Verdict? a private message to `msg.to`
---@field on_join? fun(msg: Message): Verdict? a client enters a room
---@field on_leave? fun(msg: Message) a client has left a room; there is nothing to judge
---@field on_nick? fun(msg: Message): Verdict? a client wants the nick `msg.to`
---@field on_connect? fun(msg: Message): Verdict? a client connects
---@field commands? table<string, fun(ctx: Message, args: string): Verdict?> functions by name: `/roll 2d6` calls `commands.roll(ctx, "2d6")`
---@field on_load? fun() once, when it is loaded and `hub.config` is there
---@field on_unload? fun() once, before it is gone
---@field save? fun(): any on a reload: returns what the next one is to know, plain values and tables of them
---@field restore? fun(saved: any, old_version: string) on a reload, after `on_load`: is given it
---@field priority? "first"|"normal"|"last"|integer its place among the filters: -1000, 0, 1000; low ones are asked first
---@field on_error? "open"|"closed" after a fault, what was judged passes (`"open"`, the default) or is dropped
---@field rooms? string|string[] only in these rooms; `*` and `?` match any characters, or any one
---@field config? table<string, Setting|string|number|boolean|string[]> what may be set with `--set NAME.KEY=VALUE`, and is read in `hub.config.KEY`
---@field match? FilterMatch|fun(config: table<string, any>): FilterMatch only what is like this; decided before the script is entered, and so for nearly nothing

---What a filter wants to see: all of it must hold.
---@class (exact) FilterMatch
---@field prefix? string the text starts with it
---@field contains? string|string[] the text holds one of these, anywhere, capitals or not (A to Z)
---@field words? string|string[] the text has one of these words or phrases, as `hub.words` finds them
---@field capitals? integer so many capital letters, of all alphabets, at least
---@field min_length? integer bytes of text, at least
---@field max_length? integer bytes of text, at most
---@field kinds? string|string[] of what it handles: message, action, private, join, leave, nick, connect, command
---@field sample? number only this share of what matches: 0.01 is one in a hundred

---A key of `config`.
---@class (exact) Setting
---@field type? "number"|"string"|"boolean"|"list" what it is; that of the default, if there is one. A list is one of strings; it is set as `a,b,c`
---@field default? number|string|boolean|string[] what it is when it is not set; `nil` without
---@field min? number the least value of a number; the least length of a string or list
---@field max? number the same, the most
---@field choices? string[] a string is one of these
---@field help? string for people

---What hub.drop() and its like return, for a handler to return.
---@class Verdict

---What a handler judges. Good until the handler returns: keep msg.text or msg.from, never msg.
---@class (exact) Message
---@field text string The text; of a command, what stands behind its name. Assign to it to rewrite a message, an action or a private message.
---@field len integer Bytes in the text; costs nothing, so ask it first.
---@field from string Nick of who does it.
---@field client integer Id of who does it: a nick may change, this does not.
---@field room string "#lobby"; empty where there is none, as in a private message.
---@field to string The receiver of a private message, the new nick, the name of the command; otherwise empty.
---@field kind "message"|"action"|"private"|"join"|"leave"|"nick"|"connect"|"command" What it is; "action" is `/me`.
---@field time number When it happens: seconds since 1970, with fractions.
---@field joined_at number When the client connected, in the same way.
---@field address string Where the client connects from: "127.0.0.1:50312", "unix".

---A tally of hub.tally(): it knows 10,000 keys of a period, and as many of the one before.
---@class Tally
local Tally = {}

---Counts the key; how often it was counted lately, this time included.
---@param key string|integer
---@return integer times
function Tally:count(key) end

---A map of hub.shared(): 65,536 entries and 4 MiB at most, keys of 1 to 256 bytes.
---@class Shared
local Shared = {}

---What the key holds; nil if nothing, or if its time is over.
---@param key string
---@return string|number|nil value
function Shared:get(key) end

---Sets a key, for `ttl` seconds or for good. How many other entries, those used longest ago, had to go because the map is full.
---@param key string
---@param value string|number
---@param ttl? number
---@return integer evicted
function Shared:set(key, value, ttl) end

---The same, but false if the key is there already: to be the first at something.
---@param key string
---@param value string|number
---@param ttl? number
---@return boolean added
---@return integer evicted
function Shared:add(key, value, ttl) end

---Adds to a number, 1 if nothing else is said. A new key starts from 0 and lives for `ttl` seconds; one that is there keeps its time: so a count per minute is one call.
---@param key string
---@param by? number
---@param ttl? number
---@return number sum
---@return integer evicted
function Shared:incr(key, by, ttl) end

---Removes a key.
---@param key string
---@return boolean was_there
function Shared:delete(key) end

---Words of hub.words().
---@class Words
local Words = {}

---The first of the words in the text, as it stands in the list, and where: bytes, as in string.find. Whole words only; large and small letters of all scripts are alike, and between the words of a phrase may stand what will. To find the next one, go on at `last + 1`: the text is looked at as if it began at `from`, so that in the middle of a word the rest of it would pass for a whole one.
---@param text string|Message
---@param from? integer
---@return string? word
---@return integer? first
---@return integer? last
function Words:find(text, from) end

---The text with a '*' for each character of the words in it, and how many there were.
---@param text string|Message
---@return string masked
---@return integer hits
function Words:mask(text) end

---What a filter may ask of the hub.
---@class hub
---@field config table<string, any> What `config` in the declaration says, as set.
hub = {}

---It does not happen. The client reads the reason, if there is one.
---@param reason? string
---@return Verdict verdict
function hub.drop(reason) end

---It does not happen. The client reads the text, as a notice: how commands answer.
---@param text string
---@return Verdict verdict
function hub.reply(text) end

---This text instead, as if assigned to msg.text. Of messages, actions and private messages.
---@param text string
---@return Verdict verdict
function hub.replace(text) end

---Into this room instead, as the text came to this filter. Of messages and actions.
---@param room string
---@return Verdict verdict
function hub.divert(room) end

---Nobody gets it, and its author does not know. Of messages, actions and private messages.
---@return Verdict verdict
function hub.shadow() end

---The client reads the reason, and is disconnected.
---@param reason? string
---@return Verdict verdict
function hub.kick(reason) end

---It happens, as it is now; the filters behind this one are not asked.
---@return Verdict verdict
function hub.accept() end

---Says something in a room, in the name of the filter, after the event that is judged. nil and the reason if there is no such room, or too much was said at once.
---@param room string
---@param text string
---@return true? said
---@return string? why
function hub.say(room, text) end

---The same to one client, as a notice.
---@param nick string
---@param text string
---@return true? told
---@return string? why
function hub.tell(nick, text) end

---The nicks in a room, 1000 at most, and how many there are; nil and the reason without such a room.
---@param room string
---@return string[]? nicks
---@return integer|string count
function hub.members(room) end

---The rooms, 1000 at most: by name, how many are in each.
---@return table<string, integer> members
function hub.rooms() end

---Seconds since 1970, with fractions; the same throughout a turn of the hub.
---@return number seconds
function hub.now() end

---Writes a line to the log of the hub. Ten lines a second are written, the rest is counted.
---@param level "error"|"warn"|"info"|"debug"
---@param text string
function hub.log(level, text) end

---Calls the function again and again, at least so many seconds apart, 0.1 or more. 64 timers are there for a filter.
---@param seconds number
---@param run fun()
---@return integer timer
function hub.every(seconds, run) end

---Calls the function once; with 0 in the next turn of the hub.
---@param seconds number
---@param run fun()
---@return integer timer
function hub.after(seconds, run) end

---Ends a timer.
---@param timer integer
---@return boolean was_there
function hub.cancel(timer) end

---Takes a token out of the bucket of that key, which holds `burst` of them and gains `per_second`; false, and in how many seconds there is one, if it is empty. Keys are the filter's own, of 128 bytes at most, and outlive a reload.
---@param key string|integer
---@param per_second number
---@param burst number
---@return boolean allowed
---@return number? wait
function hub.rate(key, per_second, burst) end

---A memory that forgets: counts how often something was there. What is not counted again is forgotten after `seconds`, or up to twice that. It takes 0.4 MiB of the filter's memory, never more, and does not outlive a reload.
---@param seconds number
---@return Tally tally
function hub.tally(seconds) end

---A map that all filters share, and that outlives a reload; made by who asks first.
---@param name string
---@return Shared map
function hub.shared(name) end

---Compiles words and phrases, to be found at a speed that does not depend on their number. While the script is loaded, not later.
---@param list string[]
---@return Words words
function hub.words(list) end

---How many letters there are of alphabets that have capitals and small letters, and how many of them are capitals.
---@param text string|Message
---@return integer letters
---@return integer capitals
function hub.letters(text) end

---The text in small letters, of all alphabets; string.lower knows A to Z.
---@param text string|Message
---@return string small
function hub.lower(text) end

---A number for what a text says: the same for texts that differ only in spaces, punctuation and capitals, and have the same `also`, such as who says it. nil if there is no letter, digit or emoji in it. Good until the filter is loaded anew.
---@param text string|Message
---@param also? string|integer
---@return integer? number
function hub.fingerprint(text, also) end

---For `for behind, host, fault in hub.links(text) do`: goes over the links, which are SCHEME://..., www.... and name.domain/... `host` is where one leads, in small letters, and nil if that cannot be said: then `fault` is "hidden" (behind a user name or %-codes) or "nameless".
---@param text string|Message
---@return fun(text: string|Message, from: integer): integer?, string?, string? next
---@return string|Message of
---@return integer from
function hub.links(text) end

---The text as a JSON string, in its quotes and in ASCII. What would take more than `most` bytes between these is cut, and ends in "..." besides.
---@param text string|Message
---@param most? integer
---@return string quoted
function hub.json(text, most) end
