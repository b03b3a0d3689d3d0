---@meta nlsql.catalog
--- For editors: leads require "nlsql.catalog" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.catalog
local catalog = {}

return catalog
