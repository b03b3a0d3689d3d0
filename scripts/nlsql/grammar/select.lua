--- select: a SELECT statement from its parts.

local select = {}

---@class nlsql.Select
---@field with string?       "totals AS (SELECT …)"
---@field distinct boolean?
---@field columns string[]
---@field from string        tables and joins
---@field where string[]?
---@field group string[]?
---@field having string?
---@field order string[]?
---@field limit integer?

--- The statement on one line.
---@param s nlsql.Select
---@return string
function select.text(s)
  local out = {}
  if s.with then out[1] = "WITH " .. s.with end
  out[#out + 1] = (s.distinct and "SELECT DISTINCT " or "SELECT ") .. table.concat(s.columns, ", ")
  out[#out + 1] = "FROM " .. s.from
  if s.where and #s.where > 0 then out[#out + 1] = "WHERE " .. table.concat(s.where, " AND ") end
  if s.group and #s.group > 0 then out[#out + 1] = "GROUP BY " .. table.concat(s.group, ", ") end
  if s.having then out[#out + 1] = "HAVING " .. s.having end
  if s.order and #s.order > 0 then out[#out + 1] = "ORDER BY " .. table.concat(s.order, ", ") end
  if s.limit then out[#out + 1] = ("LIMIT %d"):format(s.limit) end
  return table.concat(out, " ")
end

return select
