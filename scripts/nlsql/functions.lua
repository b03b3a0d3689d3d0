--- functions: which SQL functions there are, and which tables have something for them to work on.

local console = require "nlsql.console"
local draws = require "nlsql.grammar.draw"
local options = require "nlsql.options"
local sql = require "nlsql.sql"
local words = require "nlsql.grammar.words"

local functions = {}

--- Forms of SQL's own that are called like functions; not all of them are in pg_proc.
local FORMS = words.set("coalesce nullif greatest least extract trim substring overlay position current_date current_time "
  .. "current_timestamp localtime localtimestamp normalize grouping")

--- --- names -----------------------------------------------------------------------------------------

--- All functions of pg_catalog and those that the configuration allows, by name.
---@return table<string, boolean>?, string?, string?
local function known(ctx)
  local listed, why, code = ctx:function_names()
  if not listed then return nil, why, code or "db" end
  local names = words.set(listed)
  for name in pairs(FORMS) do names[name] = true end
  for _, name in ipairs(ctx.settings.safe and ctx.settings.safe.functions or {}) do
    names[name:match("[^.]+$"):lower()] = true
  end
  return names
end

--- Why a query that calls it would be refused; nil where none would for its name.
local function refusal(ctx, name)
  if FORMS[name] then return nil end
  local statement <close>, why = sql.parse(("SELECT %s()"):format(name))
  if not statement then return why end
  local safe, unsafe = statement:safe(ctx.schema, ctx.settings.safe)
  return not safe and unsafe or nil
end

local function wanted_list(given, count)
  local list = {}
  if #given > 0 then
    for i, name in ipairs(given) do list[i] = { name, count } end
  else
    for i, name in ipairs(options.keys_of(given)) do list[i] = { name, given[name] } end
  end
  return list
end

--- The functions that the option `builtins` wants called: of a list each `count` times, of a map as
--- often as it says. Names in lower case, each once. nil, message, code where one does not exist or
--- may not be called.
---@param ctx nlsql.Context
---@param given string[]|table<string, integer>
---@param count integer
---@return { name: string, count: integer }[]?, string?, string?
function functions.wanted(ctx, given, count)
  local names, why, code = known(ctx)
  if not names then return nil, why, code end
  local all, out, seen = options.keys_of(names), {}, {}
  for _, one in ipairs(wanted_list(given, count)) do
    local name = one[1]:lower():gsub("%s*%(.*%)%s*$", "")
    if not names[name] then
      return nil, ("builtins: there is no function %q in PostgreSQL%s"):format(one[1], options.did_you_mean(name, all)),
        "config"
    end
    local refused = refusal(ctx, name)
    if refused then return nil, ("builtins: %s: no query may call it: %s"):format(one[1], refused), "config" end
    if not seen[name] and one[2] > 0 then
      seen[name] = true
      out[#out + 1] = { name = name, count = one[2] }
    end
  end
  if #out == 0 then return nil, "builtins: expected at least one function, found none", "config" end
  return out
end

--- --- tables ----------------------------------------------------------------------------------------

--- What a column must be for a function: a number, a text, a date, any of which rows can be ordered by…
local NEEDS = {}
for need, list in pairs {
  number = "sum avg round ceil ceiling floor abs sqrt trunc sign power",
  whole = "mod",
  text = "lower upper initcap length char_length substring substr trim btrim ltrim rtrim replace left right position "
    .. "split_part reverse strpos",
  date = "extract date_part date_trunc age now current_date current_timestamp localtimestamp",
  nullable = "coalesce",
  written = "to_char",
  ordered = "min max lag lead rank dense_rank",
} do
  for name in pairs(words.set(list)) do NEEDS[name] = need end
end

local WHOLE = { smallint = true, integer = true, bigint = true }

local function is_date(column)
  return column.category == "D" and (column.base_type == "date" or column.base_type:find("^timestamp") ~= nil)
end

local function is_number(column) return column.category == "N" and column.base_type ~= "oid" and column.base_type ~= "money" end

--- Does a column meet the need? `is_key`: it is part of a key, so a number of it says nothing.
local MEETS = {
  number = function(column, is_key) return is_number(column) and not is_key end,
  whole = function(column) return WHOLE[column.base_type] == true end,
  text = function(column) return column.category == "S" end,
  date = is_date,
  nullable = function(column, is_key) return not column.not_null and not is_key end,
  written = function(column, is_key) return is_date(column) or is_number(column) and not is_key end,
  ordered = function(column, is_key) return is_date(column) or column.category == "S" or is_number(column) and not is_key end,
}

local function keys_of(t)
  local keys = {}
  for _, name in ipairs(t.primary or {}) do keys[name] = true end
  for _, edge in ipairs(t.foreign) do
    for _, name in ipairs(edge.columns) do keys[name] = true end
  end
  return keys
end

--- Has the table a column that the function can work on, as far as its type tells? Where nothing is
--- known of the function every table will do.
---@param name string in lower case
---@param t table of the catalog
---@return boolean
function functions.suits(name, t)
  local meets = MEETS[NEEDS[name]]
  if t.rows == 0 or #t.columns == 0 then return false end
  if not meets then return true end
  local keys = keys_of(t)
  for _, column in ipairs(t.columns) do
    if meets(column, keys[column.name] == true) then return true end
  end
  return false
end

--- Tables looked at for one function.
local MOST_LOOKED_AT = 300

--- Up to `count` random tables that suit the function and that the provider can write about; the same
--- for the same seed and schema. Says so where there are none.
---@param ctx nlsql.Context
---@param name string
---@param count integer
---@return string[]
function functions.tables(ctx, name, count)
  local able, out = {}, {}
  for _, ref in ipairs(ctx.schema:names()) do
    if functions.suits(name, ctx.schema:table(ref)) then able[#able + 1] = ref end
  end
  for i, ref in ipairs(draws.new(ctx.settings.seed, "builtins", name):shuffled(able)) do
    if #out == count or i > MOST_LOOKED_AT then break end
    if ctx.llm:able { kind = "pairs", tables = { ref }, calls = name } then out[#out + 1] = ref end
  end
  if #out == 0 then
    console.warn(("builtins: %s is left out: %s"):format(name:upper(), #able == 0 and "no table has a column for it"
      or ctx.llm.endpoint.url .. " can write no query that calls it"))
  end
  return out
end

return functions
