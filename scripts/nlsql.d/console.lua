---@meta nlsql.console
--- nlsql.console: what the user sees. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.console
local console = {}

--- Writes to standard output, as it is.
---@param ... string
function console.out(...) end

--- What `out` was given reaches the reader now, where standard output is a pipe too.
function console.flush() end

--- A line in the log, shown with --verbose.
---@param text string
function console.debug(text) end

--- A line in the log.
---@param text string
function console.info(text) end

--- A warning in the log.
---@param text string
function console.warn(text) end

--- An error in the log. Ends nothing.
---@param text string
function console.error(text) end

--- A line that a phase has for the log. So many are logged, each up to so many bytes; that the rest is left out is
--- said once.
---@param text string
function console.say(text) end

--- Sets the live block below the log; "" takes it away.
---@param lines string
function console.block(lines) end

--- Is there a terminal that shows a live block?
---@return boolean
function console.is_live() end

--- Columns of the terminal; 80 where that is unknown.
---@return integer
function console.width() end

--- The text without the keys and passwords that the engine knows of.
---@param text string
---@return string
function console.redact(text) end

return console
