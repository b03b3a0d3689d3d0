--- columns: what the catalog and the scan together say of each column, as discovery needs it.

local shape = require "nlsql.discovery.shape"

local columns = {}

---@class nlsql.DiscoveryColumn
---@field at integer            its index in the scan
---@field ref string            its table
---@field table nlsql.Table
---@field column nlsql.Column   of the catalog
---@field name string
---@field family string         as the scan has it
---@field base string           its base type without what is in brackets
---@field rows integer          rows of the table
---@field filled integer        rows with a value
---@field nulls integer
---@field distinct integer
---@field common nlsql.CommonValue[]
---@field low number?           least and greatest value, where they are numbers or days
---@field high number?
---@field density number?       share of the whole numbers between them that it holds
---@field unique boolean        no value twice
---@field key "primary"|"unique"|"data"|nil  what makes it so: a declared key, or the data
---@field in_key boolean        one of several columns of a declared key
---@field view boolean
---@field sampled number?       share of the rows that were read
---@field indexed boolean?      it leads an index of its own

local DAY = 86400

--- A bound as a number: days for dates.
local function bound(family, value)
  if not value then return nil end
  if family == "number" then return tonumber(value) end
  if family ~= "date" then return nil end
  local year, month, day = value:match("^(%d%d%d%d+)%-(%d%d)%-(%d%d)$")
  if not year then return nil end
  return os.time { year = year, month = month, day = day, hour = 12 } // DAY
end

local function is_single(key, name) return key ~= nil and #key == 1 and key[1] == name end

local function key_of(t, name, unique)
  if is_single(t.primary, name) then return "primary" end
  for _, key in ipairs(t.uniques or {}) do
    if is_single(key, name) then return "unique" end
  end
  return unique and "data" or nil
end

local function in_key(t, name)
  local keys = table.move(t.uniques or {}, 1, #(t.uniques or {}), 1, {})
  keys[#keys + 1] = t.primary
  for _, key in ipairs(keys) do
    for _, one in ipairs(#key > 1 and key or {}) do
      if one == name then return true end
    end
  end
  return false
end

local function make(t, at, got)
  local column
  for _, one in ipairs(t and t.columns or {}) do
    if one.name == got.column then column = one end
  end
  if not column then return nil end
  local unique = got.unique and got.distinct > 0
  local out = { at = at, ref = got.table, table = t, column = column, name = column.name, family = got.family,
    base = column.base_type:gsub("%s*%(.*$", ""), rows = got.rows, filled = got.rows - got.nulls, nulls = got.nulls,
    distinct = got.distinct, common = got.common or {}, unique = unique, key = key_of(t, column.name, unique),
    in_key = in_key(t, column.name), view = t.kind == "view" or t.kind == "materialised view", sampled = got.sampled,
    low = bound(got.family, got.min), high = bound(got.family, got.max) }
  if out.key == "primary" or out.key == "unique" then out.unique = true end
  if out.low and out.high then out.density = shape.density(out) end
  return out
end

--- The columns of a scan, by their index there; those of tables that the catalog lacks are missing.
---@param schema { table: fun(self: table, ref: string): nlsql.Table? }  each table the same however often it is asked for
---@param scan table  of nlsql.stats
---@return table<integer, nlsql.DiscoveryColumn>
function columns.of(schema, scan)
  local out = {}
  for at, got in ipairs(scan.columns) do out[at] = make(schema:table(got.table), at, got) end
  return out
end

--- Does the column number its own rows: every number from 0 or 1 on, each once? Then it says nothing of
--- other tables' rows, though its numbers are found among theirs.
---@param column nlsql.DiscoveryColumn
---@return boolean
function columns.numbers_itself(column)
  return column.unique and column.density ~= nil and column.density > 0.9 and column.low >= 0 and column.low <= 1
end

return columns
