-- Tests of welcome.lua: chatroom_server filter test welcome.lua

local TEXT = "Welcome to #lobby, %s! Type /help to see what you can do."

local function join(nick, room)
    return { kind = "join", from = nick, room = room }
end

local function greeting(nick)
    return { to = nick, text = TEXT:format(nick) }
end

-- Steps in which `n` people join, and then some more.
local function crowd(n, more)
    local steps = {}
    for i = 1, n do
        steps[i] = join("n" .. i)
    end
    for _, step in ipairs(more) do
        steps[#steps + 1] = step
    end
    return steps
end

return {
    {
        name = "a newcomer is greeted at once, the room is told a little later",
        steps = {
            join("ann"),
            { said = { greeting("ann") } },
            { after = 1.9 },
            { said = {} },
            { after = 0.1 },
            { said = { { to = "#lobby", text = "Say hello to ann." } } },
            { after = 100 },
            { said = {} },
        },
    },
    {
        name = "those who come together are told of together",
        config = { text = "" },
        steps = {
            join("ann"), join("bob"),
            { after = 2 },
            { said = { { to = "#lobby", text = "Say hello to ann and bob." } } },
            join("cem"), join("dan"), join("eve"),
            { after = 2 },
            { said = { { to = "#lobby", text = "Say hello to cem, dan and eve." } } },
            join("ann"), join("bob"), join("cem"), join("dan"), join("eve"),
            { after = 2 },
            { said = { { to = "#lobby", text = "Say hello to ann, bob and 3 others." } } },
        },
    },
    {
        name = "a crowd is one line",
        config = { text = "" },
        steps = crowd(100, {
            { after = 2 },
            { said = { { to = "#lobby", text = "Say hello to n1, n2 and 98 others." } } },
        }),
    },
    {
        name = "each room reads of its own",
        config = { text = "" },
        steps = {
            join("ann", "#tea"), { after = 2 },
            { said = { { to = "#tea", text = "Say hello to ann." } } },
        },
    },
    {
        name = "the text is configured, and says who and where",
        config = { text = "{nick}: {room} is {quiet} 100%", aloud = false },
        steps = {
            join("ann", "#tea"),
            { after = 10 },
            { said = { { to = "ann", text = "ann: #tea is {quiet} 100%" } } },
        },
    },
    {
        name = "a room that has gone in the meantime is no trouble",
        members = {},
        steps = { join("ann", "#tea"), { after = 2 }, join("bob"), { after = 2 } },
    },
}
