-- Tests of slowmode.lua: chatroom_server filter test slowmode.lua

local UNIX = "unix:/run/chatroom"

local function too_soon(to_text)
    return { from = "ann", text = "again", expect = "drop", to_text = to_text }
end

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
        name = "one message in ten seconds, and the sender is told how long to wait",
        steps = {
            { from = "ann", text = "one" },
            too_soon("this room is slow: again in 10 s"),
            { after = 7.5 },
            too_soon("this room is slow: again in 3 s"),
            { after = 2.5 },
            { from = "ann", text = "two" },
        },
    },
    {
        name = "each person and each room counts for itself",
        steps = {
            { from = "ann", text = "one" },
            { from = "bob", text = "one" },
            { from = "ann", room = "#tea", text = "one" },
            { from = "ann", room = "#TEA", text = "two", expect = "drop" },
        },
    },
    {
        name = "operators set it for the room they are in, and all there read it",
        steps = {
            { command = "slowmode", from = "op", room = "#tea", text = "30", address = UNIX },
            { said = { { to = "#tea", text = "You may write in #tea once in 30 seconds." } } },
            { from = "ann", room = "#tea", text = "one" },
            { after = 29 },
            { from = "ann", room = "#tea", text = "two", expect = "drop" },
            { after = 1 },
            { from = "ann", room = "#tea", text = "two" },
            { command = "slowmode", from = "op", room = "#tea", text = "0" },
            { said = { { to = "#tea", text = "You may write in #tea as often as you like." } } },
            { from = "ann", room = "#tea", text = "three" },
            { from = "ann", text = "elsewhere" },
            { from = "ann", text = "elsewhere", expect = "drop" },
        },
    },
    {
        name = "others may ask, not set",
        steps = {
            {
                command = "slowmode",
                from = "ann",
                text = "0",
                address = "127.0.0.1:7",
                expect = "reply",
                like = "^Only operators",
            },
            {
                command = "slowmode",
                from = "ann",
                expect = "reply",
                to_text = "You may write in #lobby once in 10 seconds.",
            },
            { said = {} },
        },
    },
    {
        name = "what is no time is explained",
        steps = {
            {
                command = "slowmode",
                from = "op",
                text = "never",
                address = UNIX,
                expect = "reply",
                like = "takes 1 to 3600",
            },
            { command = "slowmode", from = "op", text = "-1", expect = "reply", like = "takes" },
            { command = "slowmode", from = "op", text = "3601", expect = "reply", like = "takes" },
            { command = "slowmode", from = "op", text = "nan", expect = "reply", like = "takes" },
            { command = "slowmode", from = "op", text = "0.001", expect = "reply", like = "takes" },
        },
    },
    {
        name = "a reload keeps what was set",
        steps = {
            { command = "slowmode", from = "op", text = "0", address = UNIX },
            { reload = true },
            { from = "ann", text = "one" },
            { from = "ann", text = "two" },
            { reload = true },
            { from = "ann", text = "three" },
        },
    },
    {
        name = "off by configuration it is quick",
        config = { seconds = 0 },
        budget_ns = 3000,
        steps = times(500, { from = "ann", text = "hello" }),
    },
}
