-- slowmode: in a room where too many write at once, everyone may write once in so many seconds.
--
--   /slowmode 30   everyone may write in this room once in 30 seconds
--   /slowmode 0    as often as they like
--   /slowmode      says how it is
--
-- Teaches save and restore. What a filter keeps in its variables is gone when it is loaded anew,
-- after a change to the file or a SIGHUP: the new one starts empty. `save` is asked by the old
-- filter what is worth keeping; `restore` is given that in the new one, with the version of the
-- old: look at it when the form of what you save has changed. If either raises an error, the old
-- filter stays at work. (The buckets of hub.rate() are kept by the hub, and stay anyway.)
--
-- The command is for operators: those who come in by a unix socket (-l unix:PATH), which the
-- permissions of that file decide. A nick proves nothing: anyone may take one that is free.

local SECONDS_MOST = 3600

local seconds = {} -- room -> as set by the command; the others are as configured

local function seconds_in(room)
    return seconds[room:lower()] or hub.config.seconds
end

local function describe(room)
    local n = seconds_in(room)
    if n == 0 then
        return "You may write in " .. room .. " as often as you like."
    end
    return ("You may write in %s once in %g seconds."):format(room, n)
end

local function slowmode(msg, args)
    if msg.room == "" then
        return hub.reply("You are in no room.")
    end
    if args == "" then
        return hub.reply(describe(msg.room))
    end
    if msg.address ~= "unix" then
        return hub.reply("Only operators change it: those on a unix socket.")
    end
    local n = tonumber(args)
    if not n or not (n == 0 or n >= 1 and n <= SECONDS_MOST) then
        return hub.reply(("/slowmode takes 1 to %d seconds, or 0 for off."):format(SECONDS_MOST))
    end
    seconds[msg.room:lower()] = n
    hub.say(msg.room, describe(msg.room))
end

return {
    name = "slowmode",
    version = "1.0",
    api = 1,
    description = "one message in so many seconds, for each person in a room",

    config = {
        seconds = {
            default = 10,
            min = 0,
            max = SECONDS_MOST,
            help = "in rooms where nothing else was set; 0: off",
        },
    },

    commands = { slowmode = slowmode },

    on_message = function(msg)
        local room = msg.room:lower()
        local n = seconds[room] or hub.config.seconds
        if n == 0 then
            return
        end
        local may, wait = hub.rate(room .. " " .. msg.client, 1 / n, 1)
        if not may then
            return hub.drop(("this room is slow: again in %d s"):format(math.ceil(wait)))
        end
    end,

    save = function()
        return seconds
    end,

    restore = function(saved)
        seconds = saved
    end,
}
