--- rows: a result's rows as JSON: numbers, truth values and documents as what they are, all else as
--- PostgreSQL writes it.

local json = require "nlsql.json"

local rows = {}

--- OIDs of types (pg_type) whose text is JSON as it stands, but for NaN and the infinities.
local AS_JSON = {
  [20] = true, [21] = true, [23] = true, [26] = true, -- int8, int2, int4, oid
  [700] = true, [701] = true, [1700] = true, -- float4, float8, numeric
  [114] = true, [3802] = true, -- json, jsonb
}
local BOOLEAN = 16

--- One value, as json.encode takes it; numbers keep every digit.
---@param value any  text, or json.null
---@param oid integer
---@return any
function rows.value(value, oid)
  if value == json.null then return value end
  if oid == BOOLEAN then return value == "t" end
  if not AS_JSON[oid] then return value end
  local decoded = json.decode(value)
  if decoded == nil then return value end
  return decoded
end

--- Names for the members of an object: a column's name that comes again gets a number behind it.
local function member_names(columns)
  local names, seen = {}, {}
  for i, column in ipairs(columns) do
    local name, n = column, 1
    while seen[name] do
      n = n + 1
      name = ("%s_%d"):format(column, n)
    end
    seen[name], names[i] = true, name
  end
  return names
end

--- Each row as an object in the order of the columns; a list that json.encode writes as it is.
---@param result { columns: string[], types: integer[], rows: any[][] }  of db:query or db:probe
---@return any[]
function rows.objects(result)
  local names, list = member_names(result.columns), json.array {}
  for i, row in ipairs(result.rows) do
    local object = {}
    for c, name in ipairs(names) do object[name] = rows.value(row[c], result.types[c]) end
    list[i] = json.verbatim(assert(json.encode(object, { keys = names })))
  end
  return list
end

return rows
