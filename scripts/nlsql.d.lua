---@meta _
--- The engine's own modules, for editors: nlsql.d/NAME.lua tells what `require "nlsql.NAME"` gives,
--- with every function, method, options table and result; what they share is here. Never run. A test
--- compares them with the bindings, in both directions; the library's own modules are annotated in
--- scripts/nlsql/.
---
--- Errors, everywhere: a function that the world can fail gives nil, a sentence and a code; only a
--- caller's mistake raises. Times are in seconds unless a name ends in `_ms`, sizes in bytes. "Waits":
--- the job that calls is parked and the others run on; this raises inside a sort comparison, a gsub
--- callback or a metamethod.

--- The word for what went wrong.
---@alias nlsql.Code
---| "nomem"      # memory ran out
---| "invalid"    # what was given cannot be right
---| "io"         # a file, a pipe, a full disk
---| "config"     # the configuration, the command line, a template
---| "script"     # a phase or library script
---| "db"         # the database said no
---| "net"        # could not connect, or the connection broke
---| "model"      # the model's endpoint answered with an error
---| "timeout"    # a deadline passed
---| "limit"      # a size, depth or cost cap was met
---| "cancelled"  # somebody asked to stop
---| "busy"       # somebody else holds it
---| "not_found"  # no such file, table, schema
---| "budget"     # the money does not reach

--- Sixteen bytes: the hash of a text or a query.
---@alias nlsql.Key string

--- A table as SQL names it, quoted as needed: `orders`, `"Sales"."Order Lines"`.
---@alias nlsql.Reference string

--- A cell of a result: the server's text, or json.null for SQL's NULL.
---@alias nlsql.Cell string|userdata
