---@meta nlsql.http
--- For editors: leads require "nlsql.http" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.http
local http = {}

return http
