--- Calls that look at many rows: COUNT, SUM, AVG, MIN, MAX, and, beside each row, ROW_NUMBER, RANK,
--- LAG, LEAD.

local english = require "nlsql.grammar.english"
local frames = require "nlsql.grammar.frames"
local periods = require "nlsql.grammar.periods"
local pieces = require "nlsql.grammar.pieces"
local select = require "nlsql.grammar.select"
local windows = require "nlsql.grammar.windows"
local words = require "nlsql.grammar.words"

local ORDERED = { number = true, year = true, date = true }

local MADE = {}
for _, family in ipairs { windows, periods } do
  for _, construct in ipairs(family) do MADE[construct.name] = construct.make end
end

--- --- aggregates ------------------------------------------------------------------------------------

local function totals(fn)
  return { { 2, frames.measured(fn, "aggregate") }, { 3, frames.measured(fn, "group") },
    { 1, frames.measured(fn, "top_group") } }
end

local ENDS = { min = "first", max = "last" }

--- The name that comes first, or last, in the alphabet.
local function by_name(fn)
  return function(g)
    local a = frames.take(g, frames.TEXTS, { test = frames.is_text })
    if not a or not g:filters(1) or not frames.occurs(g, a) then return nil end
    local name = english.name(a)
    local column = frames.column(g, ("%s(%s)"):format(fn, a.expr), ("%s %s"):format(ENDS[fn], name))
    return select.text { columns = { column }, from = g:from(), where = g:where() },
      ("Which %s comes %s in alphabetical order among all %s?"):format(name, ENDS[fn], g:nouns())
  end
end

local function extreme(fn)
  return { { 2, frames.measured(fn, "aggregate") }, { 3, frames.measured(fn, "group") }, { 0.7, by_name(fn) } }
end

--- --- in order --------------------------------------------------------------------------------------

---@class nlsql.RowOrder
---@field list string[]  ORDER BY's, without ties
---@field said string    "by price from highest to lowest, then by name"
---@field by nlsql.NodeAttribute? what comes first, where it is not what shows the row

--- An order of the base's rows: by an attribute, or by what shows them.
---@return nlsql.RowOrder?
local function row_order(g)
  local order, ties = pieces.row_order(g.base)
  if not order or #order == 0 then return nil end
  local by = frames.take(g, ORDERED, { filled = true, test = pieces.tells_apart })
  if not by then return { list = order, said = "by " .. ties } end
  local down = g.draw:chance(0.5)
  return { list = pieces.plus({ by.expr .. (down and " DESC" or "") }, order), by = by,
    said = ("by %s %s, then by %s"):format(english.name(by), english.direction(by.role, down), ties) }
end

--- Columns that show the row, and the attribute that it is ordered by.
local function shown_columns(g, order)
  local columns, said = frames.label(g)
  local by = order.by
  for _, one in ipairs(g.base.label) do
    if one == by then by = nil end
  end
  if by then
    columns[#columns + 1] = g:output(by)
    said[#said + 1] = "the " .. english.name(by)
  end
  return columns, said
end

local function numbered(g)
  g:reserve("position")
  local order = row_order(g)
  if not order then return nil end
  local columns, said = shown_columns(g, order)
  if not g:filters(1) then return nil end
  columns[#columns + 1] = ("row_number() OVER (ORDER BY %s) AS position"):format(table.concat(order.list, ", "))
  said[#said + 1] = "the number"
  return select.text { columns = columns, from = g:from(), where = g:where() },
    ("Number the %s from 1 on, ordered %s. Show %s."):format(g:nouns(), order.said, words.all(said))
end

--- Groups ranked by how many rows they have.
local function groups_ranked(g)
  g:reserve("position")
  local group = g:group()
  if not group or not g:filters(1) then return nil end
  local counted = g:measured { { fn = "count" } }
  local columns = pieces.plus(group.columns, { counted[1], "rank() OVER (ORDER BY count(*) DESC) AS position" })
  return select.text { columns = columns, from = g:from(), where = g:where(), group = group.by },
    ("Rank the %s by their number of %s from highest to lowest. Show the %s, that number and the rank; equal numbers share a "
      .. "rank."):format(group.nouns, g:nouns(), group.shown) .. group.identify
end

local function ranked_by_time(g)
  g:reserve("position")
  local by = frames.take(g, ORDERED, { filled = true })
  if not by then return nil end
  local columns, said = shown_columns(g, { by = by })
  if not g:filters(1) or #columns < 2 then return nil end
  local down = g.draw:chance(0.6)
  columns[#columns + 1] = ("rank() OVER (ORDER BY %s%s) AS position"):format(by.expr, down and " DESC" or "")
  said[#said + 1] = "the rank"
  return select.text { columns = columns, from = g:from(), where = g:where() },
    ("Rank the %s by %s %s, equal values sharing a rank. Show %s."):format(g:nouns(), english.name(by),
      english.direction(by.role, down), words.all(said))
end

local NEIGHBOUR = { lag = "before", lead = "after" }

--- Beside each row what the one before (after) it has.
local function neighbour(fn)
  return function(g)
    local order = row_order(g)
    local seen = order and (order.by or g.base.label[1])
    local other = order and g.draw:chance(0.35) and frames.take(g, { number = true, date = true, category = true })
    if not seen then return nil end
    local value = other or seen
    local columns, said = shown_columns(g, order)
    if other then
      columns[#columns + 1] = g:output(other)
      said[#said + 1] = "the " .. english.name(other)
    end
    if not g:filters(1) or #g.rows < 2 then return nil end
    local name = english.name(value)
    local column = frames.column(g, ("%s(%s) OVER (ORDER BY %s)"):format(fn, value.expr, table.concat(order.list, ", ")),
      fn == "lag" and "previous " .. name or "next " .. name)
    columns[#columns + 1] = column
    return select.text { columns = columns, from = g:from(), where = g:where() },
      ("Order the %s %s. For each of them, show %s and the %s of the one right %s it (nothing where there is none)."):format(
        g:nouns(), order.said, words.all(said), name, NEIGHBOUR[fn])
  end
end

return {
  count = totals("count"),
  sum = totals("sum"),
  avg = totals("avg"),
  min = extreme("min"),
  max = extreme("max"),
  row_number = { { 3, numbered }, { 1, MADE.top_in_group } },
  rank = { { 2, MADE.rank }, { 1.5, groups_ranked }, { 1, ranked_by_time } },
  lag = { { 3, neighbour("lag") }, { 1, MADE.change } },
  lead = { { 1, neighbour("lead") } },
}
