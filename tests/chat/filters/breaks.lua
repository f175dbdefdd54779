-- Faults on every message that says so; drops what it cannot judge.

return {
    name = "breaks",
    on_error = "closed",
    on_message = function(msg)
        if msg.text == "fault" then
            error("as asked")
        end
    end,
}
