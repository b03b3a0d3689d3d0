---@meta nlsql.files
--- For editors: leads require "nlsql.files" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.files
local files = {}

return files
