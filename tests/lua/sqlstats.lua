--- sqlstats: what nlsql.stats counts, asked of PostgreSQL in plain SQL: slow, simple, and by another way.
---
--- `sqlstats.of(db)` gives a table with `scan` and `tuples` as nlsql.stats has them, for small databases:
--- everything is counted exactly, nothing is sampled.

local catalog = require "nlsql.catalog"
local json = require "nlsql.json"

local sqlstats = {}

--- The family of a column, and the SQL that brings its values to one form; nil: values that are no key.
local function family_of(column)
  local base = column.base_type:gsub("%(.*$", ""):gsub("%s+$", "")
  local families = { date = "date", uuid = "uuid", boolean = "boolean", ["timestamp without time zone"] = "timestamp",
    ["timestamp with time zone"] = "timestamptz", ["time without time zone"] = "time" }
  if families[base] then return families[base], "%s" end
  if column.category == "N" and base ~= "money" then return "number", "%s::numeric" end
  if column.category == "S" or column.category == "E" then
    return "text", base == "character" and "rtrim(%s::text)" or "%s::text"
  end
end

local function rows_of(db, sql)
  local got = assert(db:query(sql, nil, { statement_timeout = 60, max_rows = 1000000, max_bytes = 1 << 28 }))
  return got.rows
end

local function integer(cell) return math.tointeger(tonumber(cell)) end
local function text(cell) return cell ~= json.null and cell or nil end

local function common_of(db, ref, value)
  local out = {}
  for i, row in ipairs(rows_of(db, ("SELECT %s::text, count(*) FROM %s WHERE %s IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10")
    :format(value, ref, value))) do
    out[i] = { value = row[1], count = integer(row[2]) }
  end
  return out
end

local function column_facts(db, t, column, family, form)
  local value, ref = form:format(catalog.quote(column.name)), t.reference
  local least = family == "boolean" and "bool_and(%s)::text, bool_or(%s)::text" or "min(%s)::text, max(%s)::text"
  if family == "uuid" then least = "min(%s::text), max(%s::text)" end
  if family == "text" then least = 'min(%s COLLATE "C"), max(%s COLLATE "C")' end
  local row = rows_of(db, ("SELECT count(*), count(%s), count(DISTINCT %s), %s, avg(length(%s::text)) FROM %s"):format(value, value,
    least:format(value, value), value, ref))[1]
  local filled, distinct = integer(row[2]), integer(row[3])
  local falls = t.kind == "view" and 1 or rows_of(db, ("SELECT count(*) FROM (SELECT %s AS v, lag(%s) OVER (ORDER BY ctid) AS before FROM %s WHERE %s IS NOT NULL) "
    .. "AS s WHERE v < before"):format(value, value, ref, value))[1][1]
  return { table = ref, column = column.name, family = family, rows = integer(row[1]), nulls = integer(row[1]) - filled,
    distinct = distinct, exact = true, error = 0, min = text(row[4]), max = text(row[5]),
    width = tonumber(text(row[6]) or 0), unique = filled == distinct, increasing = integer(falls) == 0,
    common = common_of(db, ref, value), value = value }
end

local function overlaps_of(db, columns, family, least, out)
  local parts = {}
  for i, column in ipairs(columns) do
    if column.family == family and column.distinct > 0 then
      parts[#parts + 1] = ("SELECT DISTINCT %d AS c, %s AS v FROM %s WHERE %s IS NOT NULL"):format(i, column.value, column.table, column.value)
    end
  end
  if #parts == 0 then return end
  for _, row in ipairs(rows_of(db, ("WITH s AS MATERIALIZED (%s) SELECT a.c, b.c, count(*) FROM s AS a JOIN s AS b ON a.v = b.v "
    .. "AND a.c <> b.c GROUP BY 1, 2 ORDER BY 1, 2"):format(table.concat(parts, " UNION ALL ")))) do
    local i, j, common = integer(row[1]), integer(row[2]), integer(row[3])
    local child, parent = columns[i].distinct, columns[j].distinct
    if common / child >= least then
      out[#out + 1] = { child = i, parent = j, common = common, containment = common / child, orphans = child - common,
        jaccard = common / (child + parent - common) }
    end
  end
end

local function scan(db, schema, options)
  local columns, overlaps, seen = {}, {}, {}
  for _, ref in ipairs(options.tables or schema:names()) do
    local t = schema:table(ref)
    for _, column in ipairs(t.columns) do
      local family, form = family_of(column)
      if family then
        columns[#columns + 1] = column_facts(db, t, column, family, form)
        seen[family] = true
      end
    end
  end
  for family in pairs(seen) do overlaps_of(db, columns, family, options.min_containment or 0.5, overlaps) end
  table.sort(overlaps, function(a, b)
    if a.child ~= b.child then return a.child < b.child end
    return a.parent < b.parent
  end)
  return { columns = columns, overlaps = overlaps, skipped = {}, seconds = 0, rows = 0, snapshot = "", spilled = 0, passes = 1 }
end

local function listed(columns, alias)
  local out, filled = {}, {}
  for i, name in ipairs(columns) do
    out[i] = alias .. "." .. catalog.quote(name)
    filled[i] = out[i] .. " IS NOT NULL"
  end
  return out, table.concat(filled, " AND ")
end

local function tuple_facts(db, one)
  local own, filled = listed(one.columns, "a")
  local theirs, theirs_filled = listed(one.referred, "b")
  local same = {}
  for i, name in ipairs(own) do same[i] = name .. " = " .. theirs[i] end
  local row = rows_of(db, ([[
    WITH s AS MATERIALIZED (SELECT DISTINCT %s FROM %s AS a WHERE %s)
    SELECT (SELECT count(*) FROM %s AS a WHERE %s), (SELECT count(*) FROM s),
      (SELECT count(*) FROM s AS a WHERE EXISTS (SELECT 1 FROM %s AS b WHERE %s)),
      NOT EXISTS (SELECT 1 FROM %s AS b WHERE %s GROUP BY %s HAVING count(*) > 1)]]):format(table.concat(own, ", "), one.from, filled,
    one.from, filled, one.to, table.concat(same, " AND "), one.to, theirs_filled, table.concat(theirs, ", ")))[1]
  local distinct, common = integer(row[2]), integer(row[3])
  return { rows = integer(row[1]), distinct = distinct, common = common, containment = distinct > 0 and common / distinct or 0,
    orphans = distinct - common, unique = row[4] == "t" }
end

--- The statistics of this database.
---@param db nlsql.Db
---@return { scan: function, tuples: function }
function sqlstats.of(db)
  return {
    scan = function(schema, options) return scan(db, schema, options or {}) end,
    tuples = function(_, list)
      local out = {}
      for i, one in ipairs(list) do out[i] = tuple_facts(db, one) end
      return out
    end,
  }
end

return sqlstats
