-- links: only links to domains on a list.
--
--   https://en.wikipedia.org/wiki/Lua   passes, with wikipedia.org on the list
--   http://wikipedia.org.evil.com/      links to wikipedia.org.evil.com are not welcome here
--
-- Teaches `match`: the hub itself looks whether a message has one of these pieces of text, for all
-- filters in one pass. This filter is entered only then, so the messages without a link, which are
-- nearly all, cost it next to nothing. A match may be too wide ("and/or" has a slash), never too
-- narrow: what it keeps away is not seen at all.
--
-- A link here is what programs make one of: SCHEME://..., www.... and name.domain/...; hub.links()
-- goes over them, whatever a text is made up to look like. A domain on the list stands for those
-- below it, too. Where the name of the host is hidden, behind a user name or in %-codes, the
-- message is dropped: no honest link has that.
--
--   chatroom_server -f links.lua --set links.allow=wikipedia.org,debian.org

local allowed = {} -- domain -> true

-- Asks for "en.wikipedia.org", "wikipedia.org", "org".
local function is_allowed(host)
    while host do
        if allowed[host] then
            return true
        end
        host = host:match("^[^.]*%.(.+)$")
    end
    return false
end

local FAULTS = {
    hidden = "that link hides where it leads",
    nameless = "that link leads to no name",
}

return {
    name = "links",
    version = "1.1",
    api = 1,
    description = "drops messages with links to domains that are not on a list",

    match = { contains = { "/", "www." } },

    config = {
        allow = { default = {}, help = "domains, and with them those below" },
    },

    on_load = function()
        for _, domain in ipairs(hub.config.allow) do
            allowed[hub.lower(domain)] = true
        end
    end,

    on_message = function(msg)
        for _, host, fault in hub.links(msg) do
            if fault then
                return hub.drop(FAULTS[fault])
            end
            if not is_allowed(host) then
                return hub.drop("links to " .. host .. " are not welcome here")
            end
        end
    end,
}
