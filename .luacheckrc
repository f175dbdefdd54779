-- Filters run in a sandbox: Lua 5.4 without what reaches outside, and with `hub`.
std = {
    read_globals = {
        "hub",
        "assert", "error", "getmetatable", "ipairs", "math", "next", "pairs", "pcall", "require",
        "select", "setmetatable", "string", "table", "tonumber", "tostring", "type", "utf8",
    },
}
max_line_length = 100

-- Their tests run in the same one, but there is no hub around them.
files["**/*_test.lua"] = { not_globals = { "hub", "require" } }
