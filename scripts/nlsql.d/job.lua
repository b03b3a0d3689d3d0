---@meta nlsql.job
--- For editors: leads require "nlsql.job" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.job
local job = {}

return job
