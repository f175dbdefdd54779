-- Counts messages, and keeps the count over a reload.

local count = 0

return {
    name = "counter",
    version = "1",
    on_message = function(msg)
        count = count + 1
        msg.text = count .. " " .. msg.text
    end,
    save = function() return { count = count } end,
    restore = function(saved) count = saved.count end,
}
