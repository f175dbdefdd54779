-- Runs into an error while it is loaded, in the next line.
error("this filter cannot be loaded")
