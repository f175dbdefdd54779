-- audit: writes what people do to the log of the hub, as JSON, an object a line.
--
--   chatroom_server: info: filter audit: {"time":1795427667.250,"kind":"message","client":3,...}
--
-- To have the objects alone (the log writes \x5c for a backslash):
--
--   chatroom_server -f audit.lua 2>&1 |
--       sed -n 's/^.* filter audit: {/{/; T; s/\\x5c/\\/g; p' >>audit.jsonl
--
-- Teaches to keep pace with what is slower than oneself. The log takes ten lines a second of a
-- filter; people may write a thousand. So lines wait in a queue, and a timer writes some of them
-- every second. The queue has a limit. What does not fit is counted, and the count is written where
-- the gap is: an audit that hides its gaps proves nothing.
--
-- It also shows what `priority` is for. "first" is -1000, and this comes before that: so it sees
-- what people wrote, even what another filter drops or rewrites. A copy of it with "last" sees what
-- was heard. It gives no verdict, so it changes nothing. It does not see commands: only the filter
-- that has one is asked.
--
-- Private messages are logged without their text unless audit.private is set. Tell your people.

local QUEUE_MOST = 1000
local LINES_A_SECOND = 9 -- and one for the gap
local TEXT_MOST = 400    -- bytes that a text may take up in the log; a line has room for some 700

-- Neither control characters, quotes, backslashes nor other bytes than those of ASCII.
local PLAIN = '^[^%c"\\\128-\255]*$'

local queue = {} -- lines, from `first` to `last`
local first, last = 1, 0
local lost = 0 -- lines that did not fit in

-- One character in JSON, in ASCII: beyond U+FFFF that takes two surrogates.
local function escape(character)
    local code = utf8.codepoint(character)
    if character == '"' or character == "\\" then
        return "\\" .. character
    elseif code >= 0x20 and code < 0x7F then
        return character
    elseif code < 0x10000 then
        return ("\\u%04x"):format(code)
    end
    code = code - 0x10000
    return ("\\u%04x\\u%04x"):format(0xD800 + code // 0x400, 0xDC00 + code % 0x400)
end

-- What it takes up in the log, where a backslash is written as four bytes.
local function cost_of(escaped)
    local _, backslashes = escaped:gsub("\\", "")
    return #escaped + 3 * backslashes
end

-- Plain texts, which most are, stay as they are; of the others, as much as there is room for.
local function quote(text)
    if #text <= TEXT_MOST and text:find(PLAIN) then
        return '"' .. text .. '"'
    end
    local parts, room = {}, TEXT_MOST
    for _, code in utf8.codes(text) do
        local escaped = escape(utf8.char(code))
        room = room - cost_of(escaped)
        if room < 0 then
            parts[#parts + 1] = "..."
            break
        end
        parts[#parts + 1] = escaped
    end
    return '"' .. table.concat(parts) .. '"'
end

local function object(msg, text)
    local line = ('{"time":%.3f,"kind":"%s","client":%d,"from":%s'):format(msg.time, msg.kind,
        msg.client, quote(msg.from))
    if msg.room ~= "" then
        line = line .. ',"room":' .. quote(msg.room)
    end
    if msg.to ~= "" then
        line = line .. ',"to":' .. quote(msg.to)
    end
    if msg.kind == "connect" then
        line = line .. ',"address":' .. quote(msg.address)
    end
    if text then
        line = line .. ',"text":' .. quote(text)
    end
    return line .. "}"
end

local function put(line)
    last = last + 1
    queue[last] = line
end

-- The gap, if there is one, takes the place in the queue behind which it opened.
local function keep(msg, text)
    if last - first + 1 >= QUEUE_MOST then
        lost = lost + 1
        return
    end
    if lost > 0 then
        put(('{"time":%.3f,"kind":"lost","count":%d}'):format(msg.time, lost))
        lost = 0
    end
    put(object(msg, text))
end

local function write()
    for _ = 1, LINES_A_SECOND do
        if first > last then
            return
        end
        hub.log("info", queue[first])
        queue[first] = nil
        first = first + 1
    end
end

local function note(msg)
    keep(msg)
end

local function note_text(msg)
    keep(msg, msg.text)
end

return {
    name = "audit",
    version = "1.0",
    api = 1,
    description = "writes what people do to the log, as JSON lines",
    priority = -2000,

    config = {
        private = { default = false, help = "log the text of private messages, too" },
    },

    on_load = function()
        hub.every(1, write)
    end,

    -- The last lines there is room for, and how many there is none for.
    on_unload = function()
        write()
        lost = lost + last - first + 1
        if lost > 0 then
            hub.log("info", ('{"time":%.3f,"kind":"lost","count":%d}'):format(hub.now(), lost))
        end
    end,

    on_message = note_text,

    on_private = function(msg)
        keep(msg, hub.config.private and msg.text or nil)
    end,

    on_connect = note,
    on_join = note,
    on_leave = note,
    on_nick = note,
}
