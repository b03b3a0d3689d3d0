---@meta nlsql.json
--- For editors: leads require "nlsql.json" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.json
local json = {}

return json
