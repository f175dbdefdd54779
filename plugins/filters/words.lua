-- words: drops messages that contain a word from the list, or masks the words in them.
--
--   free viagra   ->   the word 'viagra' is not welcome here
--   free viagra   ->   free ******                               with --set words.mask=true
--
-- Teaches compiled words. They are looked up in no more time for ten thousand than for three, and
-- as people read: whole words only ("spam" is in "Spam!", not in "spamalot"), large and small
-- letters of all scripts alike, and "buy now" is found with whatever stands between the two words.
--
-- And that `match` can be a function of what is configured. The hub looks for the words before it
-- enters a filter; so this one runs only when there is one of them, which is seldom.
--
--   chatroom_server -f words.lua --set words.list='spam, buy now' --set words.mask=true

local words -- of hub.words()

return {
    name = "words",
    version = "2.1",
    api = 1,
    description = "drops messages with a listed word, or masks it",

    config = {
        list = { default = { "spam", "scam", "viagra" }, help = "words and phrases" },
        mask = { default = false, help = "mask the words instead of dropping the message" },
    },

    match = function(config)
        return { words = config.list }
    end,

    -- What is configured is known here, and not before.
    on_load = function()
        words = hub.words(hub.config.list)
    end,

    -- words:find() and its like take the message itself as well as a string: nothing is copied.
    on_message = function(msg)
        if hub.config.mask then
            msg.text = words:mask(msg)
            return
        end
        local word = words:find(msg)
        if word then
            return hub.drop("the word '" .. word .. "' is not welcome here")
        end
    end,
}
