---@meta nlsql.correlate
--- nlsql.correlate: columns of one table that have to do with each other. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.correlate
local correlate = {}

--- Measures every pair of a table's columns, over all of its rows or a sample of them. Waits.
---
--- Numbers are integers, numeric, floating point and money, dates and times; categories are text, enums,
--- booleans, uuids and network addresses. Each measure is taken over the rows where both columns have a
--- value (NaN and infinities are none) and is nil where it is not defined: a constant column, fewer than
--- two rows. The same seed takes the same sample as long as the server sends the same rows in the same
--- order.
---@param schema nlsql.Catalog
---@param ref nlsql.Reference
---@param options nlsql.CorrelateOptions?
---@return nlsql.Correlations?
---@return string? message
---@return nlsql.Code? code
---@return string? sqlstate
function correlate.correlations(schema, ref, options) end

---@class nlsql.CorrelateOptions
---@field db nlsql.Db?                that asks; nil: a connection to the engine's own database
---@field columns string[]?           only these
---@field rows integer?               that are kept of a larger table (100,000)
---@field full_rows number?           tables estimated to have more are read by a page sample (1,000,000)
---@field seed integer?               of the sample (1)
---@field max_columns integer?        columns behind these are left out (100)
---@field max_categories integer?     distinct values of a category (200)
---@field bins integer?               at most, of a number, for mutual_information (16)
---@field max_error number?           of the dependencies that are told (0.05)
---@field memory_mb integer?          at most, for the rows and the arithmetic (256)
---@field statement_timeout number?   seconds (60)
---@field lock_timeout number?        seconds (1)

---@class nlsql.Correlations
---@field rows integer                            that were measured
---@field sampled number?                         share of the table's rows that they are; nil: all
---@field columns nlsql.CorrelatedColumn[]        in the table's order, or that of options.columns
---@field skipped { column: string, reason: string }[]  left out, or of which only dependencies are told
---@field pairs nlsql.CorrelatedPair[]
---@field dependencies nlsql.Dependency[]

---@class nlsql.CorrelatedColumn
---@field column string
---@field measure "number"|"category"|"equality"  equality: too many values for a category
---@field nulls integer     rows without a value
---@field distinct integer  values
---@field bins integer?     of a number: the intervals of equal frequency that it is cut into, fewer with few rows
---                         or values; a value goes where the middle of its rows falls, so some may be empty

---@class nlsql.CorrelatedPair
---@field a string
---@field b string
---@field n integer                    rows where both have a value
---@field pearson number?              r, -1 to 1, of two numbers
---@field spearman number?             ρ, -1 to 1, of two numbers; equal values share their mean rank
---@field cramers_v number?            V, 0 to 1, of two categories, with Bergsma's correction of its bias
---@field correlation_ratio number?    η, 0 to 1, of a category and a number
---@field mutual_information number?   nats, of the frequencies; numbers by their bins

--- That the rows' value of `from` determines that of `to`, but for a share of them. Told where the error
--- is at most max_error and below the baseline, where `from` is no key, and `to` no constant.
---@class nlsql.Dependency
---@field from string
---@field to string
---@field n integer         rows where both have a value
---@field error number      g3, 0 to 1: the least share of them to remove so that it holds
---@field baseline number   the error that knowing nothing would have: all rows but those with the commonest value of `to`
---@field repeated integer  rows whose value of `from` comes up more than once: the evidence

return correlate
