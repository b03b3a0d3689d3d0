--- sample: a few rows of a table, for a prompt or for a dataset.
---
--- Rows are data of somebody's: what leaves here has stand-ins for whatever is private (see nlsql.anon).

local catalog = require "nlsql.catalog"
local json = require "nlsql.json"

local sample = {}

--- Bytes of one value that a prompt shows.
local MAX_FIELD = 120

--- Seconds that a sample may take.
local TIMEOUT = 5

--- Rows up to which a table without a key is sorted by all its columns, so that the sample is the same
--- each time.
local SORTED_ROWS = 100000

--- Categories of types that can be sorted, and types of category U whose values say something.
local SORTABLE = { N = true, S = true, D = true, T = true, B = true, E = true, I = true }
local SHOWN = { uuid = true, json = true, jsonb = true }

--- Not bytea and the like: they say nothing.
local function shown_columns(t)
  local out = {}
  for _, column in ipairs(t.columns) do
    if column.category ~= "U" or SHOWN[column.base_type] then out[#out + 1] = column end
  end
  return out
end

--- What a sample is ordered by: the primary key, else a unique key, else all columns that can be.
local function order_of(t)
  local names, present = {}, {}
  for _, column in ipairs(t.columns) do present[column.name] = true end
  local key = t.primary or t.uniques and t.uniques[1]
  for _, name in ipairs(key or {}) do
    if present[name] then names[#names + 1] = catalog.quote(name) end
  end
  if #names > 0 or t.rows > SORTED_ROWS then return names end
  for _, column in ipairs(t.columns) do
    if SORTABLE[column.category] or column.base_type == "uuid" then names[#names + 1] = catalog.quote(column.name) end
  end
  return names
end

--- The query for the first `n` rows of a table; nil where it has no column to show.
---@param t table            a table of the catalog
---@param n integer
---@param unordered boolean? whichever come first
---@param only nlsql.Column[]? these columns; nil: all that say something
---@return string?
function sample.statement(t, n, unordered, only)
  local columns = {}
  for i, column in ipairs(only or shown_columns(t)) do columns[i] = catalog.quote(column.name) end
  if #columns == 0 then return nil end
  local order = unordered and {} or order_of(t)
  return ("SELECT %s FROM %s%s LIMIT %d"):format(table.concat(columns, ", "), t.reference,
    #order > 0 and " ORDER BY " .. table.concat(order, ", ") or "", n)
end

---@class nlsql.Sample
---@field sql string       the query that gave them
---@field columns string[]
---@field types integer[]  OIDs of the columns' types
---@field rows any[][]     text, or json.null; long values are cut

local function cut(value, most)
  if value == json.null or #value <= most then return value end
  while most > 0 and value:byte(most + 1) & 0xC0 == 0x80 do most = most - 1 end
  return value:sub(1, most)
end

--- The rows with long values cut at a character's edge: only when they have stand-ins, since a part of a value
--- would have another one.
---@param rows any[][]
---@param max_field integer  bytes
---@return any[][] rows      the same
function sample.cut(rows, max_field)
  for _, row in ipairs(rows) do
    for c, value in ipairs(row) do row[c] = cut(value, max_field) end
  end
  return rows
end

--- The first `n` rows of a table, with stand-ins; whichever come first where putting them in order takes too long.
--- nil, message, code where there are none to be had: code "invalid" where no column can be shown.
---@param ctx nlsql.Context
---@param ref string
---@param n integer
---@param max_field integer? bytes of one value that are kept
---@return nlsql.Sample?, string?, string?
function sample.rows(ctx, ref, n, max_field)
  if ctx.sample_rows then return ctx:sample_rows(ref, n, max_field) end -- a guest's
  local t = ctx.schema:table(ref)
  local query = sample.statement(t, n)
  if not query then return nil, ref .. " has no column that can be shown", "invalid" end
  local limits = { statement_timeout = TIMEOUT, max_rows = n, max_field = ctx.settings.limits.max_field }
  local result, message, code = ctx.db:query(query, nil, limits)
  if not result and code == "timeout" then
    query = sample.statement(t, n, true)
    result, message, code = ctx.db:query(query --[[@as string]], nil, limits)
  end
  if not result then return nil, message, code end
  local rows = sample.cut(ctx.anon:rows(result).rows, max_field or MAX_FIELD)
  return { sql = query, columns = result.columns, types = result.types, rows = rows }
end

--- Tokens that the rows of one prompt may take.
local MAX_TOKENS = 6000

--- The rows of a table as lines.
local function lines_of(ctx, ref, n)
  local result, lines = sample.rows(ctx, ref, n), {}
  for _, row in ipairs(result and result.rows or {}) do
    local shown = {}
    for i, name in ipairs(result.columns) do shown[name] = row[i] end
    local line = json.encode(shown, { keys = result.columns })
    if line then lines[#lines + 1] = ref .. ": " .. line end
  end
  return lines
end

--- The lines of all tables as far as they fit: the first row of each, then the second of each, and so
--- on. Returns how many of each, and whether that is all.
local function fitting(by_table, n)
  local tokens, kept = 0, {}
  for i = 1, #by_table do kept[i] = 0 end
  for row = 1, n do
    for i, lines in ipairs(by_table) do
      if lines[row] then
        tokens = tokens + catalog.tokens(lines[row]) + 1
        if tokens > MAX_TOKENS then return kept, false end
        kept[i] = row
      end
    end
  end
  return kept, true
end

--- The first `n` rows of each table, as one JSON object a line; fewer where they are too much for a
--- prompt, which a last line then says.
---@param ctx nlsql.Context
---@param refs string[]
---@param n integer
---@return string? text  nil where there are none
function sample.text(ctx, refs, n)
  local by_table, out = {}, {}
  for i, ref in ipairs(refs) do by_table[i] = lines_of(ctx, ref, n) end
  local kept, whole = fitting(by_table, n)
  for i, lines in ipairs(by_table) do table.move(lines, 1, kept[i], #out + 1, out) end
  if not whole then out[#out + 1] = "(further rows are left out)" end
  return #out > 0 and table.concat(out, "\n") or nil
end

return sample
