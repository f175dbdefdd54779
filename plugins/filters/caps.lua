-- caps: too many capitals are too loud. Writes such a message in small letters, or drops it.
--
--   WIR SIND ÜBERALL    ->   wir sind überall
--   ГДЕ ВСЕ СЕГОДНЯ     ->   где все сегодня
--   I work for NASA     ->   as it was
--
-- Teaches text beyond ASCII. For Lua a string is bytes: %u, %l, lower() and upper() know A to Z and
-- let the bytes of other letters be. hub.letters() and hub.lower() know those of all alphabets;
-- what has no capitals, as ideographs and digits, is no letter to them.
--
-- And how to ask the cheap question first: `match` says how many capitals a message has at least
-- when it is too loud, as configured. The hub counts them before it enters the filter, and most
-- messages have fewer.

return {
    name = "caps",
    version = "1.1",
    api = 1,
    description = "calms down messages with too many capitals",

    config = {
        percent = { default = 70, min = 1, max = 100, help = "of the letters: these are too many" },
        letters = { default = 8, min = 4, help = "a message with fewer is an abbreviation" },
        drop = { default = false, help = "drop the message instead of writing it small" },
    },

    match = function(config)
        return { capitals = math.ceil(config.letters * config.percent / 100) }
    end,

    on_message = function(msg)
        local letters, capitals = hub.letters(msg)
        if letters < hub.config.letters or capitals * 100 < letters * hub.config.percent then
            return
        end
        if hub.config.drop then
            return hub.drop("you need not shout")
        end
        msg.text = hub.lower(msg)
    end,
}
