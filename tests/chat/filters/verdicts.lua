-- Every verdict on demand: what a message says is what is done with it.

local answers = {
    ["drop it"] = function() return hub.drop("not here") end,
    ["drop it quietly"] = function() return hub.drop() end,
    ["reply"] = function() return hub.reply("the answer") end,
    ["kick me"] = function() return hub.kick("as you wish") end,
    ["shout"] = function(msg) msg.text = msg.text:upper() end,
    ["where"] = function(msg) msg.text = msg.from .. " in " .. msg.room end,
    ["empty"] = function(msg) msg.text = "" end,
    ["two lines"] = function(msg) msg.text = "one\ntwo\27[31m" end,
    ["too long"] = function(msg) msg.text = ("x"):rep(100000) end,
    ["fault"] = function(msg) return msg.text.nothing.there end,
    ["wrong verdict"] = function() return 42 end,
}

return {
    name = "verdicts",
    on_message = function(msg)
        local answer = answers[msg.text]
        if answer then
            return answer(msg)
        end
    end,
}
