-- The manual's snippets have this before them: a server's port, and files as they are named there.
local port = os.getenv('PORT')
local print = function() end
