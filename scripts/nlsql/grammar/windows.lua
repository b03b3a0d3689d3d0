--- windows: rows beside others of their group: ranks, the first few of each group, shares of a total.

local english = require "nlsql.grammar.english"
local pieces = require "nlsql.grammar.pieces"
local select = require "nlsql.grammar.select"

local ORDERED = { number = true, year = true, date = true }

--- Columns that show the base's rows, and the name of each in the result; nil where there are none.
local function label_columns(g)
  local columns = {}
  if #g.base.label == 0 then return nil end
  for i, attribute in ipairs(g.base.label) do
    if g.used[attribute] then return nil end
    g.used[attribute] = true
    columns[i] = g:output(attribute)
  end
  return columns
end

local function partition(group)
  return table.concat(group.node and pieces.key(group.node) or group.by, ", ")
end

local function rank(g)
  g:reserve("position")
  local label = label_columns(g)
  local by = label and g:take(ORDERED, { filled = true, own = true, test = pieces.tells_apart })
  local group = by and g.draw:chance(0.7) and g:group() or nil
  if not by or not g:filters(1) then return nil end
  local down = g.draw:chance(0.75)
  local over = ("%sORDER BY %s%s"):format(group and ("PARTITION BY %s "):format(partition(group)) or "", by.expr,
    down and " DESC" or "")
  local columns = pieces.plus(group and group.columns or {}, label)
  columns = pieces.plus(columns, { g:output(by), ("rank() OVER (%s) AS position"):format(over) })
  local s = { columns = columns, from = g:from(), where = g:where() }
  local nouns, name, direction = g:nouns(), english.name(by), english.direction(by.role, down)
  local question = ("Rank the %s by %s %s."):format(nouns, name, direction)
  if group then
    question = g.draw:pick {
      ("Within each %s, rank the %s by %s %s."):format(group.noun, nouns, name, direction),
      ("For each %s, give the %s a rank by %s, %s."):format(group.noun, nouns, name, direction),
    }
  end
  return select.text(s), ("%s Show the %s%s, the %s and the rank; equal values share a rank."):format(question,
    group and group.shown .. ", the " or "", english.label(g.base), name)
end

local function top_in_group(g)
  g:reserve("position")
  local label = label_columns(g)
  local order, ties = pieces.row_order(g.base)
  local by = label and order and g:take(ORDERED, { filled = true, own = true, test = pieces.tells_apart })
  local group = by and g:group()
  if not group or not g:filters(1) then return nil end
  local down, n = g.draw:chance(0.75), g.draw:int(3)
  local inner = pieces.plus(pieces.plus(group.columns, label), { g:output(by) })
  local shown = table.concat(pieces.result_names(inner), ", ")
  inner[#inner + 1] = ("row_number() OVER (PARTITION BY %s ORDER BY %s%s, %s) AS position"):format(partition(group), by.expr,
    down and " DESC" or "", table.concat(order, ", "))
  local query = select.text { columns = inner, from = g:from(), where = g:where() }
  local text = g.draw:pick {
    ("WITH ranked AS (%s) SELECT %s FROM ranked WHERE position <= %d"):format(query, shown, n),
    ("SELECT %s FROM (%s) AS ranked WHERE position <= %d"):format(shown, query, n),
  }
  local which = n == 1 and g.base.entity.noun or ("%d %s"):format(n, g.base.entity.nouns)
  local only = #g.conditions > 0 and ", only counting " .. g:nouns() or ""
  return text, ("For each %s, find the %s with the %s%s. Show the %s, the %s and the %s. %s"):format(group.noun, which,
    english.extreme(by, down), only, group.shown, english.label(g.base), english.name(by), english.ties(g.draw, ties))
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
  g:reserve("percentage")
  local group = g:group()
  local measure = group and g:measure { count = true, sum = true }
  if not measure or not g:filters(1) then return nil end
  if measure.attribute and not adds_up(g, measure.attribute) then return nil end
  g:present(group.node or group.attribute.node)
  local text = pieces.measure(measure)
  local share = pieces.exact(measure.attribute, ("(100.0 * %s / sum(%s) OVER ())"):format(text, text))
  local s = { columns = pieces.plus(group.columns, { ("round(%s, 1) AS percentage"):format(share) }), from = g:from(),
    where = g:where(), group = group.by }
  local whole = "all " .. g:nouns()
  if measure.fn ~= "count" then whole = ("the %s of %s"):format(english.measure(measure, ""), whole) end
  return select.text(s), g.draw:pick {
    ("What percentage of %s does each %s account for? Round to one decimal."):format(whole, group.noun),
    ("Which share of %s, in percent and rounded to one decimal, does each %s have?"):format(whole, group.noun),
  } .. group.identify
end

return {
  { name = "rank", weight = 1, make = rank, shows = { window = true } },
  { name = "top_in_group", weight = 1.2, make = top_in_group, shows = { window = true, subquery = true, cte = true } },
  { name = "share_of_total", weight = 0.8, make = share_of_total, shows = { window = true } },
}
