--- totals: aggregates, over all rows and by group: HAVING, orders, the first few groups.

local english = require "nlsql.grammar.english"
local kinds = require "nlsql.grammar.kinds"
local pieces = require "nlsql.grammar.pieces"
local select = require "nlsql.grammar.select"
local words = require "nlsql.grammar.words"

--- Measures that differ: one, sometimes two; a count first.
local function measures_of(g)
  local first = g:measure()
  local list = { first }
  if first and g.draw:chance(0.25) then
    local second = g:measure { avg = true, sum = true, min = true, max = true, count = first.fn ~= "count" }
    if second then table.insert(list, second.fn == "count" and 1 or 2, second) end
  end
  return list
end

--- "the number of orders that …", "the average price of products that …".
local function said(g, measures)
  local nouns = g:nouns()
  if measures[1].fn == "count" then
    local text = "the number of " .. nouns
    return measures[2] and ("%s and their %s"):format(text, english.measure(measures[2], "")) or text
  end
  local parts = {}
  for i, measure in ipairs(measures) do parts[i] = "the " .. english.measure(measure, g.base.entity.nouns) end
  return words.all(parts) .. " of " .. nouns
end

local function is_or_are(measures) return #measures > 1 and "are" or "is" end

--- --- of all rows ---------------------------------------------------------------------------------

local function ask_whole(g, measures)
  local draw, nouns, first = g.draw, g:nouns(), measures[1]
  if #measures == 1 and first.fn == "count" then
    local verbs = #g.conditions > 0 and draw:chance(0.5) and english.verbs(g.conditions)
    if verbs then return ("How many %s %s?"):format(g.base.entity.nouns, verbs) end
    return draw:pick { "How many %s are there?", "Count the %s.", "What is the number of %s?" }:format(nouns)
  elseif first.fn == "distinct" then
    return draw:pick { "How many different %s are there among %s?", "Count the distinct %s among %s." }:format(
      words.plural(english.name(first.attribute)), nouns)
  end
  local what = said(g, measures)
  local frames = { ("Find %s."):format(what), ("Show %s."):format(what) }
  if first.fn ~= "count" then frames[3] = ("What %s %s?"):format(is_or_are(measures), what) end
  return draw:pick(frames)
end

local CATEGORIES = { category = true }

local function aggregate(g)
  local measures = measures_of(g)
  if not measures[1] then return nil end
  if #measures == 1 and measures[1].fn == "count" and g.draw:chance(0.3) then
    local attribute = g:take(CATEGORIES, { filled = true })
    if attribute then measures = { { fn = "distinct", attribute = attribute } } end
  end
  if not g:filters(2) then return nil end
  local s = { columns = g:measured(measures), from = g:from(), where = g:where() }
  return select.text(s), ask_whole(g, measures) .. english.rounding(measures)
end

--- --- by group ------------------------------------------------------------------------------------

local function ask_each(g, each, measures)
  local draw, nouns = g.draw, g:nouns()
  if #measures == 1 and measures[1].fn == "count" then
    return draw:pick {
      ("How many %s are there for each %s?"):format(nouns, each),
      ("For each %s, count the %s."):format(each, nouns),
      ("Show the number of %s per %s."):format(nouns, each),
    }
  end
  local what = said(g, measures)
  local frames = { ("For each %s, show %s."):format(each, what), ("Show %s per %s."):format(what, each) }
  if measures[1].fn ~= "count" then frames[3] = ("What %s %s for each %s?"):format(is_or_are(measures), what, each) end
  return draw:pick(frames)
end

--- A round number at or below (above) a value: 2345 → 2300.
local function rounded(value, up)
  local step = 10 ^ (math.floor(math.log(math.max(math.abs(value), 1e-9), 10)) - 1)
  local near = (up and math.floor(value / step) or math.ceil(value / step)) * step
  return step < 1 and tonumber(("%.4f"):format(near)) or near
end

