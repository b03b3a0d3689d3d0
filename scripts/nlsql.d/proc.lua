---@meta nlsql.proc
--- nlsql.proc: child processes (trusted scripts only). For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.proc
local proc = {}

--- Starts a process. One that is closed or collected is killed.
---@param options nlsql.StartOptions
---@return nlsql.Process?
---@return string? message
---@return nlsql.Code? code
function proc.start(options) end

--- Runs a process to its end; gives its status and both its streams. Waits.
---@param options nlsql.ProcOptions
---@return integer? status  exit code, or 128 and the signal's number
---@return string? output   or the message
---@return nlsql.Code? code
function proc.run(options) end

---@class nlsql.ProcOptions
---@field argv string[]
---@field env table<string, string>?  added to this process's own
---@field cwd string?
---@field stdin string?   path; nil: /dev/null

---@class nlsql.StartOptions : nlsql.ProcOptions
---@field stdout string?  "pipe" (the default: see read_line), "inherit", "null", or a path
---@field stderr string?  "inherit" (the default), "null", "stdout", or a path

---@class nlsql.Process : userdata
local Process = {}

---@return integer
function Process:pid() end

--- The next line of its output. Waits. "not_found" at the end of the output.
---@param seconds number?  nil: for ever
---@return string?
---@return string? message
---@return nlsql.Code? code
function Process:read_line(seconds) end

--- Waits for its end.
---@param seconds number?  nil: for ever
---@return integer? status  exit code, or 128 and the signal's number
---@return string? message
---@return nlsql.Code? code
function Process:wait(seconds) end

--- Sends a signal; one to a process that has ended is no error.
---@param signal string|integer?  "TERM" where it is missing
---@return true?
---@return string? message
---@return nlsql.Code? code
function Process:kill(signal) end

--- Kills it where it still runs. Raises while a job waits for it. May be called again.
function Process:close() end

return proc
