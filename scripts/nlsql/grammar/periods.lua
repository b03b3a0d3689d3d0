--- periods: what happened when: date_trunc, years, running totals, change from one period to the next.

local conditions = require "nlsql.grammar.conditions"
local english = require "nlsql.grammar.english"
local pieces = require "nlsql.grammar.pieces"
local select = require "nlsql.grammar.select"

local DATES = { date = true }
local YEAR, SINCE = { year = true }, { since = true }
local UNITS = { { unit = "month", weight = 4 }, { unit = "quarter", weight = 1.5 }, { unit = "year", weight = 3 } }

---@class nlsql.Period
---@field unit string  "month", "quarter" or "year"
---@field expr string
---@field said string  "month of the order date"

--- A date of the base, cut to a period; months and quarters within one year, most often.
---@return nlsql.Period?
local function period(g)
  local attribute = g:take(DATES, { own = true })
  if not attribute or not g:filled(attribute) then return nil end
  local unit = g.draw:weighted(UNITS).unit
  local one_year = unit ~= "year" and g.draw:chance(0.8)
  if one_year or attribute.nullable then
    local condition, left = conditions.on(g.draw, attribute, g.rows, one_year and YEAR or SINCE)
    if not condition then return nil end
    g.conditions[#g.conditions + 1] = condition
    g.rows = left
  end
  local expr = ("date_trunc('%s', %s)"):format(unit, attribute.expr)
  if unit == "year" and g.draw:chance(0.6) then expr = ("EXTRACT(YEAR FROM %s)"):format(attribute.expr) end
  return { unit = unit, expr = expr, said = ("%s of the %s"):format(unit, attribute.phrase) }
end

--- A query with a column for the period, the measure, and `more`; and what is measured, in words.
local function by_period(g, fns, more)
  local cut = period(g)
  local measure = g:measure(fns)
  if not cut or not measure or not g:filters(1) then return nil end
  local columns = pieces.plus({ ("%s AS %s"):format(cut.expr, cut.unit) }, g:measured { measure })
  if more then columns[3] = more(pieces.measure(measure), cut.expr) end
  local s = { columns = columns, from = g:from(), where = g:where(), group = { cut.expr }, order = { cut.unit } }
  local what = measure.fn == "count" and "the number of " .. g:nouns()
    or ("the %s of %s"):format(english.measure(measure, ""), g:nouns())
  return s, cut, what, measure
end

local COUNT_SUM_AVG, COUNT_SUM = { count = true, sum = true, avg = true }, { count = true, sum = true }

local function per_period(g)
  local s, cut, what, measure = by_period(g, COUNT_SUM_AVG)
  if not s then return nil end
  if g.draw:chance(0.5) then s.group = { "1" } end
  local question = g.draw:pick { "For each %s, show %s", "Show, per %s, %s" }:format(cut.said, what)
  if g.draw:chance(0.3) then
    s.order = nil
  else
    question = question .. ", in order of time"
  end
  return select.text(s), question .. "." .. english.rounding { measure }
end

local function running_total(g)
  local s, cut, what = by_period(g, COUNT_SUM, function(measure, expr)
    return ("sum(%s) OVER (ORDER BY %s) AS running_total"):format(measure, expr)
  end)
  if not s then return nil end
  return select.text(s), ("For each %s, show %s and its running total so far, in order of time."):format(cut.said, what)
end

local function change(g)
  local s, cut, what = by_period(g, COUNT_SUM, function(measure, expr)
    return ("%s - lag(%s) OVER (ORDER BY %s) AS change"):format(measure, measure, expr)
  end)
  if not s then return nil end
  local difference = ("how much it differs from the %s before that has any"):format(cut.unit)
  return select.text(s), ("For each %s, show %s and %s, in order of time."):format(cut.said, what, difference)
end

return {
  { name = "per_period", weight = 2.5, make = per_period },
  { name = "running_total", weight = 0.7, make = running_total, shows = { window = true } },
  { name = "change", weight = 0.6, make = change, shows = { window = true } },
}
