---@meta nlsql.watch
--- nlsql.watch: until a file is saved. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.watch
local watch = {}

--- Watches what a user edits: phases/, prompts/ and scripts/ of the project and as shipped, this
--- state's phase, and config.yaml.
---@param list string[]?  folders (with those below them) and files instead; trusted scripts only
---@return nlsql.Watch?
---@return string? message
---@return nlsql.Code? code
function watch.open(list) end

---@class nlsql.Watch : userdata
local Watch = {}

--- Paths of what changed since the last answer. Waits. "timeout" where nothing did, "cancelled" where
--- the user asked to stop.
---@param seconds number?  nil: for ever
---@return string[]?
---@return string? message
---@return nlsql.Code? code
function Watch:wait(seconds) end

--- Raises while a job waits for it. May be called again.
function Watch:close() end

return watch
