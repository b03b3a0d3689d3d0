--- plain: values as data: what passes between the library and the code of a stranger.
---
--- A copy holds texts, numbers, booleans, JSON's marks and null, and tables of them: no function, no
--- metatable, nothing that runs when it is looked at, and nothing that its maker can change later.

local json = require "nlsql.json"

local plain = {}

--- A copy of the data in `value`. Raises where there is too much of it.
---@param value any
---@return any
function plain.copy(value) return json.copy(value) end

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
