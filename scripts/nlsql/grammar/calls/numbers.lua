--- Calls of functions on numbers: ROUND, CEIL, FLOOR, MOD, ABS.

local catalog = require "nlsql.catalog"
local english = require "nlsql.grammar.english"
local frames = require "nlsql.grammar.frames"
local kinds = require "nlsql.grammar.kinds"
local pieces = require "nlsql.grammar.pieces"
local select = require "nlsql.grammar.select"
local words = require "nlsql.grammar.words"

local NUMBERS, ANY_NUMBERS = { number = true }, { number = true, year = true }

local function is_whole(value) return value == math.floor(value) end

--- Has some value a fraction?
local function has_fractions(g, a)
  for _, value in ipairs(frames.values(g, a)) do
    if not is_whole(value) then return true end
  end
  return false
end

--- The attribute as an exact number: there is no round(double precision, integer).
local function exact(a) return pieces.exact(a, a.expr) end

--- --- ROUND, CEIL, FLOOR ----------------------------------------------------------------------------

local DIGITS = { [0] = "to a whole number", "to one decimal", "to two decimals" }

local function rounded(g)
  local a = frames.take(g, NUMBERS)
  if not a or not has_fractions(g, a) then return nil end
  local digits, name = g.draw:int(2) - 1, english.name(a)
  local expr = digits == 0 and ("round(%s)"):format(exact(a)) or ("round(%s, %d)"):format(exact(a), digits)
  return frames.list(g, { attribute = a, expr = expr, column = "rounded " .. name,
    said = ("the %s rounded %s"):format(name, DIGITS[digits]) })
end

