-- repeats: nobody says the same thing again and again.
--
--   Buy my book!     passes
--   buy my book!!    you have said that already
--
-- Teaches a memory that forgets. What is kept for each message must not stay for ever, and there is
-- no moment at which it could be removed: who leaves a room may come back. hub.tally() counts
-- things, and forgets by itself those that did not come again; how much memory that takes is known.
--
-- What is counted is a fingerprint of who said what: hub.fingerprint() is that of the letters and
-- digits, so spaces, punctuation and capitals make no text a new one. Short ones ("yes", "ok") may
-- be said as often as one likes: `match` keeps them away.

local said -- of hub.tally()

return {
    name = "repeats",
    version = "1.1",
    api = 1,
    description = "drops what somebody has said already",

    config = {
        times = { default = 1, min = 1, help = "so often the same may be said" },
        seconds = { default = 60, min = 1, help = "forgotten after so long, or up to twice that" },
    },

    match = { min_length = 6 },

    on_load = function()
        said = hub.tally(hub.config.seconds)
    end,

    on_message = function(msg)
        local fingerprint = hub.fingerprint(msg, msg.client)
        if fingerprint and said:count(fingerprint) > hub.config.times then
            return hub.drop("you have said that already")
        end
    end,
}
