--- scandata: generated databases for scans: tables of ten columns that refer to each other in numbers,
--- codes and uuids, beside amounts, words and moments that mean nothing to each other.
---
--- Ten of twenty tables number their rows from 1, so that their keys contain each other by accident, as
--- they do in real databases; the others from a number of their own.

local scandata = {}

--- Columns of a table, with the family in which their values are compared.
scandata.COLUMNS = {
  { "id", "bigint", "number" }, { "parent", "integer", "number" }, { "other", "integer", "number" },
  { "code", "text", "text" }, { "parent_code", "varchar(20)", "text" }, { "status", "text", "text" },
  { "amount", "numeric(10,2)", "number" },
  { "made", "date", "date" }, { "stamp", "timestamp", "timestamp" }, { "link", "uuid", "uuid" },
}

function scandata.table_name(t) return ("t%03d"):format(t) end

--- Where the numbers of table `t` begin.
local function base(t) return t % 2 == 1 and 0 or t * 10000000 end

--- A number that looks drawn, from `i` and a table: below `rows`.
local function draw(t, factor, rows) return ("((i * %d + %d) %% %d)"):format(factor, t * 7919, rows) end

--- The statements that make the tables; `columns` more than ten are integers.
---@param tables integer
---@param rows integer     of each table
---@param columns integer?
---@return string
function scandata.sql(tables, rows, columns)
  local out = { "CREATE FUNCTION pg_temp.key(t int, i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS "
    .. "$$ SELECT md5(t || '.' || i)::uuid $$;" }
  for t = 1, tables do
    local parent, other = t // 2 + 1, (t * 7) % tables + 1
    local names, values = {}, {}
    for i, column in ipairs(scandata.COLUMNS) do names[i] = column[1] .. " " .. column[2] end
    values[1] = ("i + %d"):format(base(t))
    values[2] = ("CASE WHEN i %% 10 > 0 THEN %d + 1 + %s END"):format(base(parent), draw(t, 2654435761, rows))
    values[3] = ("%d + 1 + %s"):format(base(other), draw(t, 40503, math.max(rows // 4, 1)))
    values[4] = ("'%s-' || i"):format(string.char(65 + t % 7))
    values[5] = ("'%s-' || 1 + %s"):format(string.char(65 + parent % 7), draw(t, 2246822519, rows))
    values[6] = "(ARRAY['new', 'open', 'paid', 'sent', 'closed'])[1 + i % 5]"
    values[7] = ("%s / 100.0"):format(draw(t, 3266489917, 100000))
    values[8] = ("date '2015-01-01' + (%s)::int"):format(draw(t, 668265263, 4000))
    values[9] = ("timestamp '2015-01-01' + %s * interval '61 seconds'"):format(draw(t, 374761393, rows * 3))
    values[10] = t % 2 == 1 and ("pg_temp.key(%d, i)"):format(t)
      or ("pg_temp.key(%d, 1 + %s)"):format(parent % 2 == 1 and parent or parent - 1, draw(t, 97, rows))
    for i = #names + 1, columns or #names do
      names[i], values[i] = "c" .. i .. " integer", draw(t, 31 + i, rows) .. " + " .. i
    end
    local name = scandata.table_name(t)
    out[#out + 1] = ("CREATE UNLOGGED TABLE %s (%s);"):format(name, table.concat(names, ", "))
    out[#out + 1] = ("INSERT INTO %s SELECT %s FROM generate_series(1, %d::bigint) AS i;"):format(name,
      table.concat(values, ", "), rows)
    out[#out + 1] = ("ALTER TABLE %s ADD PRIMARY KEY (id);"):format(name)
  end
  out[#out + 1] = "VACUUM (ANALYZE, FREEZE);\n"
  return table.concat(out, "\n")
end

--- The COPY of every table's columns, one a line.
---@param tables integer
---@return string
function scandata.copies(tables)
  local out, names = {}, {}
  for i, column in ipairs(scandata.COLUMNS) do names[i] = column[1] end
  for t = 1, tables do
    out[t] = ("COPY %s (%s) TO STDOUT (FORMAT BINARY)"):format(scandata.table_name(t), table.concat(names, ", "))
  end
  return table.concat(out, "\n") .. "\n"
end

--- Every column: { table=, column=, family= }.
---@param tables integer
function scandata.columns(tables)
  local out = {}
  for t = 1, tables do
    for _, column in ipairs(scandata.COLUMNS) do
      out[#out + 1] = { table = scandata.table_name(t), column = column[1], type = column[2], family = column[3] }
    end
  end
  return out
end

--- Every ordered pair of columns of one family.
---@param columns table[]
---@return { [1]: table, [2]: table }[]
function scandata.pairs(columns)
  local out = {}
  for _, child in ipairs(columns) do
    for _, parent in ipairs(columns) do
      if child ~= parent and child.family == parent.family then out[#out + 1] = { child, parent } end
    end
  end
  return out
end

--- What asking PostgreSQL about one pair takes: distinct values of the child, and those that the parent has.
function scandata.pair_sql(pair)
  local child, parent = pair[1], pair[2]
  return ("SELECT count(*), count(p.v) FROM (SELECT DISTINCT %s AS v FROM %s WHERE %s IS NOT NULL) AS c "
    .. "LEFT JOIN (SELECT DISTINCT %s AS v FROM %s) AS p ON c.v = p.v"):format(child.column, child.table, child.column,
    parent.column, parent.table)
end

return scandata
