---@meta nlsql.console
--- For editors: leads require "nlsql.console" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.console
local console = {}

return console
