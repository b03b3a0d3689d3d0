---@meta nlsql.text
--- For editors: leads require "nlsql.text" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.text
local text = {}

return text
