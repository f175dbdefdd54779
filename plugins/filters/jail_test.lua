-- Tests of jail.lua: chatroom_server filter test jail.lua

local UNIX = "unix:/run/chatroom"
local USAGE = "/jail takes a nick, and minutes, up to a day of them: /jail bob 10"

local function jail(text, to_text)
    return {
        command = "jail",
        from = "op",
        address = UNIX,
        text = text,
        expect = "reply",
        to_text = to_text,
    }
end

local function release(text, like)
    return { command = "release", from = "op", text = text, expect = "reply", like = like }
end

local function mute(from, to_text)
    return { from = from, text = "hello", expect = "drop", to_text = to_text }
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
        name = "who is in jail is heard by nobody, in no way, and keeps the nick",
        steps = {
            { from = "bob", text = "hello" },
            jail("bob 10", "bob is in jail for 10 minutes."),
            { said = { { to = "bob", text = "You are in jail for 10 minutes." } } },
            mute("bob", "you are in jail for 10 minutes"),
            { kind = "action", from = "bob", text = "cries", expect = "drop" },
            { kind = "private", from = "bob", to = "ann", text = "help", expect = "drop" },
            { kind = "nick", from = "bob", to = "rob", expect = "drop" },
            { from = "ann", text = "hello" },
        },
    },
    {
        name = "time goes by, and the door opens",
        steps = {
            jail("bob 2"),
            { after = 61 },
            mute("bob", "you are in jail for 1 minute"),
            { after = 59 },
            { from = "bob", text = "hello" },
        },
    },
    {
        name = "nicks are the same in capitals; five minutes unless said",
        steps = { jail("BOB", "BOB is in jail for 5 minutes."), mute("bob"), mute("Bob") },
    },
    {
        name = "wardens release",
        steps = {
            jail("bob"),
            release("Bob", "^Bob is out"),
            { said = { { to = "bob", like = "in jail" }, { to = "Bob", like = "out of jail" } } },
            { from = "bob", text = "hello" },
            release("bob", "takes the nick"),
        },
    },
    {
        name = "nobody else does, whatever they call themselves",
        config = { wardens = { "unix", "10.0.0.5", "[2001:db8::1]" } },
        steps = {
            { command = "jail", from = "op", text = "bob", expect = "reply", like = "no warden" },
            {
                command = "jail",
                from = "op",
                text = "bob",
                address = "10.0.0.50:7",
                expect = "reply",
                like = "no warden",
            },
            { from = "bob", text = "hello" },
            {
                command = "jail",
                from = "ann",
                text = "bob",
                address = "10.0.0.5:7",
                expect = "reply",
                like = "is in jail",
            },
            mute("bob"),
            {
                command = "release",
                from = "ann",
                text = "bob",
                address = "[2001:db8::1]:7",
                expect = "reply",
                like = "is out",
            },
            { from = "bob", text = "hello" },
            {
                command = "jail",
                from = "ann",
                text = "bob",
                expect = "reply",
                like = "is in jail",
            },
            {
                command = "release",
                from = "bob",
                text = "bob",
                address = "127.0.0.1:7",
                expect = "reply",
                like = "no warden",
            },
            mute("bob"),
        },
    },
    {
        name = "it is logged who did it",
        steps = {
            jail("bob 1"),
            { logged = "op jailed bob for 1 minute" },
            release("bob", "is out of jail"),
            { logged = "op released bob" },
        },
    },
    {
        name = "what is no sentence is explained",
        steps = {
            jail("", USAGE),
            jail("bob 0", USAGE),
            jail("bob 1441", USAGE),
            jail("bob for ever", USAGE),
            { said = {} },
            { from = "bob", text = "hello" },
        },
    },
    {
        name = "a reload lets nobody out",
        steps = {
            jail("bob 10"),
            { reload = true },
            mute("bob"),
            { after = 600 },
            { from = "bob", text = "hello" },
        },
    },
    {
        name = "it is quick",
        budget_ns = 3000,
        steps = times(500, { from = "ann", text = "hello" }),
    },
}
