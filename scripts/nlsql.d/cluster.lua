---@meta nlsql.cluster
--- For editors: leads require "nlsql.cluster" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.cluster
local cluster = {}

return cluster
