-- audit: writes what people do to the log of the hub, as JSON, an object a line.
--
--   chatroom_server: info: filter audit: {"time":1795427667.250,"kind":"message","client":3,...}
--
-- To have the objects alone (of a backslash in front of an x, the log makes \x5c):
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
local TEXT_MOST = 400    -- bytes that a text may take up; a line of the log has room for some 700

local queue = {} -- lines, from `first` to `last`
local first, last = 1, 0
local lost = 0 -- lines that did not fit in

-- Of a backslash in front of an x the log makes four bytes, so there is room for half as much.
local function quote(text)
    local quoted = hub.json(text, TEXT_MOST)
    if quoted:find("\\\\x", 1, true) then
        return hub.json(text, TEXT_MOST // 2)
    end
    return quoted
end

local function object(msg, text)
    local line = ('{"time":%.3f,"kind":"%s","client":%d,"from":%s'):format(msg.time, msg.kind,
        msg.client, hub.json(msg.from))
    if msg.room ~= "" then
        line = line .. ',"room":' .. hub.json(msg.room)
    end
    if msg.to ~= "" then
        line = line .. ',"to":' .. hub.json(msg.to)
    end
    if msg.kind == "connect" then
        line = line .. ',"address":' .. hub.json(msg.address)
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
    version = "1.1",
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
