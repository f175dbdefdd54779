-- Tests of commands.lua: chatroom_server filter test commands.lua

local USAGE = "^/roll takes up to 20 dice of 2 to 1000 sides"

local function time(text)
    return { command = "time", from = "ann", expect = "reply", to_text = text }
end

return {
    {
        name = "dice are rolled for all to see",
        steps = {
            { command = "roll", from = "ann" },
            { said = { { to = "#lobby", like = "^ann rolls 1d6: [1-6]$" } } },
            { command = "roll", from = "ann", room = "#tea", text = "2d2" },
            { said = { { to = "#tea", like = "^ann rolls 2d2: [12] %+ [12] = [234]$" } } },
            { command = "roll", from = "ann", text = "D20" },
            { said = { { to = "#lobby", like = "^ann rolls 1d20: %d+$" } } },
            { command = "roll", from = "ann", text = "20d1000" },
            { said = { { to = "#lobby", like = "^ann rolls 20d1000: %d+ .* = %d+$" } } },
        },
    },
    {
        name = "what are no dice is explained",
        steps = {
            { command = "roll", from = "ann", text = "two", expect = "reply", like = USAGE },
            { command = "roll", from = "ann", text = "0d6", expect = "reply", like = USAGE },
            { command = "roll", from = "ann", text = "21d6", expect = "reply", like = USAGE },
            { command = "roll", from = "ann", text = "2d1", expect = "reply", like = USAGE },
            { command = "roll", from = "ann", text = "2d1001", expect = "reply", like = USAGE },
            { command = "roll", from = "ann", text = "99999999d6", expect = "reply", like = USAGE },
            { command = "roll", from = "ann", text = "2d6 now", expect = "reply", like = USAGE },
            { said = {} },
        },
    },
    {
        name = "nobody fills a room with dice",
        steps = {
            { command = "roll", from = "ann" },
            { command = "roll", from = "ann" },
            { command = "roll", from = "ann" },
            { command = "roll", from = "ann" },
            { command = "roll", from = "ann" },
            { command = "roll", from = "ann", expect = "reply", like = "cool down" },
            { command = "roll", from = "bob" },
            { after = 5 },
            { command = "roll", from = "ann" },
            { command = "roll", from = "ann", expect = "reply", like = "cool down" },
        },
    },
    {
        name = "the time is that of the clock, leap days included",
        steps = {
            time("2023-11-14 22:13:20 UTC"),
            { after = 9251199 },
            time("2024-02-29 23:59:59 UTC"),
            { after = 1 },
            time("2024-03-01 00:00:00 UTC"),
            { after = 26438399 },
            time("2024-12-31 23:59:59 UTC"),
            { after = 2371852800 },
            time("2100-02-28 23:59:59 UTC"),
            { after = 1 },
            time("2100-03-01 00:00:00 UTC"),
        },
    },
    {
        name = "the rules are told to who asks, one by one",
        config = { rules = { "Be kind.", "No dogs." } },
        steps = {
            { command = "rules", from = "ann" },
            {
                said = {
                    { to = "ann", text = "1. Be kind." },
                    { to = "ann", text = "2. No dogs." },
                },
            },
        },
    },
}
