--- Calls of functions on text: LOWER, UPPER, LENGTH, SUBSTRING, TRIM, REPLACE, CONCAT.

local english = require "nlsql.grammar.english"
local frames = require "nlsql.grammar.frames"
local kinds = require "nlsql.grammar.kinds"
local pieces = require "nlsql.grammar.pieces"
local select = require "nlsql.grammar.select"

local take, is_text, TEXTS = frames.take, frames.is_text, frames.TEXTS

local function text_of(g, wish)
  wish = wish or {}
  return take(g, TEXTS, { filled = wish.filled, test = function(a) return is_text(a) and (not wish.test or wish.test(a)) end })
end

--- Letters that every locale and program writes large and small alike.
local function is_plain(value) return kinds.sayable(value) and not value:find("[\128-\255]") and value:find("%a") ~= nil end

--- --- case ----------------------------------------------------------------------------------------

local function shown_in(fn, words_for)
  return function(g)
    local a = text_of(g)
    if not a then return nil end
    local name = english.name(a)
    return frames.list(g, { attribute = a, expr = ("%s(%s)"):format(fn, a.expr), column = name .. " " .. words_for,
      said = ("the %s in %s"):format(name, words_for) })
  end
end

local function compared_in(fn, change, words_for)
  return function(g)
    local a = text_of(g)
    local value = a and g.draw:pick(frames.values(g, a, is_plain))
    if not value then return nil end
    local wanted = change(value)
    local kind = {
      values = { wanted },
      holds = function(values, other) return change(other) == values[1] end,
      sql = function(values, expr) return ("%s(%s) = %s"):format(fn, expr, kinds.text(values[1])) end,
      is = function(values) return ("is %s when it is written in %s"):format(kinds.quoted(values[1]), words_for) end,
    }
    return frames.ask_of(g, a, kind)
  end
end

--- --- length ----------------------------------------------------------------------------------------

local function length_shown(g)
  local a = text_of(g)
  if not a then return nil end
  local name = english.name(a)
  return frames.list(g, { attribute = a, expr = ("length(%s)"):format(a.expr), column = name .. " length",
    said = ("the number of characters of the %s"):format(name) })
end

