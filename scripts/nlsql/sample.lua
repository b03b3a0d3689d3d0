--- sample: a few rows of a table for a prompt.
---
--- Rows are data of somebody's: they are read only where the configuration says `anonymise: off` in
--- plain words, since nothing here disguises them yet. Those of the demo database are made up.

local catalog = require "nlsql.catalog"
local json = require "nlsql.json"

local sample = {}

--- Bytes of one value that a prompt shows.
local MAX_FIELD = 120

--- May raw rows be shown to the model?
---@param settings table
---@return boolean
function sample.allowed(settings)
  return settings.demo == true or settings.anonymise == "off" or settings.anonymise == false
end

local function statement(t, n)
  local columns = {}
  for _, column in ipairs(t.columns) do
    if column.category ~= "U" or column.base_type == "uuid" then -- bytea and the like say nothing
      columns[#columns + 1] = catalog.quote(column.name)
    end
  end
  if #columns == 0 then return nil end
  local order = {}
  for _, name in ipairs(t.primary or {}) do order[#order + 1] = catalog.quote(name) end
  return ("SELECT %s FROM %s%s LIMIT %d"):format(table.concat(columns, ", "), t.reference,
    #order > 0 and " ORDER BY " .. table.concat(order, ", ") or "", n)
end

--- The first `n` rows (by primary key) of each table, as one JSON object a line.
---@param ctx nlsql.Context
---@param refs string[]
---@param n integer
---@return string? text  nil where there are none
function sample.text(ctx, refs, n)
  local out = {}
  for _, ref in ipairs(refs) do
    local query = statement(ctx.schema:table(ref), n)
    local result = query and ctx.db:query(query, nil, { statement_timeout = 5, max_rows = n, max_field = MAX_FIELD })
    for _, row in ipairs(result and result.rows or {}) do
      local shown = {}
      for i, name in ipairs(result.columns) do shown[name] = row[i] end
      local line = json.encode(shown, { keys = result.columns })
      if line then out[#out + 1] = ref .. ": " .. line end
    end
  end
  return #out > 0 and table.concat(out, "\n") or nil
end

return sample
