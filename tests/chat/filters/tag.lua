-- Marks every message, to show the order of a chain.

return {
    name = "tag",
    on_message = function(msg)
        msg.text = msg.text .. " [seen]"
    end,
}
