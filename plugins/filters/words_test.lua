-- Tests of words.lua: chatroom_server filter test words.lua

local function unwelcome(word)
    return "the word '" .. word .. "' is not welcome here"
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
        name = "a listed word is dropped, and named as it is listed",
        steps = {
            { from = "ann", text = "free viagra", expect = "drop", to_text = unwelcome("viagra") },
            { from = "ann", text = "(Viagra)", expect = "drop", to_text = unwelcome("viagra") },
            { from = "ann", text = "a SCAM!", expect = "drop", to_text = unwelcome("scam") },
            { from = "ann", text = "hello" },
        },
    },
    {
        name = "the first word of the text is named, not the first of the list",
        steps = {
            { from = "ann", text = "scam and spam", expect = "drop", to_text = unwelcome("scam") },
        },
    },
    {
        name = "whole words only",
        steps = {
            { from = "ann", text = "spamalot" },
            { from = "ann", text = "antispam" },
            { from = "ann", text = "spam2" },
            { from = "ann", text = "spamä" },
            { from = "ann", text = "s p a m" },
            { from = "ann", text = "ham-spam-ham", expect = "drop", like = "'spam'" },
        },
    },
    {
        name = "what looks the same is the same",
        steps = {
            { from = "ann", text = "ＶＩＡＧＲＡ", expect = "drop", like = "'viagra'" },
            { from = "ann", text = "sp\u{200B}am", expect = "drop", like = "'spam'" },
        },
    },
    {
        name = "/me is judged, a private message is not",
        steps = {
            { kind = "action", from = "ann", text = "sells spam", expect = "drop" },
            { kind = "private", from = "ann", to = "bob", text = "spam" },
        },
    },
    {
        name = "the list is configured, phrases too",
        config = { list = { "buy now", "straße" } },
        steps = {
            { from = "ann", text = "Buy... NOW!", expect = "drop", like = "'buy now'" },
            { from = "ann", text = "in der STRASSE", expect = "drop", like = "'straße'" },
            { from = "ann", text = "buy it now" },
            { from = "ann", text = "spam" },
        },
    },
    {
        name = "masking leaves the rest as it was",
        config = { mask = true },
        steps = {
            {
                from = "ann",
                text = "free VIAGRA, no spam!",
                expect = "replace",
                to_text = "free ******, no ****!",
            },
            { from = "ann", text = "a scam", expect = "replace", to_text = "a ****" },
            { from = "ann", text = "hello" },
        },
    },
    {
        name = "an empty list has no word that is not welcome",
        config = { list = {} },
        steps = {
            { from = "ann", text = "spam" },
        },
    },
    {
        name = "it is quick, where there is a word",
        config = { mask = true },
        budget_ns = 4000,
        steps = times(500, {
            from = "ann",
            text = "a message as people write them, with spam in it",
            expect = "replace",
        }),
    },
}
