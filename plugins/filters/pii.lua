-- pii: masks phone numbers and mail addresses, which people give away in a room without a thought
-- of who is listening, and of the history.
--
--   call 0171 / 123 45 67 or write to ann@example.org   ->   call [phone] or write to [mail]
--
-- Teaches patterns that one can trust. Write down what is to be found and what is not: it is all in
-- pii_test.lua. Ask several narrow questions instead of one clever one, the cheap ones first.
-- %f[set] means "here one of the set begins": it finds the start of a word or a number, and keeps a
-- pattern from trying a long text again from each of its letters, for which somebody will send one.
-- To gsub() give a function, not a string, for what comes from outside: a % in it would count.
--
-- A phone number has 7 to 15 digits and starts with + or 0, or is written as 555-123-4567. So
-- dates, prices, amounts, versions and addresses of machines stay. It errs on the side of masking:
-- digits that follow a phone number with nothing but a space between them go with it.

local DIGITS_LEAST, DIGITS_MOST = 7, 15

local MAIL = "%f[%w._%%+-][%w._%%+-]+@%w[%w-]*%.[%w.-]*%w"

local NATIONAL = {
    "%f[%w+/=_.-]1?[-. ]?%d%d%d[-. ]%d%d%d[-. ]%d%d%d%d%f[%W]",
    "%(%d%d%d%) ?%d%d%d[-. ]%d%d%d%d%f[%W]",
}

-- Behind a letter, "/", "=" and the like it is a part of a link, a hash or a name.
local START = "%f[%w+/=_.-][+0]"
-- What people write between two digits.
local BETWEEN = "[ ()./-]?[ ()./-]?[ ()./-]?"
local LEAST = "^%+?%d" .. (BETWEEN .. "%d"):rep(DIGITS_LEAST - 1) .. "()"
local ONE_MORE = "^" .. BETWEEN .. "%d()"

-- They start with 0, too.
local OTHERS = {
    "^%d%d?%.%d%d?%.%d%d%d%d$", "^%d%d?/%d%d?/%d%d%d%d$", "^%d%d?%-%d%d?%-%d%d%d%d$", -- dates
    "^0%.%d+$", -- 0.3333333
    "^000", -- the end of 1 000 000 000
}

local function is_other(number)
    for _, pattern in ipairs(OTHERS) do
        if number:find(pattern) then
            return true
        end
    end
    return false
end

-- The place behind the phone number that starts at `first`, or nil if none does. It ends where
-- another one starts.
local function behind_phone(text, first)
    local at = text:match(LEAST, first)
    if not at or is_other(text:match("^[%d+./-]*%d", first)) then
        return nil
    end
    local behind
    for _ = DIGITS_LEAST, DIGITS_MOST do
        if not text:find("^%w", at) then
            behind = at
        end
        local next_at = text:match(ONE_MORE, at)
        if not next_at or text:find("^ +[+0]", at) then
            break
        end
        at = next_at
    end
    return behind
end

-- A bracket that is closed inside is a part of it: "(0171) 1234567".
local function first_of(text, at, behind)
    if text:find("^%(", at - 1) and text:sub(at, behind - 1):find(")", 1, true) then
        return at - 1
    end
    return at
end

local function mask_international(text)
    local parts = {}
    local rest = 1 -- what is not in `parts` yet starts there
    local at = text:find(START)
    while at do
        local behind = behind_phone(text, at)
        if behind then
            parts[#parts + 1] = text:sub(rest, first_of(text, at, behind) - 1)
            parts[#parts + 1] = hub.config.phone
            rest = behind
        end
        at = text:find(START, behind or at + 1)
    end
    parts[#parts + 1] = text:sub(rest)
    return table.concat(parts)
end

local function phone()
    return hub.config.phone
end

local function mask_phones(text)
    local _, digits = text:gsub("%d", "")
    if digits < DIGITS_LEAST then
        return text
    end
    for _, pattern in ipairs(NATIONAL) do
        text = text:gsub(pattern, phone)
    end
    return mask_international(text)
end

local function mail()
    return hub.config.mail
end

local function mask_mail(text)
    if not text:find("@", 1, true) then
        return text
    end
    return (text:gsub(MAIL, mail))
end

return {
    name = "pii",
    version = "1.0",
    api = 1,
    description = "masks phone numbers and mail addresses",

    -- Most messages have neither a digit nor an @, and never come here.
    match = {
        min_length = 6,
        contains = { "@", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" },
    },

    config = {
        phone = { default = "[phone]", help = "written in place of a phone number" },
        mail = { default = "[mail]", help = "written in place of a mail address" },
    },

    on_message = function(msg)
        local masked = mask_phones(mask_mail(msg.text))
        if masked ~= msg.text then
            msg.text = masked
        end
    end,
}
