-- The second filter of the target `rewrite`: its orders are the receiver's name. What it cannot
-- judge, does not happen.
local run = require("orders")

return {
    name = "second",
    priority = "last",
    on_error = "closed",
    match = { max_length = 300 },
    on_message = function(msg)
        return run(msg, msg.to)
    end,
    on_private = function(msg)
        return run(msg, msg.to)
    end,
}
