---@meta nlsql.correlate
--- For editors: leads require "nlsql.correlate" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.correlate
local correlate = {}

return correlate
