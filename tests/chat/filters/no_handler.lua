-- A filter without its function.
return { name = "no_handler" }
