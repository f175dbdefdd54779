-- Tests of caps.lua: chatroom_server filter test caps.lua

local function lowered(text, to_text)
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
        name = "too many capitals are written small, in several alphabets",
        steps = {
            lowered("IS ANYBODY THERE?", "is anybody there?"),
            lowered("WIR SIND ÜBERALL", "wir sind überall"),
            lowered("ГДЕ ВСЕ СЕГОДНЯ, ЁЖИК", "где все сегодня, ёжик"),
            lowered("ΠΟΥ ΕΙΝΑΙ ΟΛΟΙ", "που ειναι ολοι"),
            lowered("VERY MUCH TOO LOUD, ok?", "very much too loud, ok?"),
            lowered("LOUD 👍 AND 漢字 HERE", "loud 👍 and 漢字 here"),
            lowered("ŁÓDŹ JEST ŚWIETNA", "łódź jest świetna"),
            lowered("ԲՈԼՈՐՆ ԱՅՍՏԵՂ ԵՆ", "բոլորն այստեղ են"),
            lowered("S P A C E D  O U T", "s p a c e d  o u t"),
        },
    },
    {
        name = "the rest passes as it was",
        steps = {
            { from = "ann", text = "I work for NASA, and you?" },
            { from = "ann", text = "NASA" },
            { from = "ann", text = "ok" },
            { from = "ann", text = "Every Word In Title Case" },
            { from = "ann", text = "漢字漢字漢字漢字" },
            { from = "ann", text = "12345678 90!" },
            { from = "ann", text = "×××××××× ××××××××" },
            { from = "ann", text = "NASA AND ESA went to Bonn together" },
        },
    },
    {
        name = "the share and the least are configured",
        config = { percent = 40, letters = 5 },
        steps = {
            lowered("ABcde", "abcde"),
            { from = "ann", text = "ABcdef" },
            { from = "ann", text = "ABCD" },
        },
    },
    {
        name = "the least of both is one capital",
        config = { percent = 1, letters = 4 },
        steps = {
            lowered("Four", "four"),
            { from = "ann", text = "four" },
            { from = "ann", text = "Two" },
        },
    },
    {
        name = "it can drop instead",
        config = { drop = true },
        steps = {
            { from = "ann", text = "IS ANYBODY THERE?", expect = "drop", like = "shout" },
            { kind = "action", from = "ann", text = "SHOUTS AT EVERYBODY", expect = "drop" },
            { from = "ann", text = "is anybody there?" },
        },
    },
    {
        name = "the longest line is no trouble",
        steps = {
            lowered(("Ä"):rep(4096), ("ä"):rep(4096)),
            lowered(("AÄ"):rep(2700), ("aä"):rep(2700)),
        },
    },
    {
        name = "it is quick, where it has to look",
        budget_ns = 12000,
        steps = times(500, {
            from = "ann",
            text = "We saw NASA and ESA at the fair in Bonn, with SpaceX",
        }),
    },
}
