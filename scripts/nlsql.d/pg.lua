---@meta nlsql.pg
--- For editors: leads require "nlsql.pg" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.pg
local pg = {}

return pg
