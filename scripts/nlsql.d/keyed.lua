---@meta nlsql.keyed
--- For editors: leads require "nlsql.keyed" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.keyed
local keyed = {}

return keyed
