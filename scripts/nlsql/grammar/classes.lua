--- classes: rows told apart by a condition: shares in percent, and CASE.

local conditions = require "nlsql.grammar.conditions"
local english = require "nlsql.grammar.english"
local kinds = require "nlsql.grammar.kinds"
local pieces = require "nlsql.grammar.pieces"
local select = require "nlsql.grammar.select"

local function share(g)
  g:reserve("percentage")
  local by = g.draw:chance(0.4) and g:group() or nil
  local filtered = g.draw:chance(0.5) and g:filter()
  if not g:cover() or (by and not filtered and #g.conditions > 0) then return nil end
  -- what a group's table says is the same for all its rows
  local part = g:filter(by and by.node and g:rest(by.node) or nil)
  if not part then return nil end
  table.remove(g.conditions) -- it is no filter of the rows that are counted
  g:present(part.attribute.node)
  local _, verb = english.condition(part)
  local percentage = ("round(100.0 * count(*) FILTER (WHERE %s) / count(*), 1) AS percentage"):format(conditions.sql(part))
  local s = { columns = pieces.plus(by and by.columns or {}, { percentage }), from = g:from(), where = g:where(),
    group = by and by.by }
  local nouns = g:nouns()
  local question
  if by then
    question = g.draw:pick {
      ("For each %s, what percentage of the %s %s? Round to one decimal."):format(by.noun, nouns, verb),
      ("For each %s, show which percentage of the %s %s, rounded to one decimal."):format(by.noun, nouns, verb),
    } .. by.identify
  else
    question = g.draw:pick {
      ("What percentage of the %s %s? Round to one decimal."):format(nouns, verb),
      ("Of all %s, which percentage %s? Round to one decimal."):format(nouns, verb),
    }
  end
  return select.text(s), question
end

--- Values at the first and the second third of those that the rows have; nil where they lie too close.
local function thirds(g, attribute)
  local values = {}
  for _, row in ipairs(g.rows) do
    local value = row[attribute.at]
    if value and #kinds.number(value) <= 8 then values[#values + 1] = value end
  end
  table.sort(values)
  local low, high = values[#values // 3 + 1], values[2 * #values // 3 + 1]
  if #values < 6 or low >= high or low <= values[1] then return nil end
  return low, high
end

local NUMBERS = { number = true }
local NAMES = { { "low", "medium", "high" }, { "small", "medium", "large" } }

local function case(g)
  local attribute = g:take(NUMBERS, { own = true, filled = true })
  local low, high
  if attribute then low, high = thirds(g, attribute) end
  if not low or not g:filters(2) then return nil end
  local measure = g.draw:chance(0.7) and { fn = "count" } or g:measure { avg = true, sum = true }
  if not measure then return nil end
  local a, b, names = kinds.number(low), kinds.number(high), g.draw:pick(NAMES)
  local class = ("CASE WHEN %s < %s THEN '%s' WHEN %s < %s THEN '%s' ELSE '%s' END"):format(attribute.expr, a, names[1],
    attribute.expr, b, names[2], names[3])
  local columns = { ("%s AS %s_class"):format(class, english.column(attribute.phrase)) }
  local s = { columns = pieces.plus(columns, g:measured { measure }), from = g:from(), where = g:where(),
    group = { g.draw:chance(0.5) and "1" or class } }
  local bounds = ("'%s' below %s, '%s' from %s to below %s, '%s' from %s on"):format(names[1], a, names[2], a, b, names[3], b)
  local nouns, name = g:nouns(), english.name(attribute)
  if measure.fn ~= "count" then
    return select.text(s), ("Sort the %s into classes by %s (%s). What is the %s of each class?%s"):format(nouns, name, bounds,
      english.measure(measure, ""), english.rounding { measure })
  end
  return select.text(s), g.draw:pick {
    ("Sort the %s into classes by %s (%s) and count each class."):format(nouns, name, bounds),
    ("How many %s fall into each class of %s: %s?"):format(nouns, name, bounds),
  }
end

return {
  { name = "share", weight = 1.2, make = share },
  { name = "case", weight = 0.8, make = case },
}
