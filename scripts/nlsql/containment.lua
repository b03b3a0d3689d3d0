--- containment: what the data says about a claim that columns of one table refer to those of another.
---
--- Counts only, no value leaves the database: how many distinct values the child's columns hold, how
--- many of them the parent's columns lack (an anti-join), whether the parent's are unique, and how
--- likely the child's would be found there by accident. Rows with a NULL in the columns say nothing,
--- as with a foreign key.
---
--- Tables of up to FULL_ROWS rows are read whole. Of larger ones, and of views that take longer than
--- the statement timeout, a sample of `n_rows` distinct values is looked up; it is the same sample
--- each time, as long as the table stays as it is.

local catalog = require "nlsql.catalog"

local containment = {}

--- Rows up to which all values are looked at.
containment.FULL_ROWS = 100000

--- Rows that are read for each distinct value of a sample.
local ROWS_A_VALUE = 20

--- Names that no table has, so that none is hidden by them.
local CHILD, ORPHAN = '"nlsql: values"', '"nlsql: orphans"'

local WHOLE = { smallint = true, integer = true, bigint = true }

--- Tables of these kinds can be sampled by the block.
local SAMPLED = { table = true, partitioned = true, ["materialised view"] = true }

local function quoted(columns)
  local out = {}
  for i, name in ipairs(columns) do out[i] = catalog.quote(name) end
  return out
end

local function not_null(names)
  local out = {}
  for i, name in ipairs(names) do out[i] = name .. " IS NOT NULL" end
  return table.concat(out, " AND ")
end

--- The rows of the child: all of them, or (n) about as many as n distinct values need.
local function child_rows(t, names, n)
  if not n then return ("%s WHERE %s"):format(t.reference, not_null(names)) end
  local most = n * ROWS_A_VALUE
  if SAMPLED[t.kind] and t.rows > most then
    return ("%s TABLESAMPLE SYSTEM (%.6f) REPEATABLE (1) WHERE %s"):format(t.reference,
      math.max(100 * most / t.rows, 0.0001), not_null(names))
  end
  local list = table.concat(names, ", ")
  return ("(SELECT %s FROM %s WHERE %s LIMIT %d) AS s"):format(list, t.reference, not_null(names), most)
end

--- The distinct values of the child as v1, v2, … and n, how many rows have each.
local function child_values(relation, child, n)
  local names, select, group = quoted(relation.columns), {}, {}
  for i, name in ipairs(names) do
    select[i] = ("%s AS v%d"):format(name, i)
    group[i] = tostring(i)
  end
  local order = n and (" ORDER BY md5(concat_ws('|', %s)), %s LIMIT %d"):format(table.concat(names, ", "),
    table.concat(group, ", "), n) or ""
  return ("WITH %s AS MATERIALIZED (SELECT %s, count(*) AS n FROM %s GROUP BY %s%s)"):format(CHILD,
    table.concat(select, ", "), child_rows(child, names, n), table.concat(group, ", "), order)
end

local function matches(relation)
  local out = {}
  for i, name in ipairs(quoted(relation.referred)) do out[i] = ("p.%s = c.v%d"):format(name, i) end
  return table.concat(out, " AND ")
end

--- Distinct values, rows with them, orphans among the values, rows with orphans; with `ranged`, the least
--- and the greatest of the values that are found.
local function values_query(relation, child, n, ranged)
  local found = ", NULL, NULL"
  if ranged then
    local range = "(SELECT %s(c.v1) FROM %s AS c WHERE NOT EXISTS (SELECT 1 FROM %s AS o WHERE o.v1 = c.v1))"
    found = (", %s, %s"):format(range:format("min", CHILD, ORPHAN), range:format("max", CHILD, ORPHAN))
  end
  return ("%s, %s AS MATERIALIZED (SELECT c.v1, c.n FROM %s AS c WHERE NOT EXISTS (SELECT 1 FROM %s AS p WHERE %s)) "
    .. "SELECT count(*), coalesce(sum(n), 0), (SELECT count(*) FROM %s), (SELECT coalesce(sum(n), 0) FROM %s)%s FROM %s")
    :format(child_values(relation, child, n), ORPHAN, CHILD, relation.to, matches(relation), ORPHAN, ORPHAN, found, CHILD)
end

