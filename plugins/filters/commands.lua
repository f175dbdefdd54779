-- commands: /roll, /time and /rules.
--
--   /roll        ->   everybody reads: ann rolls 1d6: 4
--   /roll 2d20   ->   everybody reads: ann rolls 2d20: 7 + 15 = 22
--   /time        ->   ann reads: 2026-11-23 09:41:07 UTC
--   /rules       ->   ann reads the rules, one by one
--
-- Teaches commands. A key of `commands` is a new command of the hub, and is listed by /help; its
-- function gets the handle, and what was typed behind the name, which is for it to check. There are
-- three ways to answer: hub.reply() to who asked, hub.tell() where there is more than one line, and
-- hub.say() to the room.
--
-- A command is no message: the filters for messages do not see it. So what a command says in a room
-- it has to limit by itself.

local DICE_MOST, SIDES_MOST = 20, 1000
local ROLLS_PER_SECOND, ROLLS_AT_ONCE = 0.2, 5

-- "2d6", "d20", "" as two integers; nil if it is something else.
local function parse_dice(args)
    if args == "" then
        return 1, 6
    end
    local dice, sides = args:lower():match("^(%d?%d?)d(%d%d?%d?%d?)$")
    if not dice then
        return nil
    end
    dice = dice == "" and 1 or tonumber(dice)
    sides = tonumber(sides)
    if dice >= 1 and dice <= DICE_MOST and sides >= 2 and sides <= SIDES_MOST then
        return dice, sides
    end
end

local function throw(dice, sides)
    local thrown, sum = {}, 0
    for i = 1, dice do
        thrown[i] = math.random(sides)
        sum = sum + thrown[i]
    end
    if dice == 1 then
        return tostring(sum)
    end
    return table.concat(thrown, " + ") .. " = " .. sum
end

local function roll(msg, args)
    local dice, sides = parse_dice(args)
    if not dice then
        return hub.reply(("/roll takes up to %d dice of 2 to %d sides: /roll 2d6"):format(
            DICE_MOST, SIDES_MOST))
    end
    if msg.room == "" then
        return hub.reply("You are in no room: nobody would see it.")
    end
    if not hub.rate(msg.client, ROLLS_PER_SECOND, ROLLS_AT_ONCE) then
        return hub.reply("Let the dice cool down.")
    end
    local text = ("%s rolls %dd%d: %s"):format(msg.from, dice, sides, throw(dice, sides))
    hub.say(msg.room, text)
end

-- Year, month and day of the day so many days after 1970-01-01. Counts in years that start in
-- March, so that the odd day of a leap year comes last, and in blocks of 400 years: they are alike.
local function date_of(days)
    days = days + 719468 -- since 0000-03-01
    local day = days % 146097
    local year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day = day - (365 * year + year // 4 - year // 100)
    local month = (5 * day + 2) // 153
    day = day - (153 * month + 2) // 5 + 1
    month = month < 10 and month + 3 or month - 9
    return days // 146097 * 400 + year + (month <= 2 and 1 or 0), month, day
end

local function utc(seconds)
    seconds = math.floor(seconds)
    local year, month, day = date_of(seconds // 86400)
    local rest = seconds % 86400
    return ("%04d-%02d-%02d %02d:%02d:%02d UTC"):format(year, month, day, rest // 3600,
        rest // 60 % 60, rest % 60)
end

return {
    name = "commands",
    version = "1.0",
    api = 1,
    description = "dice, the time, and the rules of the house",

    config = {
        rules = {
            default = { "Be kind.", "Stay on topic.", "What is said here stays here." },
            help = "what /rules says, a line each",
        },
    },

    commands = {
        roll = roll,

        time = function()
            return hub.reply(utc(hub.now()))
        end,

        rules = function(msg)
            for i, rule in ipairs(hub.config.rules) do
                hub.tell(msg.from, i .. ". " .. rule)
            end
        end,
    },
}
