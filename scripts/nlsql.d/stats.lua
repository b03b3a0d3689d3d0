---@meta nlsql.stats
--- nlsql.stats: statistics of live columns. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.stats
local stats = {}

--- Reads every table once, in one snapshot, over a few connections of its own, and tells of each column
--- what is in it, and of all pairs of columns of one family which share of the one's distinct values
--- the other has. Waits. What cannot be read is in `skipped`; nil, message, code only where the whole
--- scan failed: "net", "db", "io" (the disk is full), "nomem", "cancelled" (the engine was asked to stop).
---@param schema nlsql.Catalog
---@param options nlsql.ScanOptions?
---@return nlsql.Scan?
---@return string? message
---@return nlsql.Code? code
---@return string? sqlstate
function stats.scan(schema, options) end

--- Inclusion of tuples, exactly: do those of `columns` occur among those of `referred`? Tuples with a
--- NULL are left out. Waits. One answer for each wish, in their order.
---@param schema nlsql.Catalog
---@param wishes nlsql.TupleWish[]
---@param options nlsql.ScanOptions?  db, connections, memory_mb, exact_rows, timeouts, seed
---@return nlsql.Inclusion[]?
---@return string? message
---@return nlsql.Code? code
---@return string? sqlstate
function stats.tuples(schema, wishes, options) end

--- With `sketch`, distinct values are counted by HyperLogLog and overlaps estimated from the least
--- hashes: a scan that takes little memory, with figures that have an error.
---@class nlsql.ScanOptions
---@field db nlsql.Db?                  where to connect; nil: the engine's own database
---@field tables nlsql.Reference[]?     nil: all but views and foreign tables
---@field connections integer?          1 to 16; nil: 2. One more is open to hold the snapshot
---@field memory_mb number?             cap, 16 at least; nil: 512. What does not fit goes to TMPDIR
---@field exact_rows number?            tables of more rows (as estimated) are read by a page sample; nil: 5,000,000
---@field min_containment number?       overlaps below it are left out; nil: 0.5
---@field max_overlaps integer?         nil: 250,000; parents that could be a key are kept first, then by containment
---@field fair boolean?                 true: above max_overlaps each child keeps its best ones, in turn
---@field flat boolean?                 true: overlaps are told as `shared`, which takes a fifth of the memory
---@field statement_timeout number?     seconds for each table; nil: none
---@field lock_timeout number?          seconds; nil: 1
---@field seed integer?                 of the page samples; nil: 1
---@field sketch integer?               so many least hashes of each column are kept (KMV); nil: all, and exact
---@field values boolean?               true: the most common values too

---@class nlsql.Scan
---@field columns nlsql.ColumnStatistics[]
---@field overlaps nlsql.Overlap[]      by child, then parent; empty where they are told flat
---@field shared integer[]?             flat: child, parent, common; the same of the next one; in the same order
---@field skipped { table: nlsql.Reference, column: string?, reason: string }[]  without column: the whole table
---@field left_out integer?             overlaps above max_overlaps
---@field seconds number
---@field rows integer                  read, of all tables
---@field spilled integer               bytes written to temporary files, which are gone
---@field passes integer                ranges of columns whose pairs were counted by themselves, for want of memory; 1: all
---@field snapshot string               the server's name for it

--- Columns of one family are compared with each other. An enum's is "enum " and its name.
---@alias nlsql.Family "number"|"text"|"citext"|"date"|"timestamp"|"timestamptz"|"time"|"uuid"|"boolean"|string

--- One of the values that are surely more common than any that is not told. It occurs count to count +
--- missed times.
---@class nlsql.CommonValue
---@field value string
---@field count integer
---@field missed integer?      nil: 0
---@field cut boolean?         true: the value is longer than these 128 bytes

--- `min` and `max` have dates in ISO form, times in UTC, and at most 256 bytes; texts and enums are
--- compared by their bytes, as COLLATE "C" does.
---@class nlsql.ColumnStatistics
---@field table nlsql.Reference
---@field column string        as the catalog has it, unquoted
---@field family nlsql.Family
---@field rows integer
---@field nulls integer
---@field distinct integer     of those that are not NULL; of a sample: of the rows read
---@field exact boolean        false: `distinct` is an estimate, or of a sample
---@field error number         relative standard error of the estimate; 0: none
---@field min string?          as PostgreSQL writes it; nil: all are NULL, or the type has no order
---@field max string?
---@field common nlsql.CommonValue[]  the most common first, 10 at most; empty unless `values` asks for them
---@field width number         mean bytes of a value as the server sends it in binary; 0: all are NULL
---@field unique boolean       no value twice among those that are not NULL
---@field increasing boolean   in physical order no value is less than the one before, and the last is above the first
---@field sampled number?      share of the pages read; nil: all

--- Of sketches, or where a column is sampled, all figures are estimates.
---@class nlsql.Overlap
---@field child integer        index into `columns`
---@field parent integer       index into `columns`
---@field common integer       distinct values that both have
---@field orphans integer      distinct values of the child that the parent has not
---@field containment number   common / distinct values of the child
---@field jaccard number       common / distinct values of either
---@field error number?        standard error of the containment; nil: exact

---@class nlsql.TupleWish
---@field from nlsql.Reference
---@field columns string[]     as many as `referred`, at most 32
---@field to nlsql.Reference
---@field referred string[]

---@class nlsql.Inclusion
---@field reason string?       why there is no answer; then all else is nil
---@field rows integer         of the child, without those with a NULL in the tuple
---@field distinct integer     tuples of the child
---@field common integer       of those, how many the parent has
---@field orphans integer      and has not
---@field containment number   common / distinct; 0 where there are none
---@field unique boolean       no tuple twice among the parent's
---@field sampled number?      the lesser share of the pages read of either table; nil: all

return stats