--- Keeps some of the groups, by a bound that lies among their values: HAVING's text and a sentence;
--- nil where all groups are alike.
local function keep_some(g, s, group, measure)
  local counted = pieces.measure { fn = measure.fn, attribute = measure.attribute }
  local inner = select.text { columns = { counted .. " AS m" }, from = s.from, where = s.where, group = s.group }
  local up = g.draw:chance(0.75)
  local row = g:ask(("SELECT percentile_disc(%s) WITHIN GROUP (ORDER BY m), min(m), max(m) FROM (%s) AS q"):format(
    up and 0.7 or 0.3, inner))[1]
  local bound, low, high = tonumber(row[1]), tonumber(row[2]), tonumber(row[3])
  if not bound or low == high then return nil end
  if measure.fn ~= "count" then
    bound = rounded(bound, up)
  elseif up and bound == low then
    bound = bound + 1
  end
  local value, word = kinds.number(bound), up and "at least" or "at most"
  local text = ("%s %s %s"):format(counted, up and ">=" or "<=", value)
  if measure.fn ~= "count" then
    return text, (" Only include %s where the %s is %s %s."):format(group.nouns, english.measure(measure, ""), word, value)
  end
  local such = (#g.conditions > 0 and "such " or "") .. (bound == 1 and g.base.entity.noun or g.base.entity.nouns)
  local frame = g.draw:pick { " Only include %s with %s %s %s.", " Keep only %s with %s %s %s." }
  return text, frame:format(group.nouns, word, value, such)
end

--- An order of the groups that leaves no ties: ORDER BY's list and a sentence.
local function sort(g, group, measure)
  if g.draw:chance(0.5) then return group.order, (" Sort the result by %s."):format(group.ties) end
  local down = g.draw:chance(0.7)
  local what = measure.fn == "count" and "that number" or "the " .. english.measure(measure, "")
  local direction = english.direction(measure.attribute and measure.attribute.role or "number", down)
  return pieces.plus({ measure.column .. (down and " DESC" or "") }, group.order),
    (" Sort the result by %s %s and then by %s."):format(what, direction, group.ties)
end

local function group(g)
  local by = g:group()
  local second = by and by.attribute and g.draw:chance(0.15) and g:group("attribute") or nil
  local measures = by and measures_of(g)
  if not by or not measures[1] or not g:filters(2) then return nil end
  local s = { columns = by.columns, from = g:from(), where = g:where(), group = by.by }
  local each, ending = by.noun, ""
  if second then
    s.columns, s.group = pieces.plus(s.columns, second.columns), pieces.plus(s.group, second.by)
    each = each .. " and " .. second.noun
  end
  s.columns = pieces.plus(s.columns, g:measured(measures))
  local measure = measures[1]
  local is_number = not measure.attribute or measure.attribute.role == "number"
  if not second and is_number and g.draw:chance(0.3) then
    s.having, ending = keep_some(g, s, by, measure)
    if not s.having then return nil end
  elseif not second and g.draw:chance(0.3) then
    s.order, ending = sort(g, by, measure)
  end
  return select.text(s), ask_each(g, each, measures) .. ending .. by.identify .. english.rounding(measures)
end

local COUNTS = { 1, 1, 3, 3, 5, 5, 10 }

local function top_group(g)
  local by = g:group()
  local measure = by and g:measure { count = true, sum = true, avg = true }
  if not measure or not g:filters(1) then return nil end
  local n, down = g.draw:pick(COUNTS), g.draw:chance(0.8)
  local s = { columns = pieces.plus(by.columns, g:measured { measure }), from = g:from(), where = g:where(), group = by.by,
    limit = n }
  s.order = pieces.plus({ measure.column .. (down and " DESC" or "") }, by.order)
  local nouns = g:nouns()
  local which = n == 1 and by.noun .. " has" or ("%d %s have"):format(n, by.nouns)
  local what = ("the %s %s of %s"):format(down and "highest" or "lowest", english.measure(measure, nouns), nouns)
  if measure.fn == "count" then
    what = down and "the most " .. nouns or ("the fewest %s, counting only those that have any"):format(nouns)
  end
  local shown = ("the %s and the %s"):format(by.shown, english.measure(measure, g.base.entity.nouns))
  local question = g.draw:pick {
    ("Which %s %s? Show %s."):format(which, what, shown), ("Find which %s %s, and show %s."):format(which, what, shown),
  }
  return select.text(s), question .. english.rounding { measure } .. " " .. english.ties(g.draw, by.ties)
end

return {
  { name = "aggregate", weight = 3, make = aggregate },
  { name = "group", weight = 5, make = group },
  { name = "top_group", weight = 3, make = top_group },
}
