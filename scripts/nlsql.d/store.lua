---@meta nlsql.store
--- nlsql.store: the run store. For editors: never run; see ../nlsql.d.lua.

--- Money is in whole nano-dollars.
---@class nlsql.lib.store
local store = {}

--- Opens or makes a store. Blocks. "busy" where another process holds it.
---@param path string
---@return nlsql.Store?
---@return string? message
---@return nlsql.Code? code
function store.open(path) end

--- A store that goes with its closing: for a run that keeps nothing but its dataset, which is made anew.
--- Blocks.
---@return nlsql.Store?
---@return string? message
---@return nlsql.Code? code
function store.scratch() end

--- Opens a store to look at, which another process may be writing. Blocks. "not_found" where there is none.
---@param path string
---@return nlsql.StoreView?
---@return string? message
---@return nlsql.Code? code
function store.view(path) end

---@class nlsql.StoreView : userdata
local StoreView = {}

--- Its runs, the oldest first.
---@param archived boolean?  those put away by --fresh, too
---@return fun(): nlsql.RunRow?
function StoreView:runs(archived) end

--- What happened in a run, in order of time.
---@param run integer
---@param marks table<string, integer>?  the last `id` seen, by `kind`
---@return fun(): nlsql.RunEvent?
function StoreView:events(run, marks) end

--- The process that has the store open to write; nil: none; 0: it is not known which.
---@return integer? pid
function StoreView:holder() end

--- Over all runs; `reserved` may be of a process that was killed.
---@return integer spent
---@return integer reserved
function StoreView:ledger() end

--- A recorded reply of a run, as Run:recall gives it.
---@param run integer
---@param key nlsql.Key
---@param sample integer
---@return string?
function StoreView:reply(run, key, sample) end

--- The secret of a run's stand-ins: 32 bytes, not to be shown; nil where it has none.
---@param run integer
---@return string?
function StoreView:secret(run) end

--- Compares a file with the lines of a run's entries: how many agree from the first on, how many there
--- should be, how many there are.
---@param run integer
---@param path string
---@return integer? same
---@return integer|string entries  or the message
---@return integer|nlsql.Code lines  or the code
function StoreView:compare(run, path) end

--- May be called again.
function StoreView:close() end

---@class nlsql.RunRow
---@field id integer
---@field phase string
---@field version string    "" where none was given
---@field source string?    what its pairs are of
---@field dataset string    "" where it writes none
---@field config string?    what Run:note last put down
---@field started integer   Unix milliseconds, as all times
---@field archived integer?
---@field opened integer?   the last time
---@field pid integer?      by this process
---@field ended integer?    nil: that is running, or was killed
---@field outcome string?
---@field changed string?   the last words of Run:note
---@field items integer
---@field items_done integer
---@field entries integer
---@field rejections integer  not taken up again
---@field calls integer
---@field failed integer      of the calls
---@field cost integer

---@class nlsql.RunEvent
---@field kind "opening"|"call"|"rejection"|"entry"
---@field id integer
---@field at integer?
---@field item string?
---@field turn integer?
---@field candidate integer?
---@field purpose string?
---@field model string?
---@field outcome string?
---@field kept integer?     1: the reply is served again
---@field sample integer?
---@field tokens_in integer?
---@field tokens_out integer?
---@field cost integer?
---@field seconds number?
---@field gate string?
---@field reason string?    of an opening: what changed
---@field question string?
---@field sql string?
---@field detail string?

---@class nlsql.Store : userdata
local Store = {}

--- Goes on with the run of a phase and version, or starts one, and brings its dataset file in line.
--- Blocks.
---@param options nlsql.RunOptions
---@return nlsql.Run?
---@return nlsql.RunInfo|string? info  or the message
---@return nlsql.Code? code
function Store:run(options) end

--- The most that all runs may spend; nil: no limit.
---@param nano integer?
function Store:budget(nano) end

---@return integer spent
---@return integer reserved
function Store:ledger() end

--- Sets money aside. Waits until settlements make room; "budget" where none is outstanding.
---@param nano integer
---@return integer? reservation
---@return string? message
---@return nlsql.Code? code
function Store:reserve(nano) end

--- Settles a reservation that no call was recorded for.
---@param reservation integer
---@param cost integer?  nil: in full
---@return true?
---@return string? message
---@return nlsql.Code? code
function Store:settle(reservation, cost) end

--- To be closed: charges the reservation in full then, unless it was settled before.
---@param reservation integer
---@return userdata
function Store:hold(reservation) end

--- Waits until all that was submitted is durable.
---@return true?
---@return string? message
---@return nlsql.Code? code
function Store:flush() end

--- The first write error, if there was one; nothing is written after it.
---@return string? message
function Store:failed() end

