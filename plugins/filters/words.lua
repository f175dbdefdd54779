-- words: drops messages that contain a word from the list, or masks the words in them.
--
--   free viagra   ->   the word 'viagra' is not welcome here
--   free viagra   ->   free ******                               with --set words.mask=true
--
-- Teaches compiled words: hub.words() makes a set of a list, once, when the filter is loaded.
-- Looking a text up in it takes no longer for ten thousand words than for three, and it reads as
-- people do: whole words only ("spam" is in "Spam!", not in "spamalot"), large and small letters
-- of all scripts alike, and "buy now" is found with whatever stands between the two words.
--
--   chatroom_server -f words.lua --set words.list='spam, buy now' --set words.mask=true

local words -- of hub.words()

return {
    name = "words",
    version = "2.0",
    api = 1,
    description = "drops messages with a listed word, or masks it",

    config = {
        list = { default = { "spam", "scam", "viagra" }, help = "words and phrases" },
        mask = { default = false, help = "mask the words instead of dropping the message" },
    },

    -- What is configured is known here, and not before.
    on_load = function()
        words = hub.words(hub.config.list)
    end,

    on_message = function(msg)
        if hub.config.mask then
            local text, hits = words:mask(msg.text)
            if hits > 0 then
                msg.text = text
            end
            return
        end
        local word = words:find(msg.text)
        if word then
            return hub.drop("the word '" .. word .. "' is not welcome here")
        end
    end,
}
