-- caps: too many capitals are too loud. Writes such a message in small letters, or drops it.
--
--   WIR SIND ÜBERALL    ->   wir sind überall
--   ГДЕ ВСЕ СЕГОДНЯ     ->   где все сегодня
--   I work for NASA     ->   as it was
--
-- Teaches text beyond ASCII. For Lua a string is bytes: %u, %l, lower() and upper() know A to Z and
-- let the bytes of other letters be. utf8.codes() walks over the characters instead, as numbers; a
-- text that comes to a filter is always valid UTF-8. Many alphabets keep the small letters at a
-- fixed distance behind the capitals, so a table of ranges does; for finding words in any script
-- there is hub.words().
--
-- It also asks the cheap question first: a text without two capitals in a row somewhere is let go
-- before its characters are counted. And gsub() with a table needs no function called for each.

-- First and last capital, and how far behind them the small letters are.
local RANGES = {
    { 0x41, 0x5A, 32 }, -- A to Z
    { 0xC0, 0xD6, 32 }, -- À to Ö
    { 0xD8, 0xDE, 32 }, -- Ø to Þ
    { 0x391, 0x3A9, 32 }, -- Α to Ω
    { 0x410, 0x42F, 32 }, -- А to Я
    { 0x400, 0x40F, 80 }, -- Ѐ to Џ
}

-- Two capitals of these, side by side, by the first byte of their characters; and some others.
local TWO_CAPITALS = "[A-Z\xC3\xCE\xCF\xD0].?[A-Z\xC3\xCE\xCF\xD0]"

local is_capital = {} -- code of a letter -> whether it is one
local small = {}      -- capital -> small letter

for _, range in ipairs(RANGES) do
    for code = range[1], range[2] do
        is_capital[code], is_capital[code + range[3]] = true, false
        small[utf8.char(code)] = utf8.char(code + range[3])
    end
end

-- How many letters there are, and how many of them are capitals.
local function count(text)
    local letters, capitals = 0, 0
    for _, code in utf8.codes(text) do
        local capital = is_capital[code]
        if capital ~= nil then
            letters = letters + 1
        end
        if capital then
            capitals = capitals + 1
        end
    end
    return letters, capitals
end

local function is_loud(text)
    if not text:find(TWO_CAPITALS) then
        return false
    end
    local letters, capitals = count(text)
    return letters >= hub.config.letters and capitals * 100 >= letters * hub.config.percent
end

return {
    name = "caps",
    version = "1.0",
    api = 1,
    description = "calms down messages with too many capitals",

    match = { min_length = 4 },

    config = {
        percent = { default = 70, min = 1, max = 100, help = "of the letters: these are too many" },
        letters = { default = 8, min = 4, help = "a message with fewer is an abbreviation" },
        drop = { default = false, help = "drop the message instead of writing it small" },
    },

    on_message = function(msg)
        local text = msg.text
        if not is_loud(text) then
            return
        end
        if hub.config.drop then
            return hub.drop("you need not shout")
        end
        msg.text = text:gsub(utf8.charpattern, small)
    end,
}