--- Bytes submitted and not yet durable.
---@return integer
function Store:backlog() end

--- Waits for the disk, then closes; who still waits is told "cancelled". May be called again.
function Store:close() end

---@class nlsql.RunOptions
---@field phase string
---@field version string?      of --run-version
---@field fingerprint string   of phase, prompts, options and model: free text
---@field source string?       what the entries are of, in words; two sources never mix
---@field dataset string?      path of the JSONL file; nil: the run keeps calls, and writes no file
---@field fresh boolean?       archive what was there and start over
---@field age_ms integer?      since when the program runs: fresh runs of one process share a secret

---@class nlsql.RunInfo
---@field secret string        32 bytes: of the run's stand-ins, the same after a resume; not to be shown
---@field resumed boolean      there was something to go on with
---@field changed boolean      made under another fingerprint
---@field rewritten boolean    the dataset file did not match and was made again
---@field kept string          where what was there before is; "" where it was not needed
---@field torn integer         bytes of a torn tail that were cut
---@field items_done integer
---@field entries integer
---@field calls integer

--- One phase's run. Closing the store closes it.
---@class nlsql.Run : userdata
local Run = {}

--- What is known of an item; nil: nothing.
---@param key string
---@return nlsql.SavedItem?
function Run:item(key) end

--- The recorded reply to a request, by the request's key and the how-manieth answer to it.
---@param key nlsql.Key
---@param sample integer  from 1
---@return string?
function Run:recall(key, sample) end

--- Records a call and settles its reservation. Waits only while the disk is far behind.
---@param call nlsql.Call
---@return true?
---@return string? message
---@return nlsql.Code? code
function Run:record(call) end

--- Makes one turn of an item durable as a whole. Waits until it is, unless `wait` is false.
---@param turn nlsql.StoredTurn
---@return true?
---@return string? message
---@return nlsql.Code? code
function Run:commit(turn) end

--- For each accepted entry, in the order of their commits: the keys of its query, of the query without
--- literals, and of its question.
---@return fun(): nlsql.Key?, nlsql.Key?, nlsql.Key?
function Run:seen() end

--- Rejections of an item that were not taken up again, in their order.
---@param item string
---@return nlsql.RejectedBefore[]
function Run:rejected(item) end

--- What `note` last put down before this opening of the run; "" where there was nothing.
---@return string
function Run:before() end

--- Puts down what the run is made with, and in words what changed of it; nil leaves either as it is.
---@param config string?
---@param changed string?
---@return true?
---@return string? message
---@return nlsql.Code? code
function Run:note(config, changed) end

--- Notes how this opening of the run ended.
---@param outcome string
---@return true?
---@return string? message
---@return nlsql.Code? code
function Run:ended(outcome) end

--- May be called again.
function Run:close() end

---@class nlsql.RejectedBefore
---@field id integer
---@field turn integer
---@field candidate integer
---@field gate string
---@field reason string
---@field question string?
---@field sql string?
---@field detail string?   JSON

---@class nlsql.SavedItem
---@field done boolean
---@field turns integer
---@field accepted integer
---@field state string      what the item's last commit kept, JSON

---@class nlsql.Call
---@field key nlsql.Key     of the request
---@field sample integer?   1 where it is missing
---@field purpose string    "ask", "critic", "join_set", …
---@field item string?      its key
---@field model string
---@field request string?   JSON
---@field reply string?     JSON; nil for a failed call, which is never served again
---@field outcome string    "ok", "length", "refusal", "http_500", "timeout", …
---@field tokens_in integer?      -1 or nil: not reported
---@field tokens_out integer?
---@field tokens_cached integer?
---@field cost integer?           nano-dollars; below 0: all that was reserved
---@field reservation integer?    that it settles; 0 or nil: none
---@field seconds number?

---@class nlsql.StoredTurn
---@field item string       its key
---@field ordinal integer?  its place in the plan
---@field turn integer?     from 1; 0 or nil: no turn, only the state changes
---@field done boolean?
---@field state string?     JSON; nil: unchanged
---@field entries nlsql.StoredEntry[]?
---@field rejections nlsql.Rejection[]?
---@field retried integer[]? rejections of earlier turns that this one replaces, by their id
---@field wait boolean?     false: do not wait for the disk

---@class nlsql.StoredEntry
---@field line string       the dataset's row, JSON without a newline
---@field question string
---@field sql string
---@field facts string?     JSON
---@field sql_key nlsql.Key
---@field masked_key nlsql.Key
---@field question_key nlsql.Key

---@class nlsql.Rejection
---@field gate string
---@field reason string
---@field question string?
---@field sql string?
---@field detail string?       JSON
---@field candidate integer?   its place in the turn

return store
