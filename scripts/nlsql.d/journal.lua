---@meta nlsql.journal
--- For editors: leads require "nlsql.journal" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.journal
local journal = {}

return journal
