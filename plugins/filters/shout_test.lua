-- Tests of shout.lua: chatroom_server filter test shout.lua

local function calmed(text, to_text)
    return { from = "ann", text = text, expect = "replace", to_text = to_text }
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
        name = "a shout is calmed down",
        steps = {
            calmed("IS ANYBODY THERE?", "is anybody there?"),
            calmed("ABCDEFGH", "abcdefgh"),
            calmed("ÄRGERLICH, WIRKLICH", "Ärgerlich, wirklich"),
            { kind = "action", from = "ann", text = "SHOUTS LOUDLY", expect = "replace" },
        },
    },
    {
        name = "what is none passes as it was",
        steps = {
            { from = "ann", text = "ABCDEFG" },
            { from = "ann", text = "A B C D E F G !!!" },
            { from = "ann", text = "NOT ALL OF IT iS LOUD" },
            { from = "ann", text = "12345678" },
        },
    },
    {
        name = "it is quick",
        budget_ns = 3000,
        steps = times(500, {
            from = "ann",
            text = "a message as people write them, of fifty bytes",
        }),
    },
}
