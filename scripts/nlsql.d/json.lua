---@meta nlsql.json
--- nlsql.json: exact JSON. For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.json
---@field null userdata  JSON's null and SQL's NULL: a value, so that it can stand in tables
local json = {}

--- Reads one value. Whole numbers are integers; a number that no Lua number holds keeps its text (see
--- json.number); lists are marked, so that an empty one stays one.
---@param text string
---@return any
---@return string? message
---@return nlsql.Code? code
function json.decode(text) end

--- Writes a value: members sorted by name, those of `keys` first (of the outermost object).
---@param value any
---@param options { keys: string[]? }?
---@return string?
---@return string? message  with the place: "cannot encode rows[3].name: …"
---@return nlsql.Code? code
function json.encode(value, options) end

--- Marks a table as a list, so that it encodes as one when empty, and returns it.
---@generic T : table
---@param t T
---@return T
function json.array(t) end

--- Is it a table marked as a list?
---@param t any
---@return boolean
function json.is_array(t) end

--- A number that encodes as it is written, digit for digit; tostring gives its text.
---@param text string
---@return table
function json.number(text) end

--- An object or list, on one line, that encodes as it is written. Raises for what is no JSON.
---@param text string
---@return table
function json.verbatim(text) end

--- A copy of the data in a value: texts, numbers, booleans, the marks and json.null, and tables of them keyed by the
--- first three; whatever else there is (functions, metatables) is left out. Nothing of the value's own runs. Raises
--- where tables are nested deeper than 100, or hold more than 2,000,000 values.
---@param value any
---@return any
function json.copy(value) end

--- Folds the event stream of a chat completion, whole or broken off, into the JSON of the completion.
---@param body string
---@return string? completion
---@return nlsql.FoldReport|string? report  or the message
---@return nlsql.Code? code
function json.fold(body) end

---@class nlsql.FoldReport
---@field done boolean     "[DONE]" was seen, or every choice had a finish_reason
---@field events integer   data events read
---@field garbled integer  data events that were no JSON object, passed over

return json
