--- conditions: a kind (see nlsql.grammar.kinds) said of an attribute, with values that occur.

local kinds = require "nlsql.grammar.kinds"

local conditions = {}

--- That there is a row at all, where some have none: said in words only, for joining asks it already.
conditions.PRESENT = { present = true }

---@class nlsql.Condition
---@field attribute nlsql.NodeAttribute
---@field kind table
---@field name string   of the kind
---@field values any[]

local function suits(kind, attribute)
  if not kind.roles[attribute.role] then return false end
  if kind.nullable and (not attribute.nullable or attribute.json) then return false end
  if kind.complete and attribute.nullable then return false end -- NULL would be neither
  return not kind.most_distinct or attribute.distinct <= kind.most_distinct
end

local KINDS, NAMES = kinds.ALL, {}
for name in pairs(KINDS) do NAMES[#NAMES + 1] = name end
table.sort(NAMES)

--- Rows of the list for which the condition holds.
---@param condition nlsql.Condition
---@param rows any[][]
---@return any[][]
function conditions.matching(condition, rows)
  local out, at, holds = {}, condition.attribute.at, condition.kind.holds
  local nulls = condition.kind.nullable
  for _, row in ipairs(rows) do
    local value = row[at]
    if (value ~= nil or nulls) and holds(condition.values, value) then out[#out + 1] = row end
  end
  return out
end

--- A condition on the attribute that some of the rows meet and, where there are enough to tell, some
--- do not; nil where none was found. Also the rows that meet it.
---@param draw nlsql.Draw
---@param attribute nlsql.NodeAttribute
---@param rows any[][]
---@param only table<string, boolean>? names of the kinds that may be
---@return nlsql.Condition?, any[][]?
function conditions.on(draw, attribute, rows, only)
  local able = {}
  if #rows == 0 then return nil end
  -- what a row of the base is called would leave that row alone
  local own_name = not attribute.node.parent and attribute.role == "label"
  for _, name in ipairs(NAMES) do
    if (not only or only[name]) and suits(KINDS[name], attribute) and not (own_name and name == "eq") then
      able[#able + 1] = { name = name, weight = KINDS[name].weight }
    end
  end
  for _ = 1, 3 do
    local chosen = #able > 0 and draw:weighted(able)
    local kind = chosen and KINDS[chosen.name]
    local values = kind and kind.draw(draw, attribute, rows)
    if values then
      local condition = { attribute = attribute, kind = kind, name = chosen.name, values = values }
      local left = conditions.matching(condition, rows)
      if #left > 0 and (#left < #rows or #rows < 8) then return condition, left end
    end
  end
end

--- The condition in SQL; nil where a join says it already.
---@param condition nlsql.Condition
---@return string?
function conditions.sql(condition)
  if condition.kind.present then return nil end
  local attribute = condition.attribute
  local expr = attribute.json and "(" .. attribute.expr .. ")" or attribute.expr
  if attribute.type == "real" then expr = expr .. "::numeric" end -- 0.15::real is more than 0.15
  return condition.kind.sql(condition.values, expr)
end

return conditions
