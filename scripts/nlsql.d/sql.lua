---@meta nlsql.sql
--- For editors: leads require "nlsql.sql" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.sql
local sql = {}

return sql
