---@meta nlsql.stats
--- For editors: leads require "nlsql.stats" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.stats
local stats = {}

return stats
