--- kinds: what may be said of one attribute: as a test of a sampled row, in SQL, and in words.
---
--- A kind is a table: `roles` that it suits, `draw(draw, attribute, rows)` which picks its values
--- among those that occur, `holds(values, value)` for a row, `sql(values, expr)`, and the predicate in
--- words: `is` after "whose price …", `noun` after "with a price …" (or `has`, `flag`, `among`, where it
--- is no predicate of a noun). Add a kind here and it is used.
---
---   complete  only where no row has NULL, which would be neither one nor the other
---   nullable  only where some row has
---   names     its value may stand for a row that it is the name of
---   exact     "the status 'paid'", not "a status of …"

local dates = require "nlsql.grammar.dates"
local words = require "nlsql.grammar.words"

local kinds = {}

--- --- literals ------------------------------------------------------------------------------------

--- A text as SQL writes it.
---@param value string
function kinds.text(value) return "'" .. value:gsub("'", "''") .. "'" end

--- A number as SQL and people write it.
---@param value number
function kinds.number(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if value == math.floor(value) and math.abs(value) < 1e15 then return ("%d"):format(math.tointeger(value)) end
  return ("%.10g"):format(value)
end

--- A text as a question quotes it.
---@param value string
function kinds.quoted(value)
  return value:find("'", 1, true) and '"' .. value .. '"' or "'" .. value .. "'"
end

local number, quoted, literal = kinds.number, kinds.quoted, kinds.text

--- May the value stand in a question? Not the odd: control characters, backslashes, long ones.
---@param value string
---@return boolean
function kinds.sayable(value)
  return #value > 0 and #value <= 60 and not value:find("[%c\\\"]") and not value:find("^%s") and not value:find("%s$")
    and not value:find("  ", 1, true)
end

local sayable = kinds.sayable

local function is_short(value) return #number(value) <= 10 and not number(value):find("e", 1, true) end

--- The distinct values of an attribute in the rows, sorted; of those only that are `good`.
---@param rows any[][]
---@param attribute { at: integer }
---@param good (fun(value: any): boolean)?
---@return any[]
function kinds.distinct(rows, attribute, good)
  local seen, out = {}, {}
  for _, row in ipairs(rows) do
    local value = row[attribute.at]
    if value ~= nil and not seen[value] then
      seen[value] = true
      if not good or good(value) then out[#out + 1] = value end
    end
  end
  table.sort(out)
  return out
end

--- --- text, flags, NULL ---------------------------------------------------------------------------

---@type table<string, table>
local KINDS = {}
kinds.ALL = KINDS

KINDS.eq = {
  weight = 5, roles = { category = true, label = true },
  draw = function(draw, attribute, rows)
    local value = draw:pick(rows)[attribute.at]
    return value and sayable(value) and { value }
  end,
  holds = function(values, value) return value == values[1] end,
  sql = function(values, expr) return ("%s = %s"):format(expr, literal(values[1])) end,
  is = function(values) return "is " .. quoted(values[1]) end,
  names = true, exact = true, -- "the status 'paid'"; a row's name stands for the row
  noun = function(values) return quoted(values[1]) end,
}

KINDS.ne = {
  weight = 1, roles = { category = true }, names = true, complete = true,
  draw = function(draw, attribute, rows)
    local all = kinds.distinct(rows, attribute, sayable)
    return #all > 2 and { draw:pick(all) }
  end,
  holds = function(values, value) return value ~= values[1] end,
  sql = function(values, expr) return ("%s <> %s"):format(expr, literal(values[1])) end,
  is = function(values) return "is not " .. quoted(values[1]) end,
  noun = function(values) return "other than " .. quoted(values[1]) end,
}

local function some_of(draw, all, least, most)
  if #all < least + 1 then return nil end
  local list = table.move(draw:shuffled(all), 1, math.min(draw:int(most - least + 1) + least - 1, #all - 1), 1, {})
  table.sort(list)
  return list
end

local function texts(values)
  local out = {}
  for i, value in ipairs(values) do out[i] = literal(value) end
  return table.concat(out, ", ")
end

local function all_quoted(values)
  local out = {}
  for i, value in ipairs(values) do out[i] = quoted(value) end
  return out
end

KINDS.is_in = {
  weight = 2, roles = { category = true }, names = true,
  draw = function(draw, attribute, rows) return some_of(draw, kinds.distinct(rows, attribute, sayable), 2, 4) end,
  holds = function(values, value)
    for _, one in ipairs(values) do
      if one == value then return true end
    end
    return false
  end,
  sql = function(values, expr) return ("%s IN (%s)"):format(expr, texts(values)) end,
  is = function(values) return (#values > 2 and "is one of " or "is ") .. words.any(all_quoted(values)) end,
  noun = function(values) return "of " .. words.any(all_quoted(values)) end,
}

KINDS.not_in = {
  weight = 0.6, roles = { category = true }, names = true, complete = true,
  draw = function(draw, attribute, rows)
    local all = kinds.distinct(rows, attribute, sayable)
    return #all >= 4 and some_of(draw, all, 2, 3) or nil
  end,
  holds = function(values, value) return not KINDS.is_in.holds(values, value) end,
  sql = function(values, expr) return ("%s NOT IN (%s)"):format(expr, texts(values)) end,
  is = function(values) return "is neither " .. table.concat(all_quoted(values), " nor ") end,
  noun = function(values) return "other than " .. words.any(all_quoted(values)) end,
}

--- Words that say nothing of the one value that has them.
local NO_WORDS = { http = true, https = true, example = true, mail = true, info = true, html = true }

local function plain_word(value, least)
  local list = {}
  for word in value:gmatch("%a+") do
    if #word >= least and not NO_WORDS[word:lower()] then list[#list + 1] = word end
  end
  return list
end

KINDS.starts = {
  weight = 1, roles = { label = true, text = true },
  draw = function(draw, attribute, rows)
    local value = draw:pick(rows)[attribute.at]
    local prefix = value and value:match("^%u%l%l?%l?")
    if not prefix then return nil end
    return { draw:chance(0.4) and prefix:sub(1, 1) or prefix:sub(1, 1 + draw:int(#prefix - 1)) }
  end,
  holds = function(values, value) return value:sub(1, #values[1]) == values[1] end,
  sql = function(values, expr) return ("%s LIKE '%s%%'"):format(expr, values[1]) end,
  is = function(values) return ("%s '%s'"):format(#values[1] == 1 and "starts with the letter" or "starts with", values[1]) end,
  noun = function(values) return ("starting with '%s'"):format(values[1]) end,
}

KINDS.ends = {
  weight = 0.4, roles = { label = true },
  draw = function(draw, attribute, rows)
    local value = draw:pick(rows)[attribute.at]
    local word = value and value:match("%s(%a%a%a+)$")
    return word and { word }
  end,
  holds = function(values, value) return value:sub(-#values[1]) == values[1] end,
  sql = function(values, expr) return ("%s LIKE '%%%s'"):format(expr, values[1]) end,
  is = function(values) return ("ends with '%s'"):format(values[1]) end,
  noun = function(values) return ("ending with '%s'"):format(values[1]) end,
}

KINDS.contains = {
  weight = 1.2, roles = { label = true, text = true },
  draw = function(draw, attribute, rows)
    local value = draw:pick(rows)[attribute.at]
    local word = value and draw:pick(plain_word(value, 4))
    return word and { word:lower() }
  end,
  holds = function(values, value) return value:lower():find(values[1], 1, true) ~= nil end,
  sql = function(values, expr) return ("%s ILIKE '%%%s%%'"):format(expr, values[1]) end,
  is = function(values) return ("contains '%s' (ignoring case)"):format(values[1]) end,
  noun = function(values) return ("containing '%s' (ignoring case)"):format(values[1]) end,
}

KINDS.null = {
  weight = 1.2, roles = { category = true, text = true, number = true, year = true, date = true }, nullable = true,
  draw = function() return {} end,
  holds = function(_, value) return value == nil end,
  sql = function(_, expr) return expr .. " IS NULL" end,
  has = { that = "without %s", verb = "have no %s" },
}

KINDS.not_null = {
  weight = 0.7, roles = { category = true, text = true, number = true, year = true, date = true }, nullable = true,
  draw = function() return {} end,
  holds = function(_, value) return value ~= nil end,
  sql = function(_, expr) return expr .. " IS NOT NULL" end,
  has = { that = "with a known %s", verb = "have a known %s" },
}

local function flag_kind(wanted)
  local sql_value = wanted and "t" or "f"
  return {
    weight = 1.2, roles = { flag = true }, complete = true, flag = wanted,
    draw = function() return {} end,
    holds = function(_, value) return value == sql_value or value == (wanted and "true" or "false") end,
    sql = function(_, expr) return wanted and expr or "NOT " .. expr end,
  }
end
KINDS.yes, KINDS.no = flag_kind(true), flag_kind(false)

--- --- numbers -------------------------------------------------------------------------------------

--- A value that occurs, between two quantiles of those that do.
local function quantile(draw, attribute, rows, low, high)
  local all = kinds.distinct(rows, attribute, is_short)
  if #all < 4 then return nil end
  local at = low + (high - low) * draw:real()
  return all[math.max(1, math.min(#all, math.ceil(at * #all)))]
end

local function comparison(operator, low, high, is, noun)
  local test = load("local a, b = ... return a " .. operator .. " b")
  return {
    weight = 1.6, roles = { number = true, year = true },
    draw = function(draw, attribute, rows)
      local value = quantile(draw, attribute, rows, low, high)
      return value and { value, draw:int(#is) }
    end,
    holds = function(values, value) return test(value, values[1]) end,
    sql = function(values, expr) return ("%s %s %s"):format(expr, operator, number(values[1])) end,
    is = function(values) return ("is %s %s"):format(is[values[2]], number(values[1])) end,
    noun = function(values) return ("%s %s"):format(noun[values[2]], number(values[1])) end,
  }
end

KINDS.gt = comparison(">", 0.4, 0.9, { "above", "more than", "greater than" }, { "above", "of more than", "greater than" })
KINDS.ge = comparison(">=", 0.4, 0.9, { "at least", "no less than" }, { "of at least", "of no less than" })
KINDS.lt = comparison("<", 0.15, 0.6, { "below", "less than", "under" }, { "below", "of less than", "under" })
KINDS.le = comparison("<=", 0.1, 0.6, { "at most", "no more than" }, { "of at most", "of no more than" })

KINDS.equals = {
  weight = 0.8, roles = { number = true, year = true }, most_distinct = 30,
  draw = function(draw, attribute, rows)
    local value = draw:pick(rows)[attribute.at]
    return value and is_short(value) and { value }
  end,
  holds = function(values, value) return value == values[1] end,
  sql = function(values, expr) return ("%s = %s"):format(expr, number(values[1])) end,
  is = function(values) return "is " .. number(values[1]) end,
  noun = function(values) return "of " .. number(values[1]) end,
}

KINDS.between = {
  weight = 1.4, roles = { number = true, year = true },
  draw = function(draw, attribute, rows)
    local low, high = quantile(draw, attribute, rows, 0.1, 0.5), quantile(draw, attribute, rows, 0.5, 0.9)
    return low and high and low < high and { low, high }
  end,
  holds = function(values, value) return value >= values[1] and value <= values[2] end,
  sql = function(values, expr) return ("%s BETWEEN %s AND %s"):format(expr, number(values[1]), number(values[2])) end,
  is = function(values) return ("is between %s and %s"):format(number(values[1]), number(values[2])) end,
  noun = function(values) return ("between %s and %s"):format(number(values[1]), number(values[2])) end,
}

--- --- dates ---------------------------------------------------------------------------------------

local function is_stamp(attribute) return attribute.type:find("^timestamp") ~= nil end

local function day_of(draw, attribute, rows)
  local value = draw:pick(rows)[attribute.at]
  return value and dates.parts(value) and dates.day(value)
end

local function date_literal(day) return "'" .. day .. "'" end

--- Half-open, which is right for days and for time stamps.
local function span(from, to, expr)
  return ("%s >= %s AND %s < %s"):format(expr, date_literal(from), expr, date_literal(to))
end

local function inside(from, to, value) return value >= from and value < to end

KINDS.on = {
  weight = 0.4, roles = { date = true },
  draw = function(draw, attribute, rows)
    local day = day_of(draw, attribute, rows)
    return day and { day, is_stamp(attribute) and dates.plus(day, 1) or nil }
  end,
  holds = function(values, value) return dates.day(value) == values[1] end,
  sql = function(values, expr)
    return values[2] and span(values[1], values[2], expr) or ("%s = %s"):format(expr, date_literal(values[1]))
  end,
  is = function(values) return "is " .. dates.spoken(values[1]) end,
  noun = function(values) return "on " .. dates.spoken(values[1]) end,
}

KINDS.before = {
  weight = 1, roles = { date = true },
  draw = function(draw, attribute, rows)
    local day = day_of(draw, attribute, rows)
    return day and { dates.plus(day, 1) }
  end,
  holds = function(values, value) return value < values[1] end,
  sql = function(values, expr) return ("%s < %s"):format(expr, date_literal(values[1])) end,
  is = function(values) return "is before " .. dates.spoken(values[1]) end,
  noun = function(values) return "before " .. dates.spoken(values[1]) end,
}

KINDS.since = {
  weight = 1, roles = { date = true },
  draw = function(draw, attribute, rows)
    local day = day_of(draw, attribute, rows)
    return day and { day }
  end,
  holds = function(values, value) return value >= values[1] end,
  sql = function(values, expr) return ("%s >= %s"):format(expr, date_literal(values[1])) end,
  is = function(values) return "is on or after " .. dates.spoken(values[1]) end,
  noun = function(values) return "on or after " .. dates.spoken(values[1]) end,
}

KINDS.year = {
  weight = 2, roles = { date = true },
  draw = function(draw, attribute, rows)
    local day = day_of(draw, attribute, rows)
    if not day then return nil end
    local year = dates.parts(day)
    return { year, draw:chance(0.35) }
  end,
  holds = function(values, value) return dates.parts(value) == values[1] end,
  sql = function(values, expr)
    if values[2] then return ("EXTRACT(YEAR FROM %s) = %d"):format(expr, values[1]) end
    return span(dates.iso(values[1], 1, 1), dates.iso(values[1] + 1, 1, 1), expr)
  end,
  is = function(values) return "is in " .. values[1] end,
  noun = function(values) return "in " .. values[1] end,
}

local function next_month(year, month)
  if month == 12 then return dates.iso(year + 1, 1, 1) end
  return dates.iso(year, month + 1, 1)
end

KINDS.month = {
  weight = 1.2, roles = { date = true },
  draw = function(draw, attribute, rows)
    local day = day_of(draw, attribute, rows)
    if not day then return nil end
    local year, month = dates.parts(day)
    return { year, month }
  end,
  holds = function(values, value)
    local year, month = dates.parts(value)
    return year == values[1] and month == values[2]
  end,
  sql = function(values, expr)
    return span(dates.iso(values[1], values[2], 1), next_month(values[1], values[2]), expr)
  end,
  is = function(values) return "is in " .. dates.month(values[1], values[2]) end,
  noun = function(values) return "in " .. dates.month(values[1], values[2]) end,
}

KINDS.days = {
  weight = 0.8, roles = { date = true },
  draw = function(draw, attribute, rows)
    local a, b = day_of(draw, attribute, rows), day_of(draw, attribute, rows)
    if not a or not b or a == b then return nil end
    if a > b then a, b = b, a end
    return { a, b, is_stamp(attribute) and dates.plus(b, 1) or nil }
  end,
  holds = function(values, value) return inside(values[1], dates.plus(values[2], 1), value) end,
  sql = function(values, expr)
    if values[3] then return span(values[1], values[3], expr) end
    return ("%s BETWEEN %s AND %s"):format(expr, date_literal(values[1]), date_literal(values[2]))
  end,
  is = function(values)
    return ("is from %s to %s, both days included"):format(dates.spoken(values[1]), dates.spoken(values[2]))
  end,
  noun = function(values)
    return ("from %s to %s, both days included"):format(dates.spoken(values[1]), dates.spoken(values[2]))
  end,
}

local LENGTHS = { 7, 10, 14, 30, 60, 90, 100 }

KINDS.within = {
  weight = 0.8, roles = { date = true },
  draw = function(draw, attribute, rows)
    local day, n = day_of(draw, attribute, rows), draw:pick(LENGTHS)
    return day and { day, n, dates.plus(day, n) }
  end,
  holds = function(values, value) return inside(values[1], values[3], value) end,
  sql = function(values, expr)
    return ("%s >= DATE %s AND %s < DATE %s + INTERVAL '%d days'"):format(expr, date_literal(values[1]), expr,
      date_literal(values[1]), values[2])
  end,
  is = function(values) return ("is in the %d days that begin on %s"):format(values[2], dates.spoken(values[1])) end,
  noun = function(values) return ("in the %d days that begin on %s"):format(values[2], dates.spoken(values[1])) end,
}

--- --- lists ---------------------------------------------------------------------------------------

KINDS.has = {
  weight = 2, roles = { array = true },
  draw = function(draw, attribute, rows)
    local list = draw:pick(rows)[attribute.at]
    local value = type(list) == "table" and draw:pick(list)
    return type(value) == "string" and sayable(value) and { value, draw:chance(0.5) } or nil
  end,
  holds = function(values, list)
    for _, one in ipairs(type(list) == "table" and list or {}) do
      if one == values[1] then return true end
    end
    return false
  end,
  sql = function(values, expr)
    if values[2] then return ("%s = ANY (%s)"):format(literal(values[1]), expr) end
    return ("%s @> ARRAY[%s]"):format(expr, literal(values[1]))
  end,
  among = function(values) return quoted(values[1]) end,
}

return kinds
