-- Tests of pii.lua: chatroom_server filter test pii.lua

local function masked(text, to_text)
    return { from = "ann", text = text, expect = "replace", to_text = to_text }
end

local function all_pass(texts)
    local steps = {}
    for i, text in ipairs(texts) do
        steps[i] = { from = "ann", text = text }
    end
    return steps
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
        name = "phone numbers are masked, as people write them",
        steps = {
            masked("call +49 171 1234567", "call [phone]"),
            masked("call 0171/1234567!", "call [phone]!"),
            masked("0171 / 123 45 67, any time", "[phone], any time"),
            masked("+49 (0) 171 123-45-67", "[phone]"),
            masked("(555) 123-4567", "[phone]"),
            masked("(0171) 1234567", "[phone]"),
            masked("(0171 1234567 or 555-123-4567)", "([phone] or [phone])"),
            masked("555-123-4567", "[phone]"),
            masked("1-555-123-4567", "[phone]"),
            masked("me: 555 123 4567.", "me: [phone]."),
            masked("0033.1.23.45.67.89", "[phone]"),
            masked("tel:+491711234567", "tel:[phone]"),
        },
    },
    {
        name = "several of them, and other numbers beside them",
        steps = {
            masked("0171 1234567 0172 7654321", "[phone] [phone]"),
            masked("0171 1234567, 0172 7654321", "[phone], [phone]"),
            masked("at 10 0171 1234567", "at 10 [phone]"),
            masked("10:30 0171 1234567", "10:30 [phone]"),
            masked("2026-11-23 0171 1234567", "2026-11-23 [phone]"),
            masked("+49 171 1234567 +49 172 7654321", "[phone] [phone]"),
            masked("5 555-123-4567 7", "5 [phone] 7"),
        },
    },
    {
        name = "mail addresses are masked",
        steps = {
            masked("write to ann@example.org", "write to [mail]"),
            masked("Ann.Lee+chat@mail.example.co.uk, or not", "[mail], or not"),
            masked("<ann@example.org>", "<[mail]>"),
            masked("a@b.de", "[mail]"),
            masked("ann@example.org.", "[mail]."),
            masked("ann1234567@example.org 0171 1234567", "[mail] [phone]"),
        },
    },
    {
        name = "what is neither stays",
        steps = all_pass({
            "on 2026-11-23 at 10:15:30", "on 01.02.2026", "03/04/2026", "since 01-02-2026",
            "192.168.178.100 and 127.0.0.1:8888", "1,000,000 people", "1000000 people",
            "1.000.000 people", "1 000 000 000 people", "0.3333333", "version 10.20.30",
            "commit 0123abc4567890", "a0123456789", "0123456789b", "https://x.org/0123456789",
            "007", "1 2 3 4 5 6 7 8", "16:9", "@ann: hello", "ann@home", "a @ b.c", "x=01234567",
        }),
    },
    {
        name = "what is written in their place is configured, whatever is in it",
        config = { phone = "%1", mail = "(gone)" },
        steps = { masked("0171 1234567 555-123-4567 a@example.org", "%1 %1 (gone)") },
    },
    {
        name = "nor does the longest line that is made on purpose take long",
        steps = {
            { from = "ann", text = ("a"):rep(8191) .. "1" },
            { from = "ann", text = ("1"):rep(8192) },
            { from = "ann", text = ("1 "):rep(4096) },
            { from = "ann", text = ("("):rep(8191) .. "1" },
            { from = "ann", text = ("0."):rep(4095) .. "a", expect = "replace" },
            { from = "ann", text = ("0 / / / / "):rep(800) },
            { from = "ann", text = ("01.02.2026 "):rep(740) },
            { from = "ann", text = ("555-123-456 "):rep(680) },
            { from = "ann", text = ("a."):rep(4000) .. "@" },
            { from = "ann", text = ("a@a."):rep(2000) .. "@", expect = "replace" },
            masked(("0171 1234567 "):rep(600), ("[phone] "):rep(600)),
        },
    },
    {
        name = "it is quick",
        budget_ns = 10000,
        steps = times(500, {
            from = "ann",
            text = "a message of 45 bytes, and 1 number of 2 digits",
        }),
    },
}
