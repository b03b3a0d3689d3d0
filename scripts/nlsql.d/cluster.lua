---@meta nlsql.cluster
--- nlsql.cluster: throw-away PostgreSQL clusters (trusted scripts only). For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.cluster
local cluster = {}

--- Starts a private server on a unix socket; it ends with the handle or the process. Blocks.
---@param options nlsql.ClusterOptions
---@return nlsql.Cluster?
---@return string? message
---@return nlsql.Code? code
function cluster.start(options) end

--- Starts the one that holds the demo database. Blocks.
---@return nlsql.Cluster?
---@return string? message
---@return nlsql.Code? code
function cluster.demo() end

---@class nlsql.ClusterOptions
---@field bin string?        folder of initdb and postgres; nil: looked for
---@field settings string[]? "name=value" for the server, at most 32
---@field database string?   there from the start, made from `files` and kept for the next start
---@field files string[]?    SQL files, at most 32

---@class nlsql.Cluster : userdata
local Cluster = {}

--- Ends the server and takes its files away. May be called again.
function Cluster:stop() end

--- The address of a database; by default of the one that was there from the start, or "postgres".
---@param database string?
---@return string
function Cluster:url(database) end

--- Makes a database from SQL files. Blocks.
---@param name string
---@param files string[]?
---@return true?
---@return string? message
---@return nlsql.Code? code
function Cluster:create(name, files) end

--- The folder of its socket.
---@return string
function Cluster:socket_dir() end

--- The folder of its programs.
---@return string
function Cluster:bin() end

return cluster
