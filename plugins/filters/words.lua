-- words: drops messages that contain a word from the list.
--
-- Shows how to refuse a message: return hub.drop("reason"). It goes nowhere, and the sender reads
-- the reason.
--
-- Only whole words count, capitals or not: with "spam" in the list, "Spam!" is dropped and
-- "spamalot" is not. To have a list of your own, copy this file, change the list, and load the copy
-- with -f.

local LIST = { "spam", "scam", "viagra" }

-- What a word is made of: letters, digits, and every byte of a letter outside ASCII.
local WORD = "[%w\128-\255]+"

-- This part runs once, when the filter is loaded. A table with the words as keys finds one at once,
-- however long the list is.
local listed = {}
for _, word in ipairs(LIST) do
    listed[word:lower()] = true
end

return {
    name = "words",
    version = "1.0",
    description = "drops messages that contain a listed word",

    on_message = function(msg)
        for word in msg.text:lower():gmatch(WORD) do
            if listed[word] then
                return hub.drop("the word '" .. word .. "' is not welcome here")
            end
        end
    end,
}
