--- profile: what a table's columns hold, asked of the database once a run: counts, NULLs, distinct
--- values, bounds; and the keys of JSON objects.
---
--- A table of up to WHOLE_ROWS rows is read whole; of a larger one a part.

local catalog = require "nlsql.catalog"
local jobs = require "nlsql.jobs"

local profile = {}

--- Rows up to which a table is read whole, and that are read of a larger one.
local WHOLE_ROWS = 100000

local LIMITS = { statement_timeout = 30, max_rows = 5000, max_field = 4000, max_bytes = 32 << 20 }

--- Asks; raises a sentence where the database cannot answer.
---@return string[][] rows each cell as text, json.null for NULL
function profile.ask(db, query)
  local result, why, code = db:query(query, nil, LIMITS)
  if not result then error({ message = "the grammar cannot read the data: " .. why, code = code or "db" }, 0) end
  return result.rows
end

profile.once = jobs.once

--- The columns of `t` that may be read, as a list for SELECT: a star would ask for all.
---@param t table of the catalog
---@param alias string? put before each
---@return string
function profile.columns(t, alias)
  local list = {}
  for i, column in ipairs(t.columns) do list[i] = (alias and alias .. "." or "") .. catalog.quote(column.name) end
  return table.concat(list, ", ")
end

--- What FROM reads of table `t`: the table, or a part of a large one.
---@param t table of the catalog
---@param seed integer
---@return string
function profile.source(t, seed)
  local small = t.rows >= 0 and t.rows <= WHOLE_ROWS
  if small and t.kind ~= "view" and t.kind ~= "foreign" then return t.reference end
  if t.rows > WHOLE_ROWS and (t.kind == "table" or t.kind == "materialised view") then
    return ("(SELECT %s FROM %s TABLESAMPLE SYSTEM (%.4f) REPEATABLE (%d))"):format(profile.columns(t), t.reference,
      WHOLE_ROWS / t.rows * 100, seed)
  end
  return ("(SELECT %s FROM %s LIMIT %d)"):format(profile.columns(t), t.reference, WHOLE_ROWS)
end

--- Types whose values cannot be told apart (no equality), or that say nothing.
local OPAQUE = { json = true, xml = true, bytea = true, point = true, polygon = true, line = true, lseg = true, box = true,
  path = true, circle = true, tsvector = true, tsquery = true }

--- Can the column be counted, compared and shown?
function profile.is_plain(column)
  local base = column.base_type:gsub("%(.*", "")
  return not OPAQUE[base] and not column.name:find("\0", 1, true)
end

local function measures_of(column, quoted)
  local list = { ("count(%s)"):format(quoted), ("count(DISTINCT %s)"):format(quoted) }
  local category = column.category
  if category == "N" or category == "D" then
    list[3], list[4] = ("min(%s)::text"):format(quoted), ("max(%s)::text"):format(quoted)
  elseif category == "S" then
    list[3], list[4] = ("min(length(%s))::text"):format(quoted), ("max(length(%s))::text"):format(quoted)
  else
    list[3], list[4] = "NULL::text", "NULL::text"
  end
  list[5] = category == "N" and column.base_type ~= "money" and ("avg(%s)::text"):format(quoted) or "NULL::text"
  return table.concat(list, ", ")
end

---@class nlsql.ColumnProfile
---@field filled integer   rows in which it is not NULL
---@field distinct integer distinct values
---@field min string?      of numbers and dates; of text the least length
---@field max string?
---@field mean number?     of numbers, where the table was read whole

---@class nlsql.Profile
---@field rows integer     that were looked at
---@field columns table<string, nlsql.ColumnProfile>

--- Columns of one statement: a server takes 1,664 expressions.
local AT_ONCE = 200

local function read_columns(db, source, columns, from, out)
  local parts = {}
  for i = from, math.min(from + AT_ONCE - 1, #columns) do
    parts[#parts + 1] = measures_of(columns[i], catalog.quote(columns[i].name))
  end
  local row = profile.ask(db, ("SELECT count(*), %s FROM %s AS t"):format(table.concat(parts, ", "), source))[1]
  out.rows = tonumber(row[1])
  for k = 1, #parts do
    local at = 5 * (k - 1) + 2
    local low, high = row[at + 2], row[at + 3]
    out.columns[columns[from + k - 1].name] = {
      filled = tonumber(row[at]), distinct = tonumber(row[at + 1]),
      min = type(low) == "string" and low or nil, max = type(high) == "string" and high or nil,
      mean = out.rows < WHOLE_ROWS and type(row[at + 4]) == "string" and tonumber(row[at + 4]) or nil,
    }
  end
end

--- Profile of one table.
---@param db nlsql.Db
---@param t table of the catalog
---@param seed integer
---@return nlsql.Profile
function profile.of(db, t, seed)
  local source, out = profile.source(t, seed), { rows = 0, columns = {} }
  local columns = {}
  for _, column in ipairs(t.columns) do
    if profile.is_plain(column) then columns[#columns + 1] = column end
  end
  for from = 1, #columns, AT_ONCE do read_columns(db, source, columns, from, out) end
  if #columns == 0 then
    out.rows = tonumber(profile.ask(db, ("SELECT count(*) FROM %s AS t"):format(source))[1][1])
  end
  return out
end

--- Keys of the objects in a jsonb column whose values are short texts, with how often each occurs
--- and how many values it has; the most frequent first.
---@return { key: string, filled: integer, distinct: integer }[]
function profile.json_keys(db, t, column, seed)
  local rows = profile.ask(db, ("SELECT e.key, count(*), count(DISTINCT e.value) FROM %s AS t, "
    .. "LATERAL jsonb_each_text(CASE WHEN jsonb_typeof(t.%s) = 'object' THEN t.%s ELSE '{}' END) AS e "
    .. "WHERE length(e.value) BETWEEN 1 AND 40 AND e.value !~ '^[\\[{]' GROUP BY e.key ORDER BY 2 DESC, 1 LIMIT 12")
    :format(profile.source(t, seed), catalog.quote(column), catalog.quote(column)))
  local out = {}
  for i, row in ipairs(rows) do out[i] = { key = row[1], filled = tonumber(row[2]), distinct = tonumber(row[3]) } end
  return out
end

return profile
