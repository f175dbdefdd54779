-- Returns something else than a filter.
return 42
