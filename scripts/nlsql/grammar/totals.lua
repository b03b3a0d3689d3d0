--- totals: aggregates, whole and by group: HAVING, the first few groups, CASE, shares.

local conditions = require "nlsql.grammar.conditions"
local english = require "nlsql.grammar.english"
local growth = require "nlsql.grammar.growth"
local select = require "nlsql.grammar.select"
local words = require "nlsql.grammar.words"

--- The measure as a column of the result; `measure.column` is its name from now on.
local function column(g, measure)
  local name = english.measure_column(measure, g.base.entity.noun)
  local unique, n = name, 1
  while g.names[unique] do
    n = n + 1
    unique = name .. "_" .. n
  end
  g.names[unique] = true
  measure.column = unique
  return ("%s AS %s"):format(growth.measure(measure), unique)
end

local function rounding(measures)
  for _, measure in ipairs(measures) do
    if measure.round then return " Round to two decimals." end
  end
  return ""
end

--- Measures that differ: one, sometimes two.
local function measures_of(g)
  local first = g:measure()
  local list = { first }
  if first and g.draw:chance(0.25) then
    local second = g:measure { avg = true, sum = true, min = true, max = true, count = first.fn ~= "count" }
    if second then table.insert(list, second.fn == "count" and 1 or 2, second) end
  end
  return list
end

local function said(g, measures, nouns)
  if measures[1].fn == "count" then
    local text = "the number of " .. nouns
    return measures[2] and ("%s and their %s"):format(text, english.measure(measures[2], "")) or text
  end
  local parts = {}
  for i, measure in ipairs(measures) do parts[i] = "the " .. english.measure(measure, g.base.entity.nouns) end
  return words.all(parts) .. " of " .. nouns
end

local CATEGORIES = { category = true }

