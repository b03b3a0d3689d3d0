--- preread: what is private is known before the first item begins.
---
--- What a candidate or a reply may say is judged by the values that are protected. Were these only the ones that
--- prompts and results have read so far, the verdict would hang on which items were faster; and a model's guess at
--- a value that nobody read would pass. So the closed columns are read once, in the order of the schema. What lies
--- beyond the bounds below is protected from the moment that it is read.

local classes = require "nlsql.anon.classes"
local console = require "nlsql.console"
local jobs = require "nlsql.jobs"
local sample = require "nlsql.sample"
local values = require "nlsql.anon.values"

local preread = {}

--- Tables, and rows of each: the first ones, as a sample has them.
local MOST_TABLES, MOST_ROWS = 300, 20000

--- Values of all tables together, and the rows that each table has even where they are used up.
local MOST_VALUES, LEAST_ROWS = 400000, 200

--- Seconds that reading one table may take, and all of them; tables that are read at once.
local TIMEOUT, ALL_IN, AT_ONCE = 5, 60, 4

--- Kinds of relations that are read. What a view shows is mostly a table's, and may take long to compute; what lies
--- outside the database is not asked for beforehand.
local READ = { table = true, partitioned = true, ["materialised view"] = true }

--- Columns of a table whose values are told otherwise, and those whose few values are no secret.
local function columns_of(anon, t)
  local list = {}
  if not READ[t.kind] then return list end
  for _, column in ipairs(t.columns) do
    local decision = anon:decision(t.reference, column.name)
    local is_closed = classes.PROTECTED[decision.class] and decision.shape ~= "number"
    if is_closed or decision.class == "document" or decision.code then list[#list + 1] = column end
  end
  return list
end

--- The first rows of these columns; nil where they cannot be had.
local function rows_of(anon, db, t, columns, n)
  local limits = { statement_timeout = TIMEOUT, max_rows = n, max_field = anon.settings.limits.max_field }
  local result, why = db:query(sample.statement(t, n, false, columns) --[[@as string]], nil, limits)
  if not result then console.debug(("%s: its values are protected when they are first read: %s"):format(t.reference, why)) end
  return result
end

--- What is read of a table: its rows, and the values of each column, by its name.
---@class nlsql.WholeTable
---@field rows integer
---@field values table<string, string[]>

--- The columns' values where whoever decided about them has seen all that there are; nil: they are to be read. Of one
--- that is cut sooner here the rest is not protected by its whole.
local function seen(anon, t, columns)
  local whole = anon.policy.whole[t.reference]
  anon.policy.whole[t.reference] = nil
  if not whole or anon.settings.limits.max_field < values.MAX_FIELD then return nil end
  for _, column in ipairs(columns) do
    if not whole.values[column.name] then return nil end
  end
  return whole
end

--- The same, by a query.
local function read(anon, db, t, columns, n)
  local result = rows_of(anon, db, t, columns, n)
  if not result then return nil end
  local out = { rows = #result.rows, values = {} }
  for c, name in ipairs(result.columns) do
    local list = {}
    for r, row in ipairs(result.rows) do list[r] = row[c] end
    out.values[name] = list
  end
  return out
end

--- Gives each value of these columns to a method of anon, column by column.
local function each_value(anon, method, t, columns, found)
  for _, column in ipairs(columns) do
    local done = {}
    for _, value in ipairs(found.values[column.name]) do
      if not done[value] then
        done[value] = true
        anon[method](anon, t.reference, column.name, value)
      end
    end
  end
end

--- Makes the stand-ins of a table's first rows, so that the values behind them are known wherever a query names
--- them, also where no column stands beside. Waits.
---@param anon nlsql.Anon
---@param db nlsql.Db
---@param schema nlsql.Catalog
---@param ref string
---@return boolean any  are there any?
function preread.stand_ins(anon, db, schema, ref)
  local t = not anon:raw() and schema:table(ref)
  local columns = t and columns_of(anon, t) or {}
  local found = t and #columns > 0 and read(anon, db, t, columns, MOST_ROWS)
  if found then each_value(anon, "value", t, columns, found) end
  return found ~= nil and found ~= false
end

--- Reads what is private, once. Waits; does nothing where values go out as they are.
---@param anon nlsql.Anon
---@param db nlsql.Db
---@param schema nlsql.Catalog
---@param seconds number?  that it may take, where somebody waits for it; nil: as a run has
function preread.all(anon, db, schema, seconds)
  if anon:raw() or anon.preread then return end
  anon.preread = true
  local names, left, begun = schema:names(), MOST_VALUES, jobs.now()
  anon.policy.whole = {}
  table.sort(names)
  for first = 1, math.min(#names, MOST_TABLES), AT_ONCE do
    if jobs.stopping() > 0 or jobs.now() - begun > (seconds or ALL_IN) then break end
    local refs = table.move(names, first, math.min(first + AT_ONCE - 1, MOST_TABLES, #names), 1, {})
    local share = left // #refs -- known before any is read
    local all = jobs.map(refs, AT_ONCE, function(ref)
      local t = schema:table(ref) --[[@as nlsql.Table]]
      local columns = columns_of(anon, t)
      local n = #columns > 0 and math.max(LEAST_ROWS, math.min(MOST_ROWS, share // #columns)) or 0
      local found = n > 0 and (seen(anon, t, columns) or read(anon, db, t, columns, n)) or nil
      return { t = t, columns = columns, found = found }
    end)
    for _, one in ipairs(all) do
      if one.found then
        each_value(anon, "protect", one.t, one.columns, one.found)
        left = math.max(0, left - one.found.rows * #one.columns)
      end
    end
  end
  anon.policy.whole = nil
end

return preread
