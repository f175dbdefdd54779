-- repeats: nobody says the same thing again and again.
--
--   Buy my book!     passes
--   buy my book!!    you have said that already
--
-- Teaches a memory that forgets. What is kept for each message must not stay for ever, and there is
-- no moment at which it could be removed: who leaves a room may come back. So there are two tables.
-- New entries go to the young one, and both are looked at; now and then the old one is thrown away
-- whole, and the young one becomes the old one. No entry needs a time of its own, and no loop looks
-- for those that are over. A table that grows too large in between ages at once, and what is
-- kept of a text is short: so it is known how much memory this can take.
--
-- Texts are compared by their letters and digits: spaces, punctuation and capitals make none a new
-- one. Short ones ("yes", "ok") may be said as often as one likes: `match` keeps them away.

local MOST = 10000    -- entries in a table
local GIST_MOST = 200 -- bytes kept of a text

local young, old = {}, {} -- who and what -> how often
local size = 0            -- of the young one

local function age()
    young, old, size = {}, young, 0
end

-- How often that was said lately, this time included.
local function count(key)
    local times = (young[key] or old[key] or 0) + 1
    if not young[key] then
        if size == MOST then
            age()
        end
        size = size + 1
    end
    young[key] = times
    return times
end

-- Long texts are the same if they start alike and are as long.
local function gist_of(text)
    local gist = text:lower():gsub("[%s%p]+", "")
    if #gist > GIST_MOST then
        gist = #gist .. " " .. gist:sub(1, GIST_MOST)
    end
    return gist
end

return {
    name = "repeats",
    version = "1.0",
    api = 1,
    description = "drops what somebody has said already",

    match = { min_length = 6 },

    config = {
        times = { default = 1, min = 1, help = "so often the same may be said" },
        seconds = { default = 60, min = 1, help = "forgotten after so long, or up to twice that" },
    },

    on_load = function()
        hub.every(hub.config.seconds, age)
    end,

    on_message = function(msg)
        local gist = gist_of(msg.text)
        if gist ~= "" and count(msg.client .. " " .. gist) > hub.config.times then
            return hub.drop("you have said that already")
        end
    end,
}
