--- values: what a table's data say of its columns: what a few of the values look like, and whether they are few
--- and come again and again.

local catalog = require "nlsql.catalog"
local dates = require "nlsql.anon.dates"
local digits = require "nlsql.anon.digits"
local json = require "nlsql.json"
local sample = require "nlsql.sample"
local shapes = require "nlsql.anon.shapes"

local values = {}

--- Rows that are looked at, and seconds that a query may take.
local ROWS, TIMEOUT = 200, 5

--- Bytes of a value that are looked at: one of as many may have been longer.
values.MAX_FIELD = 200

--- Rows above which the server's statistics are asked instead of the table.
local MANY = 2000000

--- Few values: at most so many, of so many bytes, each as often on average; and no more than a share that occur
--- once, as names do.
local MOST, LONGEST, EACH, ONCE = 50, 40, 4, 0.1

--- The first values of each column, without NULLs: by the column's name. nil where the database gave none.
---@param db nlsql.Db
---@param t nlsql.Table
---@param columns nlsql.Column[]
---@return table<string, string[]>?
---@return integer? rows  how many the table has, where these are all its values and none was cut
function values.first(db, t, columns)
  local query = sample.statement(t, ROWS, false, columns)
  if not query then return {} end
  local limits = { statement_timeout = TIMEOUT, max_rows = ROWS, max_field = values.MAX_FIELD }
  local result, _, code = db:query(query, nil, limits)
  if not result and code == "timeout" then
    result = db:query(sample.statement(t, ROWS, true, columns) --[[@as string]], nil, limits)
  end
  if not result then return nil end
  local out, whole = {}, #result.rows < ROWS
  for i, name in ipairs(result.columns) do
    local list = {}
    for _, row in ipairs(result.rows) do
      local value = row[i]
      if value ~= json.null then
        list[#list + 1] = value
        whole = whole and #value < values.MAX_FIELD
      end
    end
    out[name] = list
  end
  return out, whole and #result.rows or nil
end

local function phone_like(value)
  if value:find("[^%d%s%+%-%./()]") then return false end
  local _, n = value:gsub("%d", "")
  return n >= 7 and n <= 15 and value:find("[%+%s%-/()]") ~= nil and not value:find("^%d%d%d%d%-%d%d%-%d%d")
    and not value:find("^%d+%.%d+$")
end

local function is_card(value) return not value:find("[^%d%s%-]") and digits.is_card((value:gsub("%D", ""))) end

local NOUNS = { email = "e-mail addresses", url = "web addresses", uuid = "UUIDs", ip = "network addresses",
  card = "card numbers", phone = "telephone numbers" }

--- The class that most of the values look like, and how many do in words.
---@param list string[]
---@return string? class
---@return string? why
function values.class(list)
  local counts = {}
  for _, value in ipairs(list) do
    local class = shapes.looks(value) or is_card(value) and "card" or phone_like(value) and "phone"
    if class then counts[class] = (counts[class] or 0) + 1 end
  end
  for _, class in ipairs { "email", "url", "uuid", "ip", "card", "phone" } do
    local n = counts[class] or 0
    if n > 0 and n >= #list * 0.6 then return class, ("%d of %d values look like %s"):format(n, #list, NOUNS[class]) end
  end
end

--- Are they all years?
---@param list string[]
---@return boolean
function values.are_years(list)
  for _, value in ipairs(list) do
    local year = value:find("^%d%d%d%d$") and tonumber(value)
    if not year or year < 1800 or year > 2100 then return false end
  end
  return #list > 0
end

--- Are they all first days of months?
---@param list string[]
---@return boolean
function values.are_months(list)
  for _, value in ipairs(list) do
    if not dates.begins_month(value) then return false end
  end
  return #list > 0
end

--- Could it be that the values are few? What the first ones say.
---@param list string[]
---@return boolean
function values.may_be_few(list)
  local seen, n = {}, 0
  for _, value in ipairs(list) do
    if #value > LONGEST then return false end
    if not seen[value] then seen[value], n = true, n + 1 end
  end
  return n > 0 and n <= MOST
end

local COUNT = [[SELECT count(*), coalesce(sum(n), 0), coalesce(sum((n = 1)::int), 0), coalesce(max(size), 0)
  FROM (SELECT count(*) AS n, octet_length(%s::text) AS size FROM %s WHERE %s IS NOT NULL GROUP BY %s) AS v]]

---@class nlsql.FewValues
---@field distinct integer
---@field few boolean    short ones that come again and again
---@field short boolean  no more, and no longer, but they need not come again
---@field least boolean  as few and as short as those, come they again or not

--- Counts the values of a column; nil where that took too long or could not be.
---@param db nlsql.Db
---@param t nlsql.Table
---@param column nlsql.Column
---@return nlsql.FewValues?
function values.count(db, t, column)
  if t.rows > MANY then
    local n = column.distinct or 0
    if n <= 0 or n > MOST then return nil end
    for _, value in ipairs(column.common or {}) do
      if #value > LONGEST then return nil end
    end
    return { distinct = math.floor(n), few = true, short = true, least = true }
  end
  local name = catalog.quote(column.name)
  local result = db:query(COUNT:format(name, t.reference, name, name), nil, { statement_timeout = TIMEOUT })
  if not result then return nil end
  local n, total, once, longest = table.unpack(result.rows[1])
  n, total, once, longest = tonumber(n), tonumber(total), tonumber(once), tonumber(longest)
  local short = n > 0 and n <= MOST and longest <= LONGEST
  return { distinct = n, least = short, short = n > 0 and n <= MOST * 6 and longest <= 16,
    few = short and total >= n * EACH and once <= n * ONCE }
end

return values
