-- Tests of links.lua: chatroom_server filter test links.lua

local allow = { "wikipedia.org", "Debian.org", "münchen.de" }

-- Steps that say each of the texts, and expect the same of all.
local function all(expect, texts)
    local steps = {}
    for i, text in ipairs(texts) do
        steps[i] = { from = "ann", text = text, expect = expect }
    end
    return steps
end

local function hidden(text)
    return { from = "ann", text = text, expect = "drop", like = "hides" }
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
        name = "without a list no link passes",
        steps = {
            {
                from = "ann",
                text = "see https://example.org/a?b#c, please",
                expect = "drop",
                to_text = "links to example.org are not welcome here",
            },
            { from = "ann", text = "see the manual" },
        },
    },
    {
        name = "listed domains pass, and those below them",
        config = { allow = allow },
        steps = all("pass", {
            "https://wikipedia.org",
            "https://en.wikipedia.org/wiki/Lua",
            "(see http://www.wikipedia.org:8080/)",
            "HTTPS://WIKIPEDIA.ORG/",
            "www.debian.org.",
            "debian.org/distrib and https://debian.org",
            "https://münchen.de/",
            "https://MÜNCHEN.de/",
            "ftp://ftp.debian.org",
        }),
    },
    {
        name = "others do not, however much they look like them",
        config = { allow = allow },
        steps = all("drop", {
            "https://evil.com",
            "https://wikipedia.org.evil.com/",
            "https://evilwikipedia.org/",
            "https://org/",
            "https://wikipedia.org https://evil.com",
            "evil.com/wikipedia.org",
            "www.evil.com",
            "WWW.EVIL.COM",
            "x://evil.com",
            "bücher.evil.com/",
            "https://münchen.de.evil.com",
            "www.debian.org|www.evil.com",
            "x://wikipedia.org|evil.com/",
            "see www.debian.org, www.evil.com",
        }),
    },
    {
        name = "links that hide where they lead do not pass",
        config = { allow = allow },
        steps = {
            hidden("https://wikipedia.org@evil.com/"),
            hidden("https://wikipedia.org:x@evil.com"),
            hidden("https://evil.com\\@wikipedia.org"),
            hidden("https://wikipedia.org%2eevil.com"),
            hidden(("www.debian.org|"):rep(540)),
            { from = "ann", text = "http://[::1]/", expect = "drop", like = "no name" },
            { from = "ann", text = "http://./", expect = "drop", like = "no name" },
            { from = "ann", text = "x://" .. ("a"):rep(300), expect = "drop", like = "no name" },
        },
    },
    {
        name = "what is no link passes",
        steps = all("pass", {
            "and/or", "1.5/2.5", "60 km/h", "src/main.c", "./configure && make", "../a.out",
            "e.g. this", "hello.", "a:b", "TCP/IP.", "www", "ann@example.org",
        }),
    },
    {
        name = "nor does the longest line that is made on purpose take long",
        config = { allow = allow },
        steps = all("pass", {
            ("a"):rep(8190) .. "/",
            ("a."):rep(4095) .. "/",
            ("a-"):rep(4095) .. "/",
            ("/"):rep(8190),
            ("ä"):rep(4000) .. "/",
            ("://debian.org "):rep(580),
            (("www.debian.org|"):rep(66) .. "/"):rep(8),
        }),
    },
    {
        name = "it is quick",
        config = { allow = allow },
        budget_ns = 30000,
        steps = times(500, { from = "ann", text = "see https://en.wikipedia.org/wiki/Lua" }),
    },
}
