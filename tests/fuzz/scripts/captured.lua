-- The filter that the target `capture` replays events to: a verdict for each first letter.
local function judge(msg)
    local first, rest = msg.text:sub(1, 1), msg.text:sub(2)
    if first == "d" then
        return hub.drop(rest)
    elseif first == "r" then
        msg.text = rest
    elseif first == "y" then
        return hub.reply(rest)
    elseif first == "s" then
        hub.say(msg.room, rest)
        hub.tell(msg.from, rest)
    elseif first == "a" then
        hub.after(msg.time % 3, function()
            hub.say("#lobby", rest)
        end)
    elseif first == "e" then
        error(rest)
    elseif first == "v" then
        return hub.divert(rest)
    end
end

return {
    name = "captured",
    on_message = judge,
    on_private = judge,
    on_join = function(msg)
        return hub.drop(msg.room)
    end,
}
