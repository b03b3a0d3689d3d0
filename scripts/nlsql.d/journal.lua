---@meta nlsql.journal
--- nlsql.journal: lines of the logs. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.journal
local journal = {}

--- Queues a line of logs/NAME in the project's folder; it is written soon, whole, without secrets. That
--- the disk takes none is no error here. "not_found" where there are no logs.
---@param name string  letters, digits, "-", "_" and "."
---@param line string  without newline and NUL
---@return true?
---@return string? message
---@return nlsql.Code? code
function journal.append(name, line) end

return journal
