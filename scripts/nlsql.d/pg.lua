---@meta nlsql.pg
--- nlsql.pg: the database. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.pg
local pg = {}

--- A pool of connections. Does not connect yet.
---@param url string?  nil: the engine's own database
---@param options { sessions: integer?, connect_timeout: number? }?  most connections at once (8); seconds (10)
---@return nlsql.Db?
---@return string? message
---@return nlsql.Code? code
function pg.open(url, options) end

---@class nlsql.Db : userdata
local Db = {}

--- Runs one fixed statement in a READ ONLY transaction that is rolled back. Waits.
---@param sql string
---@param params any[]?  texts or numbers for $1, $2, …; json.null is SQL's NULL; at most 32
---@param limits nlsql.QueryLimits?
---@return nlsql.QueryResult?
---@return string? message
---@return nlsql.Code? code
---@return string? sqlstate
function Db:query(sql, params, limits) end

--- Tries a query that somebody else wrote: EXPLAIN, then, under the cost cap, runs it through a
--- cursor. Waits. Failures are in the result, with the stage at which they happened; nil, message,
--- code only where it could not be started.
---@param sql string  without a final semicolon
---@param options nlsql.ProbeOptions?
---@return nlsql.Probe?
---@return string? message
---@return nlsql.Code? code
function Db:probe(sql, options) end

--- "postgresql://app@db.example:5432/shop": no password.
---@return string
function Db:name() end

---@return nlsql.PoolStats
function Db:stats() end

--- Closes the connections. Raises while requests are under way. May be called again.
function Db:close() end

---@class nlsql.QueryLimits
---@field statement_timeout number?  seconds; nil: 10
---@field lock_timeout number?       seconds; nil: 1
---@field deadline number?           seconds on this side; nil: statement_timeout and 5 more
---@field max_rows integer?          rows kept; nil: 1,000 for a probe, all of a query
---@field max_bytes integer?         of one reply's data; nil: 16 MiB
---@field max_field integer?         bytes; longer values are cut at a character's edge; nil: no cap
---@field work_mem integer?          kB; lowers the server's work_mem to it; nil: as it is
---@field temp_files integer?        kB; lowers temp_file_limit to it where the role may; nil: as it is

---@class nlsql.ProbeOptions : nlsql.QueryLimits
---@field max_cost number?   plans above it are refused; nil: none
---@field max_plan_rows number?  plans of which any step expects more rows are refused; nil: none
---@field execute boolean?   false: stop after the plan
---@field rows boolean?      true: give the rows too

--- False: the column is an expression's.
---@alias nlsql.OriginOrNone nlsql.Origin|boolean

--- The column of a relation (of the view, where that was asked).
---@class nlsql.Origin
---@field oid integer     of pg_class
---@field number integer  pg_attribute.attnum

---@class nlsql.QueryResult
---@field columns string[]       names
---@field types integer[]        OIDs of the columns' types
---@field origins nlsql.OriginOrNone[]  where each column comes from
---@field rows nlsql.Cell[][]
---@field more boolean           there were more rows than max_rows

---@class nlsql.Probe
---@field stage "connect"|"explain"|"cost"|"execute"|"done"  how far it came; "done": all went well
---@field error string?     the server's words, or the engine's
---@field code nlsql.Code?  beside `error`; "net": lost, not the query's fault
---@field sqlstate string?
---@field detail string?
---@field hint string?
---@field position integer? character in the query that the error points at, from 1
---@field cost number       of the plan
---@field plan_rows number  as the planner guesses
---@field most_rows number  the largest number of rows that a step of the plan expects
---@field plan string       EXPLAIN's JSON; "" where it did not come to that
---@field explain_ms number
---@field execute_ms number
---@field n_rows integer    rows kept
---@field more boolean      there were more rows than max_rows
---@field all_null boolean  no cell holds anything but NULL
---@field columns string[]  names
---@field types integer[]?  OIDs of the columns' types, beside `rows`
---@field origins nlsql.OriginOrNone[]?  beside `rows`, as of nlsql.QueryResult
---@field rows nlsql.Cell[][]?  where `rows` asked for them

---@class nlsql.PoolStats
---@field open integer      connections
---@field busy integer
---@field waiting integer   requests without a connection yet
---@field connects integer  so far, as those below
---@field queries integer
---@field probes integer
---@field retired integer   connections that showed something odd

return pg
