-- The same with another mark: what a reload loads in place of tag.lua.

return {
    name = "tag",
    on_message = function(msg)
        msg.text = msg.text .. " [seen again]"
    end,
}
