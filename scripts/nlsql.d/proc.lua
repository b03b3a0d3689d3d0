---@meta nlsql.proc
--- For editors: leads require "nlsql.proc" to its annotations in ../nlsql.d.lua. Never run.

---@type nlsql.lib.proc
local proc = {}

return proc
