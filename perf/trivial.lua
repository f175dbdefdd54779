-- The least a filter can be: it looks at every message, and has nothing to say. filter_effect.py
-- measures what it costs a hub.
return {
    name = "trivial",
    description = "looks at every message, and lets it pass",
    on_message = function() end,
}
