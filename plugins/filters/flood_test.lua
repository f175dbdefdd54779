-- Tests of flood.lua: chatroom_server filter test flood.lua

-- Steps that make the same happen `n` times.
local function times(n, step)
    local steps = {}
    for i = 1, n do
        steps[i] = step
    end
    return steps
end

return {
    {
        name = "the ladder: pass, warn, drop, kick",
        config = { burst = 2, warnings = 1, drops = 2 },
        steps = {
            { from = "ann", text = "one" },
            { from = "ann", text = "two" },
            { said = {} },
            { from = "ann", text = "three" },
            { said = { { to = "ann", like = "^Slow down" } } },
            { from = "ann", text = "four", expect = "drop", to_text = "you are writing too fast" },
            { from = "ann", text = "five", expect = "drop" },
            { from = "ann", text = "six", expect = "kick", to_text = "flooding" },
            { said = {} },
        },
    },
    {
        name = "who waits may write again",
        config = { burst = 1, warnings = 1, per_second = 2 },
        steps = {
            { from = "ann", text = "one" },
            { from = "ann", text = "two, with a warning" },
            { from = "ann", text = "three", expect = "drop" },
            { after = 0.4 },
            { from = "ann", text = "four", expect = "drop" },
            { after = 0.1 },
            { from = "ann", text = "five" },
            { from = "ann", text = "six", expect = "drop" },
            { after = 10 },
            { from = "ann", text = "seven" },
            { said = { { to = "ann", like = "" } } },
            { from = "ann", text = "eight, with a new warning" },
            { said = { { to = "ann", like = "" } } },
        },
    },
    {
        name = "drops are counted for a minute",
        config = { burst = 1, warnings = 1, drops = 1 },
        steps = {
            { from = "ann", text = "one" },
            { from = "ann", text = "two" },
            { from = "ann", text = "three", expect = "drop" },
            { after = 61 },
            { from = "ann", text = "one" },
            { from = "ann", text = "two" },
            { from = "ann", text = "three", expect = "drop" },
            { from = "ann", text = "four", expect = "kick" },
        },
    },
    {
        name = "everybody has a bucket of their own, under every nick",
        config = { burst = 2, warnings = 1 },
        steps = {
            { from = "ann", text = "one" },
            { kind = "nick", from = "ann", to = "anna" },
            { from = "anna", text = "with a warning" },
            { from = "anna", text = "too much", expect = "drop" },
            { from = "bob", text = "one" },
            { from = "bob", text = "two" },
            { from = "bob", text = "with a warning" },
            { from = "bob", text = "too much", expect = "drop" },
        },
    },
    {
        name = "private messages and nicks cost as much",
        config = { burst = 1, warnings = 1 },
        steps = {
            { kind = "private", from = "ann", to = "bob", text = "one" },
            { kind = "private", from = "ann", to = "bob", text = "two" },
            { kind = "private", from = "ann", to = "bob", text = "three", expect = "drop" },
            { kind = "nick", from = "ann", to = "anna", expect = "drop" },
            { kind = "action", from = "ann", text = "waves", expect = "drop" },
        },
    },
    {
        name = "leaving a room and coming back changes nothing, nor does a reload",
        config = { burst = 1, warnings = 1, drops = 1 },
        steps = {
            { from = "ann", text = "one" },
            { from = "ann", text = "two" },
            { kind = "leave", from = "ann" },
            { kind = "join", from = "ann" },
            { from = "ann", text = "three", expect = "drop" },
            { reload = true },
            { from = "ann", text = "four", expect = "kick" },
        },
    },
    {
        name = "it is quick",
        config = { burst = 1000000 },
        budget_ns = 3000,
        steps = times(500, { from = "ann", text = "hello" }),
    },
}
