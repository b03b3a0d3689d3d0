--- windows: rows beside others of their group: ranks, the first few of each group, shares of a total.

local english = require "nlsql.grammar.english"
local growth = require "nlsql.grammar.growth"
local select = require "nlsql.grammar.select"

local ORDERED = { number = true, year = true, date = true }

--- The base's label (its key where it has no name) as columns, with what it is called, and an order
--- that leaves no ties.
local function rows_of(g)
  local columns, order, unique = {}, {}, not g.base.entity.named
  if #g.base.label == 0 or #g.base.entity.key == 0 then return nil end
  for i, attribute in ipairs(g.base.label) do
    if g.used[attribute] then return nil end
    g.used[attribute] = true
    columns[i], order[i] = g:output(attribute), attribute.expr
    unique = unique or attribute.distinct == g.base.entity.rows
  end
  local ties = english.label(g.base)
  if not unique then
    for _, expr in ipairs(growth.key(g.base)) do order[#order + 1] = expr end
    ties = ("%s, then by %s ID"):format(ties, g.base.entity.noun)
  end
  return columns, order, ties
end

local function add(list, ...)
  for _, one in ipairs { ... } do list[#list + 1] = one end
  return list
end

--- How the columns of an inner query are called outside of it.
local function outer_names(columns)
  local out = {}
  for i, text in ipairs(columns) do out[i] = text:match(' AS ("?[^"]+"?)$') or text:match('([%w_]+)$') or text:match('("[^"]+")$') end
  return out
end

local function rank(g)
  local columns, _, _ = rows_of(g)
  local by = columns and g:take(ORDERED, { filled = true, own = true, test = growth.tells_apart })
  local group = by and g.draw:chance(0.7) and g:group() or nil
  if not by or not g:filters(1) then return nil end
  local down = g.draw:chance(0.75)
  local over = group and ("PARTITION BY %s ORDER BY "):format(table.concat(group.node and growth.key(group.node) or group.by, ", "))
    or "ORDER BY "
  local list = group and table.move(group.columns, 1, #group.columns, 1, {}) or {}
  add(list, table.unpack(columns))
  add(list, g:output(by), ("%s() OVER (%s%s%s) AS position"):format("rank", over, by.expr, down and " DESC" or ""))
  local s = { columns = list, from = g:from(), where = g:where() }
  local shown = english.label(g.base)
  local question
  if group then
    question = g.draw:pick { "Within each %s, rank the %s by %s %s.", "For each %s, give the %s a rank by %s, %s." }
      :format(group.noun, g:nouns(), english.name(by), english.direction(by.role, down))
    question = question .. (" Show the %s, the %s, the %s and the rank; equal values share a rank."):format(group.shown, shown,
      english.name(by))
  else
    question = ("Rank the %s by %s %s. Show the %s, the %s and the rank; equal values share a rank."):format(g:nouns(),
      english.name(by), english.direction(by.role, down), shown, english.name(by))
  end
  return select.text(s), question
end

local function top_in_group(g)
  local columns, order, ties = rows_of(g)
  local by = columns and g:take(ORDERED, { filled = true, own = true, test = growth.tells_apart })
  local group = by and g:group()
  if not group or not g:filters(1) then return nil end
  local down, n = g.draw:chance(0.75), g.draw:int(3)
  local inner = table.move(group.columns, 1, #group.columns, 1, {})
  add(inner, table.unpack(columns))
  add(inner, g:output(by))
  local shown = outer_names(inner)
  add(inner, ("row_number() OVER (PARTITION BY %s ORDER BY %s%s, %s) AS position"):format(
    table.concat(group.node and growth.key(group.node) or group.by, ", "), by.expr, down and " DESC" or "", table.concat(order, ", ")))
  local query = select.text { columns = inner, from = g:from(), where = g:where() }
  local text
  if g.draw:chance(0.5) then
    text = ("WITH ranked AS (%s) SELECT %s FROM ranked WHERE position <= %d"):format(query, table.concat(shown, ", "), n)
  else
    text = ("SELECT %s FROM (%s) AS ranked WHERE position <= %d"):format(table.concat(shown, ", "), query, n)
  end
  local which = n == 1 and g.base.entity.noun or ("%d %s"):format(n, g.base.entity.nouns)
  local only = #g.conditions > 0 and (", only counting %s"):format(g:nouns()) or ""
  local question = ("For each %s, find the %s with the %s%s. Show the %s, the %s and the %s."):format(group.noun, which,
    english.extreme(by, down), only, group.shown, english.label(g.base), english.name(by))
  return text, question .. " " .. english.ties(g.draw, ties)
end

--- Shares mean something where nothing is below zero and something above.
local function adds_up(g, attribute)
  local above = false
  for _, row in ipairs(g.rows) do
    local value = row[attribute.at] or 0
    if value < 0 then return false end
    above = above or value > 0
  end
  return above
end

local function share_of_total(g)
  local group = g:group()
  local measure = group and g:measure { count = true, sum = true }
  if not measure or not g:filters(1) then return nil end
  g:present(group.node or group.attribute.node)
  if measure.attribute and not adds_up(g, measure.attribute) then return nil end
  local text = growth.measure(measure)
  local columns = table.move(group.columns, 1, #group.columns, 1, {})
  add(columns, ("round(%s, 1) AS percentage"):format(growth.exact(measure.attribute,
    ("(100.0 * %s / sum(%s) OVER ())"):format(text, text))))
  local s = { columns = columns, from = g:from(), where = g:where(), group = group.by }
  local whole = measure.fn == "count" and "all " .. g:nouns()
    or ("the %s of all %s"):format(english.measure(measure, ""), g:nouns())
  local question = g.draw:pick { "What percentage of %s does each %s account for? Round to one decimal.",
    "Which share of %s, in percent and rounded to one decimal, does each %s have?" }:format(whole, group.noun)
  return select.text(s), question .. group.identify
end

return {
  { name = "rank", weight = 1, make = rank },
  { name = "top_in_group", weight = 1.2, make = top_in_group },
  { name = "share_of_total", weight = 0.8, make = share_of_total },
}
