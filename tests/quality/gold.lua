--- gold: which columns the queries of a person join on.
---
--- A reader of tokens, not of grammar: it knows tables and aliases behind FROM, JOIN and commas, and takes
--- `a.x = b.y` and `a.x IN (SELECT b.y …)` for joins. A name that is an alias of no table (a CTE, a
--- subquery) stands for the only table that has a column so called. What it cannot read it counts.

local gold = {}

--- Words that end a list of tables, or cannot be an alias.
local NO_ALIAS = {}
for word in ([[on where group order having limit join left right inner outer full cross using union select from as
    natural and or with set intersect except window fetch offset when then else end is in]]):gmatch("%S+") do
  NO_ALIAS[word] = true
end

--- Words, quoted names and single signs; literals as one sign.
local function tokens(sql)
  local out, at = {}, 1
  while at <= #sql do
    local _, stop, word = sql:find("^%s*([%a_][%w_]*)", at)
    if not word then
      _, stop = sql:find("^%s*'[^']*'", at)
      word = stop and "'"
    end
    if not word then _, stop, word = sql:find('^%s*"([^"]*)"', at) end
    if not word then _, stop, word = sql:find("^%s*([%d.]+)", at) end
    if not word then _, stop, word = sql:find("^%s*(%S)", at) end
    if not word then break end
    out[#out + 1] = word:lower()
    at = stop + 1
  end
  return out
end

--- Aliases of a query, one scope for all its levels: alias → table.
local function aliases(list, tables)
  local out = {}
  for i, word in ipairs(list) do
    local before = list[i - 1]
    if tables[word] and list[i + 1] ~= "." and (before == "from" or before == "join" or before == ",") then
      out[word] = word
      local name = list[i + 1] == "as" and list[i + 2] or list[i + 1]
      if name and name:find("^[%a_]") and not NO_ALIAS[name] then out[name] = word end
    end
  end
  return out
end

--- The table and column of the two names `a.x`.
local function resolve(known, tables, holders, qualifier, column)
  local tbl = known[qualifier]
  if not tbl then
    local owners = holders[column] or {}
    if #owners ~= 1 then return nil end
    tbl = owners[1]
  end
  return tables[tbl] and tables[tbl][column] and { table = tbl, column = column } or nil
end

local function is_name(word) return word ~= nil and word:find("^[%a_]") ~= nil end

--- Does `a.x` begin here?
local function name_at(list, i) return is_name(list[i]) and list[i + 1] == "." and is_name(list[i + 2]) end

--- Pairs of columns that one query joins on.
---@param sql string
---@param tables table<string, table<string, true>>  columns by table, all in lower case
---@return { [1]: { table: string, column: string }, [2]: { table: string, column: string } }[]
---@return integer unread  comparisons of two names that could not be told
function gold.joins(sql, tables)
  local holders = {}
  for tbl, columns in pairs(tables) do
    for column in pairs(columns) do
      holders[column] = holders[column] or {}
      table.insert(holders[column], tbl)
    end
  end
  local list, out, unread = tokens(sql), {}, 0
  local known = aliases(list, tables)
  for i in ipairs(list) do
    local other = name_at(list, i) and (list[i + 3] == "=" and i + 4
      or list[i + 3] == "in" and list[i + 4] == "(" and list[i + 5] == "select" and i + 6)
    if other and list[i - 1] ~= "." and name_at(list, other) then
      local one = resolve(known, tables, holders, list[i], list[i + 2])
      local two = resolve(known, tables, holders, list[other], list[other + 2])
      if not one or not two then
        unread = unread + 1
      elseif one.table ~= two.table or one.column ~= two.column then
        out[#out + 1] = { one, two }
      end
    end
  end
  return out, unread
end

return gold
