--- disguise: pairs of a database whose values are private, with stand-ins for them.
---
--- The rows that the grammar draws from have stand-ins before anything is drawn, so that question and query
--- agree on them; the gates execute the query with the values behind them (nlsql.standins). What would not mean
--- the same then is not asked: parts of a text, and which text comes before another.

local sql = require "nlsql.sql"

local disguise = {}

--- Does an attribute of this column show values that have stand-ins?
---@param anon nlsql.Anon?  nil: values are as they are
---@param ref string
---@param column string
---@return boolean
function disguise.covers(anon, ref, column) return anon ~= nil and anon:decision(ref, column).class ~= "keep" end

--- Puts stand-ins in the place of the cells of a joined row's query.
---@param anon nlsql.Anon?
---@param nodes table[]     of the tree
---@param rows any[][]
function disguise.cells(anon, nodes, rows)
  if not anon then return end
  for _, node in ipairs(nodes) do
    for _, attribute in ipairs(node.attributes) do
      local at = attribute.at
      for _, cells in ipairs(disguise.covers(anon, node.entity.ref, attribute.name) and rows or {}) do
        if type(cells[at]) == "string" then cells[at] = anon:value(node.entity.ref, attribute.name, cells[at]) end
      end
    end
  end
end

--- Operators that compare a column's value with the literal.
local COMPARES = {}
for op in ("= <> != < <= > >= in any all between like ilike similar ~ ~* !~ !~* starts_with case"):gmatch("%S+") do
  COMPARES[op] = true
end

--- Those that keep their meaning where both sides move a little, or that the gates give the very value.
local NEAR_OPS = { ["<"] = true, ["<="] = true, [">"] = true, [">="] = true, between = true, ["="] = true, ["in"] = true }
local RANGES = { ["<"] = true, ["<="] = true, [">"] = true, [">="] = true, between = true }

--- Classes whose stand-ins lie beside their values.
local NEAR = { amount = true, date = true, coordinate = true }

--- Does the query mean the same when it is executed with the values behind its stand-ins?
---@param anon nlsql.Anon
---@param schema nlsql.Catalog
---@param query string
---@return boolean
function disguise.holds(anon, schema, query)
  local statement <close> = assert(sql.parse(query))
  for _, literal in ipairs(assert(statement:literals(schema))) do
    local class = literal.column and COMPARES[literal.op] and anon:decision(literal.table, literal.column).class or "keep"
    if class ~= "keep" then
      local holds = NEAR[class] and NEAR_OPS[literal.op] or not NEAR[class] and not RANGES[literal.op]
        and anon:real(literal.text) ~= nil
      if not holds then return false end
    end
  end
  return true
end

return disguise
