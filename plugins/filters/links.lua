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
-- A link here is what programs make one of: SCHEME://..., www.... and name.domain/... A domain on
-- the list stands for those below it, too. Where the name of the host is hidden, behind a user
-- name or in %-codes, the message is dropped: no honest link has that.
--
--   chatroom_server -f links.lua --set links.allow=wikipedia.org,debian.org

local HOST_MOST = 253 -- bytes; no name is longer

-- Up to what ends it, in front of the path.
local AUTHORITY = "[^/?#%s\"'<>]*"
-- Letters outside ASCII count by their bytes.
local HOST = "^[%w\128-\255][%w.\128-\255-]*"

-- None of them tries a place twice: a %f, or a plain start, keeps a text made on purpose from
-- taking more time the longer it is.
local LINKS = {
    "://(" .. AUTHORITY .. ")",
    "%f[%w.@\128-\255-]([wW][wW][wW]%." .. AUTHORITY .. ")",
    "%f[%w.@/\128-\255-]([%w\128-\255-]+%.[%w.\128-\255-]*%a%a)/",
}

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

-- What is wrong with a link to "example.org:8080"; nil if nothing is.
local function fault_of(authority)
    if authority:find("[@%%]") then
        return "that link hides where it leads"
    end
    local host = authority:match(HOST)
    if not host or #host > HOST_MOST then
        return "that link leads to no name"
    end
    host = host:lower():gsub("[.-]+$", "")
    if not is_allowed(host) then
        return "links to " .. host .. " are not welcome here"
    end
end

return {
    name = "links",
    version = "1.0",
    api = 1,
    description = "drops messages with links to domains that are not on a list",

    match = { contains = { "/", "www." } },

    config = {
        allow = { default = {}, help = "domains, and with them those below" },
    },

    on_load = function()
        for _, domain in ipairs(hub.config.allow) do
            allowed[domain:lower()] = true
        end
    end,

    on_message = function(msg)
        local text = msg.text
        for _, link in ipairs(LINKS) do
            for authority in text:gmatch(link) do
                local fault = fault_of(authority)
                if fault then
                    return hub.drop(fault)
                end
            end
        end
    end,
}