local function aggregate(g)
  local measures = measures_of(g)
  local first = measures[1]
  if first and first.fn == "count" and #measures == 1 and g.draw:chance(0.3) then
    local attribute = g:take(CATEGORIES, { filled = true })
    if attribute then measures = { { fn = "distinct", attribute = attribute } } end
    first = measures[1]
  end
  if not first or not g:filters(2) then return nil end
  local columns = {}
  for i, measure in ipairs(measures) do columns[i] = column(g, measure) end
  local s = { columns = columns, from = g:from(), where = g:where() }
  local question
  if #measures == 1 and first.fn == "count" then
    local nouns = g:nouns()
    question = #g.conditions > 0 and g.draw:chance(0.5)
      and ("How many %s %s?"):format(g.base.entity.nouns, english.verbs(g.conditions))
      or g.draw:pick { "How many %s are there?", "Count the %s.", "What is the number of %s?" }:format(nouns)
  elseif first.fn == "distinct" then
    question = g.draw:pick { "How many different %s are there among %s?", "Count the distinct %s among %s." }
      :format(words.plural(english.name(first.attribute)), g:nouns())
  else
    question = first.fn ~= "count" and g.draw:pick { "What %s %s?", "Find %s.", "Compute %s." } or "Find %s."
    question = question:find("^What") and question:format(#measures > 1 and "are" or "is", said(g, measures, g:nouns()))
      or question:format(said(g, measures, g:nouns()))
  end
  return select.text(s), question .. rounding(measures)
end

--- --- groups --------------------------------------------------------------------------------------

local function plus(list, more)
  local out = table.move(list, 1, #list, 1, {})
  return table.move(more, 1, #more, #out + 1, out)
end

--- A threshold that some groups reach, from the values that the groups have: HAVING's text and words.
local function having(g, s, measure)
  local counted = growth.measure { fn = measure.fn, attribute = measure.attribute }
  local inner = select.text { columns = { counted .. " AS m" }, from = s.from, where = s.where, group = s.group }
  local share = g.draw:chance(0.75) and 0.7 or 0.3
  local row = g:ask(("SELECT percentile_disc(%s) WITHIN GROUP (ORDER BY m), min(m), max(m) FROM (%s) AS q"):format(share, inner))[1]
  local at, low, high = tonumber(row[1]), tonumber(row[2]), tonumber(row[3])
  if not at or low == high then return nil end
  local up = share > 0.5
  if measure.fn ~= "count" then -- a round number on the side where groups are
    local step = 10 ^ (math.floor(math.log(math.max(math.abs(at), 1e-9), 10)) - 1)
    at = (up and math.floor(at / step) or math.ceil(at / step)) * step
    if step < 1 then at = tonumber(("%.4f"):format(at)) end
  elseif at == low and up then
    at = at + 1
    if at > high then return nil end
  end
  local value = conditions.number(at)
  return ("%s %s %s"):format(counted, up and ">=" or "<=", value), up and "at least" or "at most", value
end

local function only_groups(g, group, measure, word, value)
  if measure.fn == "count" then
    local such = #g.conditions > 0 and "such " or ""
    return g.draw:pick { " Only include %s with %s %s %s%s.", " Keep only %s with %s %s %s%s." }:format(group.nouns, word, value,
      such, value == "1" and g.base.entity.noun or g.base.entity.nouns)
  end
  return (" Only include %s where the %s is %s %s."):format(group.nouns, english.measure(measure, ""), word, value)
end

local function ordering(g, s, group, measures)
  local measure = measures[1]
  if g.draw:chance(0.5) then
    local down = g.draw:chance(0.7)
    s.order = plus({ measure.column .. (down and " DESC" or "") }, group.order)
    return (", sorted by %s %s and then by %s"):format(measure.fn == "count" and "that number"
      or "the " .. english.measure(measure, g.base.entity.nouns),
      english.direction(measure.attribute and measure.attribute.role or "number", down), group.ties)
  end
  s.order = group.order
  return ", sorted by " .. group.ties
end

local function group(g)
  local by = g:group()
  local second = by and by.attribute and g.draw:chance(0.15) and g:group("attribute")
  local measures = by and measures_of(g)
  if not by or not measures[1] or not g:filters(2) then return nil end
  local s = { columns = by.columns, by = by, from = g:from(), where = g:where(), group = by.by }
  local each = by.noun
  if second then
    s.columns, s.group = plus(s.columns, second.columns), plus(s.group, second.by)
    each = each .. " and " .. second.noun
  end
  local before = #s.columns
  for _, measure in ipairs(measures) do s.columns = plus(s.columns, { column(g, measure) }) end
  local nouns = g:nouns()
  local wanted = said(g, measures, nouns)
  local question
  if #measures == 1 and measures[1].fn == "count" then
    question = g.draw:pick { "How many %s are there for each %s", "For each %s, count the %s", "Show the number of %s per %s" }
    question = question:find("^For") and question:format(each, nouns) or question:format(nouns, each)
  else
    question = g.draw:pick { "For each %s, show %s", "Show %s per %s", measures[1].fn ~= "count"
      and "What %s %s for each %s" or "Show %s for each %s" }
    question = question:find("^For") and question:format(each, wanted)
      or question:find("^What") and question:format(#measures > 1 and "are" or "is", wanted, each)
      or question:format(wanted, each)
  end
  local asks = question:find("^How") or question:find("^What")
  local tail = ""
  if not second then
    local measure = measures[1]
    if g.draw:chance(0.3) and (not measure.attribute or measure.attribute.role == "number") then
      local text, word, value = having(g, s, measure)
      if not text then return nil end
      s.having = text
      tail = only_groups(g, by, measure, word, value)
    elseif g.draw:chance(0.4) then
      s.ordered = true
    end
    if s.ordered and before == #by.columns then
      local order = ordering(g, s, by, measures)
      question = asks and question .. "? Show the result" .. order:sub(2):gsub("^sorted", " sorted") .. "." or question .. order .. "."
      return select.text(s), question .. by.identify .. rounding(measures)
    end
  end
  question = question .. (asks and "?" or ".")
  return select.text(s), question .. tail .. by.identify .. rounding(measures)
end

local COUNTS = { 1, 1, 3, 3, 5, 5, 10 }

local function top_group(g)
  local by = g:group()
  local measure = by and g:measure { count = true, sum = true, avg = true }
  if not measure or not g:filters(1) then return nil end
  local n, down = g.draw:pick(COUNTS), g.draw:chance(0.8)
  local s = { columns = plus(by.columns, { column(g, measure) }), from = g:from(), where = g:where(), group = by.by, limit = n }
  s.order = plus({ measure.column .. (down and " DESC" or "") }, by.order)
  local which, nouns = n == 1 and by.noun .. " has" or ("%d %s have"):format(n, by.nouns), g:nouns()
  local what
  if measure.fn == "count" then
    what = ("the %s %s"):format(down and "most" or "fewest", nouns)
    if not down then what = what .. ", counting only those that have any" end
  else
    what = ("the %s %s of %s"):format(down and "highest" or "lowest", english.measure(measure, nouns), nouns)
  end
  local question = g.draw:pick { "Which %s %s? Show the %s and the %s.", "Find which %s %s, and show the %s and the %s." }
    :format(which, what, by.shown, english.measure(measure, g.base.entity.nouns))
  return select.text(s), question .. rounding { measure } .. " " .. english.ties(g.draw, by.ties)
end

--- --- shares and classes --------------------------------------------------------------------------

local function share(g)
  local by = g.draw:chance(0.4) and g:group() or nil
  local filtered = g.draw:chance(0.5) and g:filter()
  if not g:cover() then return nil end
  local filters = #g.conditions
  -- what a group's table says is the same for all its rows
  local part = g:filter(by and by.node and g:rest(by.node) or nil)
  if not part or (by and not filtered and filters > 1) then return nil end
  table.remove(g.conditions) -- it is no filter of the rows that are counted
  g:present(part.attribute.node)
  local outer = g.conditions
  local that = english.that(outer)
  local _, verb = english.condition(part)
  local s = { from = g:from(), where = g:where(outer), columns = by and by.columns or {}, group = by and by.by }
  s.columns = plus(s.columns, { ("round(100.0 * count(*) FILTER (WHERE %s) / count(*), 1) AS percentage")
    :format(conditions.sql(part)) })
  local nouns = g.base.entity.nouns .. that
  local question
  if by then
    question = g.draw:pick { "For each %s, what percentage of the %s %s? Round to one decimal.",
      "For each %s, show which percentage of the %s %s, rounded to one decimal." }:format(by.noun, nouns, verb)
    question = question .. by.identify
  else
    question = g.draw:pick { "What percentage of the %s %s? Round to one decimal.",
      "Of all %s, which percentage %s? Round to one decimal." }:format(nouns, verb)
  end
  return select.text(s), question
end

local NUMBERS = { number = true }

--- Values at thirds of the sorted values.
local function thirds(g, attribute)
  local values = {}
  for _, row in ipairs(g.rows) do
    local value = row[attribute.at]
    if value and #conditions.number(value) <= 8 then values[#values + 1] = value end
  end
  table.sort(values)
  local low, high = values[#values // 3 + 1], values[2 * #values // 3 + 1]
  if #values < 6 or not high or low >= high or low <= values[1] then return nil end
  return low, high
end

local CLASSES = { { "low", "medium", "high" }, { "small", "medium", "large" } }

local function case(g)
  local attribute = g:take(NUMBERS, { own = true, filled = true })
  local low, high
  if attribute then low, high = thirds(g, attribute) end
  if not low or not g:filters(2) then return nil end
  local a, b, names = conditions.number(low), conditions.number(high), g.draw:pick(CLASSES)
  local measure = g.draw:chance(0.7) and { fn = "count" } or g:measure { avg = true, sum = true }
  if not measure then return nil end
  local classes = ("CASE WHEN %s < %s THEN '%s' WHEN %s < %s THEN '%s' ELSE '%s' END"):format(attribute.expr, a, names[1],
    attribute.expr, b, names[2], names[3])
  local name = english.column(attribute.phrase) .. "_class"
  local s = { columns = { classes .. " AS " .. name, column(g, measure) }, from = g:from(), where = g:where(), group = { classes } }
  if g.draw:chance(0.5) then s.group = { "1" } end
  local bounds = ("'%s' below %s, '%s' from %s to below %s, '%s' from %s on"):format(names[1], a, names[2], a, b, names[3], b)
  local question
  if measure.fn == "count" then
    question = g.draw:pick { "Sort the %s into classes by %s (%s) and count each class.",
      "How many %s fall into each class of %s: %s?" }:format(g:nouns(), english.name(attribute), bounds)
  else
    question = ("Sort the %s into classes by %s (%s). What is the %s of each class?"):format(g:nouns(), english.name(attribute),
      bounds, english.measure(measure, g.base.entity.nouns)) .. rounding { measure }
  end
  return select.text(s), question
end

return {
  { name = "aggregate", weight = 3, make = aggregate },
  { name = "group", weight = 5, make = group },
  { name = "top_group", weight = 3, make = top_group },
  { name = "share", weight = 1.2, make = share },
  { name = "case", weight = 0.8, make = case },
}
