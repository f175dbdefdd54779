-- jail: makes somebody mute for a time.
--
--   /jail bob 10    bob hears everything, and can say nothing, for ten minutes
--   /release bob    lets him out
--
-- Teaches who may do what. A nick proves nothing: anyone may take one that is free. What a client
-- cannot choose is the address it comes from. So the commands are for those at certain addresses:
-- "unix" is the unix socket of the hub (-l unix:PATH), guarded by the permissions of that file, and
-- an operator's for the rest of the hub, too; others may be configured, without their port. Do not
-- name 127.0.0.1 on a machine that has other users.
--
--   chatroom_server -l 0.0.0.0:8888 -l unix:/run/chatroom \
--       -f jail.lua --set jail.wardens=unix,10.0.0.5
--
-- It is the nick that is mute: it cannot be changed from within, and who takes it after its owner
-- has left is mute, too. It does not keep somebody from coming back under another nick.
--
-- Cells are entries of a shared map: they outlive a reload, and open by themselves in time.

local MINUTES, MINUTES_MOST = 5, 24 * 60

local cells = hub.shared("jail") -- nick, in small letters -> when it opens
local wardens = {}               -- address -> true

-- "10.0.0.5:50312" without its port; "unix" as it is.
local function host_of(address)
    return address:match("^(.*):%d+$") or address
end

local function minutes(n)
    return n == 1 and "1 minute" or n .. " minutes"
end

-- For everything by which one can make oneself heard.
local function silence(msg)
    local opens = cells:get(msg.from:lower())
    if opens then
        local left = math.max(1, math.ceil((opens - msg.time) / 60))
        return hub.drop("you are in jail for " .. minutes(left))
    end
end

local function jail(msg, args)
    if not wardens[host_of(msg.address)] then
        return hub.reply("You are no warden.")
    end
    local nick, number = args:match("^(%S+) *(%d*)$")
    local n = number == "" and MINUTES or tonumber(number or 0)
    if n < 1 or n > MINUTES_MOST then
        return hub.reply("/jail takes a nick, and minutes, up to a day of them: /jail bob 10")
    end
    if cells:set(nick:lower(), hub.now() + n * 60, n * 60) > 0 then
        hub.log("warn", "the jail is full: somebody was let out early")
    end
    hub.log("info", ("%s jailed %s for %s"):format(msg.from, nick, minutes(n)))
    hub.tell(nick, "You are in jail for " .. minutes(n) .. ".")
    return hub.reply(nick .. " is in jail for " .. minutes(n) .. ".")
end

local function release(msg, args)
    if not wardens[host_of(msg.address)] then
        return hub.reply("You are no warden.")
    end
    if args == "" or not cells:delete(args:lower()) then
        return hub.reply("/release takes the nick of somebody who is in jail.")
    end
    hub.log("info", ("%s released %s"):format(msg.from, args))
    hub.tell(args, "You are out of jail.")
    return hub.reply(args .. " is out of jail.")
end

return {
    name = "jail",
    version = "1.0",
    api = 1,
    description = "makes somebody mute for a time",
    priority = "first",

    config = {
        wardens = { default = { "unix" }, help = "addresses from which one may jail, no ports" },
    },

    on_load = function()
        for _, address in ipairs(hub.config.wardens) do
            wardens[address] = true
        end
    end,

    commands = { jail = jail, release = release },

    on_message = silence,
    on_private = silence,
    on_nick = silence,
}
