---@meta nlsql.yaml
--- For editors: leads require "nlsql.yaml" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.yaml
local yaml = {}

return yaml
