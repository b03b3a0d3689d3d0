--- plain: values as data: what passes between the library and the code of a stranger.
---
--- A copy holds texts, numbers, booleans, JSON's marks and null, and tables of them: no function, no
--- metatable, nothing that runs when it is looked at, and nothing that its maker can change later.

local json = require "nlsql.json"

local plain = {}

--- Tables within tables, and values, of one copy.
local MOST_DEPTH, MOST_VALUES = 100, 2000000

local copy

local function table_of(value, state)
  local mark = getmetatable(value)
  if mark == "json.number" then return json.number(rawget(value, 1)) end
  if mark == "json.verbatim" then return json.verbatim(rawget(value, 1)) end
  if state.depth >= MOST_DEPTH then error("tables are nested too deep, or hold themselves", 0) end
  state.depth = state.depth + 1
  local out = {}
  for key, member in next, value do
    local kind = type(key)
    if kind == "string" or kind == "number" or kind == "boolean" then out[key] = copy(member, state) end
  end
  state.depth = state.depth - 1
  return json.is_array(value) and json.array(out) or out
end

copy = function(value, state)
  local kind = type(value)
  state.values = state.values + 1
  if state.values > MOST_VALUES then error(("more than %d values in one table"):format(MOST_VALUES), 0) end
  if kind == "table" then return table_of(value, state) end
  if kind == "string" or kind == "number" or kind == "boolean" or value == json.null then return value end
  return nil
end

--- A copy of the data in `value`. Raises where there is too much of it.
---@param value any
---@return any
function plain.copy(value) return copy(value, { depth = 0, values = 0 }) end

--- Letters of a message that are kept.
local MOST_TEXT = 4000

--- What was raised, or given as a reason, as text: no code of its maker's runs for that.
---@param value any
---@return string
function plain.text(value)
  if type(value) == "string" then return #value > MOST_TEXT and value:sub(1, MOST_TEXT) .. "…" or value end
  if type(value) == "number" then return tostring(value) end
  return ("(a %s, where a sentence was expected)"):format(type(value))
end

return plain
