---@meta nlsql.watch
--- For editors: leads require "nlsql.watch" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.watch
local watch = {}

return watch
