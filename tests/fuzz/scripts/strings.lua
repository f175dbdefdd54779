-- Both sides of the target `string`: the functions that filters get in place of Lua's own are
-- called here, once in a filter and once in a plain Lua, and what they return must be the same.
local MOST = 20 -- results that are compared

local function number(text, place)
    local byte = text:byte(place)
    return byte and byte - 128
end

local function all_of(text, pattern)
    local found = {}
    for first, second in text:gmatch(pattern) do
        found[#found + 1] = tostring(first) .. "," .. tostring(second)
        if #found == MOST then
            break
        end
    end
    return table.concat(found, ";")
end

local function list_of(text)
    local list = {}
    for word in text:gmatch("[^ ]+") do
        list[#list + 1] = word
    end
    return list
end

local calls = {
    find = function(a, b, c)
        return a:find(b, number(c, 1))
    end,
    find_plain = function(a, b, c)
        return a:find(b, number(c, 1), true)
    end,
    match = function(a, b, c)
        return a:match(b, number(c, 1))
    end,
    gmatch = all_of,
    gmatch_from = function(a, b, c)
        return select("#", a:gmatch(b, number(c, 1))) and a:gmatch(b, number(c, 1))()
    end,
    gsub = function(a, b, c)
        return a:gsub(b, c)
    end,
    gsub_some = function(a, b, c)
        return a:gsub(b, c:sub(2), number(c, 1))
    end,
    gsub_function = function(a, b, c)
        return a:gsub(b, function(x, y)
            return x ~= c and (y or #tostring(x)) or nil
        end)
    end,
    gsub_table = function(a, b, c)
        return a:gsub(b, { [c] = "found", a = false, b = 1 })
    end,
    format = function(a, b, c)
        return (b:gsub("p", "s")):format(a, number(c, 1), number(c, 2), c)
    end,
    rep = function(a, b, c)
        return a:rep(number(c, 1), b)
    end,
    insert = function(a, b, c)
        local list = list_of(a)
        table.insert(list, number(c, 1), b)
        return table.concat(list, b)
    end,
    remove = function(a, _, c)
        local list = list_of(a)
        return table.remove(list, number(c, 1)), #list
    end,
    concat = function(a, b, c)
        return table.concat(list_of(a), b, number(c, 1), number(c, 2))
    end,
    unpack = function(a, _, c)
        return select("#", table.unpack(list_of(a), number(c, 1), number(c, 2)))
    end,
    move = function(a, b, c)
        local to = table.move(list_of(a), number(c, 1), number(c, 2), number(c, 3), list_of(b))
        return to[1], to[2], to[3], to[4], to[5] -- not #to: there may be holes
    end,
    sort = function(a, _, c)
        local list = list_of(a)
        table.sort(list, function(x, y)
            return x < y == (c ~= "")
        end)
        return table.concat(list, " ")
    end,
}

local names = {}
for name in next, calls do
    names[#names + 1] = name
end
table.sort(names)

-- The results, each with its type, or why there are none.
return function(which, a, b, c)
    local results = table.pack(pcall(calls[names[which % #names + 1]], a, b, c))
    local out = {}
    for i = 1, results.n < MOST and results.n or MOST do
        out[i] = math.type(results[i]) or type(results[i])
        out[i] = out[i] .. ":" .. tostring(results[i])
    end
    return table.concat(out, "\n")
end
