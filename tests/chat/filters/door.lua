-- Every kind of event, judged by what it says: for tests of what the hub does with the verdicts.

local said = 0

return {
    name = "door",
    config = {
        greeting = { type = "string", default = "hello", help = "what a newcomer is told" },
    },

    on_connect = function()
        said = said + 1
    end,

    on_join = function(msg)
        if msg.room == "#closed" then
            return hub.drop("by invitation only")
        end
        if msg.room == "#quiz" then
            return hub.reply("the quiz is over")
        end
        hub.tell(msg.from, hub.config.greeting .. " " .. msg.from)
        hub.say(msg.room, msg.from .. " comes in")
    end,

    on_nick = function(msg)
        if msg.to == "root" then
            return hub.drop("there is no root here")
        end
    end,

    on_private = function(msg)
        if msg.text == "secret" then
            return hub.drop("no secrets")
        end
        msg.text = msg.text:gsub("darn", "****")
    end,

    on_message = function(msg)
        if msg.text == "elsewhere" then
            return hub.divert("#attic")
        end
        if msg.text == "ghost" then
            return hub.shadow()
        end
    end,

    commands = {
        count = function(ctx, args)
            return hub.reply(ctx.from .. " asks: " .. said .. " came, " .. args)
        end,
    },
}
