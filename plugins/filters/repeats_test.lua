-- Tests of repeats.lua: chatroom_server filter test repeats.lua

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
        name = "the same again is dropped, in other clothes too",
        steps = {
            { from = "ann", text = "Buy my book!" },
            { from = "ann", text = "Buy my book!", expect = "drop", like = "already" },
            { from = "ann", text = "buy  MY, book", expect = "drop" },
            { kind = "action", from = "ann", text = "buy my book", expect = "drop" },
            { from = "ann", room = "#tea", text = "buy my book", expect = "drop" },
            { from = "ann", text = "buy my bread" },
        },
    },
    {
        name = "others may say it, and short things may be said again",
        steps = {
            { from = "ann", text = "good morning" },
            { from = "bob", text = "good morning" },
            { from = "ann", text = "yes" },
            { from = "ann", text = "yes" },
            { from = "ann", text = "......" },
            { from = "ann", text = "......" },
        },
    },
    {
        name = "a new nick makes no new text",
        steps = {
            { from = "ann", text = "good morning" },
            { kind = "nick", from = "ann", to = "anna" },
            { from = "anna", text = "good morning", expect = "drop" },
        },
    },
    {
        name = "how often is configured",
        config = { times = 2 },
        steps = {
            { from = "ann", text = "good morning" },
            { from = "ann", text = "good morning" },
            { from = "ann", text = "good morning", expect = "drop" },
        },
    },
    {
        name = "it is forgotten after one to two times the time, but not while it goes on",
        config = { seconds = 10 },
        steps = {
            { from = "ann", text = "good morning" },
            { after = 10 },
            { from = "ann", text = "good morning", expect = "drop" },
            { after = 10 },
            { from = "ann", text = "good morning", expect = "drop" },
            { after = 20 },
            { from = "ann", text = "good morning" },
        },
    },
    {
        name = "large and small letters of all alphabets are the same, and what is not seen",
        steps = {
            { from = "ann", text = "ÜBER ALLEN GIPFELN" },
            { from = "ann", text = "über allen… gipfeln", expect = "drop" },
            { from = "ann", text = "Über\u{200B}allen Gipfeln", expect = "drop" },
            { from = "ann", text = "uber allen gipfeln" },
            { from = "ann", text = "👍👍👍" },
            { from = "ann", text = "👍 👍 👍", expect = "drop" },
        },
    },
    {
        name = "long texts are compared to their end",
        steps = {
            { from = "ann", text = ("a"):rep(300) },
            { from = "ann", text = ("a"):rep(300), expect = "drop" },
            { from = "ann", text = ("a"):rep(301) },
            { from = "ann", text = ("a"):rep(299) .. "b" },
            { from = "ann", text = ("b"):rep(8192) },
        },
    },
    {
        name = "it is quick",
        config = { times = 1000000 },
        budget_ns = 15000,
        steps = times(500, {
            from = "ann",
            text = "a message as people write them, of fifty bytes",
        }),
    },
}
