-- What the target `settings` sets, a key for each rule.
return {
    name = "settings",
    config = {
        plain = "text",
        count = 7,
        part = 0.5,
        on = false,
        list = { "a", "b" },
        none = { type = "string" },
        least = { default = 3, min = 1, max = 10, help = "a number" },
        short = { default = "abc", min = 2, max = 4 },
        few = { default = { "x" }, max = 3 },
        one = { default = "red", choices = { "red", "green", "blue" } },
        maybe = { type = "number", min = -1 },
    },
    on_load = function()
        local c = hub.config
        assert(type(c.plain) == "string" and type(c.count) == "number" and type(c.on) == "boolean")
        assert(c.least >= 1 and c.least <= 10 and #c.short >= 2 and #c.short <= 4 and #c.few <= 3)
        assert(c.one == "red" or c.one == "green" or c.one == "blue")
        assert(c.maybe == nil or c.maybe >= -1)
        for i = 1, #c.list do
            assert(type(c.list[i]) == "string")
        end
    end,
    on_message = function() end,
}
