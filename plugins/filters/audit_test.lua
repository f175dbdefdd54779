-- Tests of audit.lua: chatroom_server filter test audit.lua

-- Steps that make the same happen `n` times.
local function times(n, step)
    local steps = {}
    for i = 1, n do
        steps[i] = step
    end
    return steps
end

local function append(steps, more)
    for _, step in ipairs(more) do
        steps[#steps + 1] = step
    end
    return steps
end

return {
    {
        name = "what happens is an object a line, a second later at most",
        steps = {
            { kind = "connect", from = "ann", address = "10.0.0.1:7" },
            { after = 1 },
            { logged = '^{"time":1700000000.000,"kind":"connect","client":1,"from":"ann",'
                .. '"address":"10.0.0.1:7"}$' },
            { kind = "join", from = "ann", room = "#tea" },
            { after = 1 },
            { logged = '"kind":"join","client":1,"from":"ann","room":"#tea"}$' },
            { from = "ann", text = "hello" },
            { after = 1 },
            { logged = '"kind":"message","client":1,.*"room":"#lobby","text":"hello"}$' },
            { kind = "nick", from = "ann", to = "anna" },
            { after = 1 },
            { logged = '"kind":"nick","client":1,"from":"ann","to":"anna"}$' },
            { kind = "leave", from = "anna", room = "#tea" },
            { after = 1 },
            { logged = '"kind":"leave","client":1,"from":"anna","room":"#tea"}$' },
        },
    },
    {
        name = "any text is valid JSON",
        steps = {
            { from = "ann", text = 'she said "\\o/"' },
            { after = 1 },
            { logged = '"text":"she said \\"\\\\o/\\""}$' },
            { from = "ann", text = "ä€😀" },
            { after = 1 },
            { logged = '"text":"\\u00e4\\u20ac\\ud83d\\ude00"}$' },
        },
    },
    {
        name = "a long text is cut, so that the line is whole",
        steps = {
            { from = "ann", text = ("a"):rep(8192) },
            { after = 1 },
            { logged = '"text":"a+%.%.%."}$' },
            { from = "ann", text = ('"'):rep(8192) },
            { after = 1 },
            { logged = '"text":"[\\"]+%.%.%."}$' },
            { from = "ann", text = ("😀"):rep(2048) },
            { after = 1 },
            { logged = '"text":"[\\ud83e0]+%.%.%."}$' },
            { from = "ann", text = ("\\x"):rep(4096) },
            { after = 1 },
            { logged = '"text":"[\\x]+%.%.%."}$' },
        },
    },
    {
        name = "what is said in private is not logged",
        steps = {
            { kind = "private", from = "ann", to = "bob", text = "psst" },
            { after = 1 },
            { logged = '"kind":"private","client":1,"from":"ann","to":"bob"}$' },
        },
    },
    {
        name = "unless it was configured",
        config = { private = true },
        steps = {
            { kind = "private", from = "ann", to = "bob", text = "psst" },
            { after = 1 },
            { logged = '"to":"bob","text":"psst"}$' },
        },
    },
    {
        name = "a gap is seen, in its place",
        steps = append(times(1003, { from = "ann", text = "hello" }), {
            { after = 1 },
            { from = "ann", text = "after the gap" },
            { after = 111 },
            { logged = '^{"time":1700000001.000,"kind":"lost","count":3}$' },
            { after = 1 },
            { from = "ann", text = "the end" },
            { after = 1 },
            { logged = '"text":"the end"}$' },
        }),
    },
    {
        name = "a reload writes what it can, and counts the rest",
        steps = append(times(20, { from = "ann", text = "hello" }), {
            { reload = true },
            { logged = '"kind":"lost","count":11}$' },
            { from = "ann", text = "hello again" },
            { after = 1 },
            { logged = '"text":"hello again"}$' },
        }),
    },
    {
        name = "it is quick",
        budget_ns = 20000,
        steps = times(500, {
            from = "ann",
            text = "a message as people write them, of fifty bytes",
        }),
    },
}
