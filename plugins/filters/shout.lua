-- shout: calms down a message that is all in capitals.
--
-- Shows how to rewrite: assign to msg.text and return nothing. The message goes on to the next
-- filter, and then to the room, with the new text.
--
--   IS ANYBODY THERE   ->   is anybody there
--   OK                 ->   OK (too short to be a shout)
--   I like the NSA     ->   as it was (not all capitals)
--
-- Only the letters A to Z are looked at, so text in other scripts is left alone.

local LEAST = 8 -- letters; a message with fewer is an abbreviation, not a shout

return {
    name = "shout",
    version = "1.0",
    description = "writes messages that are all capitals in small letters",

    on_message = function(msg)
        -- msg.len costs nothing, msg.text makes a string: ask the cheap question first.
        if msg.len < LEAST then
            return
        end
        local text = msg.text
        if text:find("%l") then
            return
        end
        local _, capitals = text:gsub("%u", "")
        if capitals >= LEAST then
            msg.text = text:lower()
        end
    end,
}
