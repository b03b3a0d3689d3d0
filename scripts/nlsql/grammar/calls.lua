--- calls: pairs that call a given function, made as all pairs of the grammar are.
---
--- Each file of FAMILIES holds, by the function's name, ways to make a query that calls it:
--- { weight, make }. Some are constructs of the grammar that call it most of the time; what a way has
--- made is looked at, and taken only where it does.

local sql = require "nlsql.sql"

local calls = {}

---@type table<string, { weight: number, construct: table }[]>
local WAYS = {}
for _, family in ipairs { "texts", "numbers", "dates", "gaps", "rows" } do
  for name, ways in pairs(require("nlsql.grammar.calls." .. family)) do
    WAYS[name] = {}
    for i, way in ipairs(ways) do
      WAYS[name][i] = { weight = way[1], construct = { name = ("%s %d"):format(name, i), make = way[2] } }
    end
  end
end

--- The ways to call the function; nil where there are none.
---@param name string in lower case
---@return { weight: number, construct: table }[]?
function calls.ways(name) return WAYS[name] end

--- Names of all functions that can be called, sorted.
---@return string[]
function calls.names()
  local names = {}
  for name in pairs(WAYS) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Does the query call the function?
---@param schema nlsql.Catalog
---@param query string
---@param name string
---@return boolean
function calls.in_query(schema, query, name)
  local statement <close> = sql.parse(query)
  local facts = statement and statement:facts(schema)
  for _, called in ipairs(facts and facts.functions or {}) do
    if called == name then return true end
  end
  return false
end

return calls
