-- The first filter of the target `rewrite`: its orders are the nick's.
local run = require("orders")

local function judge(msg)
    return run(msg, msg.from)
end

return {
    name = "first",
    version = "1",
    on_message = judge,
    on_private = judge,
    on_join = judge,
    on_leave = judge,
    on_nick = judge,
    on_connect = judge,
    commands = { order = judge },
    save = function()
        return { "first", 1.5, true }
    end,
    restore = function(saved)
        assert(saved[1] == "first" and saved[2] == 1.5 and saved[3] == true)
    end,
}
