---@meta nlsql.protect
--- For editors: leads require "nlsql.protect" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.protect
local protect = {}

return protect
