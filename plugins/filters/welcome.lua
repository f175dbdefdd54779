-- welcome: greets who joins, and tells the room about newcomers, a few at a time.
--
--   to ann              Welcome to #tea, ann! Type /help to see what you can do.
--   to all in #tea      Say hello to ann, bob and 7 others.
--
-- Teaches timers, and to gather before speaking. What is said to one person costs one delivery, and
-- is said at once. What is said to a room costs one for each person in it: let a thousand people
-- come back after a network failure and greet them one by one, and that is a million deliveries. So
-- newcomers are put on a list, and the first on it sets a timer; when that runs, it greets them all
-- in one line. However many come, a room gets one line in so many seconds.
--
-- While on_join runs nobody has joined yet: the room may not even be there. What hub.tell() and
-- hub.say() are given is sent afterwards.

local NAMED = 3 -- so many are called by their nicks; of more, one less, and the rest is counted

local newcomers = {} -- room -> list of nicks; its `count` is how many came

-- "ann", "ann and bob", "ann, bob and cem", "ann, bob and 3 others"
local function enumerate(list)
    local last = list[list.count] or list.count - NAMED + 1 .. " others"
    if list.count == 1 then
        return last
    end
    return table.concat(list, ", ", 1, math.min(list.count, NAMED) - 1) .. " and " .. last
end

local function greet()
    local all = newcomers
    newcomers = {}
    for room, list in pairs(all) do
        hub.say(room, "Say hello to " .. enumerate(list) .. ".")
    end
end

local function gather(room, nick)
    if next(newcomers) == nil then
        hub.after(hub.config.seconds, greet)
    end
    local list = newcomers[room] or { count = 0 }
    newcomers[room] = list
    list.count = list.count + 1
    if list.count <= NAMED then
        list[list.count] = nick
    end
end

return {
    name = "welcome",
    version = "1.0",
    api = 1,
    description = "greets who joins, and tells the room",

    config = {
        text = {
            default = "Welcome to {room}, {nick}! Type /help to see what you can do.",
            help = "said to the newcomer; empty: nothing",
        },
        aloud = { default = true, help = "whether the room is told as well" },
        seconds = { default = 2, min = 0, help = "how long newcomers are gathered" },
    },

    on_join = function(msg)
        local text = hub.config.text:gsub("{(%a+)}", { nick = msg.from, room = msg.room })
        if text ~= "" then
            hub.tell(msg.from, text)
        end
        if hub.config.aloud then
            gather(msg.room, msg.from)
        end
    end,
}
