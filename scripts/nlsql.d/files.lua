---@meta nlsql.files
--- nlsql.files: the files that scripts may read. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.files
local files = {}

---@alias nlsql.FileKind "phases"|"prompts"|"scripts"

--- Path of a file: the project's own first, then the shipped one; nil where there is neither.
---@param kind nlsql.FileKind
---@param name string  without folders above it
---@return string?
function files.find(kind, name) end

--- A file below the project's folder or the shipped one, or the state's own phase; hidden files are
--- not for scripts.
---@param path string
---@return string?
---@return string? message
---@return nlsql.Code? code
function files.read(path) end

--- A Lua file that `read` would read, as a function that runs in this state's environment.
---@param path string
---@param shown string?  what messages call it; nil: the path
---@return function?
---@return string? message  with file and line
---@return nlsql.Code? code
function files.load(path, shown) end

--- The same for the file of a phase, which runs as a guest: see engine/script/vm.h. A trusted script
--- may name any file.
---@param path string
---@param shown string?  what messages call it; nil: the path
---@return function?
---@return string? message  with file and line
---@return nlsql.Code? code
function files.phase(path, shown) end

--- Makes the next `require` of each module of scripts/ read its file again; gives their number. What
--- a script holds of a module already stays as it is.
---@return integer
function files.forget() end

--- File names of a kind, the project's own and the shipped ones, each once.
---@param kind nlsql.FileKind
---@return string[]
function files.list(kind) end

return files
