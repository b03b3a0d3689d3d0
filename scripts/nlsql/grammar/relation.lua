--- relation: does a relation that somebody wrote by hand hold as a foreign key would?
---
--- The grammar joins a row with the one row that it refers to. A declared key promises that there is
--- one; of a relation by hand the data is asked.

local catalog = require "nlsql.catalog"
local console = require "nlsql.console"
local profile = require "nlsql.grammar.profile"

local relation = {}

local function set_of(list)
  local set = {}
  for _, one in ipairs(list) do set[one] = true end
  return set
end

--- Do the columns hold a whole key of the table?
local function hold_key(t, columns)
  local inside = set_of(columns)
  local keys = table.move(t.uniques, 1, #t.uniques, 1, { t.primary })
  for _, key in ipairs(keys) do
    local whole = #key > 0
    for _, name in ipairs(key) do whole = whole and inside[name] end
    if whole then return true end
  end
  return false
end

local function quoted(columns, alias)
  local list = {}
  for i, name in ipairs(columns) do list[i] = alias .. "." .. catalog.quote(name) end
  return list
end

--- Some value that is referred to stands in two rows.
local function twice_query(edge)
  local columns = table.concat(quoted(edge.referred_columns, "b"), ", ")
  return ("SELECT EXISTS (SELECT 1 FROM %s AS b GROUP BY %s HAVING count(*) > 1)"):format(edge.to, columns)
end

--- Some row refers to a row that there is not.
local function orphan_query(edge)
  local own, theirs, filled, same = quoted(edge.columns, "a"), quoted(edge.referred_columns, "b"), {}, {}
  for i, name in ipairs(own) do
    filled[i] = name .. " IS NOT NULL"
    same[i] = ("%s = %s"):format(theirs[i], name)
  end
  return ("SELECT EXISTS (SELECT 1 FROM %s AS a WHERE %s AND NOT EXISTS (SELECT 1 FROM %s AS b WHERE %s))"):format(edge.from,
    table.concat(filled, " AND "), edge.to, table.concat(same, " AND "))
end

local function holds(db, query) return profile.ask(db, query)[1][1] == "t" end

--- Does a row of `edge.from` refer to one row at most? If so, `edge.orphans` says whether some refer
--- to none that is there.
---@param db nlsql.Db
---@param tables table<string, table>  of the catalog, by reference
---@param edge table                   as catalog:edges() gives it
---@return boolean
function relation.leads_to_one(db, tables, edge)
  if not hold_key(tables[edge.to], edge.referred_columns) and holds(db, twice_query(edge)) then
    console.info(("the grammar leaves out the relation %s (%s) -> %s (%s): there are rows of %s that are alike in it"):format(
      edge.from, table.concat(edge.columns, ", "), edge.to, table.concat(edge.referred_columns, ", "), edge.to))
    return false
  end
  edge.orphans = holds(db, orphan_query(edge))
  return true
end

return relation
