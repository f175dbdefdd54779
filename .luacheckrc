-- Filters run in a sandbox: Lua 5.4 without what reaches outside, and with `hub`.
std = {
    read_globals = {
        "hub",
        "assert", "error", "getmetatable", "ipairs", "math", "next", "pairs", "pcall", "select",
        "setmetatable", "string", "table", "tonumber", "tostring", "type", "utf8",
    },
}
max_line_length = 100
