--- reference_stats: what nlsql.stats tells of columns, asked of PostgreSQL one column and one pair of columns
--- at a time, with the `=` of their own types. Slow, and as simple as can be: there is nothing in it
--- that could be wrong in the same way.

local catalog = require "nlsql.catalog"
local json = require "nlsql.json"

local reference_stats = {}

--- Families by the name of the base type; columns of one family are compared.
local FAMILIES = {
  int2 = "number", int4 = "number", int8 = "number", numeric = "number", float4 = "number", float8 = "number",
  text = "text", varchar = "text", bpchar = "text", name = "text", date = "date", timestamp = "timestamp",
  timestamptz = "timestamptz", time = "time", uuid = "uuid", bool = "boolean", interval = "interval", inet = "inet",
}

--- How the least and greatest value of a family are written, where it is not plainly.
local WRITTEN = {
  text = '%s(%s::text COLLATE "C")', uuid = '%s(%s::text)', timestamptz = "(%s(%s) AT TIME ZONE 'UTC')::text || '+00'",
}

local COLUMNS = [[
SELECT n.nspname, c.relname, a.attname, b.typname, b.typtype, format('%I.%I', m.nspname, b.typname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
JOIN pg_type t ON t.oid = a.atttypid JOIN pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
JOIN pg_namespace m ON m.oid = b.typnamespace
WHERE c.relkind = 'r' AND NOT a.attisdropped AND n.nspname !~ '^(pg_|information_schema$)' ORDER BY 1, 2, a.attnum]]

local function rows_of(db, sql, ...)
  local got, message = db:query(sql:format(...), nil, { statement_timeout = 60 })
  return (got or error(sql:format(...) .. "\n" .. message)).rows
end

local function integer(cell) return math.tointeger(tonumber(cell)) end

--- How a column is written in comparisons. varchar = bpchar compares as bpchar, without the spaces at the end of
--- either, but text = bpchar as text, and varchar = text as text: that is no equality that values could be
--- sorted by. Texts of all types are compared as text here and there, where bpchar has no such spaces.
local function compared(column, alias)
  return alias .. "." .. column.value .. (column.type == "varchar" and "::text" or "")
end

--- Every column that has a family, in no order that matters: { schema, table, name, type, family }.
---@param db nlsql.Db
function reference_stats.columns(db)
  local out = {}
  for _, row in ipairs(assert(db:query(COLUMNS)).rows) do
    local family = row[5] == "e" and "enum " .. row[6] or FAMILIES[row[4]]
    if family then
      out[#out + 1] = { schema = row[1], table = row[2], name = row[3], type = row[4], family = family,
        from = catalog.quote(row[1]) .. "." .. catalog.quote(row[2]), value = catalog.quote(row[3]) }
    end
  end
  return out
end

--- Nil where the family has no order that is told.
local function extreme(column, which)
  local family = column.family
  if family == "inet" or family == "interval" then return "NULL" end
  if family == "boolean" then
    return (which == "min" and "bool_and(%s)::text" or "bool_or(%s)::text"):format(column.value)
  end
  if family:find("^enum") then family = "text" end
  return (WRITTEN[family] or "%s(%s)::text"):format(which, column.value)
end

--- Are there values that are less than the one before them, and is the last greater than the first?
local function increasing(db, column)
  if column.family == "inet" or column.family == "interval" then return false end -- no order that is told
  local value = column.value
  if column.family == "text" or column.family:find("^enum") then value = value .. '::text COLLATE "C"' end
  local row = rows_of(db, [[
    SELECT count(*) FILTER (WHERE v < before), (array_agg(v ORDER BY at DESC))[1] > (array_agg(v ORDER BY at))[1]
    FROM (SELECT %s AS v, ctid AS at, lag(%s) OVER (ORDER BY ctid) AS before FROM %s WHERE %s IS NOT NULL) AS s]],
    value, value, column.from, column.value)[1]
  return row[1] == "0" and row[2] == "t"
end

--- What is told of one column.
---@param db nlsql.Db
---@param column table  of reference_stats.columns
function reference_stats.column(db, column)
  local row = rows_of(db, "SELECT count(*), count(%s), count(DISTINCT %s), %s, %s FROM %s", column.value, column.value,
    extreme(column, "min"), extreme(column, "max"), column.from)[1]
  local function text(cell) return cell ~= json.null and cell or nil end
  local filled = integer(row[2])
  return { rows = integer(row[1]), nulls = integer(row[1]) - filled, distinct = integer(row[3]), min = text(row[4]),
    max = text(row[5]), unique = filled == integer(row[3]), increasing = increasing(db, column) }
end

--- How often a value is there.
---@param db nlsql.Db
---@param column table
---@param value string  as text
---@return integer
function reference_stats.count(db, column, value)
  local type = column.type == "bpchar" and "bpchar" or column.family:match("^enum (.*)$") or column.type
  return integer(rows_of(db, "SELECT count(*) FROM %s WHERE %s = '%s'::%s", column.from, column.value,
    (value:gsub("'", "''")), type)[1][1])
end

--- The counts of the most common values, the greatest first.
---@param db nlsql.Db
---@param column table
---@return integer[]
function reference_stats.counts(db, column)
  local out = {}
  local rows = rows_of(db, "SELECT count(*) FROM %s WHERE %s IS NOT NULL GROUP BY %s ORDER BY 1 DESC LIMIT 10",
    column.from, column.value, column.value)
  for i, row in ipairs(rows) do out[i] = integer(row[1]) end
  return out
end

--- Distinct values of the child that are equal to one of the parent.
---@param db nlsql.Db
---@param child table
---@param parent table
---@return integer
function reference_stats.common(db, child, parent)
  local row = rows_of(db, "SELECT count(*) FROM (SELECT DISTINCT %s FROM %s WHERE %s IS NOT NULL) AS c "
    .. "WHERE EXISTS (SELECT 1 FROM %s AS p WHERE %s = %s)", child.value, child.from, child.value, parent.from,
    compared(parent, "p"), compared(child, "c"))[1]
  return integer(row[1])
end

--- Distinct tuples without NULL of the child's columns: rows, distinct, those that the parent has, and whether
--- the parent's are unique.
---@param db nlsql.Db
---@param child table[]
---@param parent table[]
function reference_stats.tuple(db, child, parent)
  local own, filled, same, theirs, theirs_filled = {}, {}, {}, {}, {}
  for i, column in ipairs(child) do
    own[i], filled[i] = column.value, column.value .. " IS NOT NULL"
    theirs[i], theirs_filled[i] = parent[i].value, parent[i].value .. " IS NOT NULL"
    same[i] = compared(parent[i], "p") .. " = " .. compared(column, "c")
  end
  local names, where = table.concat(own, ", "), table.concat(filled, " AND ")
  local function one(sql, ...) return rows_of(db, sql, ...)[1][1] end
  local distinct = ("SELECT DISTINCT %s FROM %s WHERE %s"):format(names, child[1].from, where)
  local found = ("SELECT count(*) FROM (%s) AS c WHERE EXISTS (SELECT 1 FROM %s AS p WHERE %s)"):format(distinct,
    parent[1].from, table.concat(same, " AND "))
  local twice = ("SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s GROUP BY %s HAVING count(*) > 1) AS d"):format(
    parent[1].from, table.concat(theirs_filled, " AND "), table.concat(theirs, ", "))
  return { rows = integer(one("SELECT count(*) FROM %s WHERE %s", child[1].from, where)),
    distinct = integer(one("SELECT count(*) FROM (%s) AS c", distinct)), common = integer(one("%s", found)),
    unique = one("%s", twice) == "0" }
end

return reference_stats
