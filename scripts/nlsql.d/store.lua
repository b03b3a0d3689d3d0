---@meta nlsql.store
--- For editors: leads require "nlsql.store" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.store
local store = {}

return store