--- A step to round to, by how large the values are; 1 where they have fractions, nil where nothing does.
local function step_for(g, a)
  local values = frames.values(g, a)
  local high = math.abs(values[math.ceil(#values * 0.8)] or 0)
  local able = has_fractions(g, a) and { 1 } or {}
  for _, bound in ipairs { { 4000, 1000 }, { 400, 100 }, { 200, 50 }, { 40, 10 }, { 20, 5 }, { 5, 2 } } do
    if high > bound[1] then
      able[#able + 1] = bound[2]
      if #able >= 2 then break end
    end
  end
  return g.draw:pick(able)
end

local function stepped(fn, way)
  return function(g)
    local a = frames.take(g, NUMBERS)
    local step = a and step_for(g, a)
    if not step then return nil end
    local name = english.name(a)
    local expr = step == 1 and ("%s(%s)"):format(fn, a.expr) or ("%s(%s / %d.0) * %d"):format(fn, a.expr, step, step)
    local to = step == 1 and "a whole number" or ("a multiple of %d"):format(step)
    return frames.list(g, { attribute = a, expr = expr, column = name .. " rounded " .. way,
      said = ("the %s rounded %s to %s"):format(name, way, to) })
  end
end

--- Values beyond which whole numbers are too fine to count by.
local MOST_BANDS = 40

local function banded(fn, way)
  return function(g)
    local a = frames.take(g, NUMBERS, { filled = true })
    local step = a and step_for(g, a)
    if not step or (step == 1 and #frames.values(g, a) > MOST_BANDS) then return nil end
    local name = english.name(a)
    local expr = step == 1 and ("%s(%s)"):format(fn, a.expr) or ("%s(%s / %d.0) * %d"):format(fn, a.expr, step, step)
    local to = step == 1 and "a whole number" or ("a multiple of %d"):format(step)
    return frames.groups(g, { attribute = a, expr = expr, column = name .. " rounded " .. way,
      noun = ("%s rounded %s to %s"):format(name, way, to) })
  end
end

--- The average, rounded up or down.
local function average(fn, way)
  return function(g)
    local a = frames.take(g, NUMBERS)
    if not a or not g:filters(1) or not frames.occurs(g, a) then return nil end
    local name = english.name(a)
    local column = frames.column(g, ("%s(avg(%s))"):format(fn, a.expr), "average " .. name)
    return select.text { columns = { column }, from = g:from(), where = g:where() },
      ("What is the average %s of %s, rounded %s to a whole number?"):format(name, g:nouns(), way)
  end
end

--- --- MOD -------------------------------------------------------------------------------------------

local WHOLE = { integer = true, bigint = true, smallint = true }

--- The key of the base where it is one whole number.
local function key_of(g)
  local entity = g.base.entity
  if #entity.key ~= 1 then return nil end
  for _, column in ipairs(entity.table.columns) do
    if column.name == entity.key[1] and WHOLE[column.base_type] then
      return { name = column.name, phrase = entity.noun .. " ID", role = "key", expr = pieces.column(g.base, column.name),
        sql = catalog.quote(column.name), type = column.base_type, node = g.base }
    end
  end
end

local function whole_of(g)
  local a = frames.take(g, ANY_NUMBERS, { filled = true, test = function(one) return WHOLE[one.type] == true end })
  for _, value in ipairs(a and frames.values(g, a) or {}) do
    if value < 0 then return nil end -- remainders below zero are said of few
  end
  return a or key_of(g)
end

local DIVISORS = { 2, 2, 3, 4, 5, 7, 10 }

local function divided(g)
  local a = whole_of(g)
  if not a then return nil end
  local n = g.draw:pick(DIVISORS)
  local rest = g.draw:chance(0.6) and 0 or g.draw:int(n) - 1
  local kind = {
    values = { n, rest },
    holds = a.at and function(values, value) return math.tointeger(value) ~= nil and value % values[1] == values[2] end or nil,
    sql = function(values, expr) return ("mod(%s, %d) = %d"):format(expr, values[1], values[2]) end,
    is = function(values)
      if values[1] == 2 then return values[2] == 0 and "is even" or "is odd" end
      if values[2] == 0 then return "is divisible by " .. values[1] end
      return ("is %d more than a multiple of %d"):format(values[2], values[1])
    end,
  }
  return frames.ask_of(g, a, kind)
end

local function remainders(g)
  local a = whole_of(g)
  if not a then return nil end
  local n = g.draw:pick { 2, 3, 4, 5, 10 }
  local name = english.name(a)
  return frames.groups(g, { attribute = a.at and a or nil, expr = ("mod(%s, %d)"):format(a.expr, n), column = "remainder",
    noun = ("remainder of the %s when it is divided by %d"):format(name, n) })
end

local function remainder_shown(g)
  local a = whole_of(g)
  if not a then return nil end
  local n, name = g.draw:pick(DIVISORS), english.name(a)
  return frames.list(g, { attribute = a.at and a or nil, expr = ("mod(%s, %d)"):format(a.expr, n), column = "remainder",
    said = ("the remainder of the %s when it is divided by %d"):format(name, n) })
end

--- --- ABS -------------------------------------------------------------------------------------------

--- A value that occurs about the middle of all.
local function middle(g, a)
  local values = frames.values(g, a, function(v) return #kinds.number(v) <= 8 and not kinds.number(v):find("e", 1, true) end)
  if #values < 4 then return nil end
  return values[math.ceil(#values * (0.3 + 0.4 * g.draw:real()))]
end

local function distance(a, value)
  local text = kinds.number(value)
  return ("abs(%s %s %s)"):format(a.type == "real" and exact(a) or a.expr, value < 0 and "+" or "-", (text:gsub("^%-", "")))
end

local function difference(g)
  local a = frames.take(g, NUMBERS)
  local value = a and middle(g, a)
  if not value then return nil end
  local name = english.name(a)
  return frames.list(g, { attribute = a, expr = distance(a, value), column = name .. " difference",
    said = ("the absolute difference between the %s and %s"):format(name, kinds.number(value)) })
end

local COUNTS = { 1, 3, 5, 5, 10 }

local function closest(g)
  local a = frames.take(g, NUMBERS, { filled = true })
  local value, order, ties = a and middle(g, a), pieces.row_order(g.base)
  if not value or not order then return nil end
  local columns, said = frames.label(g)
  local is_label = false
  for _, one in ipairs(g.base.label) do is_label = is_label or one == a end
  if not is_label then
    columns[#columns + 1] = g:output(a)
    said[#said + 1] = "the " .. english.name(a)
  end
  if not g:filters(1) or #columns == 0 then return nil end
  local n, name = g.draw:pick(COUNTS), english.name(a)
  local s = { columns = columns, from = g:from(), where = g:where(), limit = n,
    order = pieces.plus({ distance(a, value) }, order) }
  local which = n == 1 and ("the %s whose %s is"):format(g.base.entity.noun, name)
    or ("the %d %s whose %s is"):format(n, g.base.entity.nouns, name)
  local only = #g.conditions > 0 and (", only counting %s"):format(g:nouns()) or ""
  return select.text(s), ("Show %s of %s closest to %s%s. %s"):format(words.all(said), which, kinds.number(value), only,
    english.ties(g.draw, ties))
end

local function near(g)
  local a = frames.take(g, NUMBERS)
  local value = a and middle(g, a)
  if not value or a.type == "double precision" then return nil end
  local values = frames.values(g, a)
  local reach = math.max(1, math.floor(math.abs(values[#values] - values[1]) / (4 + 6 * g.draw:real())))
  local kind = {
    values = { value, reach },
    holds = function(v, other) return math.abs(other - v[1]) <= v[2] end,
    sql = function(v) return ("%s <= %d"):format(distance(a, v[1]), v[2]) end,
    is = function(v) return ("is within %d of %s"):format(v[2], kinds.number(v[1])) end,
  }
  return frames.ask_of(g, a, kind)
end

return {
  round = { { 3, rounded }, { 2, frames.measured("avg", "group") }, { 1, frames.measured("avg", "aggregate") },
    { 1, frames.measured("avg", "top_group") } },
  ceil = { { 3, stepped("ceil", "up") }, { 1.5, banded("ceil", "up") }, { 1, average("ceil", "up") } },
  floor = { { 2, stepped("floor", "down") }, { 3, banded("floor", "down") }, { 1, average("floor", "down") } },
  mod = { { 4, divided }, { 2, remainders }, { 1, remainder_shown } },
  abs = { { 3, difference }, { 3, closest }, { 2, near } },
}
