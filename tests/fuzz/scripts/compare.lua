-- The filter's side of the target `string`.
local run = require("strings")

return {
    name = "compare",
    on_private = function(msg)
        return hub.reply(run(#msg.text, msg.from, msg.to, msg.room))
    end,
}
