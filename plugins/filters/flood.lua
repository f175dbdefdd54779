-- flood: slows down who writes too fast, then drops their messages, then disconnects them.
--
-- Teaches token buckets. hub.rate(key, per_second, burst) is a bucket for each key, which holds
-- `burst` tokens, gains `per_second` of them a second, and gives one for each call that returns
-- true. So somebody may write a few lines at once, as people do, but not for long. The ladder is
-- two buckets and a count:
--
--   1. slow   the first bucket is empty: the message passes, and its author is warned
--   2. drop   so is the second, which holds the warnings: nobody hears the message
--   3. kick   too many were dropped within a minute
--
-- The count is in a shared map: an entry made by `incr` goes by itself when its time is over, so
-- there is nothing here to clean up when people leave. Buckets and maps outlive a reload.
--
-- Everything that others get to see costs a token: messages, private messages, changes of nick.

local WARNING_EVERY = 10 -- seconds after which one more warning may be given
local MINUTE = 60

local drops = hub.shared("flood drops") -- client -> how many within the last minute

local function judge(msg)
    local config = hub.config
    if hub.rate(msg.client, config.per_second, config.burst) then
        return
    end
    if hub.rate("warn " .. msg.client, 1 / WARNING_EVERY, config.warnings) then
        hub.tell(msg.from, "Slow down, please: you write faster than others can read.")
        return
    end
    if drops:incr(msg.client, 1, MINUTE) > config.drops then
        return hub.kick("flooding")
    end
    return hub.drop("you are writing too fast")
end

return {
    name = "flood",
    version = "1.0",
    api = 1,
    description = "slows down, then drops, then disconnects who writes too fast",
    priority = "first", -- what is dropped here need not be looked at by the others

    config = {
        per_second = { default = 1, min = 0.001, help = "messages a second, in the long run" },
        burst = { default = 5, min = 1, help = "so many at once" },
        warnings = { default = 3, min = 1, help = "so many more pass, with a warning" },
        drops = { default = 10, min = 0, help = "so many are dropped in a minute, then the kick" },
    },

    on_message = judge,
    on_private = judge,
    on_nick = judge,
}
