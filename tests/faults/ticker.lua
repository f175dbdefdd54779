-- Says something ten times a second: whether timers go on when the clock is set.

return {
    name = "ticker",
    on_message = function() end,
    on_load = function()
        hub.every(0.1, function()
            hub.say("#lobby", "tick")
        end)
    end,
}
