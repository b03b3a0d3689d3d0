--- pieces: parts of a query that are the same in every construct: keys, measures, orders, names.

local catalog = require "nlsql.catalog"

local pieces = {}

--- Has the attribute values enough that an order by it says something?
---@param attribute nlsql.NodeAttribute
function pieces.tells_apart(attribute) return attribute.distinct >= 5 end

--- A column of a node as SQL writes it.
---@param node nlsql.TreeNode
---@param name string
---@return string
function pieces.column(node, name)
  return (node.alias ~= "" and node.alias .. "." or "") .. catalog.quote(name)
end

--- The key columns of a node as SQL writes them.
---@param node nlsql.TreeNode
---@return string[]
function pieces.key(node)
  local out = {}
  for i, name in ipairs(node.entity.key) do out[i] = pieces.column(node, name) end
  return out
end

--- A measure in SQL.
---@param measure nlsql.Measure
---@return string
function pieces.measure(measure)
  local fn, attribute = measure.fn, measure.attribute
  if fn == "count" then return "count(*)" end
  if fn == "distinct" then return ("count(DISTINCT %s)"):format(attribute.expr) end
  local text = ("%s(%s)"):format(fn, attribute.expr)
  return measure.round and ("round(%s, 2)"):format(pieces.exact(attribute, text)) or text
end

--- An expression over the attribute as round(…, n) takes it: there is none for floating point.
---@param attribute nlsql.Attribute?
---@param text string
---@return string
function pieces.exact(attribute, text)
  local kind = attribute and attribute.type or ""
  return (kind == "real" or kind == "double precision") and text .. "::numeric" or text
end

--- How the columns of a query are called in its result.
---@param columns string[]
---@return string[]
function pieces.result_names(columns)
  local out = {}
  for i, text in ipairs(columns) do
    out[i] = text:match(' AS ("[^"]+")$') or text:match(" AS ([^%s\"]+)$") or text:match('("[^"]+")$') or text:match("([^.]+)$")
  end
  return out
end

--- Two lists in one, in a new table.
function pieces.plus(list, more)
  return table.move(more, 1, #more, #list + 1, table.move(list, 1, #list, 1, {}))
end

--- What ends all ties among rows of a node: its label, then its key where labels repeat; as ORDER
--- BY's list and in words. nil where nothing does.
---@param node nlsql.TreeNode
---@return string[]?, string?
function pieces.row_order(node)
  local order, said, unique = {}, {}, false
  for i, attribute in ipairs(node.label) do
    order[i], said[i] = attribute.expr, attribute.phrase
    unique = unique or attribute.distinct == node.entity.rows
  end
  if #node.entity.key == 0 and not unique then return nil end
  if node.entity.named and not unique then
    order = pieces.plus(order, pieces.key(node))
    said[#said + 1] = node.entity.noun .. " ID"
  end
  return order, table.concat(said, ", then by ")
end

return pieces
