-- The same with another mark and name: a second filter beside tag.lua.

return {
    name = "tag-again",
    on_message = function(msg)
        msg.text = msg.text .. " [seen again]"
    end,
}