local function lengths(g, a)
  local seen, out = {}, {}
  for _, value in ipairs(frames.values(g, a)) do
    local n = utf8.len(value)
    if n and n < 150 and not seen[n] then
      seen[n] = true
      out[#out + 1] = n
    end
  end
  table.sort(out)
  return out
end

local function length_compared(g)
  local a = text_of(g)
  local all = a and lengths(g, a) or {}
  if #all < 3 then return nil end
  local longer = g.draw:chance(0.6)
  local bound = all[math.max(2, math.ceil((longer and 0.6 or 0.5) * #all)) - (longer and 1 or 0)]
  local kind = {
    values = { bound },
    holds = function(values, value)
      local n = utf8.len(value) or 0
      if longer then return n > values[1] else return n < values[1] end
    end,
    sql = function(values, expr) return ("length(%s) %s %d"):format(expr, longer and ">" or "<", values[1]) end,
    is = function(values) return ("is %s than %d characters"):format(longer and "longer" or "shorter", values[1]) end,
  }
  return frames.ask_of(g, a, kind)
end

local function average_length(g)
  local a = text_of(g)
  if not a or not g:filters(1) or not frames.occurs(g, a) then return nil end
  local name = english.name(a)
  local column = frames.column(g, ("round(avg(length(%s)), 2)"):format(a.expr), "average " .. name .. " length")
  return select.text { columns = { column }, from = g:from(), where = g:where() },
    ("How many characters does the %s of %s have on average? Round to two decimals."):format(name, g:nouns())
end

--- --- parts -----------------------------------------------------------------------------------------

local COUNTED = { "first character", "first two characters", "first three characters", "first four characters" }

--- The first `n` characters, as SQL with a place for the text.
local function start_of(g, n)
  return (g.draw:chance(0.5) and "substring(%%s FROM 1 FOR %d)" or "substring(%%s, 1, %d)"):format(n)
end

local function part_shown(g)
  local a = text_of(g)
  if not a then return nil end
  local n, name = g.draw:int(3) + 1, english.name(a)
  return frames.list(g, { attribute = a, expr = start_of(g, n):format(a.expr), column = name .. " start",
    said = ("the %s of the %s"):format(COUNTED[n], name) })
end

local function part_counted(g)
  local a = text_of(g, { filled = true })
  if not a then return nil end
  local make = g.draw:chance(0.75) and frames.groups or frames.distinct
  return make(g, { attribute = a, expr = start_of(g, 1):format(a.expr), column = "first character",
    noun = "first character of the " .. english.name(a) })
end

local function part_compared(g)
  local a = text_of(g)
  local value = a and g.draw:pick(frames.values(g, a, function(v) return v:find("^%u%l%l") ~= nil end))
  if not value then return nil end
  local start = value:match("^%u%l%l?%l?")
  local form = start_of(g, #start)
  local kind = {
    values = { start },
    holds = function(values, other) return other:sub(1, #values[1]) == values[1] end,
    sql = function(values, expr) return ("%s = %s"):format(form:format(expr), kinds.text(values[1])) end,
    is = function(values) return ("starts with '%s'"):format(values[1]) end,
    noun = function(values) return ("starting with '%s'"):format(values[1]) end,
  }
  return frames.ask_of(g, a, kind)
end

--- What stands behind the @ of e-mail addresses.
local function domain(g)
  local a = text_of(g, { filled = true, test = function(one) return one.name:lower():find("mail") ~= nil end })
  if not a then return nil end
  for _, value in ipairs(frames.values(g, a)) do
    local _, ats = value:gsub("@", "")
    if ats ~= 1 then return nil end
  end
  local name = english.name(a)
  local value = { attribute = a, expr = ("substring(%s FROM position('@' IN %s) + 1)"):format(a.expr, a.expr),
    column = name .. " domain", noun = ("part of the %s behind the '@'"):format(name) }
  return (g.draw:chance(0.7) and frames.groups or frames.distinct)(g, value)
end

--- --- trimmed, replaced -----------------------------------------------------------------------------

local SIDES = {
  { sql = "trim(%s)", said = "without spaces at its start and end" },
  { sql = "TRIM(BOTH FROM %s)", said = "without spaces at its start and end" },
  { sql = "TRIM(LEADING FROM %s)", said = "without spaces at its start" },
  { sql = "TRIM(TRAILING FROM %s)", said = "without spaces at its end" },
}

local function trimmed(g)
  local a = text_of(g)
  if not a then return nil end
  local side, name = g.draw:pick(SIDES), english.name(a)
  return frames.list(g, { attribute = a, expr = side.sql:format(a.expr), column = "trimmed " .. name,
    said = ("the %s %s"):format(name, side.said) })
end

local function trimmed_counted(g)
  local a = text_of(g, { filled = true, test = function(one) return one.role == "category" end })
  if not a then return nil end
  local side, name = g.draw:pick(SIDES), english.name(a)
  local value = { attribute = a, expr = side.sql:format(a.expr), column = "trimmed " .. name,
    noun = ("%s (taken %s)"):format(name, side.said) }
  return (g.draw:chance(0.7) and frames.groups or frames.distinct)(g, value)
end

local CHARACTERS = { { " ", "space" }, { "-", "hyphen" }, { ".", "full stop" }, { "@", "at sign" }, { ",", "comma" },
  { "/", "slash" }, { "_", "underscore" }, { "&", "ampersand" } }
local INSTEAD = { { "_", "an underscore" }, { "-", "a hyphen" }, { "", nil }, { " ", "a space" } }

--- A character that occurs in the values, and another to stand in its place.
local function replacement(g, a)
  local able = {}
  for _, one in ipairs(CHARACTERS) do
    for _, value in ipairs(frames.values(g, a)) do
      if value:find(one[1], 1, true) then
        able[#able + 1] = one
        break
      end
    end
  end
  local from = g.draw:pick(able)
  if not from then return nil end
  local to
  repeat to = g.draw:pick(INSTEAD) until to[1] ~= from[1]
  local said = to[2] and ("with every %s replaced by %s"):format(from[2], to[2]) or ("without any %s"):format(from[2])
  return ("replace(%%s, %s, %s)"):format(kinds.text(from[1]), kinds.text(to[1])), said
end

local function replaced(g)
  local a = text_of(g)
  local sql, said = nil, nil
  if a then sql, said = replacement(g, a) end
  if not sql then return nil end
  local name = english.name(a)
  return frames.list(g, { attribute = a, expr = sql:format(a.expr), column = "changed " .. name,
    said = ("the %s %s"):format(name, said) })
end

--- A word of the values, in all of them in place of another: 'Street' for 'St'.
local function word_replaced(g)
  local a = text_of(g)
  local word
  for _ = 1, 4 do
    local value = a and g.draw:pick(frames.values(g, a, is_plain))
    word = word or value and value:match("%f[%w]%a%a%a+%f[%W]")
  end
  if not word then return nil end
  local name = english.name(a)
  local to = g.draw:chance(0.5) and word:upper() ~= word and word:upper() or "X"
  return frames.list(g, { attribute = a, expr = ("replace(%s, '%s', '%s')"):format(a.expr, word, to),
    column = "changed " .. name, said = ("the %s with '%s' replaced by '%s'"):format(name, word, to) })
end

--- --- joined ----------------------------------------------------------------------------------------

local JOINED = { label = true, text = true, category = true, number = true, year = true }
local BETWEEN = { { " - ", "' - '" }, { ", ", "a comma and a space" }, { " ", "a space" }, { "/", "a slash" },
  { ": ", "': '" } }

--- Two or three columns in one; a key serves where there are too few others.
local function concat(g)
  local parts = {}
  for _, a in ipairs(g.base.label) do
    if (a.role == "key" or JOINED[a.role]) and #parts < 2 and g.draw:chance(0.8) then
      parts[#parts + 1] = a
      g.used[a] = true
    end
  end
  while #parts < 2 do
    local a = take(g, JOINED, { filled = true })
    if not a then return nil end
    parts[#parts + 1] = a
  end
  if #parts == 2 and g.draw:chance(0.3) then parts[3] = take(g, JOINED, { filled = true }) end
  local between = g.draw:pick(BETWEEN)
  local exprs, names = {}, {}
  for i, a in ipairs(parts) do exprs[i], names[i] = a.expr, "the " .. english.name(a) end
  local column = frames.column(g, ("concat(%s)"):format(table.concat(exprs, (", '%s', "):format(between[1]))), "joined text")
  if not g:filters(1) then return nil end
  local order, ending = nil, ""
  if g.draw:chance(0.4) then
    local list, ties = pieces.row_order(g.base)
    if list and #list > 0 then order, ending = list, (" Sort the result by %s."):format(ties) end
  end
  local query = select.text { columns = { column }, from = g:from(), where = g:where(), order = order }
  return query, ("For each of the %s, show %s as one text, joined by %s.%s"):format(g:nouns(), table.concat(names, ", then "),
    between[2], ending)
end

return {
  lower = { { 3, shown_in("lower", "lower case") }, { 3, compared_in("lower", string.lower, "lower case") } },
  upper = { { 3, shown_in("upper", "upper case") }, { 3, compared_in("upper", string.upper, "upper case") } },
  length = { { 2, length_shown }, { 3, length_compared }, { 1, average_length } },
  substring = { { 2, part_shown }, { 2, part_counted }, { 2, part_compared }, { 1, domain } },
  trim = { { 3, trimmed }, { 1, trimmed_counted } },
  replace = { { 3, replaced }, { 2, word_replaced } },
  concat = { { 1, concat } },
}
