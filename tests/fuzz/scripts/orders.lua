-- What the filters of the target `rewrite` do: orders, one a line, each a letter and what goes with
-- it. Whatever an input can make a script do to the host, it does here.
local words = hub.words({ "ham", "spam eggs", "straße" })
local kept -- a message handle of an earlier call

local orders = {}

-- Rewriting, once or more.
function orders.t(msg, text)
    msg.text = text
end

function orders.T(msg, text)
    msg.text = msg.text .. text
end

function orders.m(msg)
    msg.text = words:mask(msg.text)
end

function orders.w(_, text)
    local word, first, last = words:find(text, #text // 2)
    return word and hub.drop(word .. first .. last)
end

-- Verdicts, with a text or without.
function orders.d(_, text)
    return hub.drop(text ~= "" and text or nil)
end

function orders.y(_, text)
    return hub.reply(text)
end

function orders.r(_, text)
    return hub.replace(text)
end

function orders.v(_, text)
    return hub.divert(text)
end

function orders.k(_, text)
    return hub.kick(text ~= "" and text or nil)
end

function orders.s()
    return hub.shadow()
end

function orders.a()
    return hub.accept()
end

-- What is no verdict.
function orders.n(_, text)
    return #text
end

function orders.x(_, text)
    return text
end

function orders.X(msg)
    return msg
end

function orders.f()
    return orders
end

function orders.b()
    return true
end

-- Faults.
function orders.e(_, text)
    error(text)
end

function orders.E(_, text)
    error({ text })
end

function orders.i(msg, text)
    return msg[text]
end

function orders.I(msg, text)
    msg[text] = text
end

function orders.o(_, text)
    local function deeper(n)
        return n > 0 and 1 + deeper(n - 1) or 0
    end
    return deeper(#text * 10000) < 0
end

function orders.O(_, text)
    local much = {}
    for i = 1, #text * 100 do
        much[i] = text:rep(100)
    end
    return hub.drop(much[1])
end

-- Handles that are kept, and the fields of one.
function orders.K(msg)
    kept = msg
end

function orders.q(_, text)
    return kept and hub.reply(kept.text .. text)
end

function orders.p(msg)
    return hub.reply(table.concat({
        msg.text, msg.len, msg.from, msg.client, msg.room, msg.to, msg.kind, msg.time,
        msg.joined_at, msg.address,
    }, "|"))
end

-- The hub's services.
function orders.S(msg, text)
    hub.say(msg.room, text)
end

function orders.l(_, text)
    hub.tell("ann", text)
    hub.log("info", text)
end

function orders.L(_, text)
    hub.log(text, text)
end

function orders.M(_, text)
    local nicks = hub.members(text)
    return nicks and hub.reply(table.concat(nicks))
end

function orders.R(_, text)
    return hub.rate(text, #text / 3, #text) and hub.drop(text)
end

function orders.h(_, text)
    local map = hub.shared(text:sub(1, 3))
    map:set(text, text, #text / 7)
    map:incr(text .. "n", #text)
    map:add(text, 1)
    return map:delete(text:reverse()) and hub.drop(map:get(text))
end

function orders.z(_, text)
    hub.after(#text / 10, function()
        hub.say("#lobby", text)
    end)
end

function orders.Z(_, text)
    local timer = hub.every(#text / 10, function()
        error(text)
    end)
    return hub.cancel(timer + #text - 3)
end

-- Texts of all alphabets.
local tally = hub.tally(5)

orders["1"] = function(msg)
    local letters, capitals = hub.letters(msg)
    return hub.drop(letters .. " " .. capitals)
end

orders["2"] = function(msg, text)
    msg.text = hub.lower(text ~= "" and text or msg)
end

orders["3"] = function(msg, text)
    return hub.drop(tostring(hub.fingerprint(msg, text)))
end

orders["4"] = function(msg, text)
    for _, host, fault in hub.links(text) do
        msg.text = msg.text .. (host or fault)
    end
end

orders["5"] = function(_, text)
    return hub.reply(hub.json(text, #text // 2))
end

orders["6"] = function(_, text)
    return tally:count(text) > 1 and hub.drop(text)
end

-- Strings, protected: so the watch must stop it all the same.
function orders.g(msg, text)
    local pattern, with = text:match("^(.-)/(.*)$")
    local done, result = pcall(string.gsub, msg.text, pattern or text, with or "")
    msg.text = done and result or msg.text
end

function orders.P(msg, text)
    pcall(function()
        for found in msg.text:gmatch(text) do
            msg.text = found
        end
    end)
end

function orders.F(_, text)
    local done, result = pcall(string.format, text, text, #text, 1.5, true)
    return hub.drop(tostring(done) .. tostring(result):gsub("0x%x+", "address"))
end

local function run(msg, text)
    for letter, argument in text:gmatch("(.)([^\n]*)\n?") do
        local order = orders[letter]
        local verdict = order and order(msg, argument)
        if verdict then
            return verdict
        end
    end
end

return run