--- How many of the parent's values stand in more than one row: of all, or of those that a sample of the child has.
local function repeated_query(relation, child, n)
  if n then
    return ("%s SELECT count(*) FROM (SELECT 1 FROM %s AS c JOIN %s AS p ON %s GROUP BY %s HAVING count(*) > 1) AS d")
      :format(child_values(relation, child, n), CHILD, relation.to, matches(relation),
        "c.v" .. table.concat(containment.numbers(#relation.columns), ", c.v"))
  end
  local names = quoted(relation.referred)
  return ("SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s GROUP BY %s HAVING count(*) > 1) AS d")
    :format(relation.to, not_null(names), table.concat(names, ", "))
end

--- 1 to n, as text.
function containment.numbers(n)
  local out = {}
  for i = 1, n do out[i] = tostring(i) end
  return out
end

local function column_of(t, name)
  for _, column in ipairs(t.columns) do
    if column.name == name then return column end
  end
end

--- Is there a key of the table all of whose columns are among these? Then no two rows agree in them.
---@param t table a table of the catalog
---@param columns string[]
---@return boolean
function containment.is_key(t, columns)
  local inside = {}
  for _, name in ipairs(columns) do inside[name] = true end
  local keys = table.move(t.uniques or {}, 1, #(t.uniques or {}), 1, {})
  keys[#keys + 1] = t.primary
  for _, key in ipairs(keys) do
    local all = #key > 0
    for _, name in ipairs(key) do all = all and inside[name] or false end
    if all then return true end
  end
  return false
end

--- Are both single columns of numbers, so that a serial key holds what any other does? Returns the type
--- in which to compare them.
local function number_type(relation, child, parent)
  if #relation.columns > 1 then return nil end
  local a, b = column_of(child, relation.columns[1]), column_of(parent, relation.referred[1])
  if not a or not b or a.category ~= "N" or b.category ~= "N" then return nil end
  return WHOLE[a.base_type] and WHOLE[b.base_type] and "bigint" or "numeric" -- an index serves the former
end

--- The share of the whole numbers from `low` to `high` that the parent has.
local function density(self, low, high)
  local parent, name, cast = self.relation.to, catalog.quote(self.relation.referred[1]), self.cast
  local got, message, code = self.ask(("SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s BETWEEN $1::%s AND $2::%s "
    .. "GROUP BY %s) AS d"):format(parent, name, cast, cast, name), { low, high })
  if not got then return nil, message, code end
  return math.min(1, tonumber(got[1]) / (tonumber(high) - tonumber(low) + 1))
end

--- Sets `chance`: how likely as many values as these would all be found in the parent if they had
--- nothing to do with it. Numbers: the share of whole numbers in their range that the parent has, to
--- the power of how many they are; near 1 for a serial key. Other values: one in two for each.
local function set_chance(self, evidence, low, high)
  local found = evidence.distinct - evidence.orphans
  local share = 0.5
  if low then
    local message, code
    share, message, code = density(self, low, high)
    if not share then return nil, message, code end
  end
  evidence.chance = share ^ found
  return true
end

--- Sets `unique`: "declared" by a key, so in the "data", or false with `repeated`, the values that repeat.
local function set_unique(self, evidence)
  local relation, parent = self.relation, self.parent
  if containment.is_key(parent, relation.referred) then
    evidence.unique = "declared"
    return true
  end
  local n = parent.rows > containment.FULL_ROWS and self.n_rows or nil
  local got, message, code = self.ask(repeated_query(relation, self.child, n))
  if not got and code == "timeout" and not n then
    got, message, code = self.ask(repeated_query(relation, self.child, self.n_rows))
  end
  if not got then return nil, message, code end
  evidence.repeated = math.tointeger(tonumber(got[1]))
  evidence.unique = evidence.repeated == 0 and "data"
  return true
end

---@class nlsql.Evidence
---@field rows integer       rows of the child that were looked at, with a value in each column
---@field distinct integer   distinct values in them
---@field orphans integer    of these, values that the parent lacks
---@field orphan_rows integer rows with such a value
---@field share number       of the distinct values that the parent has; 0 where there are none
---@field sampled boolean    not all rows of the child were looked at
---@field unique "declared"|"data"|false|nil are the parent's values unique? nil: not asked, the rest was bad enough
---@field repeated integer?  values of the parent that stand in several rows
---@field chance number?     how likely all this is an accident: see set_chance

--- Asks the database. nil, message, code where it could not be asked: code "timeout", "net", "db".
---@param db table           the connection pool
---@param schema nlsql.Catalog
---@param relation nlsql.Relation columns of comparable types: see relations.comparable
---@param options { n_rows: integer, statement_timeout: number?, least: number? } least: a share below it ends the check
---@return nlsql.Evidence?, string?, string?
function containment.check(db, schema, relation, options)
  if db.contained then return db:contained(relation, options) end -- a guest's
  local self = { relation = relation, child = schema:table(relation.from), parent = schema:table(relation.to),
    n_rows = options.n_rows }
  function self.ask(query, params)
    local got, message, code = db:query(query, params, { statement_timeout = options.statement_timeout, max_rows = 1 })
    if not got then return nil, message, code end
    return got.rows[1]
  end
  self.cast = number_type(relation, self.child, self.parent)
  local ranged = self.cast ~= nil
  local sampled = self.child.rows > containment.FULL_ROWS
  local row, message, code = self.ask(values_query(relation, self.child, sampled and self.n_rows or nil, ranged))
  if not row and code == "timeout" and not sampled then
    sampled = true
    row, message, code = self.ask(values_query(relation, self.child, self.n_rows, ranged))
  end
  if not row then return nil, message, code end
  local n = {}
  for i = 1, 4 do n[i] = math.tointeger(tonumber(row[i])) end
  local evidence = { distinct = n[1], rows = n[2], orphans = n[3], orphan_rows = n[4], sampled = sampled,
    share = n[1] > 0 and (n[1] - n[3]) / n[1] or 0 }
  if evidence.share < (options.least or 0) or evidence.share == 0 then return evidence end
  local ok
  ok, message, code = set_unique(self, evidence)
  if ok then
    ok, message, code = set_chance(self, evidence, ranged and row[5] or nil, ranged and row[6] or nil)
  end
  if not ok then return nil, message, code end
  return evidence
end

return containment
