--- expressions: what becomes of a result's columns that are no table's: upper(name), count(*), a UNION.
---
--- Nothing is known of where their values come from, so text always has a stand-in, of no class. Numbers and
--- dates follow the configuration's amounts and dates, as those of tables; truth values and times of day stay.
--- Months as date_trunc gives them stay: they say no more than a stand-in would. So do whole numbers of up to five
--- digits of the type bigint, which are counts nearly always, and name nobody if they are not.

local dates = require "nlsql.anon.dates"
local json = require "nlsql.json"

local expressions = {}

--- By the OIDs of types (pg_type).
local CLASSES = {}
for class, list in pairs {
  keep = { 16, 1000, 1083, 1266, 1186, 1183, 1270, 1187 }, -- bool, time, timetz, interval, and arrays of them
  amount = { 20, 21, 23, 26, 700, 701, 1700, 790 }, -- int8, int2, int4, oid, float4, float8, numeric, money
  date = { 1082, 1114, 1184 },
  text = { 25, 1043, 1042, 19, 18, 705 },
  uuid = { 2950 }, ip = { 869, 650 }, mac = { 829, 774 }, document = { 114, 3802 },
} do
  for _, oid in ipairs(list) do CLASSES[oid] = { class = class } end
end

local ARRAYS = {}
for class, list in pairs {
  amount = { 1005, 1007, 1016, 1021, 1022, 1231 }, text = { 1009, 1015, 1014, 1003 }, date = { 1182, 1115, 1185 },
  uuid = { 2951 }, ip = { 1041, 651 },
} do
  for _, oid in ipairs(list) do ARRAYS[oid] = { class = class, shape = "array" } end
end

local function all_begin_months(rows, c)
  for _, row in ipairs(rows) do
    if row[c] ~= json.null and not dates.begins_month(row[c]) then return false end
  end
  return true
end

local BIGINT = 20

local function all_short(rows, c)
  for _, row in ipairs(rows) do
    if row[c] ~= json.null and not row[c]:find("^%-?%d%d?%d?%d?%d?$") then return false end
  end
  return true
end

local function all_labels(rows, c, labels)
  for _, row in ipairs(rows) do
    if row[c] ~= json.null and not labels[row[c]] then return false end
  end
  return true
end

--- The decision for column `c` of a result, from its type.
---@param result { types: integer[], rows: any[][] }
---@param c integer
---@param labels table<string, boolean>  of all enums
---@param settings { amounts: string, dates: string }
---@return nlsql.AnonDecision
function expressions.decide(result, c, labels, settings)
  local oid = result.types[c]
  local found = CLASSES[oid] or ARRAYS[oid]
  if not found then -- an enum, a domain over one, or anything else
    local is_enum = oid >= 16384 and all_labels(result.rows, c, labels)
    return { class = is_enum and "keep" or "withheld", why = "an expression" }
  end
  local class = found.class
  if class == "amount" and settings.amounts == "keep" or class == "date" and settings.dates == "keep"
    or class == "date" and not found.shape and all_begin_months(result.rows, c)
    or oid == BIGINT and all_short(result.rows, c) then
    class = "keep"
  end
  return { class = class, shape = found.shape or class == "document" and class or nil, why = "an expression" }
end

return expressions
