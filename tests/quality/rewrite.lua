--- rewrite: the same database with other names and other keys, so that only the data's own evidence is left.
---
--- Every table, column, type, index and constraint gets a new name; comments and views go, since they tell
--- the old ones. The values of keys are dealt out anew: all columns that a chain of relations connects, and every
--- primary key of one column, get their values by one bijection of the values that they have together. So
--- what was equal stays equal, each column keeps its number of values, and a parent keeps its very
--- values; but which row has which, the order of rows, and runs such as 1 … n of a child are gone.

local catalog = require "nlsql.catalog"
local rewritesql = require "tests.quality.rewritesql"

local rewrite = {}

local function quoted_table(name)
  local schema, tbl = name:match("^([^.]*)%.(.*)$")
  return catalog.quote(schema) .. "." .. catalog.quote(tbl)
end

--- --- keys ----------------------------------------------------------------------------------------

local function find(parent, x)
  while parent[x] and parent[x] ~= x do x = parent[x] end
  return x
end

--- Groups of columns that get their values by one bijection, each a list of { table, column }.
local function groups(columns, primary, relations)
  local parent, known = {}, {}
  for _, column in ipairs(columns) do known[column.table .. "\0" .. column.name] = column end
  local function join(a, b)
    parent[a], parent[b] = parent[a] or a, parent[b] or b
    parent[find(parent, a)] = find(parent, b)
  end
  for _, relation in ipairs(relations) do
    for i, name in ipairs(relation.columns) do
      join(relation.from .. "\0" .. name, relation.to .. "\0" .. relation.referred[i])
    end
  end
  for _, key in ipairs(primary) do join(key, key) end
  local of, out = {}, {}
  for _, column in ipairs(columns) do -- in the catalog's order, so that it is the same every time
    local id = column.table .. "\0" .. column.name
    if parent[id] then
      local root = find(parent, id)
      if not of[root] then
        of[root] = {}
        out[#out + 1] = of[root]
      end
      table.insert(of[root], known[id])
    end
  end
  return out
end

--- A value as text that is the same for equal values of the group's types.
local function as_text(column)
  local name = catalog.quote(column.name)
  if column.base == "numeric" then return ("trim_scale(%s)::text"):format(name) end
  return name .. "::text"
end

--- Deals the values of one group out anew.
local function permute(group, seed)
  local out, values = {}, {}
  for _, column in ipairs(group) do
    if column.generated then return "" end -- computed from others: it follows, or nothing can
    values[#values + 1] = ("SELECT %s AS v FROM %s WHERE %s IS NOT NULL"):format(as_text(column),
      quoted_table(column.table), catalog.quote(column.name))
  end
  out[1] = "CREATE TEMP TABLE dealt AS WITH v AS (" .. table.concat(values, " UNION ") .. "), "
    .. "a AS (SELECT v, row_number() OVER (ORDER BY v COLLATE \"C\") AS n FROM v), "
    .. ("b AS (SELECT v, row_number() OVER (ORDER BY md5(v || '%d'), v COLLATE \"C\") AS n FROM v) "):format(seed)
    .. "SELECT a.v AS old, b.v AS new FROM a JOIN b USING (n);\nCREATE INDEX ON dealt (old);\nANALYZE dealt;"
  for _, column in ipairs(group) do
    out[#out + 1] = ("UPDATE %s SET %s = dealt.new::%s FROM dealt WHERE %s = dealt.old;"):format(
      quoted_table(column.table), catalog.quote(column.name), column.type, as_text(column))
  end
  out[#out + 1] = "DROP TABLE dealt;"
  return table.concat(out, "\n")
end

--- --- names ---------------------------------------------------------------------------------------

--- A name without meaning that was not given yet.
local function fresh_name(used)
  local consonants, vowels = "bdfgklmnprstvz", "aeiou"
  while true do
    local word = {}
    for i = 1, math.random(2, 4) do
      local c, v = math.random(#consonants), math.random(#vowels)
      word[i] = consonants:sub(c, c) .. vowels:sub(v, v)
    end
    local name = table.concat(word)
    if not used[name] then
      used[name] = true
      return name
    end
  end
end

local function shuffle(list)
  for i = #list, 2, -1 do
    local j = math.random(i)
    list[i], list[j] = list[j], list[i]
  end
  return list
end

--- New names for tables and columns: words without meaning, or ("shuffled") the old ones dealt to others.
--- Returns table → new name, and table .. "\0" .. column → new name.
local function new_names(columns, mode)
  local tables, seen, old_tables, old_columns, used = {}, {}, {}, {}, {}
  for _, column in ipairs(columns) do
    if not seen[column.table] then
      seen[column.table] = true
      tables[#tables + 1] = column.table
      old_tables[#old_tables + 1] = column.table:match("%.(.*)$")
    end
    old_columns[#old_columns + 1] = column.name
  end
  shuffle(old_tables)
  shuffle(old_columns)
  local table_names, column_names = {}, {}
  for i, tbl in ipairs(tables) do table_names[tbl] = mode == "shuffled" and old_tables[i] or fresh_name(used) end
  for _, column in ipairs(columns) do
    local mine = column_names[column.table] or {}
    column_names[column.table] = mine
    local name
    if mode == "shuffled" then
      local i = #old_columns
      while i > 1 and mine[old_columns[i]] do i = i - 1 end
      name = table.remove(old_columns, i)
      if mine[name] then name = fresh_name(used) end -- only ones that the table has already were left
    else
      name = fresh_name(used)
    end
    mine[name] = true
    column_names[column.table .. "\0" .. column.name] = name
  end
  return table_names, column_names
end

--- All first get a name that no other has, since a new one may be an old one of another.
local function rename_sql(columns, table_names, column_names)
  local steps, seen = { {}, {}, {}, {} }, {}
  local function add(step, format, ...) table.insert(steps[step], format:format(...)) end
  for i, column in ipairs(columns) do
    local tbl, between = quoted_table(column.table), ('"\u{1}%d"'):format(i)
    local name = catalog.quote(column_names[column.table .. "\0" .. column.name])
    add(1, "ALTER TABLE %s RENAME COLUMN %s TO %s;", tbl, catalog.quote(column.name), between)
    add(2, "ALTER TABLE %s RENAME COLUMN %s TO %s;", tbl, between, name)
    if not seen[column.table] then
      seen[column.table] = true
      local schema = catalog.quote((column.table:match("^([^.]*)%.")))
      add(3, "ALTER TABLE %s RENAME TO %s;", tbl, between)
      add(4, "ALTER TABLE %s.%s RENAME TO %s;", schema, between, catalog.quote(table_names[column.table]))
    end
  end
  for i, list in ipairs(steps) do steps[i] = table.concat(list, "\n") end
  return table.concat(steps, "\n")
end

--- --- the whole -----------------------------------------------------------------------------------

local function rows(db, sql)
  return assert(db:query(sql)).rows
end

--- The statements that rewrite the database behind `db`, and a function that gives a relation its new names.
--- The same for the same seed.
---@param db nlsql.Db
---@param relations quality.Relation[]  all that are right: their columns keep belonging together
---@param options { seed: integer, names: "renamed"|"shuffled" }
---@return string sql
---@return fun(relation: quality.Relation): quality.Relation
function rewrite.plan(db, relations, options)
  local columns, primary = {}, {}
  for i, row in ipairs(rows(db, rewritesql.COLUMNS)) do
    columns[i] = { table = row[1] .. "." .. row[2], name = row[3], type = row[4], generated = row[5] == "t",
      base = row[6] }
  end
  for i, row in ipairs(rows(db, rewritesql.PRIMARY)) do primary[i] = row[1] .. "." .. row[2] .. "\0" .. row[3] end
  math.randomseed(options.seed)
  local table_names, column_names = new_names(columns, options.names)
  local sql = { rewritesql.BEFORE }
  for i, group in ipairs(groups(columns, primary, relations)) do sql[#sql + 1] = permute(group, options.seed + i) end
  sql[#sql + 1] = rewritesql.AFTER
  sql[#sql + 1] = rename_sql(columns, table_names, column_names)
  sql[#sql + 1] = "ANALYZE;"
  local function renamed(tbl) return tbl:match("^([^.]*)%.") .. "." .. table_names[tbl] end
  return table.concat(sql, "\n") .. "\n", function(relation)
    local out = { from = renamed(relation.from), columns = {}, to = renamed(relation.to), referred = {} }
    for i, name in ipairs(relation.columns) do
      out.columns[i] = column_names[relation.from .. "\0" .. name]
      out.referred[i] = column_names[relation.to .. "\0" .. relation.referred[i]]
    end
    return out
  end
end

return rewrite
